"""Water retention (水源涵养): the water a place keeps back, priced as reservoir capacity."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.formulas import annual_cost, replacement_value, storm_runoff, water_retained, yearly_reservoir_cost
from eco_credit.gep.service import Choice, Input, Item, Parameter, Service, Step


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
        Input("cost_basis", "text", "成本口径（full 全额／yearly 年化）", "cost basis: full or yearly"),
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
        Step("price", yearly_reservoir_cost, {
            "cost": Parameter("gep.water_retention.reservoir_cost"),
            "rate": Parameter("gep.water_retention.discount_rate"),
            "years": Parameter("gep.water_retention.reservoir_life"),
            "chosen": Choice("cost_basis", {"full": np.nan, "yearly": 1.0}, default="full"),
        }, unit="CNY/m3"),
    ),
    price_kinds=frozenset({"volume"}),
    formulas=(storm_runoff, water_balance, water_retained, replacement_value, annual_cost,
              yearly_reservoir_cost),
)
