"""Water retention (水源涵养): the water a place keeps back, priced as reservoir capacity."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.formulas import annual_cost, replacement_value
from eco_credit.gep.service import Choice, Input, Item, Parameter, Service, Step

CUBIC_METRES_PER_HECTARE_AND_MILLIMETRE = 10.0
"""1 mm of water on 1 ha is 10 m3 (and on 1 km2 it is 1000 m3)."""


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


@units(rain="mm/year", runoff="mm/year", evapotranspiration="mm/year", floor="mm/year", returns="mm/year")
def water_balance(rain: Floats, runoff: Floats, *, evapotranspiration: Floats, floor: Floats) -> Floats:
    """``b = max(P - R - ET, floor)``: water a place keeps, as a depth.

    Args:
        rain: P, mm per year.
        runoff: R, storm runoff, mm per year.
        evapotranspiration: ET, mm per year.
        floor: lowest balance kept, mm per year: minus infinity keeps the sign of a dry balance, 0 clips
            it. It is never turned positive.

    Returns:
        b, mm per year. Source: HJ 1173-2021 A.1.
    """
    return np.maximum(rain - runoff - evapotranspiration, floor)


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


SERVICE = Service(
    code="water_retention",
    zh="水源涵养",
    en="water retention",
    group="regulating",
    items=(Item("retention", "涵养水量", "water retained", "gep.water_retention.reservoir_cost", "CNY/m3"),),
    inputs=(
        Input("area_ha", "hectare", "面积", "area"),
        Input("precipitation_mm", "mm/year", "降水量", "precipitation"),
        Input("runoff_mm", "mm/year", "暴雨径流量", "storm runoff"),
        Input("runoff_coefficient", "dimensionless", "暴雨径流系数", "storm-runoff coefficient", maximum=1.0),
        Input("evapotranspiration_mm", "mm/year", "蒸散发量", "evapotranspiration"),
        Input("water_balance_mm", "mm/year", "水量平衡", "water balance", minimum=None),
        Input("ecosystem", "text", "生态系统类型", "ecosystem class"),
        Input("negative_balance", "text", "负平衡处理（keep 保留／clip 归零）", "negative balance: keep or clip"),
    ),
    steps=(
        Step("runoff_mm", storm_runoff, {
            "rain": "precipitation_mm",
            "coefficient": Parameter(
                "gep.water_retention.runoff_coefficient", column="runoff_coefficient", key="ecosystem"
            ),
        }),
        Step("water_balance_mm", water_balance, {
            "rain": "precipitation_mm",
            "runoff": "runoff_mm",
            "evapotranspiration": "evapotranspiration_mm",
            "floor": Choice("negative_balance", {"keep": -np.inf, "clip": 0.0}, default="keep"),
        }),
        Step("physical", water_retained, {"area": "area_ha", "balance": "water_balance_mm"}, unit="m3"),
    ),
    price_kinds=frozenset({"volume"}),
    formulas=(storm_runoff, water_balance, water_retained, replacement_value, annual_cost),
)
