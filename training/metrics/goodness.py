"""Tests that probabilities fit: Spiegelhalter's z, Hosmer and Lemeshow's statistic, ECE with its interval."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from eco_credit.core.numbers import Floats
from training.metrics.calibration import effective_count, expected_calibration_error
from training.metrics.ranking import Interval, ones_like

DRAWS = 200
"""Bootstrap draws of the calibration error."""


def spiegelhalter(y: Floats, p: Floats, weight: Floats | None = None) -> float:
    """Spiegelhalter's (1986) z: does the Brier score differ from what the probabilities promise (gate G2d).

    ``z = sum w (y - p)(1 - 2p) / sqrt(sum w^2 (1 - 2p)^2 p (1 - p))``

    Args:
        y: 1 for default, 0 otherwise, shape (n,).
        p: probabilities, shape (n,).
        weight: sample weights.

    Returns:
        Standard normal when the probabilities are right; above 0 means a Brier score worse than promised; NaN when
        every p is 0, 1/2 or 1, where the test has no power at all.

    Example:
        >>> # one row, p = 1/4, default: (3/4)(1/2) / ((1/2) sqrt(3/16)) = sqrt(3)
        >>> round(spiegelhalter(np.array([1.0]), np.array([0.25])), 9)
        1.732050808
    """
    w = ones_like(weight, y)
    tilt = 1.0 - 2.0 * p
    spread = float((w**2 * tilt**2 * p * (1.0 - p)).sum())
    return float((w * (y - p) * tilt).sum()) / spread**0.5 if spread > 0.0 else float("nan")


@dataclass(frozen=True, slots=True)
class HosmerLemeshow:
    """The statistic, its degrees of freedom (groups, as the rows were not fitted on) and the upper tail."""

    statistic: float
    groups: int
    p_value: float

    def as_dict(self) -> dict[str, float]:
        """Plain data."""
        return asdict(self)


def groups_of(p: Floats, weight: Floats, bins: int) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    """Bin of each row, by quantile of p, bins of equal weight; shape (n,)."""
    order = np.argsort(p, kind="stable")
    share = (np.cumsum(weight[order]) - 0.5 * weight[order]) / weight.sum()
    group = np.empty(len(p), np.intp)
    group[order] = np.minimum((share * bins).astype(np.intp), bins - 1)
    return group


def hosmer_lemeshow(y: Floats, p: Floats, weight: Floats | None = None, *, bins: int = 10) -> HosmerLemeshow:
    """Hosmer and Lemeshow's statistic; reported, never a gate, because any model fails it with enough rows.

    ``sum_g (O_g - E_g)^2 / (E_g (1 - E_g / n_g))`` over groups by quantile of p; chi-squared with as many degrees of
    freedom as groups, because these rows did not fit the model. Weights enter through the effective size.

    Args:
        y: 1 for default, 0 otherwise, shape (n,).
        p: probabilities, shape (n,).
        weight: sample weights.
        bins: groups asked for; empty ones are dropped.

    Returns:
        Statistic, groups and p-value.
    """
    from scipy.stats import chi2

    w = ones_like(weight, y)
    scaled = w * effective_count(w) / w.sum()
    group = groups_of(p, w, bins)
    size, seen, meant = (np.bincount(group, weights=scaled * part, minlength=bins) for part in (np.ones(len(y)), y, p))
    used = size > 0.0
    spread = meant[used] * (1.0 - meant[used] / size[used])
    total = float(((seen[used] - meant[used]) ** 2 / np.maximum(spread, 1e-12)).sum())
    return HosmerLemeshow(total, int(used.sum()), float(chi2.sf(total, int(used.sum()))))


def ece_interval(y: Floats, p: Floats, weight: Floats | None = None, *, bins: int = 10, seed: int = 1) -> Interval:
    """Expected calibration error with a 95 % percentile bootstrap interval (gate G2e).

    The error is a sum of absolute values and therefore above 0 even for perfect probabilities, in a resample more so:
    the interval leans upwards, by about the noise of a bin.

    Args:
        y: 1 for default, 0 otherwise, shape (n,).
        p: probabilities, shape (n,).
        weight: sample weights.
        bins: bins of equal weight.
        seed: seed of the draws.

    Returns:
        Error and interval, ratio.
    """
    w = ones_like(weight, y)
    rng = np.random.default_rng(seed)
    errors = np.empty(DRAWS)
    for k in range(DRAWS):
        i = rng.integers(0, len(y), len(y))
        errors[k] = expected_calibration_error(y[i], p[i], w[i], bins)
    low, high = np.quantile(errors, [0.025, 0.975])
    value = expected_calibration_error(y, p, w, bins)
    return Interval(value, float(min(low, value)), float(max(high, value)))
