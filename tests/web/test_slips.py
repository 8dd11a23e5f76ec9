"""Slips of the pen at the desk: days that have not come, yuan for ten thousand yuan, and what is said about them."""

from __future__ import annotations

import re

import pytest
from desk_fakes import Visitor

from serving.web.desk import example_values

FOREST = "/apply/forest_right"


def real(**changed: str) -> dict[str, str]:
    """The forest example as if it were a real case, with fields changed."""
    return example_values("forest_right") | {"synthetic": "no"} | changed


def said(visitor: Visitor, path: str, text: str, lang: str = "zh", **more: str) -> str:
    """The words of the live check of one field."""
    found = visitor.post(f"{FOREST}/check?lang={lang}&field={path}", data={path: text} | more).text
    return re.sub(r"<[^>]+>", "", found).strip()


@pytest.mark.parametrize(
    ("path", "text"),
    [("as_of", "2026-11-24"), ("pledges[0].planting_year", "2027"), ("pledges[0].last_valued_on", "2027-01-01")],
)
def test_a_day_that_has_not_come_is_refused_where_it_is_typed_and_when_it_is_sent(visitor, path, text):
    assert "不得晚于今天（2026年11月23日）" in said(visitor, path, text)
    assert "cannot be after today (2026-11-23)" in said(visitor, path, text, "en")
    page = visitor.post(f"{FOREST}?lang=zh", data=real(**{path: text}))
    assert page.status_code == 422 and "不得晚于今天" in page.text and visitor.pipeline.scored == 0


@pytest.mark.parametrize("path", ["pledges[0].contract_to", "pledges[0].insured_to"])
def test_a_day_that_may_lie_ahead_is_taken(visitor, path):
    assert "不得晚于" not in said(visitor, path, "2056-12-31")


def test_the_synthetic_example_may_be_of_a_later_day_than_today(visitor):
    late = example_values("forest_right") | {"as_of": "2027-06-01"}
    assert visitor.post(f"{FOREST}?lang=zh", data=late).status_code == 200


@pytest.mark.parametrize(
    ("path", "text", "unit", "lang", "words"),
    [
        # 2 000 000 x 10 000 = 2e10 yuan: what somebody writes who thinks in yuan
        ("loan.amount_requested", "2000000", "wan", "zh", "＝ 20,000,000,000.00 元（贰佰亿元整）"),
        ("loan.amount_requested", "２００", "wan", "zh", "＝ 2,000,000.00 元（贰佰万元整）"),
        ("loan.amount_requested", "2000000", "yuan", "zh", "＝ 200 万元（贰佰万元整）"),
        ("pledges[0].area", "1500", "mu", "zh", "＝ 100 公顷"),
        ("pledges[0].area", "100", "ha", "en", "= 1,500 mu"),
        ("pledges[0].stock_per_area", "12", "mu", "zh", "＝ 180 m³/公顷"),
    ],
)  # fmt: skip
def test_a_number_is_read_back_in_its_other_unit(visitor, path, text, unit, lang, words):
    assert words in said(visitor, path, text, lang, **{f"unit:{path}": unit})


@pytest.mark.parametrize(("path", "text"), [("loan.amount_requested", "-5"), ("loan.amount_requested", "abc"),
                                            ("loan.annual_rate", "4.6"), ("loan.amount_requested", "")])  # fmt: skip
def test_what_is_wrong_or_tells_nothing_more_is_not_read_back(visitor, path, text):
    assert "＝" not in said(visitor, path, text)


def test_a_wrong_form_is_explained_by_an_example_and_never_by_a_pattern(visitor):
    for path, text, sample in (("borrower.area_code", "3500", "999999"), ("borrower.industry_code", "林业", "0220")):
        for lang in ("zh", "en"):
            words = said(visitor, path, text, lang)
            assert sample in words and "[0-9]" not in words and "^" not in words


def test_a_year_of_the_calendar_has_no_comma(visitor):
    words = said(visitor, "pledges[0].planting_year", "28")
    assert "1800" in words and "1,800" not in words


def test_a_label_does_not_name_a_unit_that_may_be_another(visitor):
    text = visitor.get(f"{FOREST}?lang=zh").text
    assert "每亩（公顷）蓄积" in text and ">每公顷蓄积" not in text


def test_a_fold_says_how_much_of_it_is_filled_in(visitor):
    assert "项，已填" not in visitor.get(f"{FOREST}?lang=zh").text
    assert re.search(r"选填\d+项\）?，已填\d+项", visitor.get(f"{FOREST}?example=1&lang=zh").text)
