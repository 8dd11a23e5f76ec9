"""Every formula of every service: its declared units hold, and the unit anchors come out."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from eco_credit.gep import services
from eco_credit.gep.formulas import annual_cost
from eco_credit.gep.service import Formula
from eco_credit.gep.services import BUILT_IN, by_code
from eco_credit.gep.services.carbon import carbon_dioxide, price_per_carbon_dioxide
from eco_credit.gep.services.climate_regulation import implied_cooling_days
from eco_credit.gep.services.soil_retention import nutrient_load_avoided, silting_avoided
from eco_credit.gep.services.water_retention import water_balance, water_retained
from eco_credit.rulebook import load
from tests.units_check import check_units, registry

CODES = (
    "material_products",
    "water_supply",
    "ecological_energy",
    "water_retention",
    "soil_retention",
    "sand_fixation",
    "coastal_protection",
    "flood_mitigation",
    "air_purification",
    "water_purification",
    "carbon",
    "oxygen",
    "climate_regulation",
    "noise_reduction",
    "pest_control",
    "species_conservation",
    "tourism",
    "recreation",
    "landscape_premium",
)
FORMULAS = list({f.__name__: f for s in BUILT_IN for f in [*s.formulas, *(step.formula for step in s.steps)]}.values())


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.__name__)
def test_the_declared_units_of_a_formula_hold_in_dimension_and_size(formula: Formula) -> None:
    check_units(formula, magnitudes=True)


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: formula.__name__)
def test_a_formula_gives_one_row_the_bytes_it_has_among_many(formula: Formula) -> None:
    names = list(inspect.signature(formula).parameters)
    draw = np.random.default_rng(7)
    columns = {name: draw.uniform(0.1, 0.9, 257) for name in names}
    many = formula(**columns)
    alone = [formula(**{name: column[i : i + 1].copy() for name, column in columns.items()})[0] for i in range(257)]
    assert np.array_equal(many, np.array(alone))


def test_the_unit_check_finds_a_mass_multiplied_by_its_density() -> None:
    def wrong(soil, deposited, density):  # type: ignore[no-untyped-def]
        return soil * deposited * density

    wrong.__units__ = silting_avoided.__units__  # type: ignore[attr-defined]
    with pytest.raises(AssertionError, match="is not"):
        check_units(wrong)


def test_carbon_and_carbon_dioxide_are_different_dimensions() -> None:
    ureg = registry()
    assert ureg.Quantity(1.0, "tC").dimensionality != ureg.Quantity(1.0, "tCO2").dimensionality


def test_100_mm_on_one_square_kilometre_is_1e5_m3() -> None:
    assert water_retained(np.array([100.0]), np.array([100.0]))[0] == 1e5  # 1 km2 = 100 ha


def test_a_dry_balance_keeps_its_sign_or_is_clipped_and_is_never_made_positive() -> None:
    rain, dry = np.array([500.0]), np.array([700.0])
    kept = water_balance(rain, np.zeros(1), evapotranspiration=dry, floor=np.array([-np.inf]))
    clipped = water_balance(rain, np.zeros(1), evapotranspiration=dry, floor=np.zeros(1))
    assert (kept[0], clipped[0]) == (-200.0, 0.0)


def test_mass_is_divided_by_bulk_density() -> None:
    volume = silting_avoided(np.array([38.86e8]), np.array([0.24]), np.array([0.93]))[0]
    assert volume == pytest.approx(10.03e8, rel=2e-4)  # 38.86e8 * 0.24 / 0.93 = 10.0284e8


def test_nitrogen_content_is_a_part_of_one() -> None:
    assert nutrient_load_avoided(np.array([38.86e8]), np.array([0.0037]))[0] == pytest.approx(1437.8e4, rel=1e-4)


def test_44_tonnes_of_carbon_dioxide_hold_12_of_carbon_and_cost_the_same() -> None:
    assert carbon_dioxide(np.array([12.0]))[0] == pytest.approx(44.0)
    assert price_per_carbon_dioxide(np.array([1200.0]))[0] == pytest.approx(327.27, abs=0.005)  # 1200 * 12 / 44


def test_a_capital_cost_of_7_06_is_0_387_a_year() -> None:
    part = annual_cost(np.array([7.06]), np.array([0.05]), np.array([50.0]))[0]
    assert part == pytest.approx(0.387, abs=5e-4) and 7.06 / part == pytest.approx(18.3, abs=0.1)


def test_100_cooling_days_on_one_square_kilometre_of_forest_save_6_519e5_kwh() -> None:
    power = np.array([70.4 * 1e6 * 100 / (3600 * 3)])  # EPP * S * D / (3600 * r)
    assert power[0] == pytest.approx(6.519e5, rel=1e-4)
    days = implied_cooling_days(power, np.array([100.0]), heat=np.array([70.4]), efficiency=np.array([3.0]))
    assert days[0] == pytest.approx(100.0)


def test_the_services_are_the_closed_list_in_its_order() -> None:
    assert tuple(services()) == CODES


def test_a_service_with_steps_names_every_column_it_reads() -> None:
    for service in BUILT_IN:
        named = {field.column for field in service.inputs} | {"physical", "price", "value"}
        for step in service.steps:
            read = {a for a in step.arguments.values() if isinstance(a, str)}
            assert read <= named, service.code


def test_two_services_of_one_code_are_refused() -> None:
    from eco_credit.core.errors import ContractError

    with pytest.raises(ContractError, match="two services"):
        by_code([*BUILT_IN, BUILT_IN[0]])


def test_the_unit_anchors_of_dry_matter_levy_and_area_come_out() -> None:
    from eco_credit.gep.services.carbon import carbon_in_growth
    from eco_credit.gep.services.oxygen import oxygen_from_growth

    book = load().at("2026-11-23")
    content = np.array([book.number("gep.carbon.content")])
    carbon = carbon_in_growth(np.ones(1), content, np.zeros(1))
    assert carbon[0] == pytest.approx(0.4445, abs=5e-5)  # 1.63 * 12 / 44
    assert carbon_dioxide(carbon)[0] == pytest.approx(1.63)
    assert oxygen_from_growth(np.ones(1), np.array([book.number("gep.oxygen.per_dry_matter")]))[0] == 1.19
    assert book.number("gep.water_purification.tp_cost") == pytest.approx(1.4 / 0.25 * 1000)  # 5600 CNY/t
    assert book.table("gep.air_purification.so2_by_basis")["levy"] == pytest.approx(0.6 / 0.95 * 1000)


def test_the_sum_of_parameters_on_a_length_one_array_and_on_a_column_is_the_same() -> None:
    """A parameter may come as one number for all rows."""
    from eco_credit.gep.services.flood_mitigation import lake_capacity

    areas, one = np.array([1.0, 50.0, 7e4]), np.ones(1)
    short = lake_capacity(areas, 0.678 * one, intercept=6.636 * one, turnover=one, scale=one)
    full = np.ones(3)
    long = lake_capacity(areas, 0.678 * full, intercept=6.636 * full, turnover=full, scale=full)
    assert np.array_equal(short, long)
