"""Oxygen release (释氧): counted only under norms that have it."""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.service import Input, Item, Parameter, Service, Step


@units(dry_matter="t/year", ratio="dimensionless", returns="t/year")
def oxygen_from_growth(dry_matter: Floats, ratio: Floats) -> Floats:
    """``O2 = g * B``: oxygen released with the dry matter grown.

    Args:
        dry_matter: B, t per year.
        ratio: g, 1.19 (LY/T 1721-2008) or 1.2. It is not 32/44 of the carbon row: the two come from
            different methods.

    Returns:
        t O2 per year.
    """
    return dry_matter * ratio


@units(carbon_dioxide="tCO2/year", ratio="t/tCO2", returns="t/year")
def oxygen_with_carbon_dioxide(carbon_dioxide: Floats, ratio: float = 32.0 / 44.0) -> Floats:
    """``O2 = CO2 * 32/44``: oxygen that goes with carbon dioxide of the *same* method, t per year.

    Example:
        >>> round(oxygen_with_carbon_dioxide(44.0), 6)
        32.0
    """
    return carbon_dioxide * ratio


SERVICE = Service(
    code="oxygen",
    zh="释氧",
    en="oxygen release",
    group="regulating",
    items=(Item("oxygen", "释放氧气", "oxygen released", "gep.oxygen.price", "CNY/t"),),
    inputs=(
        Input("npp_dry_t", "t/year", "净初级生产量（干物质）", "growth of dry matter"),
        Input("co2_fixed_t", "tCO2/year", "同法核算的固定二氧化碳量", "CO2 fixed, by the same method", minimum=None),
        Input("oxygen_ratio", "dimensionless", "单位干物质释氧量", "oxygen per dry matter"),
    ),
    steps=(
        Step("physical", oxygen_from_growth, {
            "dry_matter": "npp_dry_t", "ratio": Parameter("gep.oxygen.per_dry_matter", column="oxygen_ratio"),
        }, unit="t"),
        Step("physical", oxygen_with_carbon_dioxide, {"carbon_dioxide": "co2_fixed_t"}, unit="t"),
    ),
    price_kinds=frozenset({"mass"}),
    formulas=(oxygen_from_growth, oxygen_with_carbon_dioxide),
)
