"""Landscape premium (景观增值): what homes cost or rent more because of green land and water nearby.

A difference in house price is a stock: only its yearly part enters an account of flows.
"""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.service import Input, Item, Parameter, Service, Step


@units(area="m**2", returns="m**2")
def homes(area: Floats) -> Floats:
    """``A = A``: floor area of the homes that gain, m2."""
    return area


@units(rent="CNY/m**2/year", share="dimensionless", spread="dimensionless", returns="CNY/m**2/year")
def rent_premium(rent: Floats, share: Floats, *, spread: float | Floats = 1.0) -> Floats:
    """``p = w * s``: part of a year's rent that the landscape makes.

    Args:
        rent: w, CNY per m2 and year.
        share: s, part of the rent, part of one, from a hedonic study of the place.
        spread: 1, moved to the ends of what a stated part leaves open.

    Returns:
        p, CNY per m2 and year.
    """
    return rent * share * spread


@units(price="CNY/m**2", share="dimensionless", rate="1/year", years="dimensionless",
       spread="dimensionless", year="year", returns="CNY/m**2/year")
def price_premium(
    price: Floats, share: Floats, *, rate: Floats, years: Floats, spread: float | Floats = 1.0, year: float = 1.0
) -> Floats:
    """``p = P * s * r / (1 - (1 + r)^-n)``: yearly part of a difference in house price.

    Args:
        price: P, house price, CNY per m2.
        share: s, part of the price that the landscape makes, part of one.
        rate: r, ratio per year, above 0.
        years: n, years the difference is spread over.
        spread: 1, moved to the ends of what a stated part leaves open.
        year: one year, the period of the rate.

    Returns:
        p, CNY per m2 and year.

    Example:
        >>> round(float(price_premium(20_000.0, 0.05, rate=0.05, years=70.0)), 2)
        51.7
    """
    return price * share * rate / (1.0 - (1.0 + rate * year) ** -years) * spread


@units(area="m**2", premium="CNY/m**2/year", returns="CNY/year")
def premium_value(area: Floats, premium: Floats) -> Floats:
    """``V = A * p``: CNY per year. Source: hedonic price method, norms of 2020 and 2022, not re-read."""
    return area * premium


SERVICE = Service(
    code="landscape_premium",
    zh="景观增值",
    en="landscape premium",
    group="cultural",
    items=(Item("homes", "受益住房", "homes that gain"),),
    inputs=(
        Input("housing_m2", "m**2", "受益住房面积", "floor area that gains"),
        Input("rent_cny_per_m2", "CNY/m**2/year", "年租金", "rent per year"),
        Input("house_price_cny_per_m2", "CNY/m**2", "房价", "house price"),
        Input("premium_share", "dimensionless", "景观溢价比例", "part due to the landscape", maximum=1.0),
    ),
    steps=(
        Step("physical", homes, {"area": "housing_m2"}, unit="m2"),
        Step("price", rent_premium, {
            "rent": "rent_cny_per_m2", "share": "premium_share",
            "spread": Parameter("gep.spread.landscape_premium"),
        }, unit="CNY/m2"),
        Step("price", price_premium, {
            "price": "house_price_cny_per_m2", "share": "premium_share",
            "rate": Parameter("gep.landscape_premium.discount_rate"),
            "years": Parameter("gep.landscape_premium.land_term"),
            "spread": Parameter("gep.spread.landscape_premium"),
        }, unit="CNY/m2"),
    ),
    price_kinds=frozenset({"area", "households"}),
    formulas=(homes, rent_premium, price_premium, premium_value),
)
