"""Present values against numpy-financial, a library of its own: annuities, single payments, net present values."""

from __future__ import annotations

import numpy as np
import numpy_financial as npf
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pledge_tables import appraised

from eco_credit.valuation.methods import annuity, forest, forest_income, land, water

rates = st.floats(0.001, 0.3)
years = st.integers(1, 80)
money = st.floats(0.01, 1e7)


def a(value: float) -> np.ndarray:
    return np.array([float(value)])


@given(rates, years, money)
def test_an_annuity_is_the_present_value_of_its_payments(rate: float, term: int, payment: float) -> None:
    ours = annuity.finite_value(a(payment), a(rate), a(term))[0]
    assert ours == pytest.approx(-npf.pv(rate, term, payment), rel=1e-10)


@given(rates, years, money)
def test_costs_at_the_start_of_each_year_are_an_annuity_due_compounded(rate: float, term: int, cost: float) -> None:
    ours = forest.replacement_cost([], cost, age=a(term), quality=a(1.0), rate=a(rate))[0]
    assert ours == pytest.approx(-npf.fv(rate, term, cost, 0.0, when="begin"), rel=1e-10)


@given(rates, st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_yearly_net_incomes_are_a_net_present_value(rate: float, incomes: list[float]) -> None:
    ours = forest_income.net_income_value(np.array(incomes)[:, None], rate=a(rate))[0]
    # the first income of npv falls today
    assert ours == pytest.approx(npf.npv(rate, [0.0, *incomes]), rel=1e-9, abs=1e-6)


@given(rates, years, years, money)
def test_a_harvest_is_a_single_payment_less_an_annuity(rate: float, wait: int, lag: int, income: float) -> None:
    ours = forest.harvest_present_value(
        a(income), a(795.0), quality=a(1.0), rate=a(rate), years=a(wait), lag=float(lag % 2)
    )[0]
    single = -npf.pv(rate, wait + lag % 2, 0.0, income)
    assert ours == pytest.approx(single + npf.pv(rate, wait, 795.0), rel=1e-9, abs=1e-6)


@given(st.floats(0.02, 0.3), st.integers(2, 60), money, money)
def test_faustmann_is_an_endless_chain_of_rotations(rate: float, rotation: int, income: float, cost: float) -> None:
    ours = land.land_expectation(a(income), a(cost), annual_cost=a(0.0), rate=a(rate), rotation=a(rotation))[0]
    chain = 1600 // rotation  # what comes later is worth less than 1e-13 of its amount
    flows = np.zeros(chain * rotation + 1)
    flows[rotation::rotation] += income
    flows[: chain * rotation : rotation] -= cost
    assert ours == pytest.approx(npf.npv(rate, flows), rel=1e-9, abs=1e-9 * (income + cost))


@given(rates, years, money)
def test_a_lump_sum_annualised_is_the_payment_of_a_loan(rate: float, term: int, lump: float) -> None:
    ours = water.annualised(a(lump), rate=a(rate), years=a(term))[0]
    assert ours == pytest.approx(-npf.pmt(rate, term, lump), rel=1e-10)


def test_a_bamboo_pledge_is_the_annuity_of_its_mean_income_over_the_right() -> None:
    values = appraised("forest_right", {
        "species": "moso_bamboo", "income_on_year": 9000.0, "income_off_year": 5000.0, "contract_to": "2056-11-23",
    })  # fmt: skip
    # 2026-11-23 to 2056-11-23 are 10 958 days, 30.0014 Julian years
    assert values.central[0] == pytest.approx(-100.0 * npf.pv(0.07, 10_958 / 365.25, 7000.0), rel=1e-12)
