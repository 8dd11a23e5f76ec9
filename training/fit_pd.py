"""Fit the PD model: shallow LightGBM, monotone by contract, collapsed into tables and proved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.risk.tables import TableModel
from training.collapse import collapse
from training.datasets import Input, Tape
from training.plan import PdFit, Trees
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


CHECKED_ROWS = 50_000
Grow = Callable[[Tape, Windows, Trees, Mapping[str, Any]], Any]
"""Grows a booster, as `grown` does."""


@dataclass(frozen=True)
class Fitted:
    """A fitted model.

    Attributes:
        table: the purified tables.
        text: LightGBM's own text of the booster, kept for audit; never parsed when serving. Empty without one.
        gain: input to its share of the gain.
        rounds: trees; 0 without a booster.
        proof: the proof of its signs.
        collapse_error: largest difference between tables and booster over training rows, at most `CHECKED_ROWS` of
            them spread evenly: the collapse is exact by construction, and one row of a wrong cell would show it.
    """

    table: TableModel
    text: str
    gain: Mapping[str, float]
    rounds: int
    proof: MonotoneProof
    collapse_error: float


def fit_pd(tape: Tape, windows: Windows, fit: PdFit, *, seed: int, grow: Grow | None = None) -> Fitted:
    """Find the number of trees on the last in-time vintage, then fit on all in-time rows.

    Args:
        tape: labelled rows.
        windows: the split.
        fit: parameters.
        seed: seed of LightGBM.
        grow: who grows the trees; None for `grown`, in this process and on the rows of the tape.

    Returns:
        The model on the logit of the PD.
    """
    chosen = parameters(fit, [item.monotone for item in tape.inputs], seed)
    return as_tables((grow or grown)(tape, windows, fit, chosen), tape, windows.in_time)


def grown(tape: Tape, windows: Windows, fit: Trees, chosen: Mapping[str, Any]) -> Any:
    """A booster with as many trees as the last in-time vintage asks for, at least 10, fitted on all in-time rows."""
    stopped = until_stop(dataset(tape, windows.train), dataset(tape, windows.stop), fit, chosen)
    return fixed(tape, windows.in_time, chosen, rounds=rounds_of(stopped))


def until_stop(grow: Any, watch: Any, fit: Trees, chosen: Mapping[str, Any]) -> Any:
    """A booster grown on one data set until another one no longer gets better."""
    import lightgbm as lgb

    stop = lgb.early_stopping(fit.patience, verbose=False)
    return lgb.train(dict(chosen), grow, fit.rounds, valid_sets=[watch], callbacks=[stop])


def rounds_of(stopped: Any) -> int:
    """Trees the watched data set asked for, at least 10."""
    return max(int(stopped.best_iteration), 10)


def fixed(tape: Tape, rows: Rows, chosen: Mapping[str, Any], *, rounds: int) -> Any:
    """A booster of a given number of trees on some rows."""
    import lightgbm as lgb

    return lgb.train(dict(chosen), dataset(tape, rows), rounds)


def parameters(fit: PdFit, signs: Sequence[int], seed: int) -> dict[str, Any]:
    """LightGBM parameters of the table model."""
    return boosting(fit, signs, seed) | {"max_depth": fit.depth, "num_leaves": 2**fit.depth}


def boosting(fit: Trees, signs: Sequence[int], seed: int) -> dict[str, Any]:
    """LightGBM parameters of any shape: no class weights and no resampling, as both destroy calibration."""
    return QUIET | {
        "objective": "binary",
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
    checked = rows[:: max(1, len(rows) // CHECKED_ROWS)]
    raw_score = booster.predict(tape.matrix(checked), raw_score=True)
    error = np.abs(table.score(tape.part(checked)) - raw_score).max(initial=0.0)
    return Fitted(
        table=table,
        text=booster.model_to_string(),
        gain=dict(zip(tape.names, share.tolist(), strict=True)),
        rounds=booster.current_iteration(),
        proof=prove(table, {item.name: item.monotone for item in tape.inputs}),
        collapse_error=float(error),
    )


def plain(table: TableModel, tape: Tape, rows: Rows) -> Fitted:
    """Tables that came from no booster: purified and proved; the part of an input is its spread over the rows.

    Raises:
        ContractError: no input is left in the tables.
    """
    if not table.grids:
        en, zh = "no input tells anything of default", "没有变量可区分违约"
        raise ContractError([Violation("features", "empty", en, zh)])
    inputs, weight = tape.part(rows), tape.weight[rows]
    pure = purify(table, inputs, weight)
    spread = {name: float(np.sqrt(np.average(part**2, weights=weight))) for name, part in
              pure.contributions(inputs).items()}  # fmt: skip
    total = sum(spread.values())
    return Fitted(
        table=pure,
        text="",
        gain={name: spread.get(name, 0.0) / total if total > 0.0 else 1.0 / len(tape.names) for name in tape.names},
        rounds=0,
        proof=prove(pure, signs(tape.inputs)),
        collapse_error=float(np.abs(pure.score(inputs) - table.score(inputs)).max(initial=0.0)),
    )


def signs(inputs: Sequence[Input]) -> dict[str, int]:
    """Declared sign on the PD by input."""
    return {item.name: item.monotone for item in inputs}
