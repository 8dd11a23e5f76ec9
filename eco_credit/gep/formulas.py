"""Formulas that more than one service uses: replacement cost, yearly cost, travel cost."""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units


@units(volume="m**3/year", cost="CNY/m**3", returns="CNY/year")
def replacement_value(volume: Floats, cost: Floats) -> Floats:
    """``V = Q * c``: what it would cost to hold or dredge the same volume.

    Args:
        volume: Q, m3 per year.
        cost: c, CNY per m3. A capital cost here counts a one-off cost in every year: see `annual_cost`.

    Returns:
        V, CNY per year. Source: 发改基础〔2022〕481号, as restated in DOI 10.5846/stxb201607011362.
    """
    return volume * cost


@units(cost="CNY/m**3", rate="dimensionless", years="dimensionless", returns="CNY/m**3")
def annual_cost(cost: Floats, rate: Floats, years: Floats) -> Floats:
    """``c_a = c * r / (1 - (1 + r)^-n)``: yearly cost of a one-off cost over its life.

    Args:
        cost: c, CNY per m3 of capacity.
        rate: r, ratio per year, above 0.
        years: n, number of years.

    Returns:
        CNY per m3, each year. Source: the ordinary annuity.

    Example:
        >>> round(float(annual_cost(7.06, 0.05, 50.0)), 3)
        0.387
    """
    return cost * rate / (1.0 - (1.0 + rate) ** -years)


@units(expenditure="CNY/person", hours="hour/person", wage="CNY/hour", share="dimensionless", returns="CNY/person")
def travel_cost(expenditure: Floats, hours: Floats, wage: Floats, share: Floats) -> Floats:
    """``p = e + s * t * w``: what a visit costs the visitor, without consumer surplus.

    Args:
        expenditure: e, CNY per person: travel, lodging, tickets, goods.
        hours: t, hours on the way and on the spot.
        wage: w, CNY per hour.
        share: s, part of the wage that an hour of travel counts.

    Returns:
        p, CNY per person. Source: DOI 10.5846/stxb201410091984 (time at 30 % of the wage).

    Example:
        >>> float(travel_cost(500.0, 10.0, 40.0, 0.3))
        620.0
    """
    return expenditure + share * hours * wage


@units(visitors="person/year", returns="person/year")
def visits(visitors: Floats) -> Floats:
    """``N = N``: the physical amount of a cultural service is the number of visits, persons per year."""
    return visitors


@units(surplus="CNY/person", returns="CNY/person")
def consumer_surplus(surplus: Floats) -> Floats:
    """``s = s``: what visitors would have paid above their cost, CNY per person. Welfare, not an exchange value."""
    return surplus
