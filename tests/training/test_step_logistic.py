"""The small logistic model with a prior, and the chance of a cure that it gives."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import SEEDS, plan, rules, world

from eco_credit.core.numbers import number
from eco_credit.risk.calibration import sigmoid
from eco_credit.risk.lgd import LgdHead
from training.fit_lgd import cure_chance, cure_head, fit_lgd
from training.package import lgd_json
from training.proof import prove
from training.step_logistic import prior_logistic, step_logistic, stepped


def test_with_a_wide_prior_it_is_scikit_learn_s_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(1)
    x = rng.normal(size=(400, 3))
    y = (rng.random(400) < sigmoid(-1.0 + x @ np.array([0.8, -0.5, 0.0]))).astype(float)
    weight = rng.uniform(0.5, 3.0, 400)
    for scale in (0.3, 1.0, 100.0):
        intercept, slopes = prior_logistic(x, y, weight, scale=scale)
        # C is the variance of the prior
        other = LogisticRegression(C=scale**2, tol=1e-10, max_iter=10_000).fit(x, y, sample_weight=weight)
        assert slopes == pytest.approx(other.coef_[0], abs=1e-4) and intercept == pytest.approx(
            other.intercept_[0], abs=1e-4
        )


def test_a_share_is_fitted_like_the_same_cases_split_in_two() -> None:
    # y = 0.25 once is a quarter of a success and three quarters of a failure
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(50, 2)), rng.random(50)
    twice, both = np.vstack([x, x]), np.repeat([1.0, 0.0], 50)
    one, other = prior_logistic(x, y, np.ones(50)), prior_logistic(twice, both, np.concatenate([y, 1.0 - y]))
    assert one[1] == pytest.approx(other[1], abs=1e-8) and one[0] == pytest.approx(other[0], abs=1e-8)


def test_an_outcome_without_two_sides_is_refused() -> None:
    with pytest.raises(ValueError, match="no logit"):
        prior_logistic(np.zeros((3, 1)), np.ones(3), np.ones(3))


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_the_tables_are_monotone_in_the_declared_direction(seed: int) -> None:
    rng = np.random.default_rng(seed)
    columns = {"up": rng.normal(size=120), "down": np.round(rng.normal(size=120), 1), "free": rng.random(120)}
    columns["up"][rng.random(120) < 0.1] = np.nan
    y = (rng.random(120) < 0.3).astype(float)
    y[:2] = [0.0, 1.0]
    model = step_logistic(columns, y, np.ones(120), signs={"up": 1, "down": -1, "free": 0})
    signs = {name: sign for name, sign in {"up": 1, "down": -1}.items() if name in model.names}
    assert prove(model, signs).violations == 0


def test_unknown_counts_as_the_mean_and_a_constant_as_nothing() -> None:
    part = stepped("x", np.array([1.0, 2.0, np.nan]), np.ones(3), bins=2)
    # bins of 1 and 2: mean 1.5, spread 0.5
    assert part.values.tolist() == [-1.0, 1.0, 0.0]
    assert part.of(np.array([0.0, 1.5, np.nan])).tolist() == [-1.0, 1.0, 0.0]
    assert stepped("x", np.full(5, 3.0), np.ones(5)).values.tolist() == [0.0, 0.0]
    assert stepped("x", np.full(5, np.nan), np.ones(5)).values.tolist()[-1] == 0.0


def test_the_served_chance_of_a_cure_is_the_fitted_one_row_by_row() -> None:
    tape, windows, _ = world(SEEDS[0])
    model = fit_lgd(tape, windows, plan().lgd, seed=1, rules=rules())
    assert not isinstance(model.cure, float)
    head = LgdHead.parse(lgd_json(plan(), model), tape.names)
    assert head.cure is not None and head.cure_platt is not None
    rows = windows.evaluate[:200]
    chance = cure_chance(model.cure, tape.part(rows))
    assert np.array_equal(head.cure_platt.probability(head.cure.score(tape.part(rows))), chance)
    alone = np.concatenate([cure_chance(model.cure, tape.part(rows[i : i + 1])) for i in range(200)])
    assert np.array_equal(chance, alone)


def test_the_chance_of_a_cure_tells_more_than_its_rate() -> None:
    # 4 worlds of 150 defaults and more out of time, all of them known in the end
    gain, count = 0.0, 0
    for seed in SEEDS:
        tape, windows, known = world(seed)
        weight = np.ones(len(tape.target))
        cure = cure_head(tape, windows.in_time[tape.target[windows.in_time] > 0.0], weight)
        rows = windows.evaluate[tape.target[windows.evaluate] > 0.0]
        cured = np.isnan(known["lvr"][rows]).astype(float)
        past = number(tape.outcome, "cured")[windows.in_time]
        chance, rate = cure_chance(cure, tape.part(rows)), np.full(len(rows), np.nanmean(past))
        gain += sum(
            (cured * np.log(p) + (1.0 - cured) * np.log1p(-p)).sum() * sign for p, sign in ((chance, 1), (rate, -1))
        )
        count += len(rows)
    assert count > 600 and gain / count > 0.003


def test_few_cures_leave_one_rate() -> None:
    tape, windows, _ = world(SEEDS[0])
    few = windows.in_time[tape.target[windows.in_time] > 0.0][:60]
    rate = cure_head(tape, few, np.ones(len(tape.target)))
    assert rate == pytest.approx(np.nanmean(number(tape.outcome, "cured")[few]))


def test_the_prior_tier_can_use_it_with_twenty_defaults() -> None:
    from training.low_default import tier_of

    assert tier_of(20, rules()).champion == "logistic with prior"
    rng = np.random.default_rng(9)
    x = rng.normal(size=2_000)
    y = np.zeros(2_000)
    y[np.argsort(-x + rng.normal(size=2_000))[:20]] = 1.0
    model = step_logistic({"x": x}, y, np.ones(2_000), signs={"x": -1})
    p = sigmoid(model.score({"x": x}))
    # the score equation of a flat intercept: expected defaults equal those seen
    assert p.sum() == pytest.approx(20.0, abs=1e-6) and p.min() > 0.0 and p.max() < 1.0
