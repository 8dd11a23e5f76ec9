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
    assert step(values, "standing") < 0.0
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
        ({"planting_year": 1905}, "D03"),  # fir of 121 years
        ({"planting_year": 2010, "stock_per_area": 600.0}, "D03"),  # 3 x 163 + 60 m3/ha at 16 years is 548
        ({"tenure": "own_plot"}, "F21"),
        ({"tenure": "transferred", "contract_from": "2053-01-01"}, "F20"),  # granted for four years
        ({"forest_method": "harvest_present_value"}, "F19"),
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


def test_compensation_income_may_be_pledged_where_the_timber_may_not() -> None:
    values = appraised(
        "forest_right", {"forest_class": "011", "pledge_object": "compensation", "compensation_paid": 167_790.0}
    )
    assert values.eligible[0] and values.approach[0] == "compensation"
    # 5 times 167 790 is 838 950; the published loan of 830 000 lies under five times, the grid lends 60 % of it
    assert values.central[0] == pytest.approx(838_950.0)
    assert values.lending_value[0] == pytest.approx(0.6 * 838_950.0)


def test_insurance_for_the_bank_takes_off_the_hazard_haircut_as_far_as_it_covers() -> None:
    # 12 000 CNY/ha on 100 ha of 5 736 060 CNY
    covered = 1_200_000.0 / 5_736_060.0
    assert haircut(appraised("forest_right"), "uninsured") == pytest.approx(0.05 * (1.0 - covered))
    assert haircut(appraised("forest_right", {"insured_sum": 1e6}), "uninsured") == 0.0
    for change in ({"insured": False}, {"beneficiary_is_bank": False}, {"insured_to": "2026-11-22"}):
        assert haircut(appraised("forest_right", change), "uninsured") == pytest.approx(0.05), change


def test_a_fire_takes_half_the_stand_and_the_policy_pays_its_part() -> None:
    bare, insured = appraised("forest_right", {"insured": False}), appraised("forest_right")
    assert bare.stress["fire"][0] == pytest.approx(0.5 * 5_736_060.0)
    assert insured.stress["fire"][0] == pytest.approx(0.5 * (5_736_060.0 + 1_200_000.0))


def test_a_price_fall_of_a_fifth_takes_more_than_a_fifth_because_costs_stay() -> None:
    values = appraised("forest_right")
    # sales 0.8 x 10 575 000 = 8 460 000; costs 2 268 000 + 18 % of them = 3 790 800; profit 16 % of the costs
    assert values.stress["price_20"][0] == pytest.approx(8_460_000 - 3_790_800 * 1.16)
    assert values.stressed["price_20"][0] <= values.lending_value[0]


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"stand_age": 30.0, "survey_year": 2020.0}, "age_of_today"),  # 36 years by planting, 36 by survey: no flag
        ({"stand_age": 34.0, "survey_year": 2026.0}, "age_of_today"),
        ({"age_group_stated": "3"}, "age_group"),
        ({"stock": 20_000.0}, "stock_total"),
        ({"stock": 18_000.0, "outturn": 12_000.0, "outturn_rate": 0.7}, "outturn_total"),
        ({"effective_area": 90.0}, "excluded_area"),
        ({"felling_valid_to": "2026-11-22"}, "permit_run_out"),
    ],
)
def test_figures_that_contradict_one_another_raise_a_flag_with_its_rule(change: dict[str, object], flag: str) -> None:
    values = appraised("forest_right", change)
    raised = {found.name for found, hit in values.flags if hit[0]}
    agrees = change.get("stand_age") == 30.0
    assert raised == (set() if agrees else {flag})
    assert values.eligible[0], "a flag refuses nothing"


def test_the_appraised_area_is_what_is_valued() -> None:
    assert appraised("forest_right", {"effective_area": 90.0}).central[0] == pytest.approx(0.9 * 5_736_060.0)


def test_a_felling_permit_that_has_run_out_counts_as_none() -> None:
    assert haircut(appraised("forest_right", {"felling_valid_to": "2026-11-22"}), "felling_delay") > 0.0
    assert haircut(appraised("forest_right", {"felling_valid_to": "2026-11-23"}), "felling_delay") == 0.0


def test_contracted_flows_do_not_come_on_top_of_compensation_income() -> None:
    row = {"forest_class": "011", "pledge_object": "compensation", "compensation_paid": 167_790.0}
    flows = {"gep_water_retention_cny": 167_790.0, "gep_contracted_cny": 167_790.0}
    values = appraised("forest_right", row | flows)
    assert values.central[0] == pytest.approx(838_950.0)
    assert values.check.from_flows[0] == 0.0 and values.entitled[0] == pytest.approx(167_790.0)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"planting_year": 1905}, "valuation.forest.age_max"),
        ({"planting_year": 2010, "stock_per_area": 600.0}, "valuation.forest.stock_of_age_max"),
    ],
)
def test_a_figure_that_cannot_be_is_refused_by_the_name_of_its_rule(change: dict[str, object], rule: str) -> None:
    values = appraised("forest_right", change)
    assert [gate.rule for gate, hit in values.tests if hit[0]] == [rule]
