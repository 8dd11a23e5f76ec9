"""The page of jobs in a real browser: a file is sent, the line moves on by itself, the result is fetched."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from batch_rows import cells, flat, write_csv
from desk_fakes import served
from small_store import add_model
from test_browser import tab

from serving.app import create_app
from serving.settings import Settings
from serving.web.jobs_page import _said


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = add_model(tmp_path_factory.mktemp("jobs") / "home").home
    app = create_app(Settings(access="open", home=home))
    with served(app) as found:
        yield found


def test_a_file_is_sent_scored_and_fetched_without_a_reload(desk: str, browser, tmp_path: Path) -> None:
    columns = flat(6)
    columns["charge_rank"][0] = 0.0
    source = write_csv(tmp_path / "三月.csv", list(columns), cells(columns))
    page = tab(browser)
    page.goto(f"{desk}/")
    page.get_by_role("navigation").get_by_role("link", name="批量作业").click()
    page.get_by_label("文件").set_input_files(source)
    page.get_by_role("button", name="上传并测算").click()
    page.get_by_role("link", name="报告").wait_for(timeout=30_000)  # the line changes by itself
    line = page.locator("tbody tr").first.inner_text()
    assert "三月.csv" in line and "已完成" in line and "7 = 6 + 1" in line
    page.screenshot(path=tmp_path / "jobs.png", full_page=True)
    with page.expect_download() as waiting:
        page.get_by_role("link", name="结果").click()
    assert Path(waiting.value.path()).read_bytes()[:2] == b"PK"  # xlsx is what the form asks for at first
    assert not page.said
    page.get_by_role("link", name="报告").click()
    page.get_by_role("heading", name="批量测算报告").wait_for()
    page.screenshot(path=tmp_path / "report.png", full_page=True)
    page.get_by_role("link", name="返回批量作业").click()
    page.wait_for_url("**/jobs?**")
    page.context.close()


def test_a_file_that_is_no_table_is_refused_in_words(desk: str, browser, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"%PDF")
    page = tab(browser)
    page.goto(f"{desk}/jobs?lang=en")
    page.get_by_label("File").set_input_files(tmp_path / "a.pdf")
    page.get_by_role("button", name="Upload and score").click()
    assert "one of .csv" in page.get_by_role("alert").inner_text()
    page.context.close()


def test_why_a_job_failed_is_said_once_and_names_the_file_as_it_was_sent() -> None:
    told = {"en": "input.xlsx: no rows", "zh": "input.xlsx：没有数据行"}
    known = {"field": "input.xlsx", "en": "no rows", "zh": "没有数据行"}
    new = {"field": "列", "en": "unit", "zh": "单位不明"}
    one = {"name": "三月.xlsx", "problem": told | {"errors": [known, new]}}
    found = _said(one)
    assert found["said"] == {"en": "三月.xlsx: no rows", "zh": "三月.xlsx：没有数据行"}
    assert [fault["field"] for fault in found["faults"]] == ["列"]
    assert _said({"name": None, "problem": None}) == {"said": {}, "faults": []}
