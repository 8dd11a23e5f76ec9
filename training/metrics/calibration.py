"""Whether probabilities are right: Brier, log-loss, ECE, Cox's recalibration, Jeffreys' test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.risk.calibration import sigmoid
from training.metrics.ranking import UNRANKED, Z95, Interval, one_class, ones_like

TINY = 1e-12


def logit(p: Floats) -> Floats:
    """``ln(p / (1 - p))`` with p kept off 0 and 1 by 1e-12."""
    inside = np.clip(p, TINY, 1.0 - TINY)
    return np.log(inside) - np.log1p(-inside)


def mean_interval(values: Floats, weight: Floats) -> Interval:
    """Weighted mean with a normal 95 % interval; the variance is that of a ratio estimate."""
    total = weight.sum()
    mean = float((weight * values).sum() / total)
    half = Z95 * float(np.sqrt((weight**2 * (values - mean) ** 2).sum()) / total)
    return Interval(mean, mean - half, mean + half)


def brier(y: Floats, p: Floats, weight: Floats | None = None) -> Interval:
    """Mean of ``(p - y)^2``, in 0..1, lower is better."""
    return mean_interval((p - y) ** 2, ones_like(weight, y))


def log_loss(y: Floats, p: Floats, weight: Floats | None = None) -> Interval:
    """Mean of ``-y ln p - (1 - y) ln(1 - p)`` in nats."""
    z = logit(p)
    return mean_interval(np.logaddexp(0.0, z) - y * z, ones_like(weight, y))


def expected_calibration_error(y: Floats, p: Floats, weight: Floats | None = None, bins: int = 10) -> float:
    """Weighted mean of ``|observed rate - mean p|`` over bins of equal weight (ECE).

    Args:
        y: 1 for default, 0 otherwise.
        p: probabilities.
        weight: sample weights.
        bins: number of bins by quantile of p.
    """
    w = ones_like(weight, y)
    order = np.argsort(p, kind="stable")
    share = (np.cumsum(w[order]) - 0.5 * w[order]) / w.sum()
    group = np.empty(len(p), np.intp)
    group[order] = np.minimum((share * bins).astype(np.intp), bins - 1)
    gap = np.bincount(group, weights=w * (y - p), minlength=bins)
    return float(np.abs(gap).sum() / w.sum())


@dataclass(frozen=True, slots=True)
class Cox:
    """Cox's recalibration ``logit P(y) = intercept + slope logit p``; 0 and 1 are perfect."""

    intercept: Interval
    slope: Interval


def cox(y: Floats, p: Floats, weight: Floats | None = None) -> Cox:
    """Fit Cox's (1958) logistic recalibration with robust 95 % intervals.

    Args:
        y: 1 for default, 0 otherwise, shape (n,).
        p: probabilities, shape (n,).
        weight: sample weights.

    Returns:
        Slope from the two-parameter fit; intercept with the slope held at 1 (calibration in the
        large), which is the reading of gate G2c. NaN where all rows have the same outcome.
    """
    if one_class(y):
        return Cox(UNRANKED, UNRANKED)
    w = ones_like(weight, y)
    z = logit(p)
    both, cover = logistic_fit(np.column_stack([np.ones_like(z), z]), y, w)
    large, large_cover = logistic_fit(np.ones((len(z), 1)), y, w, offset=z)
    return Cox(_normal(large[0], large_cover[0, 0]), _normal(both[1], cover[1, 1]))


def _normal(value: float, variance: float) -> Interval:
    half = Z95 * float(np.sqrt(variance))
    return Interval(float(value), float(value) - half, float(value) + half)


def logistic_fit(x: Floats, y: Floats, weight: Floats, *, offset: Floats | None = None) -> tuple[Floats, Floats]:
    """Weighted logistic regression by Newton's method.

    Args:
        x: design matrix, shape (n, k).
        y: outcomes in 0..1, shape (n,).
        weight: sample weights, shape (n,).
        offset: known part of the logit, shape (n,).

    Returns:
        Coefficients (k,) and their sandwich covariance (k, k).
    """
    beta = np.zeros(x.shape[1])
    base = np.zeros(len(y)) if offset is None else offset
    for _ in range(60):
        p = sigmoid(base + x @ beta)
        slope = x.T @ (weight * (y - p))
        curve = x.T @ (x * (weight * p * (1.0 - p))[:, None]) + 1e-12 * np.eye(x.shape[1])
        step = np.linalg.solve(curve, slope)
        beta = beta + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-12:
            break
    p = sigmoid(base + x @ beta)
    bread = np.linalg.inv(x.T @ (x * (weight * p * (1.0 - p))[:, None]) + 1e-12 * np.eye(x.shape[1]))
    score = x * (weight * (y - p))[:, None]
    return beta, bread @ (score.T @ score) @ bread


def effective_count(weight: Floats) -> float:
    """Kish's effective sample size ``(sum w)^2 / sum w^2``; the row count without weights."""
    return float(weight.sum() ** 2 / (weight**2).sum())


def jeffreys(defaults: float, count: float, pd: float) -> float:
    """Jeffreys' one-sided p-value of "the estimate is not too low" (ECB instructions 2019, 2.5).

    Args:
        defaults: number of defaults d (may be an effective number).
        count: number of obligors n.
        pd: the estimate, a ratio.

    Returns:
        ``P(theta <= pd)`` under ``Beta(d + 1/2, n - d + 1/2)``; small means underestimated.

    Example:
        >>> round(jeffreys(0, 1, 0.5), 6)  # Beta(1/2, 3/2): (2/pi)(asin(s) + s sqrt(1-s^2)), s^2 = 1/2
        0.81831
    """
    from scipy.special import betainc

    return float(betainc(defaults + 0.5, count - defaults + 0.5, pd))


def jeffreys_of(y: Floats, p: Floats, weight: Floats | None = None) -> float:
    """Jeffreys' p-value of a portfolio: mean p against the default rate at the effective size."""
    w = ones_like(weight, y)
    size = effective_count(w)
    rate = float((w * y).sum() / w.sum())
    return jeffreys(rate * size, size, float((w * p).sum() / w.sum()))


def jeffreys_interval(defaults: float, count: float) -> Interval:
    """Default rate with the 95 % equal-tailed Jeffreys interval."""
    from scipy.special import betaincinv

    a, b = defaults + 0.5, count - defaults + 0.5
    rate = defaults / count if count > 0 else float("nan")
    low = float(betaincinv(a, b, 0.025)) if defaults > 0 else 0.0
    return Interval(rate, low, float(betaincinv(a, b, 0.975)) if defaults < count else 1.0)
