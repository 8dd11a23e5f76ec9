"""The account report says what the account says, in two languages, on paper and without an outside address."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.core.errors import ContractError
from eco_credit.gep import account, norms
from eco_credit.gep.uncertainty import simulate
from eco_credit.reports.gep_report import gep_report
from eco_credit.reports.gep_report_chart import ServiceBar, service_chart

GARZE = Path(__file__).parents[2] / "examples" / "garze_2010.csv"
NUMBERS = ("account_year", "physical", "price", "value_cny")
ROW = {"service": "water_retention", "value_cny": 120_000.0, "source": "county"}
amounts = st.floats(-1e13, 1e13, allow_nan=False)


def garze(norm: str = "norm-2022", **changed: Any) -> dict[str, Any]:
    """The published account of Garze under a norm, as plain data."""
    with GARZE.open(encoding="utf-8", newline="") as source:
        rows = [{key: (float(cell) if key in NUMBERS else cell) for key, cell in row.items() if cell}
                for row in csv.DictReader(source)]
    return account(rows, norm).as_dict() | changed


def small(**changed: Any) -> dict[str, Any]:
    """One row worth 120 000 CNY."""
    return account([ROW | changed]).as_dict()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_report_carries_its_own_style_and_asks_nobody(lang: str) -> None:
    text = gep_report(garze(), lang=lang)
    assert text.count("<style>") == 1
    assert not re.search(r"<script|<link|href=|src=|url\(| style=", text)
    assert "None" not in text and "nan" not in text.casefold().replace("resonance", "")


def test_the_total_under_a_norm_is_shown_in_the_unit_of_the_language() -> None:
    # Table of the paper: 7545.60e8 CNY with oxygen and pest control; 2022 norm without them 5709.75e8
    assert ">5,709.75<" in gep_report(garze(), lang="zh")
    assert ">7,545.60<" in gep_report(garze("garze-paper"), lang="zh")
    assert ">570,975.45<" in gep_report(garze(), lang="en")  # million CNY


def test_a_small_account_is_shown_in_ten_thousand_yuan() -> None:
    assert ">12.00<" in gep_report(small(), lang="zh")
    assert ">120,000.00<" in gep_report(small(), lang="en")


def test_what_was_left_out_stands_with_its_value_and_the_reason() -> None:
    text = gep_report(garze(), lang="en")
    assert "182,191.82" in text and "norm-2022 does not count oxygen release" in text
    assert "Every row of the table is counted." in gep_report(garze("garze-paper"), lang="en")


def test_norm_edition_year_area_and_warnings_are_named() -> None:
    text = gep_report(garze(), lang="zh")
    for said in ("norm-2022", "2022-trial", "2010", "Garze prefecture, Sichuan", "one_water", "不是押品价值"):
        assert said in text
    assert "同类另见第 18、19、20、21 行" in text


def test_only_rows_that_say_so_make_a_report_synthetic() -> None:
    assert 'class="synthetic"' not in gep_report(garze(), lang="en")
    assert 'class="synthetic"' in gep_report(small(source="synthetic example"), lang="en")
    assert 'class="synthetic"' in gep_report(small(source="合成数据"), lang="zh")
    assert 'class="synthetic"' not in gep_report(small(source="photosynthetic rate, station"), lang="en")


def test_percentiles_are_shown_where_the_account_has_them() -> None:
    drawn = simulate([ROW], samples=64, seed=7).as_dict()
    ends = {"p10": 90_000.0, "p50": 110_000.0, "p90": 150_000.0}
    drawn |= {"total": ends, "services": {"water_retention": ends}}
    text = gep_report(small() | {"uncertainty": drawn})
    assert "P10 9.00，P50 11.00，P90 15.00（64 次抽样，种子 7）" in text
    assert ">9.00 – 15.00<" in text
    assert "gep.spread.water_retention" in text
    assert "P10" not in gep_report(small())


def test_a_loss_is_drawn_and_printed_with_its_sign() -> None:
    text = gep_report(small(value_cny=-50_000.0), lang="zh")
    assert "-5.00" in text


def test_words_of_the_rows_are_escaped_in_text_and_drawing() -> None:
    evil = small(item="<img src=x>", source='"><script>', place="<b>x</b>", area_name="<i>")
    text = gep_report(evil, lang="en")
    assert not re.search(r"<img|<script|<b>x|<i>", text)


def test_a_row_without_a_source_says_where_its_number_comes_from() -> None:
    bare = {"service": "oxygen", "place": "a", "value_cny": 1.0}
    worked_out = {"service": "water_retention", "area_ha": 100.0, "water_balance_mm": 100.0}
    text = gep_report(account([bare, worked_out]).as_dict(), lang="zh")
    assert "[1] 表中所填，未注明来源" in text
    assert "[2] 按公式计算（" in text


def test_every_norm_an_account_can_be_drawn_up_under_has_a_report_in_both_languages() -> None:
    usable = [norm.id for norm in norms().values() if norm.accountable]
    assert all(norm in gep_report(garze(norm), lang=lang) for norm in usable for lang in ("zh", "en"))


def test_an_account_of_many_parcels_prints_sums_and_not_its_rows() -> None:
    codes = ("carbon", "oxygen")
    parcels = [{"service": code, "place": str(i), "value_cny": 10_000.0} for i in range(201) for code in codes]
    text = gep_report(account(parcels).as_dict(), lang="en")
    assert "402 rows; they are in the file of the account." in text
    assert "201 places" in text
    assert text.count("<tr") == 4  # head and three groups
    assert len(text) < 20_000


def test_an_unknown_norm_or_language_is_refused() -> None:
    with pytest.raises(ContractError, match="norm"):
        gep_report(garze() | {"norm": "none"})
    with pytest.raises(KeyError):
        gep_report(garze(), lang="fr")


def shown(value: float, low: float, high: float, *, counted: bool = True) -> ServiceBar:
    return ServiceBar("n", "regulating", value, low, high, counted, ("1", "2", "3"))


@given(st.lists(st.tuples(amounts, amounts, amounts), min_size=1, max_size=6))
def test_bars_and_ranges_stay_between_names_and_figures(values: list[tuple[float, float, float]]) -> None:
    drawn = service_chart([shown(*sorted(three)) for three in values], heads=("v", "s", "r"), title="t")
    root = ElementTree.fromstring(drawn)
    places = [float(one.get(name, "0")) for one in root.iter() if one.tag.endswith("line") for name in ("x1", "x2")]
    assert all(151.9 <= x <= 398.1 for x in places)


def test_a_bar_is_drawn_to_scale() -> None:
    # Axis from 0 to 100 over 398 - 152 = 246 units: a value of 50 is 123 wide
    drawn = service_chart([shown(50.0, 20.0, 100.0)], heads=("v", "s", "r"), title="t")
    boxes = [one for one in ElementTree.fromstring(drawn).iter() if one.tag.endswith("rect")]
    assert [float(one.get("width", "0")) for one in boxes] == [123.0]


def test_a_service_outside_the_total_is_an_empty_dashed_bar() -> None:
    drawn = service_chart([shown(50.0, 20.0, 100.0, counted=False)], heads=("v", "s", "r"), title="t")
    box = next(one for one in ElementTree.fromstring(drawn).iter() if one.tag.endswith("rect"))
    assert box.get("fill") == "none" and box.get("stroke-dasharray")
