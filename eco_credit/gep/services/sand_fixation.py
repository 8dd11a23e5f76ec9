"""Sand fixation (防风固沙): sand that cover holds (RWEQ), at the cost of restoring the ground it would bury.

Two forms of the model and two of its cover factor are in use and differ widely; a row says which
(``sand_form``, ``cover_form``). Soil shares are parts of one here and percent inside the formulas.
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.service import Choice, Input, Item, Parameter, Service, Step

PERCENT = 100.0
POWER = 1.3711
"""Exponent of the guideline form."""
_NAN = float("nan")


def _within_one(value: Floats) -> Floats:
    """A factor capped to 0 to 1: soils off the range of the regression give other numbers."""
    capped: Floats = np.minimum(np.maximum(value, 0.0), 1.0)
    return capped


@units(speed="m/s", threshold="m/s", calm="m/s", returns="m**3/s**3")
def wind_force(speed: Floats, threshold: Floats, *, calm: float = 0.0) -> Floats:
    """``w = u * max(u - u_t, 0)^2``: what one wind observation does; a calm does nothing.

    Args:
        speed: u, wind at 2 m height, m/s.
        threshold: u_t, about 5 m/s at 2 m, m/s.
        calm: 0 m/s.

    Returns:
        w, m3/s3; the weather factor sums it over the observations of the year. Source: RWEQ, not re-read.

    Example:
        >>> float(wind_force(4.0, 5.0)), float(wind_force(7.0, 5.0))
        (0.0, 28.0)
    """
    excess = np.maximum(speed - threshold, calm)
    force: Floats = speed * excess * excess
    return force


@units(altitude="km", temperature="kelvin", a="kg*kelvin/m**3", b="1/km", c="1/km**2", returns="kg/m**3")
def air_density(
    altitude: Floats, temperature: Floats, *, a: float = 348.0, b: float = 0.1183, c: float = 0.0048
) -> Floats:
    """``rho = 348 * (1.013 - 0.1183 z + 0.0048 z^2) / T``: density of air.

    Args:
        altitude: z, km.
        temperature: T, kelvin.
        a: 348 kg K/m3.
        b: 0.1183 per km.
        c: 0.0048 per km2.

    Returns:
        rho, kg per m3. Source: DOI 10.5846/stxb201702200273.

    Example:
        >>> round(float(air_density(0.0, 293.15)), 3)
        1.203
    """
    return a * (1.013 - b * altitude + c * altitude * altitude) / temperature


@units(sand="dimensionless", silt="dimensionless", clay="dimensionless", organic="dimensionless",
       lime="dimensionless", percent="dimensionless", returns="dimensionless")
def erodible_fraction(
    sand: Floats, silt: Floats, *, clay: Floats, organic: Floats, lime: Floats, percent: float = PERCENT
) -> Floats:
    """``EF = (29.09 + 0.31 Sa + 0.17 Si + 0.33 Sa/Cl - 2.59 OM - 0.95 CaCO3) / 100``, within 0 to 1.

    Args:
        sand: Sa, part of one (percent in the formula).
        silt: Si, part of one.
        clay: Cl, part of one, above 0.
        organic: OM, organic matter, part of one.
        lime: CaCO3, part of one.
        percent: 100.

    Returns:
        EF, 0 to 1. Source: DOI 10.5846/stxb201702200273.

    Example:
        >>> round(float(erodible_fraction(0.8, 0.1, clay=0.1, organic=0.01, lime=0.02)), 4)
        0.5374
    """
    inner = 29.09 + 0.31 * (percent * sand) + 0.17 * (percent * silt) + 0.33 * (sand / clay)
    return _within_one((inner - 2.59 * (percent * organic) - 0.95 * (percent * lime)) / 100.0)


@units(clay="dimensionless", organic="dimensionless", percent="dimensionless", returns="dimensionless")
def crust_factor(clay: Floats, organic: Floats, *, percent: float = PERCENT) -> Floats:
    """``SCF = 1 / (1 + 0.0066 Cl^2 + 0.021 OM^2)``, Cl and OM in percent.

    Args:
        clay: Cl, part of one.
        organic: OM, part of one.
        percent: 100.

    Returns:
        SCF, 0 to 1. Source: DOI 10.5846/stxb201702200273.

    Example:
        >>> round(float(crust_factor(0.1, 0.01)), 4)
        0.5949
    """
    clays, organics = percent * clay, percent * organic
    return 1.0 / (1.0 + 0.0066 * clays * clays + 0.021 * organics * organics)


@units(cover="dimensionless", coefficient="dimensionless", scale="dimensionless", chosen="dimensionless",
       percent="dimensionless", returns="dimensionless")
def cover_by_type(
    cover: Floats, coefficient: Floats, *, scale: Floats, chosen: Floats, percent: float = PERCENT
) -> Floats:
    """``C = exp(-a * SC)``, SC in percent, a by type of cover.

    Args:
        cover: SC, part of one.
        coefficient: a, per percent.
        scale: multiple of a, 1 at the centre.
        chosen: 1 where this form is the stated one.
        percent: 100.

    Returns:
        C, 0 to 1. Source: technical guide 2020, not re-read. At half cover 0.0438 gives 0.112 and the
        forest coefficient 0.0005.
    """
    factor: Floats = np.exp(-coefficient * scale * percent * cover)
    return factor * chosen


@units(cover="dimensionless", chosen="dimensionless", returns="dimensionless")
def cover_by_fraction(cover: Floats, chosen: Floats) -> Floats:
    """``C = exp(-5.614 * FVC^0.7366)``, FVC as a part of one.

    Args:
        cover: FVC, part of one.
        chosen: 1 where this form is the stated one.

    Returns:
        C, 0 to 1. Source: DOI 10.5846/stxb201701220183.
    """
    factor: Floats = np.exp(-5.614 * cover**0.7366)
    return factor * chosen


@units(weather="kg/m", erodible="dimensionless", crust="dimensionless", rough="dimensionless", returns="kg/m")
def erosive_factor(weather: Floats, erodible: Floats, *, crust: Floats, rough: Floats) -> Floats:
    """``x = WF * EF * SCF * K'``: what the wind could carry off bare ground, kg per m."""
    return weather * erodible * crust * rough


@units(factor="kg/m", cover="dimensionless", chosen="dimensionless", per="m/kg", size="kg/m**2", returns="kg/m**2")
def sand_held_guideline(
    factor: Floats, cover: Floats, *, chosen: Floats, per: float = 1.0, size: float = 0.1699
) -> Floats:
    """``q = 0.1699 * x^1.3711 * (1 - C^1.3711)``: guideline form.

    Args:
        factor: x, kg per m.
        cover: C, 0 to 1.
        chosen: 1 where this form is the stated one.
        per: 1 m/kg.
        size: 0.1699 kg/m2.

    Returns:
        q, kg per m2 and year. Source: HJ 1173-2021 A.14 and following, not re-read.
    """
    return size * (factor * per) ** POWER * (1.0 - cover**POWER) * chosen


def _loss(factor: Floats, cover: Floats, place: Floats) -> Floats:
    """``SL = 2 z / S^2 * Qmax * exp(-(z / S)^2)``, ``S = 150.71 (x C)^-0.3711``, ``Qmax = 109.8 x C``."""
    product = factor * cover
    length = 150.71 * product**-0.3711
    loss: Floats = 2.0 * place / length**2.0 * (109.8 * product) * np.exp(-((place / length) ** 2.0))
    return loss


@units(factor="kg/m", cover="dimensionless", place="m", chosen="dimensionless", per="m/kg", metre="1/m",
       size="kg/m**2", returns="kg/m**2")
def sand_held_long(
    factor: Floats, cover: Floats, *, place: Floats, chosen: Floats, per: float = 1.0, metre: float = 1.0,
    size: float = 1.0,
) -> Floats:
    """``q = SL(C = 1) - SL(C)``, ``SL = 2 z/S^2 * Qmax * exp(-(z/S)^2)``: long form.

    Args:
        factor: x, kg per m.
        cover: C, 0 to 1.
        place: z, distance from the upwind edge, m.
        chosen: 1 where this form is the stated one.
        per: 1 m/kg.
        metre: 1 per m.
        size: 1 kg/m2.

    Returns:
        q, kg per m2 and year, with ``S = 150.71 (x C)^-0.3711`` and ``Qmax = 109.8 x C``. Source: DOI
        10.5846/stxb201702200273 and 10.5846/stxb201701220183.
    """
    bare, covered, z = factor * per, cover, place * metre
    return (_loss(bare, covered**0.0, z) - _loss(bare, covered, z)) * chosen * size


@units(area="hectare", held="kg/m**2/year", per="t*m**2/(kg*hectare)", returns="t/year")
def sand_fixed(area: Floats, held: Floats, *, per: float = 10.0) -> Floats:
    """``Q = 10 * A * q``: 1 kg/m2 is 10 t/ha (and 1000 t/km2).

    Args:
        area: A, ha.
        held: q, kg per m2 and year.
        per: 10 t/ha per kg/m2.

    Returns:
        Q, t per year.
    """
    return area * held * per


@units(sand="t/year", density="t/m**3", depth="m", returns="m**2/year")
def ground_kept(sand: Floats, density: Floats, depth: Floats) -> Floats:
    """``A_s = Q / (rho * h)``: ground the sand would bury.

    Args:
        sand: Q, t per year.
        density: rho, t per m3.
        depth: h, depth of sand that spoils the ground, m.

    Returns:
        A_s, m2 per year. Source: DOI 10.5846/stxb201607011362.

    Example:
        >>> round(float(ground_kept(779.42e4, 1.28, 0.10)) / 1e6, 2)
        60.89
    """
    return sand / (density * depth)


@units(ground="m**2/year", cost="CNY/m**2", returns="CNY/year")
def restoration_value(ground: Floats, cost: Floats) -> Floats:
    """``V = A_s * c``: CNY per year."""
    return ground * cost


_FORMS = {"guideline": 1.0, "long": _NAN}
_COVERS = {"by_type": 1.0, "by_fraction": _NAN}


def _other(options: dict[str, float]) -> dict[str, float]:
    """The same choice seen from the other form."""
    return {code: _NAN if value == value else 1.0 for code, value in options.items()}


SERVICE = Service(
    code="sand_fixation",
    zh="防风固沙",
    en="sand fixation",
    group="regulating",
    items=(
        Item("ground", "避免沙埋面积", "ground kept from sand", "gep.sand_fixation.restoration_cost", "CNY/m2"),
    ),
    inputs=(
        Input("area_ha", "hectare", "面积", "area"),
        Input("weather_factor", "kg/m", "气象因子 WF", "weather factor WF"),
        Input("sand_share", "dimensionless", "砂粒含量（小数）", "sand, part of one", maximum=1.0),
        Input("silt_share", "dimensionless", "粉粒含量（小数）", "silt, part of one", maximum=1.0),
        Input("clay_share", "dimensionless", "黏粒含量（小数）", "clay, part of one", maximum=1.0),
        Input("organic_share", "dimensionless", "有机质含量（小数）", "organic matter, part of one", maximum=1.0),
        Input("lime_share", "dimensionless", "碳酸钙含量（小数）", "CaCO3, part of one", maximum=1.0),
        Input("erodible_fraction", "dimensionless", "土壤可蚀性因子 EF", "erodible fraction EF", maximum=1.0),
        Input("crust_factor", "dimensionless", "土壤结皮因子 SCF", "crust factor SCF", maximum=1.0),
        Input("roughness_factor", "dimensionless", "地表糙度因子 K'", "roughness factor K'", maximum=1.0),
        Input("vegetation_cover", "dimensionless", "植被覆盖度（小数）", "vegetation cover, part of one", maximum=1.0),
        Input("ecosystem", "text", "植被类型", "type of cover"),
        Input("cover_form", "text", "植被因子形式（by_type／by_fraction）", "cover factor: by_type or by_fraction"),
        Input("sand_form", "text", "模型形式（guideline／long）", "model form: guideline or long"),
        Input("wind_cover_factor", "dimensionless", "植被因子 C", "cover factor C", maximum=1.0),
        Input("erosive_factor", "kg/m", "WF·EF·SCF·K' 之积", "product WF EF SCF K'"),
        Input("sand_held", "kg/m**2/year", "单位面积固沙量", "sand held per area", minimum=None),
        Input("sand_fixed_t", "t/year", "固沙量", "sand fixed"),
    ),
    steps=(
        Step("erodible_fraction", erodible_fraction, {
            "sand": "sand_share", "silt": "silt_share", "clay": "clay_share", "organic": "organic_share",
            "lime": "lime_share",
        }),
        Step("crust_factor", crust_factor, {"clay": "clay_share", "organic": "organic_share"}),
        Step("wind_cover_factor", cover_by_type, {
            "cover": "vegetation_cover",
            "coefficient": Parameter("gep.sand_fixation.cover_coefficient", key="ecosystem"),
            "scale": Parameter("gep.sand_fixation.cover_scale"),
            "chosen": Choice("cover_form", _COVERS, default="by_type"),
        }),
        Step("wind_cover_factor", cover_by_fraction, {
            "cover": "vegetation_cover", "chosen": Choice("cover_form", _other(_COVERS), default="by_type"),
        }),
        Step("erosive_factor", erosive_factor, {
            "weather": "weather_factor", "erodible": "erodible_fraction", "crust": "crust_factor",
            "rough": "roughness_factor",
        }),
        Step("sand_held", sand_held_guideline, {
            "factor": "erosive_factor", "cover": "wind_cover_factor",
            "chosen": Choice("sand_form", _FORMS, default="guideline"),
        }),
        Step("sand_held", sand_held_long, {
            "factor": "erosive_factor", "cover": "wind_cover_factor",
            "place": Parameter("gep.sand_fixation.field_length"),
            "chosen": Choice("sand_form", _other(_FORMS), default="guideline"),
        }),
        Step("sand_fixed_t", sand_fixed, {"area": "area_ha", "held": "sand_held"}),
        Step("physical", ground_kept, {
            "sand": "sand_fixed_t",
            "density": Parameter("gep.sand_fixation.sand_density"),
            "depth": Parameter("gep.sand_fixation.sand_depth"),
        }, unit="m2"),
    ),
    price_kinds=frozenset({"area", "mass"}),
    formulas=(wind_force, air_density, erodible_fraction, crust_factor, cover_by_type, cover_by_fraction,
              erosive_factor, sand_held_guideline, sand_held_long, sand_fixed, ground_kept, restoration_value),
)
