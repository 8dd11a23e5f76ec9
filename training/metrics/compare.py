"""Is a challenger better than, or at least no worse than, what it would replace; on the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from training.metrics.calibration import logit
from training.metrics.ranking import Z95, Interval, auc, auc_difference, ones_like

DRAWS = 400
"""Bootstrap draws of a paired difference."""


def upper_tail(z: float) -> float:
    """``P(Z > z)`` of the standard normal.

    Example:
        >>> round(upper_tail(1.6448536269514722), 12)
        0.05
    """
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def tail_of(distance: float, error: float) -> float:
    """Upper tail of ``distance / error``; without any error 0 above nothing, 0.5 at it and 1 below it."""
    if error > 0.0:
        return upper_tail(distance / error)
    return 0.5 - 0.5 * float(np.sign(distance))


def standard_error(interval: Interval) -> float:
    """Standard error behind a normal 95 % interval that was not cut off at a bound."""
    return (interval.high - interval.low) / (2.0 * Z95)


def auc_fell(initial: float, current: Interval) -> float:
    """One-sided p-value of "the ranking is no worse than at the start" (ECB 2019, annex 3.1; gate G1b).

    ``S = (AUC_0 - AUC) / s`` with s DeLong's standard error now, ``p = 1 - Phi(S)``; small means it fell.

    Args:
        initial: AUC at development or first validation, taken as fixed.
        current: AUC now with its 95 % interval; the lower end is read, as the upper may be cut at 1.

    Returns:
        The p-value, 0..1.
    """
    return tail_of(initial - current.value, (current.value - current.low) / Z95)


def paired_bootstrap(
    difference: Floats, weight: Floats | None = None, *, seed: int = 1, draws: int = DRAWS
) -> Interval:
    """Weighted mean of paired differences with a 95 % percentile bootstrap interval.

    Args:
        difference: one figure per row, shape (n,): loss of the one less loss of the other.
        weight: sample weights; a row is drawn with its weight.
        seed: seed of the draws; the same seed gives the same interval.
        draws: number of resamples.

    Returns:
        Mean and interval in the unit of the difference.
    """
    w = ones_like(weight, difference)
    rng = np.random.default_rng(seed)
    means = np.empty(draws)
    for k in range(draws):
        picked = rng.integers(0, len(w), len(w))
        means[k] = (w[picked] * difference[picked]).sum() / w[picked].sum()
    low, high = np.quantile(means, [0.025, 0.975])
    return Interval(float((w * difference).sum() / w.sum()), float(low), float(high))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two sets of probabilities on the same rows; differences are challenger less champion.

    Attributes:
        rows: number of rows.
        defaults: number of defaults among them.
        challenger, champion: AUC of each.
        auc: difference of the AUCs, paired DeLong; above 0 is better.
        brier, log_loss: paired differences, bootstrap; below 0 is better.
        superior: one-sided p-value against "the challenger ranks no better".
    """

    rows: int
    defaults: int
    challenger: Interval
    champion: Interval
    auc: Interval
    brier: Interval
    log_loss: Interval
    superior: float

    def non_inferior(self, margin: float) -> float:
        """One-sided p-value against "the challenger ranks worse by the margin or more"; small means it does not."""
        return tail_of(self.auc.value + margin, standard_error(self.auc))

    @property
    def worse_losses(self) -> int:
        """How many of Brier score and log-loss are worse with their whole interval above 0."""
        return int(self.brier.low > 0.0) + int(self.log_loss.low > 0.0)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, ``worse_losses`` and the standard error of the AUC difference included."""
        parts = {name: getattr(self, name).as_dict() for name in ("challenger", "champion", "auc", "brier", "log_loss")}
        return parts | {
            "rows": self.rows,
            "defaults": self.defaults,
            "superior": self.superior,
            "auc_error": standard_error(self.auc),
            "worse_losses": self.worse_losses,
        }


def compare(
    y: Floats, challenger: Floats, champion: Floats, *, weight: Floats | None = None, seed: int = 1
) -> Comparison:
    """Compare two sets of probabilities on the same rows (gates G1d and G1e).

    Args:
        y: 1 for default, 0 otherwise, shape (n,).
        challenger: PD of the model that wants in, shape (n,).
        champion: PD of the model in service, or of the benchmark, shape (n,).
        weight: sample weights.
        seed: seed of the bootstrap.

    Returns:
        The paired comparison.

    Raises:
        ValueError: only one class is present.
    """
    w = ones_like(weight, y)
    difference = auc_difference(y, challenger, champion, w)
    return Comparison(
        rows=len(y),
        defaults=int((y > 0.5).sum()),
        challenger=auc(y, challenger, w),
        champion=auc(y, champion, w),
        auc=difference,
        brier=paired_bootstrap((challenger - y) ** 2 - (champion - y) ** 2, w, seed=seed),
        log_loss=paired_bootstrap(_loss(y, challenger) - _loss(y, champion), w, seed=seed + 1),
        superior=tail_of(difference.value, standard_error(difference)),
    )


def _loss(y: Floats, p: Floats) -> Floats:
    """Log-loss of each row in nats."""
    z = logit(p)
    result: Floats = np.logaddexp(0.0, z) - y * z
    return result
