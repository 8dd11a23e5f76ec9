"""Forest rights: method by age group, gates, haircuts, cap."""

from __future__ import annotations

import pytest
from pledge_tables import appraised, codes, haircut, step


@pytest.mark.parametrize(
    ("planted", "method"),
    [
        (2016, "replacement_cost"),  # 10 years: the last year of young fir
        (2015, "harvest_present_value"),  # 11: the first of middle age
        (2001, "harvest_present_value"),  # 25: the last of near maturity
        (2000, "residual"),  # 26: the felling age
        (1990, "residual"),  # 36: over-mature
    ],
)
def test_the_method_follows_the_age_group_of_fir(planted: int, method: str) -> None:
    assert appraised("forest_right", {"planting_year": planted}).approach[0] == method


def test_an_unlisted_species_takes_the_general_age_groups() -> None:
    assert appraised("forest_right", {"species": "other", "planting_year": 1996}).approach[0] == "harvest_present_value"
    assert appraised("forest_right", {"species": "other", "planting_year": 1995}).approach[0] == "residual"  # 31 years


def test_a_young_stand_below_forty_percent_survival_has_no_value() -> None:
    young = {"planting_year": 2022, "mean_height": 4.0}
    assert appraised("forest_right", young | {"survival": 0.39}).central[0] == 0.0
    assert appraised("forest_right", young | {"survival": 0.40}).central[0] > 0.0


def test_a_young_stand_at_the_planting_standard_counts_in_full_and_just_below_by_its_survival() -> None:
    young = {"planting_year": 2022, "mean_height": 4.0}  # height as the reference: K2 = 1
    full, less = (appraised("forest_right", young | {"survival": r}) for r in (0.85, 0.84))
    assert step(full, "quality") == pytest.approx(1.0)
    assert less.central[0] / full.central[0] == pytest.approx(0.84)


def test_timber_that_does_not_pay_for_its_felling_is_worth_nothing() -> None:
    values = appraised("forest_right", {"operating_cost": 2000.0})
    assert step(values, "residual_value") < 0.0
    assert values.central[0] == 0.0


def test_public_welfare_forest_is_refused_and_shows_what_its_compensation_is_worth() -> None:
    values = appraised("forest_right", {"forest_class": "011", "compensation_paid": 167_790.0})
    assert values.approach[0] == "compensation"
    assert values.central[0] == pytest.approx(838_950.0)  # 4 794 mu x 35 CNY x 5, the Anji case
    assert codes(values.gates) == {"F01"}
    assert values.lending_value[0] == 0.0 and not values.eligible[0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"forest_class": "012"}, "F01"),
        ({"protected_overlap": 0.01}, "F01"),
        ({"disputed": True}, "F02"),
        ({"co_owner_consent": False}, "F03"),
        ({"collective_vote": False}, "F03"),
        ({"owner_consent": False}, "F03"),
        ({"sealed": True}, "F04"),
        ({"prior_claims": 5_736_060.01}, "F04"),
        ({"contract_to": "2028-11-01"}, "F05"),
        ({"planting_year": 2027}, "D03"),
        ({"stock_per_area": 1000.1}, "D03"),
        ({"composite_outturn": 0.76}, "D03"),
    ],
)
def test_a_gate_refuses_whatever_the_value(change: dict[str, object], code: str) -> None:
    good, bad = appraised("forest_right"), appraised("forest_right", change)
    assert good.eligible[0] and not codes(good.gates)
    assert codes(bad.gates) == {code}
    assert bad.lending_value[0] == bad.recovery_high[0] == 0.0


def test_the_right_must_outlive_the_loan_by_the_workout() -> None:
    # 24 months from 2026-11-23 are 730.5 days: the loan of 12 months and 12 months of workout
    assert appraised("forest_right", {"contract_to": "2028-11-23"}).eligible[0]
    assert not appraised("forest_right", {"contract_to": "2028-11-22"}, term_months=12.0).eligible[0]
    assert not appraised("forest_right", {"contract_to": "2028-11-23"}, term_months=13.0).eligible[0]


def test_missing_a_felling_permit_is_a_haircut_and_not_a_lower_appraisal() -> None:
    with_permit, without = appraised("forest_right"), appraised("forest_right", {"felling_permit": False})
    assert without.central[0] == with_permit.central[0]
    # q (1 - 1.06^-2) with q = 0.5
    assert haircut(without, "felling_delay") == pytest.approx(0.5 * (1 - 1.06**-2))
    assert haircut(with_permit, "felling_delay") == 0.0
    assert "F07" in codes(without.reasons) and "F15" in codes(with_permit.reasons)


def test_a_pine_wilt_zone_costs_pine_and_not_fir() -> None:
    assert haircut(appraised("forest_right", {"pine_wilt_zone": True}), "pest_zone") == 0.0
    assert haircut(appraised("forest_right", {"pine_wilt_zone": True, "species": "masson_pine"}), "pest_zone") == 0.2


@pytest.mark.parametrize(
    ("planted", "buy_back", "cap"),
    [
        (2018, False, 0.30),
        (2018, True, 0.30),
        (2010, False, 0.40),
        (2010, True, 0.50),
        (1990, False, 0.50),
        (1990, True, 0.60),
    ],
)
def test_the_grid_caps_the_lending_value_by_age_group_and_purchase_body(
    planted: int, buy_back: bool, cap: float
) -> None:
    values = appraised("forest_right", {"planting_year": planted, "buy_back": buy_back, "survival": 0.9})
    assert values.lending_value[0] == pytest.approx(cap * values.central[0])


def test_a_missing_price_is_filled_from_the_rulebook_and_widens_the_range() -> None:
    stated = appraised("forest_right")
    filled = appraised("forest_right", {"log_price": None, "composite_price": None})
    assert filled.central[0] == pytest.approx(stated.central[0])  # the rulebook's fir prices are those of the case
    assert filled.low[0] < stated.low[0] < stated.high[0] < filled.high[0]


def test_a_stated_value_far_above_ours_asks_for_a_second_appraisal() -> None:
    limit = 1.3 * 5_736_060.0
    assert "F12" not in codes(appraised("forest_right", {"stated_value": limit - 1.0}).reasons)
    assert "F12" in codes(appraised("forest_right", {"stated_value": limit + 1.0}).reasons)
