"""What a browser makes of the papers on paper: A4, numbered sheets, head and foot on each. Skips without Chromium."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from paper_cases import DECISION, LATER, record

from eco_credit.reports.papers import decision_sheet, investigation_memo, to_html

pytestmark = pytest.mark.skipif(shutil.which("pdftotext") is None, reason="needs pdftotext of poppler")
A4 = 210 / 25.4 * 72, 297 / 25.4 * 72
"""Points."""


@pytest.fixture(scope="module")
def page(browser):
    return browser.new_page()


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("make", [investigation_memo, decision_sheet])
def test_every_printed_sheet_is_a4_with_mark_number_foot_and_its_place(page, make, lang):
    page.set_content(to_html(make(record("water_right", (LATER,)), lang=lang)))
    made = page.pdf(prefer_css_page_size=True)
    sheets = subprocess.run(["pdftotext", "-layout", "-", "-"], input=made, capture_output=True, check=True)
    texts = sheets.stdout.decode().split("\f")[:-1]
    mark = {"zh": "合成数据演示", "en": "Demonstration on synthetic data"}[lang]
    foot = {"zh": "模型结果仅供参考", "en": "Model results are for reference only"}[lang]
    for place, text in enumerate(texts, 1):
        assert mark in text and DECISION in text and foot in text
        assert re.search(rf"\b{place} ?/ ?{len(texts)}\b", text)
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", made)
    assert box is not None
    assert [float(side) for side in box.groups()] == pytest.approx(A4, abs=1.0)


def test_a_table_that_runs_over_a_sheet_repeats_its_head(page):
    found = record("forest_right")
    page.set_content(to_html(investigation_memo(found, lang="zh")))
    made = page.pdf(prefer_css_page_size=True)
    text = subprocess.run(["pdftotext", "-layout", "-", "-"], input=made, capture_output=True, check=True)
    sheets = text.stdout.decode().split("\f")
    # the list of papers behind the figures is longer than what is left of the first sheet
    assert "核实方式" in sheets[0] and "核实方式" in sheets[1]
