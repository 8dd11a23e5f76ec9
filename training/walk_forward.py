"""Folds: how steady the ranking is as time goes on (G5c), ranking and calibration out of fold (G1c, G2f)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats
from eco_credit.risk.calibration import sigmoid
from training.calibrate import platt_line
from training.datasets import Tape
from training.metrics.calibration import cox
from training.metrics.ranking import Z95, Interval, auc, one_class
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


@dataclass(frozen=True)
class Folded:
    """Raw scores of in-time rows by models that have not seen their borrowers, shape (n,) each.

    Attributes:
        fold: number of the fold of each row.
        score: raw logit of the model fitted on the other folds.
    """

    fold: npt.NDArray[np.intp]
    score: Floats


def out_of_fold(tape: Tape, in_time: Rows, again: Again, *, seed: int) -> Folded | None:
    """Score every in-time row by a model fitted on the other folds; None where a fold holds one outcome only.

    Args:
        tape: labelled rows.
        in_time: rows the registered model is fitted on.
        again: fits the shape that is served on other rows; see `training.refit.refitter`.
        seed: seed of the deal of borrowers to folds.
    """
    borrowers, person = np.unique(tape.borrower[in_time].astype(str), return_inverse=True)
    fold = np.random.default_rng(seed).permutation(np.arange(len(borrowers)) % FOLDS)[person]
    y = tape.target[in_time]
    if any(one_class(y[fold == k]) for k in range(FOLDS)):
        return None
    score = np.empty(len(in_time))
    for k in range(FOLDS):
        held = fold == k
        score[held] = again(in_time[~held]).score(tape.part(in_time[held]))
    return Folded(fold, score)


def cross_validated(tape: Tape, in_time: Rows, folded: Folded | None) -> dict[str, Any]:
    """In-time AUC out of fold: every row is ranked by a model that has not seen its borrower (gate G1c).

    Args:
        tape: labelled rows.
        in_time: rows the registered model is fitted on.
        folded: their scores out of fold.

    Returns:
        ``folds`` and ``auc``: AUC with 95 % interval. Scores of different folds are not on one scale: the AUC is the
        mean over folds and its variance the mean of DeLong's over the number of folds. Empty without scores.
    """
    if folded is None:
        return {}
    parts = [(in_time[folded.fold == k], folded.score[folded.fold == k]) for k in range(FOLDS)]
    areas = [auc(tape.target[rows], score, tape.weight[rows]) for rows, score in parts]
    value = float(np.mean([area.value for area in areas]))
    half = float(np.sqrt(np.mean([(area.value - area.low) ** 2 for area in areas]) / FOLDS))
    return {"folds": FOLDS, "auc": Interval(value, value - half, min(1.0, value + half)).as_dict()}


def in_period(tape: Tape, in_time: Rows, folded: Folded | None) -> dict[str, Any]:
    """Calibration within the period of training, out of fold (gate G2f); beside it stands the one out of time (G2c).

    A row of fold k has the PD ``sigma(a + b z)``, z by the model and a, b by Platt's line of the other folds: the way
    of making PDs is tested where time did not move. ``raw`` is the model's own logit without any line.

    Args:
        tape: labelled rows.
        in_time: rows the registered model is fitted on.
        folded: their scores out of fold.

    Returns:
        ``rows``, ``defaults``, ``slope`` and ``intercept`` (slope held at 1) of Cox's recalibration with robust 95 %
        intervals, and ``raw`` with the same two. Empty without scores.
    """
    if folded is None:
        return {}
    y, w, z = tape.target[in_time], tape.weight[in_time], folded.score
    p = np.empty(len(z))
    for k in range(FOLDS):
        held = folded.fold == k
        a, b = platt_line(z[~held], y[~held], w[~held], few=False)
        p[held] = sigmoid(a + b * z[held])
    found = {name: {"slope": c.slope.as_dict(), "intercept": c.intercept.as_dict()}
             for name, c in (("line", cox(y, p, w)), ("raw", cox(y, sigmoid(z), w)))}  # fmt: skip
    return {"rows": len(y), "defaults": int(y.sum()), **found["line"], "raw": found["raw"]}


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
