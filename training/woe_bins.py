"""Bins of a scorecard: where to cut one input, by optbinning or by our own, and the weight of evidence of each bin."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats
from training.extra import installed, library

FINEST, MOST, LEAST_SHARE = 20, 8, 0.05
"""Quantile bins to begin with, bins to end with, and the least share of the known rows in each."""
Index = npt.NDArray[np.intp]
Binning = Literal["optbinning", "own"]


def binning_of(wanted: str) -> Binning:
    """What bins a scorecard: ``auto`` takes optbinning where it is installed."""
    return "optbinning" if wanted == "auto" and installed("optbinning") else "own"


def cuts(x: Floats, y: Floats, weight: Floats, *, sign: int, binning: Binning) -> Floats:
    """Thresholds of one input, rising; bin k holds ``t[k-1] < x <= t[k]``.

    Args:
        x: known values, shape (n,).
        y: 1.0 for default, else 0.0.
        weight: sample weights.
        sign: +1 where the default rate may not fall as x rises, -1 where it may not rise, 0 for free.
        binning: who cuts.

    Returns:
        shape (bins - 1,); empty where there is nothing to cut.
    """
    if len(x) == 0 or x.min() == x.max() or y.min() == y.max():
        return np.zeros(0)
    return _by_optbinning(x, y, weight, sign) if binning == "optbinning" else _by_own(x, y, weight, sign)


def place(thresholds: Floats, x: Floats) -> Index:
    """Bin of each value; unknown has a bin of its own at the end."""
    return np.where(np.isnan(x), len(thresholds) + 1, np.searchsorted(thresholds, x, side="left"))


def evidence(bins: Index, y: Floats, weight: Floats, count: int) -> tuple[Floats, float]:
    """Weight of evidence of each bin, and the information value of the input.

    ``WOE_k = ln((b_k + s r) / B) - ln((g_k + s (1 - r)) / G)``, higher is riskier; b and g the weights of defaults and
    others in bin k, B and G their sums, r the default rate, s half a mean row, so that an empty bin says nothing.

    Args:
        bins: bin of each row, shape (n,).
        y: outcomes.
        weight: sample weights.
        count: number of bins.

    Returns:
        WOE, shape (count,), and ``IV = sum_k (b_k / B - g_k / G) WOE_k``.
    """
    bad = np.bincount(bins, weights=weight * y, minlength=count).astype(np.float64)
    good = np.bincount(bins, weights=weight * (1.0 - y), minlength=count).astype(np.float64)
    total_bad, total_good = float(bad.sum()), float(good.sum())
    if total_bad == 0.0 or total_good == 0.0:
        return np.zeros(count), 0.0  # one outcome only: no bin says anything
    rate, half = total_bad / (total_bad + total_good), 0.5 * float(weight.mean())
    woe: Floats = np.log((bad + half * rate) / total_bad) - np.log((good + half * (1.0 - rate)) / total_good)
    return woe, float(((bad / total_bad - good / total_good) * woe).sum())


def _by_optbinning(x: Floats, y: Floats, weight: Floats, sign: int) -> Floats:
    """Optimal cuts by constraint programming, monotone where a sign is declared."""
    trend = {1: "ascending", -1: "descending", 0: "auto"}[sign]
    found = library("optbinning").OptimalBinning(
        dtype="numerical", monotonic_trend=trend, max_n_prebins=FINEST, max_n_bins=MOST, min_bin_size=LEAST_SHARE
    )
    found.fit(x, y.astype(np.int64), sample_weight=weight)
    # its bins hold their lower end, ours their upper end: step to the double before
    return np.nextafter(np.asarray(found.splits, np.float64), -np.inf)


def _by_own(x: Floats, y: Floats, weight: Floats, sign: int) -> Floats:
    """Quantile bins, pooled until they run in the direction of the sign, are large enough and few enough."""
    thresholds = np.unique(np.quantile(x, np.arange(1, FINEST) / FINEST, method="inverted_cdf"))
    thresholds = thresholds[thresholds < x.max()]
    while len(thresholds):
        bins = np.searchsorted(thresholds, x, side="left")
        size = np.bincount(bins, minlength=len(thresholds) + 1)
        woe, _ = evidence(bins, y, weight, len(thresholds) + 1)
        step = np.diff(woe)
        small = np.minimum(size[:-1], size[1:]) < LEAST_SHARE * len(x)
        against = np.where(sign * step < 0.0, 1.0 + np.abs(step), 0.0)
        close = np.abs(step) if len(thresholds) >= MOST else np.full(len(step), np.inf)
        if against.max() > 0.0:
            drop = int(np.argmax(against))
        elif small.any():
            drop = int(np.argmin(np.where(small, np.abs(step), np.inf)))
        elif len(thresholds) >= MOST:
            drop = int(np.argmin(close))
        else:
            break
        thresholds = np.delete(thresholds, drop)
    return thresholds
