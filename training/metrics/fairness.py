"""How approvals fall on groups: adverse impact ratio and equal opportunity. A report, not a verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Floats
from training.metrics.calibration import effective_count
from training.metrics.ranking import Z95, Interval, ones_like

LEAST_ROWS = 30
"""Groups with fewer rows are listed and not compared."""


def fairness(
    group: npt.NDArray[Any], approved: Bools, *, y: Floats, weight: Floats | None = None, least: int = LEAST_ROWS
) -> dict[str, Any]:
    """Approval of each group beside the group approved most often (gate G9).

    Adverse impact ratio: approval rate over that of the most approved group (four-fifths rule). Equal-opportunity gap:
    that group's approval rate among loans that did not default, less this group's.

    Args:
        group: code of each row, shape (n,); None is left out.
        approved: True where the loan would be approved, shape (n,).
        y: 1 for default, 0 otherwise, shape (n,).
        weight: sample weights.
        least: rows a group needs to be compared.

    Returns:
        ``groups`` (per group rows, approval rate, ratio and gap, both with 95 % intervals), ``reference``, ``air`` (the
        smallest ratio) and ``gap`` (the largest in absolute terms); both None with fewer than two groups to compare.
    """
    w = ones_like(weight, y)
    label = np.array([None if item is None else str(item) for item in group], dtype=object)
    parts = {}
    for code in sorted({item for item in label if item is not None}):
        at = label == code
        parts[code] = {"all": _rate(approved[at], w[at]), "good": _rate(approved[at & (y < 0.5)], w[at & (y < 0.5)])}
    rows = {code: int((label == code).sum()) for code in parts}
    compared = [code for code in parts if rows[code] >= least]
    reference = max(compared, key=lambda code: parts[code]["all"][0], default=None)
    groups = []
    for code, part in parts.items():
        entry: dict[str, Any] = {"group": code, "rows": rows[code], "approval": part["all"][0]}
        entry |= {"air": None, "gap": None}
        if reference is not None and code in compared and code != reference:
            entry["air"] = _ratio(part["all"], parts[reference]["all"]).as_dict()
            entry["gap"] = _difference(parts[reference]["good"], part["good"]).as_dict()
        groups.append(entry)
    airs = [entry["air"] for entry in groups if entry["air"] is not None]
    gaps = [entry["gap"] for entry in groups if entry["gap"] is not None]
    return {
        "groups": groups,
        "reference": reference,
        "air": min(airs, key=lambda item: float(item["value"]), default=None),
        "gap": max(gaps, key=lambda item: abs(float(item["value"])), default=None),
    }


def _rate(hit: Bools, w: Floats) -> tuple[float, float]:
    """Rate and effective size."""
    return (float((w * hit).sum() / w.sum()), effective_count(w)) if len(w) else (float("nan"), 0.0)


def _ratio(part: tuple[float, float], reference: tuple[float, float]) -> Interval:
    """Ratio of two rates with the interval of Katz et al. (1978) on the logarithm."""
    (p, n), (q, m) = part, reference
    if p <= 0.0 or q <= 0.0:
        return Interval(0.0 if q > 0.0 else 1.0, 0.0, 1.0)
    half = Z95 * float(np.sqrt((1.0 - p) / (n * p) + (1.0 - q) / (m * q)))
    return Interval(p / q, p / q * float(np.exp(-half)), p / q * float(np.exp(half)))


def _difference(first: tuple[float, float], second: tuple[float, float]) -> Interval:
    """Difference of two rates with a normal interval."""
    (p, n), (q, m) = first, second
    half = Z95 * float(np.sqrt(p * (1.0 - p) / max(n, 1.0) + q * (1.0 - q) / max(m, 1.0)))
    return Interval(p - q, p - q - half, p - q + half)
