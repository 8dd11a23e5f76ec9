"""Water rights: choice of the method, volumes, gates, flags, haircuts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pledge_tables import appraised, codes, columns, haircut, loans, step

from eco_credit.rulebook import load
from eco_credit.valuation import PledgeValues, appraise_pledges, kinds

HYDRO: dict[str, Any] = {"purpose": "hydropower", "head": 50.0, "efficiency": 0.8, "feed_in_price": 0.4}
DEAL: dict[str, Any] = {"deal_price": 0.6, "deal_basis": "per_year"}
FIGURES: dict[str, dict[str, Any]] = {
    "hydropower": HYDRO,
    "comparison": DEAL,
    "tariff_margin": {"tariff": 2.4, "water_cost": 1.9},
    "avoided_shortage": {"shortage_cost": 3.0, "water_cost": 1.9},
    "lease": {"lease_price": 0.4},
    "income": {"unit_margin": 0.5},
    "conversion_cost": {"conversion_cost": 12e6, "conversion_years": 25.0},
    "income_estimate": {},
}


def flags(values: PledgeValues, row: int = 0) -> set[str]:
    return {flag.name for flag, raised in values.flags if raised[row]}


def test_the_best_evidence_there_is_chooses_the_method() -> None:
    row: dict[str, Any] = {"unit_margin": None}
    for code in reversed(FIGURES):
        row |= FIGURES[code]
        assert appraised("water_right", row).approach[0] == code


@pytest.mark.parametrize("code", FIGURES)
def test_a_stated_method_is_taken_where_its_figures_are_there(code: str) -> None:
    everything = {name: value for fields in FIGURES.values() for name, value in fields.items()}
    values = appraised("water_right", everything | {"water_method": code})
    assert values.approach[0] == code and "method_figures" not in flags(values)


def test_a_stated_method_without_its_figures_is_flagged_and_not_taken() -> None:
    values = appraised("water_right", {"water_method": "lease"})
    assert values.approach[0] == "income" and flags(values) == {"method_figures"}


def test_a_lump_sum_without_its_years_is_no_evidence() -> None:
    values = appraised("water_right", {"deal_price": 4.0, "deal_basis": "lump_sum"})
    assert values.approach[0] == "income"


def test_income_counts_no_more_than_was_used_or_planned() -> None:
    assert step(appraised("water_right"), "volume") == 900_000.0
    # 1 000 000 x 0.8, now below the use
    assert step(appraised("water_right", {"allocation": 0.8}), "volume") == 800_000.0
    assert step(appraised("water_right", {"plan_volume": 700_000.0}), "volume") == 700_000.0


def test_no_more_than_the_source_holds_is_counted() -> None:
    values = appraised("water_right", {"source_volume": 600_000.0})
    assert step(values, "volume") == 600_000.0 and "permit_above_source" in flags(values)


@pytest.mark.parametrize("fields", [DEAL, FIGURES["lease"], FIGURES["conversion_cost"] | {"unit_margin": None}])
def test_a_transfer_counts_what_may_be_sold(fields: dict[str, Any]) -> None:
    values = appraised("water_right", fields | {"transferable_volume": 200_000.0})
    assert step(values, "volume") == 200_000.0
    assert haircut(values, "not_transferable") == 0.0


def test_an_abstraction_right_sells_saved_water_only_and_an_irrigator_his_share() -> None:
    saved = DEAL | {"saved_volume": 150_000.0}
    assert step(appraised("water_right", saved), "volume") == 150_000.0
    assert step(appraised("water_right", saved | {"water_right_kind": "irrigator"}), "volume") == 1_000_000.0


def test_income_on_water_that_may_not_be_sold_is_cut() -> None:
    values = appraised("water_right", {"transferable_volume": 450_000.0})
    # half of the 900 000 m3 counted may be sold; half of the rest is taken off
    assert haircut(values, "not_transferable") == pytest.approx(0.25)


def test_the_value_of_a_renewal_not_yet_granted_is_not_lent_on() -> None:
    values = appraised("water_right")
    granted, renewed = step(values, "granted_value"), step(values, "renewal_value")
    assert granted + renewed == pytest.approx(values.central[0])
    assert haircut(values, "renewal") == pytest.approx(renewed / (granted + renewed))


def test_a_fall_of_the_price_is_taken_off_rights_that_trade_by_volume() -> None:
    assert haircut(appraised("water_right"), "price_risk") == load().at("2026-11-23").number(
        "valuation.price_risk.water_haircut"
    )
    assert haircut(appraised("water_right", HYDRO), "price_risk") == 0.0


def test_a_guarantee_rate_takes_dry_years_off_once() -> None:
    plain, stated = (
        appraised("water_right", DEAL | {"purpose": "irrigation"}),
        appraised("water_right", DEAL | {"purpose": "irrigation", "guarantee_rate": 0.9}),
    )
    # 0.9 + 0.1 x 0.5 = 0.95 of the volume; (1 - 0.15) / 0.95 of what is left stays
    assert step(stated, "volume") == pytest.approx(950_000.0)
    assert haircut(plain, "allocation") == pytest.approx(0.15)
    assert haircut(stated, "allocation") == pytest.approx(1 - 0.85 / 0.95)
    certain = appraised("water_right", DEAL | {"purpose": "irrigation", "guarantee_rate": 1.0})
    assert certain.lending_value[0] == plain.lending_value[0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"permit_state": "expired"}, "W01"),
        ({"permit_state": "cancelled"}, "W01"),
        ({"permit_state": "revoked"}, "W01"),
        ({"valid_to": "2028-11-22"}, "W01"),
        ({"water_right_kind": "regional"}, "W02"),
        ({"purpose": "urban_supply"}, "W02"),
        ({"transferable_volume": 0.0}, "W02"),
        ({"saved_volume": 0.0}, "W02"),
        ({"disputed": True}, "W02"),
        ({"sealed": True}, "W02"),
        ({"actual_volume_y1": 0.0, "actual_volume_y2": 0.0}, "W05"),
        ({"transferable_volume": 1_000_000.1}, "D03"),
        ({"saved_volume": 1_000_000.1}, "D03"),
    ],
)
def test_a_gate_refuses_whatever_the_value(change: dict[str, object], code: str) -> None:
    good, bad = appraised("water_right"), appraised("water_right", change)
    assert good.eligible[0] and not codes(good.gates)
    assert codes(bad.gates) == {code}
    assert bad.lending_value[0] == bad.recovery_high[0] == 0.0


def test_every_gate_names_its_law_and_speaks_both_languages() -> None:
    for gate in kinds()["water_right"].gates:
        assert gate.zh and gate.en and gate.ref
        assert gate.article or gate.ref in ("house-policy", "water-trading-2016")


def test_one_cubic_metre_in_two_years_keeps_the_permit() -> None:
    unused = {"actual_volume_y1": 0.0, "actual_volume_y2": 0.0}
    assert "W05" in codes(appraised("water_right", unused).gates)
    for kept in ({"actual_volume_y1": 1.0}, {"actual_volume_y2": 1.0}, {"actual_volume_y2": None}):
        assert "W05" not in codes(appraised("water_right", unused | kept).gates)


def test_one_permit_pledged_twice_is_refused() -> None:
    table = columns("water_right", {}, {})
    table["permit_no"] = np.array(["D999999S2026-0001"] * 2, dtype=object)
    rules = load().at("2026-11-23")
    twice = appraise_pledges(kinds()["water_right"], table, loans=loans(2, application_row=0.0), rules=rules)
    assert codes(twice.gates) == {"K01"}
    table["permit_no"][1] = "D999999S2026-0002"
    once = appraise_pledges(kinds()["water_right"], table, loans=loans(2, application_row=0.0), rules=rules)
    assert once.eligible.all()


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        # 7.48 m3/s x 8.64 = 64.6272 in units of 10 000 m3 a day
        ({"flow_max": 7.48, "daily_max": 646_272.0 * 1.021}, "flow_times_8_64"),
        ({"flow_max": 7.48, "daily_max": 646_272.0 * 0.979}, "flow_times_8_64"),
        ({"source_volume": 999_999.0}, "permit_above_source"),
        ({"surface_volume": 600_000.0, "ground_volume": 379_000.0}, "split_volume"),
        ({"actual_volume_y3": 1_000_001.0}, "use_above_permit"),
        # 900 000 m3 x 9.81 x 0.8 x 50 / 3600 = 98 100 kWh; 98 100 / 1.5 = 65 400
        (HYDRO | {"energy": 65_399.0}, "hydropower_energy"),
        (HYDRO | {"energy": 147_151.0}, "hydropower_energy"),
        (HYDRO | {"energy": 98_100.0, "installed_kw": 11.19}, "energy_above_capacity"),
        ({"valid_to": "2027-01-06"}, "renewal_window"),
        ({"valid_from": "2022-12-30"}, "permit_years"),
        ({"water_right_kind": "irrigator"}, "irrigator_purpose"),
    ],
)
def test_figures_that_contradict_each_other_are_flagged(change: dict[str, Any], flag: str) -> None:
    assert flags(appraised("water_right", change)) == {flag}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"flow_max": 7.48, "daily_max": 646_272.0 * 1.019},
        {"source_volume": 1_000_000.0},
        {"surface_volume": 600_000.0, "ground_volume": 381_000.0},
        {"surface_volume": 600_000.0},
        {"water_right_kind": "irrigator", "purpose": "irrigation"},
        {"actual_volume_y3": 1_000_000.0},
        HYDRO | {"energy": 65_401.0},
        HYDRO | {"energy": 147_149.0},
        HYDRO | {"energy": 98_100.0, "installed_kw": 11.2},
        {"valid_to": "2027-01-07"},
        {"valid_to": "2027-01-06", "renewal_filed": True},
        {"valid_from": "2024-01-01", "valid_to": "2033-12-31"},
    ],
)
def test_figures_that_agree_raise_no_flag(change: dict[str, Any]) -> None:
    assert flags(appraised("water_right", change)) == set()


def test_a_filing_missed_by_a_day_takes_the_renewal_away() -> None:
    in_time, late = (appraised("water_right", {"valid_to": day}) for day in ("2027-01-07", "2027-01-06"))
    assert step(in_time, "renewal_value") > 0.0 == step(late, "renewal_value")  # 45 and 44 days from 2026-11-23
    filed = appraised("water_right", {"valid_to": "2027-01-06", "renewal_filed": True})
    assert step(filed, "renewal") == 0.9 > step(in_time, "renewal") == 0.8
