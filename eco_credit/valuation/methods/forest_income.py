"""Forests that pay more than once: selection forest, economic forest, bamboo, yearly net incomes, allowable cut.

LY/T 2407-2015 as cross-read in `forest`; where two printings differ the difference is an argument.
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.valuation.methods.annuity import annuity_factor, growth_factor, present_factor
from eco_credit.valuation.methods.land import for_term


def net_income_value(incomes: Floats, *, rate: Floats) -> Floats:
    """Present value of yearly net incomes (收益净现值法): ``E = sum_{t=n..u} (A_t - C_t) / (1+P)^(t-n+1)``.

    Args:
        incomes: A_t - C_t of the years from now on, CNY/ha, shape (years, ...).
        rate: P per year, shape of one year.

    Returns:
        E, CNY/ha.

    Example:
        >>> round(float(net_income_value(np.array([[100.0], [100.0]]), rate=np.array([0.1]))[0]), 2)
        173.55
    """
    total = np.zeros(np.broadcast_shapes(incomes.shape[1:], np.shape(rate)))
    # year by year: the order of additions must not depend on the number of rows
    for year, income in enumerate(incomes, start=1):
        total = total + income * present_factor(rate, np.full(1, float(year)))
    return total


@units(
    felling_income="CNY", annual_cost="CNY", rate="dimensionless", cycle="dimensionless", wait="dimensionless",
    returns="CNY",
)
def periodic_value(
    felling_income: Floats, annual_cost: Floats, *, rate: Floats, cycle: Floats, wait: Floats
) -> Floats:
    """Periodic income for ever (周期收益资本化法): ``E = K A (1+P)^(u-w) / [(1+P)^u - 1] - V / P``.

    The three printed forms are one: w is u just after a cut, ``u - m`` m years after it, and ``q - n`` for a stand
    of age n whose first cut comes at age q.

    Args:
        felling_income: K A, net income of one cut, CNY.
        annual_cost: V, CNY per year.
        rate: P per year, above 0.
        cycle: u, years between two cuts.
        wait: w, years to the next cut.

    Returns:
        E, CNY; for a right of T years see `eco_credit.valuation.methods.land.for_term`.
    """
    growth = growth_factor(rate, cycle)
    return felling_income * growth_factor(rate, cycle - wait) / (growth - 1.0) - annual_cost / rate


@units(intensity="dimensionless", growth="dimensionless", returns="dimensionless")
def selection_cycle(intensity: Floats, growth: Floats) -> Floats:
    """Years in which the stock grows back after a selection cut: ``u = -ln(1-S) / ln(1+g)``.

    Args:
        intensity: S, part of the stock felled, below 1.
        growth: g, growth of the stock per year, above 0.

    Returns:
        Years.
    """
    return -np.log1p(-intensity) / np.log1p(growth)


@units(income="CNY", quality="dimensionless", rate="dimensionless", years="dimensionless", returns="CNY")
def yield_value(income: Floats, *, quality: Floats | float, rate: Floats, years: Floats) -> Floats:
    """Economic forest at peak yield: ``E = K A [(1+P)^t - 1] / [P (1+P)^t]``.

    Args:
        income: A, net income of one year, CNY.
        quality: K.
        rate: P per year.
        years: t, incomes still to come: ``u - n + 1`` in the norm, ``u - n`` in J. Nat. Resources 38(5):1318.

    Returns:
        E, CNY.
    """
    return quality * income * annuity_factor(rate, years)


@units(
    rising="CNY", peak="CNY", rate="dimensionless", years_to_peak="dimensionless", years_of_peak="dimensionless",
    returns="CNY",
)
def two_stage_value(
    rising: Floats, peak: Floats, *, rate: Floats, years_to_peak: Floats, years_of_peak: Floats
) -> Floats:
    """Economic forest of first yields: incomes until the peak, then those of the peak.

    ``E = A_1 [1 - (1+P)^-g] / P + A_2 [1 - (1+P)^-t] / P (1+P)^-g``

    Args:
        rising: A_1, mean net income of a year before the peak, CNY.
        peak: A_2, net income of a year at the peak, CNY.
        rate: P per year.
        years_to_peak: g; below 0 counts as 0.
        years_of_peak: t.

    Returns:
        E, CNY.
    """
    wait = np.maximum(years_to_peak, 0.0)
    later = peak * annuity_factor(rate, years_of_peak) * present_factor(rate, wait)
    return rising * annuity_factor(rate, wait) + later


@units(on_year="CNY", off_year="CNY", rate="dimensionless", years="dimensionless", returns="CNY")
def bamboo_value(on_year: Floats, off_year: Floats, *, rate: Floats, years: Floats) -> Floats:
    """Bamboo in production: the mean of on and off years (大小年) capitalised, ``E = A/P [1 - (1+P)^-T]``.

    Args:
        on_year: net income of an on year, CNY.
        off_year: net income of an off year, CNY.
        rate: P per year, above 0.
        years: T, years of the right; infinite for ever.

    Returns:
        E, CNY.
    """
    return for_term(0.5 * (on_year + off_year) / rate, rate=rate, years=years)


@units(stock="m**3", yearly_cut="m**3", rate="dimensionless", returns="dimensionless")
def liquidation_factor(stock: Floats, yearly_cut: Floats, *, rate: Floats) -> Floats:
    """Part of the value left when no more than a yearly cut may be felled, the first one now.

    ``q sum_{t=0..m-1} (1+P)^-t + (1 - m q) (1+P)^-m`` with ``q = min(1, S / M)`` and ``m = floor(1 / q)`` full cuts.

    Args:
        stock: M, m3.
        yearly_cut: S, m3; unknown (NaN) puts no limit.
        rate: P per year.

    Returns:
        Ratio, 0 to 1; 1 where one cut takes all, 0 where nothing may be felled.
    """
    share = np.minimum(1.0, np.where(stock > 0.0, yearly_cut / np.where(stock > 0.0, stock, np.nan), 1.0))
    felled = np.where(share > 0.0, share, 1.0)
    cuts = np.floor(1.0 / felled)
    spread = felled * (1.0 + annuity_factor(rate, cuts - 1.0)) + (1.0 - cuts * felled) * present_factor(rate, cuts)
    return np.where(np.isnan(share), 1.0, np.where(share > 0.0, spread, 0.0))


@units(
    cost="CNY", index="dimensionless", quality="dimensionless", rate="dimensionless", years="dimensionless",
    returns="CNY",
)
def historical_cost(cost: Floats, *, index: Floats, quality: Floats, rate: Floats, years: Floats) -> Floats:
    """Historical cost adjusted (历史成本调整法) for one outlay: ``E = K C (B/B_i) (1+P)^t``.

    Args:
        cost: C as booked, CNY.
        index: B/B_i, price index now over then.
        quality: K.
        rate: P per year.
        years: t, ``n - i + 1`` for a cost at the start of year i.

    Returns:
        E, CNY; the outlays of several years add up.
    """
    return quality * cost * index * growth_factor(rate, years)
