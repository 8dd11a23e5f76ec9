"""Recreation (休闲游憩): visits at the visitors' cost.

Consumer surplus and non-use value (what households would pay a month to keep a place) are items of their own,
never in the same number, and no exchange values.
"""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.formulas import consumer_surplus, travel_cost, visits
from eco_credit.gep.service import Input, Item, Parameter, Service, Step


@units(households="dimensionless", share="dimensionless", returns="dimensionless")
def willing_households(households: Floats, share: Floats) -> Floats:
    """``N_w = N * s``: households that would pay.

    Args:
        households: N, number.
        share: s, part of them that would pay.

    Returns:
        N_w, number.
    """
    return households * share


@units(monthly="CNY/month", spread="dimensionless", months="month/year", returns="CNY/year")
def yearly_willingness(monthly: Floats, *, spread: float | Floats = 1.0, months: float = 12.0) -> Floats:
    """``w_a = 12 * w``: what a household would pay in a year.

    Args:
        monthly: w, CNY per household and *month*.
        spread: 1, moved to the ends of what a stated amount leaves open.
        months: 12 months per year.

    Returns:
        w_a, CNY per household and year. Source: contingent valuation; a monthly amount read as a yearly one
        is 12 times too small. Never a collateral value.

    Example:
        >>> yearly_willingness(5.0)
        60.0
    """
    return monthly * months * spread

SERVICE = Service(
    code="recreation",
    zh="休闲游憩",
    en="recreation",
    group="cultural",
    items=(
        Item("travel_cost", "旅行费用", "travel cost"),
        Item("consumer_surplus", "消费者剩余", "consumer surplus", exchange=False),
        Item("non_use", "非使用价值（支付意愿）", "non-use value", exchange=False),
    ),
    inputs=(
        Input("visitors", "person/year", "游客人次", "visits"),
        Input("expenditure_cny", "CNY/person", "人均花费", "expenditure per visit"),
        Input("hours", "hour/person", "人均时间", "hours per visit"),
        Input("wage_cny_per_hour", "CNY/hour", "小时工资", "wage per hour"),
        Input("time_share", "dimensionless", "时间成本系数", "part of the wage an hour counts", maximum=1.0),
        Input("surplus_cny", "CNY/person", "人均消费者剩余", "consumer surplus per visit"),
        Input("households", "dimensionless", "户数", "households"),
        Input("willing_share", "dimensionless", "愿支付比例", "part that would pay", maximum=1.0),
        Input("willingness_cny_per_month", "CNY/month", "每户每月支付意愿", "willingness to pay per month"),
    ),
    steps=(
        Step("physical", visits, {"visitors": "visitors"}, unit="person", items=("travel_cost", "consumer_surplus")),
        Step("physical", willing_households, {"households": "households", "share": "willing_share"},
             unit="household", items=("non_use",)),
        Step("price", yearly_willingness, {
            "monthly": "willingness_cny_per_month", "spread": Parameter("gep.spread.recreation"),
        }, unit="CNY/household", items=("non_use",)),
        Step("price", travel_cost, {
            "expenditure": "expenditure_cny",
            "hours": "hours",
            "wage": "wage_cny_per_hour",
            "share": Parameter("gep.tourism.time_share", column="time_share"),
        }, unit="CNY/person", items=("travel_cost",)),
        Step("price", consumer_surplus, {
            "surplus": "surplus_cny", "spread": Parameter("gep.spread.recreation"),
        }, unit="CNY/person", items=("consumer_surplus",)),
    ),
    price_kinds=frozenset({"visits", "households"}),
    formulas=(visits, travel_cost, consumer_surplus, willing_households, yearly_willingness),
)
