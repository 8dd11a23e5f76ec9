"""Whether a population moved: the population stability index and its statistical limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats
from training.metrics.calibration import effective_count
from training.metrics.ranking import ones_like

EMPTY = 1e-4
"""Share given to an empty bin so that its logarithm exists."""


@dataclass(frozen=True, slots=True)
class Psi:
    """A population stability index with the limit chance alone would reach.

    Attributes:
        value: ``sum (q - p) ln(q / p)``.
        limit: ``chi2(B - 1; 0.95) (1/N + 1/M)`` (Yurdakul 2018): above it chance is no excuse.
        bins: number of bins B.
    """

    value: float
    limit: float
    bins: int

    def as_dict(self) -> dict[str, float]:
        """Plain data."""
        return asdict(self)


def edges_of(reference: Floats, weight: Floats | None = None, bins: int = 10) -> Floats:
    """Inner edges at the weighted quantiles of the known reference values, repeats dropped."""
    w = ones_like(weight, reference)
    known = ~np.isnan(reference)
    values, w = reference[known], w[known]
    order = np.argsort(values, kind="stable")
    share = np.cumsum(w[order]) / w.sum() if len(values) else np.zeros(0)
    at = np.searchsorted(share, np.arange(1, bins) / bins)
    return np.unique(values[order][np.minimum(at, len(values) - 1)]) if len(values) else np.zeros(0)


def shares(values: Floats, edges: Floats, weight: Floats) -> Floats:
    """Weight share per bin ``(edge, edge]``, missing last; bins that are empty get `EMPTY`."""
    group = np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values, side="left"))
    counted = np.bincount(group, weights=weight, minlength=len(edges) + 2).astype(np.float64)
    return counted / float(counted.sum())


def word_shares(words: npt.NDArray[np.object_], weight: Floats) -> dict[str, float]:
    """Weight share of each word, shape (n,), by name; a row without a word counts in the whole and in no share.

    Example:
        >>> word_shares(np.array(["b", "a", "a", None], dtype=object), np.ones(4))
        {'a': 0.5, 'b': 0.25}
    """
    known = sorted({str(word) for word in words.tolist() if word is not None})
    return {word: float((weight * (words == word)).sum() / weight.sum()) for word in known}


def psi(
    reference: Floats, current: Floats, *, weights: tuple[Floats | None, Floats | None] = (None, None), bins: int = 10
) -> Psi:
    """Population stability index of one column.

    Args:
        reference: values at training, shape (n,), NaN is a bin of its own.
        current: values now, shape (m,).
        weights: sample weights of both sides.
        bins: bins by quantile of the reference.

    Returns:
        The index with its limit.
    """
    return psi_against(kept(reference, weights[0], bins), current, weights[1])


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a reference population: bin edges, weight shares, effective size."""

    edges: Floats
    shares: Floats
    size: float

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as read by `Kept.parse`."""
        return {"edges": self.edges.tolist(), "shares": self.shares.tolist(), "size": self.size}

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Kept:
        """Read what `as_dict` wrote."""
        return cls(np.array(data["edges"], np.float64), np.array(data["shares"], np.float64), float(data["size"]))


def kept(reference: Floats, weight: Floats | None = None, bins: int = 10) -> Kept:
    """Reduce a reference population to its bins."""
    w = ones_like(weight, reference)
    edges = edges_of(reference, w, bins)
    return Kept(edges, shares(reference, edges, w), effective_count(w))


def psi_against(reference: Kept, current: Floats, weight: Floats | None = None) -> Psi:
    """Stability index of current values against a kept reference population."""
    from scipy.stats import chi2

    w = ones_like(weight, current)
    before, now = reference.shares, shares(current, reference.edges, w)
    used = (before > 0.0) | (now > 0.0)
    before, now = np.maximum(before[used], EMPTY), np.maximum(now[used], EMPTY)
    noise = 1.0 / reference.size + 1.0 / effective_count(w)
    limit = float(chi2.ppf(0.95, max(int(used.sum()) - 1, 1)) * noise)
    return Psi(float(((now - before) * np.log(now / before)).sum()), limit, int(used.sum()))
