"""One computable row for every service and item, with the column that scales it."""

from __future__ import annotations

from typing import Any

NAN = float("nan")


def _row(service: str, item: str | None, **more: Any) -> dict[str, Any]:
    return {"service": service, "item": item, **more}


RAIN = {"precipitation_mm": 900.0, "runoff_mm": 50.0, "evapotranspiration_mm": 700.0}
SAND = {
    "weather_factor": 20.0, "sand_share": 0.7, "silt_share": 0.2, "clay_share": 0.1, "organic_share": 0.01,
    "lime_share": 0.02, "roughness_factor": 0.8, "vegetation_cover": 0.5, "ecosystem": "grassland",
}
RUSLE = {
    "rainfall_erosivity": 4000.0, "soil_erodibility": 0.03, "slope_factor": 2.0, "cover_factor": 0.25,
    "practice_factor": 1.0,
}
VISIT = {"expenditure_cny": 500.0, "hours": 10.0, "wage_cny_per_hour": 40.0}
PER_M = {"price_unit": "CNY/m"}

# (row, column that scales it)
SAMPLES: list[tuple[dict[str, Any], str]] = [
    (_row("material_products", "tea", gross_output_cny=30_000.0), "gross_output_cny"),
    (_row("water_supply", "domestic", water_used_m3=1e6), "water_used_m3"),
    (_row("water_supply", "industrial", water_used_m3=1e6), "water_used_m3"),
    (_row("water_supply", "irrigation", water_used_m3=1e6), "water_used_m3"),
    (_row("ecological_energy", "hydropower", turbine_water_m3=1e6, head_m=100.0), "turbine_water_m3"),
    (_row("ecological_energy", "biomass", biomass_t=100.0, price=700.0, price_unit="CNY/t"), "biomass_t"),
    (_row("water_retention", "retention", area_ha=100.0, **RAIN), "area_ha"),
    (_row("soil_retention", "silting", area_ha=100.0, **RUSLE), "area_ha"),
    (_row("soil_retention", "nonpoint_n", area_ha=100.0, **RUSLE), "area_ha"),
    (_row("soil_retention", "nonpoint_p", area_ha=100.0, **RUSLE), "area_ha"),
    (_row("sand_fixation", "ground", area_ha=100.0, **SAND), "area_ha"),
    (_row("coastal_protection", "shoreline", shoreline_m=500.0, dike_cost=9000.0), "shoreline_m"),
    (_row("flood_mitigation", "lake", area_ha=100.0, lake_region="tibetan_plateau"), "area_ha"),
    (_row("flood_mitigation", "reservoir", reservoir_capacity_m3=1e7), "reservoir_capacity_m3"),
    (_row("flood_mitigation", "marsh", area_ha=100.0), "area_ha"),
    (_row("flood_mitigation", "vegetation", area_ha=100.0, storm_rain_mm=200.0, storm_runoff_mm=40.0), "area_ha"),
    (_row("air_purification", "so2", area_ha=100.0, ecosystem="conifer", load_t=1e12), "area_ha"),
    (_row("air_purification", "nox", area_ha=100.0, flux_kg_per_ha=8.0, load_t=1e12), "area_ha"),
    (_row("air_purification", "dust", area_ha=100.0, ecosystem="cropland", load_t=1e12), "area_ha"),
    *((_row("water_purification", item, area_ha=100.0, removal_kg_per_ha=300.0, load_t=1e12), "area_ha")
      for item in ("cod", "nh3n", "tn", "tp")),
    (_row("carbon", "co2", area_ha=100.0, carbon_rate=0.5), "area_ha"),
    (_row("carbon", "carbon", area_ha=100.0, carbon_rate=0.5, price=1200.0, price_unit="CNY/tC"), "area_ha"),
    (_row("oxygen", "oxygen", npp_dry_t=100.0), "npp_dry_t"),
    (_row("climate_regulation", "vegetation", area_ha=100.0, ecosystem="forest", cooling_days=100.0), "area_ha"),
    (_row("climate_regulation", "open_water", area_ha=100.0, evaporation_mm=900.0), "area_ha"),
    (_row("noise_reduction", "barrier", green_road_m=800.0, barrier_cost=2000.0), "green_road_m"),
    (_row("noise_reduction", "decibel", noise_db=300.0), "noise_db"),
    (_row("pest_control", "forest", area_ha=100.0), "area_ha"),
    (_row("pest_control", "grassland", area_ha=100.0), "area_ha"),
    (_row("species_conservation", "habitat", area_ha=100.0, shannon_index=2.5), "area_ha"),
    (_row("tourism", "travel_cost", visitors=1000.0, **VISIT), "visitors"),
    (_row("tourism", "consumer_surplus", visitors=1000.0, surplus_cny=300.0), "visitors"),
    (_row("recreation", "travel_cost", visitors=1000.0, **VISIT), "visitors"),
    (_row("recreation", "consumer_surplus", visitors=1000.0, surplus_cny=300.0), "visitors"),
    (_row("recreation", "non_use", households=5000.0, willing_share=0.4, willingness_cny_per_month=5.0), "households"),
    (_row("landscape_premium", "homes", housing_m2=10_000.0, rent_cny_per_m2=360.0, premium_share=0.05), "housing_m2"),
]
NAMES = [f"{row['service']}-{row['item']}" for row, _ in SAMPLES]
