"""Formulas for forest land: land expectation value in both timings, land annuity, land cost price.

LY/T 2407-2015 chapter 11, cross-read as said in `forest`. In the appraisal form a cost of year i falls at its start
and is compounded ``u - i + 1`` times; the textbook (Faustmann) form pays establishment once, at year 0.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.valuation.methods.annuity import advance_sum_factor, growth_factor


@units(
    felling_income="CNY", establishment="CNY", annual_cost="CNY", rate="dimensionless", rotation="dimensionless",
    returns="CNY",
)
def land_expectation(
    felling_income: Floats, establishment: Floats, *, annual_cost: Floats, rate: Floats, rotation: Floats
) -> Floats:
    """Land expectation value, textbook (Faustmann) form: ``B = [A - C (1+p)^u] / [(1+p)^u - 1] - v / p``.

    Args:
        felling_income: A, with thinnings compounded to u, CNY per unit of land.
        establishment: C, spent at year 0, CNY.
        annual_cost: v, CNY per year.
        rate: p per year, above 0.
        rotation: u, years.

    Returns:
        B, CNY per unit of land.

    Example:
        >>> income = 30000 + 1000 * 1.06**10 + 2000 * 1.06**5
        >>> cost, fee, p, u = np.float64(1000), np.float64(300), np.float64(0.06), np.float64(30)
        >>> round(float(land_expectation(income, cost, annual_cost=fee, rate=p, rotation=u)), 1)
        1055.4
    """
    growth = growth_factor(rate, rotation)
    return (felling_income - establishment * growth) / (growth - 1.0) - annual_cost / rate


def land_expectation_by_norm(
    felling_income: Floats, costs: Sequence[Floats | float], *, annual_cost: Floats, rate: Floats, rotation: Floats
) -> Floats:
    """Land expectation value, form of the norm: ``B = [A - sum_i C_i (1+P)^(u-i+1)] / [(1+P)^u - 1] - V / P``.

    Args:
        felling_income: A, with thinnings compounded to u, CNY/ha.
        costs: C_1, C_2, ... of establishment, each at the start of its year, CNY/ha.
        annual_cost: V, CNY/ha and year.
        rate: P per year, above 0.
        rotation: u, years.

    Returns:
        B, CNY/ha. With one cost the two forms agree.
    """
    growth = growth_factor(rate, rotation)
    spent: Floats | float = 0.0
    for i, cost in enumerate(costs, start=1):
        spent = spent + cost * growth_factor(rate, rotation - i + 1.0)
    return (felling_income - spent) / (growth - 1.0) - annual_cost / rate


@units(bought="CNY", upkeep="CNY", rate="dimensionless", years="dimensionless", returns="CNY")
def land_cost_price(bought: Floats, upkeep: Floats, *, rate: Floats, years: Floats) -> Floats:
    """Land cost price (林地费用价法): ``B = A_0 (1+P)^n + sum_{i=1..n} M (1+P)^(n-i+1)``.

    Args:
        bought: A_0, price paid for the land, CNY per unit of land.
        upkeep: M, spent on it at the start of each year, CNY.
        rate: P per year.
        years: n, years since the purchase.

    Returns:
        CNY per unit of land.
    """
    return bought * growth_factor(rate, np.maximum(years, 0.0)) + upkeep * advance_sum_factor(rate, years)


@units(value="CNY", rate="dimensionless", years="dimensionless", returns="CNY")
def for_term(value: Floats, *, rate: Floats, years: Floats) -> Floats:
    """Value of a right of T years in something that is worth V for ever: ``V [1 - (1+P)^-T]``; T may be infinite."""
    share: Floats = -np.expm1(-np.maximum(years, 0.0) * np.log1p(rate))
    return value * share
