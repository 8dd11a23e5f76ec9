"""What a challenger would have decided beside the champion, from two recorded columns of scores."""

from __future__ import annotations

from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from training.metrics.calibration import jeffreys_interval
from training.metrics.grades import fisher_tail


def shadow(
    champion: Floats, challenger: Floats, *, cut: float, y: Floats | None = None, latency: Floats | None = None
) -> dict[str, Any]:
    """Compare two recorded columns of PDs of the same cases (gate G11).

    Swapped in: the challenger would approve what the champion would not. Swapped out: the reverse. Where outcomes are
    known, the bad rate of the swapped-in must not be higher than that of the swapped-out (Fisher's exact test).

    Args:
        champion: PD of the model in service, shape (n,); NaN where it gave none (such a case is not approved).
        challenger: PD of the model beside it, shape (n,).
        cut: a case is approved up to this PD, ratio.
        y: 1 for default, 0 otherwise, NaN for not yet known, shape (n,); None when nothing is known yet.
        latency: time of each answer of the challenger, milliseconds, any shape (k,).

    Returns:
        ``cases``, ``agreement``, ``swap_in`` and ``swap_out`` (cases, known outcomes, bad rate with interval),
        ``worse`` (p-value of "not worse"; None without outcomes on both sides) and ``latency_p99`` (milliseconds).
    """
    old, new = champion <= cut, challenger <= cut
    known = np.full(len(champion), np.nan) if y is None else y
    swap_in, swap_out = _side(known[new & ~old]), _side(known[old & ~new])
    tested = swap_in["known"] > 0 and swap_out["known"] > 0
    return {
        "cases": len(champion),
        "agreement": float((old == new).mean()) if len(champion) else None,
        "swap_in": swap_in,
        "swap_out": swap_out,
        "worse": fisher_tail(_bad(swap_in), _bad(swap_out)) if tested else None,
        "latency_p99": float(np.quantile(latency, 0.99)) if latency is not None and len(latency) else None,
    }


def _side(y: Floats) -> dict[str, Any]:
    seen = y[~np.isnan(y)]
    bad = int((seen > 0.5).sum())
    rate = jeffreys_interval(bad, len(seen)).as_dict() if len(seen) else None
    return {"cases": len(y), "known": len(seen), "bad": bad, "bad_rate": rate}


def _bad(side: dict[str, Any]) -> tuple[float, float]:
    return side["bad"], side["known"]
