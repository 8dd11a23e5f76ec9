"""Tourism and wellness (旅游康养): visits at the visitors' cost.

Consumer surplus is an item of its own, never in the same number.
"""

from __future__ import annotations

from eco_credit.gep.formulas import consumer_surplus, travel_cost, visits
from eco_credit.gep.service import Input, Item, Parameter, Service, Step

SERVICE = Service(
    code="tourism",
    zh="旅游康养",
    en="tourism and wellness",
    group="cultural",
    items=(
        Item("travel_cost", "旅行费用", "travel cost"),
        Item("consumer_surplus", "消费者剩余", "consumer surplus", exchange=False),
    ),
    inputs=(
        Input("visitors", "person/year", "游客人次", "visits"),
        Input("expenditure_cny", "CNY/person", "人均花费", "expenditure per visit"),
        Input("hours", "hour/person", "人均时间", "hours per visit"),
        Input("wage_cny_per_hour", "CNY/hour", "小时工资", "wage per hour"),
        Input("time_share", "dimensionless", "时间成本系数", "part of the wage an hour counts", maximum=1.0),
        Input("surplus_cny", "CNY/person", "人均消费者剩余", "consumer surplus per visit"),
    ),
    steps=(
        Step("physical", visits, {"visitors": "visitors"}, unit="person"),
        Step("price", travel_cost, {
            "expenditure": "expenditure_cny",
            "hours": "hours",
            "wage": "wage_cny_per_hour",
            "share": Parameter("gep.tourism.time_share", column="time_share"),
        }, unit="CNY/person", items=("travel_cost",)),
        Step("price", consumer_surplus, {
            "surplus": "surplus_cny", "spread": Parameter("gep.spread.tourism"),
        }, unit="CNY/person", items=("consumer_surplus",)),
    ),
    price_kinds=frozenset({"visits"}),
    formulas=(visits, travel_cost, consumer_surplus),
)
