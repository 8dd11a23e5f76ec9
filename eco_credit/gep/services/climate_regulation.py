"""Local climate regulation (局部气候调节): power that cooling by plants and water saves.

Rows bring quantity and price; the cooling days they imply are checked.
"""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.service import Input, Service

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


SERVICE = Service(
    code="climate_regulation",
    zh="局部气候调节",
    en="local climate regulation",
    group="regulating",
    inputs=(
        Input("area_ha", "hectare", "面积", "area"),
        Input("ecosystem", "text", "生态系统类型", "ecosystem class"),
        Input("cooling_days", "day", "降温天数", "cooling days"),
    ),
    price_kinds=frozenset({"energy", "volume"}),
    formulas=(implied_cooling_days,),
)
