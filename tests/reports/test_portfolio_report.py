"""The portfolio report as page and workbook: the same figures in both languages, escaped, complete."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any

import openpyxl
import pytest
from portfolio_cases import RULES, book_of, ledger_of, terms

from eco_credit.portfolio import Exposures, portfolio_figures, portfolio_outlook, prudential_view
from eco_credit.reports.page import translator
from eco_credit.reports.portfolio_report import portfolio_report, sections
from eco_credit.reports.portfolio_workbook import portfolio_workbook


def book() -> Exposures:
    ledger = ledger_of(
        6, borrower_id=["a", "a", "b", "c", "d", "=1+1"], basin=["x", "x", "y", "<b>", "y", None],
        buyer_id=[None, "k", "k", None, None, None], start_on=["2026-01-05"] * 6, days_overdue=[0.0, 0, 0, 45, 0, 120],
        green_flag=["yes"] * 6, green_list=["list"] * 6, green_catalogue=["2025"] * 6, approved_on=["2026-01-01"] * 6,
    )  # fmt: skip
    kinds = ["forest_right", "order", "order", "water_right", "forest_right", "forest_right"]
    return book_of([1e6, 2e6, 5e5, 8e5, 3e5, 4e5], kind=kinds, ledger=ledger)


@pytest.fixture(scope="module")
def figures() -> dict[str, Any]:
    agreed = terms(
        net_assets=2e7, expected_payout_budget=5e4, pools=[{"party": "government", "size": 0.01}], cover=0.9,
    )  # fmt: skip
    loans = book()
    return {
        "rules_day": "2026-11-23", "rules_hash": RULES.digest,
        **portfolio_figures(loans, agreed, rules=RULES).as_dict(),
        "outlook": portfolio_outlook(loans, agreed, rules=RULES),
        "prudential": prudential_view(loans, rules=RULES, day=dt.date(2026, 11, 23)),
    }  # fmt: skip


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_is_whole_in_its_language_and_asks_nothing_from_outside(figures: dict[str, Any], lang: str) -> None:
    page = portfolio_report(figures, lang=lang)
    t = translator(lang)
    for key in ("balances", "distribution", "stress", "watch", "vintages", "plan", "prudential", "limits"):
        assert t(f"portfolio.title_of.{key}") in page, key
    assert not re.search(r"<script|src=|href=|https?://(?!www\.w3\.org/2000/svg)", page)
    assert page.count("<svg") >= 4 and "&lt;b&gt;" in page and "<b>x" not in page
    assert "portfolio." not in page  # every key found its word


def test_the_english_page_has_no_chinese_and_the_chinese_one_its_own_unit(figures: dict[str, Any]) -> None:
    english = portfolio_report(figures, lang="en")
    assert not re.search(r"[一-鿿]", re.sub(r"<style>.*?</style>", "", english, flags=re.S))
    assert "500.00" in portfolio_report(figures, lang="zh")  # 5 000 000 yuan in ten thousand
    assert "5,000,000" in english


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_workbook_holds_the_figures_of_the_page_as_numbers(figures: dict[str, Any], lang: str) -> None:
    data = portfolio_workbook(figures, lang=lang)
    read = openpyxl.load_workbook(io.BytesIO(data))
    made = sections(figures, lang=lang)
    assert len(read.sheetnames) == len(made) + 1
    for sheet, section in zip(read.worksheets, made, strict=False):
        cells = [cell.value for row in sheet.iter_rows() for cell in row if cell.value is not None]
        for table in section.tables:
            for line in table.lines:
                for cell in line:
                    stored = cell.stored(lang)
                    if isinstance(stored, float):
                        numbers = [value for value in cells if isinstance(value, (int, float))]
                        assert any(value == pytest.approx(stored) for value in numbers), section.key


def test_the_workbook_is_the_same_twice_and_holds_no_formula(figures: dict[str, Any]) -> None:
    first, again = portfolio_workbook(figures), portfolio_workbook(figures)
    assert first == again
    for sheet in openpyxl.load_workbook(io.BytesIO(first)):
        assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_both_languages_have_the_same_words() -> None:
    from eco_credit.reports.page import words

    zh, en = ({k for k in words("eco_credit.reports", lang) if k.startswith("portfolio.")} for lang in ("zh", "en"))
    assert zh == en


def test_a_report_without_simulation_leaves_its_sections_out(figures: dict[str, Any]) -> None:
    plain = {key: value for key, value in figures.items() if key not in ("outlook", "prudential")}
    keys = [section.key for section in sections(plain)]
    assert "distribution" not in keys and "prudential" not in keys and "balances" in keys
    assert translator("zh")("portfolio.title_of.distribution") not in portfolio_report(plain)
