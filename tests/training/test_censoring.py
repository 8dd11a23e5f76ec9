"""Time to resolution with unfinished workouts, and what leaving them out does to LGD."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import SEEDS, world

from eco_credit.core.numbers import number
from training.censoring import censoring_weights, product_limit, resolution_curves

# Freireich et al. (1963), 6-MP arm in weeks, as printed in Le, Introductory Biostatistics, example 11.1 (+ is censored)
RELAPSED = (6, 6, 6, 7, 10, 13, 16, 22, 23)
STILL_WELL = (6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35)
# time, at risk, events, survival, Greenwood's error, 95 % interval on the log scale: survfit of R's survival package
PRINTED = [
    (6, 21, 3, 0.857, 0.0764, 0.720, 1.000), (7, 17, 1, 0.807, 0.0869, 0.653, 0.996),
    (10, 15, 1, 0.753, 0.0963, 0.586, 0.968), (13, 12, 1, 0.690, 0.1068, 0.510, 0.935),
    (16, 11, 1, 0.627, 0.1141, 0.439, 0.896), (22, 7, 1, 0.538, 0.1282, 0.337, 0.858),
    (23, 6, 1, 0.448, 0.1346, 0.249, 0.807),
]  # fmt: skip


def test_the_remission_data_give_the_printed_curve() -> None:
    time = np.array(RELAPSED + STILL_WELL, dtype=float)
    curve = product_limit(time, np.repeat([1.0, 0.0], [len(RELAPSED), len(STILL_WELL)]))
    low, high = curve.interval()
    found = np.column_stack([curve.time, curve.at_risk, curve.events, curve.survival, curve.error, low, high])
    assert np.abs(found - np.array(PRINTED)).max(axis=0).tolist() == pytest.approx([0.0] * 7, abs=5.1e-4)
    # S falls to 0.538 at 22 and 0.448 at 23: half have relapsed by week 23
    assert curve.time_at(0.5) == 23.0 and np.isnan(curve.time_at(0.9))


def test_greenwood_without_censoring_is_the_binomial_error() -> None:
    # S = 3/4, 2/4, 1/4, 0 and sqrt(S (1 - S) / 4); unknown where nobody is left
    curve = product_limit(np.array([1.0, 2.0, 3.0, 4.0]), np.ones(4))
    share = np.array([0.75, 0.5, 0.25])
    assert curve.error[:3] == pytest.approx(np.sqrt(share * (1.0 - share) / 4.0))
    assert np.isnan(curve.error[3])


@given(st.integers(0, 10_000), st.integers(5, 60))
@settings(max_examples=30, deadline=None)
def test_a_curve_falls_from_one_and_stays_within_its_interval(seed: int, cases: int) -> None:
    rng = np.random.default_rng(seed)
    time, event = np.round(rng.exponential(10.0, cases), 1), (rng.random(cases) < 0.6).astype(float)
    curve = product_limit(time, event)
    low, high = curve.interval()
    assert (np.diff(curve.survival, prepend=1.0) < 0.0).all() and (curve.survival >= 0.0).all()
    known = ~np.isnan(low)
    assert (low[known] <= curve.survival[known]).all() and (curve.survival[known] <= high[known]).all()


def test_each_kind_has_its_own_curve_near_the_simulator_s_median() -> None:
    # medians 24, 18 and 10 months by rule; the cured take as long, so all defaults follow them
    tape, _, _ = world(SEEDS[0])
    curves = resolution_curves(tape)
    for share, median in (("share_forest", 24.0), ("share_water", 18.0), ("share_order", 10.0)):
        assert curves[share].time_at(0.5) == pytest.approx(median, rel=0.15)
    assert curves["all"].cases == int((tape.target > 0.0).sum())


def test_dropping_unfinished_workouts_makes_lgd_too_low_and_the_weights_take_most_of_it_back() -> None:
    true, dropped, weighted = _means("lgd")
    assert dropped < true - 0.005
    assert abs(weighted - true) < 0.4 * abs(dropped - true)


def test_the_same_holds_the_other_way_round_for_the_liquidation_value() -> None:
    true, dropped, weighted = _means("lvr")
    assert dropped > true + 0.008
    assert abs(weighted - true) < 0.4 * abs(dropped - true)


def _means(name: str) -> tuple[float, float, float]:
    """Mean over the calibration and out-of-time defaults of all worlds: known in the end, seen, seen and weighted."""
    sums = np.zeros((3, 2))
    for seed in SEEDS:
        tape, windows, known = world(seed)
        rows = np.concatenate([windows.calibrate, windows.evaluate])
        weight = censoring_weights(tape, rows)
        end, seen = known[name], number(tape.outcome, name)
        # a cured default has no sale, so it is unknown in both
        all_of, some = (rows[~np.isnan(values[rows])] for values in (end, seen))
        for place, (of, w) in enumerate(((all_of, None), (some, None), (some, weight[some]))):
            share = np.ones(len(of)) if w is None else w / w.mean()
            values = end if place == 0 else seen
            sums[place] += [(share * values[of]).sum(), share.sum()]
    true, dropped, weighted = (float(total / count) for total, count in sums)
    return true, dropped, weighted


def test_a_vintage_watched_to_its_end_is_not_weighted() -> None:
    tape, windows, _ = world(SEEDS[0])
    rows = windows.in_time[~np.isnan(number(tape.outcome, "lgd")[windows.in_time])]
    own, over_all = censoring_weights(tape, windows.in_time)[rows], censoring_weights(tape)[rows]
    # nearly all have been seen; a chance taken over all vintages would put slow cases up by a third and more
    assert own.mean() < 1.01
    assert over_all.max() > 1.3


def test_unresolved_defaults_have_no_weight_and_good_loans_weight_one() -> None:
    tape, _, _ = world(SEEDS[0])
    weight = censoring_weights(tape)
    bad = tape.target > 0.0
    open_case = bad & np.isnan(number(tape.outcome, "months_to_resolution"))
    assert open_case.any() and np.isnan(weight[open_case]).all()
    assert (weight[~bad] == 1.0).all() and (weight[bad & ~open_case] >= 1.0).all()
