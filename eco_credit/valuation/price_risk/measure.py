"""The price haircut of one series: several methods side by side, and the one the house takes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import MONTHS_PER_YEAR
from eco_credit.valuation.price_risk import drawdown, formulas, volatility
from eco_credit.valuation.price_risk.caveats import CAVEATS, Caveat
from eco_credit.valuation.price_risk.index import PriceIndex
from eco_credit.valuation.price_risk.policy import METHODS, PricePolicy


@dataclass(frozen=True, slots=True)
class PriceRisk:
    """Price risk of one series as seen at its end.

    Attributes:
        volatility: volatility of one year with autocorrelation, the larger of sample and weighted.
        sample_volatility: sample volatility of one year by the square root of time.
        ewma_volatility: exponentially weighted volatility of one year.
        autocorrelation: of returns of neighbouring periods.
        variance_ratio: long-run over one-period variance, before it is held to at least 1.
        horizon_months: time until sold.
        alpha: chance that the fall is larger.
        haircuts: method to haircut, NaN where the series is too short for it.
        chosen: method whose haircut is taken, or ``floor`` or ``unmeasured``.
        haircut: the house's haircut, a ratio from 0 to below 1.
        largest_fall: largest peak-to-trough fall on record.
        deals: number of deals.
        periods: number of periods.
        windows: number of separate horizons in the series.
        caveats: why to trust it less.
    """

    volatility: float
    sample_volatility: float
    ewma_volatility: float
    autocorrelation: float
    variance_ratio: float
    horizon_months: float
    alpha: float
    haircuts: Mapping[str, float]
    chosen: str
    haircut: float
    largest_fall: float
    deals: int
    periods: int
    windows: float
    caveats: tuple[Caveat, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON; NaN becomes None."""
        plain = asdict(self) | {"haircuts": dict(self.haircuts), "caveats": [asdict(c) for c in self.caveats]}
        plain["haircuts"] = {name: None if math.isnan(x) else x for name, x in plain["haircuts"].items()}
        return {key: None if isinstance(x, float) and math.isnan(x) else x for key, x in plain.items()}


def price_haircut(index: PriceIndex, *, policy: PricePolicy, horizon_months: float | None = None) -> PriceRisk:
    """Fall of the market price that is not exceeded until the pledge is sold, at confidence ``1 - alpha``.

    Methods: ``lognormal`` and ``lognormal_worst`` (driftless lognormal price, at the end and at the worst moment of
    the horizon), ``historical`` and ``historical_worst`` (historical simulation with overlapping windows: the
    ``1 - alpha`` quantile of falls seen), ``expected_drawdown``. The house takes the largest of those its policy
    names, held to the floor, and to the larger floor for unmeasured prices where deals are too few.

    Args:
        index: prices up to the day the haircut is set, and none after it.
        policy: settings; see `price_policy`.
        horizon_months: rest of the term and time to sell, above 0; the policy's when left out.

    Returns:
        The haircut with everything it was made of. An empty index has no volatility and takes the unmeasured floor.

    Raises:
        ValueError: the horizon is not above 0.
    """
    months = policy.horizon_months if horizon_months is None else horizon_months
    if not months > 0.0:
        raise ValueError("the horizon must be above 0 months")
    returns = volatility.log_returns(index.prices)
    steps = max(1, math.ceil(months / index.months))
    sample, weighted, ratio = _volatilities(returns, index.months, steps=steps, policy=policy)
    sigma = float(np.fmax(sample, weighted)) * math.sqrt(max(1.0, ratio))
    haircuts = _haircuts(index.prices, sigma, steps=steps, years=months / MONTHS_PER_YEAR, alpha=policy.alpha)
    codes = _codes(index, returns, steps=steps, policy=policy)
    chosen, haircut = _choose(haircuts, codes, policy)
    if chosen == "floor":
        codes.add("floor_applied")
    return PriceRisk(
        volatility=sigma,
        sample_volatility=sample,
        ewma_volatility=weighted,
        autocorrelation=volatility.autocorrelation(returns),
        variance_ratio=ratio,
        horizon_months=float(months),
        alpha=policy.alpha,
        haircuts=haircuts,
        chosen=chosen,
        haircut=haircut,
        largest_fall=drawdown.maximum_drawdown(index.prices).fall if len(index.prices) else float("nan"),
        deals=int(index.deals.sum()),
        periods=len(index.prices),
        windows=len(returns) / steps,
        caveats=tuple(caveat for caveat in CAVEATS if caveat.code in codes),
    )


def _volatilities(returns: Floats, months: int, *, steps: int, policy: PricePolicy) -> tuple[float, float, float]:
    """Sample and weighted volatility of one year, and the variance ratio over the horizon."""
    year = math.sqrt(MONTHS_PER_YEAR / months)
    lags = min(steps - 1, volatility.newey_west_lags(len(returns)))
    return (
        volatility.sample_volatility(returns) * year,
        volatility.ewma_volatility(returns, decay=policy.decay**months) * year,
        volatility.variance_ratio(returns, lags),
    )


def _haircuts(prices: Floats, sigma: float, *, steps: int, years: float, alpha: float) -> dict[str, float]:
    volatile, horizon, normal = np.array([sigma]), np.array([years]), NormalDist()
    at_end, at_worst = np.array([normal.inv_cdf(1.0 - alpha)]), np.array([normal.inv_cdf(1.0 - alpha / 2.0)])
    values = (
        float(formulas.lognormal_fall(volatile, horizon, quantile=at_end)[0]),
        float(formulas.lognormal_fall(volatile, horizon, quantile=at_worst)[0]),
        _quantile(drawdown.fall_at(prices, steps), 1.0 - alpha),
        _quantile(drawdown.worst_fall(prices, steps), 1.0 - alpha),
        float(formulas.expected_drawdown(volatile, horizon)[0]),
    )
    return dict(zip(METHODS, values, strict=True))


def _quantile(falls: Floats, level: float) -> float:
    """Empirical quantile, the observation at or above the level; a rise counts as no fall."""
    return max(0.0, float(np.quantile(falls, level, method="higher"))) if len(falls) else float("nan")


def _codes(index: PriceIndex, returns: Floats, *, steps: int, policy: PricePolicy) -> set[str]:
    seen = {
        "few_deals": index.deals.sum() < policy.least_deals,
        "few_periods": len(index.prices) < policy.least_periods,
        "few_windows": len(returns) / steps < 1.0 / policy.alpha,
        "no_window": len(returns) < steps,
        "carried_periods": bool(index.carried.any()),
        "bouncing": volatility.autocorrelation(returns) < 0.0,
    }
    return {code for code, is_so in seen.items() if is_so}


def _choose(haircuts: Mapping[str, float], codes: set[str], policy: PricePolicy) -> tuple[str, float]:
    named = {name: haircuts[name] for name in policy.methods if not math.isnan(haircuts[name])}
    thin = bool(codes & {"few_deals", "few_periods"}) or not named
    least, floor = ("unmeasured", max(policy.floor, policy.unmeasured)) if thin else ("floor", policy.floor)
    chosen = max(named, key=lambda name: named[name]) if named else least
    return (chosen, named[chosen]) if named and named[chosen] >= floor else (least, floor)
