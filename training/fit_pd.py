"""Fit the PD model: shallow LightGBM, monotone by contract, collapsed into tables and proved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats, where_known
from eco_credit.risk.tables import TableModel
from training.collapse import collapse
from training.datasets import Input, Tape
from training.plan import PdFit
from training.proof import MonotoneProof, prove
from training.purify import purify
from training.split import Rows, Windows

QUIET: dict[str, Any] = {
    "verbose": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
    "monotone_constraints_method": "basic",
}
"""One thread and fixed choices: the same data and seed give the same model text on one platform."""


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    Attributes:
        table: the purified tables.
        text: LightGBM's own text of the booster, kept for audit; never parsed when serving.
        gain: input to its share of the gain.
        rounds: trees.
        proof: the proof of its signs.
        collapse_error: largest difference between tables and booster over the training rows.
    """

    table: TableModel
    text: str
    gain: Mapping[str, float]
    rounds: int
    proof: MonotoneProof
    collapse_error: float


def fit_pd(tape: Tape, windows: Windows, fit: PdFit, *, seed: int) -> Fitted:
    """Find the number of trees on the last in-time vintage, then fit on all in-time rows.

    Args:
        tape: labelled rows.
        windows: the split.
        fit: parameters.
        seed: seed of LightGBM.

    Returns:
        The model on the logit of the PD.
    """
    import lightgbm as lgb

    chosen = parameters(fit, [item.monotone for item in tape.inputs], seed)
    grow, watch = dataset(tape, windows.train), dataset(tape, windows.stop)
    stopped = lgb.train(
        chosen, grow, fit.rounds, valid_sets=[watch], callbacks=[lgb.early_stopping(fit.patience, verbose=False)]
    )
    rounds = max(int(stopped.best_iteration), 10)
    booster = lgb.train(chosen, dataset(tape, windows.in_time), rounds)
    return as_tables(booster, tape, windows.in_time)


def parameters(fit: PdFit, signs: Sequence[int], seed: int) -> dict[str, Any]:
    """LightGBM parameters: no class weights and no resampling, as both destroy calibration."""
    return QUIET | {
        "objective": "binary",
        "max_depth": fit.depth,
        "num_leaves": 2**fit.depth,
        "learning_rate": fit.learning_rate,
        "min_data_in_leaf": fit.min_rows,
        "lambda_l2": fit.l2,
        "max_bin": fit.max_bin,
        "feature_fraction": fit.feature_fraction,
        "monotone_constraints": list(signs),
        "seed": seed % 2**31,
    }


def dataset(tape: Tape, rows: Rows) -> Any:
    """A LightGBM data set of some rows, with weights."""
    import lightgbm as lgb

    return lgb.Dataset(tape.matrix(rows), tape.target[rows], weight=tape.weight[rows], feature_name=list(tape.names))


def as_tables(booster: Any, tape: Tape, rows: Rows) -> Fitted:
    """Collapse and purify a booster, prove its signs, and measure what the collapse costs."""
    raw = collapse(booster.dump_model())
    inputs = tape.part(rows)
    table = purify(raw, inputs, tape.weight[rows])
    gains = np.asarray(booster.feature_importance("gain"), np.float64)
    share = gains / gains.sum() if gains.sum() > 0.0 else np.full(len(gains), 1.0 / len(gains))
    error = np.abs(table.score(inputs) - booster.predict(tape.matrix(rows), raw_score=True)).max(initial=0.0)
    return Fitted(
        table=table,
        text=booster.model_to_string(),
        gain=dict(zip(tape.names, share.tolist(), strict=True)),
        rounds=booster.current_iteration(),
        proof=prove(table, {item.name: item.monotone for item in tape.inputs}),
        collapse_error=float(error),
    )


def benchmark(tape: Tape, windows: Windows, *, seed: int) -> Floats:
    """PD of a plain logistic regression beside the model, for the complexity gate (G1e).

    Unknown values become the training median with a flag of their own; inputs are clipped to the
    1 % and 99 % quantile of training and standardised.

    Returns:
        PD of every row of the tape, shape (n,).
    """
    from sklearn.linear_model import LogisticRegression

    x = encoded(tape, windows.in_time)
    model = LogisticRegression(C=0.1, max_iter=2_000, tol=1e-6, random_state=seed % 2**31)
    rows = windows.in_time
    model.fit(x[rows], tape.target[rows], sample_weight=tape.weight[rows] / tape.weight[rows].mean())
    result: Floats = model.predict_proba(x)[:, 1]
    return result


def encoded(tape: Tape, rows: Rows) -> Floats:
    """The design matrix of the benchmark: standardised inputs and flags of missing, shape (n, k)."""
    parts = []
    for name in tape.names:
        values = np.asarray(tape.columns[name], np.float64)
        known = values[rows][~np.isnan(values[rows])]
        low, middle, high = np.quantile(known, [0.01, 0.5, 0.99]) if len(known) else (0.0, 0.0, 1.0)
        clipped = np.clip(where_known(values, middle), low, high)
        spread = clipped[rows].std()
        parts.append((clipped - clipped[rows].mean()) / (spread if spread > 0.0 else 1.0))
        missing = np.isnan(values).astype(np.float64)
        if 0.01 < missing[rows].mean() < 0.99:
            parts.append(missing)
    return np.column_stack(parts)


def signs(inputs: Sequence[Input]) -> dict[str, int]:
    """Declared sign on the PD by input."""
    return {item.name: item.monotone for item in inputs}
