"""Every service against arithmetic by hand, the anchors of the notes and the published Garze quantities."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eco_credit.gep import account
from eco_credit.gep.services.sand_fixation import wind_force
from eco_credit.rulebook import load
from tests.gep.rows import BALANCE, only, refused, rules, warned
from tests.gep.service_samples import SAND

NEAR = {"rel": 1e-12}


def made(service: str, item: str | None = None, **more: Any) -> Any:
    """The flow of one row."""
    return only({"service": service, "item": item, **more})


# --- provisioning


def test_product_value_is_gross_net_or_contribution_and_the_row_says_which() -> None:
    gross = made("material_products", gross_output_cny=30_000.0)
    net = made("material_products", gross_output_cny=30_000.0, intermediate_cost_cny=12_000.0)
    rent = made("material_products", gross_output_cny=30_000.0, intermediate_cost_cny=12_000.0,
                labour_cost_cny=9_000.0, capital_cost_cny=4_000.0)
    assert [gross.value_cny, net.value_cny, rent.value_cny] == [30_000.0, 18_000.0, 5_000.0]
    said = [flow.source for flow in (gross, net, rent)]
    assert said == ["computed: gross_output_stated", "computed: net_output", "computed: ecosystem_contribution"]
    # 80 % and 120 % of the output; costs stay: 24 - 12 = 12 and 36 - 12 = 24 thousand
    assert (net.low, net.high) == (pytest.approx(12_000.0), pytest.approx(24_000.0))


def test_two_kinds_of_product_value_in_one_account_are_pointed_out_from_the_formula_used() -> None:
    gross = {"service": "material_products", "item": "tea", "gross_output_cny": 9.0}
    net = {"service": "material_products", "item": "rice", "gross_output_cny": 9.0, "intermediate_cost_cny": 4.0}
    assert "mixed_output" in warned([gross, net]) and "mixed_output" not in warned([net])


def test_a_product_that_does_not_say_which_value_it_is_is_pointed_out() -> None:
    plain = {"service": "material_products", "item": "tea", "value_cny": 5.0}
    assert "output_not_stated" in warned([plain])
    assert "output_not_stated" not in warned([plain | {"method": "net_output"}])


def test_water_from_outside_is_netted() -> None:
    flow = made("water_supply", "domestic", water_used_m3=1.5e8, water_imported_m3=0.14e8)
    assert (flow.physical, flow.price) == (pytest.approx(1.36e8), 2.6)
    assert flow.value_cny == pytest.approx(1.36e8 * 2.6)  # Garze prints 3.54e8
    assert made("water_supply", "irrigation", water_used_m3=17.31e8).value_cny == pytest.approx(1.2117e8, rel=1e-4)


def test_hydropower_is_the_potential_energy_of_the_water() -> None:
    flow = made("ecological_energy", "hydropower", turbine_water_m3=1e6, head_m=100.0, turbine_efficiency=0.9)
    joules = 1e6 * 1000 * 9.81 * 100 * 0.9
    assert flow.physical == pytest.approx(joules / 3.6e6, **NEAR) and flow.physical_unit == "kWh"
    assert made("ecological_energy", "hydropower", power_kwh=95.3e8).value_cny == pytest.approx(50.509e8, rel=1e-4)


def test_biomass_is_counted_as_standard_coal_at_the_price_the_row_brings() -> None:
    flow = made("ecological_energy", "biomass", biomass_t=200.0, price=700.0, price_unit="CNY/t")
    assert (flow.physical, flow.value_cny) == (100.0, 70_000.0)
    assert refused([{"service": "ecological_energy", "item": "biomass", "biomass_t": 200.0}]) == {"no_value"}


# --- soil, sand, coast, flood


def test_a_practice_factor_comes_from_the_land_use() -> None:
    soil = {"service": "soil_retention", "item": "nonpoint_n", "bare_loss_t": 1000.0, "cover_factor": 0.5}
    crop, water = only(soil | {"land_use": "cropland"}), only(soil | {"land_use": "water"})
    assert crop.physical == pytest.approx(1000 * (1 - 0.5 * 0.47) * 0.0015)
    assert water.physical == pytest.approx(1000 * 0.0015)
    assert "not_listed" in refused([soil | {"land_use": "moonscape"}])


def test_erodibility_in_us_units_is_made_smaller() -> None:
    base = {"service": "soil_retention", "item": "nonpoint_n", "area_ha": 1.0, "rainfall_erosivity": 1000.0,
            "slope_factor": 1.0, "cover_factor": 0.0, "practice_factor": 1.0}
    ours = only(base | {"soil_erodibility_us": 0.3})
    assert ours.physical == pytest.approx(1000 * 0.3 * 0.1317 * 0.0015)


def test_garze_sediment_nitrogen_phosphorus_sand_and_marsh_come_out() -> None:
    soil = 38.86e8
    silt = made("soil_retention", "silting", soil_retained_t=soil, bulk_density=0.93)
    nitrogen = made("soil_retention", "nonpoint_n", soil_retained_t=soil, nutrient_content=0.0037)
    phosphorus = made("soil_retention", "nonpoint_p", soil_retained_t=soil, nutrient_content=0.00108)
    sand = made("sand_fixation", sand_fixed_t=779.42e4)
    marsh = made("flood_mitigation", "marsh", area_ha=200_000.0, price=7.06, price_unit="CNY/m3")
    assert silt.physical == pytest.approx(10.03e8, rel=5e-4)
    assert nitrogen.physical == pytest.approx(1437.94e4, rel=1e-4)
    assert phosphorus.physical == pytest.approx(419.72e4, rel=1e-4)
    assert sand.physical == pytest.approx(60.89e6, rel=1e-4) and sand.value_cny == pytest.approx(2.2835e8, rel=1e-4)
    assert marsh.physical == 6.0e8 and marsh.value_cny == pytest.approx(42.3436e8, rel=1e-3)


def test_sand_held_follows_the_guideline_form_by_hand() -> None:
    flow = made("sand_fixation", area_ha=100.0, **SAND)
    ef = (29.09 + 0.31 * 70 + 0.17 * 20 + 0.33 * 7 - 2.59 * 1 - 0.95 * 2) / 100
    scf = 1 / (1 + 0.0066 * 10**2 + 0.021 * 1**2)
    x, c = 20.0 * ef * scf * 0.8, math.exp(-0.1151 * 50)
    held = 0.1699 * x**1.3711 * (1 - c**1.3711)  # kg/m2
    assert flow.physical == pytest.approx(held * 1e6 / 1000 / (1.28 * 0.10))  # 100 ha is 1e6 m2
    assert flow.price == 3.75


def test_the_long_form_is_the_slope_of_the_transport_curve() -> None:
    """Independent of the code: d/dz of Qmax (1 - exp(-(z/S)^2)) at z, bare less covered."""
    x, c, z, step = 12.0, 0.2, 50.0, 1e-3

    def slope(product: float) -> float:
        s, top = 150.71 * product**-0.3711, 109.8 * product
        return float(top * (math.exp(-(((z - step) / s) ** 2)) - math.exp(-(((z + step) / s) ** 2))) / (2 * step))

    flow = made("sand_fixation", area_ha=1.0, erosive_factor=x, wind_cover_factor=c, sand_form="long")
    assert flow.physical == pytest.approx((slope(x) - slope(x * c)) * 10 / (1.28 * 0.1), rel=1e-6)


def test_the_form_of_the_cover_factor_is_a_stated_choice_and_matters() -> None:
    base = {"erosive_factor": 10.0, "area_ha": 1.0, "vegetation_cover": 0.5}
    by_type = made("sand_fixation", ecosystem="farmland", **base)
    by_fraction = made("sand_fixation", cover_form="by_fraction", **base)
    c = (math.exp(-0.0438 * 50), math.exp(-5.614 * 0.5**0.7366))
    assert c[0] == pytest.approx(0.112, abs=5e-4) and math.exp(-0.1535 * 50) == pytest.approx(0.0005, abs=5e-5)
    assert by_type.physical / by_fraction.physical == pytest.approx((1 - c[0] ** 1.3711) / (1 - c[1] ** 1.3711))
    assert "not_listed" in refused([{"service": "sand_fixation", "cover_form": "guess", **base}])


def test_calm_air_carries_no_sand_and_full_cover_erodes_none() -> None:
    assert wind_force(np.array([2.0, 5.0, 6.0]), np.full(3, 5.0)).tolist() == [0.0, 0.0, 6.0]
    assert made("sand_fixation", area_ha=1.0, erosive_factor=0.0, wind_cover_factor=0.3).value_cny == 0.0
    assert made("sand_fixation", area_ha=1.0, erosive_factor=9.0, wind_cover_factor=1.0).value_cny == 0.0
    long = made("sand_fixation", area_ha=1.0, erosive_factor=0.0, wind_cover_factor=0.3, sand_form="long")
    assert long.value_cny == 0.0


def test_a_dike_is_counted_in_full_or_by_its_yearly_cost() -> None:
    coast = {"service": "coastal_protection", "shoreline_m": 1000.0, "protected_share": 0.5, "dike_cost": 10_000.0}
    assert only(coast).value_cny == pytest.approx(5e6)
    factor = 0.05 / (1 - 1.05**-50)
    assert only(coast | {"cost_basis": "yearly"}).value_cny == pytest.approx(5e6 * factor)


@pytest.mark.parametrize(("region", "a", "b", "turns"), [
    ("tibetan_plateau", 0.678, 6.636, 1.0), ("eastern_plain", 0.927, 4.904, 3.19),
    ("yunnan_guizhou", 0.927, 4.904, 1.76), ("inner_mongolia_xinjiang", 0.680, 5.653, 1.0),
])
def test_lake_capacity_by_region(region: str, a: float, b: float, turns: float) -> None:
    flow = made("flood_mitigation", "lake", area_ha=5000.0, lake_region=region)  # 50 km2
    assert flow.physical == pytest.approx(1e4 * math.exp(b) * 50**a * turns)
    assert flow.physical_unit == "m3"


def test_lakes_lumped_together_hold_less_than_each_alone() -> None:
    one = made("flood_mitigation", "lake", area_ha=100.0, lake_region="tibetan_plateau").physical
    two = made("flood_mitigation", "lake", area_ha=200.0, lake_region="tibetan_plateau").physical
    assert two == pytest.approx(one * 2**0.678)  # the exponent is below 1


def test_reservoirs_marshes_and_plants_hold_flood_water() -> None:
    assert made("flood_mitigation", "reservoir", reservoir_capacity_m3=1e6).physical == pytest.approx(0.35e6)
    plants = made("flood_mitigation", "vegetation", area_ha=100.0, storm_rain_mm=200.0, storm_runoff_coefficient=0.2)
    assert plants.physical == pytest.approx(100 * (200 - 40) * 10)
    dry = {"service": "flood_mitigation", "item": "vegetation", "area_ha": 1.0, "storm_rain_mm": 10.0,
           "storm_runoff_mm": 15.0}
    assert only(dry).physical == -50.0 and only(dry | {"negative_balance": "clip"}).physical == 0.0
    assert "man_made_storage" in warned([{"service": "flood_mitigation", "item": "reservoir", "value_cny": 1.0}])


def test_a_lake_region_off_the_list_is_refused() -> None:
    row = {"service": "flood_mitigation", "item": "lake", "area_ha": 1.0, "lake_region": "atlantis"}
    assert "not_listed" in refused([row])


# --- purification


@pytest.mark.parametrize(("item", "eco", "flux"), [
    ("so2", "conifer", 215.6), ("so2", "broadleaf", 88.6), ("so2", "mixed", 152.1), ("so2", "bamboo", 98.0),
    ("so2", "shrub", 92.1), ("dust", "conifer", 33_200.0), ("dust", "cropland", 950.0), ("dust", "grassland", 120.0),
])
def test_air_is_cleaned_by_flux_and_never_more_than_was_let_out(item: str, eco: str, flux: float) -> None:
    row = {"service": "air_purification", "item": item, "area_ha": 10.0, "ecosystem": eco}
    capacity = 10 * flux / 1000
    assert only(row | {"load_t": 1e9}).physical == pytest.approx(capacity)
    assert only(row | {"load_t": capacity / 4}).physical == pytest.approx(capacity / 4)


def test_a_flux_that_was_not_found_is_not_taken_as_zero() -> None:
    so2 = {"service": "air_purification", "item": "so2", "area_ha": 10.0, "ecosystem": "cropland", "load_t": 1.0}
    nox = {"service": "air_purification", "item": "nox", "area_ha": 10.0, "ecosystem": "conifer", "load_t": 1.0}
    assert refused([so2]) == {"no_value"} and refused([nox]) == {"no_value"}
    assert only(nox | {"flux_kg_per_ha": 8.0}).physical == pytest.approx(0.08)


def test_without_a_load_nothing_is_purified() -> None:
    assert refused([{"service": "air_purification", "item": "so2", "area_ha": 10.0, "ecosystem": "conifer"}]) == {
        "no_value"
    }


@pytest.mark.parametrize(("service", "item", "levy", "floor", "ceiling"), [
    ("air_purification", "so2", 632, 1263, 12632), ("air_purification", "nox", 632, 1263, 12632),
    ("air_purification", "dust", 150, 300, 3000), ("water_purification", "cod", 700, 1400, 14000),
    ("water_purification", "nh3n", 875, 1750, 17500), ("water_purification", "tp", 2800, 5600, 56000),
])
def test_treatment_prices_are_the_rate_over_the_equivalent(
    service: str, item: str, levy: int, floor: int, ceiling: int
) -> None:
    row = {"service": service, "item": item, "load_t": 2.0, "capacity_t": 5.0}
    prices = [only(row | {"price_basis": basis}).price for basis in ("levy", "tax_floor", "tax_ceiling")]
    assert [round(price) for price in prices] == [levy, floor, ceiling]
    assert only(row).price == prices[1] and only(row).value_cny == pytest.approx(2 * prices[1])


def test_the_price_of_a_day_before_the_tax_is_the_levy() -> None:
    row = {"service": "water_purification", "item": "tp", "load_t": 1.0, "capacity_t": 1.0}
    before = account([row], norm="garze-paper", rules=load().at("2017-06-30")).rows[0]
    after = account([row], norm="garze-paper", rules=load().at("2018-01-01")).rows[0]
    assert (before.price, after.price) == (pytest.approx(2800.0), pytest.approx(5600.0))  # 0.7 and 1.4 per 0.25 kg


def test_total_nitrogen_borrows_the_price_of_ammonia_and_the_account_says_so() -> None:
    row = {"service": "water_purification", "item": "tn", "load_t": 1.0, "capacity_t": 1.0}
    assert only(row).price == 1750.0 and "borrowed_price" in warned([row])
    engineering = row | {"price_basis": "engineering"}
    assert only(engineering).price == 35_700.0 and "borrowed_price" not in warned([engineering])
    cod = {"service": "water_purification", "item": "cod", "load_t": 1.0, "capacity_t": 1.0}
    assert only(cod | {"price_basis": "engineering"}).price == 1400.0  # none known: the tax floor stays


# --- climate, noise, pests, species


def test_plants_cool_by_the_heat_of_their_cover() -> None:
    flow = made("climate_regulation", "vegetation", area_ha=100.0, ecosystem="forest", cooling_days=100.0)
    assert flow.physical == pytest.approx(70.4 * 1e6 * 100 / (3600 * 3)) == pytest.approx(6.519e5, rel=1e-4)
    assert flow.value_cny == pytest.approx(flow.physical * 0.53)
    measured = {"service": "climate_regulation", "item": "vegetation", "area_ha": 1.0, "cooling_days": 122.0,
                "heat_taken_up": 4800.0}
    assert only(measured).physical == pytest.approx(4800 * 1e4 * 122 / (3600 * 3))
    assert "implied_days" not in warned([measured | {"ecosystem": "forest"}])


def test_open_water_cools_and_moistens() -> None:
    water = {"service": "climate_regulation", "item": "open_water", "evaporation_m3": 1000.0}
    heat = 1000 * 2450 / 3600  # kWh per m3
    assert heat == pytest.approx(681, abs=0.6) and pytest.approx(628, abs=0.3) == 1000 * 2260 / 3600
    assert only(water).physical == pytest.approx(1000 * (heat / 3 + 125))
    assert only(water | {"water_form": "heat"}).physical == pytest.approx(1000 * (heat + 125))
    depth = {"service": "climate_regulation", "item": "open_water", "area_ha": 1.0, "evaporation_mm": 100.0}
    assert only(depth).physical == pytest.approx(only(water).physical)  # 1 ha by 100 mm is 1000 m3


def test_a_highland_without_hot_days_saves_no_power() -> None:
    flow = made("climate_regulation", "vegetation", area_ha=1e6, ecosystem="grassland", cooling_days=0.0)
    assert flow.value_cny == 0.0


def test_noise_is_a_barrier_or_decibels() -> None:
    assert made("noise_reduction", "barrier", green_road_m=100.0, barrier_cost=2000.0).value_cny == 200_000.0
    decibels = made("noise_reduction", "decibel", noise_db=10.0)
    assert (decibels.value_cny, decibels.physical_unit) == (pytest.approx(76.6), "dB")


def test_garze_pests() -> None:
    assert made("pest_control", "forest", area_ha=158e4).value_cny == pytest.approx(5.925e8)
    assert made("pest_control", "grassland", area_ha=711.13e4).value_cny == pytest.approx(8.0003e8, rel=1e-4)
    half = made("pest_control", "forest", area_ha=10.0, natural_control_share=0.5)
    assert half.value_cny == 5 * 375.0


@pytest.mark.parametrize(("index", "worth"), [
    (0.0, 3000), (0.999, 3000), (1.0, 5000), (2.5, 10_000), (3.0, 20_000), (4.2, 30_000), (5.0, 40_000),
    (5.999, 40_000), (6.0, 50_000), (9.0, 50_000),
])
def test_species_worth_by_shannon_wiener_class(index: float, worth: float) -> None:
    assert made("species_conservation", area_ha=2.0, shannon_index=index).value_cny == 2 * worth


def test_eight_even_species_stand_in_the_third_class() -> None:
    from scipy.stats import entropy  # an index worked out apart from the code

    index = float(entropy([5] * 8))
    assert index == pytest.approx(math.log(8))  # 2.079
    assert made("species_conservation", area_ha=1.0, shannon_index=index).price == 10_000.0


# --- cultural


def test_non_use_is_monthly_times_twelve_and_never_an_exchange_value() -> None:
    row = {"service": "recreation", "item": "non_use", "households": 5000.0, "willing_share": 0.4,
           "willingness_cny_per_month": 5.0}
    assert only(row).value_cny == 5000 * 0.4 * 5 * 12
    exchange = account([row], norm="norm-2022", rules=rules())
    assert exchange.total == 0.0 and [left.item for left in exchange.left_out] == ["non_use"]


def test_a_house_price_enters_only_by_its_yearly_part() -> None:
    homes = {"service": "landscape_premium", "housing_m2": 100.0, "premium_share": 0.05}
    rent = only(homes | {"rent_cny_per_m2": 360.0})
    price = only(homes | {"house_price_cny_per_m2": 20_000.0})
    assert rent.value_cny == pytest.approx(100 * 18)
    assert price.value_cny == pytest.approx(100 * 1000 * 0.05 / (1 - 1.05**-70))
    assert price.value_cny < 100 * 1000 * 0.06


def test_oxygen_follows_growth_or_carbon_dioxide_of_the_same_method() -> None:
    growth, gas = made("oxygen", npp_dry_t=100.0), made("oxygen", co2_fixed_t=44.0)
    assert growth.physical == pytest.approx(119.0) and gas.physical == pytest.approx(32.0)
    assert growth.price == 727.0


def test_water_retention_may_be_priced_by_the_yearly_cost() -> None:
    full, yearly = only(BALANCE), only(BALANCE | {"cost_basis": "yearly"})
    assert yearly.value_cny / full.value_cny == pytest.approx(0.05 / (1 - 1.05**-50))
    assert "capital_cost" in warned([BALANCE])
    assert "capital_cost" not in warned([BALANCE | {"cost_basis": "yearly"}])


# --- parameters


def test_a_users_file_of_parameters_overrides_the_rulebook_and_shows_in_its_digest(tmp_path: Path) -> None:
    file = tmp_path / "ours.yaml"
    file.write_text(
        "gep.pest_control.forest_cost:\n"
        "  {in_force: 2020-01-01, published: 2020-01-01, value: 400.0, range: [390.0, 410.0], ref: house-gep}\n"
        "gep.sand_fixation.restoration_cost:\n"
        "  {in_force: 2020-01-01, published: 2020-01-01, value: {low: 4.0, central: 5.0, high: 6.0}, ref: house-gep}\n",
        encoding="utf-8",
    )
    ours = load(file).at("2026-11-23")
    pests = account([{"service": "pest_control", "item": "forest", "area_ha": 1.0}], norm="garze-paper", rules=ours)
    sand = account([{"service": "sand_fixation", "sand_fixed_t": 0.128}], norm="garze-paper", rules=ours)
    assert (pests.rows[0].low, pests.total, pests.rows[0].high) == (390.0, 400.0, 410.0)
    assert sand.total == pytest.approx(5.0)  # 0.128 t / (1.28 t/m3 * 0.10 m) = 1 m2
    assert pests.rules_hash != account([BALANCE], rules=rules()).rules_hash
    assert ours.overlay_digest is not None and rules().overlay_digest is None
