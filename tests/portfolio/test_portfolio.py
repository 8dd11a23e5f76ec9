"""Portfolio formulas: published cases, statutory caps, conservation to the cent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from eco_credit.core.errors import ConservationError, ContractError
from eco_credit.core.numbers import Columns
from eco_credit.portfolio import (
    Shares,
    break_even_fee,
    expected_excess,
    expected_payout,
    expected_tranche_loss,
    exposures_of,
    fill_layers,
    guarantee_caps,
    guarantee_weights,
    hhi,
    leverage,
    loss_quantile,
    net_loss,
    portfolio_figures,
    present_recovery,
    read_terms,
    split_loss,
    top_share,
    tranche_loss,
)
from eco_credit.portfolio.capital import corporate_k, exposure_after_haircut, other_retail_k, risk_weight
from eco_credit.portfolio.loss import both_below, conditional_pd
from eco_credit.portfolio.terms import terms_of
from eco_credit.rulebook import load

CASES = Path(__file__).resolve().parents[1] / "cases" / "portfolio"
RULES = load().at("2026-11-23")
FOUR = {"guarantor": 0.4, "re_guarantor": 0.3, "bank": 0.2, "government": 0.1}


def case(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text("utf-8"))
    return data


def test_a_tranche_of_a_tranche_loses_as_the_textbook_table_says() -> None:
    data = case("tranches-75-20-5")
    mezzanine = tranche_loss(data["pool_loss"], 0.05, 0.25)
    np.testing.assert_allclose(mezzanine, data["mezzanine"], atol=1e-12)
    np.testing.assert_allclose(tranche_loss(mezzanine, 0.0, 0.05), data["second_equity"], atol=1e-12)
    np.testing.assert_allclose(tranche_loss(mezzanine, 0.05, 0.25), data["second_mezzanine"], atol=1e-12)
    np.testing.assert_allclose(tranche_loss(mezzanine, 0.25, 1.0), data["second_senior"], atol=6e-4)


@pytest.mark.parametrize(
    "row", case("irb-corporate-pd1")["rows"], ids=lambda row: f"lgd {row['lgd']} s {row['turnover']}"
)
def test_corporate_risk_weights_are_those_of_the_basel_tables(row: dict[str, Any]) -> None:
    k = corporate_k(0.01, row["lgd"], term=2.5, turnover=row["turnover"], rules=RULES)
    assert float(risk_weight(k, rules=RULES)) == pytest.approx(row["risk_weight"], abs=6e-5)


@pytest.mark.parametrize("row", case("irb-other-retail-pd1")["rows"], ids=lambda row: f"lgd {row['lgd']}")
def test_other_retail_risk_weights_are_those_of_the_basel_tables(row: dict[str, Any]) -> None:
    weight = risk_weight(other_retail_k(0.01, row["lgd"], rules=RULES), rules=RULES)
    assert float(weight) == pytest.approx(row["risk_weight"], abs=6e-5)


def test_a_longer_term_needs_more_corporate_capital() -> None:
    short, long = (corporate_k(0.01, 0.45, term=m, turnover=None, rules=RULES) for m in (1.0, 5.0))
    assert float(short) < float(long)


def test_the_comprehensive_haircut_leaves_the_exposure_of_the_textbook() -> None:
    data = case("comprehensive-haircut")
    left = exposure_after_haircut(data["exposure"], data["collateral"], of_exposure=0.10, of_collateral=0.15)
    assert float(left) == pytest.approx(data["left"])  # 80 · 1.1 − 70 · 0.85 = 28.5
    assert float(left) * 1.5 == pytest.approx(data["weighted"])  # counterparty weight 150 %


@pytest.mark.parametrize(("small", "multiple"), [(False, 10.0), (True, 15.0)])
def test_caps_follow_articles_15_and_16(small: bool, multiple: float) -> None:
    data = case("guarantee-caps")
    caps = guarantee_caps(data["net_assets"], small_or_farm=small, rules=RULES)
    assert caps.balance == data["balance_small_farm" if small else "balance_general"] == data["net_assets"] * multiple
    assert (caps.single, caps.group) == (pytest.approx(data["single"]), pytest.approx(data["group"]))


def test_expected_payout_multiplies_cover_pd_exposure_lgd_and_share() -> None:
    paid = expected_payout(np.array([0.8]), np.array([0.02]), exposure=np.array([1e6]), lgd=np.array([0.5]), share=0.4)
    assert paid.tolist() == pytest.approx([3200.0])  # 0.8 · 0.02 · 1 000 000 · 0.5 · 0.4


def test_subrogation_is_discounted_and_the_rest_is_lost() -> None:
    assert float(present_recovery(100.0, 0.5, months=24.0, discount=0.25)) == pytest.approx(32.0)  # 50 / 1.25²
    assert float(net_loss(100.0, 0.5, months=24.0, discount=0.25)) == pytest.approx(68.0)


def test_the_break_even_fee_covers_payout_costs_and_capital() -> None:
    assert break_even_fee(100.0, 32.0, operating_cost=20.0, capital_cost=5.0) == 93.0


def test_a_small_ticket_takes_the_lower_weight_up_to_and_including_its_limit() -> None:
    classes = np.array(["small", "small", "farmer", "farmer", "other", None], dtype=object)
    contract = np.array([5e6, 5e6 + 0.01, 2e6, 2e6 + 0.01, 1e5, 1e5])
    assert guarantee_weights(classes, contract, rules=RULES).tolist() == [0.75, 1.0, 0.75, 1.0, 1.0, 1.0]


def test_equity_in_other_guarantors_is_taken_off_before_leverage() -> None:
    assert leverage(900.0, 110.0, stakes=10.0) == 9.0
    assert leverage(900.0, 10.0, stakes=10.0) == float("inf")


def test_concentration_of_equal_borrowers_is_one_over_their_number() -> None:
    assert hhi([7.0] * 4) == pytest.approx(0.25)
    assert top_share([5.0, 3.0, 2.0], 2) == pytest.approx(0.8)


@settings(deadline=None)
@given(
    cents=st.lists(st.integers(0, 10**13), min_size=1, max_size=20),
    parts=st.lists(st.integers(0, 10_000), min_size=1, max_size=5),
)
def test_shares_of_a_loss_add_up_to_the_cent(cents: list[int], parts: list[int]) -> None:
    left, shares = 10_000, {}
    for place, part in enumerate(parts):
        shares[f"p{place}"] = min(part, left)
        left -= shares[f"p{place}"]
    shares["rest"] = left
    borne = split_loss(cents, Shares(shares))
    assert sum(part.astype(object) for part in borne.values()).tolist() == cents
    for party, part in borne.items():
        exact = np.array(cents, dtype=object) * shares[party]
        assert all(abs(int(p) * 10_000 - int(e)) < 10_000 for p, e in zip(part, exact, strict=True))  # within a cent


@settings(deadline=None)
@given(cents=st.integers(0, 10**15), first=st.integers(0, 10**14), second=st.integers(0, 10**14))
def test_layers_hold_the_whole_loss_and_fill_from_below(cents: int, first: int, second: int) -> None:
    borne = fill_layers(cents, [("a", first), ("b", second), ("c", None)])
    assert sum(borne.values()) == cents
    assert borne["a"] == min(cents, first) and (borne["b"] == 0 or borne["a"] == first)


def test_layers_that_cannot_hold_the_loss_are_an_error() -> None:
    with pytest.raises(ConservationError):
        fill_layers(101, [("a", 60), ("b", 40)])


@pytest.mark.parametrize("loss", [-1, 2**62])
def test_a_negative_or_inexact_loss_is_not_split(loss: int) -> None:
    with pytest.raises(ConservationError):
        split_loss(loss, Shares.of(FOUR))


@pytest.mark.parametrize("shares", [{"a": 0.5, "b": 0.4}, {"a": 1.0, "b": 0.1}])
def test_shares_that_do_not_add_up_to_one_are_refused_as_g01(shares: dict[str, float]) -> None:
    with pytest.raises(ContractError) as refused:
        Shares.of(shares)
    assert refused.value.violations[0].rule == "G01"


@settings(deadline=None, max_examples=30)
@given(a=st.floats(-3, 3), b=st.floats(-3, 3), r=st.floats(-0.9, 0.9))
def test_the_joint_normal_agrees_with_scipy(a: float, b: float, r: float) -> None:
    expected = multivariate_normal(cov=[[1.0, r], [r, 1.0]]).cdf([a, b])
    assert float(both_below(a, b, correlation=r)) == pytest.approx(expected, abs=1e-7)


@settings(deadline=None, max_examples=30)
@given(pd=st.floats(0.001, 0.3), attach=st.floats(0.0, 0.6), lgd=st.floats(0.2, 1.0), rho=st.floats(0.03, 0.5))
def test_the_closed_form_of_the_excess_is_the_integral_over_the_factor(
    pd: float, attach: float, lgd: float, rho: float
) -> None:
    nodes = np.linspace(-8.5, 8.5, 40_001)
    density = np.exp(-nodes * nodes / 2.0) / np.sqrt(2.0 * np.pi)
    above = np.maximum(lgd * conditional_pd(pd, nodes, correlation=rho) - attach, 0.0)
    numeric = float(np.trapezoid(above * density, nodes))
    assert float(expected_excess(pd, attach, lgd=lgd, correlation=rho)) == pytest.approx(numeric, abs=1e-7)


def test_tranches_weighted_by_size_lose_what_the_pool_loses() -> None:
    spans = [(0.0, 0.05), (0.05, 0.25), (0.25, 1.0)]
    total = sum((d - a) * expected_tranche_loss(0.04, (a, d), lgd=0.5, correlation=0.12) for a, d in spans)
    assert total == pytest.approx(0.04 * 0.5, abs=1e-9)


def test_a_higher_confidence_gives_a_higher_loss() -> None:
    low, high = (float(loss_quantile(0.02, 0.45, correlation=0.12, level=q)) for q in (0.9, 0.999))
    assert 0.02 * 0.45 < low < high < 0.45


def results(count: int = 3) -> Columns:
    """Loans of 1, 2, 3 … million; the first has two pledges of different kinds."""
    ids = ["L0", *(f"L{i}" for i in range(count))]
    exposure = np.array([1e6, *(1e6 * (i + 1) for i in range(count))])
    text = lambda values: np.array(values, dtype=object)
    return {
        "application_id": text(ids),
        "kind": text(["forest_right", "order", *["water_right"] * (count - 1)]),
        "pd": np.full(count + 1, 0.02),
        "lgd": np.full(count + 1, 0.5),
        "max_loan": exposure,
        "recommendation": text(["approve"] * (count + 1)),
        "lending_value": np.array([3.0, 1.0, *[1.0] * (count - 1)]),
        "area_code": text(["999999", "999999", *["999998"] * (count - 1)]),
        "synthetic_model": np.ones(count + 1),
        "borrower_kind": text(["farmer"] * (count + 1)),
    }


def figures(columns: Columns, **changed: Any) -> Any:
    raw = {
        "name": "test",
        "authority": "house",
        "recovery_rate": 0.0,
        "operating_cost_rate": 0.0,
        "capital_cost_rate": 0.0,
        "fee_rate": 0.01,
        "payout_cap": 0.05,
        **changed,
    }
    terms = terms_of(raw, RULES)
    return portfolio_figures(exposures_of(columns, terms, rules=RULES), terms, rules=RULES)


def test_a_loan_with_two_pledges_counts_once_and_is_shared_by_lending_value() -> None:
    found = figures(results())
    assert found.balance["whole"] == 6e6 and found.counts["in_portfolio"] == 3
    # L0 of 1 000 000: 3/4 forest, 1/4 order
    assert found.concentration["by_kind"] == {"forest_right": 750_000.0, "order": 250_000.0, "water_right": 5e6}
    assert found.concentration["by_area"] == {"999998": 5e6, "999999": 1e6}


def test_the_parties_bear_the_expected_loss_by_their_shares() -> None:
    found = figures(results())
    # 6 000 000 · 0.02 · 0.5 = 60 000, split 4-3-2-1
    assert found.borne == {"guarantor": 24_000.0, "re_guarantor": 18_000.0, "bank": 12_000.0, "government": 6_000.0}
    assert found.bearer["expected_payout"] == 24_000.0
    # fee 1 % of 6 000 000; re-guarantee 0.3 % of 30 % of 6 000 000, every ticket up to five million
    assert found.bearer["re_guarantee_fee"] == 5_400.0
    assert found.bearer["margin"] == 60_000.0 - 24_000.0 - 5_400.0


def test_the_uncovered_part_stays_with_the_bank() -> None:
    found = figures(results(), cover=0.5)
    assert found.borne["bank"] == 30_000.0 + 6_000.0  # half uncovered, a fifth of the covered half
    assert sum(found.borne.values()) == found.loss["expected"]


@settings(deadline=None, max_examples=40)
@given(pd=st.lists(st.floats(0.0001, 0.5), min_size=4, max_size=4), cover=st.floats(0.0, 1.0))
def test_what_the_parties_bear_adds_up_for_any_portfolio(pd: list[float], cover: float) -> None:
    columns = results() | {"pd": np.array([pd[0], *pd[:3]])}
    found = figures(columns, cover=cover)
    assert round(sum(found.borne.values()), 2) == pytest.approx(found.loss["expected"], abs=0.015)  # a cent per loan


def test_leverage_and_single_client_caps_are_checked_when_net_assets_are_given() -> None:
    found = figures(results(), net_assets=2e6)
    # borne 40 %; farmers up to 2 million weigh 75 %: 0.4 · (0.75 · 3 000 000 + 3 000 000) = 2 100 000
    assert found.balance["weighted"] == pytest.approx(2_100_000.0)
    assert found.limits["leverage"] == pytest.approx(1.05) and found.limits["headroom"] == 30e6 - 2.1e6
    assert found.limits["single_largest"] == 1.2e6 and not found.limits["single_ok"]  # limit 200 000
    assert "G02" in found.notices and "G05" in found.notices


def test_without_net_assets_no_limit_is_invented() -> None:
    assert figures(results()).limits is None


def test_declined_and_unscored_loans_are_counted_and_left_out() -> None:
    columns = results()
    columns["recommendation"][2] = "decline"
    columns["pd"][3] = np.nan
    found = figures(columns)
    counts = {name: found.counts[name] for name in ("read", "in_portfolio", "left_out", "not_scored")}
    assert counts == {"read": 3, "in_portfolio": 1, "left_out": 1, "not_scored": 1}
    assert found.balance["whole"] == 1e6


def test_an_empty_portfolio_gives_zeros_and_unknowns_not_an_error() -> None:
    columns = results()
    columns["recommendation"][:] = "decline"
    found = figures(columns)
    assert found.balance["whole"] == 0.0 and found.loss["pd"] is None and found.concentration["hhi"] is None


def test_a_result_file_without_a_needed_column_is_refused() -> None:
    columns = results()
    del columns["lgd"]
    with pytest.raises(ContractError, match="lgd"):
        figures(columns)


def test_the_house_terms_say_that_they_are_estimates_and_what_they_assume() -> None:
    terms = read_terms(None, RULES)
    assert terms.authority == "estimate" and "recovery_rate" in terms.assumed
    assert terms.recovery_rate == RULES.number("portfolio.guarantee.recovery_rate")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"unknown": 1}, "extra_forbidden"),
        ({"cover": 1.2}, "less_than_equal"),
        ({"cover": "1"}, "float_type"),
        ({"mode": "own"}, "missing"),
        ({"mode": "own", "split": {"a": 0.5}}, "G01"),
        ({"bearer": "nobody"}, "share"),
        ({"split": {"guarantor": 1.0}}, "mode"),
    ],
)
def test_terms_that_break_a_rule_are_refused(change: dict[str, Any], rule: str) -> None:
    with pytest.raises(ContractError) as refused:
        terms_of({"name": "x", "authority": "house", **change}, RULES)
    assert refused.value.violations[0].rule == rule


def test_a_terms_file_that_is_not_yaml_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "terms.yaml"
    broken.write_text("{name: [", encoding="utf-8")
    with pytest.raises(ContractError, match="not YAML"):
        read_terms(broken, RULES)


def test_the_report_is_marked_synthetic_and_escapes_what_it_shows() -> None:
    from eco_credit.reports.portfolio_report import portfolio_report

    columns = results()
    columns["area_code"][:] = "<script>"
    page = portfolio_report(
        {"rules_day": "2026-11-23", "rules_hash": RULES.digest, **figures(columns, net_assets=2e6).as_dict()}
    )
    assert "Synthetic" in page and "<script>" not in page and "&lt;script&gt;" in page
    assert "6.00" in page and "2.40" in page  # 60 000 and 24 000 yuan in ten thousand yuan


def test_real_loans_are_not_marked_synthetic() -> None:
    from eco_credit.reports.portfolio_report import portfolio_report

    columns = results() | {"synthetic_model": np.zeros(4)}
    page = portfolio_report({"rules_day": "2026-11-23", "rules_hash": RULES.digest, **figures(columns).as_dict()})
    assert "Synthetic" not in page


@pytest.mark.parametrize(
    ("bearer", "income", "paid_on"),
    [
        # 6 million under 4-3-2-1: 1 % to the guarantor, who pays 0.3 % of 30 % on; the others get what they are paid
        ("guarantor", 60_000.0, 5_400.0),
        ("re_guarantor", 5_400.0, 0.0),
        ("bank", 0.0, 0.0),
        ("government", 0.0, 0.0),
    ],
)
def test_each_party_has_the_fee_that_is_its_own(bearer: str, income: float, paid_on: float) -> None:
    found = figures(results(), bearer=bearer, subsidy_rate=0.001)
    assert (found.bearer["fee_income"], found.bearer["re_guarantee_fee"]) == (income, paid_on)
    subsidy = 6_000.0 if bearer == "guarantor" else 0.0
    assert found.bearer["subsidy"] == subsidy
    assert found.bearer["margin"] == pytest.approx(income + subsidy - found.borne[bearer] - paid_on)
    assert {"fee", "break_even"} <= {row["name"] for row in found.verdicts} or bearer != "guarantor"


def test_what_the_guarantor_pays_on_is_what_the_re_guarantors_get() -> None:
    split = {"guarantor": 0.4, "re_guarantor": 0.2, "national_fund": 0.2, "bank": 0.2}
    own = {name: figures(results(), mode="own", split=split, bearer=name).bearer for name in split}
    got = own["re_guarantor"]["fee_income"] + own["national_fund"]["fee_income"]
    assert own["guarantor"]["re_guarantee_fee"] == got == 7_200.0  # 0.3 % of 40 % of six million
