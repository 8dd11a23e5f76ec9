"""Back-tests of LGD and of value floors: by kind, by rank, in a downturn, by number of breaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from eco_credit.core.numbers import Bools, Floats
from training.metrics.calibration import effective_count, mean_interval
from training.metrics.losses import pinball, underestimated
from training.metrics.ranking import Z95, Interval, ones_like

CHUNK = 512
"""Rows compared with all others at a time."""


def underestimated_by(
    realised: Floats, estimate: Floats, *, weight: Floats, groups: Mapping[str, Bools], least: int = 5
) -> dict[str, dict[str, Any]]:
    """The one-sided paired t-test of LGD for each group of rows (ECB 2019, 2.6; gate G6a).

    ``t = sqrt(n) mean(realised - estimate) / s``; H0: the estimate is not too low; small p-values mean too low.

    Args:
        realised: realised LGD, shape (n,), ratio.
        estimate: estimated LGD, shape (n,), ratio.
        weight: sample weights, shape (n,).
        groups: name of a kind to its rows, shape (n,).
        least: groups with fewer rows have no p-value.

    Returns:
        Per group ``rows``, ``value`` (mean of realised less estimated, ratio), ``low``, ``high`` and ``p_value``.
    """
    found: dict[str, dict[str, Any]] = {}
    for name, at in groups.items():
        rows = int(at.sum())
        if rows < least:
            found[name] = {"rows": rows, "value": None, "low": None, "high": None, "p_value": None}
            continue
        error = mean_interval(realised[at] - estimate[at], weight[at])
        found[name] = {"rows": rows} | error.as_dict() | {
            "p_value": underestimated(realised[at], estimate[at], weight[at])
        }  # fmt: skip
    return found


def generalised_auc(realised: Floats, estimate: Floats, weight: Floats | None = None) -> Interval:
    """Share of pairs with different outcomes that the estimate puts in the right order (ECB 2019, annex 3.2).

    ``gAUC = (D + 1) / 2`` with Somers' D = (concordant - discordant) / pairs that differ in the outcome; pairs that
    tie in the estimate count half. With outcomes 0 and 1 it is the AUC. The ECB sorts LGD into 12 classes first;
    here the realised values are taken as they are. The interval is normal, from the influence of each row on D.

    Args:
        realised: realised LGD, shape (n,).
        estimate: estimated LGD, shape (n,).
        weight: sample weights; a pair counts the product of its weights.

    Returns:
        The area with its 95 % interval; NaN when all outcomes are the same.
    """
    w = ones_like(weight, realised)
    right, pairs = np.empty(len(w)), np.empty(len(w))
    for start in range(0, len(w), CHUNK):
        at = slice(start, start + CHUNK)
        way = np.sign(realised[at, None] - realised[None, :])
        mass = w[at, None] * w[None, :]
        right[at] = (mass * way * np.sign(estimate[at, None] - estimate[None, :])).sum(axis=1)
        pairs[at] = (mass * np.abs(way)).sum(axis=1)
    total = float(pairs.sum())
    if total == 0.0:
        return Interval(float("nan"), float("nan"), float("nan"))
    somers = float(right.sum()) / total
    half = Z95 * float(np.sqrt((right - somers * pairs) @ (right - somers * pairs))) / total
    area = 0.5 * (somers + 1.0)
    return Interval(area, max(0.0, area - half), min(1.0, area + half))


def segment_mean(realised: Floats, *, weight: Floats, groups: Mapping[str, Bools]) -> Floats:
    """The baseline of LGD: for each row the weighted mean of its group (of all rows outside any group), shape (n,)."""
    flat = np.full(len(realised), float(np.average(realised, weights=weight)))
    for at in groups.values():
        if at.any():
            flat[at] = np.average(realised[at], weights=weight[at])
    return flat


def downturn(stressed: Floats, long_run: Floats, *, realised: Floats, exposure: Floats) -> dict[str, float]:
    """Downturn LGD against the long-run average and against the losses of a bad period (EBA/GL/2019/03; gate G6c).

    Loss shortfall: ``1 - sum(LGD_downturn EAD) / sum(LGD_realised EAD)``; above 0 means losses were not covered.

    Args:
        stressed: downturn LGD, shape (n,), ratio.
        long_run: long-run average LGD of the same loans, shape (n,), ratio.
        realised: realised LGD of the bad period, shape (n,), ratio.
        exposure: exposure at default, shape (n,), yuan.

    Returns:
        ``least_margin`` (smallest downturn less long-run LGD), ``shortfall`` and ``rows``.
    """
    lost = float((realised * exposure).sum())
    expected = float((stressed * exposure).sum())
    shortfall = 1.0 - expected / lost if lost > 0.0 else float(np.sign(lost))
    return {"rows": len(stressed), "least_margin": float((stressed - long_run).min()), "shortfall": shortfall}


def breaches(held: Bools, level: float, *, weight: Floats | None = None) -> dict[str, float]:
    """Binomial test of how often a floor was broken (gate G7).

    ``p = P(X >= b)``, X binomial with n rows and chance ``level``; written as the regularised incomplete beta function
    ``I_level(b, n - b + 1)`` so that effective numbers need no rounding. Small means broken too often.

    Args:
        held: True where the floor held, shape (n,).
        level: chance of a breach the floor was made for, ratio.
        weight: sample weights; they enter through the effective size.

    Returns:
        ``rows``, ``breaches`` (effective number), ``share`` and ``p_value``.
    """
    from scipy.special import betainc

    w = ones_like(weight, held.astype(np.float64))
    size, share = effective_count(w), float((w * ~held).sum() / w.sum())
    broken = share * size
    chance = float(betainc(broken, size - broken + 1.0, level)) if broken > 0.0 else 1.0
    return {"rows": len(held), "breaches": broken, "share": share, "p_value": chance}


def floor_against_haircut(
    value: Floats, floor: Floats, *, haircut: float, level: float = 0.05, weight: Floats | None = None
) -> dict[str, Any]:
    """Pinball loss of a floor beside that of one fixed ratio for every loan.

    Args:
        value: realised liquidation-value ratio, shape (n,).
        floor: the floor given out, shape (n,).
        haircut: the fixed ratio, e.g. 0.5 for half of the appraisal.
        level: level of the floor.
        weight: sample weights.

    Returns:
        ``floor``, ``fixed`` and ``ratio`` of the two; below 1 the floor is better.
    """
    ours = pinball(value, floor, level, weight)
    fixed = pinball(value, np.full(len(value), haircut), level, weight)
    return {"floor": ours, "fixed": fixed, "ratio": ours / fixed if fixed > 0.0 else None}
