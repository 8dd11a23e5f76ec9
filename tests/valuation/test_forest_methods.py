"""Every method of LY/T 2407-2015 through a whole pledge, against the formula written out in plain Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pledge_tables import appraised, codes, step
from workings import steps_of, worked_out

from eco_credit.rulebook import load
from eco_credit.scoring.appraisal_answer import appraisal_details
from eco_credit.valuation.kinds.forest_right.choice import APPROACHES
from eco_credit.valuation.kinds.forest_right.facts import age_group_by_rule
from eco_credit.valuation.methods import annuity, forest_income, land

RULES = load().at("2026-11-23")
YEARS_LEFT = (np.datetime64("2056-12-31") - np.datetime64("2026-11-23")).astype(float) / 365.25
"""Years of the right of the good pledge, by the Julian year."""
Row = dict[str, Any]


def annuity_of(p: float, t: float) -> float:
    return (1.0 - (1.0 + p) ** -t) / p


def net_of_a_cubic_metre() -> float:
    # sales 0.25 x 1000 + 0.45 x 750 = 587.5; costs 0.7 x 180 + 18 % of sales; profit 16 % of the costs
    costs = 0.7 * 180.0 + 0.18 * 587.5
    return 587.5 - costs - 0.16 * costs


def harvest(row: Row) -> float:
    n, u, p = 2026.0 - row["planting_year"], 26.0, 0.06
    reference = [np.exp(6.407 - 21.03 / age) for age in (n, u)]
    k = min(1.5, row["stock_per_area"] / reference[0])
    income = net_of_a_cubic_metre() * reference[1] + sum(
        row.get(f"thinning_income_{i}", 0.0) * 1.06 ** (u - row.get(f"thinning_age_{i}", u)) for i in (1, 2)
    )
    return 100.0 * (k * income / (1.0 + p) ** (u - n + 1.0) - 795.0 * annuity_of(p, u - n))


def replacement(row: Row) -> float:
    n, p, costs = 2026 - row["planting_year"], 0.06, [7050.0, 1800.0, 1800.0]
    spent = [(costs[i - 1] if i <= 3 else 0.0) + 795.0 for i in range(1, n + 1)]
    return 100.0 * 0.85 * sum(c * (1.0 + p) ** (n - i + 1) for i, c in enumerate(spent, start=1))


def periodic(row: Row) -> float:
    p, cut, u = 0.06, net_of_a_cubic_metre() * 180.0 * 0.4, row["cutting_cycle"]
    m = row["years_since_cut"]
    forever = cut * (1.0 + p) ** m / ((1.0 + p) ** u - 1.0) - 795.0 / p
    return 100.0 * forever * (1.0 - (1.0 + p) ** -YEARS_LEFT)


def expectation(_: Row) -> float:
    p, u = 0.06, 26.0
    spent = sum(c * (1.0 + p) ** (u - i + 1) for i, c in enumerate([7050.0, 1800.0, 1800.0], start=1))
    income = net_of_a_cubic_metre() * np.exp(6.407 - 21.03 / u)
    forever = (income - spent) / ((1.0 + p) ** u - 1.0) - 75.0 / p
    return 100.0 * forever * (1.0 - (1.0 + p) ** -YEARS_LEFT)


def cut_in_years(row: Row) -> float:
    # 18 000 m3 at 5 000 a year: 5 000 now, after one and two years, and the rest of 3 000 after three
    parts = [5000.0, 5000.0, 5000.0, 3000.0]
    return 5_736_060.0 * sum(part / 1.06**t for t, part in enumerate(parts)) / 18_000.0


_DEALS = {"deal_price_1": 300.0, "deal_factor_1": 0.905, "deal_index_1": 1.143, "deal_price_2": 320.0,
          "deal_price_3": 280.0}  # fmt: skip
CASES: dict[str, tuple[Row, str, float | Callable[[Row], float]]] = {
    "mature fir": ({}, "residual", 5_736_060.0),
    "an allowable cut of 5 000 m3 a year": ({"annual_cut": 5000.0}, "residual", cut_in_years),
    "three deals": (_DEALS | {"forest_method": "comparison"}, "comparison",
                    18_000.0 * (300.0 * 0.905 * 1.143 + 320.0 + 280.0) / 3.0),
    "regeneration on top": ({"forest_method": "residual_with_regeneration", "regeneration_value": 6000.0},
                            "residual_with_regeneration", 5_736_060.0 + 600_000.0),
    "middle-aged fir": ({"planting_year": 2012, "stock_per_area": 150.0}, "harvest_present_value", harvest),
    "thinnings still to come": (
        {"planting_year": 2012, "stock_per_area": 150.0, "thinning_age_1": 18, "thinning_income_1": 3000.0,
         "thinning_age_2": 22, "thinning_income_2": 5000.0}, "harvest_present_value", harvest),
    "young fir": ({"planting_year": 2021, "stock_per_area": 10.0}, "replacement_cost", replacement),
    "young fir by labour days": (
        {"planting_year": 2024, "stock_per_area": 5.0, "work_days": 30.0, "work_days_2": 12.0, "day_wage": 150.0},
        "replacement_cost", 100.0 * 0.85 * ((30.0 * 150.0 + 795.0) * 1.06**2 + (12.0 * 150.0 + 795.0) * 1.06)),
    "net income until the felling": (
        {"planting_year": 2012, "stock_per_area": 150.0, "forest_method": "net_income", "annual_income": 2000.0},
        "net_income", 100.0 * 2000.0 * annuity_of(0.06, 13.0)),
    "an annuity for the term": (
        {"planting_year": 2012, "stock_per_area": 150.0, "forest_method": "annuity", "annual_income": 2000.0},
        "annuity", 100.0 * 2000.0 * annuity_of(0.06, YEARS_LEFT)),
    "selection forest three years after a cut": (
        {"stand_type": "selection", "cutting_cycle": 10.0, "years_since_cut": 3.0}, "periodic", periodic),
    "historical cost": (
        {"planting_year": 2021, "stock_per_area": 10.0, "forest_method": "historical_cost", "historic_cost": 9000.0,
         "historic_cost_index": 1.2}, "historical_cost", 100.0 * 0.85 * 9000.0 * 1.2 * 1.06**5),
    "economic forest at the peak": (
        {"stand_type": "economic", "yield_stage": "peak", "annual_income": 30_000.0, "planting_year": 2010,
         "economic_life": 30}, "economic", 100.0 * 30_000.0 * annuity_of(0.09, 30 - 16 + 1)),
    "economic forest of first yields": (
        {"stand_type": "economic", "yield_stage": "initial", "annual_income": 8000.0, "peak_income": 30_000.0,
         "planting_year": 2022, "peak_from": 8, "economic_life": 30}, "economic_initial",
        100.0 * (8000.0 * annuity_of(0.09, 4.0) + 30_000.0 * annuity_of(0.09, 23.0) / 1.09**4)),
    "economic forest in decline": (
        {"stand_type": "economic", "yield_stage": "decline", "residual_value": 12_000.0, "annual_income": 3000.0,
         "economic_life": 38}, "economic_decline", 100.0 * (12_000.0 + 3000.0 * annuity_of(0.09, 3.0))),
    "bamboo of on and off years": (
        {"species": "moso_bamboo", "income_on_year": 9000.0, "income_off_year": 5000.0}, "bamboo",
        100.0 * 7000.0 * annuity_of(0.07, YEARS_LEFT)),
    "land at its rent": ({"pledge_object": "land", "land_rent": 750.0}, "land_annuity",
                         100.0 * 750.0 * annuity_of(0.045, YEARS_LEFT)),
    "a felled site": ({"stand_type": "cleared", "stock_per_area": 0.0}, "land_expectation", expectation),
    "land at its cost": (
        {"pledge_object": "land", "forest_method": "land_cost", "historic_cost": 3000.0, "planting_year": 2020},
        "land_cost",
        100.0 * (3000.0 * 1.045**6 + sum(75.0 * 1.045 ** (6 - i + 1) for i in range(1, 7)))),
    "stand and land": ({"pledge_object": "stand_and_land", "land_rent": 750.0}, "residual",
                       5_736_060.0 + 100.0 * 750.0 * annuity_of(0.045, YEARS_LEFT)),
    "compensation of a public-welfare forest": (
        {"forest_class": "011", "pledge_object": "compensation", "compensation_paid": 167_790.0}, "compensation",
        838_950.0),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_method_gives_what_its_formula_gives(name: str) -> None:
    row, approach, expected = CASES[name]
    values = appraised("forest_right", row)
    wanted = expected(row) if callable(expected) else expected
    assert values.approach[0] == approach
    assert values.central[0] == pytest.approx(wanted, rel=1e-12)


def test_every_method_of_the_kind_is_met_by_a_case() -> None:
    assert {approach for _, approach, _ in CASES.values()} == {approach.code for approach in APPROACHES}


@pytest.mark.parametrize("name", CASES)
def test_every_working_gives_the_value_of_its_step(name: str) -> None:
    values = appraised("forest_right", CASES[name][0])
    steps = steps_of(values)
    worked = [found for found in steps if found["working"]]
    assert worked, "a person has something to follow"
    for found in worked:
        # what is shown is rounded to 1e-6, so a small figure is right to that
        assert worked_out(found["working"]) == pytest.approx(found["value"], rel=1e-9, abs=2e-6), found
    assert steps[-1]["value"] == pytest.approx(values.central[0], abs=1e-5)


@pytest.mark.parametrize("name", CASES)
def test_a_range_holds_the_value_and_names_what_moves_it(name: str) -> None:
    values = appraised("forest_right", CASES[name][0])
    assert 0.0 < values.low[0] < values.central[0] < values.high[0] or name.startswith("compensation")
    first, second = values.appraisal.drivers
    assert first[0] is not None and first[0] != second[0]


@pytest.mark.parametrize("name", CASES)
def test_a_mixed_table_gives_each_pledge_the_bytes_it_has_alone(name: str) -> None:
    rows = [row for row, _, _ in CASES.values()]
    place = list(CASES).index(name)
    many, alone = appraised("forest_right", *rows), appraised("forest_right", rows[place])
    for column in ("low", "central", "high", "lending_value", "recovery_low"):
        assert getattr(many, column)[place] == getattr(alone, column)[0], column
    for scenario, value in alone.stress.items():
        assert many.stress[scenario][place] == value[0], scenario


def test_two_deals_are_no_market() -> None:
    deals = {name: value for name, value in _DEALS.items() if not name.endswith("3")}
    values = appraised("forest_right", deals | {"forest_method": "comparison"})
    assert not values.eligible[0] and "D02" in codes(values.gates)


def test_a_method_that_does_not_fit_the_age_group_is_refused_and_the_norms_method_is_shown() -> None:
    values = appraised("forest_right", {"forest_method": "replacement_cost"})
    assert "F19" in codes(values.gates) and values.approach[0] == "residual"
    assert "F19" not in codes(appraised("forest_right", {"forest_method": "residual"}).gates)


def test_a_right_that_ends_before_the_felling_age_is_felled_when_it_ends() -> None:
    young = {"planting_year": 2012, "stock_per_area": 150.0}
    values = appraised("forest_right", young, young | {"contract_to": "2032-11-23"})
    assert step(values, "felling_wait") == 12.0
    assert step(values, "felling_wait", 1) == pytest.approx(6.0, abs=0.01)
    # felled at 20 instead of 26 the stand would pay more at 6 %, but the felling age is not the holder's to choose
    assert step(values, "at_end", 1) > step(values, "at_felling", 1)
    assert values.central[1] == values.central[0]
    ends_soon = appraised("forest_right", young | {"contract_to": "2027-11-23", "stock_per_area": 80.0})
    assert ends_soon.central[0] <= appraised("forest_right", young | {"stock_per_area": 80.0}).central[0]


def test_the_value_does_not_jump_where_a_stand_becomes_mature_but_for_the_year_the_income_comes_late() -> None:
    reference = float(np.exp(6.407 - 21.03 / 26.0))
    row = {"planting_year": 2000, "stock_per_area": reference, "annual_cut": None}
    residual = appraised("forest_right", row).central[0]
    # at the felling age the harvest method is A / (1 + P), the residual method A
    waiting = appraised("forest_right", row | {"planting_year": 2001}).central[0]
    assert appraised("forest_right", row).approach[0] == "residual"
    assert waiting < residual < waiting * 1.06**2 * 1.1


def test_the_textbook_timing_is_a_rule_and_raises_the_harvest_value_by_one_year_of_interest() -> None:
    from eco_credit.valuation.methods.forest import harvest_present_value

    income, no_cost, one = np.array([1000.0]), np.array([0.0]), np.array([1.0])
    late, prompt = (
        harvest_present_value(income, no_cost, quality=one, rate=np.array([0.06]), years=np.array([10.0]), lag=lag)
        for lag in (RULES.number("valuation.forest.timing_lag"), 0.0)
    )
    assert prompt[0] / late[0] == pytest.approx(1.06)


def test_the_base_of_the_profit_is_a_rule() -> None:
    from eco_credit.valuation.methods.forest import stumpage

    base = RULES.number("valuation.forest.profit_tax_share")
    with_tax, without = (
        float(stumpage(np.float64(10_575_000.0), np.float64(2_268_000.0), tax_rate=0.18, profit_rate=0.16, tax_share=b))
        for b in (base, 0.0)
    )
    assert with_tax == 5_736_060.0
    assert without - with_tax == pytest.approx(0.16 * 1_903_500.0)


# The inventory tables as papers quote them: felling age, width of an age class, first year of each later group.
TABLES = {
    "Chinese fir": (26, 5, (11, 21, 26, 36)),
    "masson pine": (31, 10, (11, 21, 31, 51)),
    "poplar": (21, 5, (11, 16, 21, 31)),
    "larch": (41, 10, (21, 31, 41, 61)),
}


@pytest.mark.parametrize("species", TABLES)
def test_the_rule_for_age_groups_gives_the_tables_of_the_species_that_have_one(species: str) -> None:
    felling, width, starts = TABLES[species]
    ages = np.arange(1.0, 80.0)
    by_table = np.array([sum(age >= start for start in starts) for age in ages], dtype=float)
    by_rule = age_group_by_rule(ages, np.full(79, float(felling)), np.full(79, float(width)))
    np.testing.assert_array_equal(by_rule, by_table)


def test_the_three_printed_forms_of_the_periodic_value_are_one() -> None:
    a, v, p, u = np.float64(5000.0), np.float64(100.0), np.float64(0.06), np.float64(10.0)
    just_cut = a / (1.06**10 - 1) - v / p
    three_years_on = a * 1.06**3 / (1.06**10 - 1) - v / p
    not_yet = a * 1.06**10 / (1.06**10 - 1) * 1.06**-6 - v / p
    for wait, printed in ((10.0, just_cut), (7.0, three_years_on), (6.0, not_yet)):
        assert forest_income.periodic_value(a, v, rate=p, cycle=u, wait=np.float64(wait)) == pytest.approx(printed)


def test_the_two_timings_of_land_expectation_agree_where_there_is_one_cost() -> None:
    a, c, v, p, u = (np.float64(x) for x in (30_000.0, 1000.0, 300.0, 0.06, 30.0))
    textbook = land.land_expectation(a, c, annual_cost=v, rate=p, rotation=u)
    assert land.land_expectation_by_norm(a, [c], annual_cost=v, rate=p, rotation=u) == pytest.approx(textbook)


def test_net_incomes_of_equal_years_are_an_annuity() -> None:
    found = forest_income.net_income_value(np.full((12, 1), 500.0), rate=np.array([0.06]))
    assert found == pytest.approx(annuity.finite_value(np.array([500.0]), np.array([0.06]), np.array([12.0])))


def test_a_selection_cut_of_forty_percent_grows_back_in_thirteen_years_at_four_percent() -> None:
    # -ln 0.6 / ln 1.04 = 0.510826 / 0.039221 = 13.02
    assert forest_income.selection_cycle(np.float64(0.4), np.float64(0.04)) == pytest.approx(13.02, abs=0.005)


@pytest.mark.parametrize(("cut", "left"), [(18_000.0, 1.0), (1e9, 1.0), (9000.0, (1 + 1 / 1.06) / 2), (0.0, 0.0)])
def test_the_allowable_cut_leaves_all_where_one_year_is_enough_and_nothing_where_none_is_allowed(
    cut: float, left: float
) -> None:
    factor = forest_income.liquidation_factor(np.array([18_000.0]), np.array([cut]), rate=np.array([0.06]))
    assert factor[0] == pytest.approx(left)


def test_the_felling_age_is_held_against_the_optimum_rotation_of_the_stand() -> None:
    values = appraised("forest_right", {"planting_year": 2012, "stock_per_area": 150.0})
    checks = {found["code"]: found for found in appraisal_details(values.appraisal, 0)["checks"]}
    # brute force over ages: LEV = [p M(u) - C (1+r)^u] / [(1+r)^u - 1], the yearly cost moves no age
    ages = np.arange(3.0, 121.0)
    growth = 1.06**ages
    curve = (net_of_a_cubic_metre() * np.exp(6.407 - 21.03 / ages) - 10_650.0 * growth) / (growth - 1.0)
    assert checks["optimum_rotation"]["value"] == ages[np.argmax(curve)]
    assert checks["optimum_rotation"]["stated"] == 26.0
    lost = curve.max() - curve[ages == 26.0][0]
    assert checks["loss_of_age"]["value"] == pytest.approx(lost, abs=1e-5)
