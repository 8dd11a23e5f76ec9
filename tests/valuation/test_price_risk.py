"""Price risk against closed forms, brute force and simulated prices."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Floats
from eco_credit.rulebook import load
from eco_credit.valuation import price_risk as pr
from eco_credit.valuation.price_risk import formulas, volatility
from eco_credit.valuation.price_risk.policy import METHODS

POLICY = pr.price_policy(load().at("2026-11-23"))
BARE = replace(POLICY, floor=0.0, unmeasured=0.0)
prices_of = st.lists(st.floats(1.0, 1000.0), min_size=1, max_size=40).map(np.array)


def index_of(prices: Floats, months: int = 3) -> pr.PriceIndex:
    n = len(prices)
    starts = (np.arange(n) * months).astype("datetime64[M]")
    return pr.PriceIndex(starts, prices, np.full(n, 20.0), np.zeros(n, dtype=bool), months)


def lognormal_path(periods: int, *, yearly: float, seed: int, rho: float = 0.0, months: int = 3) -> Floats:
    """Driftless prices whose returns follow r_t = rho r_{t-1} + e_t with the given yearly volatility."""
    rng = np.random.default_rng(seed)
    shocks = rng.normal(0.0, yearly * math.sqrt(months / 12.0) * math.sqrt(1.0 - rho**2), periods)
    returns = np.zeros(periods)
    for t in range(1, periods):
        returns[t] = rho * returns[t - 1] + shocks[t]
    return 100.0 * np.exp(np.add.accumulate(returns))


# drawdown


@given(prices_of)
def test_the_drawdown_is_the_largest_fall_over_all_pairs_of_days(prices: Floats) -> None:
    pairs = [1.0 - prices[j] / prices[i] for i in range(len(prices)) for j in range(i, len(prices))]
    found = pr.maximum_drawdown(prices)
    assert found.fall == pytest.approx(max(pairs), abs=1e-12)
    assert found.peak <= found.trough
    assert found.fall == pytest.approx(1.0 - prices[found.trough] / prices[found.peak], abs=1e-12)


@given(prices_of, st.integers(1, 12))
def test_the_forward_falls_agree_with_brute_force(prices: Floats, steps: int) -> None:
    origins = range(len(prices) - steps)
    worst = [max(0.0, 1.0 - min(prices[i + 1 : i + steps + 1]) / prices[i]) for i in origins]
    at_end = [1.0 - prices[i + steps] / prices[i] for i in origins]
    np.testing.assert_allclose(pr.worst_fall(prices, steps), worst, atol=1e-12)
    np.testing.assert_allclose(pr.fall_at(prices, steps), at_end, atol=1e-12)
    assert (pr.worst_fall(prices, steps) >= pr.fall_at(prices, steps) - 1e-12).all()


@given(prices_of, st.floats(0.01, 100.0))
def test_a_change_of_currency_changes_no_fall(prices: Floats, rate: float) -> None:
    np.testing.assert_allclose(pr.drawdowns(prices * rate), pr.drawdowns(prices), atol=1e-12)


# volatility


def test_the_weighted_volatility_follows_its_recursion_and_is_the_root_mean_square_without_decay() -> None:
    returns = np.random.default_rng(1).normal(0.0, 0.1, 400)
    variance = returns[0] ** 2
    for r in returns[1:]:
        variance = 0.9 * variance + 0.1 * r**2
    assert volatility.ewma_volatility(returns, decay=0.9) == pytest.approx(math.sqrt(variance), rel=1e-9)
    assert volatility.ewma_volatility(returns, decay=1.0) == pytest.approx(math.sqrt((returns**2).mean()))


def test_the_variance_ratio_of_two_periods_is_that_of_lo_and_mackinlay() -> None:
    """VR(2) = 1 + rho(1): L = q - 1 = 1 and the Bartlett weight of lag 1 is 1/2."""
    returns = np.random.default_rng(2).normal(0.0, 0.1, 200)
    assert volatility.variance_ratio(returns, 1) == pytest.approx(1.0 + volatility.autocorrelation(returns))


def test_the_variance_ratio_nears_that_of_an_autoregression() -> None:
    """rho_k = 0.5^k; with L = 3 the ratio is 1 + 2 (0.75 x 0.5 + 0.5 x 0.25 + 0.25 x 0.125) = 2.0625."""
    returns = volatility.log_returns(lognormal_path(40_000, yearly=0.2, seed=3, rho=0.5))
    assert volatility.variance_ratio(returns, 3) == pytest.approx(2.0625, abs=0.05)


def test_a_flat_series_has_no_autocorrelation_and_takes_the_floor() -> None:
    risk = pr.price_haircut(index_of(np.full(20, 7.0)), policy=POLICY)
    assert risk.autocorrelation == 0.0 and risk.volatility == 0.0
    assert (risk.chosen, risk.haircut) == ("floor", POLICY.floor)
    assert "floor_applied" in {caveat.code for caveat in risk.caveats}


# formulas


def test_the_worst_fall_of_a_simulated_price_keeps_its_confidence() -> None:
    """20 000 paths of 3 years: 5 % at the end, and a little under 5 % within, as paths are watched in 750 steps."""
    sigma, years, steps = 0.2, 3.0, 750
    rng = np.random.default_rng(4)
    position, lowest = np.zeros(20_000), np.zeros(20_000)
    for _ in range(steps):
        position += rng.normal(0.0, sigma * math.sqrt(years / steps), len(position))
        lowest = np.minimum(lowest, position)
    z_end, z_worst = (np.array([NormalDist().inv_cdf(1.0 - a)]) for a in (0.05, 0.025))
    at_end = formulas.lognormal_fall(np.array([sigma]), np.array([years]), quantile=z_end)
    at_worst = formulas.lognormal_fall(np.array([sigma]), np.array([years]), quantile=z_worst)
    error = math.sqrt(0.05 * 0.95 / len(position))
    assert (1.0 - np.exp(position) > at_end).mean() == pytest.approx(0.05, abs=3.5 * error)
    exceeded = (1.0 - np.exp(lowest) > at_worst).mean()
    assert 0.05 - 0.0045 - 3.5 * error < exceeded < 0.05 + 3.5 * error


def test_the_expected_drawdown_is_that_of_simulated_paths() -> None:
    """Mean drawdown of the log price over one year: sqrt(pi/2) sigma; watched in 2 500 steps it reads about 2 % low."""
    rng, steps, paths = np.random.default_rng(5), 2_500, 4_000
    position, peak, deepest = np.zeros(paths), np.zeros(paths), np.zeros(paths)
    for _ in range(steps):
        position += rng.normal(0.0, math.sqrt(1.0 / steps), paths)
        peak = np.maximum(peak, position)
        deepest = np.maximum(deepest, peak - position)
    assert deepest.mean() == pytest.approx(formulas.EXPECTED_DRAWDOWN, rel=0.03)


@given(st.floats(0.0, 1.0), st.floats(0.0, 10.0), st.floats(0.0, 4.0), st.floats(1.0, 2.0))
def test_a_fall_is_a_part_of_the_price_and_rises_with_volatility_horizon_and_confidence(
    sigma: float, years: float, z: float, more: float
) -> None:
    def fall(s: float, h: float, q: float) -> float:
        return float(formulas.lognormal_fall(np.array([s]), np.array([h]), quantile=np.array([q]))[0])

    base = fall(sigma, years, z)
    assert 0.0 <= base < 1.0
    assert min(fall(sigma * more, years, z), fall(sigma, years * more, z), fall(sigma, years, z * more)) >= base - 1e-12
    drawdown = [float(formulas.expected_drawdown(np.array([s]), np.array([years]))[0]) for s in (sigma, sigma * more)]
    assert 0.0 <= drawdown[0] <= drawdown[1] + 1e-12 < 1.0 + 1e-12


def test_the_two_scalings_together_are_the_form_printed_for_ten_days() -> None:
    """H_10 sqrt((N_R + T_M - 1) / 10) with H_10 = 15 %, T_M = 20, N_R = 5: 0.15 x sqrt(24/10) = 0.2324."""
    ten, days = np.array([0.15]), load().at("2026-11-23").table("valuation.price_risk.holding_days")
    lending = np.array([days["secured_lending"]])
    scaled = formulas.rescaled_haircut(ten, np.array([days["market"]]), to_days=lending)
    full = formulas.revalued_haircut(scaled, lending, revaluation_days=np.array([5.0]))
    assert full[0] == pytest.approx(0.15 * math.sqrt(24.0 / 10.0))
    assert formulas.revalued_haircut(ten, lending, revaluation_days=np.array([1.0]))[0] == pytest.approx(0.15)


# index and deals


def test_a_thin_period_carries_the_price_before_it_and_thin_ends_are_left_out() -> None:
    days = np.array(["2012-01-05"] + ["2012-04-05"] * 3 + ["2012-07-05"] + ["2012-10-05"] * 3, dtype="datetime64[D]")
    prices = np.array([1.0, 9.0, 10.0, 11.0, 500.0, 7.0, 8.0, 9.0])
    index = pr.price_index(days, prices, least=3)
    assert index.prices.tolist() == [10.0, 10.0, 8.0]
    assert index.carried.tolist() == [False, True, False] and index.deals.tolist() == [3.0, 1.0, 3.0]
    assert str(index.starts[0]) == "2012-04"


def test_the_index_is_the_median_of_each_quarter_as_pandas_has_it() -> None:
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(6)
    days = np.datetime64("2010-01-01") + rng.integers(0, 1_500, 900)
    prices = rng.lognormal(7.0, 0.3, 900)
    expected = pd.Series(prices).groupby(pd.PeriodIndex(days, freq="Q")).median()
    index = pr.price_index(days, prices)
    np.testing.assert_allclose(index.prices, expected.to_numpy())
    assert len(pr.price_index(days, prices, every="month").prices) > 2.9 * len(expected)


def test_an_index_of_no_deals_is_empty_and_its_haircut_is_the_unmeasured_one() -> None:
    index = pr.price_index(np.empty(0, dtype="datetime64[D]"), np.empty(0))
    risk = pr.price_haircut(index, policy=POLICY)
    assert (risk.chosen, risk.haircut, risk.periods) == ("unmeasured", POLICY.unmeasured, 0)
    assert json.dumps(risk.as_dict(), ensure_ascii=False, allow_nan=False)


def test_hedonic_prices_take_out_a_change_of_mix() -> None:
    """Price 100 x size^0.5, no trend; sizes double every quarter. The plain index rises, the adjusted one does not."""
    rng = np.random.default_rng(7)
    quarter = np.repeat(np.arange(8), 200)
    days = (np.datetime64("2012-01-01", "M") + 3 * quarter).astype("datetime64[D]")
    size = rng.lognormal(0.0, 0.5, len(quarter)) * 2.0**quarter
    prices = 100.0 * np.exp(0.5 * np.log(size) + rng.normal(0.0, 0.05, len(size)))
    adjusted = pr.adjusted_prices(days, prices, traits=np.log(size)[:, None])
    plain, fair = pr.price_index(days, prices).prices, pr.price_index(days, adjusted).prices
    assert plain[-1] / plain[0] > 8.0
    assert fair[-1] / fair[0] == pytest.approx(1.0, abs=0.05)


def test_reading_deals_leaves_out_gifts_refusals_and_rows_without_a_day() -> None:
    table = {
        "approved_on": ["2012-05-01", "2012-05-02", "2012-05-03", None, "2012-05-05"],
        "price": [1800.0, 0.0, 1900.0, 1700.0, float("nan")],
        "volume": [1.0, 2.0, 3.0, 4.0, 5.0],
        "status": ["Recorded", "Recorded", "Refused", "Recorded", "Recorded"],
    }
    deals = pr.read_deals(table, least_price=100.0)
    assert deals.prices.tolist() == [1800.0] and deals.volumes.tolist() == [1.0]
    assert pr.read_deals(table, status=("Refused",)).prices.tolist() == [1900.0]


def test_a_day_written_day_first_is_refused_and_not_guessed() -> None:
    with pytest.raises(ContractError, match="yyyy-mm-dd"):
        pr.read_deals({"approved_on": ["24/07/2013"], "price": [1.0]})


# haircut


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.floats(0.05, 0.5), st.floats(1.0, 2.0))
def test_the_haircut_is_within_bounds_and_rises_with_horizon_and_confidence(
    seed: int, yearly: float, more: float
) -> None:
    index = index_of(lognormal_path(60, yearly=yearly, seed=seed))
    policy = replace(BARE, methods=("lognormal", "lognormal_worst", "expected_drawdown"))
    base = pr.price_haircut(index, policy=policy, horizon_months=12).haircut
    assert 0.0 <= base < 1.0
    assert pr.price_haircut(index, policy=policy, horizon_months=12 * 2).haircut >= base - 1e-12
    assert pr.price_haircut(index, policy=replace(policy, alpha=0.05 / more), horizon_months=12).haircut >= base - 1e-12


def test_the_haircut_is_the_largest_of_the_named_methods_and_never_below_the_floor() -> None:
    index = index_of(lognormal_path(60, yearly=0.2, seed=8))
    risk = pr.price_haircut(index, policy=BARE)
    assert set(risk.haircuts) == set(METHODS)
    assert risk.haircut == max(risk.haircuts.values()) == risk.haircuts[risk.chosen]
    one = pr.price_haircut(index, policy=replace(BARE, methods=("lognormal",)))
    assert one.haircut == one.haircuts["lognormal"]
    assert pr.price_haircut(index, policy=replace(BARE, floor=0.9)).haircut == 0.9


def test_prices_that_trend_get_a_larger_haircut_than_the_square_root_of_time_gives() -> None:
    prices = lognormal_path(200, yearly=0.2, seed=9, rho=0.6)
    risk = pr.price_haircut(index_of(prices), policy=replace(BARE, decay=1.0))
    naive = 1.0 - math.exp(-NormalDist().inv_cdf(0.95) * risk.sample_volatility * math.sqrt(3.0))
    assert risk.variance_ratio > 1.5
    assert risk.haircuts["lognormal"] > naive + 0.05


def test_prices_that_bounce_get_no_smaller_haircut_and_say_so() -> None:
    prices = lognormal_path(200, yearly=0.2, seed=10, rho=-0.5)
    risk = pr.price_haircut(index_of(prices), policy=BARE)
    assert risk.variance_ratio < 1.0
    assert risk.volatility == pytest.approx(max(risk.sample_volatility, risk.ewma_volatility))
    assert "bouncing" in {caveat.code for caveat in risk.caveats}


def test_few_deals_hold_the_haircut_to_that_of_an_unmeasured_price() -> None:
    index = replace(index_of(lognormal_path(60, yearly=0.02, seed=11)), deals=np.full(60, 0.5))
    risk = pr.price_haircut(index, policy=POLICY)
    assert (risk.chosen, risk.haircut) == ("unmeasured", POLICY.unmeasured)
    assert {"few_deals", "few_windows"} <= {caveat.code for caveat in risk.caveats}
    assert all(caveat.zh and caveat.en and caveat.zh != caveat.en for caveat in risk.caveats)


def test_a_policy_that_means_nothing_is_refused() -> None:
    for wrong in ({"alpha": 0.5}, {"alpha": 0.0}, {"floor": 1.0}, {"methods": ("guess",)}, {"methods": ()}):
        with pytest.raises(ValueError, match="must be"):
            replace(POLICY, **wrong)  # type: ignore[arg-type]
    for months in (0.0, -12.0, float("nan")):
        with pytest.raises(ValueError, match="above 0"):
            pr.price_haircut(index_of(np.ones(20)), policy=POLICY, horizon_months=months)


def test_the_lognormal_haircut_of_simulated_prices_is_exceeded_at_the_promised_rate() -> None:
    """400 series of 240 quarters, horizon of one year after each: 5 % of the ends lie beyond, within Monte Carlo error.

    Held with sample volatility and no autocorrelation term, because taking the larger of two estimates is careful
    by design; the house's rule on the same paths is exceeded less often.
    """
    plain = careful = 0
    for seed in range(400):
        prices = lognormal_path(244, yearly=0.2, seed=1_000 + seed)
        risk = pr.price_haircut(index_of(prices[:240]), policy=BARE, horizon_months=12)
        z = NormalDist().inv_cdf(0.95)
        plain += 1.0 - prices[-1] / prices[239] > 1.0 - math.exp(-z * risk.sample_volatility)
        careful += 1.0 - prices[240:].min() / prices[239] > risk.haircut
    assert plain / 400 == pytest.approx(0.05, abs=3.5 * math.sqrt(0.05 * 0.95 / 400))
    assert careful <= plain
