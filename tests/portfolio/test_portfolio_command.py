"""The command `portfolio` end to end: files in, table, report and workbook out, refusals in words."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer
from portfolio_cases import results_of
from typer.testing import CliRunner

from eco_credit.core.errors import ContractError
from serving.cli import portfolio
from serving.ledger import read_ledger

HEAD = ["申请编号", "债务人证件号码", "债务人类别", "名义在保余额(万元)", "合作银行分险比例(%)", "直担分险比例(%)",
        "再担保分险比例(%)", "流域", "担保起始日", "逾期天数"]  # fmt: skip
ROWS = [
    ["L0", "x", "个人", "80", "20", "40", "40", "瓯江", "2026-01-05", "0"],
    ["L1", "x", "个人", "", "", "", "", "瓯江", "2026-04-01", "45"],
    ["L9", "z", "企业", "1", "", "", "", "", "", ""],
]


def program(*words: str) -> Any:
    app = typer.Typer()
    portfolio.register(app)
    app.command("other")(lambda: None)
    return CliRunner().invoke(app, ["portfolio", *words])


@pytest.fixture
def results(tmp_path: Path) -> Path:
    columns = results_of([1e6, 2e6, 5e5], kind=["forest_right", "order", "water_right"])
    columns["as_of"] = np.array(["2026-11-20"] * 3, dtype="datetime64[D]")
    pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), tmp_path / "r.parquet")
    return tmp_path / "r.parquet"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "ledger.csv"
    with path.open("w", encoding="gb18030", newline="") as sink:
        csv.writer(sink).writerows([HEAD, *ROWS])
    return path


def test_a_chinese_ledger_is_read_in_the_units_of_its_headers(ledger: Path) -> None:
    read = read_ledger(ledger)
    assert read["guarantee_balance"].tolist()[0] == 800_000.0  # 80 ten thousand
    assert read["share_direct"].tolist()[0] == pytest.approx(0.4) and np.isnan(read["share_direct"][1])
    assert read["client_kind"].tolist() == ["person", "person", "enterprise"]


def test_a_ledger_with_a_share_above_one_is_refused_by_row_and_field(ledger: Path) -> None:
    content = ledger.read_text("gb18030").replace(",20,40,40,", ",20,400,40,")
    ledger.write_text(content, encoding="gb18030")
    with pytest.raises(ContractError) as refused:
        read_ledger(ledger)
    assert [(v.field, v.row) for v in refused.value.violations] == [("share_direct", 1)]


def test_report_and_workbook_carry_the_figures_of_the_answer(results: Path, ledger: Path, tmp_path: Path) -> None:
    page, book = tmp_path / "p.html", tmp_path / "p.xlsx"
    ran = program(
        str(results), "--ledger", str(ledger), "--report", str(page), "--xlsx", str(book), "--lang", "en", "--json"
    )
    assert ran.exit_code == 0, ran.output
    figures = json.loads(ran.stdout)
    assert figures["counts"]["clients"] == 2 and figures["counts"]["ledger_unmatched"] == 1
    assert figures["balance"]["whole"] == 3.3e6 and figures["rules_day"] == "2026-11-20"
    assert [row["stage"] for row in figures["prudential"]["ecl"]["stages"] if row["loans"]] == [1, 2]
    assert figures["outlook"]["vintages"][0]["quarter"] == "2026Q1"
    assert "Loss distribution" in page.read_text("utf-8") and "3,300,000" in page.read_text("utf-8")
    sheet = openpyxl.load_workbook(io.BytesIO(book.read_bytes()))["Balances"]
    assert 3.3e6 in [cell.value for row in sheet.iter_rows() for cell in row]


def test_a_large_file_may_be_looked_at_without_drawing(results: Path) -> None:
    ran = program(str(results), "--no-outlook", "--json")
    assert ran.exit_code == 0 and "outlook" not in json.loads(ran.stdout)


def test_the_answer_is_the_same_twice(results: Path, ledger: Path) -> None:
    first, again = (program(str(results), "--ledger", str(ledger), "--json").stdout for _ in range(2))
    assert first == again


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_people_read_a_table_in_their_language(results: Path, lang: str) -> None:
    shown = program(str(results), "--lang", lang).stdout
    assert ("保本担保费" if lang == "zh" else "Break-even fee") in shown and "None" not in shown


@pytest.mark.parametrize(
    ("option", "name", "rule"), [("--report", "p.pdf", "file_ending"), ("--xlsx", "p.csv", "file_ending")]
)
def test_an_ending_that_is_not_written_is_refused_before_anything_is_read(
    results: Path, tmp_path: Path, option: str, name: str, rule: str
) -> None:
    ran = program(str(tmp_path / "none.parquet"), option, str(tmp_path / name))
    assert isinstance(ran.exception, ContractError) and ran.exception.violations[0].rule == rule
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("option", ["--terms", "--stress", "--ledger"])
def test_a_file_that_is_not_there_is_refused_in_words(results: Path, tmp_path: Path, option: str) -> None:
    ran = program(str(results), option, str(tmp_path / "none.yaml"))
    assert isinstance(ran.exception, ContractError) or ran.exit_code == 2, ran.exception


def test_own_scenarios_are_run_instead_of_the_shipped_ones(results: Path, tmp_path: Path) -> None:
    own = tmp_path / "s.yaml"
    own.write_text("[{name: frost, zh: 倒春寒, en: Late frost, value: {all: -0.1}}]", encoding="utf-8")
    found = json.loads(program(str(results), "--stress", str(own), "--json").stdout)["outlook"]["stress"]
    assert [row["name"] for row in found] == ["base", "frost"] and found[1]["loss"] > found[0]["loss"]


def test_a_scenario_that_names_no_rule_is_refused(results: Path, tmp_path: Path) -> None:
    own = tmp_path / "s.yaml"
    own.write_text("[{name: frost, zh: 倒春寒, en: Late frost, value: {all: no_such_rule}}]", encoding="utf-8")
    ran = program(str(results), "--stress", str(own))
    assert ran.exit_code != 0 and "no_such_rule" in str(ran.exception)


def test_past_calls_of_a_chinese_ledger_stand_in_the_answer_and_on_the_page(results: Path, tmp_path: Path) -> None:
    path, page = tmp_path / "past.csv", tmp_path / "p.html"
    head = ["申请编号", "担保金额(万元)", "解保日期", "代偿拨付日", "代偿金额(万元)", "追偿到账(万元)"]
    called = ["L7", "100", "2025-06-30", "2025-06-30", "5", "1"]
    rows = [["L0", "100"], called, ["L8", "300", "2025-07-01"]]
    with path.open("w", encoding="utf-8-sig", newline="") as sink:
        csv.writer(sink).writerows([head, *(row + [""] * (len(head) - len(row)) for row in rows)])
    ran = program(str(results), "--ledger", str(path), "--no-outlook", "--json", "--report", str(page), "--lang", "en")
    assert ran.exit_code == 0, ran.output
    # 50 000 called over four million released
    (found,) = json.loads(ran.stdout)["experience"]
    assert (found["year"], found["released"], found["called"], found["call_rate"]) == (2025, 4e6, 5e4, 0.0125)
    assert found["subrogation_rate"] == 0.2 and "Calls and subrogation of past years" in page.read_text("utf-8")
