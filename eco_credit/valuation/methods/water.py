"""Formulas of water-right appraisal.

A price per m3 can mean three things, never mixed here: per m3 delivered, a lump sum per m3 of yearly
volume for a number of years, or a lump sum per m3 of yearly volume for ever.
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.valuation.methods.annuity import annuity_factor, present_factor

GRAVITY_KILONEWTON = 9.81
"""Weight of one m3 of water in kN (density 1000 kg/m3, g = 9.81 m/s2)."""
SECONDS_PER_HOUR = 3600.0
HOURS_PER_YEAR = 8760.0
"""Hours of a common year: no station makes more than its capacity times this."""
SECONDS_PER_DAY = 86_400.0
"""A flow of 1 m3/s is 86 400 m3 in a day (8.64 in units of 10 000 m3)."""


@units(lump_sum="CNY", annual_volume="m**3/year", returns="CNY*year/m**3")
def unit_price(lump_sum: Floats, annual_volume: Floats) -> Floats:
    """Price of a right to 1 m3 per year: lump sum over yearly volume.

    Args:
        lump_sum: CNY.
        annual_volume: m3/year, above 0.

    Returns:
        CNY per m3/year of right.

    Example:
        >>> round(float(unit_price(np.float64(200e6), np.float64(49.999e6))), 4)
        4.0001
    """
    return lump_sum / annual_volume


@units(lump="CNY", rate="dimensionless", years="dimensionless", returns="CNY")
def annualised(lump: Floats, *, rate: Floats, years: Floats) -> Floats:
    """Yearly price of a lump-sum price for t years: ``p = L r / [1 - (1+r)^-t]``; ``L r`` for ever.

    Args:
        lump: L, CNY per m3/year of right.
        rate: r per year, above 0.
        years: t, infinity for a perpetual right.

    Returns:
        CNY per m3 delivered.

    Example:
        >>> round(float(annualised(np.array([4.0]), rate=np.array([0.06]), years=np.array([np.inf]))[0]), 2)
        0.24
    """
    purchase = annuity_factor(rate, years)
    positive = np.where(purchase > 0.0, purchase, 1.0)
    return np.where(purchase > 0.0, lump / positive, 0.0)


@units(income="CNY", rate="dimensionless", years="dimensionless", returns="CNY")
def term_income_value(income: Floats, *, rate: Floats, years: Floats) -> Floats:
    """Income value over the term granted: ``V = B [1 - (1+r)^-T] / r``.

    Args:
        income: B, net income of a year, CNY.
        rate: r per year.
        years: T, remaining term; a negative term counts as 0.

    Returns:
        CNY.
    """
    return income * annuity_factor(rate, years)


@units(
    income="CNY", probability="dimensionless", rate="dimensionless", years="dimensionless", renewed="dimensionless",
    returns="CNY",
)
def renewal_value(income: Floats, *, probability: Floats, rate: Floats, years: Floats, renewed: Floats) -> Floats:
    """Value of one renewal: ``rho q b [1 - (1+r)^-R] / r (1+r)^-T``.

    Args:
        income: q b, CNY per year.
        probability: rho, chance of renewal.
        rate: r per year.
        years: T, remaining term before the renewal, a negative term counts as 0.
        renewed: R, years granted by the renewal.

    Returns:
        CNY.
    """
    return probability * income * annuity_factor(rate, renewed) * present_factor(rate, np.maximum(years, 0.0))


@units(efficiency="dimensionless", head="dimensionless", returns="dimensionless")
def energy_per_cubic_metre(efficiency: Floats, head: Floats) -> Floats:
    """Energy from one m3 of water: ``9.81 eta H / 3600`` kWh.

    Args:
        efficiency: eta, of turbine and generator together.
        head: H, number of metres.

    Returns:
        kWh per m3.

    Example:
        >>> round(float(energy_per_cubic_metre(np.float64(0.8), np.float64(50.0))), 4)
        0.109
    """
    return GRAVITY_KILONEWTON * efficiency * head / SECONDS_PER_HOUR


@units(energy="kWh", capacity="kW", hours="hour", returns="kWh")
def energy_within_capacity(energy: Floats, *, capacity: Floats, hours: float = HOURS_PER_YEAR) -> Floats:
    """Energy of a year a station of a capacity can make: ``min(E, N h)``.

    Args:
        energy: E, kWh.
        capacity: N, installed, kW.
        hours: h, hours in a year.

    Returns:
        kWh.
    """
    return np.minimum(energy, capacity * hours)


@units(
    energy="kWh", feed_in_price="CNY/kWh", tax_rate="dimensionless", cost_rate="dimensionless", opex="CNY",
    returns="CNY",
)
def hydropower_income(
    energy: Floats, feed_in_price: Floats, *, tax_rate: Floats, cost_rate: Floats, opex: Floats
) -> Floats:
    """Net income of a station in a year: ``B = E p max(0, 1 - tax - cost) - O``.

    Args:
        energy: E, kWh.
        feed_in_price: p, CNY/kWh.
        tax_rate: part of revenue.
        cost_rate: running cost as a part of revenue; 0 where O is stated.
        opex: O, running cost, CNY; 0 where it is not stated.

    Returns:
        CNY.
    """
    return energy * feed_in_price * np.maximum(0.0, 1.0 - tax_rate - cost_rate) - opex


@units(cost="CNY", volume="m**3", years="dimensionless", returns="CNY/m**3")
def conversion_price(cost: Floats, volume: Floats, *, years: Floats) -> Floats:
    """Price of water set free by works (水权转换), not discounted: ``p = C / (q N)``.

    Args:
        cost: C, all cost of the conversion (lining, metering, upkeep, risk and ecological compensation), CNY.
        volume: q, m3 set free in a year, above 0.
        years: N, years the works serve, above 0.

    Returns:
        CNY per m3 and year. As a yearly price it leaves interest out: `annualised` of ``p N`` puts it in.

    Example:
        >>> float(conversion_price(np.float64(15e6), np.float64(1e6), years=np.float64(25.0)))
        0.6
    """
    return cost / (volume * years)
