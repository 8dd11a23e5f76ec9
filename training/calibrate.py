"""Calibrate a raw score on a window after training: Platt's line, central tendency, Venn-Abers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.risk.calibration import VennAbers, sigmoid
from eco_credit.risk.venn_abers import fit_venn_abers
from training.metrics.calibration import effective_count, logistic_fit
from training.plan import PdFit

FEW_DEFAULTS = 20
"""Below this many effective defaults only the intercept is moved."""
VENN_ABERS_ROWS = 1_500


@dataclass(frozen=True)
class Calibrated:
    """Calibration of a PD model.

    Attributes:
        intercept: a of ``a + b z``, point in time: it fits the calibration window.
        slope: b, above 0.
        long_run_intercept: a that makes the mean PD of all in-time and calibration rows their default rate,
            through the cycle; stored, not served.
        long_run_rate: that default rate.
        venn_abers: the range of probabilities the calibration window leaves open.
        defaults: effective number of defaults in the window.
    """

    intercept: float
    slope: float
    long_run_intercept: float
    long_run_rate: float
    venn_abers: VennAbers
    defaults: float

    def platt(self, fit: PdFit) -> dict[str, float]:
        """What ``pd.json`` stores."""
        return {"intercept": self.intercept, "slope": self.slope, "floor": fit.floor, "ceiling": fit.ceiling}


def calibrate(score: Floats, y: Floats, weight: Floats, *, history: tuple[Floats, Floats, Floats]) -> Calibrated:
    """Fit the calibration.

    Args:
        score: raw scores of the calibration window, shape (n,).
        y: 1.0 for default, else 0.0.
        weight: sample weights.
        history: scores, outcomes and weights of all rows up to and including the window.

    Returns:
        The calibration.
    """
    rate = float((weight * y).sum() / weight.sum())
    defaults = rate * effective_count(weight)
    intercept, slope = platt_line(score, y, weight, few=defaults < FEW_DEFAULTS)
    past, outcome, past_weight = history
    long_run = float((past_weight * outcome).sum() / past_weight.sum())
    chosen = systematic(weight, VENN_ABERS_ROWS)
    return Calibrated(
        intercept=intercept,
        slope=slope,
        long_run_intercept=shifted(slope * past, past_weight, long_run),
        long_run_rate=long_run,
        venn_abers=fit_venn_abers(score[chosen], y[chosen]),
        defaults=defaults,
    )


def platt_line(score: Floats, y: Floats, weight: Floats, *, few: bool) -> tuple[float, float]:
    """``a`` and ``b`` of Platt's line; with few defaults, or a slope not above 0, only ``a`` moves."""
    if not few:
        (a, b), _ = logistic_fit(np.column_stack([np.ones_like(score), score]), y, weight)
        if b > 0.0:
            return float(a), float(b)
    (a,), _ = logistic_fit(np.ones((len(score), 1)), y, weight, offset=score)
    return float(a), 1.0


def shifted(logit: Floats, weight: Floats, rate: float) -> float:
    """The intercept a with ``mean sigma(a + logit) = rate``, by bisection."""
    low, high = -40.0, 40.0
    for _ in range(80):
        middle = 0.5 * (low + high)
        mean = float((weight * sigmoid(middle + logit)).sum() / weight.sum())
        low, high = (middle, high) if mean < rate else (low, middle)
    return 0.5 * (low + high)


def systematic(weight: Floats, most: int) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Rows drawn evenly along the cumulative weight: an unweighted sample of the weighted rows.

    Returns:
        At most ``most`` row numbers, and no more than the effective sample size, so that the
        sample does not pretend to more evidence than there is.
    """
    size = int(min(most, np.floor(effective_count(weight))))
    if len(weight) <= size:
        return np.arange(len(weight))
    ends = np.cumsum(weight) / weight.sum()
    picked = np.searchsorted(ends, (np.arange(size) + 0.5) / size)
    return np.minimum(picked, len(weight) - 1)
