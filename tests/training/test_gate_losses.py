"""LGD tests, floors, reasons, fairness and swap sets agree with closed forms and other libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from training.metrics.fairness import fairness
from training.metrics.loss_tests import (
    breaches,
    downturn,
    floor_against_haircut,
    generalised_auc,
    segment_mean,
    underestimated_by,
)
from training.metrics.ranking import auc
from training.metrics.reasons import adverse, bootstrap_stability, by_family, jaccard, jitter_stability, without_words
from training.metrics.shadow import shadow

Z95 = 1.959963984540054


def sample(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = 1.0 / (1.0 + np.exp(-rng.normal(-1.5, 1.0, rows)))
    return (rng.random(rows) < p).astype(float), p


# losses


def test_the_test_by_kind_agrees_with_the_paired_t_test_of_scipy() -> None:
    rng = np.random.default_rng(0)
    realised, estimate = rng.uniform(0, 1, 200), rng.uniform(0, 1, 200)
    water = np.arange(200) < 80
    found = underestimated_by(
        realised, estimate, weight=np.ones(200), groups={"water": water, "none": np.arange(200) < 2}
    )
    expected = stats.ttest_rel(realised[water], estimate[water], alternative="greater")
    # the variance there is divided by n - 1, here by n, the t differs by sqrt(80 / 79)
    t = float(expected.statistic) * math.sqrt(80 / 79)
    assert found["water"]["p_value"] == pytest.approx(stats.t.sf(t, 79))
    assert found["none"]["p_value"] is None and found["none"]["rows"] == 2


def test_a_right_lgd_and_a_right_floor_are_rejected_at_most_one_time_in_twenty() -> None:
    rng, runs, losses_low, floors_low = np.random.default_rng(9), 1_500, 0, 0
    everyone = {"all": np.ones(60, bool)}
    for _ in range(runs):
        realised = np.clip(rng.normal(0.4, 0.25, 60), -1.0, 2.0)
        found = underestimated_by(realised, np.full(60, 0.4), weight=np.ones(60), groups=everyone)
        losses_low += found["all"]["p_value"] < 0.05
        floors_low += breaches(rng.random(200) >= 0.05, 0.05)["p_value"] < 0.05
    room = 3 * math.sqrt(0.05 * 0.95 / runs)
    assert losses_low / runs == pytest.approx(0.05, abs=room)
    # 16 or more of 200 is the first count below the level: P(X >= 16) = 0.0444
    assert floors_low / runs == pytest.approx(float(stats.binom.sf(15, 200, 0.05)), abs=room)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=3, max_size=40))
@settings(max_examples=60, deadline=None)
def test_generalised_auc_is_somers_d_of_scipy(pairs: list[tuple[int, int]]) -> None:
    realised, estimate = (np.array(column, float) for column in zip(*pairs, strict=True))
    found = generalised_auc(realised, estimate).value
    if np.ptp(realised) == 0.0:
        assert math.isnan(found)
    elif np.ptp(estimate) == 0.0:  # every pair ties in the estimate and counts half; scipy gives no value here
        assert found == 0.5
    else:
        assert found == pytest.approx(0.5 * (stats.somersd(realised, estimate).statistic + 1), abs=1e-12)


def test_generalised_auc_of_two_outcomes_is_the_auc_with_delongs_width() -> None:
    y, p = sample(600)
    assert generalised_auc(y, p).value == pytest.approx(auc(y, p).value, abs=1e-12)
    width = lambda found: found.high - found.low
    assert width(generalised_auc(y, p)) == pytest.approx(width(auc(y, p)), rel=0.02)


def test_the_segment_mean_is_the_mean_of_the_own_kind() -> None:
    groups = {"a": np.array([True, True, False, False])}
    # outside any kind the mean of all: (0 + 1 + 2 + 5) / 4
    assert segment_mean(np.array([0.0, 1.0, 2.0, 5.0]), weight=np.ones(4), groups=groups).tolist() == [
        0.5,
        0.5,
        2.0,
        2.0,
    ]


def test_the_downturn_shortfall_by_hand() -> None:
    # lost 0.5 x 100 + 0.2 x 300 = 110; foreseen 0.4 x 100 + 0.3 x 300 = 130: 1 - 130/110
    found = downturn(
        np.array([0.4, 0.3]), np.array([0.4, 0.2]), realised=np.array([0.5, 0.2]), exposure=np.array([100.0, 300.0])
    )
    assert found["shortfall"] == pytest.approx(1 - 130 / 110) and found["least_margin"] == 0.0


def test_breaches_agree_with_the_exact_binomial_test_of_scipy() -> None:
    for broken in (0, 3, 8, 15):
        held = np.arange(100) >= broken
        expected = stats.binomtest(broken, 100, 0.05, alternative="greater").pvalue
        assert breaches(held, 0.05)["p_value"] == pytest.approx(expected)


def test_a_floor_that_follows_the_value_beats_one_haircut_for_all() -> None:
    rng = np.random.default_rng(0)
    centre = rng.uniform(0.2, 1.0, 2_000)
    value = centre + rng.normal(0, 0.05, 2_000)
    found = floor_against_haircut(value, centre - 1.645 * 0.05, haircut=0.2)
    assert found["ratio"] < 0.5


# reasons


def test_reasons_are_the_largest_families_above_the_least_contribution() -> None:
    told = adverse(np.array([[0.5, 0.01], [0.2, 0.3], [0.1, -1.0], [0.4, 0.06]]))
    assert told.tolist() == [[True, False], [True, True], [False, False], [True, True]]
    assert jaccard(told, told).tolist() == [1.0, 1.0]
    assert jaccard(np.zeros((2, 1), bool), np.zeros((2, 1), bool)).tolist() == [1.0]


def test_families_add_up_and_an_input_without_words_is_named() -> None:
    names, total = by_family({"a": np.ones(2), "b": np.full(2, 2.0), "c": np.zeros(2)}, {"a": "x", "b": "x", "c": "w"})
    assert names == ("w", "x") and total.tolist() == [[0.0, 0.0], [3.0, 3.0]]
    assert without_words(["a", "d"], {"a": "x"}, {"x": "words"}) == ["d"]


def test_a_refit_that_changes_nothing_is_perfectly_stable_and_noise_is_not() -> None:
    base = np.random.default_rng(0).normal(0, 1, (8, 50))
    assert bootstrap_stability(base, lambda _: base, rows=100, refits=3).value == 1.0
    noise = lambda rows: np.random.default_rng(int(rows[0])).normal(0, 1, (8, 50))
    assert bootstrap_stability(base, noise, rows=100, refits=10).value < 0.4


def test_bootstrap_refits_of_a_steep_linear_model_keep_its_reasons() -> None:
    rng = np.random.default_rng(1)
    x, beta = rng.normal(size=(2_000, 5)), np.array([2.0, 1.0, 0.5, 0.2, 0.1])
    target = x @ beta + rng.normal(0, 0.5, 2_000)
    refit = lambda rows: (x[:100] * np.linalg.lstsq(x[rows], target[rows], rcond=None)[0]).T
    assert bootstrap_stability((x[:100] * beta).T, refit, rows=2_000, refits=5).value > 0.9


def test_jitter_leaves_flags_alone_and_moves_the_rest_by_at_most_its_size() -> None:
    seen = []

    def explain(columns: dict[str, np.ndarray]) -> np.ndarray:
        seen.append(columns)
        return np.array([columns["a"], columns["flag"]])

    inputs = {
        "a": np.array([2.0, np.nan, 0.0]),
        "flag": np.array([1.0, 0.0, 1.0]),
        "t": np.array(["x", "y", None], object),
    }
    assert jitter_stability(explain, inputs, size=0.01).value == 1.0
    moved = seen[1]
    assert moved["flag"].tolist() == [1.0, 0.0, 1.0] and moved["t"] is inputs["t"]
    assert 0.0 < abs(moved["a"][0] / 2.0 - 1.0) <= 0.01 and math.isnan(moved["a"][1])


# fairness and shadow


def test_the_adverse_impact_ratio_and_the_opportunity_gap_by_hand() -> None:
    # A: 80 of 100 approved; B: 60 of 100. good: A 72 of 90, B 54 of 90
    group = np.array(["A"] * 100 + ["B"] * 100 + ["C"] * 5, object)
    approved = np.array([True] * 80 + [False] * 20 + [True] * 60 + [False] * 40 + [False] * 5)
    y = np.array(([0.0] * 9 + [1.0]) * 20 + [0.0] * 5)
    found = fairness(group, approved, y=y)
    assert found["reference"] == "A" and found["air"]["value"] == pytest.approx(0.75)
    assert found["gap"]["value"] == pytest.approx(72 / 90 - 54 / 90)
    # Katz: exp(ln 0.75 - 1.96 sqrt(0.4 / 60 + 0.2 / 80))
    assert found["air"]["low"] == pytest.approx(0.75 * math.exp(-Z95 * math.sqrt(0.4 / 60 + 0.2 / 80)))
    assert found["groups"][2]["air"] is None  # five rows are too few to compare


def test_groups_may_be_numbers_and_rows_without_a_group_are_left_out() -> None:
    group = np.array([1] * 40 + [2] * 40 + [None] * 40, object)
    found = fairness(group, np.arange(120) % 2 == 0, y=np.zeros(120))
    assert [entry["group"] for entry in found["groups"]] == ["1", "2"] and found["air"]["value"] == 1.0


def test_one_group_alone_cannot_be_compared() -> None:
    found = fairness(np.full(50, "A", object), np.ones(50, bool), y=np.zeros(50))
    assert found["air"] is None and found["gap"] is None


def test_the_swap_set_by_hand() -> None:
    champion = np.array([0.02, 0.02, 0.20, 0.20, np.nan])
    challenger = np.array([0.02, 0.20, 0.02, 0.20, 0.02])
    y = np.array([0.0, 1.0, 0.0, 1.0, np.nan])
    found = shadow(champion, challenger, cut=0.1, y=y, latency=np.array([1.0, 2.0, 3.0]))
    assert found["swap_in"]["cases"] == 2 and found["swap_in"]["known"] == 1 and found["swap_in"]["bad"] == 0
    assert found["swap_out"]["bad"] == 1 and found["agreement"] == 0.4 and found["worse"] == 1.0
    assert found["latency_p99"] == pytest.approx(2.98)
    assert shadow(champion, challenger, cut=0.1)["worse"] is None
