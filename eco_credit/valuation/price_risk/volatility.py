"""Volatility of a price index, and what its autocorrelation adds over several periods."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats


def log_returns(prices: Floats) -> Floats:
    """``r_t = ln(p_t / p_{t-1})``, shape (n - 1,)."""
    return np.diff(np.log(prices))


def sample_volatility(returns: Floats) -> float:
    """Sample standard deviation about the mean, per period; NaN below two returns.

    Args:
        returns: log returns, shape (n,).

    Returns:
        ``sqrt(sum (r - mean)^2 / (n - 1))``.
    """
    return float(np.std(returns, ddof=1)) if len(returns) > 1 else float("nan")


def ewma_volatility(returns: Floats, *, decay: float) -> float:
    """Exponentially weighted volatility about zero, per period (RiskMetrics 1996).

    Args:
        returns: log returns, oldest first, shape (n,).
        decay: lambda per period, above 0 and at most 1; 1 is the plain root mean square.

    Returns:
        ``sqrt(sum_k lambda^k r_{n-k}^2 / sum_k lambda^k)``, weights normed to the data at hand; NaN without returns.

    Example:
        >>> round(ewma_volatility(np.array([0.3, 0.1]), decay=0.5), 4)
        0.1915
    """
    if not len(returns):
        return float("nan")
    weights = decay ** np.arange(len(returns) - 1, -1, -1, dtype=np.float64)
    return float(np.sqrt((weights * returns**2).sum() / weights.sum()))


def autocorrelation(returns: Floats, lag: int = 1) -> float:
    """Sample autocorrelation ``rho_k = sum (r_t - m)(r_{t-k} - m) / sum (r_t - m)^2``; 0 for a flat series."""
    centred = returns - returns.mean() if len(returns) else returns
    power = float((centred**2).sum())
    if len(returns) <= lag or power == 0.0:
        return 0.0
    return float((centred[lag:] * centred[:-lag]).sum()) / power


def newey_west_lags(observations: int) -> int:
    """Number of lags by the usual rule ``floor(4 (n / 100)^(2/9))`` (Newey and West 1994)."""
    return int(4.0 * (observations / 100.0) ** (2.0 / 9.0))


def variance_ratio(returns: Floats, lags: int) -> float:
    """Long-run over one-period variance: ``VR = 1 + 2 sum_{k=1}^{L} (1 - k/(L+1)) rho_k``.

    Bartlett weights, as in the long-run variance of Newey and West (1987); with ``L = q - 1`` it is the variance
    ratio of q periods of Lo and MacKinlay (1988). Above 1 prices trend and the square-root-of-time rule is too
    small; below 1 they bounce, which in an index of few deals is mostly noise of the median.

    Args:
        returns: log returns, shape (n,).
        lags: L, at least 0.

    Returns:
        A ratio; 1 without autocorrelation, never below 0.

    Example:
        >>> variance_ratio(np.array([1.0, -1.0, 1.0, -1.0]), 1)
        0.25
    """
    total = 1.0
    for lag in range(1, lags + 1):
        total += 2.0 * (1.0 - lag / (lags + 1.0)) * autocorrelation(returns, lag)
    return max(total, 0.0)
