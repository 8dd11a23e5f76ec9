"""Whether losses and value floors are right: coverage, pinball loss, LGD error and back-test."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Bools, Floats
from training.metrics.calibration import effective_count, jeffreys_interval, mean_interval
from training.metrics.ranking import Interval, ones_like


def coverage(held: Bools, weight: Floats | None = None) -> Interval:
    """Share of rows for which a bound held, with Jeffreys' 95 % interval at the effective size."""
    w = ones_like(weight, held.astype(np.float64))
    size = effective_count(w)
    rate = float((w * held).sum() / w.sum())
    return jeffreys_interval(rate * size, size)


def pinball(y: Floats, quantile: Floats, level: float, weight: Floats | None = None) -> float:
    """Mean pinball loss of a quantile estimate: ``max(a (y - q), (a - 1) (y - q))``."""
    miss = y - quantile
    return mean_interval(np.maximum(level * miss, (level - 1.0) * miss), ones_like(weight, y)).value


def mean_absolute_error(y: Floats, estimate: Floats, weight: Floats | None = None) -> Interval:
    """Mean of ``|estimate - y|`` in the unit of y."""
    return mean_interval(np.abs(estimate - y), ones_like(weight, y))


def underestimated(realised: Floats, estimate: Floats, weight: Floats | None = None) -> float:
    """One-sided p-value of "the estimate is not too low" (gate G6a).

    Args:
        realised: realised LGD, shape (n,), ratio.
        estimate: estimated LGD, shape (n,), ratio.
        weight: sample weights.

    Returns:
        Upper tail of Student's t of the mean of realised minus estimate; small means too low.
    """
    from scipy.stats import t

    w = ones_like(weight, realised)
    error = mean_interval(realised - estimate, w)
    spread = (error.high - error.low) / (2.0 * 1.959963984540054)
    if spread == 0.0:
        return 1.0 if error.value <= 0.0 else 0.0
    return float(t.sf(error.value / spread, max(effective_count(w) - 1.0, 1.0)))
