"""Air purification (空气净化): pollutant that cover takes out of the air, at the cost of treating it.

The amount is the smaller of what is let out and what the cover could take. State load and capacity for the
same place: a load spread over parcels adds up to the load of the region and to no more.
"""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.formulas import capacity_by_flux, purified, treatment_price
from eco_credit.gep.service import Input, Item, Parameter, Service, Step

_RULES = "gep.air_purification"
_POLLUTANTS = (("so2", "二氧化硫", "sulphur dioxide"), ("nox", "氮氧化物", "nitrogen oxides"),
               ("dust", "工业粉尘", "dust"))


@units(amount="t/year", cost="CNY/t", returns="CNY/year")
def air_value(amount: Floats, cost: Floats) -> Floats:
    """``V = Q * p``: treatment cost spared, CNY per year. Source: DOI 10.5846/stxb201607011362."""
    return amount * cost


def _capacity(pollutant: str) -> Step:
    """Capacity from the cover of the place; the flux of nitrogen oxides was not found and comes with the row."""
    listed = pollutant != "nox"
    flux = Parameter(f"{_RULES}.{pollutant}_flux", column="flux_kg_per_ha", key="ecosystem")
    return Step("capacity_t", capacity_by_flux, {
        "area": "area_ha", "flux": flux if listed else "flux_kg_per_ha", "scale": Parameter(f"{_RULES}.flux_scale"),
    }, items=(pollutant,))


def _price(pollutant: str) -> Step:
    return Step("price", treatment_price, {"price": Parameter(f"{_RULES}.{pollutant}_by_basis", key="price_basis")},
                unit="CNY/t", items=(pollutant,))


SERVICE = Service(
    code="air_purification",
    zh="空气净化",
    en="air purification",
    group="regulating",
    items=tuple(Item(code, f"净化{zh}", f"{en} taken out", f"{_RULES}.{code}_cost", "CNY/t")
                for code, zh, en in _POLLUTANTS),
    inputs=(
        Input("area_ha", "hectare", "面积", "area"),
        Input("ecosystem", "text", "植被类型", "type of cover"),
        Input("flux_kg_per_ha", "kg/(hectare*year)", "单位面积净化量", "flux per area"),
        Input("load_t", "t/year", "污染物排放量", "load let out"),
        Input("capacity_t", "t/year", "净化能力", "capacity"),
        Input("price_basis", "text", "单价依据", "price basis: levy, tax_floor, tax_ceiling, engineering"),
    ),
    steps=(
        *(_capacity(code) for code, _, _ in _POLLUTANTS),
        Step("physical", purified, {"load": "load_t", "capacity": "capacity_t"}, unit="t"),
        *(_price(code) for code, _, _ in _POLLUTANTS),
    ),
    price_kinds=frozenset({"mass"}),
    formulas=(capacity_by_flux, purified, treatment_price, air_value),
)
