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


@units(volume="m**3", margin="CNY/m**3", rate="dimensionless", years="dimensionless", returns="CNY")
def term_income_value(volume: Floats, margin: Floats, *, rate: Floats, years: Floats) -> Floats:
    """Income value over the term granted: ``V = a q b [1 - (1+r)^-T] / r``.

    Args:
        volume: a q, m3 expected to be delivered in each year.
        margin: b, net benefit per m3, CNY.
        rate: r per year.
        years: T, remaining term.

    Returns:
        CNY.
    """
    return volume * margin * annuity_factor(rate, years)


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


@units(
    energy="kWh/m**3", feed_in_price="CNY/kWh", tax_rate="dimensionless", cost_rate="dimensionless",
    returns="CNY/m**3",
)
def hydropower_margin(energy: Floats, feed_in_price: Floats, *, tax_rate: Floats, cost_rate: Floats) -> Floats:
    """Net income from one m3 through the turbine: ``b = e p (1 - tax - cost)``, never below 0.

    Args:
        energy: e, kWh per m3.
        feed_in_price: p, CNY/kWh.
        tax_rate: part of revenue.
        cost_rate: running costs as a part of revenue.

    Returns:
        CNY per m3.
    """
    return energy * feed_in_price * np.maximum(0.0, 1.0 - tax_rate - cost_rate)
