"""Noise reduction (噪声消减): road that a green belt shields, at the cost of a barrier; or decibels."""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.formulas import full_length_cost, yearly_length_cost
from eco_credit.gep.service import Choice, Input, Item, Parameter, Service, Step

_NAN = float("nan")


@units(length="m", returns="m")
def road_shielded(length: Floats) -> Floats:
    """``L = L``: road with a green belt that shields it, m."""
    return length


@units(level="dimensionless", returns="dimensionless")
def level_reduced(level: Floats) -> Floats:
    """``N = N``: decibels less; the account's unit is dB and it is only ever multiplied by CNY per dB."""
    return level


@units(length="m", cost="CNY/m/year", returns="CNY/year")
def barrier_value(length: Floats, cost: Floats) -> Floats:
    """``V = L * c``: what barriers along that road would cost, CNY per year."""
    return length * cost


SERVICE = Service(
    code="noise_reduction",
    zh="噪声消减",
    en="noise reduction",
    group="regulating",
    items=(
        Item("barrier", "道路绿化带（替代隔音屏）", "road with a green belt"),
        Item("decibel", "降噪分贝", "decibels less", "gep.noise_reduction.decibel_price", "CNY/dB"),
    ),
    inputs=(
        Input("green_road_m", "m", "绿化带道路长度", "road with a green belt"),
        Input("barrier_cost", "CNY/m", "隔音屏单位长度成本", "cost of a barrier per metre"),
        Input("cost_basis", "text", "成本口径（full 全额／yearly 年化）", "cost basis: full or yearly"),
        Input("noise_db", "dimensionless", "降噪量（分贝）", "decibels less"),
    ),
    steps=(
        Step("physical", road_shielded, {"length": "green_road_m"}, unit="m", items=("barrier",)),
        Step("physical", level_reduced, {"level": "noise_db"}, unit="dB", items=("decibel",)),
        Step("price", full_length_cost, {
            "cost": "barrier_cost", "chosen": Choice("cost_basis", {"full": 1.0, "yearly": _NAN}, default="full"),
            "spread": Parameter("gep.spread.noise_reduction"),
        }, unit="CNY/m", items=("barrier",)),
        Step("price", yearly_length_cost, {
            "cost": "barrier_cost",
            "rate": Parameter("gep.noise_reduction.discount_rate"),
            "years": Parameter("gep.noise_reduction.barrier_life"),
            "chosen": Choice("cost_basis", {"full": _NAN, "yearly": 1.0}, default="full"),
            "spread": Parameter("gep.spread.noise_reduction"),
        }, unit="CNY/m", items=("barrier",)),
    ),
    price_kinds=frozenset({"length", "noise"}),
    formulas=(road_shielded, level_reduced, barrier_value, full_length_cost, yearly_length_cost),
)
