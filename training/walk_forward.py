"""Walk-forward folds: how steady the ranking is as time goes on (gate G5c)."""

from __future__ import annotations

from typing import Any

import numpy as np

from training.collapse import collapse
from training.datasets import Tape
from training.fit_pd import dataset, parameters
from training.metrics.ranking import auc
from training.plan import PdFit
from training.split import Rows

LEAST_DEFAULTS = 5
WORKERS = 2


def walk_forward(tape: Tape, in_time: Rows, fit: PdFit, *, rounds: int, origins: int, seed: int) -> dict[str, Any]:
    """Refit on ever longer pasts and rank the period that follows each.

    Folds are independent and run in parallel threads (joblib); each is one thread of LightGBM with the
    same seed, so neither their order nor their number of workers changes a figure.

    Args:
        tape: labelled rows.
        in_time: rows the registered model is fitted on; the out-of-time window is not touched.
        fit: parameters of the PD model.
        rounds: trees of the registered model.
        origins: number of folds; the in-time rows are cut into ``origins + 1`` periods of equal size.
        seed: seed of LightGBM.

    Returns:
        ``folds`` with first day, rows, defaults and AUC; ``mean``, ``sd`` and ``worst`` over them. Empty
        when no fold has five defaults on both sides.
    """
    from joblib import Parallel, delayed

    if origins == 0:
        return {}
    ordered = in_time[np.argsort(tape.origination[in_time], kind="stable")]
    periods = np.array_split(ordered, origins + 1)
    pasts = [np.sort(np.concatenate(periods[: k + 1])) for k in range(origins)]
    jobs = [(past, period) for past, period in zip(pasts, periods[1:], strict=True) if _enough(tape, past, period)]
    run = Parallel(n_jobs=WORKERS, prefer="threads")
    folds = run(delayed(_fold)(tape, past, period, fit=fit, training=(rounds, seed)) for past, period in jobs)
    areas = np.array([fold["auc"] for fold in folds])
    if not len(areas):
        return {}
    return {"folds": folds, "mean": float(areas.mean()), "sd": float(areas.std()), "worst": float(areas.min())}


def _enough(tape: Tape, past: Rows, period: Rows) -> bool:
    return all(tape.target[rows].sum() >= LEAST_DEFAULTS for rows in (past, period))


def _fold(tape: Tape, past: Rows, period: Rows, *, fit: PdFit, training: tuple[int, int]) -> dict[str, Any]:
    """Fit on the past, rank the period after it."""
    import lightgbm as lgb

    rounds, seed = training
    chosen = parameters(fit, [item.monotone for item in tape.inputs], seed)
    table = collapse(lgb.train(chosen, dataset(tape, past), rounds).dump_model())
    y, w = tape.target[period], tape.weight[period]
    area = auc(y, table.score(tape.part(period)), w).value
    first = str(tape.origination[period].min())
    return {"from": first, "rows": len(period), "defaults": int(y.sum()), "auc": area}
