"""Stress scenarios act on value, default and payout together; limits under a budget with a proven bound."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolio_cases import RULES, book_of, ledger_of, terms

from eco_credit.core.errors import ContractError
from eco_credit.portfolio import plan_limits, portfolio_figures, read_scenarios, run_stress
from eco_credit.portfolio.groupings import concentrations, vintages
from eco_credit.portfolio.limits import Caps
from eco_credit.portfolio.stress import Scenario, shock_of, stressed_book, stressed_lgd, stressed_pd

KINDS = ["forest_right", "water_right", "order"]


def scenario(**fields: object) -> Scenario:
    return Scenario.model_validate({"name": "x", "zh": "x", "en": "x", **fields})


def test_the_shipped_scenarios_are_the_five_of_the_desk() -> None:
    assert [found.name for found in read_scenarios()] == ["drought", "fire", "timber", "buyer", "policy"]


def test_timber_thirty_percent_down_moves_value_default_and_loss_of_forest_loans_only() -> None:
    book = book_of([100.0, 100.0], kind=["forest_right", "water_right"])
    after = stressed_book(book, shock_of(next(s for s in read_scenarios() if s.name == "timber"), book, RULES))
    # recovery 0.5 · 0.7 = 0.35; odds 0.02/0.98 · e^(3.4657 · 0.3) = 0.0577
    assert after.lgd.tolist() == pytest.approx([0.65, 0.5])
    odds = 0.02 / 0.98 * np.exp(3.4657 * 0.3)
    assert after.pd.tolist() == pytest.approx([odds / (1.0 + odds), 0.02])


def test_odds_of_default_double_where_value_falls_by_a_fifth() -> None:
    book = book_of([100.0])
    after = stressed_book(book, shock_of(scenario(value={"all": -0.2}), book, RULES))
    assert after.pd[0] / (1.0 - after.pd[0]) == pytest.approx(2.0 * 0.02 / 0.98, rel=1e-4)


def test_the_default_of_the_largest_buyer_hits_the_loans_that_rest_on_it() -> None:
    book = book_of([100.0, 100.0, 150.0], ledger=ledger_of(3, buyer_id=["a", "a", "b"]))
    shock = shock_of(scenario(largest_buyer_pd="buyer_pd", buyer_value=-0.5), book, RULES)
    assert shock.pd.tolist()[:2] == [0.5, 0.5] and np.isnan(shock.pd[2])
    assert stressed_book(book, shock).lgd.tolist() == pytest.approx([0.75, 0.75, 0.5])


def test_a_scenario_of_a_county_reaches_that_county_only() -> None:
    book = book_of([1.0, 1.0], area_code=["331181", "340101"])
    assert shock_of(scenario(value={"all": -0.1}, counties=["3311"]), book, RULES).value.tolist() == [-0.1, 0.0]


@pytest.mark.parametrize(
    "ledger", [None, ledger_of(1, share_bank=[0.2], share_direct=[0.4], share_regu=[0.3], share_gov=[0.1])]
)
def test_a_party_that_withdraws_leaves_its_share_to_the_bearer(ledger: dict | None) -> None:
    found = run_stress(book_of([1e6], ledger=ledger), terms(), rules=RULES, scenarios=[scenario(withdraw="government")])
    # 10 000 expected loss: guarantor 40 %, then 50 %
    assert [row["borne"]["guarantor"] for row in found] == [4_000.0, 5_000.0]
    assert found[0]["borne"]["government"] == 1_000.0 and found[1]["borne"].get("government", 0.0) == 0.0


@settings(deadline=None, max_examples=30)
@given(fall=st.floats(0.0, 0.9), exposures=st.lists(st.floats(1.0, 1e7), min_size=1, max_size=6))
def test_every_scenario_is_borne_to_the_cent_and_a_fall_never_costs_less(fall: float, exposures: list[float]) -> None:
    kinds = [KINDS[i % 3] for i in range(len(exposures))]
    base, *rest = run_stress(
        book_of(exposures, kind=kinds),
        terms(),
        rules=RULES,
        scenarios=[scenario(value={"all": -fall}), *read_scenarios()],
    )
    for row in (base, *rest):
        for part in ("layers", "borne"):
            assert round(sum(round(v * 100) for v in row[part].values())) == round(row["loss"] * 100)
        assert row["loss"] >= base["loss"] - 0.01


@settings(deadline=None)
@given(pd=st.floats(0.0, 1.0), factor=st.floats(1.0, 10.0), lgd=st.floats(0.0, 1.0), change=st.floats(-1.0, 0.0))
def test_stressed_figures_stay_ratios_and_get_no_better(pd: float, factor: float, lgd: float, change: float) -> None:
    worse, loss = stressed_pd(np.array(pd), np.array(factor)), stressed_lgd(np.array(lgd), np.array(change))
    assert pd - 1e-12 <= float(worse) <= 1.0 and lgd - 1e-12 <= float(loss) <= 1.0


@pytest.mark.parametrize(
    "content", ["[", "{}", "[{name: a}]", "[{name: A, zh: x, en: x}]", "[{name: a, zh: x, en: x, more: 1}]"]
)
def test_a_scenario_file_that_is_none_is_refused(content: str, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ContractError):
        read_scenarios(path)


@settings(deadline=None, max_examples=25)
@given(
    pairs=st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=8),
    budget=st.integers(0, 150),
)
def test_whole_loans_are_the_best_of_all_subsets_and_the_bound_proves_it(
    pairs: list[tuple[int, int]], budget: int
) -> None:
    value, cost = (np.array(part, dtype=np.float64) for part in zip(*pairs, strict=True))
    best = max(
        float(np.dot(value, pick))
        for pick in itertools.product([0.0, 1.0], repeat=len(pairs))
        if float(np.dot(cost, pick)) <= budget
    )
    plan = plan_limits(value, cost, float(budget), whole=True)
    assert plan.value == pytest.approx(best) and plan.bound >= best - 1e-6 and plan.gap <= 1e-6
    parts = plan_limits(value, cost, float(budget))
    assert parts.bound >= best - 1e-6 and parts.spent <= budget * (1.0 + 1e-9) + 1e-9


def test_the_linear_plan_takes_the_best_value_per_payout_first() -> None:
    plan = plan_limits(np.array([100.0, 100.0, 100.0]), np.array([1.0, 2.0, 4.0]), 4.0)
    assert plan.granted.tolist() == pytest.approx([1.0, 1.0, 0.25]) and plan.value == pytest.approx(225.0)


def test_no_group_gets_more_than_its_cap() -> None:
    group = np.array(["a", "a", "b"], dtype=object)
    caps = Caps(np.array([100.0, 100.0, 100.0]), group, each=120.0, whole=200.0)
    plan = plan_limits(np.array([3.0, 3.0, 1.0]), np.array([1.0, 1.0, 1.0]), 10.0, caps=caps)
    assert float(np.sum(plan.granted[:2])) == pytest.approx(1.2) and plan.granted[2] == pytest.approx(0.8)


@pytest.mark.parametrize("cost", [-1.0, np.nan])
def test_a_cost_that_is_none_is_refused(cost: float) -> None:
    with pytest.raises(ValueError, match="not negative"):
        plan_limits(np.array([1.0]), np.array([cost]), 1.0)


def test_concentration_is_shown_for_every_grouping_the_book_knows() -> None:
    ledger = ledger_of(4, basin=["x", "x", "y", None], borrower_id=["c", "c", "d", "e"])
    found = concentrations(book_of([10.0, 10.0, 10.0, 10.0], ledger=ledger))
    assert set(found) == {"client", "group", "county", "basin", "kind"}
    assert found["client"]["hhi"] == pytest.approx(0.25 + 2 / 16) and found["basin"]["unknown"] == 0.25
    assert found["basin"]["largest"][0] == ["x", 0.5]


def test_vintages_are_quarters_and_what_has_no_day_stands_last() -> None:
    ledger = ledger_of(3, start_on=["2026-01-31", "2026-04-01", "NaT"])
    found = vintages(book_of([10.0, 20.0, 30.0], ledger=ledger))
    assert [(row["quarter"], row["loans"], row["balance"]) for row in found] == [
        ("2026Q1", 1, 10.0), ("2026Q2", 1, 20.0), ("unstated", 1, 30.0),
    ]  # fmt: skip
    assert found[0]["expected_loss"] == pytest.approx(0.1)


@settings(deadline=None, max_examples=20)
@given(order=st.permutations(range(7)), cover=st.floats(0.1, 1.0))
def test_the_figures_do_not_depend_on_the_order_of_the_loans(order: list[int], cover: float) -> None:
    exposure, pd = [1e5 * (i + 1) for i in range(7)], [0.01 * (i + 1) for i in range(7)]
    names, kinds = [f"L{i}" for i in range(7)], [KINDS[i % 3] for i in range(7)]
    agreed = terms(cover=cover, net_assets=1e6)
    plain = portfolio_figures(book_of(exposure, pd=pd, kind=kinds), agreed, rules=RULES).as_dict()
    moved = book_of(
        [exposure[i] for i in order], pd=[pd[i] for i in order], kind=[kinds[i] for i in order],
        application_id=[names[i] for i in order],
    )  # fmt: skip
    again = portfolio_figures(moved, agreed, rules=RULES).as_dict()
    assert again["borne"] == plain["borne"] and again["counts"] == plain["counts"]
    for part in ("balance", "bearer", "limits", "reserves"):
        assert again[part] == pytest.approx(plain[part], rel=1e-9), part


@settings(deadline=None, max_examples=30)
@given(low=st.floats(0.0, 1.0), more=st.floats(0.0, 1.0))
def test_more_cover_moves_loss_from_the_bank_to_the_system(low: float, more: float) -> None:
    high = low + (1.0 - low) * more
    small, large = (portfolio_figures(book_of([1e6, 2e6]), terms(cover=c), rules=RULES).borne for c in (low, high))
    assert large["guarantor"] >= small["guarantor"] and large["bank"] <= small["bank"]


def test_the_linear_programme_and_the_cheapest_loans_agree_where_only_the_budget_binds() -> None:
    rng = np.random.default_rng(11)
    value, cost = rng.uniform(1.0, 9.0, 400), rng.uniform(0.0, 3.0, 400)
    group = np.array([f"g{i}" for i in range(400)], dtype=object)
    free = plan_limits(value, cost, 100.0)
    # a cap that one loan alone breaks sends the same problem to the solver, less that loan's excess
    caps = Caps(np.where(np.arange(400) == 0, 2.0, 0.0), group, each=1.0)
    held = plan_limits(value, cost, 100.0, caps=caps)
    assert held.value <= free.bound * (1.0 + 1e-9) and held.granted[0] <= 0.5 + 1e-9
    assert free.value - held.value <= value[0] / 2 + 1e-6


def test_identifiers_of_debtors_do_not_leave_the_house_whole() -> None:
    ledger = ledger_of(3, borrower_id=["99999919000101001X", "99999919000101001X", None])
    found = concentrations(book_of([1e6, 1e6, 1e6], ledger=ledger))
    for name in ("client", "group"):
        assert found[name]["groups"] == 2
        assert [code for code, _ in found[name]["largest"]] == ["…001X", "L2"]
