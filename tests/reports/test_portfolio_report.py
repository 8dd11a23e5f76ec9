"""The portfolio report as page and workbook: the same figures in both languages, escaped, complete."""

from __future__ import annotations

import datetime as dt
import io
import re
from decimal import ROUND_HALF_UP, Decimal
from html import unescape
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


def as_printed(cell: Any) -> str:
    """A number of the workbook as its own format prints it: two decimals for money and percent, none for counts."""
    value, look = Decimal(str(cell.value)), cell.number_format
    if "%" in look:
        small = 0 < value < Decimal("0.00005")
        return "<0.01%" if small else f"{(value * 100).quantize(Decimal('0.01'), ROUND_HALF_UP):,}%"
    places = len(look.split(".")[1]) if "." in look else 0
    return f"{value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,}"


def test_every_cell_of_the_page_stands_in_the_workbook_in_its_place(figures: dict[str, Any]) -> None:
    page = re.sub(r"<svg.*?</svg>", "", portfolio_report(figures, lang="zh"), flags=re.S)
    parts = re.findall(r'<section id="(\w+)">(.*?)</section>', page, flags=re.S)
    sheets = openpyxl.load_workbook(io.BytesIO(portfolio_workbook(figures, lang="zh"))).worksheets
    assert len(parts) == len(sheets) - 1
    for (key, part), sheet in zip(parts, sheets, strict=False):
        shown = [unescape(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", part, flags=re.S)]
        stored = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None and not cell.font.b]
        for text, cell in zip([text for text in shown if text != "—"], stored, strict=False):
            if isinstance(cell.value, str):
                assert text == cell.value.removeprefix("'"), key
            else:
                assert text == as_printed(cell), (key, text, cell.value)


def test_what_does_not_hold_stands_first_and_in_words_besides_its_colour(figures: dict[str, Any]) -> None:
    section = sections(figures, lang="zh")[0]
    assert section.key == "verdicts"
    states = [line[3] for line in section.tables[0].lines]
    assert [cell.tone for cell in states] == sorted((cell.tone for cell in states), key=["bad", "", "good"].index)
    assert {cell.value for cell in states if cell.tone == "bad"} == {"未达标"}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_section_is_explained(figures: dict[str, Any], lang: str) -> None:
    assert not [section.key for section in sections(figures, lang=lang) if not section.note]


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"synthetic": 6, "synthetic_model": 0}, ["6 applications are synthetic data", "PD and LGD of 0 loans"]),
        ({"synthetic": None, "synthetic_model": 6}, ["does not say whether the applications", "PD and LGD of 6 loans"]),
    ],
)
def test_a_synthetic_report_says_which_figures_are(
    figures: dict[str, Any], parts: dict[str, Any], said: list[str]
) -> None:
    page = portfolio_report({**figures, "synthetic": True, "synthetic_parts": parts}, lang="en")
    for words in said:
        assert words in page
    assert "Synthetic:" not in portfolio_report({**figures, "synthetic": False}, lang="en")


def test_a_scenario_that_reaches_no_loan_says_so() -> None:
    loans, agreed = book_of([1e6, 2e6]), terms()  # no ledger: no buyer is known
    plain = {
        "rules_day": "2026-11-23", "rules_hash": RULES.digest,
        **portfolio_figures(loans, agreed, rules=RULES).as_dict(),
        "outlook": portfolio_outlook(loans, agreed, rules=RULES),
    }  # fmt: skip
    page = portfolio_report(plain, lang="en")
    assert "&#34;Default of the largest buyer&#34; reaches no loan" in page
    assert "&#34;Timber price -30 %&#34; reaches no loan" not in page
