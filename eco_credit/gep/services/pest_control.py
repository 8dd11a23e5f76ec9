"""Pest control (病虫害控制): area nature keeps free of pests, at the cost of controlling them."""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.service import Input, Item, Service, Step


@units(area="hectare", share="dimensionless", returns="hectare")
def area_kept_free(area: Floats, share: Floats) -> Floats:
    """``A_n = A * s``: area where pests are held down without treatment.

    Args:
        area: A, ha.
        share: s, part of it that nature controls, part of one.

    Returns:
        A_n, ha. Source: DOI 10.5846/stxb201607011362.
    """
    return area * share


@units(area="hectare", returns="hectare")
def controlled_area(area: Floats) -> Floats:
    """``A_n = A``: naturally controlled area, ha, where the row gives no part of it."""
    return area


@units(area="hectare", cost="CNY/hectare/year", returns="CNY/year")
def control_value(area: Floats, cost: Floats) -> Floats:
    """``V = A_n * c``: cost of control spared, CNY per year."""
    return area * cost


SERVICE = Service(
    code="pest_control",
    zh="病虫害控制",
    en="pest control",
    group="regulating",
    items=(
        Item("forest", "森林病虫害控制", "forest pests", "gep.pest_control.forest_cost", "CNY/hm2"),
        Item("grassland", "草原病虫害控制", "grassland pests", "gep.pest_control.grassland_cost", "CNY/hm2"),
    ),
    inputs=(
        Input("area_ha", "hectare", "面积", "area"),
        Input("natural_control_share", "dimensionless", "自然控制比例", "part nature controls", maximum=1.0),
    ),
    steps=(
        Step("physical", area_kept_free, {"area": "area_ha", "share": "natural_control_share"}, unit="hm2"),
        Step("physical", controlled_area, {"area": "area_ha"}, unit="hm2"),
    ),
    price_kinds=frozenset({"area"}),
    formulas=(area_kept_free, controlled_area, control_value),
)
