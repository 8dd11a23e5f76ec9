"""Carbon sequestration (固碳): net uptake, in tonnes of carbon or of carbon dioxide, never mixed."""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import CO2_PER_CARBON, units
from eco_credit.gep.service import Input, Item, Parameter, Service, Step


@units(carbon="tC/year", ratio="tCO2/tC", returns="tCO2/year")
def carbon_dioxide(carbon: Floats, ratio: float = CO2_PER_CARBON) -> Floats:
    """``CO2 = 44/12 * C``: carbon dioxide that holds the carbon.

    Args:
        carbon: C, tC per year.
        ratio: 44/12 tCO2 per tC.

    Returns:
        tCO2 per year. Source: molar masses.

    Example:
        >>> round(carbon_dioxide(12.0), 6)
        44.0
    """
    return carbon * ratio


@units(price="CNY/tC", ratio="tCO2/tC", returns="CNY/tCO2")
def price_per_carbon_dioxide(price: Floats, ratio: float = CO2_PER_CARBON) -> Floats:
    """``p_CO2 = p_C * 12/44``: 1200 CNY per tC is 327.27 CNY per tCO2.

    Example:
        >>> round(price_per_carbon_dioxide(1200.0), 2)
        327.27
    """
    return price / ratio


@units(production="tC/year", respiration="tC/year", returns="tC/year")
def net_uptake(production: Floats, respiration: Floats) -> Floats:
    """``NEP = NPP - Rh``: production less the respiration of the soil.

    Args:
        production: NPP, tC per year.
        respiration: Rh, tC per year.

    Returns:
        NEP, tC per year; negative where the place loses carbon.
    """
    return production - respiration


@units(start="tC", end="tC", years="year", returns="tC/year")
def stock_change(start: Floats, end: Floats, years: Floats) -> Floats:
    """``(S_1 - S_0) / n``: yearly change of the carbon stock; the stock itself is no flow.

    Args:
        start: S_0, tC.
        end: S_1, tC.
        years: n, years between.

    Returns:
        tC per year.
    """
    return (end - start) / years


@units(area="hectare", rate="tC/(hectare*year)", soil_ratio="dimensionless", returns="tC/year")
def uptake_by_rate(area: Floats, rate: Floats, soil_ratio: Floats) -> Floats:
    """``C = A * s * (1 + b)``: rate method.

    Args:
        area: A, ha.
        rate: s, carbon fixed by the vegetation, tC per ha and year.
        soil_ratio: b, soil carbon fixed per vegetation carbon.

    Returns:
        tC per year. Source: technical guide 2020.
    """
    return area * rate * (1.0 + soil_ratio)


@units(dry_matter="t/year", content="tC/t", soil="tC/t", returns="tC/year")
def carbon_in_growth(dry_matter: Floats, content: Floats, soil: Floats) -> Floats:
    """``C = B * (c + f)``: carbon in the dry matter grown, plus a soil term where the study has one.

    Args:
        dry_matter: B, t per year. Growth (NPP) stands for net uptake here, which overstates it by Rh.
        content: c, carbon content, 1.63 * 12/44 = 0.4445.
        soil: f, soil carbon per dry matter; 0 when left out (0.02/0.49 in DOI 10.5846/stxb201703280535).

    Returns:
        tC per year. Source: LY/T 1721-2008.
    """
    return dry_matter * (content + soil)


@units(carbon="tC/year", returns="tC/year")
def as_carbon(carbon: Floats) -> Floats:
    """``C = C``: the quantity of the item that is counted as carbon, tC per year."""
    return carbon


_CARBON = "net_uptake_tc"

SERVICE = Service(
    code="carbon",
    zh="固碳",
    en="carbon sequestration",
    group="regulating",
    items=(
        Item("co2", "固定二氧化碳", "carbon dioxide fixed", "gep.carbon.traded_price", "CNY/tCO2"),
        Item("carbon", "固碳量（以碳计）", "carbon fixed"),
    ),
    inputs=(
        Input(_CARBON, "tC/year", "净生态系统固碳量（吨碳）", "net uptake, tC", minimum=None),
        Input("npp_tc", "tC/year", "净初级生产力（吨碳）", "net primary production, tC"),
        Input("respiration_tc", "tC/year", "异养呼吸（吨碳）", "heterotrophic respiration, tC"),
        Input("stock_start_tc", "tC", "期初碳储量", "carbon stock at the start"),
        Input("stock_end_tc", "tC", "期末碳储量", "carbon stock at the end"),
        Input("stock_years", "year", "间隔年数", "years between", minimum=1.0),
        Input("area_ha", "hectare", "面积", "area"),
        Input("carbon_rate", "tC/(hectare*year)", "固碳速率", "rate of uptake", minimum=None),
        Input("npp_dry_t", "t/year", "净初级生产量（干物质）", "growth of dry matter"),
        Input("carbon_content", "tC/t", "干物质含碳率", "carbon content of dry matter", maximum=1.0),
        Input("soil_carbon", "tC/t", "单位干物质土壤固碳", "soil carbon per dry matter", maximum=1.0),
    ),
    steps=(
        Step(_CARBON, net_uptake, {"production": "npp_tc", "respiration": "respiration_tc"}),
        Step(_CARBON, stock_change, {"start": "stock_start_tc", "end": "stock_end_tc", "years": "stock_years"}),
        Step(_CARBON, uptake_by_rate, {
            "area": "area_ha", "rate": "carbon_rate", "soil_ratio": Parameter("gep.carbon.soil_ratio"),
        }),
        Step(_CARBON, carbon_in_growth, {
            "dry_matter": "npp_dry_t",
            "content": Parameter("gep.carbon.content", column="carbon_content"),
            "soil": Parameter("gep.carbon.soil_per_dry_matter", column="soil_carbon"),
        }),
        Step("physical", carbon_dioxide, {"carbon": _CARBON}, unit="tCO2", items=("co2",)),
        Step("physical", as_carbon, {"carbon": _CARBON}, unit="tC", items=("carbon",)),
    ),
    price_kinds=frozenset({"carbon", "carbon_dioxide"}),
    formulas=(carbon_dioxide, price_per_carbon_dioxide, net_uptake, stock_change, uptake_by_rate, carbon_in_growth),
)
