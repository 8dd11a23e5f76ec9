"""The loss distribution against enumeration and the closed form; its errors, its order, its contributions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolio_cases import RULES, book_of, ledger_of, terms
from scipy.special import ndtr, ndtri

from eco_credit.core.errors import ContractError
from eco_credit.portfolio import (
    FactorModel,
    expected_excess,
    loss_quantile,
    portfolio_outlook,
    simulate_losses,
    tail_of,
)
from eco_credit.portfolio.factors import FACTORS, price_lgd
from eco_credit.portfolio.loss import pool_quantile
from eco_credit.portfolio.tails import Tail

ONE = FactorModel({"market": 0.12}, 0.0)
ALONE = FactorModel({}, 0.0)
LEVELS = (0.99, 0.999)


def enumerated(exposure: list[float], pd: list[float], lgd: float, *, rho: float) -> tuple[list[float], list[float]]:
    """Every set of defaults and its exact probability, integrated over one factor by Gauss-Hermite."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / weights.sum()
    chance = ndtr((ndtri(np.array(pd)) - np.sqrt(rho) * nodes[:, None]) / np.sqrt(1.0 - rho))
    losses, odds = [], []
    for failed in itertools.product([False, True], repeat=len(pd)):
        each = np.prod(np.where(failed, chance, 1.0 - chance), axis=1)
        losses.append(float(np.sum(np.array(exposure)[list(failed)])) * lgd)
        odds.append(float(np.sum(weights * each)))
    return losses, odds


def exact_shortfall(losses: list[float], odds: list[float], level: float) -> float:
    left, total = 1.0 - level, 0.0
    for loss, chance in sorted(zip(losses, odds, strict=True), reverse=True):
        taken = min(left, chance)
        total, left = total + taken * loss, left - taken
    return total / (1.0 - level)


@pytest.mark.parametrize("rho", [0.0, 0.12, 0.3])
def test_six_loans_lose_what_enumeration_says(rho: float) -> None:
    exposure, pd = [100.0, 80.0, 60.0, 40.0, 20.0, 10.0], [0.02, 0.05, 0.03, 0.08, 0.1, 0.2]
    losses, odds = enumerated(exposure, pd, 0.5, rho=rho)
    model = FactorModel({"market": rho} if rho else {}, 0.0)
    found = simulate_losses(book_of(exposure, pd=pd), model, levels=(0.95, 0.99), scenarios=200_000)
    assert found.mean == pytest.approx(sum(x * p for x, p in zip(losses, odds, strict=True)), abs=4 * found.mean_error)
    for level, tail in found.tails.items():
        assert tail.es == pytest.approx(exact_shortfall(losses, odds, level), abs=4 * tail.es_error)


def test_a_fine_grained_pool_has_the_quantile_and_the_shortfall_of_the_closed_form() -> None:
    found = simulate_losses(book_of([1_000.0] * 300), ONE, levels=LEVELS, scenarios=40_000, single=0)
    for level, tail in found.tails.items():
        quantile = float(loss_quantile(0.02, 0.5, correlation=0.12, level=level)) * 300_000
        assert tail.var_low <= quantile <= tail.var_high
        # ES = VaR + E[(L − VaR)⁺] / (1 − q)
        beyond = float(expected_excess(0.02, quantile / 300_000, lgd=0.5, correlation=0.12)) * 300_000
        assert tail.es == pytest.approx(quantile + beyond / (1.0 - level), abs=4 * tail.es_error)


def test_the_stated_error_is_the_spread_over_seeds() -> None:
    book = book_of([1_000.0] * 200)
    runs = [simulate_losses(book, ONE, levels=LEVELS, scenarios=4_000, seed=seed).tails[0.99] for seed in range(40)]
    spread = float(np.std([run.es for run in runs]))
    stated = float(np.mean([run.es_error for run in runs]))
    assert 0.7 < spread / stated < 1.4  # the spread of 40 runs is itself known to about a tenth


def test_the_stated_gain_is_what_plain_draws_would_need() -> None:
    book, plain = book_of([1_000.0] * 200), ALONE
    fine = simulate_losses(book, ONE, levels=LEVELS, scenarios=4_000, single=0).tails[0.999]
    assert fine.gain > 20.0
    # without a shared factor there is nothing to move: one draw is worth one draw
    assert simulate_losses(book, plain, levels=LEVELS, scenarios=4_000).tails[0.99].gain == pytest.approx(1.0)
    # plain draws of the one-factor loss, errors compared at the same number of draws
    rng = np.random.default_rng(5)
    losses = 1e5 * ndtr((ndtri(0.02) - np.sqrt(0.12) * rng.standard_normal(400_000)) / np.sqrt(0.88))
    error = tail_of(losses, np.ones(len(losses)), 0.999).es_error * np.sqrt(400_000 / 4_000)
    assert (error / fine.es_error) ** 2 == pytest.approx(fine.gain, rel=0.5)


def test_contributions_add_up_to_the_shortfall_and_follow_exposure() -> None:
    found = simulate_losses(book_of([5e5, 1e5, 1e5, 1e5], pd=[0.05] * 4), ONE, levels=LEVELS)
    assert float(np.sum(found.contribution)) == pytest.approx(found.tails[0.999].es)
    assert int(np.argmax(found.contribution)) == 0


@settings(deadline=None, max_examples=8)
@given(order=st.permutations(range(12)), single=st.sampled_from([0, 5, 100]))
def test_the_order_of_the_loans_changes_nothing(order: list[int], single: int) -> None:
    exposure, pd = [1e4 * (i + 1) for i in range(12)], [0.01 * (i + 1) for i in range(12)]
    plain = simulate_losses(
        book_of(exposure, pd=pd), FactorModel.of(RULES), levels=LEVELS, scenarios=1_000, single=single
    )
    moved = book_of([exposure[i] for i in order], pd=[pd[i] for i in order], application_id=[f"L{i}" for i in order])
    again = simulate_losses(moved, FactorModel.of(RULES), levels=LEVELS, scenarios=1_000, single=single)
    assert again.losses.tolist() == plain.losses.tolist() and again.tails == plain.tails
    assert again.contribution.tolist() == pytest.approx(plain.contribution[list(order)].tolist())


@settings(deadline=None, max_examples=10)
@given(pd=st.floats(0.005, 0.2), more=st.floats(1.1, 2.0), lgd=st.floats(0.1, 0.6))
def test_more_default_or_more_loss_never_costs_less(pd: float, more: float, lgd: float) -> None:
    def tail(p: float, loss: float) -> Tail:
        book = book_of([1e4] * 20, pd=[p] * 20, lgd=[loss] * 20)
        model = FactorModel.of(RULES)
        return simulate_losses(book, model, levels=(0.9,), scenarios=1_000, single=0).tails[0.9]

    base = tail(pd, lgd)
    assert tail(pd, lgd * more).es >= base.es and tail(pd * more, lgd).es >= base.es * 0.97  # 1 000 years, other shift


def test_a_shared_basin_makes_the_tail_worse() -> None:
    model = FactorModel({"basin": 0.3}, 0.0)
    one, many = (
        simulate_losses(
            book_of([1e5] * 60, ledger=ledger_of(60, basin=basins)), model, levels=LEVELS
        ).tails[0.999].es
        for basins in (["a"] * 60, [f"b{i}" for i in range(60)])
    )  # fmt: skip
    assert one > 1.5 * many


def test_the_lgd_of_a_price_factor_keeps_its_mean() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    mean = float(np.sum(weights / weights.sum() * price_lgd(np.array(0.45), nodes, slope=0.3)))
    assert mean == pytest.approx(0.45, abs=1e-12)


def test_a_portfolio_without_loans_is_refused() -> None:
    with pytest.raises(ValueError, match="without loans"):
        simulate_losses(book_of([1.0], recommendation=["decline"]), ONE, levels=LEVELS)


def test_the_factors_of_the_rulebook_add_up_to_the_one_factor_correlation() -> None:
    parts = FactorModel.of(RULES).parts
    assert set(parts) == set(FACTORS)
    assert sum(parts.values()) == pytest.approx(RULES.number("portfolio.loss.correlation"))


@settings(deadline=None)
@given(losses=st.lists(st.floats(0.0, 1e9), min_size=1, max_size=60), level=st.sampled_from([0.5, 0.9, 0.99]))
def test_the_shortfall_is_never_below_the_quantile(losses: list[float], level: float) -> None:
    tail = tail_of(np.array(losses), np.ones(len(losses)), level)
    assert tail.var_low <= tail.var <= tail.var_high and tail.es >= tail.var
    assert tail.es <= max(losses) * (1.0 + 1e-9)


def test_the_parties_of_the_outlook_bear_the_mean_together() -> None:
    found = portfolio_outlook(
        book_of([1e5] * 30), terms(cover=0.9, pools=[{"party": "government", "size": 0.01}]), rules=RULES
    )
    assert found is not None
    assert sum(party["mean"] for party in found["parties"]) == pytest.approx(found["distribution"]["mean"], abs=0.05)
    assert found["cap"]["pools"] == pytest.approx(0.01 * 0.9 * 3e6)


def test_the_account_after_pools_pays_what_the_bearer_pays_in_the_years_drawn() -> None:
    plain, pooled = (
        portfolio_outlook(book_of([1e5] * 30), terms(pools=pools), rules=RULES)
        for pools in ([], [{"party": "government", "size": 0.5}])
    )
    assert plain is not None and pooled is not None
    mean = {row["party"]: row["mean"] for row in plain["parties"]}
    assert plain["account"]["payout"] == pytest.approx(mean["guarantor"])
    # a pool of half the balance takes every loss at an LGD of one half: fee income without costs but re-guarantee
    assert pooled["account"]["payout"] == 0.0
    assert pooled["account"]["break_even_fee"] == pytest.approx(0.003 * 0.3 * 3e6, abs=0.02)


def test_a_pool_never_pays_more_than_it_holds() -> None:
    found = portfolio_outlook(
        book_of([1e5] * 30, pd=[0.4] * 30), terms(pools=[{"party": "government", "size": 0.02}]), rules=RULES
    )
    assert found is not None
    for row in found["stress"]:
        assert row["layers"]["pool:government"] <= 0.02 * 3e6 + 0.01


def test_there_is_no_outlook_without_balance() -> None:
    assert portfolio_outlook(book_of([1.0], recommendation=["decline"]), terms(), rules=RULES) is None


def test_factors_of_the_terms_go_before_the_estimates_and_say_so() -> None:
    book = book_of([1e6] * 30, pd=[0.03] * 30)
    plain, own = terms(), terms(loss_model={"market": 0.30, "lgd_price_slope": 0.0})
    first, second = (portfolio_outlook(book, agreed, rules=RULES) for agreed in (plain, own))
    assert first is not None and second is not None
    lines = {row["name"]: row for row in second["model"]}
    assert (lines["market"]["value"], lines["market"]["stated"], lines["county"]["stated"]) == (0.30, True, False)
    assert lines["correlation"]["value"] == pytest.approx(0.30 + 0.03 + 0.02 + 0.02 + 0.02)
    assert lines["lgd_price_slope"]["range"] is None and first["model"][5]["range"] is not None
    assert not any(row["stated"] for row in first["model"])
    # loans that share more lose more in a bad year, in the simulation and in the closed form
    for key in ("es", "closed_form"):
        assert second["distribution"]["tails"][-1][key] > 1.2 * first["distribution"]["tails"][-1][key]


@pytest.mark.parametrize(
    ("model", "field", "rule"),
    [
        ({"market": 0.95}, "loss_model", "sum"),
        ({"markt": 0.1}, "loss_model.markt", "extra_forbidden"),
        ({"price": -0.1}, "loss_model.price", "greater_than_equal"),
    ],
)
def test_factors_that_leave_nothing_to_the_loan_are_refused(model: dict[str, float], field: str, rule: str) -> None:
    with pytest.raises(ContractError) as refused:
        terms(loss_model=model)
    assert [(v.field, v.rule) for v in refused.value.violations] == [(field, rule)]


def test_the_quantile_of_unlike_loans_is_that_of_a_fine_pool_of_them() -> None:
    # two kinds of loans, four thousand small ones drawn one by one over one factor: what the closed form adds up
    pd, lgd = [0.01, 0.08] * 2_000, [0.6, 0.3] * 2_000
    book = book_of([1e5] * 4_000, pd=pd, lgd=lgd)
    found = simulate_losses(book, ONE, levels=(0.99,), scenarios=6_000, single=4_000)
    closed = pool_quantile(book.pd, book.lgd, book.exposure, correlation=0.12, level=0.99)
    assert found.tails[0.99].var_low * 0.99 <= closed <= found.tails[0.99].var_high * 1.01
    averaged = 4e8 * float(loss_quantile(0.045, (0.01 * 0.6 + 0.08 * 0.3) / 0.09, correlation=0.12, level=0.99))
    assert closed != pytest.approx(averaged, rel=0.02)  # an average PD is another pool


def test_the_mean_over_the_draws_is_the_sum_of_the_expected_losses_where_prices_move_no_loss() -> None:
    pd, lgd = [0.01, 0.03, 0.02, 0.05, 0.1] * 8, [0.3, 0.5, 0.7, 0.4, 0.6] * 8
    book = book_of([1e6, 5e5, 2e6, 8e5, 3e5] * 8, pd=pd, lgd=lgd)
    model = FactorModel({"market": 0.06, "county": 0.03, "price": 0.03}, 0.0)
    found = simulate_losses(book, model, levels=(0.9,), scenarios=40_000, shift=0.8)
    # 8 · (3 000 + 7 500 + 28 000 + 16 000 + 18 000) = 580 000
    expected = float(np.sum(book.exposure * book.pd * book.lgd))
    assert expected == pytest.approx(580_000.0) and abs(found.mean - expected) < 4.0 * found.mean_error
    assert found.mean_error < 0.01 * expected


@settings(deadline=None)
@given(
    loans=st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.01, 1.0), st.floats(1.0, 1e7)), min_size=1, max_size=6),
    low=st.floats(0.5, 0.98), more=st.floats(0.001, 0.019),
)  # fmt: skip
def test_a_higher_level_never_loses_less_and_never_more_than_all(
    loans: list[tuple[float, float, float]], low: float, more: float
) -> None:
    pd, lgd, exposure = (np.array(part) for part in zip(*loans, strict=True))
    first, second = (pool_quantile(pd, lgd, exposure, correlation=0.12, level=q) for q in (low, low + more))
    assert first <= second * (1.0 + 1e-12) and second <= float(np.sum(exposure * lgd)) * (1.0 + 1e-12)
