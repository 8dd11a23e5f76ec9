"""Coastal protection (海岸带防护): shoreline that mangrove, marsh or reef protects, at the cost of a dike.

No dike cost was found in the sources read, so the row states it, and says whether it is counted in full (as
the norms do) or as a yearly cost.
"""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.formulas import full_length_cost, yearly_length_cost
from eco_credit.gep.service import Choice, Input, Item, Parameter, Service, Step

_NAN = float("nan")


@units(length="m", share="dimensionless", returns="m")
def shoreline_protected(length: Floats, share: Floats) -> Floats:
    """``L_p = L * s``: shoreline in the lee of the ecosystem.

    Args:
        length: L, shoreline with the ecosystem, m.
        share: s, part of it that protects land, part of one.

    Returns:
        L_p, m. Source: technical guide 2020, not re-read.
    """
    return length * share


@units(length="m", returns="m")
def shoreline(length: Floats) -> Floats:
    """``L_p = L``: shoreline, m, where the row gives no part of it."""
    return length


@units(length="m", cost="CNY/m/year", returns="CNY/year")
def dike_value(length: Floats, cost: Floats) -> Floats:
    """``V = L_p * c``: what a dike of that length would cost, CNY per year."""
    return length * cost


SERVICE = Service(
    code="coastal_protection",
    zh="海岸带防护",
    en="coastal protection",
    group="regulating",
    items=(Item("shoreline", "受保护岸线", "protected shoreline"),),
    inputs=(
        Input("shoreline_m", "m", "岸线长度", "shoreline"),
        Input("protected_share", "dimensionless", "受保护比例", "part protected", maximum=1.0),
        Input("dike_cost", "CNY/m", "海堤单位长度建造成本", "cost of a dike per metre"),
        Input("cost_basis", "text", "成本口径（full 全额／yearly 年化）", "cost basis: full or yearly"),
    ),
    steps=(
        Step("physical", shoreline_protected, {"length": "shoreline_m", "share": "protected_share"}, unit="m"),
        Step("physical", shoreline, {"length": "shoreline_m"}, unit="m"),
        Step("price", full_length_cost, {
            "cost": "dike_cost", "chosen": Choice("cost_basis", {"full": 1.0, "yearly": _NAN}, default="full"),
            "spread": Parameter("gep.spread.coastal_protection"),
        }, unit="CNY/m"),
        Step("price", yearly_length_cost, {
            "cost": "dike_cost",
            "rate": Parameter("gep.coastal_protection.discount_rate"),
            "years": Parameter("gep.coastal_protection.dike_life"),
            "chosen": Choice("cost_basis", {"full": _NAN, "yearly": 1.0}, default="full"),
            "spread": Parameter("gep.spread.coastal_protection"),
        }, unit="CNY/m"),
    ),
    price_kinds=frozenset({"length"}),
    formulas=(shoreline_protected, shoreline, dike_value, full_length_cost, yearly_length_cost),
)
