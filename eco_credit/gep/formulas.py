"""Formulas that more than one service uses: replacement and yearly cost, min rule, travel cost, annuities."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units

CUBIC_METRES_PER_HECTARE_AND_MILLIMETRE = 10.0
"""1 mm of water on 1 ha is 10 m3 (and on 1 km2 it is 1000 m3)."""


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


@units(surplus="CNY/person", spread="dimensionless", returns="CNY/person")
def consumer_surplus(surplus: Floats, *, spread: float | Floats = 1.0) -> Floats:
    """``s = s``: what visitors would have paid above their cost, CNY per person. Welfare, not an exchange value.

    Args:
        surplus: s, CNY per person.
        spread: 1, moved to the ends of what a stated surplus leaves open.
    """
    return surplus * spread


@units(cost="CNY/m**3", rate="dimensionless", years="dimensionless", chosen="dimensionless", returns="CNY/m**3")
def yearly_reservoir_cost(cost: Floats, rate: Floats, years: Floats, *, chosen: Floats) -> Floats:
    """`annual_cost` of reservoir capacity where the row asks for it (``cost_basis`` = ``yearly``).

    Args:
        cost: c, CNY per m3 of capacity.
        rate: r, ratio per year, above 0.
        years: n, number of years.
        chosen: 1 where the yearly cost is asked for.

    Returns:
        CNY per m3, each year.
    """
    return annual_cost(cost, rate, years) * chosen


@units(cost="CNY/m", rate="dimensionless", years="dimensionless", chosen="dimensionless", spread="dimensionless",
       returns="CNY/m")
def yearly_length_cost(
    cost: Floats, rate: Floats, years: Floats, *, chosen: Floats, spread: float | Floats = 1.0
) -> Floats:
    """``c_a = c * r / (1 - (1 + r)^-n)``: yearly cost of one metre of dike or barrier.

    Args:
        cost: c, CNY per m.
        rate: r, ratio per year, above 0.
        years: n, number of years.
        chosen: 1 where the yearly cost is asked for.
        spread: 1, moved to the ends of what a stated cost leaves open.

    Returns:
        CNY per m, each year.

    Example:
        >>> round(float(yearly_length_cost(10_000.0, 0.05, 50.0, chosen=1.0)), 2)
        547.77
    """
    return cost * rate / (1.0 - (1.0 + rate) ** -years) * chosen * spread


@units(cost="CNY/m", chosen="dimensionless", spread="dimensionless", returns="CNY/m")
def full_length_cost(cost: Floats, chosen: Floats, *, spread: float | Floats = 1.0) -> Floats:
    """``c = c``: full cost of one metre, as the norms use it: a one-off cost in every year's account."""
    return cost * chosen * spread


@units(load="t/year", capacity="t/year", returns="t/year")
def purified(load: Floats, capacity: Floats) -> Floats:
    """``Q = min(load, capacity)``: nothing more can be taken out than was let in.

    Args:
        load: what reaches the place, t per year.
        capacity: what the place could take, t per year.

    Returns:
        Q, t per year. Source: DOI 10.5846/stxb201607011362, where the amounts are the emissions.

    Example:
        >>> float(purified(1137.0, 9000.0))
        1137.0
    """
    smaller: Floats = np.minimum(load, capacity)
    return smaller


KILOGRAMS_PER_TONNE = 1000.0


@units(area="hectare", flux="kg/(hectare*year)", scale="dimensionless", per_tonne="kg/t", returns="t/year")
def capacity_by_flux(
    area: Floats, flux: Floats, *, scale: float | Floats = 1.0, per_tonne: float = KILOGRAMS_PER_TONNE
) -> Floats:
    """``G = A * f * s / 1000``: what the cover of a place could take out.

    Args:
        area: A, ha.
        flux: f, kg per ha and year.
        scale: s, multiple of a listed flux, 1 at the centre.
        per_tonne: 1000 kg per t.

    Returns:
        G, t per year.

    Example:
        >>> round(float(capacity_by_flux(100.0, 215.6, scale=1.0)), 6)
        21.56
    """
    return area * flux * scale / per_tonne


@units(price="CNY/t", returns="CNY/t")
def treatment_price(price: Floats) -> Floats:
    """``p = p``: treatment cost of the stated basis (levy, tax floor or ceiling, engineering), CNY per t."""
    return price


@units(rate="dimensionless", years="dimensionless", returns="dimensionless")
def annuity(rate: Floats, years: Floats) -> Floats:
    """``a = (1 - (1 + r)^-n) / r``: worth today of 1 a year, paid at each year's end.

    Args:
        rate: r, ratio per year, above 0.
        years: n.

    Returns:
        years of flow.

    Example:
        >>> round(float(annuity(0.0277, 100.0)), 2)
        33.75
    """
    return (1.0 - (1.0 + rate) ** -years) / rate


@units(rate="dimensionless", years="dimensionless", returns="dimensionless")
def annuity_due(rate: Floats, years: Floats) -> Floats:
    """``a_due = a * (1 + r)``: worth today of 1 a year, paid at each year's start.

    Args:
        rate: r, ratio per year, above 0.
        years: n.

    Returns:
        years of flow. Source: DOI 10.5846/stxb201606161172, which capitalises flows so. Never a collateral value.

    Example:
        >>> round(float(annuity_due(0.0277, 100.0)), 2)
        34.69
    """
    return annuity(rate, years) * (1.0 + rate)


@units(rain="mm/year", coefficient="dimensionless", returns="mm/year")
def storm_runoff(rain: Floats, coefficient: Floats) -> Floats:
    """``R = P * a``: storm runoff.

    Args:
        rain: P, precipitation, mm per year.
        coefficient: a, storm-runoff coefficient of the ecosystem, part of one.

    Returns:
        R, mm per year. Source: HJ 1173-2021 A.1 and the ecological-red-line guideline.
    """
    return rain * coefficient


@units(area="hectare", balance="mm/year", per_millimetre="m**3/(hectare*mm)", returns="m**3/year")
def water_retained(
    area: Floats, balance: Floats, *, per_millimetre: float = CUBIC_METRES_PER_HECTARE_AND_MILLIMETRE
) -> Floats:
    """``Q = 10 * A * b``: volume of water kept.

    Args:
        area: A, ha.
        balance: b, mm per year.
        per_millimetre: 10 m3 per ha and mm.

    Returns:
        Q, m3 per year. Source: DOI 10.5846/stxb201607011362.

    Example:
        >>> water_retained(100.0, 100.0)
        100000.0
    """
    return area * balance * per_millimetre
