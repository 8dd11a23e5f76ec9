"""Optimum rotation: against brute force, the first-order condition, direction of each price, published felling ages."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from eco_credit.core.numbers import Floats
from eco_credit.rulebook import load
from eco_credit.valuation.growth_curves import curves_of
from eco_credit.valuation.methods.forest import stumpage, timber_revenue
from eco_credit.valuation.methods.growth import schumacher, schumacher_increment
from eco_credit.valuation.methods.rotation import (
    Economics,
    Rotation,
    land_expectation_curve,
    optimum_rotation,
)

RULES = load().at("2026-11-23")
AGES = np.arange(1.0, 81.0)
FIR = schumacher(AGES, np.float64(6.407), np.float64(21.03))[:, None]
TERMS = Economics(net_price=364.0, establishment=10_650.0, annual_cost=795.0, rate=0.05)


def span(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_subnormal=False)


GROWTH = st.tuples(span(5.0, 7.0), span(3.0, 30.0))
PRICES = st.builds(
    Economics, net_price=span(100, 900), establishment=span(1000, 12_000), annual_cost=span(0, 1500),
    rate=span(0.02, 0.12),
)


def stock(growth: tuple[float, float], ages: Floats = AGES) -> Floats:
    return schumacher(ages, np.float64(growth[0]), np.float64(growth[1]))[:, None]


def written_out(ages: Floats, stocks: Floats, e: Economics, years: int = 4000) -> Floats:
    """Every cash flow of rotations on end, discounted one by one."""
    values = []
    for age, standing in zip(ages.astype(int), stocks, strict=True):
        turns = np.arange(0, years // age + 1) * age
        chain = (1 + e.rate) ** -turns.astype(float)
        fees = (e.annual_cost * (1 + e.rate) ** -np.arange(1.0, years)).sum()
        income = e.net_price * standing * (1 + e.rate) ** -float(age)
        values.append(((income - e.establishment) * chain).sum() - fees)
    return np.array(values)


def test_the_land_expectation_value_is_the_sum_of_every_cash_flow_for_ever() -> None:
    curve = land_expectation_curve(AGES, FIR, economics=TERMS)[:, 0]
    np.testing.assert_allclose(curve, written_out(AGES, FIR[:, 0], TERMS), rtol=1e-9)


@given(GROWTH, PRICES)
def test_the_optimum_is_the_best_of_all_ages_tried_one_by_one(growth: tuple[float, float], terms: Economics) -> None:
    found = optimum_rotation(AGES, stock(growth), economics=terms, stated_age=26.0)
    factors = (1 + terms.rate) ** AGES
    brute = (terms.net_price * stock(growth)[:, 0] - terms.establishment * factors) / (factors - 1)
    brute = brute - terms.annual_cost / terms.rate
    assert found.value[0] == pytest.approx(brute.max(), rel=1e-9, abs=1e-6)
    assert brute[int(found.age[0]) - 1] == pytest.approx(brute.max(), rel=1e-9, abs=1e-6)
    assert found.loss[0] == pytest.approx(brute.max() - brute[25], rel=1e-9, abs=1e-5) and found.loss[0] >= 0.0


@given(GROWTH, PRICES)
def test_at_the_optimum_waiting_earns_the_interest_on_timber_and_land(
    growth: tuple[float, float], terms: Economics
) -> None:
    """p M'(u) = d [p M(u) + LEV + v/r], d = ln(1 + r), on a fine grid of ages."""
    ages = np.arange(1.0, 150.0, 0.005)
    found = optimum_rotation(ages, stock(growth, ages), economics=terms)
    assume(not found.at_edge[0])
    level, slope, age = np.float64(growth[0]), np.float64(growth[1]), found.age[0]
    waiting = terms.net_price * schumacher_increment(age, level, slope)
    land = found.value[0] + terms.annual_cost / terms.rate
    assert waiting == pytest.approx(np.log1p(terms.rate) * (terms.net_price * schumacher(age, level, slope) + land),
                                    rel=5e-3)


def age_of(growth: tuple[float, float], terms: Economics) -> float:
    return float(optimum_rotation(AGES, stock(growth), economics=terms).age[0])


@given(GROWTH, PRICES, span(1.05, 1.6))
def test_each_price_moves_the_rotation_its_known_way(
    growth: tuple[float, float], terms: Economics, up: float
) -> None:
    assume(float(terms.net_price) * np.exp(growth[0]) > 4.0 * float(terms.establishment))
    base = age_of(growth, terms)
    assert age_of(growth, replace(terms, rate=terms.rate * up)) <= base, "interest makes waiting dear"
    assert age_of(growth, replace(terms, net_price=terms.net_price * up)) <= base, "land becomes dear"
    assert age_of(growth, replace(terms, establishment=terms.establishment * up)) >= base, "planting becomes dear"
    assert age_of(growth, replace(terms, annual_cost=terms.annual_cost * up)) == base, "a yearly fee falls in any case"


def test_without_cost_the_optimum_is_older_the_lower_the_rate_and_ends_at_the_mean_increment() -> None:
    """As r goes to 0 the Faustmann age goes to the forest rent age, with C = 0 to the mean increment age b = 21."""
    free = replace(TERMS, establishment=0.0, annual_cost=0.0)
    ages = [float(optimum_rotation(AGES, FIR, economics=replace(free, rate=r)).age[0]) for r in (0.1, 0.03, 1e-6)]
    found = optimum_rotation(AGES, FIR, economics=free)
    assert ages[0] < ages[1] < ages[2] == found.forest_rent_age[0] == found.mean_increment_age[0] == 21.0


def test_one_row_gives_the_bytes_it_gives_among_many() -> None:
    rng = np.random.default_rng(3)
    rows = 67
    stocks = np.concatenate([stock((a, b)) for a, b in rng.uniform((5, 4), (7, 30), (rows, 2))], axis=1)
    terms = Economics(*(rng.uniform(low, high, rows) for low, high in
                        ((100, 900), (1000, 12_000), (0, 1500), (0.02, 0.1))))
    many = optimum_rotation(AGES, stocks, economics=terms, stated_age=np.full(rows, 26.0))
    for i in range(rows):
        alone = optimum_rotation(
            AGES, stocks[:, i : i + 1], stated_age=26.0,
            economics=Economics(*(np.asarray(getattr(terms, f))[i : i + 1] for f in terms.__dataclass_fields__)),
        )
        for name in Rotation.__dataclass_fields__:
            assert getattr(alone, name)[0].tobytes() == getattr(many, name)[i].tobytes(), name


def test_a_grid_that_ends_too_early_says_so() -> None:
    found = optimum_rotation(AGES[:10], FIR[:10], economics=TERMS)
    assert found.at_edge[0] and found.age[0] == 10.0
    assert not optimum_rotation(AGES, FIR, economics=TERMS).at_edge[0]


def test_what_is_not_known_has_no_optimum_and_a_stated_age_off_the_grid_no_loss() -> None:
    unknown = optimum_rotation(AGES, FIR * np.nan, economics=TERMS, stated_age=26.0)
    assert np.isnan([unknown.age[0], unknown.value[0], unknown.loss[0], unknown.forest_rent_age[0]]).all()
    assert np.isnan(optimum_rotation(AGES, FIR, economics=replace(TERMS, rate=0.0)).age[0])
    off = optimum_rotation(AGES, FIR, economics=TERMS, stated_age=26.5)
    assert np.isnan(off.loss[0]) and off.age[0] == 17.0
    assert optimum_rotation(AGES, FIR, economics=TERMS, stated_age=17.0).loss[0] == 0.0


# Published felling ages against the shipped curves, prices and costs.


def shipped(species: str, *, rate: float = 0.05, price: float = 1.0, cost: float = 1.0) -> Rotation:
    """The optimum with the rulebook's figures, prices and costs scaled."""
    own = {
        name: RULES.table(f"valuation.forest.{name}")[species]
        for name in ("log_outturn", "composite_outturn", "log_price", "composite_price", "age_mature")
    }
    revenue = timber_revenue(
        np.float64(1.0), own["log_outturn"], log_price=own["log_price"] * price,
        composite_outturn=own["composite_outturn"], composite_price=own["composite_price"] * price,
    )
    felling = (own["log_outturn"] + own["composite_outturn"]) * RULES.number("valuation.forest.operating_cost") * cost
    taxes = RULES.number("valuation.forest.sales_tax")
    net = stumpage(revenue, felling, tax_rate=taxes, profit_rate=RULES.number("valuation.forest.profit_rate"))
    terms = Economics(
        net, cost * sum(RULES["valuation.forest.establishment_costs"]),
        cost * RULES.number("valuation.forest.annual_cost"), rate,
    )
    curves = curves_of(RULES.table("valuation.growth.curve"), np.array([species], dtype=object))
    return optimum_rotation(AGES, curves.stock(AGES[:, None]), economics=terms, stated_age=own["age_mature"])


def test_fir_is_ripe_at_17_years_at_5_percent_as_published() -> None:
    assert shipped("chinese_fir").age[0] == 17.0


def test_a_point_more_of_interest_brings_fir_forward_by_about_a_year_as_published() -> None:
    ages = [float(shipped("chinese_fir", rate=rate).age[0]) for rate in (0.03, 0.04, 0.05, 0.06, 0.07, 0.08)]
    steps = -np.diff(ages)
    assert ((steps >= 0) & (steps <= 1)).all() and steps.sum() >= 3


@pytest.mark.parametrize(("price", "cost", "move"), [(1.2, 1.0, -1), (0.8, 1.0, 1), (1.0, 1.2, 1), (1.0, 0.8, -1)])
def test_a_fifth_on_price_or_cost_moves_fir_by_a_year_as_published(price: float, cost: float, move: int) -> None:
    moved = float(shipped("chinese_fir", price=price, cost=cost).age[0]) - 17.0
    assert moved * move >= 0.0 and abs(moved) <= 1.0


def test_fir_felled_at_22_to_23_years_in_guangxi_lies_between_mean_increment_and_forest_rent() -> None:
    found = shipped("chinese_fir")
    assert found.mean_increment_age[0] <= 22.0 <= 23.0 <= found.forest_rent_age[0] <= 25.0


@pytest.mark.parametrize("rate", [0.05, 0.06, 0.07])
def test_guangxi_eucalyptus_has_its_highest_present_value_at_12_years_as_published(rate: float) -> None:
    assert shipped("eucalyptus", rate=rate).age[0] == 12.0


def test_poplar_is_ripe_one_or_two_years_before_the_published_12_to_13_on_an_assumed_curve() -> None:
    assert shipped("poplar").age[0] == 11.0
    assert 12.0 <= shipped("poplar").forest_rent_age[0] <= 13.0


def test_pine_is_ripe_at_12_to_15_years_well_below_the_31_of_the_code_as_published() -> None:
    found = shipped("masson_pine")
    assert 12.0 <= found.age[0] <= 15.0 and found.loss[0] > 0.0
    moved = found.age[0] - shipped("masson_pine", rate=0.08).age[0]
    assert 1.0 <= moved <= 2.0, "three points more of interest: about two years"
