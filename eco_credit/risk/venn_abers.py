"""Build the Venn-Abers table of a calibration sample (used when a model is trained)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats
from eco_credit.risk.calibration import VennAbers


def fit_venn_abers(scores: npt.ArrayLike, labels: npt.ArrayLike) -> VennAbers:
    """Tabulate ``p0`` and ``p1`` for every place a new score can take among the calibration scores.

    The isotonic regression at one point is ``max over a <= point of min over b >= point of
    mean(a..b)``; the extremes are attained on the lower convex hulls of the cumulative sums left and
    right of the point, so only the corners of two hulls are compared.

    Args:
        scores: raw scores of the calibration sample, shape (n,), finite, n >= 1.
        labels: 1.0 for a default and 0.0 for none, shape (n,).

    Returns:
        The table, with K the number of distinct scores.

    Raises:
        ValueError: no rows, shapes that differ, or a score that is not finite.

    Example:
        >>> table = fit_venn_abers([0.0, 1.0], [0.0, 1.0])
        >>> [p.tolist() for p in table.interval(np.array([0.5, 2.0]))]
        [[0.0, 0.5], [1.0, 1.0]]
    """
    z, y = np.asarray(scores, np.float64), np.asarray(labels, np.float64)
    if z.shape != y.shape or z.ndim != 1 or not len(z) or not np.isfinite(z).all():
        raise ValueError("scores and labels must be finite columns of one length, at least one row")
    distinct, place = np.unique(z, return_inverse=True)
    weight: Floats = np.bincount(place).astype(np.float64)
    bad: Floats = np.bincount(place, weights=y).astype(np.float64)
    # seen from the far end the curve is turned by half a circle: its lower hull becomes the upper one
    right = [hull * (1.0, -1.0) for hull in _left_hulls(weight[::-1], -bad[::-1])]
    left = _left_hulls(weight, bad)
    spots = range(2 * len(distinct) + 1)
    ends = [[_value((left, right), weight, bad, spot, label) for spot in spots] for label in (0, 1)]
    # rounding can break order or cross the ends in the last bit
    p0, p1 = (np.maximum.accumulate(np.clip(np.array(values), 0.0, 1.0)) for values in ends)
    return VennAbers(distinct, np.minimum(p0, p1), p1)


def _left_hulls(weight: Floats, bad: Floats) -> list[Floats]:
    """Corners (weight, sum) of the lower hull of the first k groups, counted back from the k-th, for k = 0..K."""
    x, y = np.concatenate([[0.0], np.cumsum(weight)]), np.concatenate([[0.0], np.cumsum(bad)])
    hulls, stack = [np.zeros((1, 2))], [0]
    for k in range(1, len(x)):
        while len(stack) > 1 and _turns(x, y, stack[-2], stack[-1], k):
            stack.pop()
        stack.append(k)
        hulls.append(np.column_stack([x[k] - x[stack], y[k] - y[stack]]))
    return hulls


def _turns(x: Floats, y: Floats, a: int, b: int, c: int) -> bool:
    """True where b lies on or above the line from a to c and so is no corner of the hull."""
    return bool((y[b] - y[a]) * (x[c] - x[a]) >= (y[c] - y[a]) * (x[b] - x[a]))


def _value(hulls: tuple[list[Floats], list[Floats]], weight: Floats, bad: Floats, spot: int, label: int) -> float:
    """Isotonic value at one place: even places lie between distinct scores, odd ones on a score."""
    group, tied = divmod(spot, 2)
    middle_weight = 1.0 + (weight[group] if tied else 0.0)
    middle_bad = label + (bad[group] if tied else 0.0)
    before = hulls[0][group]
    after = hulls[1][len(weight) - group - tied]
    total = before[:, None, 1] + after[None, :, 1] + middle_bad
    mean = total / (before[:, None, 0] + after[None, :, 0] + middle_weight)
    return float(mean.min(axis=1).max())
