"""The papers of a decision as a person fetches them: from the page, as PDF, and by the command line."""

from __future__ import annotations

import json
import sys

import pytest
from desk_fakes import Visitor
from test_pages import Checked, send

from eco_credit.core.errors import ContractError
from serving.cli.memo import memo

NAMES = ("memo", "sheet")
TITLES = {"memo": {"zh": "授信调查报告", "en": "Credit investigation report"},
          "sheet": {"zh": "审批意见表", "en": "Decision sheet"}}  # fmt: skip


def pdf_ready() -> bool:
    try:
        import typst
    except ImportError:
        return False
    from eco_credit.reports.papers.pdf import CJK_FAMILIES

    return bool(set(CJK_FAMILIES) & set(typst.Fonts().families()))


with_pdf = pytest.mark.skipif(not pdf_ready(), reason="needs the extra pdf and a Chinese font")


def decided(visitor: Visitor) -> str:
    return send(visitor, "forest_right").url.path


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", NAMES)
def test_a_paper_is_one_click_from_the_result_and_links_its_pdf_and_the_other_language(visitor, name, lang):
    path = decided(visitor)
    assert f'href="{path}/{name}?lang=zh"' in visitor.get(path).text
    page = visitor.get(f"{path}/{name}?lang={lang}")
    assert page.status_code == 200 and page.headers["cache-control"] == "no-store"
    assert f"<h1>{TITLES[name][lang]}</h1>" in page.text
    assert Checked(page.text).faults == []
    assert f'href="{path}/{name}.pdf?lang={lang}"' in page.text
    assert f"lang={'en' if lang == 'zh' else 'zh'}" in page.text


def test_the_style_sheet_of_the_papers_is_kept_by_the_browser(visitor):
    page = visitor.get(decided(visitor) + "/memo").text
    address = page.partition('<link rel="stylesheet" href="')[2].partition('"')[0]
    assert address.startswith("/static/paper.css?v=")
    assert "immutable" in visitor.get(address).headers["cache-control"]


def test_a_persons_decision_appears_on_the_papers_after_it_is_recorded(visitor):
    path = decided(visitor)
    assert "尚无已登记的审批意见" in visitor.get(path + "/sheet").text
    body = {"decided": "decline", "decided_by": "E1001", "reason": "用途不实"}
    assert visitor.post(f"/v1{path}/outcome", json=body).status_code == 201
    for name in NAMES:
        page = visitor.get(f"{path}/{name}").text
        assert "用途不实" in page and "E1001" in page
        assert "审批意见与系统建议不一致" in page


@pytest.mark.parametrize("ending", ["memo", "sheet", "memo.pdf", "sheet.pdf"])
def test_there_is_no_paper_of_a_decision_that_does_not_exist(visitor, ending):
    assert visitor.get(f"/decisions/d-{'1' * 26}/{ending}").status_code == 404
    assert visitor.get(f"/decisions/<script>/{ending}").status_code == 404


@with_pdf
@pytest.mark.parametrize("name", NAMES)
def test_the_pdf_is_a_file_named_after_the_decision_and_never_kept_on_the_way(visitor, name):
    path = decided(visitor)
    made = visitor.get(f"{path}/{name}.pdf?lang=zh")
    assert made.status_code == 200 and made.content.startswith(b"%PDF-")
    assert made.headers["content-type"] == "application/pdf"
    assert made.headers["cache-control"] == "no-store"
    assert made.headers["content-disposition"] == f'attachment; filename="{name}-{path.rpartition("/")[2]}.pdf"'
    assert visitor.get(f"{path}/{name}.pdf?lang=zh").content == made.content


def test_without_the_pdf_part_the_page_says_what_to_do_in_the_language_asked_for(visitor, monkeypatch):
    path = decided(visitor)
    monkeypatch.setitem(sys.modules, "typst", None)
    for lang, said in (("zh", "用浏览器打印"), ("en", "print it from the browser")):
        page = visitor.get(f"{path}/memo.pdf?lang={lang}")
        assert page.status_code == 501
        assert said in page.text and "pip install" in page.text


@with_pdf
def test_the_command_line_writes_the_same_file_as_the_page(visitor, tmp_path, capsys):
    path = decided(visitor)
    out = tmp_path / "paper.pdf"
    memo(path.rpartition("/")[2], out, sheet=True, home=tmp_path, json=True)
    assert out.read_bytes() == visitor.get(f"{path}/sheet.pdf?lang=zh").content
    assert json.loads(capsys.readouterr().out)["paper"] == "sheet"


def test_the_command_line_writes_a_page_that_stands_alone(visitor, tmp_path):
    number = decided(visitor).rpartition("/")[2]
    memo(number, tmp_path / "paper.html", home=tmp_path)
    text = (tmp_path / "paper.html").read_text("utf-8")
    assert text.count("<style>") == 1 and "href=" not in text and "授信调查报告" in text


@pytest.mark.parametrize(("out", "rule"), [("paper.pdf", "unknown"), ("paper.doc", "file_ending")])
def test_the_command_line_refuses_an_unknown_decision_or_ending_and_writes_nothing(tmp_path, out, rule):
    with pytest.raises(ContractError) as refused:
        memo("d-x", tmp_path / out, home=tmp_path)
    assert refused.value.violations[0].rule == rule
    assert list(tmp_path.iterdir()) == []
