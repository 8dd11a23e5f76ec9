"""Points of the curves a validation report draws: groups of rows, never a row.

Every point stands for at least `LEAST` rows and a curve has at most `MOST` points, so that a printed
report carries no loan of anybody.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Floats
from training.metrics import calibration, losses
from training.metrics.calibration import effective_count, jeffreys_interval

MOST = 200
"""Most points of a curve."""
LEAST = 5
"""Fewest rows behind a point."""

Groups = npt.NDArray[np.intp]


def groups_of(values: Floats, weight: Floats, most: int) -> Groups:
    """Group rows by quantile of a value, lowest first.

    Args:
        values: shape (n,); equal values stay together.
        weight: sample weights, shape (n,).
        most: most groups.

    Returns:
        Group of each row, shape (n,), numbered from 0; every group has at least `LEAST` rows (one group when there
        are fewer in all).

    Example:
        >>> groups_of(np.arange(12.0), np.ones(12), 10).tolist()
        [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1]
    """
    _, position, rows = np.unique(values, return_inverse=True, return_counts=True)
    mass = np.bincount(position, weights=weight) if len(values) else np.zeros(0)
    share, group = float(mass.sum()) / most, np.empty(len(rows), np.intp)
    current, held, heavy = 0, 0, 0.0
    for place, (count, part) in enumerate(zip(rows.tolist(), mass.tolist(), strict=True)):
        if held >= LEAST and heavy >= share * (1.0 - 1e-9):
            current, held, heavy = current + 1, 0, 0.0
        group[place] = current
        held, heavy = held + count, heavy + part
    if 0 < held < LEAST and current > 0:  # what is left over joins the group before it
        group[group == current] = current - 1
    found: Groups = group[position]
    return found


def roc(y: Floats, p: Floats, weight: Floats, most: int = MOST) -> dict[str, list[float]]:
    """Points of the ROC curve, riskiest rows first.

    Args:
        y: 1 for default, 0 otherwise, shape (n,).
        p: higher means riskier, shape (n,).
        weight: sample weights, shape (n,).
        most: most points, the corner at zero included.

    Returns:
        ``fpr``, ``tpr`` and ``low``, ``high``: Jeffreys' 95 % interval of the share of defaults found at each point,
        at the effective number of defaults.
    """
    bad, good = _counted(y, p, weight, most - 1)
    size = effective_count(weight[y > 0.5])
    ends = [jeffreys_interval(share * size, size) for share in bad.tolist()]
    return {"fpr": good.tolist(), "tpr": bad.tolist(), "low": [e.low for e in ends], "high": [e.high for e in ends]}


def ks(y: Floats, p: Floats, weight: Floats, most: int = MOST) -> dict[str, Any]:
    """Shares of defaults and of other loans found among the riskiest part of all loans.

    Returns:
        ``share`` of all loans, ``bad`` and ``good`` found in it, and ``at``: the share where they are farthest apart.
    """
    bad, good = _counted(y, p, weight, most - 1)
    rate = float((weight * y).sum() / weight.sum())
    share = rate * bad + (1.0 - rate) * good
    at = float(share[int(np.argmax(np.abs(bad - good)))])
    return {"share": share.tolist(), "bad": bad.tolist(), "good": good.tolist(), "at": at}


def _counted(y: Floats, p: Floats, weight: Floats, most: int) -> tuple[Floats, Floats]:
    """Cumulated shares of defaults and of the others by group, riskiest first, from zero to one."""
    group = groups_of(-p, weight, most)
    bad = np.bincount(group, weights=weight * (y > 0.5)).cumsum()
    good = np.bincount(group, weights=weight * (y <= 0.5)).cumsum()
    return np.concatenate([[0.0], bad / bad[-1]]), np.concatenate([[0.0], good / good[-1]])


def reliability(y: Floats, p: Floats, weight: Floats, bins: int = 10) -> list[dict[str, float]]:
    """Estimated against observed default rate in bins by quantile of the estimate.

    Returns:
        One entry a bin: mean ``pd``, observed ``rate`` with Jeffreys' 95 % interval ``low`` to ``high`` at the
        effective size, ``rows`` and ``defaults``.
    """
    group, found = groups_of(p, weight, bins), []
    for place in range(int(group.max(initial=-1)) + 1):
        at = group == place
        w, hit = weight[at], y[at]
        size, rate = effective_count(w), float((w * hit).sum() / w.sum())
        ends = jeffreys_interval(rate * size, size)
        mean = float((w * p[at]).sum() / w.sum())
        found.append({"pd": mean, "rate": rate, "low": ends.low, "high": ends.high, "rows": int(at.sum()),
                      "defaults": int(hit.sum())})  # fmt: skip
    return found


def cox_line(y: Floats, p: Floats, weight: Floats) -> dict[str, float]:
    """Cox' recalibration ``logit(rate) = a + b logit(p)``, both fitted together: ``intercept`` a and ``slope`` b.

    The intercept of `training.metrics.calibration.cox` holds the slope at 1 and is another number.
    """
    z = calibration.logit(p)
    both, _ = calibration.logistic_fit(np.column_stack([np.ones_like(z), z]), y, weight)
    return {"intercept": float(both[0]), "slope": float(both[1])}


def loss_bins(realised: Floats, estimate: Floats, weight: Floats, bins: int = 5) -> list[dict[str, float]]:
    """Estimated against realised LGD in bins by quantile of the estimate, with the interval of the mean."""
    group, found = groups_of(estimate, weight, bins), []
    for place in range(int(group.max(initial=-1)) + 1):
        at = group == place
        mean = calibration.mean_interval(realised[at], weight[at])
        guess = float(np.average(estimate[at], weights=weight[at]))
        found.append({"lgd": guess, "realised": mean.value, "low": mean.low, "high": mean.high, "rows": int(at.sum())})
    return found


def floor_bins(held: Bools, floor: Floats, weight: Floats, bins: int = 5) -> list[dict[str, float]]:
    """How often the value floor held, in bins by quantile of the floor."""
    group, found = groups_of(floor, weight, bins), []
    for place in range(int(group.max(initial=-1)) + 1):
        at = group == place
        share = losses.coverage(held[at], weight[at])
        mean = float(np.average(floor[at], weights=weight[at]))
        found.append({"floor": mean, "held": share.value, "low": share.low, "high": share.high, "rows": int(at.sum())})
    return found


def grade_ends(grade: npt.NDArray[np.object_], y: Floats, weight: Floats) -> dict[str, dict[str, float]]:
    """Jeffreys' 95 % interval of the default rate of each grade, at its effective size: ``low`` and ``high``."""
    found = {}
    for code in sorted({str(one) for one in grade if one is not None}):
        at = grade == code
        size = effective_count(weight[at])
        ends = jeffreys_interval(float(np.average(y[at], weights=weight[at])) * size, size)
        found[code] = {"low": ends.low, "high": ends.high}
    return found
