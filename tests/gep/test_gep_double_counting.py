"""What an account may not count twice: refused or pointed out, in both languages."""

from __future__ import annotations

from typing import Any

import pytest

from eco_credit.gep import account
from tests.gep.rows import WATER, refused, rules, warned


def row(service: str, item: str | None = None, value: float = 1e6, **more: Any) -> dict[str, Any]:
    """A row with a plain value."""
    return {"service": service, "item": item, "value_cny": value, **more}


def test_the_same_item_twice_is_refused_and_in_two_places_it_is_not() -> None:
    assert refused([WATER, WATER]) == {"duplicate_row"}
    assert refused([WATER | {"place": "a"}, WATER | {"place": "b"}]) == set()


def test_fertility_beside_load_avoided_is_refused_and_alone_it_is_pointed_out() -> None:
    kept = row("soil_retention", "soil fertility kept")
    assert refused([kept, row("soil_retention", "nonpoint_n")]) == {"fertility_and_load"}
    assert refused([row("soil_retention", "土壤保肥"), row("soil_retention", "减少面源污染")]) == {"fertility_and_load"}
    assert "fertility_school" in warned([kept])


def test_fertility_on_one_parcel_and_load_on_another_is_not_refused() -> None:
    assert (
        refused([row("soil_retention", "fertility", place="a"), row("soil_retention", "nonpoint_n", place="b")])
        == set()
    )


def test_carbon_and_carbon_dioxide_of_one_place_are_refused() -> None:
    carbon = row("carbon", "fixed", physical=12.0, physical_unit="tC")
    dioxide = row("carbon", "fixed as CO2", physical=44.0, physical_unit="tCO2")
    assert refused([carbon, dioxide]) == {"carbon_twice"}
    computed = [
        {"service": "carbon", "item": item, "npp_dry_t": 10.0, "price": 100.0, "price_unit": unit}
        for item, unit in (("co2", "CNY/tCO2"), ("carbon", "CNY/tC"))
    ]
    assert refused(computed) == {"carbon_twice"}


@pytest.mark.parametrize(
    ("service", "item", "method", "rule"),
    [
        ("material_products", "timber, standing stock", None, "standing_stock"),
        ("material_products", "活立木蓄积", None, "standing_stock"),
        ("soil_retention", "养分循环", None, "supporting_service"),
        ("species_conservation", "soil formation", None, "supporting_service"),
        ("water_retention", "all", "equivalent_factor", "equivalent_factor"),
        ("water_retention", "当量因子法", None, "equivalent_factor"),
        ("recreation", "jobs and social security", None, "social_item"),
        ("tourism", "visits", "travel_cost_with_surplus", "surplus_in_value"),
    ],
)
def test_items_that_are_no_final_flow_are_refused(service: str, item: str, method: str | None, rule: str) -> None:
    assert rule in refused([row(service, item, method=method)], "norm-2022")


def test_surplus_inside_a_value_is_only_refused_where_the_norm_wants_exchange_values() -> None:
    visits = row("tourism", "visits", method="travel_cost_with_surplus")
    assert refused([visits], "norm-2022") == {"surplus_in_value"} and refused([visits], "garze-paper") == set()


def test_words_are_whole_words() -> None:
    assert refused([row("material_products", "freedom understanding stockfish")]) == set()
    assert "harvested_carbon" not in warned([row("carbon", "freed carbon")])


def test_one_water_priced_by_two_services_is_pointed_out_with_their_names() -> None:
    rows = [WATER, row("water_supply", "tap"), row("ecological_energy", "hydropower")]
    notice = next(n for n in account(rows, rules=rules()).warnings if n.rule == "one_water")
    assert "water retention" in notice.en and "hydro" not in notice.en and "水源涵养" in notice.zh
    assert notice.rows == (1, 2, 3)
    assert "one_water" not in warned([WATER, row("ecological_energy", "biomass")])


def test_flood_water_held_by_plants_beside_retention_is_pointed_out() -> None:
    assert "vegetation_flood_water" in warned([WATER, row("flood_mitigation", "forest vegetation")])
    assert "vegetation_flood_water" not in warned([row("flood_mitigation", "forest vegetation")])


def test_harvested_reed_is_pointed_out() -> None:
    assert "harvested_carbon" in warned([row("carbon", "reed")])


def test_a_row_above_half_of_the_total_is_pointed_out_with_its_share() -> None:
    made = account([row("oxygen", "a", 6e6), row("tourism", "b", 4e6)], norm="garze-paper", rules=rules())
    notice = next(n for n in made.warnings if n.rule == "dominant_row")
    assert notice.rows == (1,) and "60.0%" in notice.en
    assert "dominant_row" not in warned([row("oxygen", "a", 5e6), row("tourism", "b", 5e6)])


def test_more_cooling_days_than_the_year_has_are_refused() -> None:
    climate = row("climate_regulation", "plants", cooling_days=366.0)
    assert refused([climate]) == {"too_many_days"}
    assert refused([climate | {"cooling_days": 365.0}]) == set()


def test_a_power_saving_that_needs_more_days_than_a_year_is_pointed_out() -> None:
    saving = {
        "service": "climate_regulation",
        "physical": 6.5185e5 * 3.7,
        "physical_unit": "kWh",
        "price": 0.53,
        "price_unit": "CNY/kWh",
        "area_ha": 100.0,
        "ecosystem": "forest",
    }  # 100 days save 6.5185e5 kWh per km2
    assert "implied_days" in warned([saving])
    assert "implied_days" not in warned([saving | {"physical": 6.5185e5 * 3.6}])


def test_a_full_construction_cost_is_pointed_out_as_a_one_off_cost() -> None:
    notice = next(n for n in account([WATER], rules=rules()).warnings if n.rule == "capital_cost")
    assert "5.5%" in notice.en and "Not a collateral value" in notice.en  # 0.05 / (1 - 1.05^-50) = 0.0548


def test_gross_output_beside_net_output_is_pointed_out() -> None:
    rows = [row("material_products", "a", method="gross_output"), row("material_products", "b", method="net_output")]
    assert "mixed_output" in warned(rows)


def test_refusals_and_warnings_speak_both_languages() -> None:
    from eco_credit.gep.double_counting import _texts

    for rule, raw in _texts().items():
        assert raw["severity"] in {"error", "warning"} and raw["en"], rule
        assert any("\u4e00" <= letter <= "\u9fff" for letter in raw["zh"]), rule
