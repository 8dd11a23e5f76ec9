"""Ecological energy (生态能源): power of falling water, and biomass fuel.

Hydropower is power from the same water that supply and retention may price: the account warns. SEEA EA
shows it apart as abiotic.
"""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.service import Input, Item, Parameter, Service, Step

WATER_DENSITY = 1000.0
"""kg per m3."""
GRAVITY = 9.81
"""m per s2."""
JOULES_PER_KWH = 3.6e6


@units(volume="m**3/year", head="m", efficiency="dimensionless", density="kg/m**3", gravity="m/s**2",
       per_kwh="J/kWh", returns="kWh/year")
def hydropower(
    volume: Floats, head: Floats, *, efficiency: Floats, density: float = WATER_DENSITY,
    gravity: float = GRAVITY, per_kwh: float = JOULES_PER_KWH,
) -> Floats:
    """``E = rho * g * h * eta * W / 3.6e6``: power of water that falls.

    Args:
        volume: W, water through the turbines, m3 per year.
        head: h, m.
        efficiency: eta, turbine and generator, part of one.
        density: rho, kg per m3.
        gravity: g, m per s2.
        per_kwh: J per kWh.

    Returns:
        E, kWh per year. Source: potential energy.

    Example:
        >>> round(float(hydropower(1e6, 100.0, efficiency=0.85)))
        231625
    """
    return volume * head * efficiency * density * gravity / per_kwh


@units(power="kWh/year", returns="kWh/year")
def power_generated(power: Floats) -> Floats:
    """``E = E``: power as metered, kWh per year."""
    return power


@units(biomass="t/year", equivalent="dimensionless", returns="t/year")
def coal_equivalent(biomass: Floats, equivalent: Floats) -> Floats:
    """``Q = B * k``: standard coal with the heat of the biomass burnt.

    Args:
        biomass: B, t per year. A crop that is already a product is not counted again.
        equivalent: k, t of standard coal per t.

    Returns:
        Q, t of standard coal per year.
    """
    return biomass * equivalent


@units(power="kWh/year", price="CNY/kWh", returns="CNY/year")
def power_value(power: Floats, price: Floats) -> Floats:
    """``V = E * P``: CNY per year. Source: DOI 10.5846/stxb201607011362 (95.3e8 kWh at 0.53)."""
    return power * price


SERVICE = Service(
    code="ecological_energy",
    zh="生态能源",
    en="ecological energy",
    group="provisioning",
    items=(
        Item("hydropower", "水电", "hydropower", "gep.ecological_energy.power_price", "CNY/kWh"),
        Item("biomass", "生物质能（折标准煤）", "biomass fuel, as standard coal"),
    ),
    inputs=(
        Input("power_kwh", "kWh/year", "发电量", "power generated"),
        Input("turbine_water_m3", "m**3/year", "发电用水量", "water through the turbines"),
        Input("head_m", "m", "水头", "head"),
        Input("turbine_efficiency", "dimensionless", "机组效率", "efficiency", maximum=1.0),
        Input("biomass_t", "t/year", "生物质利用量", "biomass burnt"),
        Input("coal_equivalent_ratio", "dimensionless", "折标准煤系数", "standard coal per biomass", maximum=1.5),
    ),
    steps=(
        Step("physical", power_generated, {"power": "power_kwh"}, unit="kWh", items=("hydropower",)),
        Step("physical", hydropower, {
            "volume": "turbine_water_m3", "head": "head_m",
            "efficiency": Parameter("gep.ecological_energy.turbine_efficiency", column="turbine_efficiency"),
        }, unit="kWh", items=("hydropower",)),
        Step("physical", coal_equivalent, {
            "biomass": "biomass_t",
            "equivalent": Parameter("gep.ecological_energy.fuel_equivalent", column="coal_equivalent_ratio"),
        }, unit="t", items=("biomass",)),
    ),
    price_kinds=frozenset({"energy", "mass"}),
    formulas=(hydropower, power_generated, coal_equivalent, power_value),
)
