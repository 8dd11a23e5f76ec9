"""Performance before labels mature: what calibrated probabilities themselves promise.

Confidence-based performance estimation (CBPE) takes each calibrated probability at its word. It sees
a changed mix of borrowers; it cannot see a changed relation between borrower and default.
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from training.metrics.ranking import Z95, Interval, below, ones_like


def expected_auc(p: Floats, weight: Floats | None = None) -> Interval:
    """AUC that is expected when every row defaults with its own probability, each independently.

    ``A = sum_{i != j} w_i p_i w_j (1 - p_j) h(p_i, p_j) / sum_{i != j} w_i p_i w_j (1 - p_j)`` with ``h`` 1 where
    ``p_i > p_j``, 1/2 where they are equal. A row is never compared with itself: it cannot both default and not.

    Args:
        p: calibrated probabilities, ratio, shape (n,); the rows are ranked by them.
        weight: sample weights, shape (n,).

    Returns:
        The expected AUC with the 95 % range a realised AUC of these rows would fall in: DeLong's variance with
        ``w p`` and ``w (1 - p)`` in place of the two classes.

    Raises:
        ValueError: fewer than two rows, or probabilities that leave no default or no non-default to expect.

    Example:
        >>> round(expected_auc(np.array([0.8, 0.2])).value, 6)  # 0.8 * 0.8 / (0.8 * 0.8 + 0.2 * 0.2)
        0.941176
    """
    w = ones_like(weight, p)
    bad, good = w * p, w * (1.0 - p)
    own = bad * good
    pairs = float(bad.sum() * good.sum() - own.sum())
    if len(p) < 2 or not pairs > 0.0:
        raise ValueError("an expected AUC needs rows that may default and rows that may not")
    over = below(p, good, p)
    value = float(((bad * over).sum() * good.sum() - 0.5 * own.sum()) / pairs)
    under = 1.0 - below(p, bad, p)
    variance = _part(over, bad, w * bad) + _part(under, good, w * good)
    half = Z95 * float(np.sqrt(variance))
    return Interval(value, max(0.0, value - half), min(1.0, value + half))


def grouped_auc(p: Floats, count: Floats) -> float:
    """Expected AUC of groups that are told apart by their mean probability alone, such as grades.

    ``sum_{g, h} n_g p_g n_h (1 - p_h) h(p_g, p_h) / (sum n p sum n (1 - p))``, ``h`` as in `expected_auc`. Coarser
    than rows, so it is compared with nothing but the same of another day.

    Args:
        p: mean probability of each group, ratio, shape (k,).
        count: rows or weight of each group, shape (k,).

    Example:
        >>> round(grouped_auc(np.array([0.8, 0.2]), np.array([1.0, 1.0])), 3)  # (0.64 + 0.16 / 2 + 0.16 / 2) / 1
        0.8
    """
    bad = count * p
    return float((bad * below(p, count * (1.0 - p), p)).sum() / bad.sum())


def _part(placed: Floats, mass: Floats, square: Floats) -> float:
    """Variance of one side's mean placement: ``sum w m d^2 / (sum m)^2``, ``m`` the expected count of a row."""
    mean = float((mass * placed).sum() / mass.sum())
    return float((square * (placed - mean) ** 2).sum() / mass.sum() ** 2)


def expected_rate(p: Floats, weight: Floats | None = None) -> Interval:
    """Default rate that is expected: ``sum w p / sum w``, with the 95 % range of a realised rate.

    Half width ``1.96 sqrt(sum w^2 p (1 - p)) / sum w``: independent defaults, so the range is too narrow where
    weather or prices move many borrowers at once.

    Args:
        p: calibrated probabilities, ratio, shape (n,).
        weight: sample weights, shape (n,).

    Example:
        >>> found = expected_rate(np.full(100, 0.1))
        >>> round(found.value, 3), round(found.high, 4)  # 0.1 + 1.96 * sqrt(0.09 / 100)
        (0.1, 0.1588)
    """
    w = ones_like(weight, p)
    total = float(w.sum())
    value = float((w * p).sum()) / total
    half = Z95 * float(np.sqrt((w * w * p * (1.0 - p)).sum())) / total
    return Interval(value, max(0.0, value - half), min(1.0, value + half))
