"""Material products (物质供给): crops, timber, livestock, fish, herbs, at market price.

Three values of one product must not be mixed in one account: gross output, net output, and the
ecosystem's contribution (price less labour and capital). The method of the row says which it is, or the formula
that worked it out, which the row's source names; a row with neither is pointed out.
"""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.service import Input, Parameter, Service, Step


@units(quantity="t/year", price="CNY/t", returns="CNY/year")
def gross_output(quantity: Floats, price: Floats) -> Floats:
    """``V = Q * P``: gross output.

    Args:
        quantity: Q, a year's harvest or growth, never the standing stock; t (or m3, head) per year.
        price: P, CNY per unit of the same.

    Returns:
        V, CNY per year. Source: 发改基础〔2022〕481号.
    """
    return quantity * price


@units(output="CNY/year", inputs="CNY/year", spread="dimensionless", returns="CNY/year")
def net_output(output: Floats, inputs: Floats, *, spread: float | Floats = 1.0) -> Floats:
    """``V = G - I``: output less seed, feed, fertiliser and other goods used up.

    Args:
        output: G, gross output, CNY per year.
        inputs: I, intermediate consumption, CNY per year.
        spread: 1, moved to the ends of what a stated output leaves open; it moves the output only.

    Returns:
        V, CNY per year. Source: practice of DOI 10.5846/stxb201607011362.
    """
    return output * spread - inputs


@units(price="CNY/t", labour="CNY/t", capital="CNY/t", spread="dimensionless", returns="CNY/t")
def resource_rent(price: Floats, labour: Floats, capital: Floats, *, spread: float | Floats = 1.0) -> Floats:
    """``p_e = P - w - k``: the part of the price that is the ecosystem's contribution.

    Args:
        price: P, CNY per unit of product.
        labour: w, labour cost per unit.
        capital: k, capital cost per unit.
        spread: 1, moved to the ends of what a stated price leaves open; it moves the price only.

    Returns:
        p_e, CNY per unit. Source: SEEA EA, residual value.
    """
    return price * spread - labour - capital


@units(output="CNY/year", inputs="CNY/year", labour="CNY/year", capital="CNY/year",
       spread="dimensionless", returns="CNY/year")
def ecosystem_contribution(
    output: Floats, inputs: Floats, *, labour: Floats, capital: Floats, spread: float | Floats = 1.0
) -> Floats:
    """``V = G - I - W - K``: output less goods used up, pay and the cost of capital (resource rent).

    Args:
        output: G, gross output, CNY per year.
        inputs: I, intermediate consumption, CNY per year.
        labour: W, pay including the family's own work, CNY per year.
        capital: K, wear and return of capital, CNY per year.
        spread: 1, moved to the ends of what a stated output leaves open; it moves the output only.

    Returns:
        V, CNY per year; negative where the work costs more than it brings. Source: SEEA EA, residual value.
    """
    return output * spread - inputs - labour - capital


@units(output="CNY/year", spread="dimensionless", returns="CNY/year")
def gross_output_stated(output: Floats, *, spread: float | Floats = 1.0) -> Floats:
    """``V = G``: gross output where the row gives no cost, CNY per year; spread is 1."""
    return output * spread


_SPREAD = Parameter("gep.spread.material_products")

SERVICE = Service(
    code="material_products",
    zh="物质产品",
    en="material products",
    group="provisioning",
    inputs=(
        Input("gross_output_cny", "CNY/year", "总产值", "gross output"),
        Input("intermediate_cost_cny", "CNY/year", "中间消耗", "intermediate consumption"),
        Input("labour_cost_cny", "CNY/year", "人工成本", "labour cost"),
        Input("capital_cost_cny", "CNY/year", "资本成本", "cost of capital"),
        Input("market_price", "CNY/t", "市场单价", "market price per unit"),
        Input("labour_cost", "CNY/t", "单位人工成本", "labour cost per unit"),
        Input("capital_cost", "CNY/t", "单位资本成本", "capital cost per unit"),
    ),
    steps=(
        Step("price", resource_rent, {
            "price": "market_price", "labour": "labour_cost", "capital": "capital_cost", "spread": _SPREAD,
        }),
        Step("value", ecosystem_contribution, {
            "output": "gross_output_cny", "inputs": "intermediate_cost_cny", "labour": "labour_cost_cny",
            "capital": "capital_cost_cny", "spread": _SPREAD,
        }, unit="CNY"),
        Step("value", net_output, {
            "output": "gross_output_cny", "inputs": "intermediate_cost_cny", "spread": _SPREAD,
        }, unit="CNY"),
        Step("value", gross_output_stated, {"output": "gross_output_cny", "spread": _SPREAD}, unit="CNY"),
    ),
    formulas=(gross_output, gross_output_stated, net_output, ecosystem_contribution, resource_rent),
)
