"""The twenty usual errors of ecosystem accounts, each held off by name."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from eco_credit.core.errors import ContractError
from eco_credit.gep import account, combine
from eco_credit.gep.amounts import rounding
from eco_credit.gep.double_counting import printed_total
from eco_credit.gep.formulas import annuity, annuity_due
from eco_credit.gep.prices import growth
from eco_credit.gep.services.sand_fixation import cover_by_fraction, cover_by_type, erodible_fraction
from tests.gep.rows import BALANCE, WATER, only, refused, rules, warned


def differs(row: dict[str, Any]) -> str:
    """The sentence of the warning that a stated value is not quantity times price; empty when there is none."""
    notices = account([row], norm="garze-paper", rules=rules()).warnings
    return next((notice.en for notice in notices if notice.rule == "value_differs"), "")


def test_trap_01_a_tonne_of_carbon_is_not_a_tonne_of_carbon_dioxide() -> None:
    gas = {"service": "carbon", "item": "co2", "physical": 10.0, "physical_unit": "tCO2", "price": 260.9}
    assert refused([gas | {"price_unit": "CNY/tC"}]) == {"carbon_not_carbon_dioxide"}
    assert refused([gas | {"price_unit": "CNY/t"}]) == {"carbon_mass_not_stated"}
    mixed = gas | {"price_unit": "CNY/tCO2", "value": 10 * 260.9 * 44 / 12, "value_unit": "CNY"}
    assert "carbon" in differs(mixed)


def test_trap_02_mass_is_divided_by_bulk_density() -> None:
    flow = only({"service": "soil_retention", "item": "silting", "soil_retained_t": 1300.0, "bulk_density": 1.3})
    assert flow.physical == pytest.approx(1300 * 0.24 / 1.3) and flow.physical < 1300 * 0.24 * 1.3


def test_trap_03_one_millimetre_on_a_square_kilometre_is_1000_m3() -> None:
    place = BALANCE | {"area_ha": 100.0, "precipitation_mm": 101.0, "runoff_mm": 0.0, "evapotranspiration_mm": 100.0}
    assert only(place).physical == 1000.0
    slip = WATER | {"value": 120_000.0 / 1000, "value_unit": "CNY"}
    assert "mm times km2 without 1000" in differs(slip)


def test_trap_04_a_reservoir_costs_per_m3_and_not_per_tonne() -> None:
    assert refused([WATER | {"price_unit": "CNY/t"}]) == {"units_do_not_cancel"}
    tonnes = WATER | {"physical_unit": "1e4 t", "price_unit": "CNY/t"}
    assert refused([tonnes]) == {"price_kind"}


def test_trap_05_a_marsh_of_2000_km2_holds_6e8_m3() -> None:
    flow = only({"service": "flood_mitigation", "item": "marsh", "area_ha": 200_000.0})
    assert flow.physical == 6.0e8 and flow.physical_unit == "m3"  # the paper's unit would make it 6e12


def test_trap_06_a_percent_is_not_a_part_of_one() -> None:
    soil = {"service": "soil_retention", "item": "nonpoint_n", "soil_retained_t": 1.0}
    assert refused([soil | {"nutrient_content": 0.37}]) == {"percent_for_fraction"}
    assert only(soil | {"nutrient_content": 0.0037}).physical == pytest.approx(0.0037)
    sand = {"service": "sand_fixation", "area_ha": 1.0, "erosive_factor": 1.0, "ecosystem": "grassland"}
    assert refused([sand | {"vegetation_cover": 50.0}]) == {"percent_for_fraction"}


def test_trap_07_no_more_is_purified_than_was_let_in() -> None:
    # Garze: what is accounted is what was emitted, SO2 1137 t, NOx 2772 t, dust 941 t
    for item, emitted in (("so2", 1137.0), ("nox", 2772.0), ("dust", 941.0)):
        row = {"service": "air_purification", "item": item, "load_t": emitted, "capacity_t": 1e6}
        assert only(row).physical == emitted
        assert only(row | {"capacity_t": 12.0}).physical == 12.0
        row = {"service": "water_purification", "item": "cod", "load_t": emitted, "capacity_t": 12.0}
        assert only(row).physical == 12.0


def test_trap_08_a_negative_balance_is_never_made_positive() -> None:
    dry = BALANCE | {"evapotranspiration_mm": 1200.0}
    assert only(dry).physical < 0.0 and "negative_value" in warned([dry])
    assert only(dry | {"negative_balance": "clip"}).physical == 0.0
    assert refused([dry | {"negative_balance": "abs"}]) >= {"not_listed"}
    unlisted = BALANCE | {"runoff_mm": None, "ecosystem": "moonscape"}
    assert "not_listed" in refused([unlisted])  # and not a runoff of nothing


@pytest.mark.parametrize("item", ["timber, standing stock", "活立木蓄积", "standing timber"])
def test_trap_09_a_stock_is_not_a_flow(item: str) -> None:
    row = {"service": "material_products", "item": item, "physical": 18e4, "physical_unit": "m3", "price": 414.88,
           "price_unit": "CNY/m3"}
    assert refused([row]) == {"standing_stock"}
    assert refused([row | {"item": "timber, allowable cut"}]) == set()


def test_trap_10_a_capital_cost_is_not_a_yearly_price() -> None:
    assert "capital_cost" in warned([BALANCE])
    flow = only(BALANCE | {"cost_basis": "yearly"})
    assert only(BALANCE).value_cny / flow.value_cny == pytest.approx(18.3, abs=0.1)  # 50 years at 5 %
    assert "house_price_stock" in refused([{"service": "landscape_premium", "item": "whole house price",
                                            "value_cny": 1.0}])


def test_trap_11_constant_and_current_prices_do_not_mix() -> None:
    one = account([WATER | {"place": "a", "price_kind": "current", "price_year": 2015}], rules=rules())
    two = account([WATER | {"place": "b", "price_kind": "constant", "price_year": 2000}], rules=rules())
    with pytest.raises(ContractError) as caught:
        combine(one, two)
    assert {v.rule for v in caught.value.violations} >= {"price_kind_differs", "price_year_differs"}
    with pytest.raises(ContractError, match="growth"):
        growth(100.0, 227.5, first_kind="current", last_kind="current")


@pytest.mark.parametrize("service", ["oxygen", "species_conservation", "pest_control"])
def test_trap_12_a_service_the_norm_does_not_have_is_not_counted(service: str) -> None:
    rows = [WATER, {"service": service, "value_cny": 1e9}]
    made = account(rows, norm="norm-2022", rules=rules())
    assert made.total == 120_000.0 and [left.service for left in made.left_out] == [service]


def test_trap_13_a_month_is_not_a_year() -> None:
    assert "monthly" in differs(WATER | {"value": 120_000.0 / 12, "value_unit": "CNY"})
    assert refused([{"service": "recreation", "item": "subsidy per month", "value_cny": 1.0}]) == {"monthly_amount"}
    assert refused([{"service": "recreation", "item": "每月补贴", "value_cny": 1.0}]) == {"monthly_amount"}


def test_trap_14_a_total_in_the_text_may_contradict_the_table() -> None:
    text, table = 1297.45, 1297.051  # Lancang, 1e8 kWh
    assert abs(text / table - 1) > rounding(text) + rounding(table)  # rounding does not explain it
    found = printed_total(table * 1e8, text, "1e8 CNY")
    assert found is not None and "1.29745e+11" in found.notice().en and "1.29705e+11" in found.notice().zh
    assert not found.refuses
    assert printed_total(1297.4449e8, text, "1e8 CNY") is not None
    assert printed_total(1297.4451e8, text, "1e8 CNY") is None


@pytest.mark.parametrize(("printed", "exact"), [(0.47, 7 / 15), (0.73, 11 / 15)])
def test_trap_15_a_printed_coefficient_may_be_a_rounded_fraction(printed: float, exact: float) -> None:
    row = WATER | {"physical": 1500.0, "physical_unit": "m3", "price": printed, "value_unit": "CNY"}
    assert not differs(row | {"value": 1500 * exact})  # within half of the last printed digit
    assert differs(row | {"value": 1500 * (exact + 0.02)})


@pytest.mark.parametrize(("factor", "word"), [(1e4, "ten thousand"), (1e3, "kilogram for tonne")])
def test_trap_16_a_column_header_may_carry_the_wrong_unit(factor: float, word: str) -> None:
    # CNY/km2 for 1e4 CNY/km2 (Weihe); 1e4 kg for 1e4 t (Gaotianyan)
    assert word in differs(WATER | {"value": 120_000.0 * factor, "value_unit": "CNY"})


def test_trap_17_factors_stay_between_nothing_and_one() -> None:
    peat = erodible_fraction(np.array([0.1]), np.array([0.1]), clay=np.array([0.5]), organic=np.array([0.9]),
                             lime=np.zeros(1))
    dust = erodible_fraction(np.array([0.95]), np.array([0.04]), clay=np.array([1e-6]), organic=np.zeros(1),
                             lime=np.zeros(1))
    assert (peat[0], dust[0]) == (0.0, 1.0)
    covers, one = np.linspace(0.0, 1.0, 11), np.ones(11)
    for factor in (cover_by_fraction(covers, one), cover_by_type(covers, 0.1151 * one, scale=one, chosen=one)):
        assert factor[0] == 1.0 and (np.diff(factor) < 0).all() and factor[-1] > 0.0


def test_trap_18_consumer_surplus_is_no_exchange_value() -> None:
    # Baiyangdian: 13.15e8 with and 5.34e8 without
    trip = {"service": "tourism", "item": "travel_cost", "value": 5.34, "value_unit": "1e8 CNY"}
    surplus = {"service": "tourism", "item": "consumer_surplus", "value": 13.15 - 5.34, "value_unit": "1e8 CNY"}
    assert account([trip, surplus], norm="norm-2022", rules=rules()).total == pytest.approx(5.34e8)
    both = {"service": "tourism", "item": "visits with consumer surplus", "value_cny": 13.15e8}
    assert refused([both], "norm-2022") == {"surplus_in_value"}


def test_trap_19_an_annuity_due_is_one_rate_more_than_an_ordinary_one() -> None:
    rate, years = 0.0277, 100
    by_hand = [math.fsum((1 + rate) ** -t for t in times) for times in (range(1, years + 1), range(years))]
    made = [float(f(np.array([rate]), np.array([100.0]))[0]) for f in (annuity, annuity_due)]
    assert made == pytest.approx(by_hand, rel=1e-12)
    assert [round(factor, 2) for factor in made] == [33.75, 34.69]
    assert 19.92 * made[1] == pytest.approx(691, abs=0.5)  # the paper's 691e12 CNY


def test_trap_20_transposed_digits_do_not_pass_as_rounding() -> None:
    row = {"service": "soil_retention", "item": "nitrogen", "physical": 4537.81, "physical_unit": "t",
           "price": 875.0, "price_unit": "CNY/t", "value_unit": "CNY"}
    assert not differs(row | {"value": 4537.81 * 875})
    assert differs(row | {"value": 4573.81 * 875})


# --- implied nonsense


def test_more_cooling_days_than_a_year_are_refused_and_implied_ones_are_pointed_out() -> None:
    row = {"service": "climate_regulation", "item": "vegetation", "area_ha": 1.0, "ecosystem": "forest"}
    assert refused([row | {"cooling_days": 600.0}]) == {"too_many_days"}
    saved = 70.4 * 1e4 * 600 / (3600 * 3)  # about the 600 days behind the Garze row
    assert "implied_days" in warned([row | {"physical": saved, "physical_unit": "kWh"}])


def test_one_item_over_half_of_the_total_is_pointed_out() -> None:
    cool = {"service": "climate_regulation", "item": "open_water", "value_cny": 62.0}
    assert "dominant_row" in warned([cool, {"service": "tourism", "item": "b", "value_cny": 38.0}])


def test_a_negative_storm_balance_follows_the_stated_rule() -> None:
    dry = {"service": "flood_mitigation", "item": "vegetation", "area_ha": 1.0, "storm_rain_mm": 10.0,
           "storm_runoff_mm": 15.0}
    assert only(dry).value_cny < 0.0 and "negative_value" in warned([dry])
    assert only(dry | {"negative_balance": "clip"}).value_cny == 0.0
