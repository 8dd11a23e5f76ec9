"""Water purification (水质净化): pollutant that wetlands take out of the water, at the cost of treating it.

The amount is the smaller of load and capacity. No capacity of wetlands per area was found in the sources read:
the row states it. Total nitrogen has no row in the tax schedule; its price is borrowed from ammonia nitrogen.
"""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.formulas import capacity_by_flux, purified, treatment_price
from eco_credit.gep.service import Input, Item, Parameter, Service, Step

_RULES = "gep.water_purification"
_POLLUTANTS = (("cod", "化学需氧量", "chemical oxygen demand"), ("nh3n", "氨氮", "ammonia nitrogen"),
               ("tn", "总氮", "total nitrogen"), ("tp", "总磷", "total phosphorus"))


@units(amount="t/year", cost="CNY/t", returns="CNY/year")
def water_value(amount: Floats, cost: Floats) -> Floats:
    """``V = Q * p``: treatment cost spared, CNY per year. Source: DOI 10.5846/stxb201607011362."""
    return amount * cost


def _price(pollutant: str) -> Step:
    return Step("price", treatment_price, {"price": Parameter(f"{_RULES}.{pollutant}_by_basis", key="price_basis")},
                unit="CNY/t", items=(pollutant,))


SERVICE = Service(
    code="water_purification",
    zh="水质净化",
    en="water purification",
    group="regulating",
    items=tuple(Item(code, f"净化{zh}", f"{en} taken out", f"{_RULES}.{code}_cost", "CNY/t")
                for code, zh, en in _POLLUTANTS),
    inputs=(
        Input("area_ha", "hectare", "湿地面积", "wetland area"),
        Input("removal_kg_per_ha", "kg/(hectare*year)", "单位面积净化量", "removal per area"),
        Input("load_t", "t/year", "污染物入水量", "load"),
        Input("capacity_t", "t/year", "净化能力", "capacity"),
        Input("price_basis", "text", "单价依据", "price basis: levy, tax_floor, tax_ceiling, engineering"),
    ),
    steps=(
        Step("capacity_t", capacity_by_flux, {"area": "area_ha", "flux": "removal_kg_per_ha"}),
        Step("physical", purified, {"load": "load_t", "capacity": "capacity_t"}, unit="t"),
        *(_price(code) for code, _, _ in _POLLUTANTS),
    ),
    price_kinds=frozenset({"mass"}),
    formulas=(capacity_by_flux, purified, treatment_price, water_value),
)
