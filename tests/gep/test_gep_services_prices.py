"""Prices of other years: an index, never a rate; what a price rests on; growth at constant prices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eco_credit.core.errors import ContractError
from eco_credit.gep import account
from eco_credit.gep.prices import BASES, PriceIndex, at_prices_of, basis_of, growth, moved_price
from eco_credit.rulebook import load
from eco_credit.rulebook.lint import lint
from tests.gep.rows import WATER, rules
from tests.units_check import check_units

CPI = PriceIndex("cpi", {1978: 100.0, 2007: 493.60, 2014: 606.70})


def rule_of(call) -> set[str]:  # type: ignore[no-untyped-def]
    with pytest.raises(ContractError) as caught:
        call()
    assert all(v.en and v.zh for v in caught.value.violations)
    return {v.rule for v in caught.value.violations}


def test_a_price_moves_by_the_ratio_of_two_index_numbers() -> None:
    assert CPI.moved(10.0, 2007, 2014) == pytest.approx(10 * 606.70 / 493.60)
    assert PriceIndex.from_rule(rules()).levels == CPI.levels
    assert moved_price(1200 * 12 / 44, 1.0, 1.1607) == pytest.approx(379.87, abs=0.01)  # Gaotianyan, CNY/tCO2
    check_units(moved_price, magnitudes=True)


def test_a_series_that_grows_by_one_rate_is_a_discount_rate_and_is_refused() -> None:
    compounded = {1990 + n: 1.08**n for n in range(0, 12, 4)}
    assert round(0.67 * 1.08**11, 2) == 1.56  # what the Lancang paper did to 0.67
    assert rule_of(lambda: PriceIndex("rate", compounded)) == {"index_is_a_rate"}
    assert PriceIndex("flat", {2000: 1.0, 2001: 1.0, 2002: 1.0}).moved(5.0, 2000, 2002) == 5.0


@pytest.mark.parametrize("levels", [{}, {2000: 0.0}, {2000: -1.0}, {2000: float("nan")}, {2000: float("inf")}])
def test_an_index_without_positive_levels_is_refused(levels: dict[int, float]) -> None:
    assert rule_of(lambda: PriceIndex("bad", levels)) == {"index_level"}


def test_a_year_the_index_lacks_is_refused_and_not_interpolated() -> None:
    assert rule_of(lambda: CPI.moved(1.0, 2007, 2010)) == {"index_year"}


def test_constant_prices_move_price_value_and_range_and_leave_the_quantity() -> None:
    row = WATER | {"price_year": 2014, "value": 12.0, "value_unit": "1e4 CNY", "low": 1e5, "high": 2e5}
    moved = at_prices_of([row], 2007, CPI)[0]
    part = 493.60 / 606.70
    assert moved["physical"] == row["physical"]
    assert [moved[name] for name in ("price", "value", "low", "high")] == pytest.approx(
        [6.0 * part, 12.0 * part, 1e5 * part, 2e5 * part]
    )
    assert (moved["price_year"], moved["price_kind"]) == (2007, "constant")
    made = account([moved], rules=rules())
    assert (made.price_year, made.price_kind) == (2007, "constant")
    assert made.total == pytest.approx(120_000 * part)


def test_a_row_without_a_price_year_or_a_price_cannot_be_moved() -> None:
    assert rule_of(lambda: at_prices_of([WATER], 2007, CPI)) == {"price_year_missing"}
    bare = {"service": "oxygen", "npp_dry_t": 3.0, "price_year": 2014}
    assert rule_of(lambda: at_prices_of([bare], 2007, CPI)) == {"price_from_rules"}


@settings(max_examples=40, deadline=None)
@given(st.floats(0.01, 1e6), st.floats(0.1, 1e4), st.floats(0.1, 1e4))
def test_there_and_back_is_the_same_price(price: float, one: float, other: float) -> None:
    there = moved_price(np.array([price]), np.array([one]), np.array([other]))
    assert moved_price(there, np.array([other]), np.array([one]))[0] == pytest.approx(price, rel=1e-12)


def test_growth_is_read_at_constant_prices_only() -> None:
    assert growth(100.0, 125.04, first_kind="constant", last_kind="constant") == pytest.approx(0.2504)  # Eshan
    for kinds in (("current", "current"), ("constant", "current"), (None, None)):
        assert rule_of(
            lambda kinds=kinds: growth(1.0, 2.0, first_kind=kinds[0], last_kind=kinds[1])
        ) == {"growth_at_current_prices"}
    assert rule_of(lambda: growth(0.0, 1.0, first_kind="constant", last_kind="constant")) == {"growth_from_nothing"}


def test_growth_of_prices_alone_is_no_growth() -> None:
    first, last = WATER | {"price_year": 2007}, WATER | {"price_year": 2014, "price": 6.0 * 606.70 / 493.60}
    totals = [account(at_prices_of([row], 2007, CPI), rules=rules()) for row in (first, last)]
    found = growth(totals[0].total, totals[1].total, first_kind=totals[0].price_kind, last_kind=totals[1].price_kind)
    assert found == pytest.approx(0.0, abs=1e-12)


def test_every_money_rule_of_the_accounts_says_its_basis_or_is_a_table_by_basis() -> None:
    book = rules()
    money = [r.name for r in book.under("gep.") if r.unit.startswith("CNY") and not r.name.startswith("gep.price")]
    assert len(money) > 20
    for name in money:
        assert basis_of(book, name).basis in BASES
    assert rule_of(lambda: basis_of(book, "gep.carbon.content")) == {"price_basis_unknown"}


def test_every_named_basis_belongs_to_a_rule() -> None:
    for name in rules().table("gep.price_basis.listed"):
        assert rules().rule(name).zh


def test_the_rules_of_the_accounts_are_clean_and_every_estimate_has_a_range_or_ends() -> None:
    assert [finding for finding in lint() if "gep." in finding or "reference" in finding] == []
    for name, entry in load().entries.items():
        if name.startswith("gep.") and entry.authority == "estimate":
            assert entry.study, name


def test_a_rulebook_price_of_another_year_than_the_accounts_is_pointed_out() -> None:
    pests = {"service": "pest_control", "item": "forest", "area_ha": 1.0}
    found = account([pests | {"price_year": 2024}], norm="garze-paper", rules=rules()).warnings
    notice = next(notice for notice in found if notice.rule == "price_of_other_year")
    assert "2010" in notice.en and notice.rows == (1,)
    for row in (pests, pests | {"price_year": 2010}, pests | {"price_year": 2024, "price": 480.0,
                                                                "price_unit": "CNY/hm2"}):
        assert "price_of_other_year" not in {n.rule for n in account([row], norm="garze-paper", rules=rules()).warnings}
