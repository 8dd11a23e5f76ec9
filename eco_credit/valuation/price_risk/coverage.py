"""Is a haircut exceeded as often as it promises? Exact interval and the test of Kupiec."""

from __future__ import annotations

import math
from collections.abc import Callable

_HALVINGS = 60


def exact_interval(exceedances: int, trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of a rate, from independent trials.

    Args:
        exceedances: x, from 0 to ``trials``.
        trials: n; 0 gives the empty statement (0, 1).
        confidence: of the interval.

    Returns:
        Low and high rate: ``P(X >= x | low) = P(X <= x | high) = (1 - confidence) / 2``.

    Example:
        >>> [round(bound, 4) for bound in exact_interval(0, 3)]
        [0.0, 0.7076]
    """
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if exceedances == 0 else _root(lambda p: 1.0 - _at_most(exceedances - 1, trials, p) - tail)
    high = 1.0 if exceedances == trials else _root(lambda p: tail - _at_most(exceedances, trials, p))
    return low, high


def _at_most(count: int, trials: int, rate: float) -> float:
    """``P(X <= count)`` of a binomial variable."""
    terms = (math.comb(trials, k) * rate**k * (1.0 - rate) ** (trials - k) for k in range(count + 1))
    return math.fsum(terms)


def _root(rising: Callable[[float], float]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rising(middle) < 0.0 else (low, middle)
    return 0.5 * (low + high)


def kupiec(exceedances: int, trials: int, *, alpha: float) -> tuple[float, float]:
    """Proportion-of-failures test of Kupiec (1995): do ``x`` of ``n`` exceedances fit a promised rate alpha?

    ``LR = -2 ln[(1-a)^(n-x) a^x] + 2 ln[(1-x/n)^(n-x) (x/n)^x]``, chi-square with one degree of freedom. It takes
    the trials for independent; overlapping horizons are not.

    Args:
        exceedances: x, from 0 to ``trials``.
        trials: n.
        alpha: promised rate, above 0 and below 1.

    Returns:
        LR and its p-value ``erfc(sqrt(LR / 2))``; (0, 1) without trials.

    Example:
        >>> [round(number, 4) for number in kupiec(3, 250, alpha=0.01)]
        [0.0949, 0.758]
    """
    if trials == 0:
        return 0.0, 1.0
    statistic = 2.0 * (_likelihood(exceedances, trials, exceedances / trials) - _likelihood(exceedances, trials, alpha))
    statistic = max(statistic, 0.0)
    return statistic, math.erfc(math.sqrt(statistic / 2.0))


def _likelihood(exceedances: int, trials: int, rate: float) -> float:
    """Log likelihood without the binomial factor, with ``0 ln 0 = 0``."""
    hits = exceedances * math.log(rate) if exceedances else 0.0
    misses = (trials - exceedances) * math.log1p(-rate) if trials - exceedances else 0.0
    return hits + misses
