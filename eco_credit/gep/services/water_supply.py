"""Water supply (水源供给): water taken by use, less water that came from outside, at the tariff.

The same water must not also stand in water retention, flood mitigation and hydropower: the account warns.
"""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.service import Input, Item, Service, Step


@units(used="m**3/year", imported="m**3/year", returns="m**3/year")
def own_water(used: Floats, imported: Floats) -> Floats:
    """``Q = W - W_in``: water used less water brought in from outside the area.

    Args:
        used: W, m3 per year. Water that only passes a plant and returns is not used up: leave it out.
        imported: W_in, m3 per year from outside (netting of GB/T 46869-2025, wording only).

    Returns:
        Q, m3 per year.

    Example:
        >>> float(own_water(1.36e8, 0.36e8))
        100000000.0
    """
    return used - imported


@units(used="m**3/year", returns="m**3/year")
def water_used(used: Floats) -> Floats:
    """``Q = W``: water used, m3 per year, where none is said to come from outside."""
    return used


@units(volume="m**3/year", tariff="CNY/m**3", returns="CNY/year")
def supply_value(volume: Floats, tariff: Floats) -> Floats:
    """``V = Q * P``: water at its tariff, CNY per year. Source: DOI 10.5846/stxb201607011362."""
    return volume * tariff


_USES = (("domestic", "生活用水", "domestic"), ("industrial", "工业用水", "industrial"),
         ("irrigation", "灌溉用水", "irrigation"))

SERVICE = Service(
    code="water_supply",
    zh="水源供给",
    en="water supply",
    group="provisioning",
    items=tuple(Item(code, zh, f"{en} water", f"gep.water_supply.{code}_price", "CNY/m3") for code, zh, en in _USES),
    inputs=(
        Input("water_used_m3", "m**3/year", "用水量", "water used"),
        Input("water_imported_m3", "m**3/year", "其中区域外调入", "of it brought in from outside"),
    ),
    steps=(
        Step("physical", own_water, {"used": "water_used_m3", "imported": "water_imported_m3"}, unit="m3"),
        Step("physical", water_used, {"used": "water_used_m3"}, unit="m3"),
    ),
    price_kinds=frozenset({"volume"}),
    formulas=(own_water, water_used, supply_value),
)
