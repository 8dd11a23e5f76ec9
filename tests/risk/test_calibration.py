"""Calibration, Venn-Abers, conformal offsets: against closed forms and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eco_credit.core.errors import ModelNotServable
from eco_credit.risk.calibration import Platt, VennAbers, logit, sigmoid
from eco_credit.risk.conformal import Offsets, conformal_offset, ordered
from eco_credit.risk.venn_abers import fit_venn_abers

PLATT = {"intercept": 0.5, "slope": 2.0, "floor": 0.001, "ceiling": 0.999}


def test_platt_is_the_logistic_function_of_a_line() -> None:
    # a + b z = 0.5 + 2 * (-1) = -1.5
    assert Platt.parse(PLATT).probability(np.array([-1.0]))[0] == pytest.approx(1.0 / (1.0 + math.exp(1.5)), rel=1e-15)


def test_a_probability_is_never_zero_or_one() -> None:
    platt = Platt.parse(PLATT)
    assert platt.probability(np.array([-1e9, 1e9])).tolist() == [0.001, 0.999]
    assert np.isnan(platt.probability(np.array([np.nan])))[0]


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=30))
def test_calibration_never_changes_an_order(scores: list[float]) -> None:
    p = Platt.parse(PLATT).probability(np.sort(np.array(scores)))
    assert (np.diff(p) >= 0.0).all()


def test_logit_undoes_sigmoid() -> None:
    z = np.array([-5.0, -0.1, 0.0, 3.0])
    assert logit(sigmoid(z)) == pytest.approx(z, abs=1e-12)


@pytest.mark.parametrize(
    "change", [{"slope": 0.0}, {"floor": 0.0}, {"ceiling": 1.0}, {"floor": 0.9999}, {"slope": "2"}]
)
def test_a_calibration_that_could_mislead_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ModelNotServable):
        Platt.parse(PLATT | change)


def isotonic_ends(scores: np.ndarray, labels: np.ndarray, at: float) -> tuple[float, float]:
    isotonic = pytest.importorskip("sklearn.isotonic")
    ends = []
    for label in (0.0, 1.0):
        x, y = np.append(scores, at), np.append(labels, label)
        fitted = isotonic.IsotonicRegression(out_of_bounds="clip").fit(x, y)
        ends.append(float(fitted.predict([at])[0]))
    return ends[0], ends[1]


@pytest.mark.parametrize("seed", range(6))
def test_venn_abers_is_two_isotonic_regressions_with_the_case_added(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # coarse scores make ties
    scores = np.round(rng.normal(size=60), 1 if seed % 2 else 6)
    labels = (rng.random(60) < sigmoid(2.0 * scores)).astype(float)
    table = fit_venn_abers(scores, labels)
    for at in [*rng.normal(size=15), *scores[:10], scores.min() - 1.0, scores.max() + 1.0]:
        p0, p1 = table.interval(np.array([at]))
        assert (p0[0], p1[0]) == pytest.approx(isotonic_ends(scores, labels, float(at)), abs=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 80))
@settings(max_examples=30, deadline=None)
def test_the_venn_abers_ends_rise_with_the_score_and_never_cross(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    table = fit_venn_abers(rng.normal(size=rows), (rng.random(rows) < 0.2).astype(float))
    back = VennAbers.parse(table.as_json())
    p0, p1 = back.interval(np.linspace(-4.0, 4.0, 101))
    assert (np.diff(p0) >= 0.0).all() and (np.diff(p1) >= 0.0).all() and (p0 <= p1).all()


def test_a_venn_abers_table_with_crossed_ends_is_refused() -> None:
    with pytest.raises(ModelNotServable):
        VennAbers.parse({"scores": [0.0], "p0": [0.1, 0.2, 0.6], "p1": [0.2, 0.3, 0.5]})


def test_the_conformal_offset_is_the_right_order_statistic() -> None:
    # 19 cases at 10 %: ceil(20 * 0.9) = 18th smallest of 1..19
    assert conformal_offset(np.arange(1.0, 20.0), 0.1) == 18.0
    # too few cases for the rate: the largest
    assert conformal_offset([1.0, 2.0], 0.05) == 2.0


def test_a_conformal_floor_holds_as_often_as_promised() -> None:
    rng = np.random.default_rng(1)
    held = []
    for _ in range(300):
        # a floor of zero that is far too high for half of a normal sample
        offset = conformal_offset(0.0 - rng.normal(size=99), 0.05)
        held.append((rng.normal(size=200) >= -offset).mean())
    # the mean coverage of split conformal lies in [1 - alpha, 1 - alpha + 1/(n+1)] = [0.95, 0.96]
    assert 0.945 <= np.mean(held) <= 0.965


def test_quantiles_are_put_in_order() -> None:
    low, central, high = ordered(np.array([3.0, 1.0]), np.array([2.0, 2.0]), np.array([1.0, 3.0]))
    assert (low.tolist(), central.tolist(), high.tolist()) == ([1.0, 1.0], [2.0, 2.0], [3.0, 3.0])


def test_a_group_has_its_own_offset_when_it_holds_most_of_the_value() -> None:
    offsets = Offsets.parse({"floor": {"pooled": 0.05, "share_order": 0.2}, "band": {"pooled": 0.0}})
    shares = {"share_order": np.array([0.4, 0.6, np.nan])}
    assert offsets.of(shares)[0].tolist() == [0.05, 0.2, 0.05]
    with pytest.raises(ModelNotServable):
        Offsets.parse({"floor": {"share_order": 0.2}, "band": {"pooled": 0.0}})
