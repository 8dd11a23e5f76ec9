"""Flood mitigation (洪水调蓄): flood water that lakes, reservoirs, marshes and plants hold, as reservoir capacity.

Water that plants hold must not also sit in water retention, and man-made capacity is no ecosystem service under
SEEA EA: the account points both out.
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.formulas import (
    annual_cost,
    replacement_value,
    storm_runoff,
    water_retained,
    yearly_reservoir_cost,
)
from eco_credit.gep.service import Choice, Input, Item, Parameter, Service, Step

SQUARE_KILOMETRES_PER_HECTARE = 0.01
WAN_CUBIC_METRES = 10_000.0
_NAN = float("nan")


@units(area="hectare", exponent="dimensionless", intercept="dimensionless", turnover="dimensionless",
       scale="dimensionless", per="1/hectare", size="m**3/year", returns="m**3/year")
def lake_capacity(
    area: Floats, exponent: Floats, *, intercept: Floats, turnover: Floats, scale: Floats,
    per: float = SQUARE_KILOMETRES_PER_HECTARE, size: float = WAN_CUBIC_METRES,
) -> Floats:
    """``C = 1e4 * exp(b) * A[km2]^a * T * s``: flood water a lake holds.

    Args:
        area: A, ha, of one lake: the exponent is below 1, so lakes must not be lumped together.
        exponent: a.
        intercept: b, for a result in 1e4 m3.
        turnover: T, times a year.
        scale: s, 1 at the centre.
        per: 0.01 km2 per ha.
        size: 1e4 m3.

    Returns:
        C, m3 per year. Source: DOI 10.5846/stxb201607011362 (Tibetan plateau: a 0.678, b 6.636, T 1).

    Example:
        >>> one = lake_capacity(100.0, 0.678, intercept=6.636, turnover=1.0, scale=1.0)
        >>> round(float(one) / 1e4, 2)
        762.04
    """
    capacity: Floats = np.exp(intercept) * (area * per) ** exponent * turnover * scale * size
    return capacity


@units(capacity="m**3", share="1/year", returns="m**3/year")
def reservoir_capacity(capacity: Floats, share: Floats) -> Floats:
    """``C = 0.35 * C_t``: flood capacity of reservoirs.

    Args:
        capacity: C_t, total capacity, m3.
        share: part of it that holds floods, each year.

    Returns:
        C, m3 per year. Source: DOI 10.5846/stxb201607011362.
    """
    return capacity * share


@units(area="hectare", depth="m/year", per="m**2/hectare", returns="m**3/year")
def marsh_capacity(area: Floats, depth: Floats, *, per: float = 10_000.0) -> Floats:
    """``C = d * A``: flood water a marsh holds, in m3 and not in 1e4 m3.

    Args:
        area: A, ha.
        depth: d, m each year.
        per: 10 000 m2 per ha.

    Returns:
        C, m3 per year. Source: DOI 10.5846/stxb201607011362, which prints the unit 1e4 times too large.

    Example:
        >>> float(marsh_capacity(200_000.0, 0.3))
        600000000.0
    """
    return area * depth * per


@units(rain="mm/year", runoff="mm/year", floor="mm/year", returns="mm/year")
def storm_balance(rain: Floats, runoff: Floats, floor: Floats) -> Floats:
    """``b = max(P_s - R_s, floor)``: storm rain that plants keep back, as a depth.

    Args:
        rain: P_s, storm rain, mm per year.
        runoff: R_s, storm runoff, mm per year.
        floor: lowest balance kept, mm per year; see `water_balance`.

    Returns:
        b, mm per year. Source: technical guide 2020, not re-read.
    """
    balance: Floats = np.maximum(rain - runoff, floor)
    return balance


_BALANCE = Choice("negative_balance", {"keep": -np.inf, "clip": 0.0}, default="keep")

SERVICE = Service(
    code="flood_mitigation",
    zh="洪水调蓄",
    en="flood mitigation",
    group="regulating",
    items=tuple(
        Item(code, zh, en, "gep.water_retention.reservoir_cost", "CNY/m3")
        for code, zh, en in (
            ("lake", "湖泊调蓄", "lakes"),
            ("reservoir", "水库调蓄", "reservoirs"),
            ("marsh", "沼泽调蓄", "marshes"),
            ("vegetation", "植被调蓄", "plants"),
        )
    ),
    inputs=(
        Input("area_ha", "hectare", "面积", "area"),
        Input("lake_region", "text", "湖区", "lake region"),
        Input("reservoir_capacity_m3", "m**3", "总库容", "total capacity"),
        Input("flood_share", "dimensionless", "防洪库容比例", "part that holds floods", maximum=1.0),
        Input("marsh_depth_m", "m", "沼泽蓄水深度", "depth a marsh holds", maximum=5.0),
        Input("storm_rain_mm", "mm/year", "暴雨量", "storm rain"),
        Input("storm_runoff_mm", "mm/year", "暴雨径流量", "storm runoff"),
        Input("storm_runoff_coefficient", "dimensionless", "暴雨径流系数", "storm-runoff coefficient", maximum=1.0),
        Input("storm_balance_mm", "mm/year", "暴雨水量平衡", "storm balance", minimum=None),
        Input("negative_balance", "text", "负平衡处理（keep 保留／clip 归零）", "negative balance: keep or clip"),
        Input("cost_basis", "text", "成本口径（full 全额／yearly 年化）", "cost basis: full or yearly"),
    ),
    steps=(
        Step("physical", lake_capacity, {
            "area": "area_ha",
            "exponent": Parameter("gep.flood_mitigation.lake_exponent", key="lake_region"),
            "intercept": Parameter("gep.flood_mitigation.lake_intercept", key="lake_region"),
            "turnover": Parameter("gep.flood_mitigation.lake_turnover", key="lake_region"),
            "scale": Parameter("gep.flood_mitigation.lake_scale"),
        }, unit="m3", items=("lake",)),
        Step("physical", reservoir_capacity, {
            "capacity": "reservoir_capacity_m3",
            "share": Parameter("gep.flood_mitigation.reservoir_share", column="flood_share"),
        }, unit="m3", items=("reservoir",)),
        Step("physical", marsh_capacity, {
            "area": "area_ha",
            "depth": Parameter("gep.flood_mitigation.marsh_depth", column="marsh_depth_m"),
        }, unit="m3", items=("marsh",)),
        Step("storm_runoff_mm", storm_runoff, {
            "rain": "storm_rain_mm", "coefficient": "storm_runoff_coefficient",
        }, items=("vegetation",)),
        Step("storm_balance_mm", storm_balance, {
            "rain": "storm_rain_mm", "runoff": "storm_runoff_mm", "floor": _BALANCE,
        }, items=("vegetation",)),
        Step("physical", water_retained, {"area": "area_ha", "balance": "storm_balance_mm"},
             unit="m3", items=("vegetation",)),
        Step("price", yearly_reservoir_cost, {
            "cost": Parameter("gep.water_retention.reservoir_cost"),
            "rate": Parameter("gep.water_retention.discount_rate"),
            "years": Parameter("gep.water_retention.reservoir_life"),
            "chosen": Choice("cost_basis", {"full": _NAN, "yearly": 1.0}, default="full"),
        }, unit="CNY/m3"),
    ),
    price_kinds=frozenset({"volume"}),
    formulas=(lake_capacity, reservoir_capacity, marsh_capacity, storm_balance, water_retained, replacement_value,
              annual_cost, yearly_reservoir_cost),
)
