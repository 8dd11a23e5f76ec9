"""The backtest and its statistics against closed forms, scipy and simulated prices."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_price_risk import POLICY, lognormal_path

from eco_credit.valuation import price_risk as pr

LIGHT = replace(POLICY, least_per_period=1, least_deals=8.0, floor=0.0)


def deals_of(prices: np.ndarray) -> pr.Deals:
    """One deal in the middle of each quarter from 2000 on."""
    days = (np.datetime64("2000-02", "M") + 3 * np.arange(len(prices))).astype("datetime64[D]")
    return pr.Deals(days, prices, np.ones(len(prices)))


def test_the_kupiec_statistic_is_the_worked_likelihood_ratio() -> None:
    """x = 10 of n = 100 at 5 %: -2 ln(0.95^90 0.05^10) + 2 ln(0.9^90 0.1^10) = 4.1308; chi-square p = 0.0421."""
    expected = -2.0 * (90 * math.log(0.95) + 10 * math.log(0.05)) + 2.0 * (90 * math.log(0.9) + 10 * math.log(0.1))
    statistic, p_value = pr.kupiec(10, 100, alpha=0.05)
    assert statistic == pytest.approx(expected) == pytest.approx(4.1308, abs=1e-4)
    assert p_value == pytest.approx(0.0421, abs=1e-4)


@settings(deadline=None)
@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.01, 0.2))
def test_the_kupiec_test_agrees_with_scipy_and_is_nought_where_the_rate_is_met(
    counts: tuple[int, int], alpha: float
) -> None:
    stats = pytest.importorskip("scipy.stats")
    x, n = counts
    log = lambda rate: float(stats.binom.logpmf(x, n, rate))
    statistic, p_value = pr.kupiec(x, n, alpha=alpha)
    assert statistic == pytest.approx(2.0 * (log(x / n) - log(alpha)), abs=1e-8)
    assert p_value == pytest.approx(float(stats.chi2.sf(statistic, 1)), abs=1e-9)
    assert pr.kupiec(5, 100, alpha=0.05)[0] == pytest.approx(0.0, abs=1e-12)


@settings(deadline=None)
@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_exact_interval_agrees_with_scipy(counts: tuple[int, int]) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(*counts).proportion_ci(0.95, method="exact")
    assert pr.exact_interval(*counts) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_without_trials_nothing_is_claimed() -> None:
    assert pr.exact_interval(0, 0) == (0.0, 1.0)
    assert pr.kupiec(0, 0, alpha=0.05) == (0.0, 1.0)


def test_an_origin_reads_nothing_after_its_day() -> None:
    """Prices after the 30th quarter are multiplied by three: haircuts set up to that day do not move by a byte."""
    prices = lognormal_path(60, yearly=0.2, seed=20)
    altered = np.where(np.arange(60) < 30, prices, 3.0 * prices)
    first, second = (pr.backtest({"a": deals_of(p)}, policy=LIGHT, horizons=(12,)) for p in (prices, altered))
    day = "2007-07-01"  # 30 quarters after 2000-01-01
    known = [(a.haircut, b.haircut) for a, b in zip(first.origins, second.origins, strict=True) if a.origin <= day]
    assert len(known) == 23 and all(a == b for a, b in known)  # periods 8 to 30
    assert any(a.haircut != b.haircut for a, b in zip(first.origins, second.origins, strict=True) if a.origin > day)


def test_what_then_happened_is_the_fall_after_the_last_period_seen() -> None:
    prices = np.array([100.0] * 8 + [90.0, 60.0, 80.0, 120.0, 130.0])
    origin = pr.backtest({"a": deals_of(prices)}, policy=LIGHT, horizons=(12,)).origins[0]
    assert origin.origin == "2002-01-01" and origin.periods == 8
    assert origin.worst_fall == pytest.approx(0.4) and origin.fall_at_end == pytest.approx(-0.2)


def test_separate_origins_do_not_overlap_and_the_counts_add_up() -> None:
    table = {name: deals_of(lognormal_path(80, yearly=0.2, seed=seed)) for name, seed in (("a", 21), ("b", 22))}
    run = pr.backtest(table, policy=LIGHT, horizons=(12, 36))
    for horizon, step in ((12, 4), (36, 12)):
        lines = [run.of(name, horizon) for name in ("a", "b")]
        every = run.of("all", horizon)
        assert every.origins == sum(line.origins for line in lines) == 2 * (80 - 7 - step)
        assert every.separate == sum(math.ceil(line.origins / step) for line in lines)
        assert every.exceedances == sum(line.exceedances for line in lines)
        assert every.phases[0] <= every.separate_exceedances <= every.phases[1]
        assert every.low <= every.separate_exceedances / every.separate <= every.high
    assert json.dumps(run.as_dict(), allow_nan=False)
    with pytest.raises(KeyError):
        run.of("c", 12)


def test_the_backtest_finds_a_haircut_that_is_too_small() -> None:
    """Prices that fall by 5 % a quarter for ever, haircut by the history of a calm past: every horizon is exceeded."""
    calm = 100.0 * np.exp(0.001 * np.random.default_rng(23).normal(size=20))
    prices = np.concatenate([calm, calm[-1] * 0.95 ** np.arange(1, 40)])
    run = pr.backtest({"a": deals_of(prices)}, policy=replace(LIGHT, methods=("historical",)), horizons=(12,))
    line = run.of("a", 12)
    assert line.exceedances > 0.05 * line.origins
    steady = pr.backtest({"a": deals_of(lognormal_path(150, yearly=0.2, seed=24))}, policy=LIGHT, horizons=(12,))
    assert steady.of("a", 12).kupiec_p > 0.01
