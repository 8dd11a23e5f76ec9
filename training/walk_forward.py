"""Walk-forward folds: how steady the ranking is as time goes on (gate G5c)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from training.datasets import Tape
from training.metrics.ranking import Z95, Interval, auc
from training.refit import Again
from training.split import Rows

LEAST_DEFAULTS = 5
WORKERS = 2
FOLDS = 5


def walk_forward(tape: Tape, in_time: Rows, again: Again, *, origins: int) -> dict[str, Any]:
    """Refit on ever longer pasts and rank the period that follows each.

    Folds are independent and run in parallel threads (joblib); each fit is one thread with the same seed, so neither
    their order nor their number of workers changes a figure.

    Args:
        tape: labelled rows.
        in_time: rows the registered model is fitted on; the out-of-time window is not touched.
        again: fits the shape that is served on other rows; see `training.refit.refitter`.
        origins: number of folds; the in-time rows are cut into ``origins + 1`` periods of equal size.

    Returns:
        ``folds`` with first day, rows, defaults and AUC with DeLong's 95 % interval; ``origins``, ``mean``, ``sd`` and
        ``worst`` over them, and ``noise``, the deviation that the size of the folds alone would give (root mean square
        of their standard errors). Empty when no fold has five defaults on both sides.
    """
    from joblib import Parallel, delayed

    if origins == 0:
        return {}
    jobs = forward_folds(tape, in_time, origins)
    run = Parallel(n_jobs=WORKERS, prefer="threads")
    folds = run(delayed(_fold)(tape, past, period, again=again) for past, period in jobs)
    areas = np.array([fold["auc"] for fold in folds])
    if not len(areas):
        return {}
    errors = np.array([(fold["auc"] - fold["low"]) / Z95 for fold in folds])
    return {
        "folds": folds,
        "origins": len(folds),
        "mean": float(areas.mean()),
        "sd": float(areas.std()),
        "worst": float(areas.min()),
        "noise": float(np.sqrt(np.mean(errors**2))),
    }


def cross_validated(tape: Tape, in_time: Rows, again: Again, *, seed: int) -> dict[str, Any]:
    """In-time AUC out of fold: every row is ranked by a model that has not seen its borrower (gate G1c).

    Args:
        tape: labelled rows.
        in_time: rows the registered model is fitted on.
        again: fits the shape that is served on other rows; see `training.refit.refitter`.
        seed: seed of the deal of borrowers to folds.

    Returns:
        ``folds`` and ``auc``: AUC with 95 % interval. Scores of different folds are not on one scale: the AUC is the
        mean over folds and its variance the mean of DeLong's over the number of folds. Empty when a fold has no
        default or nothing else.
    """
    borrowers, person = np.unique(tape.borrower[in_time].astype(str), return_inverse=True)
    fold_of = np.random.default_rng(seed).permutation(np.arange(len(borrowers)) % FOLDS)[person]
    areas = []
    for fold in range(FOLDS):
        held, rest = in_time[fold_of == fold], in_time[fold_of != fold]
        y = tape.target[held]
        if not len(y) or y.min() == y.max():
            return {}
        areas.append(auc(y, again(rest).score(tape.part(held)), tape.weight[held]))
    value = float(np.mean([area.value for area in areas]))
    half = float(np.sqrt(np.mean([(area.value - area.low) ** 2 for area in areas]) / FOLDS))
    return {"folds": FOLDS, "auc": Interval(value, value - half, min(1.0, value + half)).as_dict()}


def overfit(in_time: Mapping[str, float], out_of_time: Mapping[str, float]) -> dict[str, float]:
    """AUC in time less AUC out of time with its 95 % interval; the rows are different, so the errors add up.

    Args:
        in_time: ``value`` and ``low`` of the cross-validated AUC.
        out_of_time: the same out of time.

    Example:
        >>> found = overfit({"value": 0.80, "low": 0.77}, {"value": 0.75, "low": 0.71})
        >>> round(found["value"], 6), round(found["high"] - found["value"], 6)  # sqrt(0.03^2 + 0.04^2)
        (0.05, 0.05)
    """
    value = in_time["value"] - out_of_time["value"]
    half = float(np.hypot(in_time["value"] - in_time["low"], out_of_time["value"] - out_of_time["low"]))
    return Interval(value, value - half, value + half).as_dict()


def forward_folds(tape: Tape, in_time: Rows, origins: int) -> list[tuple[Rows, Rows]]:
    """Pairs of a past and the period after it; a borrower of the past is left out of the period.

    Args:
        tape: labelled rows.
        in_time: rows to cut into ``origins + 1`` periods of equal size, by day of origination.
        origins: number of folds.

    Returns:
        Row numbers of past and period per fold; a fold without five defaults on both sides is left out.
    """
    ordered = in_time[np.argsort(tape.origination[in_time], kind="stable")]
    periods = np.array_split(ordered, origins + 1)
    folds = []
    for k in range(origins):
        past = np.sort(np.concatenate(periods[: k + 1]))
        known = set(tape.borrower[past].tolist())
        new = np.array([who not in known for who in tape.borrower[periods[k + 1]].tolist()], dtype=bool)
        folds.append((past, periods[k + 1][new]))
    return [(past, period) for past, period in folds if _enough(tape, past, period)]


def _enough(tape: Tape, past: Rows, period: Rows) -> bool:
    return all(tape.target[rows].sum() >= LEAST_DEFAULTS for rows in (past, period))


def _fold(tape: Tape, past: Rows, period: Rows, *, again: Again) -> dict[str, Any]:
    """Fit on the past, rank the period after it."""
    table = again(past)
    y, w = tape.target[period], tape.weight[period]
    area = auc(y, table.score(tape.part(period)), w)
    first = str(tape.origination[period].min())
    found = {"from": first, "rows": len(period), "defaults": int(y.sum()), "auc": area.value}
    return found | {"low": area.low, "high": area.high}
