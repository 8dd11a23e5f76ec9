"""Statistics of a model package on a tape, with confidence intervals, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from eco_credit.core.numbers import Bools, Columns, Floats, number, take
from eco_credit.risk import ModelBundle, RiskEstimate
from training.censoring import censoring_weights
from training.datasets import Tape
from training.evidence import (
    Beside,
    build_evidence,
    data_evidence,
    fairness_evidence,
    grade_evidence,
    initial_evidence,
    kinds_of,
    loss_evidence,
    most_used,
    reason_evidence,
    value_evidence,
)
from training.metrics import calibration, compare, goodness, grades, loss_tests, losses, ranking, stability
from training.proof import prove
from training.split import Rows

NOTHING = Beside()
"""Nothing laid beside the model."""


def evaluate(
    bundle: ModelBundle,
    tape: Tape,
    rows: Rows,
    *,
    reference: Mapping[str, Any] | None = None,
    beside: Beside = NOTHING,
) -> dict[str, Any]:
    """Evaluate a bundle on rows of a tape.

    Args:
        bundle: the models.
        tape: labelled rows.
        rows: which of them.
        reference: what `reference_of` kept of the training population, for stability; None leaves it out.
        beside: what more the caller has: first validation, champion, groups, records. Gates that need what is not
            here are not run.

    Returns:
        ``rows``, ``pd``, ``lgd``, ``support``, ``proof``, ``data``, ``grades``, ``reasons``, ``build`` and, where there
        is any, ``stability``, ``truth``, ``initial``, ``champion``, ``fairness``, ``downturn``, ``shadow``, ``people``.
        Refused rows have no PD and are counted, not evaluated.
    """
    found = estimate(bundle, tape, rows)
    scored = ~found.refused
    y, w = tape.target[rows], tape.weight[rows]
    inputs, given = tape.part(rows), _given(tape, rows)
    by_grade = grades.grade_table(
        y[scored], found.pd[scored], found.grade[scored], order=bundle.scale.grades, weight=w[scored]
    )
    result: dict[str, Any] = {
        "rows": len(rows),
        "support": {"refused": _share(found.refused, w), "referred": _share(found.refer & scored, w)},
        "pd": pd_statistics(y[scored], found.pd[scored], w[scored]) | {"grades": by_grade},
        "lgd": lgd_statistics(tape, rows, found, kinds_of(bundle, inputs))
        | _values(bundle, tape, rows[scored], beside.haircut),
        "proof": prove(bundle.pd.table, {f.name: f.monotone for f in bundle.features.features}).as_dict(),
        "data": data_evidence(tape, rows, as_of=beside.as_of, months=bundle.pd.horizon_months),
        "grades": grade_evidence(bundle, found, y=y, weight=w) | {"low_share": _low_share(by_grade)},
        "reasons": reason_evidence(bundle, inputs, found, given=given, refits=beside.refits),
        "build": build_evidence(bundle, inputs, found, given=given, refit_same=beside.refit_same),
    }
    if reference is not None:
        # the score of every row, refused or not: the kept population counts both, and a refusal is no shift
        score = bundle.pd.platt.line(bundle.pd.table.score(inputs))
        result["stability"] = stability_of(tape, rows, score, reference) | {"most_used": most_used(found)}
    if "true_pd" in tape.truth:
        result["truth"] = _truth(tape, rows, found)
    return result | _laid_beside(tape, rows, found, result["grades"], beside)


def _laid_beside(
    tape: Tape, rows: Rows, found: RiskEstimate, by_grade: Mapping[str, Any], beside: Beside
) -> dict[str, Any]:
    """Statistics that rest on what the caller laid beside the model."""
    y, w = tape.target[rows], tape.weight[rows]
    result: dict[str, Any] = {}
    if beside.initial is not None:
        result["initial"] = initial_evidence(by_grade, beside.initial)
    if beside.champion is not None:
        both = ~found.refused & ~np.isnan(beside.champion)
        result["champion"] = compare.compare(y[both], found.pd[both], beside.champion[both], weight=w[both]).as_dict()
    if beside.groups is not None and beside.approved is not None:
        result["fairness"] = fairness_evidence(beside.groups, beside.approved, y=y, weight=w)
    if beside.downturn is not None:
        result["downturn"] = _downturn(tape, rows, found, beside.downturn)
    for name in ("shadow", "people", "migration"):
        record = getattr(beside, name)
        if record is not None:
            result[name] = dict(record)
    return result


def _downturn(tape: Tape, rows: Rows, found: RiskEstimate, stressed: Floats) -> dict[str, Any]:
    """Downturn LGD on resolved defaults; without exposures every default weighs the same."""
    realised = number(tape.outcome, "lgd")[rows] if "lgd" in tape.outcome else np.full(len(rows), np.nan)
    known = ~np.isnan(realised) & ~found.refused & (tape.target[rows] > 0.0)
    if not known.any():
        return {"rows": 0}
    exposure = number(tape.outcome, "exposure")[rows] if "exposure" in tape.outcome else np.ones(len(rows))
    return loss_tests.downturn(
        stressed[known], found.lgd[known], realised=realised[known], exposure=(exposure * tape.weight[rows])[known]
    )


def _low_share(by_grade: list[dict[str, Any]], level: float = 0.05) -> float | None:
    """Share of grades whose plain Jeffreys p-value is below the level; the gate reads its level from the rules."""
    return sum(row["jeffreys"] < level for row in by_grade) / len(by_grade) if by_grade else None


def estimate(bundle: ModelBundle, tape: Tape, rows: Rows) -> RiskEstimate:
    """The bundle's estimates of some rows, by the same call that serves."""
    given: dict[str, Any] = _given(tape, rows)
    return bundle.estimate(tape.part(rows), **given)


def _given(tape: Tape, rows: Rows) -> Columns:
    """Collateral value and exposure of some rows, where the tape has them."""
    outcome = take(tape.outcome, rows)
    return {name: number(outcome, name) for name in ("collateral_value", "exposure") if name in outcome}


def pd_statistics(y: Floats, p: Floats, w: Floats) -> dict[str, Any]:
    """Ranking and calibration of probabilities; intervals are 95 %."""
    cox = calibration.cox(y, p, w)
    rate = calibration.mean_interval(y, w)
    ece = goodness.ece_interval(y, p, w)
    share = rate.value > 0.0
    return {
        "rows": len(y),
        "effective_rows": calibration.effective_count(w),
        "defaults": int(y.sum()),
        "default_rate": rate.as_dict(),
        "mean_pd": float((w * p).sum() / w.sum()),
        "auc": ranking.auc(y, p, w).as_dict(),
        "ks": ranking.kolmogorov_smirnov(y, p, w),
        "brier": calibration.brier(y, p, w).as_dict(),
        "log_loss": calibration.log_loss(y, p, w).as_dict(),
        "ece": ece.value,
        "ece_to_rate": ece.value / rate.value if share else None,
        "ece_share": {name: part / rate.value for name, part in ece.as_dict().items()} if share else None,
        "cox": {
            "intercept": cox.intercept.as_dict(),
            "slope": cox.slope.as_dict(),
            "intercept_off": max(cox.intercept.low, -cox.intercept.high, 0.0),
        },
        "jeffreys": calibration.jeffreys_of(y, p, w),
        "spiegelhalter": goodness.spiegelhalter(y, p, w),
        "hosmer_lemeshow": goodness.hosmer_lemeshow(y, p, w).as_dict(),
        "least": float(p.min()),
        "most": float(p.max()),
    }


def lgd_statistics(
    tape: Tape, rows: Rows, found: RiskEstimate, kinds: Mapping[str, Bools] | None = None
) -> dict[str, Any]:
    """LGD and value floor against what was realised on resolved defaults; counts only when there are under five."""
    realised = number(tape.outcome, "lgd")[rows] if "lgd" in tape.outcome else np.full(len(rows), np.nan)
    known = ~np.isnan(realised) & ~found.refused & (tape.target[rows] > 0.0)
    if known.sum() < 5:
        return {"rows": int(known.sum())}
    lgd, guess, w = realised[known], found.lgd[known], loss_weight(tape, rows)[known]
    flat = np.full(len(lgd), float(np.average(lgd, weights=w)))
    among = {kind: at[known] for kind, at in (kinds or {}).items()}
    inside = (lgd >= found.lgd_low[known]) & (lgd <= found.lgd_high[known])
    return (
        {
            "rows": int(known.sum()),
            "realised": calibration.mean_interval(lgd, w).as_dict(),
            "mean_lgd": float(np.average(guess, weights=w)),
            "mae": losses.mean_absolute_error(lgd, guess, w).as_dict(),
            "mae_of_mean": losses.mean_absolute_error(lgd, flat, w).value,
            "underestimated": losses.underestimated(lgd, guess, w),
            "spearman": _number(ranking.spearman(lgd, guess)),
            "band_coverage": losses.coverage(inside, w).as_dict(),
        }
        | loss_evidence(lgd, guess, weight=w, kinds=among)
        | _floor(tape, rows, found)
    )


def loss_weight(tape: Tape, rows: Rows) -> Floats:
    """Weight of the resolved defaults among some rows, which stand for the unfinished workouts too.

    Args:
        tape: labelled rows.
        rows: the rows used together, shape (m,).

    Returns:
        Sample weight times `censoring_weights`, shape (m,); 0 for an unfinished workout, the sample weight alone where
        the tape does not say when workouts ended.
    """
    weight = tape.weight[rows]
    if not {"months_to_resolution", "default_on"} <= set(tape.outcome):
        return weight
    return weight * np.nan_to_num(censoring_weights(tape, rows)[rows], nan=0.0)


def _floor(tape: Tape, rows: Rows, found: RiskEstimate) -> dict[str, Any]:
    """How often the value floor held, on liquidation-value ratios or on one minus LGD."""
    composed = "lvr" in tape.outcome
    values = number(tape.outcome, "lvr")[rows] if composed else 1.0 - number(tape.outcome, "lgd")[rows]
    known = ~np.isnan(values) & ~found.refused & (tape.target[rows] > 0.0)
    if known.sum() < 5:
        return {}
    w, y, floor = loss_weight(tape, rows)[known], values[known], found.value_floor[known]
    fixed = np.full(len(y), float(np.quantile(y, 0.05)))
    return {
        "floor_coverage": losses.coverage(floor <= y, w).as_dict(),
        "floor_breaches": loss_tests.breaches(floor <= y, 0.05, weight=w),
        "floor_pinball": losses.pinball(y, floor, 0.05, w),
        "fixed_pinball": losses.pinball(y, fixed, 0.05, w),
    }


def _values(bundle: ModelBundle, tape: Tape, rows: Rows, haircut: float | None) -> dict[str, Any]:
    """Band and haircut on realised sales; nothing with fewer than five of them."""
    if "lvr" not in tape.outcome:
        return {}
    sold = rows[~np.isnan(number(tape.outcome, "lvr")[rows]) & (tape.target[rows] > 0.0)]
    if len(sold) < 5:
        return {}
    values, w = number(tape.outcome, "lvr")[sold], loss_weight(tape, rows)[np.isin(rows, sold)]
    return value_evidence(bundle, tape.part(sold), values, weight=w, haircut=haircut)


def _truth(tape: Tape, rows: Rows, found: RiskEstimate) -> dict[str, float]:
    """Distance from a simulator's truth."""
    scored = ~found.refused
    true_pd, true_lgd = (number(tape.truth, name)[rows] for name in ("true_pd", "true_lgd"))
    pd, lgd = (found.pd - true_pd)[scored], (found.lgd - true_lgd)[scored]
    return {
        "pd_rmse": float(np.sqrt(np.mean(pd**2))),
        "lgd_mae": float(np.mean(np.abs(lgd))),
        "auc_of_truth": ranking.auc(tape.target[rows], true_pd, tape.weight[rows]).value,
    }


def reference_of(bundle: ModelBundle, tape: Tape, rows: Rows) -> dict[str, Any]:
    """What is kept of the training population: bins of the calibrated logit and of every input."""
    w = tape.weight[rows]
    inputs = tape.part(rows)
    score = bundle.pd.platt.line(bundle.pd.table.score(inputs))
    return {
        "score": stability.kept(score, w).as_dict(),
        "inputs": {name: stability.kept(number(inputs, name), w).as_dict() for name in tape.names},
    }


def stability_of(tape: Tape, rows: Rows, logit: Floats, reference: Mapping[str, Any]) -> dict[str, Any]:
    """PSI of the score and of every input against the kept training population."""
    w = tape.weight[rows]
    inputs = {
        name: stability.psi_against(stability.Kept.parse(kept), number(tape.columns, name)[rows], w).as_dict()
        for name, kept in reference["inputs"].items()
        if name in tape.columns
    }
    score = stability.psi_against(stability.Kept.parse(reference["score"]), logit, w).as_dict()
    worst = max(inputs, key=lambda name: inputs[name]["value"], default=None)
    return {"score": score, "inputs": inputs} | ({} if worst is None else {"worst": {"name": worst} | inputs[worst]})


def _share(hit: Bools, weight: Floats) -> float:
    return float((weight * hit).sum() / weight.sum())


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
