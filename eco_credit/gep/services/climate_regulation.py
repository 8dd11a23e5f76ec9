"""Local climate regulation (局部气候调节): power that cooling by plants and open water saves.

Heat per area (EPP) comes in two derivations 60 to 75 times apart. The listed one is small; a row that brings its
own (``heat_taken_up``) says so in its source. The cooling days a row implies are checked.
"""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.service import Argument, Choice, Input, Item, Parameter, Service, Step

HEAT_FACTOR = 0.36
"""3600 kJ per kWh over 10 000 m2 per ha, kJ ha/(kWh m2)."""


@units(power="kWh", area="hectare", heat="kJ/(m**2*day)", efficiency="dimensionless",
       factor="kJ*hectare/(kWh*m**2)", returns="day")
def implied_cooling_days(
    power: Floats, area: Floats, *, heat: Floats, efficiency: Floats, factor: float = HEAT_FACTOR
) -> Floats:
    """``D = 3600 * r * E / (EPP * A[m2])``: days a year the stated power saving would need.

    Args:
        power: E, kWh in the year.
        area: A, ha.
        heat: EPP, heat taken up, kJ per m2 and day.
        efficiency: r, cooling per power of an air conditioner.
        factor: 3600 kJ per kWh over 10 000 m2 per ha.

    Returns:
        D, days; above 365 is impossible.

    Example:
        >>> round(float(implied_cooling_days(6.5185e5, 100.0, heat=70.4, efficiency=3.0)))
        100
    """
    return power * factor * efficiency / (heat * area)


@units(area="hectare", heat="kJ/(m**2*day)", scale="dimensionless", days="day/year", efficiency="dimensionless",
       factor="kJ*hectare/(kWh*m**2)", returns="kWh/year")
def cooling_by_plants(
    area: Floats, heat: Floats, *, scale: Floats, days: Floats, efficiency: Floats, factor: float = HEAT_FACTOR
) -> Floats:
    """``E = EPP * s * A[m2] * D / (3600 * r)``: power an air conditioner would need.

    Args:
        area: A, ha.
        heat: EPP, heat taken up, kJ per m2 and day.
        scale: s, multiple of a listed heat, 1 at the centre.
        days: D, days above the cooling threshold (26 C) in the year; 0 in a cold highland.
        efficiency: r, cooling per power of an air conditioner.
        factor: 3600 kJ per kWh over 10 000 m2 per ha.

    Returns:
        E, kWh per year. Source: technical guide 2020; r from DOI 10.5846/stxb201607011362.

    Example:
        >>> made = cooling_by_plants(100.0, 70.4, scale=1.0, days=100.0, efficiency=3.0)
        >>> round(float(made) / 1e5, 3)
        6.519
    """
    return area * heat * scale * days / (factor * efficiency)


@units(area="hectare", depth="mm/year", per="m**3/(hectare*mm)", returns="m**3/year")
def water_evaporated(area: Floats, depth: Floats, *, per: float = 10.0) -> Floats:
    """``E_w = 10 * A * e``: water that evaporates from open water, m3 per year."""
    return area * depth * per


@units(volume="m**3/year", heat="kJ/kg", humidifier="kWh/m**3", efficiency="dimensionless", chosen="dimensionless",
       density="kg/m**3", per_kwh="kJ/kWh", returns="kWh/year")
def cooling_by_water(
    volume: Floats, heat: Floats, *, humidifier: Floats, efficiency: Floats, chosen: float | Floats = 1.0,
    density: float = 1000.0, per_kwh: float = 3600.0,
) -> Floats:
    """``E = E_w * (rho * q / (3600 * r) + y)``: power to cool and moisten the air as evaporation does.

    Args:
        volume: E_w, water evaporated, m3 per year.
        heat: q, latent heat, kJ per kg (2260 to 2450).
        humidifier: y, kWh per m3.
        efficiency: r, cooling per power; 1 where the heat itself is counted.
        chosen: 1 where this form is the stated one.
        density: rho, kg per m3.
        per_kwh: kJ per kWh.

    Returns:
        E, kWh per year: 628 to 681 kWh of heat per m3 over r, plus 125. Source: DOI
        10.5846/stxb201607011362 and 10.5846/stxb201608301763.

    Example:
        >>> round(float(cooling_by_water(1.0, 2450.0, humidifier=125.0, efficiency=1.0)), 2)
        805.56
    """
    return volume * (density * heat / (per_kwh * efficiency) + humidifier) * chosen


@units(power="kWh/year", tariff="CNY/kWh", returns="CNY/year")
def power_saved_value(power: Floats, tariff: Floats) -> Floats:
    """``V = E * P``: CNY per year."""
    return power * tariff


_HEAT: dict[str, Argument] = {
    "volume": "evaporation_m3",
    "heat": Parameter("gep.climate.latent_heat"),
    "humidifier": Parameter("gep.climate.humidifier_power"),
}
_NAN = float("nan")

SERVICE = Service(
    code="climate_regulation",
    zh="局部气候调节",
    en="local climate regulation",
    group="regulating",
    items=(
        Item("vegetation", "植被蒸腾降温", "cooling by plants", "gep.climate.power_price", "CNY/kWh"),
        Item("open_water", "水面蒸发降温增湿", "cooling by open water", "gep.climate.power_price", "CNY/kWh"),
    ),
    inputs=(
        Input("area_ha", "hectare", "面积", "area"),
        Input("ecosystem", "text", "生态系统类型", "ecosystem class"),
        Input("heat_taken_up", "kJ/(m**2*day)", "单位面积蒸腾耗热", "heat taken up per area"),
        Input("cooling_days", "day/year", "降温天数", "cooling days"),
        Input("evaporation_mm", "mm/year", "水面蒸发量", "evaporation of open water"),
        Input("evaporation_m3", "m**3/year", "水面蒸发水量", "water evaporated"),
        Input("water_form", "text", "水面降温形式（power 折电／heat 热量）", "open water: power or heat"),
    ),
    steps=(
        Step("physical", cooling_by_plants, {
            "area": "area_ha",
            "heat": Parameter("gep.climate.heat_taken_up", column="heat_taken_up", key="ecosystem"),
            "scale": Parameter("gep.climate.heat_scale"),
            "days": "cooling_days",
            "efficiency": Parameter("gep.climate.cooling_efficiency"),
        }, unit="kWh", items=("vegetation",)),
        Step("evaporation_m3", water_evaporated, {"area": "area_ha", "depth": "evaporation_mm"},
             items=("open_water",)),
        Step("physical", cooling_by_water, {
            **_HEAT, "efficiency": Parameter("gep.climate.cooling_efficiency"),
            "chosen": Choice("water_form", {"power": 1.0, "heat": _NAN}, default="power"),
        }, unit="kWh", items=("open_water",)),
        Step("physical", cooling_by_water, {
            **_HEAT, "efficiency": Choice("water_form", {"power": _NAN, "heat": 1.0}, default="power"),
        }, unit="kWh", items=("open_water",)),
    ),
    price_kinds=frozenset({"energy", "volume"}),
    formulas=(implied_cooling_days, cooling_by_plants, water_evaporated, cooling_by_water,
              power_saved_value),
)
