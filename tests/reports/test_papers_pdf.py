"""The PDF of a paper: the figures of the page, a mark on every sheet, no hole, no personal number, the same bytes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest
from paper_cases import CANARY, DECISION, EARLIER, KINDS, LATER, record

from eco_credit.reports.papers import Paper, PdfUnavailable, Record, decision_sheet, investigation_memo, to_pdf
from eco_credit.reports.papers.pdf import CJK_FAMILIES

typst = pytest.importorskip("typst", reason="needs the extra pdf")
PAPERS = {"memo": investigation_memo, "sheet": decision_sheet}
with_font = pytest.mark.skipif(
    not set(CJK_FAMILIES) & set(typst.Fonts().families()), reason="needs a font with simplified Chinese"
)
with_reader = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext of poppler")


def text_of(made: bytes) -> str:
    done = subprocess.run(["pdftotext", "-layout", "-", "-"], input=made, capture_output=True, check=True)
    return done.stdout.decode()


def figures(paper: Paper) -> list[str]:
    """Every figure of the paper's facts and tables."""
    blocks = [block for part in paper.parts for block in part.blocks]
    cells = [fact.text for block in blocks if block.type == "facts" for fact in block.facts]
    cells += [cell for block in blocks if block.type == "table" for row in block.rows for cell in row]
    return [figure for cell in cells for figure in re.findall(r"¥?\d[\d,]*\.\d+%?", cell)]


@with_font
@with_reader
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("name", PAPERS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_text_of_the_pdf_holds_every_figure_of_the_paper(kind, name, lang):
    paper = PAPERS[name](record(kind, (EARLIER, LATER)), lang=lang)
    text = text_of(to_pdf(paper))
    asked = figures(paper)
    assert len(asked) > 15
    assert [one for one in asked if one not in text] == []


@with_font
@with_reader
def test_every_sheet_carries_the_mark_the_number_and_its_place():
    sheets = text_of(to_pdf(investigation_memo(record("forest_right"), lang="zh"))).split("\f")[:-1]
    assert len(sheets) > 3
    for place, sheet in enumerate(sheets, 1):
        assert "合成数据演示，不得用于真实授信" in sheet
        assert DECISION in sheet
        assert "模型结果仅供参考" in sheet
        assert re.search(rf"第 ?{place} ?页 ?共 ?{len(sheets)} ?页", sheet)


@with_font
@pytest.mark.parametrize("name", PAPERS)
def test_the_same_record_gives_the_same_bytes_with_the_time_of_the_record(name):
    made = [to_pdf(PAPERS[name](record("order", (LATER,)), lang="zh")) for _ in range(2)]
    assert made[0] == made[1]
    assert b"D:20261123040506" in made[0]  # recorded 2026-11-23 04:05:06 UTC
    assert to_pdf(PAPERS[name](replace(record("order"), recorded_at=""), lang="zh")) == to_pdf(
        PAPERS[name](replace(record("order"), recorded_at=""), lang="zh")
    )


@with_font
@with_reader
def test_no_personal_number_or_name_stands_in_the_file_outside_its_pages():
    paper = investigation_memo(record("forest_right"), lang="zh")
    made = to_pdf(paper)
    name = record("forest_right").application["borrower"]["borrower_name"]
    for secret in (CANARY, name):
        assert secret.encode() not in made and secret.encode("utf-16-be") not in made
    assert CANARY not in text_of(made)
    if shutil.which("pdfinfo"):
        info = subprocess.run(["pdfinfo", "-"], input=made, capture_output=True, check=True).stdout.decode()
        assert f"授信调查报告 {DECISION}" in info
        assert CANARY not in info and name not in info


@with_font
def test_a_character_without_a_glyph_is_refused_and_never_printed_as_a_box():
    given = record("order")
    borrower = given.application["borrower"] | {"borrower_name": "某\U000f1234公司"}  # a private character
    paper = investigation_memo(Record(given.answer, dict(given.application) | {"borrower": borrower}))
    with pytest.raises(PdfUnavailable) as refused:
        to_pdf(paper)
    assert "未生成 PDF" in refused.value.zh and "font" in refused.value.en
    assert "\U000f1234" not in refused.value.zh  # a problem never repeats a value


@with_font
def test_text_that_is_markup_for_the_typesetter_is_printed_as_text():
    given = record("order")
    evil = '#read("/etc/passwd") $x$ *b* _i_ `c` <l> @r \\ [ ] // '
    borrower = given.application["borrower"] | {"borrower_name": evil}
    made = to_pdf(decision_sheet(Record(given.answer, dict(given.application) | {"borrower": borrower})))
    if shutil.which("pdftotext"):
        assert '#read("/etc/' in text_of(made) and "root:" not in text_of(made)


def test_without_a_chinese_font_it_says_what_to_install_in_both_languages():
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
    with pytest.raises(PdfUnavailable) as refused:
        to_pdf(decision_sheet(record("order")), fonts=fonts)
    assert "fonts-noto-cjk" in refused.value.zh and "fonts-noto-cjk" in refused.value.en
    assert "浏览器打印" in refused.value.zh and "browser" in refused.value.en


def test_without_typst_it_says_what_to_install_in_both_languages(monkeypatch):
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(PdfUnavailable) as refused:
        to_pdf(decision_sheet(record("order")))
    assert 'pip install "eco-credit[pdf]"' in refused.value.zh and "pip install" in refused.value.en
