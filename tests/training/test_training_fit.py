"""Calibration, quantiles, censoring and recovery."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eco_credit.risk.calibration import sigmoid
from training.calibrate import calibrate, platt_line, shifted, systematic
from training.censoring import kaplan_meier
from training.plan import LgdFit
from training.proof import prove
from training.quantile import fit_quantile, smoothed_pinball, weighted_quantile


def test_platt_finds_a_known_line() -> None:
    rng = np.random.default_rng(0)
    z = rng.normal(-2.0, 1.5, 30_000)
    y = (rng.random(len(z)) < sigmoid(0.4 + 0.7 * z)).astype(float)
    a, b = platt_line(z, y, np.ones(len(z)), few=False)
    assert a == pytest.approx(0.4, abs=0.08) and b == pytest.approx(0.7, abs=0.04)


def test_with_few_defaults_only_the_level_moves() -> None:
    z = np.linspace(-3.0, 0.0, 50)
    y = np.zeros(50)
    y[[3, 20, 47]] = 1.0
    a, b = platt_line(z, y, np.ones(50), few=True)
    assert b == 1.0
    assert sigmoid(a + z).sum() == pytest.approx(3.0)  # the score equation of the intercept


def test_a_score_that_ranks_backwards_does_not_get_a_negative_slope() -> None:
    z = np.linspace(-2.0, 2.0, 200)
    y = (z < -1.0).astype(float)
    assert platt_line(z, y, np.ones(200), few=False)[1] == 1.0


@given(st.floats(0.001, 0.6), st.integers(0, 1_000))
@settings(max_examples=30, deadline=None)
def test_the_shifted_intercept_meets_the_rate(rate: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    z, w = rng.normal(-2, 2, 60), rng.uniform(0.1, 5.0, 60)
    assert np.average(sigmoid(shifted(z, w, rate) + z), weights=w) == pytest.approx(rate, abs=1e-9)


def test_a_systematic_sample_gives_heavy_rows_their_share_and_claims_no_more_evidence() -> None:
    # weights 1 x 100 and 3 x 100: effective size 400^2 / (100 + 900) = 160; light rows get a quarter
    weight = np.array([1.0] * 100 + [3.0] * 100)
    picked = systematic(weight, 1_000)
    assert len(picked) == 160
    assert (picked < 100).mean() == pytest.approx(0.25, abs=0.01)


def test_calibration_keeps_the_long_run_rate_beside_the_point_in_time_line() -> None:
    rng = np.random.default_rng(2)
    z = rng.normal(-2, 1, 3_000)
    y = (rng.random(3_000) < sigmoid(z)).astype(float)
    w = np.ones(3_000)
    found = calibrate(z[2_000:], y[2_000:], w[2_000:], history=(z, y, w))
    assert found.long_run_rate == y.mean()
    assert sigmoid(found.long_run_intercept + found.slope * z).mean() == pytest.approx(y.mean())
    low, high = found.venn_abers.interval(z[2_000:])
    assert (low <= high).all()


def test_kaplan_meier_without_censoring_is_the_share_still_there() -> None:
    survival = kaplan_meier(np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4))
    assert survival(np.array([1.0, 2.0, 3.0, 4.0, 5.0])).tolist() == pytest.approx([1.0, 0.75, 0.5, 0.25, 0.0])


def test_weights_for_the_censored_restore_the_mean_of_slow_losses() -> None:
    # loss equals time; watching stops at a random time: the plain mean of what is seen is too low
    rng = np.random.default_rng(1)
    time, stop = rng.uniform(0.0, 10.0, 20_000), rng.uniform(0.0, 14.0, 20_000)
    seen = time <= stop
    survival = kaplan_meier(np.minimum(time, stop), (~seen).astype(float))
    weighted = np.average(time[seen], weights=1.0 / survival(time[seen]))
    assert time[seen].mean() < 4.5 and weighted == pytest.approx(5.0, abs=0.15)


def test_the_smoothed_gradient_is_the_derivative_of_the_smoothed_loss() -> None:
    class Rows:
        def get_weight(self) -> np.ndarray:
            return np.ones(5)

        def get_label(self) -> np.ndarray:
            return np.array([0.1, 0.2, 0.3, 0.4, 0.5])

    level, width, step = 0.05, 0.03, 1e-6
    q = np.full(5, 0.27)

    def loss(at: np.ndarray) -> np.ndarray:
        u = Rows().get_label() - at
        return level * u + width * np.log1p(np.exp(-u / width))

    slope = (loss(q + step) - loss(q - step)) / (2 * step)
    assert smoothed_pinball(level, width)(q, Rows())[0] == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize(("level", "low", "high"), [(0.05, 0.02, 0.09), (0.5, 0.44, 0.56), (0.95, 0.91, 0.98)])
def test_a_quantile_model_covers_its_level_and_keeps_its_sign(level: float, low: float, high: float) -> None:
    rng = np.random.default_rng(3)
    x = rng.uniform(0.0, 1.0, (3_000, 2))
    y = 0.3 + 0.4 * x[:, 0] + 0.1 * rng.normal(size=3_000)
    fit = LgdFit(rounds=150, min_rows=30)
    model = fit_quantile((x, y, np.ones(3_000)), {"a": 1, "b": 0}, level=level, fit=fit, seed=1)
    columns = {"a": x[:, 0], "b": x[:, 1]}
    assert low < (y <= model.table.score(columns)).mean() < high
    assert prove(model.table, {"a": 1}).violations == 0


def test_the_text_of_a_quantile_model_is_the_table_less_its_start() -> None:
    import lightgbm as lgb

    rng = np.random.default_rng(5)
    x, y = rng.uniform(size=(400, 2)), rng.uniform(size=400)
    model = fit_quantile((x, y, np.ones(400)), {"a": 0, "b": 0}, level=0.5, fit=LgdFit(rounds=20), seed=1)
    raw = lgb.Booster(model_str=model.text).predict(x, raw_score=True)
    table = model.table.score({"a": x[:, 0].copy(), "b": x[:, 1].copy()})
    assert np.abs(raw + model.start - table).max() < 1e-12


def test_a_weighted_quantile_by_hand() -> None:
    # weights 1, 1, 8 on 1, 2, 3: cumulative shares 0.1, 0.2, 1.0
    values, weight = np.array([3.0, 1.0, 2.0]), np.array([8.0, 1.0, 1.0])
    assert [weighted_quantile(values, weight, level) for level in (0.1, 0.2, 0.21)] == [1.0, 2.0, 3.0]
