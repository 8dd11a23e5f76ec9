"""Soil retention (土壤保持): soil not lost, priced as silting and as N and P load avoided.

The worth of the same N and P as fertiliser is another school: never beside the load avoided.
"""

from __future__ import annotations

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.gep.formulas import replacement_value
from eco_credit.gep.service import Input, Item, Parameter, Service, Step

_EROSIVITY = "MJ*mm/(hectare*hour*year)"
_ERODIBILITY = "t*hectare*hour/(hectare*MJ*mm)"


@units(area="hectare", erosivity=_EROSIVITY, erodibility=_ERODIBILITY, slope="dimensionless", returns="t/year")
def bare_loss(area: Floats, erosivity: Floats, *, erodibility: Floats, slope: Floats) -> Floats:
    """``L_0 = A * R * K * LS``: soil that bare ground would lose.

    Args:
        area: A, ha.
        erosivity: R, MJ mm/(ha h a).
        erodibility: K, t ha h/(ha MJ mm); the value in US units times 0.1317.
        slope: LS, slope length and steepness.

    Returns:
        L_0, t per year. Source: HJ 1173-2021 A.2.
    """
    return area * erosivity * erodibility * slope


@units(value=_ERODIBILITY, factor="dimensionless", returns=_ERODIBILITY)
def erodibility_si(value: Floats, factor: Floats) -> Floats:
    """``K = 0.1317 * K_US``: the EPIC formula gives US customary units; the SI value is smaller.

    Args:
        value: K_US, number in US customary units.
        factor: 0.1317.

    Returns:
        K, t ha h/(ha MJ mm). Source: ChinaXiv 201809.00171, which words the relation the wrong way round.

    Example:
        >>> round(float(erodibility_si(0.3, 0.1317)), 5)
        0.03951
    """
    return value * factor


@units(bare="t/year", cover="dimensionless", practice="dimensionless", returns="t/year")
def soil_retained(bare: Floats, cover: Floats, practice: Floats) -> Floats:
    """``Q = L_0 * (1 - C * P)``: soil that cover and practice hold back (RUSLE).

    Args:
        bare: L_0, soil bare ground would lose, t per year.
        cover: C, 0 to 1.
        practice: P, 0 to 1.

    Returns:
        Q, t per year. Source: HJ 1173-2021 A.2.

    Example:
        >>> soil_retained(2400.0, 0.25, 1.0)
        1800.0
    """
    return bare * (1.0 - cover * practice)


@units(soil="t/year", deposited="dimensionless", density="t/m**3", returns="m**3/year")
def silting_avoided(soil: Floats, deposited: Floats, density: Floats) -> Floats:
    """``V = l * Q / rho``: volume that does not settle in rivers and reservoirs; mass is *divided* by density.

    Args:
        soil: Q, soil retained, t per year.
        deposited: l, part of eroded soil that settles.
        density: rho, bulk density, t per m3.

    Returns:
        V, m3 per year. Source: DOI 10.5846/stxb201607011362: 38.86e8 t * 0.24 / 0.93 = 10.03e8 m3.

    Example:
        >>> round(silting_avoided(38.86e8, 0.24, 0.93) / 1e8, 2)
        10.03
    """
    return soil * deposited / density


@units(soil="t/year", content="dimensionless", returns="t/year")
def nutrient_load_avoided(soil: Floats, content: Floats) -> Floats:
    """``Q_i = Q * C_i``: N or P that stays on the land.

    Args:
        soil: Q, soil retained, t per year.
        content: C_i, *pure* N or P in the soil, part of one (0.37 % is 0.0037).

    Returns:
        Q_i, t per year. Source: DOI 10.5846/stxb201607011362.
    """
    return soil * content


@units(load="t/year", cost="CNY/t", returns="CNY/year")
def treatment_value(load: Floats, cost: Floats) -> Floats:
    """``V = Q_i * p_i``: treatment cost of the load avoided, CNY per year."""
    return load * cost


SERVICE = Service(
    code="soil_retention",
    zh="土壤保持",
    en="soil retention",
    group="regulating",
    items=(
        Item("silting", "减少泥沙淤积", "silting avoided", "gep.soil_retention.dredging_cost", "CNY/m3"),
        Item("nonpoint_n", "减少氮面源污染", "nitrogen load avoided", "gep.soil_retention.nitrogen_cost", "CNY/t"),
        Item("nonpoint_p", "减少磷面源污染", "phosphorus load avoided", "gep.soil_retention.phosphorus_cost", "CNY/t"),
    ),
    inputs=(
        Input("area_ha", "hectare", "面积", "area"),
        Input("rainfall_erosivity", _EROSIVITY, "降雨侵蚀力因子", "rainfall erosivity R"),
        Input("soil_erodibility", _ERODIBILITY, "土壤可蚀性因子", "soil erodibility K"),
        Input("soil_erodibility_us", _ERODIBILITY, "土壤可蚀性因子（美制）", "soil erodibility, US units"),
        Input("slope_factor", "dimensionless", "坡长坡度因子", "slope length and steepness LS"),
        Input("bare_loss_t", "t/year", "裸地潜在侵蚀量", "soil bare ground would lose"),
        Input("cover_factor", "dimensionless", "植被覆盖因子", "cover factor C", maximum=1.0),
        Input("practice_factor", "dimensionless", "水土保持措施因子", "practice factor P", maximum=1.0),
        Input("land_use", "text", "土地利用类型", "land use"),
        Input("soil_retained_t", "t/year", "土壤保持量", "soil retained"),
        Input("deposited_share", "dimensionless", "泥沙淤积比例", "share deposited", maximum=1.0),
        Input("bulk_density", "t/m**3", "土壤容重", "bulk density", maximum_rule="gep.check.bulk_density_max"),
        Input("nutrient_content", "dimensionless", "氮或磷纯含量（小数）", "pure N or P content, part of one",
              maximum_rule="gep.check.nutrient_content_max"),
    ),
    steps=(
        Step("soil_erodibility", erodibility_si, {
            "value": "soil_erodibility_us", "factor": Parameter("gep.soil_retention.erodibility_si"),
        }),
        Step("bare_loss_t", bare_loss, {
            "area": "area_ha", "erosivity": "rainfall_erosivity", "erodibility": "soil_erodibility",
            "slope": "slope_factor",
        }),
        Step("soil_retained_t", soil_retained, {
            "bare": "bare_loss_t", "cover": "cover_factor",
            "practice": Parameter("gep.soil_retention.practice_factor", column="practice_factor", key="land_use"),
        }),
        Step("physical", silting_avoided, {
            "soil": "soil_retained_t",
            "deposited": Parameter("gep.soil_retention.deposited_share", column="deposited_share"),
            "density": Parameter("gep.soil_retention.bulk_density", column="bulk_density"),
        }, unit="m3", items=("silting",)),
        Step("physical", nutrient_load_avoided, {
            "soil": "soil_retained_t",
            "content": Parameter("gep.soil_retention.nitrogen_content", column="nutrient_content"),
        }, unit="t", items=("nonpoint_n",)),
        Step("physical", nutrient_load_avoided, {
            "soil": "soil_retained_t",
            "content": Parameter("gep.soil_retention.phosphorus_content", column="nutrient_content"),
        }, unit="t", items=("nonpoint_p",)),
    ),
    price_kinds=frozenset({"volume", "mass", "area"}),
    formulas=(erodibility_si, bare_loss, soil_retained, silting_avoided, nutrient_load_avoided, treatment_value,
              replacement_value),
)
