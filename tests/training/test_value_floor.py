"""The value floor: rank, weights, kinds with few sales, and how often it holds in the next year."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from worlds import SEEDS, plan, rules, world

from eco_credit.core.numbers import number
from eco_credit.risk.conformal import Offsets, adaptive_rate, conformal_offset, widened_offset
from training.cross_fit import cross_scores
from training.fit_lgd import ENOUGH_CALIBRATION, calibration, fit_lgd

misses = st.lists(st.floats(-1.0, 1.0, allow_subnormal=False), min_size=1, max_size=80)


@given(misses, st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.4]))
def test_the_offset_is_the_finite_sample_rank(values: list[float], rate: float) -> None:
    rank = min(math.ceil((len(values) + 1) * (1.0 - rate) - 1e-9), len(values))
    assert conformal_offset(values, rate) == sorted(values)[rank - 1]


@given(misses, st.floats(0.01, 100.0))
def test_equal_weights_are_no_weights(values: list[float], weight: float) -> None:
    assert conformal_offset(values, 0.05, np.full(len(values), weight)) == conformal_offset(values, 0.05)


@given(misses, st.floats(1.0, 2.0))
def test_widening_never_lowers_a_floor_s_protection(values: list[float], width: float) -> None:
    pooled = conformal_offset(values, 0.05)
    assert widened_offset(values, 0.05, width=width) >= pooled - 1e-12
    assert widened_offset(values, 0.05, width=1.0) == pytest.approx(pooled, abs=1e-12)


def test_on_exchangeable_cases_the_floor_holds_at_its_level() -> None:
    # 59 cases: rank ceil(60 * 0.95) = 57, so the chance is 57 / 60 = 0.95 on average; 20 000 repeats, error 0.0015
    rng = np.random.default_rng(3)
    cases = rng.normal(size=(20_000, 60))
    offsets = np.array([conformal_offset(row[:59], 0.05) for row in cases])
    assert (cases[:, 59] <= offsets).mean() == pytest.approx(0.95, abs=0.005)


def test_weights_restore_the_level_when_bad_cases_are_seldom_seen() -> None:
    # bad cases miss by 1 more and are seen one time in four; unweighted the offset is theirs too seldom
    rng = np.random.default_rng(4)
    slow = rng.random(60_000) < 0.3
    miss = rng.normal(size=60_000) + slow
    seen = ~slow | (rng.random(60_000) < 0.25)
    weight = np.where(slow, 4.0, 1.0)[seen]
    plain, weighted = conformal_offset(miss[seen], 0.05), conformal_offset(miss[seen], 0.05, weight)
    assert (miss <= plain).mean() < 0.94
    assert (miss <= weighted).mean() == pytest.approx(0.95, abs=0.004)


def test_breaches_beyond_the_allowed_lower_the_next_rate() -> None:
    # 0.05 + 0.5 * (0.05 - 0.09) = 0.03; nothing breached: 0.05 + 0.5 * 0.05 = 0.075
    assert adaptive_rate(0.05, [0.09], step=0.5) == pytest.approx(0.03)
    assert adaptive_rate(0.05, [0.0], step=0.5) == pytest.approx(0.075)
    assert adaptive_rate(0.05, [1.0] * 5, step=0.5) == 0.0


@pytest.fixture(scope="module")
def held() -> dict[str, np.ndarray]:
    """Whether the floor held for every default of the next year whose sale will be known in the end, by kind."""
    found: dict[str, list[np.ndarray]] = {
        "all": [],
        "seen": [],
        "share_forest": [],
        "share_water": [],
        "share_order": [],
    }
    for seed in SEEDS:
        tape, windows, known = world(seed)
        model = fit_lgd(tape, windows, plan().lgd, seed=1, rules=rules())
        drop, _ = Offsets(model.floor, model.band).of(tape.columns)
        raw, central = (model.tables[name].score(tape.columns) for name in ("low", "central"))
        holds = np.maximum(np.minimum(raw - drop, central), 0.0) <= known["lvr"]
        rows = windows.evaluate[~np.isnan(known["lvr"][windows.evaluate])]
        found["all"].append(holds[rows])
        found["seen"].append(holds[rows[~np.isnan(number(tape.outcome, "lvr")[rows])]])
        for share in ("share_forest", "share_water", "share_order"):
            found[share].append(holds[rows[number(tape.columns, share)[rows] > 0.5]])
    return {name: np.concatenate(parts) for name, parts in found.items()}


def test_the_floor_holds_in_93_to_97_of_100_defaults_next_year(held: dict[str, np.ndarray]) -> None:
    assert len(held["all"]) > 400
    assert 0.93 <= held["all"].mean() <= 0.97


@pytest.mark.parametrize("share", ["share_forest", "share_water", "share_order"])
def test_no_kind_pays_for_another(held: dict[str, np.ndarray], share: str) -> None:
    # two standard errors below 95 %
    rows = len(held[share])
    assert held[share].mean() >= 0.95 - 2.0 * math.sqrt(0.95 * 0.05 / rows)


def test_sales_seen_so_far_flatter_the_floor(held: dict[str, np.ndarray]) -> None:
    # slow cases lose more and are not seen yet
    assert held["seen"].mean() > held["all"].mean()


def test_a_kind_with_few_sales_takes_the_pooled_offset_widened() -> None:
    tape, windows, _ = world(SEEDS[0])
    fit = plan().lgd.model_copy(update={"group_rows": 100_000})
    model = fit_lgd(tape, windows, fit, seed=1, rules=rules())
    for share in ("share_forest", "share_water", "share_order"):
        assert model.floor[share] > model.floor["pooled"] and model.band[share] > model.band["pooled"]


def test_a_sale_is_scored_by_heads_that_never_saw_it() -> None:
    tape, windows, _ = world(SEEDS[0])
    lvr = number(tape.outcome, "lvr")
    rows = windows.in_time[~np.isnan(lvr[windows.in_time])]
    weight, fit = np.ones(len(lvr)), plan().lgd
    before = cross_scores(tape, rows, weight, fit=fit, seed=1)
    # the oldest sales fall into one block: whatever they brought, their own scores stay
    oldest = np.argsort(tape.origination[rows], kind="stable")[:20]
    other = lvr.copy()
    other[rows[oldest]] = 1.4
    after = cross_scores(replace(tape, outcome=tape.outcome | {"lvr": other}), rows, weight, fit=fit, seed=1)
    rest = np.setdiff1d(np.arange(len(rows)), oldest)
    for name in ("low", "high"):
        assert np.array_equal(before[name][oldest], after[name][oldest])
        assert not np.array_equal(before[name][rest], after[name][rest])


def test_a_calibration_window_with_sales_enough_stands_alone() -> None:
    tape, windows, _ = world(SEEDS[0])
    lvr = number(tape.outcome, "lvr")
    used, later = (rows[~np.isnan(lvr[rows])] for rows in (windows.in_time, windows.calibrate))
    fit, weight = plan().lgd, np.ones(len(lvr))
    tables = fit_lgd(tape, windows, fit, seed=1, rules=rules()).tables
    many = np.tile(later, 1 + ENOUGH_CALIBRATION // len(later))
    alone = calibration(tables, tape, (used, many, weight), fit=fit, seed=1)
    joined = calibration(tables, tape, (used, later, weight), fit=fit, seed=1)
    assert np.array_equal(alone.rows, many)
    assert len(joined.rows) == len(used) + len(later)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 100))
def test_one_row_alone_gets_the_offset_it_has_among_many(seed: int) -> None:
    rng = np.random.default_rng(seed)
    offsets = Offsets({"pooled": 0.01, "share_water": 0.05}, {"pooled": 0.02})
    columns = {"share_water": rng.random(20)}
    whole = offsets.of(columns)
    alone = np.column_stack([offsets.of({"share_water": columns["share_water"][i : i + 1]}) for i in range(20)])
    assert np.array_equal(whole, alone)
