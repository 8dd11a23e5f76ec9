"""Material products (物质供给): crops, timber, livestock, fish, herbs, at market price.

Three values of one product must not be mixed in one account: gross output, net output, and the
ecosystem's contribution (price less labour and capital). The method of the row says which it is.
"""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.service import Input, Service, Step


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


@units(output="CNY/year", inputs="CNY/year", returns="CNY/year")
def net_output(output: Floats, inputs: Floats) -> Floats:
    """``V = G - I``: output less seed, feed, fertiliser and other goods used up.

    Args:
        output: G, gross output, CNY per year.
        inputs: I, intermediate consumption, CNY per year.

    Returns:
        V, CNY per year. Source: practice of DOI 10.5846/stxb201607011362.
    """
    return output - inputs


@units(price="CNY/t", labour="CNY/t", capital="CNY/t", returns="CNY/t")
def resource_rent(price: Floats, labour: Floats, capital: Floats) -> Floats:
    """``p_e = P - w - k``: the part of the price that is the ecosystem's contribution.

    Args:
        price: P, CNY per unit of product.
        labour: w, labour cost per unit.
        capital: k, capital cost per unit.

    Returns:
        p_e, CNY per unit. Source: SEEA EA, residual value.
    """
    return price - labour - capital


SERVICE = Service(
    code="material_products",
    zh="物质供给",
    en="material products",
    group="provisioning",
    inputs=(
        Input("gross_output_cny", "CNY/year", "总产值", "gross output"),
        Input("intermediate_cost_cny", "CNY/year", "中间消耗", "intermediate consumption"),
        Input("market_price", "CNY/t", "市场单价", "market price per unit"),
        Input("labour_cost", "CNY/t", "单位人工成本", "labour cost per unit"),
        Input("capital_cost", "CNY/t", "单位资本成本", "capital cost per unit"),
    ),
    steps=(
        Step("price", resource_rent, {"price": "market_price", "labour": "labour_cost", "capital": "capital_cost"}),
        Step("value", net_output, {"output": "gross_output_cny", "inputs": "intermediate_cost_cny"}, unit="CNY"),
    ),
    formulas=(gross_output, net_output, resource_rent),
)
