"""Fit the LGD model: quantiles of the liquidation-value ratio, conformal offsets, cure, other recovery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, Floats, number, rows_of, take
from eco_credit.risk.calibration import Platt
from eco_credit.risk.conformal import POOLED, conformal_offset, widened_offset
from eco_credit.risk.lgd import covered
from eco_credit.risk.table_json import table_from_json, table_to_json
from eco_credit.risk.tables import TableModel
from eco_credit.rulebook import RuleSet
from training.censoring import censoring_weights
from training.cross_fit import ENDS, cross_scores, design
from training.datasets import Input, Tape
from training.plan import LgdFit
from training.proof import MonotoneProof, prove
from training.purify import purify
from training.quantile import LEVELS, Quantile, fit_quantile
from training.split import Rows, Windows
from training.step_logistic import step_logistic

LEAST_ROWS = 30
ENOUGH_CALIBRATION = 1_000
"""Resolved defaults after which the calibration window stands alone: its floor then scatters by 0.7 points."""
FLOOR_RATE, BAND_RATE = 0.05, 0.10
CURE_INPUTS = ("dscr", "control_account", "overdue_max_24m", "share_water", "share_order")
"""Ability to pay, control of the cash, past delay, and kind of pledge."""
LEAST_CURES = 50
CURE_ENDS = (0.001, 0.999)


@dataclass(frozen=True)
class LgdModel:
    """The fitted LGD model.

    Attributes:
        tables: ``low``, ``central`` and ``high`` tables.
        texts: LightGBM's texts of the three.
        starts: what must be added to the raw score of each text.
        floor: conformal offset of the one-sided floor by group.
        band: conformal offset of the two-sided band by group.
        cure: chance of a cure as ``lgd.json`` stores it: one rate, or ``{table, platt}`` of a small logistic model.
        other: other recovery over exposure.
        proofs: proof of the signs of each table.
        rows: defaults used: ``fit``, ``calibrate``, ``unresolved``.
        mode: ``composition`` or ``direct``.
    """

    tables: Mapping[str, TableModel]
    texts: Mapping[str, str]
    starts: Mapping[str, float]
    floor: Mapping[str, float]
    band: Mapping[str, float]
    cure: float | Mapping[str, Any]
    other: float
    proofs: Mapping[str, MonotoneProof]
    rows: Mapping[str, int]
    mode: str = "composition"


def fit_lgd(tape: Tape, windows: Windows, fit: LgdFit, *, seed: int, rules: RuleSet) -> LgdModel:
    """Fit the LGD model on the resolved defaults of the in-time windows; offsets on the window after.

    Args:
        tape: labelled rows.
        windows: the split.
        fit: parameters.
        seed: seed of LightGBM.
        rules: rules of the day, for ``risk.censoring.small_kind_width``.

    Returns:
        The model.

    Raises:
        ContractError: fewer than 30 resolved defaults to fit on.
    """
    weight = case_weights(tape, windows, fit)
    known = ~np.isnan(number(tape.outcome, fit.target)) & (tape.target > 0.0)
    used, later = (rows[known[rows]] for rows in (windows.in_time, windows.calibrate))
    if len(used) < LEAST_ROWS:
        en = f"{len(used)} resolved defaults; {LEAST_ROWS} are needed"
        raise ContractError([Violation("lgd", "rows", en, "已处置违约样本不足")])
    heads = quantiles(tape, used, weight, fit=fit, seed=seed)
    tables = {name: purify(head.table, tape.part(used), weight[used]) for name, head in heads.items()}
    held = calibration(tables, tape, (used, later, weight), fit=fit, seed=seed)
    floor, band = offsets(tape, held, fit, rules)
    composed = fit.mode == "composition"
    in_time = windows.in_time[tape.target[windows.in_time] > 0.0]
    return LgdModel(
        tables=tables,
        texts={name: head.text for name, head in heads.items()},
        starts={name: head.start for name, head in heads.items()},
        floor=floor,
        band=band,
        cure=cure_head(tape, in_time, weight) if composed else 0.0,
        other=other_recovery(tape, used, weight) if composed else 0.0,
        proofs={name: prove(table, lvr_signs(tape.inputs)) for name, table in tables.items()},
        rows={"fit": len(used), "calibrate": len(later), "unresolved": unresolved(tape, fit)},
        mode=fit.mode,
    )


def resolved(tape: Tape, rows: Rows, fit: LgdFit) -> int:
    """Resolved defaults with a known target among some rows."""
    return int((~np.isnan(number(tape.outcome, fit.target)[rows]) & (tape.target[rows] > 0.0)).sum())


def supervisory_lgd(fit: LgdFit, rules: RuleSet) -> LgdModel:
    """LGD where hardly a default was ever resolved: the supervisory value of an unsecured claim, from nothing to all.

    Args:
        fit: parameters.
        rules: ``risk.regulatory.lgd_unsecured``.

    Returns:
        A model that reads LGD directly and knows no input; its floor of the collateral is nothing.
    """
    level = rules.number("risk.regulatory.lgd_unsecured")
    flat = {"low": 0.0, "central": level, "high": 1.0}
    tables = {name: TableModel(value, (), (), ()) for name, value in flat.items()}
    return LgdModel(
        tables=tables, texts={}, starts={}, floor={POOLED: 0.0}, band={POOLED: 0.0}, cure=0.0, other=0.0,
        proofs={name: prove(table, {}) for name, table in tables.items()},
        rows={"fit": 0, "calibrate": 0, "unresolved": 0}, mode="direct",
    )  # fmt: skip


def unresolved(tape: Tape, fit: LgdFit) -> int:
    """Defaults of the tape whose workout is not over; 0 where the tape has no workouts."""
    return int(np.isnan(censoring_weights(tape)).sum()) if fit.mode == "composition" else 0


def lvr_signs(inputs: Sequence[Input]) -> dict[str, int]:
    """Declared sign on the liquidation-value ratio by input."""
    return {item.name: item.monotone_lvr for item in inputs}


def quantiles(tape: Tape, rows: Rows, weight: Floats, *, fit: LgdFit, seed: int) -> dict[str, Quantile]:
    """The three quantile heads."""
    parts, signs = design(tape, rows, weight, fit)
    return {name: fit_quantile(parts, signs, level=level, fit=fit, seed=seed) for name, level in LEVELS.items()}


def case_weights(tape: Tape, windows: Windows, fit: LgdFit) -> Floats:
    """Weight of every row: its own, times that of the unfinished workouts it stands for within its window.

    The chance of having been watched long enough is taken within in-time and calibration rows apart: a vintage
    watched to its end needs no weight.

    Returns:
        Shape (n,); NaN for an unresolved default of one of the two windows.
    """
    if fit.mode != "composition":
        return tape.weight * 1.0
    weight = tape.weight * censoring_weights(tape, windows.in_time)
    later = windows.calibrate
    weight[later] = (tape.weight * censoring_weights(tape, later))[later]
    return weight


@dataclass(frozen=True)
class Held:
    """Resolved defaults that calibrate the offsets, shape (m,) throughout.

    Attributes:
        rows: row numbers.
        low, high: scores of heads that were not fitted on the row.
        weight: weights.
    """

    rows: Rows
    low: Floats
    high: Floats
    weight: Floats


def calibration(
    tables: Mapping[str, TableModel],
    tape: Tape,
    windows: tuple[Rows, Rows, Floats],
    *,
    fit: LgdFit,
    seed: int,
) -> Held:
    """The calibration rows, joined by cross-fitted in-time rows where they are few.

    Args:
        tables: ``low`` and ``high`` as served.
        tape: labelled rows.
        windows: resolved in-time rows, resolved calibration rows, and the weight of every row of the tape.
        fit: parameters.
        seed: seed of LightGBM.

    Returns:
        What `offsets` calibrates on.
    """
    used, later, weight = windows
    low, high = (tables[name].score(tape.part(later)) for name in ENDS)
    if len(later) >= ENOUGH_CALIBRATION:
        return Held(later, low, high, weight[later])
    past = cross_scores(tape, used, weight, fit=fit, seed=seed)
    rows = np.concatenate([used, later])
    return Held(rows, np.append(past["low"], low), np.append(past["high"], high), weight[rows])


def offsets(tape: Tape, held: Held, fit: LgdFit, rules: RuleSet) -> tuple[dict[str, float], dict[str, float]]:
    """Conformal offsets of floor and band: pooled, by kind where there are enough rows, widened where there are not.

    Args:
        tape: labelled rows.
        held: rows to calibrate on.
        fit: parameters; ``group_rows`` is the fewest rows of a kind for an offset of its own.
        rules: ``risk.censoring.small_kind_width``.

    Returns:
        Offset of the floor and of the band by group.
    """
    y, width = number(tape.outcome, fit.target)[held.rows], rules.number("risk.censoring.small_kind_width")
    misses = {FLOOR_RATE: held.low - y, BAND_RATE: np.maximum(held.low - y, y - held.high)}
    found = tuple({POOLED: conformal_offset(miss, rate, held.weight)} for rate, miss in misses.items())
    for share in (name for name in tape.names if name.startswith("share_")):
        group = number(tape.columns, share)[held.rows] > 0.5
        own = group.sum() >= fit.group_rows
        for (rate, miss), offset in zip(misses.items(), found, strict=True):
            offset[share] = (
                conformal_offset(miss[group], rate, held.weight[group])
                if own
                else widened_offset(miss, rate, held.weight, width=width)
            )
    return found[0], found[1]


def cure_head(tape: Tape, rows: Rows, weight: Floats) -> float | dict[str, Any]:
    """A logistic model of the cure where there are cures enough, else their rate.

    Inputs are those of `CURE_INPUTS` the tape has, with the sign of the PD turned round: what brings defaults
    about keeps them from curing. At least 50 cures and 50 others are needed.
    """
    cured = number(tape.outcome, "cured") if "cured" in tape.outcome else np.full(len(weight), np.nan)
    known = rows[~np.isnan(cured[rows]) & ~np.isnan(weight[rows])]
    cures = float(cured[known].sum())
    inputs = {item.name: -item.monotone for item in tape.inputs if item.name in CURE_INPUTS}
    if not inputs or min(cures, len(known) - cures) < LEAST_CURES:
        return cure_rate(tape, rows, weight)
    table = step_logistic(tape.part(known), cured[known], weight[known], signs=inputs)
    platt = {"intercept": 0.0, "slope": 1.0, "floor": CURE_ENDS[0], "ceiling": CURE_ENDS[1]}
    return {"table": table_to_json(table), "platt": platt}


def cure_chance(cure: float | Mapping[str, Any], columns: Columns) -> Floats:
    """Chance of a cure of each row, as it is served; ratio, shape (n,)."""
    if not isinstance(cure, Mapping):
        return np.full(rows_of(columns), cure)
    table = table_from_json(cure["table"], "cure.table", tuple(columns))
    return Platt.parse(cure["platt"]).probability(table.score(columns))


def cure_rate(tape: Tape, rows: Rows, weight: Floats) -> float:
    """Weighted share of cured among the resolved defaults; 0 where cure is not recorded."""
    cured = number(tape.outcome, "cured")[rows] if "cured" in tape.outcome else np.full(len(rows), np.nan)
    w = np.where(np.isnan(cured), 0.0, np.nan_to_num(weight[rows]))
    return float((w * np.nan_to_num(cured)).sum() / w.sum()) if w.sum() > 0.0 else 0.0


def other_recovery(tape: Tape, rows: Rows, weight: Floats) -> float:
    """Mean recovery beyond the sale over exposure, among resolved defaults that the sale did not cover."""
    done: Columns = take(tape.outcome, rows)
    cover = np.minimum(1.0, covered(number(done, "lvr"), number(done, "collateral_value"), number(done, "exposure")))
    more = 1.0 - number(done, "lgd") - cover
    short = ~np.isnan(more) & (cover < 1.0) & (number(done, "lgd") > 0.0)
    if not short.any():
        return 0.0
    return float(np.clip(np.average(more[short], weights=weight[rows][short]), 0.0, 1.0))
