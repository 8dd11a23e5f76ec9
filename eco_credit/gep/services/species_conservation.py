"""Species conservation (物种保育): area times a worth by Shannon-Wiener class; only where the norm counts it."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.service import Input, Item, Parameter, Service, Step

_WORTH = "CNY/hectare"


@units(index="dimensionless", class_1=_WORTH, class_2=_WORTH, class_3=_WORTH, class_4=_WORTH, class_5=_WORTH,
       class_6=_WORTH, class_7=_WORTH, returns=_WORTH)
def class_worth(
    index: Floats, *, class_1: Floats, class_2: Floats, class_3: Floats, class_4: Floats, class_5: Floats,
    class_6: Floats, class_7: Floats,
) -> Floats:
    """``S(H)``: worth of the class of the Shannon-Wiener index H: below 1, 1 to 2, ... , 6 and above.

    Args:
        index: H, dimensionless, natural logarithm.
        class_1: worth below 1, CNY per ha and year.
        class_2: from 1 to below 2.
        class_3: from 2 to below 3.
        class_4: from 3 to below 4.
        class_5: from 4 to below 5.
        class_6: from 5 to below 6.
        class_7: 6 and above.

    Returns:
        S, CNY per ha and year. Source: LY/T 1721-2008, not re-read.
    """
    worth = np.where(index >= 1.0, class_2, class_1)
    for edge, classed in ((2.0, class_3), (3.0, class_4), (4.0, class_5), (5.0, class_6), (6.0, class_7)):
        worth = np.where(index >= edge, classed, worth)
    return worth


@units(area="hectare", returns="hectare")
def habitat(area: Floats) -> Floats:
    """``A = A``: area the species live on, ha."""
    return area


@units(area="hectare", worth="CNY/hectare/year", returns="CNY/year")
def conservation_value(area: Floats, worth: Floats) -> Floats:
    """``V = A * S``: CNY per year."""
    return area * worth


SERVICE = Service(
    code="species_conservation",
    zh="物种保育",
    en="species conservation",
    group="regulating",
    items=(Item("habitat", "物种保育面积", "habitat"),),
    inputs=(
        Input("area_ha", "hectare", "面积", "area"),
        Input("shannon_index", "dimensionless", "香农-维纳指数", "Shannon-Wiener index", maximum=10.0),
    ),
    steps=(
        Step("physical", habitat, {"area": "area_ha"}, unit="hm2"),
        Step("price", class_worth, {
            "index": "shannon_index",
            **{f"class_{n}": Parameter(f"gep.species_conservation.class_{n}") for n in range(1, 8)},
        }, unit="CNY/hm2"),
    ),
    price_kinds=frozenset({"area"}),
    formulas=(class_worth, habitat, conservation_value),
)
