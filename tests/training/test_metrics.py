"""Statistics agree with closed forms, with other libraries and with resampling."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from training.metrics.calibration import (
    brier,
    cox,
    expected_calibration_error,
    jeffreys,
    jeffreys_interval,
    jeffreys_of,
    log_loss,
    logit,
)
from training.metrics.losses import coverage, pinball, underestimated
from training.metrics.ranking import auc, auc_difference, kolmogorov_smirnov, spearman
from training.metrics.stability import psi


def sample(rows: int = 800, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    z = rng.normal(-1.5, 1.0, rows).round(2)
    y = (rng.random(rows) < 1.0 / (1.0 + np.exp(-z))).astype(float)
    return y, z, rng.integers(1, 6, rows).astype(float)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(1, 4)), min_size=4, max_size=40))
@settings(max_examples=60, deadline=None)
def test_weighted_auc_with_ties_agrees_with_scikit_learn(rows: list[tuple[bool, int, int]]) -> None:
    y, s, w = (np.array(column, float) for column in zip(*rows, strict=True))
    if y.min() == y.max():
        assert np.isnan(auc(y, s, w).value)  # nothing to rank, which is no figure and no error
    else:
        assert auc(y, s, w).value == pytest.approx(roc_auc_score(y, s, sample_weight=w), abs=1e-12)


def test_delong_variance_by_hand_on_four_rows() -> None:
    # bads 3, 1; goods 2, 0. placements of bads 1, 1/2; of goods 1/2, 1; AUC 3/4
    # s10 = s01 = ((1/4)^2 + (1/4)^2)/(2-1) = 1/8; variance = (1/8)/2 + (1/8)/2 = 1/8
    found = auc(np.array([1.0, 1.0, 0.0, 0.0]), np.array([3.0, 1.0, 2.0, 0.0]))
    assert found.value == 0.75
    assert found.value - found.low == pytest.approx(1.959963984540054 * math.sqrt(1 / 8))
    assert found.high == 1.0


def test_delong_width_agrees_with_the_bootstrap() -> None:
    y, z, _ = sample()
    rng = np.random.default_rng(4)
    draws = [roc_auc_score(y[i], z[i]) for i in (rng.integers(0, len(y), len(y)) for _ in range(300))]
    half = auc(y, z).value - auc(y, z).low
    assert half / 1.959963984540054 == pytest.approx(np.std(draws), rel=0.12)


def test_the_difference_of_a_score_with_itself_is_exactly_nothing() -> None:
    y, z, w = sample()
    found = auc_difference(y, z, z, w)
    assert found.value == found.low == found.high == 0.0


def test_the_paired_difference_is_narrower_than_two_separate_intervals() -> None:
    y, z, _ = sample()
    other = z + np.random.default_rng(7).normal(0, 0.3, len(z))
    paired = auc_difference(y, z, other)
    apart = np.hypot(auc(y, z).high - auc(y, z).low, auc(y, other).high - auc(y, other).low)
    assert paired.high - paired.low < 0.6 * apart
    assert paired.value == pytest.approx(auc(y, z).value - auc(y, other).value)


def test_brier_and_log_loss_agree_with_scikit_learn() -> None:
    y, z, w = sample()
    p = 1.0 / (1.0 + np.exp(-z))
    assert brier(y, p, w).value == pytest.approx(brier_score_loss(y, p, sample_weight=w))
    assert log_loss(y, p, w).value == pytest.approx(sklearn_log_loss(y, p, sample_weight=w))


def test_kolmogorov_smirnov_by_hand() -> None:
    # bads at 2, 3; goods at 1, 2: after 1 the distance is |0 - 1/2|, after 2 it is |1/2 - 1|
    assert kolmogorov_smirnov(np.array([1.0, 1.0, 0.0, 0.0]), np.array([2.0, 3.0, 1.0, 2.0])) == 0.5


def test_cox_finds_a_known_distortion() -> None:
    rng = np.random.default_rng(5)
    truth = rng.normal(-1.0, 1.2, 40_000)
    y = (rng.random(len(truth)) < 1.0 / (1.0 + np.exp(-truth))).astype(float)
    stated = 1.0 / (1.0 + np.exp(-(2.0 * truth)))  # too extreme by a factor of two
    assert cox(y, stated).slope.value == pytest.approx(0.5, abs=3 * 0.0062)  # standard error 0.0062 at this size
    honest = cox(y, 1.0 / (1.0 + np.exp(-truth)))
    assert honest.slope.low < 1.0 < honest.slope.high
    assert honest.intercept.low < 0.0 < honest.intercept.high


def test_cox_slope_agrees_with_an_unpenalised_logistic_regression() -> None:
    from sklearn.linear_model import LogisticRegression

    y, z, w = sample()
    p = 1.0 / (1.0 + np.exp(-z))
    fit = LogisticRegression(C=1e12, tol=1e-10, max_iter=2000).fit(logit(p)[:, None], y, sample_weight=w)
    assert cox(y, p, w).slope.value == pytest.approx(float(fit.coef_[0, 0]), rel=1e-4)


def test_jeffreys_equals_the_closed_form_without_defaults() -> None:
    # Beta(1/2, 1/2) is the arcsine law: P(theta <= p) = (2/pi) asin(sqrt(p)); n = 0, d = 0
    assert jeffreys(0, 0, 0.25) == pytest.approx(2.0 / math.pi * math.asin(0.5))


def test_jeffreys_falls_as_the_estimate_falls() -> None:
    p_values = [jeffreys(20, 1_000, pd) for pd in (0.030, 0.020, 0.015, 0.010)]
    assert p_values == sorted(p_values, reverse=True)
    assert p_values[1] == pytest.approx(0.48, abs=0.04) and p_values[3] < 0.01


def test_jeffreys_with_equal_weights_counts_rows() -> None:
    y, p = np.array([1.0] * 5 + [0.0] * 95), np.full(100, 0.05)
    assert jeffreys_of(y, p, np.full(100, 7.0)) == pytest.approx(jeffreys(5, 100, 0.05))


def test_the_jeffreys_interval_of_no_default_starts_at_zero() -> None:
    # Brown, Cai and DasGupta (2001): lower limit 0 when x = 0
    assert jeffreys_interval(0, 50).low == 0.0 and 0.03 < jeffreys_interval(0, 50).high < 0.06


def test_ece_of_a_constant_forecast_is_its_distance_from_the_rate() -> None:
    y = np.array([1.0, 0.0, 0.0, 0.0] * 10)
    assert expected_calibration_error(y, np.full(40, 0.35), bins=1) == pytest.approx(0.10)


def test_psi_of_two_halves_by_hand() -> None:
    # shares 1/2, 1/2 against 3/4, 1/4: 0.25 ln 1.5 + (-0.25) ln 0.5 = 0.25 ln 3
    before, now = np.array([0.0, 1.0] * 50), np.array([0.0, 0.0, 0.0, 1.0] * 25)
    found = psi(before, now, bins=2)
    assert found.value == pytest.approx(0.25 * math.log(3.0))
    assert found.limit == pytest.approx(3.841458820694124 * 0.02)  # chi2(1; .95) (1/100 + 1/100)


def test_psi_of_a_population_with_itself_is_zero_even_with_missing_values() -> None:
    values = np.array([1.0, 2.0, np.nan, 4.0] * 20)
    assert psi(values, values).value == 0.0


def test_pinball_at_the_median_is_half_the_absolute_error() -> None:
    assert pinball(np.array([1.0, 3.0]), np.array([2.0, 2.0]), 0.5) == 0.5


def test_coverage_counts_rows_where_the_bound_held() -> None:
    found = coverage(np.array([True] * 95 + [False] * 5))
    assert found.value == 0.95 and found.low < 0.95 < found.high


def test_an_estimate_far_below_the_realised_loss_is_rejected() -> None:
    rng = np.random.default_rng(0)
    realised = np.clip(rng.normal(0.5, 0.2, 200), 0, 1)
    assert underestimated(realised, np.full(200, 0.3)) < 1e-6
    assert underestimated(realised, np.full(200, 0.7)) > 0.999


def test_spearman_of_a_reversed_order_is_minus_one() -> None:
    assert spearman(np.array([1.0, 2.0, 9.0]), np.array([3.0, 2.0, 0.5])) == pytest.approx(-1.0)
