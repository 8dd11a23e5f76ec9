"""Fit the LGD model: quantiles of the liquidation-value ratio, conformal offsets, cure, other recovery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, Floats, day, number, take
from eco_credit.risk.conformal import POOLED, conformal_offset
from eco_credit.risk.lgd import covered
from eco_credit.risk.tables import TableModel
from training.datasets import Input, Tape
from training.plan import LgdFit
from training.proof import MonotoneProof, prove
from training.purify import purify
from training.quantile import LEVELS, Quantile, fit_quantile
from training.split import Rows, Windows

LEAST_ROWS = 30
LEAST_CONFORMAL = 19
"""The smallest sample in which a 5 % miss can be told from none: ceil(20 * 0.95) = 19."""
MOST_CENSORING_WEIGHT = 10.0
FLOOR_RATE, BAND_RATE = 0.05, 0.10
DAYS_PER_MONTH = 30.4375


@dataclass(frozen=True)
class LgdModel:
    """The fitted LGD model.

    Attributes:
        tables: ``low``, ``central`` and ``high`` tables.
        texts: LightGBM's texts of the three.
        starts: what must be added to the raw score of each text.
        floor: conformal offset of the one-sided floor by group.
        band: conformal offset of the two-sided band by group.
        cure: chance of a cure.
        other: other recovery over exposure.
        proofs: proof of the signs of each table.
        rows: defaults used: ``fit``, ``calibrate``, ``unresolved``.
    """

    tables: Mapping[str, TableModel]
    texts: Mapping[str, str]
    starts: Mapping[str, float]
    floor: Mapping[str, float]
    band: Mapping[str, float]
    cure: float
    other: float
    proofs: Mapping[str, MonotoneProof]
    rows: Mapping[str, int]


def fit_lgd(tape: Tape, windows: Windows, fit: LgdFit, *, seed: int) -> LgdModel:
    """Fit the LGD model on the resolved defaults of the in-time windows; offsets on the window after.

    Args:
        tape: labelled rows.
        windows: the split.
        fit: parameters.
        seed: seed of LightGBM.

    Returns:
        The model.

    Raises:
        ContractError: fewer than 30 resolved defaults to fit on.
    """
    weight = tape.weight * (censoring_weights(tape) if fit.mode == "composition" else 1.0)
    known = ~np.isnan(number(tape.outcome, fit.target)) & (tape.target > 0.0)
    used, later = (rows[known[rows]] for rows in (windows.in_time, windows.calibrate))
    if len(used) < LEAST_ROWS:
        en = f"{len(used)} resolved defaults; {LEAST_ROWS} are needed"
        raise ContractError([Violation("lgd", "rows", en, "已处置违约样本不足")])
    heads = quantiles(tape, used, weight, fit=fit, seed=seed)
    tables = {name: purify(head.table, tape.part(used), weight[used]) for name, head in heads.items()}
    held = later if len(later) >= LEAST_CONFORMAL else used
    floor, band = offsets(tables, tape, held, fit)
    composed = fit.mode == "composition"
    in_time = windows.in_time[tape.target[windows.in_time] > 0.0]
    return LgdModel(
        tables=tables,
        texts={name: head.text for name, head in heads.items()},
        starts={name: head.start for name, head in heads.items()},
        floor=floor,
        band=band,
        cure=cure_rate(tape, in_time, weight) if composed else 0.0,
        other=other_recovery(tape, used, weight) if composed else 0.0,
        proofs={name: prove(table, lvr_signs(tape.inputs)) for name, table in tables.items()},
        rows={"fit": len(used), "calibrate": len(later), "unresolved": int(np.isnan(weight).sum())},
    )


def lvr_signs(inputs: Sequence[Input]) -> dict[str, int]:
    """Declared sign on the liquidation-value ratio by input."""
    return {item.name: item.monotone_lvr for item in inputs}


def quantiles(tape: Tape, rows: Rows, weight: Floats, *, fit: LgdFit, seed: int) -> dict[str, Quantile]:
    """The three quantile heads."""
    inputs = [item for item in tape.inputs if not fit.features or item.name in fit.features]
    signs = lvr_signs(inputs)
    x = np.column_stack([number(tape.columns, name)[rows] for name in signs])
    y = number(tape.outcome, fit.target)[rows]
    return {
        name: fit_quantile((x, y, weight[rows]), signs, level=level, fit=fit, seed=seed)
        for name, level in LEVELS.items()
    }


def censoring_weights(tape: Tape) -> Floats:
    """Weights that stand in for the defaults whose workout is not over: ``1 / P(still watched at t)``.

    The Kaplan-Meier estimate of the time of censoring, with resolution as its censoring, after Robins
    and Rotnitzky; slow cases are rarely seen, so those that are seen count more. Capped at 10.

    Returns:
        Shape (n,): 1 where nothing is known of time, NaN for an unresolved default.
    """
    months = number(tape.outcome, "months_to_resolution")
    on = day(tape.outcome, "default_on")
    bad = (tape.target > 0.0) & ~np.isnat(on)
    if not bad.any():
        return np.ones(len(months))
    known = on[bad & ~np.isnan(months)]
    length = np.round(months[bad & ~np.isnan(months)] * DAYS_PER_MONTH).astype("timedelta64[D]")
    end = max(on[bad].max(), (known + length).max() if len(known) else on[bad].max())
    watched = (end - on).astype(np.float64) / DAYS_PER_MONTH
    resolved = bad & ~np.isnan(months)
    time = np.where(resolved, months, watched)
    survival = kaplan_meier(time[bad], (~resolved[bad]).astype(np.float64))
    weight = np.ones(len(months))
    weight[bad] = np.minimum(1.0 / np.maximum(survival(time[bad]), 1e-9), MOST_CENSORING_WEIGHT)
    weight[bad & ~resolved] = np.nan
    return weight


class kaplan_meier:  # noqa: N801  reads as the function it is
    """Product-limit estimate ``S(t-) = prod_{s < t} (1 - d_s / n_s)`` of a time to an event.

    Example:
        >>> survival = kaplan_meier(np.array([1.0, 2.0, 3.0]), np.array([1.0, 0.0, 1.0]))
        >>> [round(float(s), 3) for s in survival(np.array([1.0, 2.0, 3.0, 4.0]))]
        [1.0, 0.667, 0.667, 0.0]
    """

    def __init__(self, time: Floats, event: Floats) -> None:
        """Take times, shape (n,), and 1.0 where the event happened, 0.0 where watching stopped."""
        self.times, place = np.unique(time, return_inverse=True)
        events = np.bincount(place, weights=event, minlength=len(self.times))
        leaving = np.bincount(place, minlength=len(self.times))
        at_risk = len(time) - np.concatenate([[0], np.cumsum(leaving)[:-1]])
        self.after = np.concatenate([[1.0], np.cumprod(1.0 - events / at_risk)])

    def __call__(self, time: Floats) -> Floats:
        """Survival just before each time."""
        result: Floats = self.after[np.searchsorted(self.times, time, side="left")]
        return result


def offsets(
    tables: Mapping[str, TableModel], tape: Tape, rows: Rows, fit: LgdFit
) -> tuple[dict[str, float], dict[str, float]]:
    """Conformal offsets of floor and band: pooled, and by kind where there are enough rows."""
    inputs, y = tape.part(rows), number(tape.outcome, fit.target)[rows]
    low, high = tables["low"].score(inputs), tables["high"].score(inputs)
    below, beside = low - y, np.maximum(low - y, y - high)
    floor, band = {POOLED: conformal_offset(below, FLOOR_RATE)}, {POOLED: conformal_offset(beside, BAND_RATE)}
    for share in (name for name in tape.names if name.startswith("share_")):
        group = number(inputs, share) > 0.5
        if group.sum() >= fit.group_rows:
            floor[share] = conformal_offset(below[group], FLOOR_RATE)
            band[share] = conformal_offset(beside[group], BAND_RATE)
    return floor, band


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
