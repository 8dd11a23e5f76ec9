"""Numbers as the papers of a bank print them, each unit with its decimals, rounded half up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.reports.desk_form import FORMS, desk_number, desk_unit, letter
from eco_credit.reports.formats import capitals, day, wan


@pytest.mark.parametrize(
    ("value", "unit", "printed"),
    [
        # regulatory returns: 万元, two decimals; 123.445 goes up, where half to even would stay at 123.44
        (1_234_450.0, "CNY", "123.45"),
        (1_234_350.0, "CNY", "123.44"),  # 123.435
        (2_000_000.0, "CNY", "200.00"),
        (12_345_678_900.0, "CNY", "1,234,567.89"),
        (50.0, "CNY", "0.01"),  # 0.005
        (49.99, "CNY", "0.00"),
        # land: 亩 with one or two decimals, 1 ha = 15 亩
        (100.0, "ha", "1,500.0"),
        (6_290.066667, "ha", "94,351.0"),
        (0.15, "ha", "2.25"),
        # standing stock: whole m3 or one decimal
        (18_000.0, "m3", "18,000"),
        (18_000.25, "m3", "18,000.3"),
        # water: 万m3 with two to four decimals
        (1_200_000.0, "m3/year", "120.00"),
        (4_321.0, "m3/day", "0.4321"),
        # rates and shares: percent with two decimals
        (0.044, "ratio", "4.40"),
        (0.6, "ratio", "60.00"),
        (0.04125, "ratio", "4.13"),
        # forest unit values: whole 元/亩; 12 000 yuan a hectare / 15 = 800
        (12_000.0, "CNY/ha", "800"),
        (None, "CNY", "—"),
        (float("nan"), "CNY", "—"),
    ],
)
def test_each_unit_is_printed_with_its_own_decimals(value, unit, printed):
    assert desk_number(value, unit) == printed


@given(st.integers(-(10**13), 10**13))
def test_money_in_wan_is_the_exact_quotient_rounded_half_up(fen):
    yuan = fen / 100
    exact = (Decimal(str(yuan)) / 10_000).quantize(Decimal("0.01"), ROUND_HALF_UP)
    assert desk_number(yuan, "CNY") == f"{exact:,f}"
    assert wan(yuan) == desk_number(yuan, "CNY")  # the pages of the desk print the same


@given(st.floats(0, 1e9), st.sampled_from(sorted(FORMS)))
def test_a_figure_never_has_fewer_or_more_decimals_than_its_unit_allows(value, unit):
    decimals = len(desk_number(value, unit).partition(".")[2])
    assert FORMS[unit].least <= decimals <= FORMS[unit].most


def test_letters_name_yuan_to_the_cent_and_in_capital_numerals():
    assert letter(1_234_450.0) == "¥1,234,450.00"
    assert capitals(1_234_450.0) == "壹佰贰拾叁万肆仟肆佰伍拾元整"
    assert letter(None) == "—"


def test_days_stand_in_words_on_chinese_paper_and_in_iso_form_elsewhere():
    assert day("2026-11-23", "zh") == "2026年11月23日"
    assert day("2026-11-23", "en") == "2026-11-23"


def test_both_languages_print_the_same_unit():
    assert [desk_unit(unit, "zh") for unit in ("CNY", "ha", "m3/year")] == ["万元", "亩", "万m³/年"]
    assert [desk_unit(unit, "en") for unit in ("CNY", "ha", "m3/year")] == ["CNY 10k", "mu", "10k m³/year"]
    assert desk_unit("month", "zh") is None
