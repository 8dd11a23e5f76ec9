"""Formulas of forest appraisal: LY/T 2407-2015, as cross-read from J. Nat. Resources 38(5):1318, table 4.

Timing follows the norm and not the textbooks of forest management: costs fall at the start of a year
(exponent ``n - i + 1``) and felling income arrives one year late (exponent ``u - n + 1``). The two
conventions differ by about ``1 + P`` on income, so the lag is an argument. Land stands in `land`, yearly and
periodic incomes in `forest_income`.
Stock is standing volume; outturn is the part of it that becomes logs or composite timber.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.valuation.methods.annuity import advance_sum_factor, annuity_factor, growth_factor, present_factor


@units(
    stock="m**3/hectare", log_outturn="dimensionless", log_price="CNY/m**3",
    composite_outturn="dimensionless", composite_price="CNY/m**3", returns="CNY/hectare",
)
def timber_revenue(
    stock: Floats, log_outturn: Floats, *, log_price: Floats, composite_outturn: Floats, composite_price: Floats
) -> Floats:
    """Sales of the timber of a stand: ``W = M (f_log p_log + f_comp p_comp)``.

    Args:
        stock: M, standing volume, m3/ha.
        log_outturn: f_log, part of the standing volume sold as logs, ratio.
        log_price: p_log, CNY per m3 of logs.
        composite_outturn: f_comp, part sold as composite timber, ratio.
        composite_price: p_comp, CNY per m3.

    Returns:
        W, CNY/ha.
    """
    return stock * (log_outturn * log_price + composite_outturn * composite_price)


@units(
    operating_cost="CNY", taxes="CNY", profit_rate="dimensionless", tax_share="dimensionless", returns="CNY",
)
def normal_profit(
    operating_cost: Floats, taxes: Floats, *, profit_rate: Floats | float, tax_share: Floats | float
) -> Floats:
    """Normal profit of felling and selling: ``F = r (O + b T)``.

    Args:
        operating_cost: O, CNY.
        taxes: T, CNY.
        profit_rate: r, ratio.
        tax_share: b, part of the taxes in the base of the profit: 1 in the published answer keys, 0 where the
            profit is charged on direct felling cost alone.

    Returns:
        F, CNY.

    Example:
        >>> normal_profit(np.float64(2_268_000.0), np.float64(1_903_500.0), profit_rate=0.16, tax_share=1.0)
        np.float64(667440.0)
    """
    return profit_rate * (operating_cost + tax_share * taxes)


@units(
    revenue="CNY/hectare", operating_cost="CNY/hectare", tax_rate="dimensionless", profit_rate="dimensionless",
    tax_share="dimensionless", returns="CNY/hectare",
)
def stumpage(
    revenue: Floats, operating_cost: Floats, *, tax_rate: Floats | float, profit_rate: Floats | float,
    tax_share: Floats | float = 1.0,
) -> Floats:
    """Residual value of standing timber (木材市场价倒算法): ``E = W - C - F``.

    ``C = O + s W`` and ``F = r (O + b s W)``, see `normal_profit` for the base of the profit.

    Args:
        revenue: W, CNY/ha.
        operating_cost: O, felling, hauling and selling, CNY/ha.
        tax_rate: s, taxes and fees as a part of revenue.
        profit_rate: r, normal profit.
        tax_share: b, part of the taxes in the base of the profit.

    Returns:
        E, CNY/ha; negative where the timber does not pay for its felling.

    Example:
        >>> float(stumpage(np.float64(105_750.0), np.float64(22_680.0), tax_rate=0.18, profit_rate=0.16))
        57360.6
    """
    taxes = tax_rate * revenue
    profit = normal_profit(operating_cost, taxes, profit_rate=profit_rate, tax_share=tax_share)
    return revenue - (operating_cost + taxes) - profit


@units(
    felling_income="CNY/hectare", annual_cost="CNY/hectare", quality="dimensionless", rate="dimensionless",
    years="dimensionless", lag="dimensionless", returns="CNY/hectare",
)
def harvest_present_value(
    felling_income: Floats, annual_cost: Floats, *, quality: Floats, rate: Floats, years: Floats,
    lag: Floats | float = 1.0,
) -> Floats:
    """Harvest present value (收获现值法): ``E = K A / (1+P)^(t+g) - V [1 - (1+P)^-t] / P``, ``t = u - n``.

    Args:
        felling_income: A, net income at the felling age u with thinning income compounded to u, CNY/ha.
        annual_cost: V, tending and rent of each year from now to u, CNY/ha.
        quality: K; it scales the income, never the costs.
        rate: P, real rate per year.
        years: t, years from the stand's age n to u; a negative t counts as 0.
        lag: g, years by which the income comes late: 1 in the norm, 0 in textbooks of forest management.

    Returns:
        E, CNY/ha; negative where the costs outweigh the income.
    """
    left = np.maximum(years, 0.0)
    return quality * felling_income * present_factor(rate, left + lag) - annual_cost * annuity_factor(rate, left)


@units(
    felling_income="CNY/hectare", thinning_income="CNY/hectare", rate="dimensionless", years="dimensionless",
    returns="CNY/hectare",
)
def with_thinning(felling_income: Floats, thinning_income: Floats, *, rate: Floats, years: Floats) -> Floats:
    """Felling income with one thinning compounded to felling: ``A + D (1+P)^(u-a)``; years is ``u - a``."""
    return felling_income + thinning_income * growth_factor(rate, years)


def replacement_cost(
    costs: Sequence[Floats | float], annual_cost: Floats | float, *, age: Floats, quality: Floats, rate: Floats
) -> Floats:
    """Replacement cost (重置成本法): ``E = K sum_{i=1..n} C_i (1+P)^(n-i+1)``.

    Args:
        costs: C_1, C_2, ... of establishment in the first years at today's prices, CNY/ha; the
            years after the list carry the annual cost only.
        annual_cost: paid in every year on top, CNY/ha.
        age: n, years; a cost of a year not yet reached is left out.
        quality: K.
        rate: P, real rate per year.

    Returns:
        E, CNY/ha.

    Example:
        >>> n, k, p = np.array([2.0]), np.array([1.05]), np.array([0.1])
        >>> round(float(20 * replacement_cost([5000.0, 2000.0], 0.0, age=n, quality=k, rate=p)[0]), 2)
        173250.0
    """
    total = annual_cost * advance_sum_factor(rate, age)
    for i, cost in enumerate(costs, start=1):
        total = total + np.where(age >= i, cost * growth_factor(rate, age - i + 1.0), 0.0)
    return quality * total


@units(survival="dimensionless", standard="dimensionless", failed="dimensionless", returns="dimensionless")
def survival_factor(survival: Floats, *, standard: Floats | float, failed: Floats | float) -> Floats:
    """K1 of a young stand: 1 from the planting standard on, the survival itself below it, 0 below failure.

    Args:
        survival: r, living stems over planned stems.
        standard: survival asked for, 0.85 unless a local standard says otherwise.
        failed: survival below which the site must be replanted, 0.40.

    Returns:
        K1, ratio.

    Example:
        >>> survival_factor(np.array([0.88, 0.6, 0.39]), standard=0.8, failed=0.4).tolist()
        [1.0, 0.6, 0.0]
    """
    return np.where(survival >= standard, 1.0, np.where(survival >= failed, survival, 0.0))


@units(actual="m", reference="m", highest="dimensionless", returns="dimensionless")
def quality_ratio(actual: Floats, reference: Floats, *, highest: Floats | float) -> Floats:
    """K of a measured trait: actual over reference (height, stock or diameter), held to 0..highest."""
    positive = np.where(reference > 0.0, reference, np.nan)
    return np.minimum(np.maximum(np.where(reference > 0.0, actual / positive, 0.0), 0.0), highest)


@units(deal="CNY/m**3", price_index="dimensionless", site_factor="dimensionless", returns="CNY/m**3")
def comparison_price(deal: Floats, *, price_index: Floats, site_factor: Floats) -> Floats:
    """Market comparison for one deal (市场成交价比较法): ``E = K Kb G``; average over deals, three or more.

    Args:
        deal: G, price of the deal, CNY per m3.
        price_index: Kb, timber price now over then.
        site_factor: K, subject over reference.

    Returns:
        CNY per m3.
    """
    return site_factor * price_index * deal


@units(compensation="CNY", multiple="dimensionless", returns="CNY")
def compensation_value(compensation: Floats, multiple: Floats) -> Floats:
    """Compensation income of a public-welfare forest: ``E = m D``, D the last year's compensation."""
    return multiple * compensation


@units(rate="dimensionless", probability="dimensionless", years="dimensionless", returns="dimensionless")
def delay_loss(rate: Floats | float, *, probability: Floats | float, years: Floats | float) -> Floats:
    """Loss by a wait for the felling quota: ``q [1 - (1+P)^-d]``, part of the value.

    Args:
        rate: P per year.
        probability: q, chance that the felling must wait.
        years: d, length of the wait.

    Returns:
        Ratio, 0 to q.
    """
    return probability * -np.expm1(-years * np.log1p(np.asarray(rate, dtype=np.float64)))
