"""Statistics of a model package on a tape, with confidence intervals, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from eco_credit.core.numbers import Bools, Floats, number, take
from eco_credit.risk import ModelBundle, RiskEstimate
from training.datasets import Tape
from training.metrics import calibration, losses, ranking, stability
from training.proof import prove
from training.split import Rows


def evaluate(
    bundle: ModelBundle, tape: Tape, rows: Rows, *, reference: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Evaluate a bundle on rows of a tape.

    Args:
        bundle: the models.
        tape: labelled rows.
        rows: which of them.
        reference: what `reference_of` kept of the training population, for stability; None leaves it out.

    Returns:
        ``rows``, ``pd``, ``lgd``, ``support``, ``proof`` and, where there is any, ``stability`` and ``truth``. Refused
        rows have no PD and are counted, not evaluated.
    """
    found = estimate(bundle, tape, rows)
    scored = ~found.refused
    y, w = tape.target[rows], tape.weight[rows]
    result: dict[str, Any] = {
        "rows": len(rows),
        "support": {"refused": _share(found.refused, w), "referred": _share(found.refer & scored, w)},
        "pd": pd_statistics(y[scored], found.pd[scored], w[scored]) | {"grades": _grades(found, y, w)},
        "lgd": lgd_statistics(tape, rows, found),
        "proof": prove(bundle.pd.table, {f.name: f.monotone for f in bundle.features.features}).as_dict(),
    }
    if reference is not None:
        result["stability"] = stability_of(tape, rows, found.logit, reference)
    if "true_pd" in tape.truth:
        result["truth"] = _truth(tape, rows, found)
    return result


def estimate(bundle: ModelBundle, tape: Tape, rows: Rows) -> RiskEstimate:
    """The bundle's estimates of some rows, by the same call that serves."""
    outcome = take(tape.outcome, rows)
    value = number(outcome, "collateral_value") if "collateral_value" in outcome else None
    exposure = number(outcome, "exposure") if "exposure" in outcome else None
    return bundle.estimate(tape.part(rows), collateral_value=value, exposure=exposure)


def pd_statistics(y: Floats, p: Floats, w: Floats) -> dict[str, Any]:
    """Ranking and calibration of probabilities; intervals are 95 %."""
    cox = calibration.cox(y, p, w)
    rate = calibration.mean_interval(y, w)
    ece = calibration.expected_calibration_error(y, p, w)
    return {
        "defaults": int(y.sum()),
        "default_rate": rate.as_dict(),
        "mean_pd": float((w * p).sum() / w.sum()),
        "auc": ranking.auc(y, p, w).as_dict(),
        "ks": ranking.kolmogorov_smirnov(y, p, w),
        "brier": calibration.brier(y, p, w).as_dict(),
        "log_loss": calibration.log_loss(y, p, w).as_dict(),
        "ece": ece,
        "ece_to_rate": ece / rate.value if rate.value > 0.0 else None,
        "cox": {"intercept": cox.intercept.as_dict(), "slope": cox.slope.as_dict()},
        "jeffreys": calibration.jeffreys_of(y, p, w),
        "least": float(p.min()),
        "most": float(p.max()),
    }


def _grades(found: RiskEstimate, y: Floats, w: Floats) -> list[dict[str, Any]]:
    """Rows, estimate, default rate and Jeffreys' p-value of each grade that occurs."""
    rows = []
    for grade in sorted({str(code) for code in found.grade if code is not None}):
        at = found.grade == grade
        size, rate = calibration.effective_count(w[at]), float((w[at] * y[at]).sum() / w[at].sum())
        mean = float((w[at] * found.pd[at]).sum() / w[at].sum())
        tail = calibration.jeffreys(rate * size, size, mean)
        rows.append({"grade": grade, "rows": int(at.sum()), "pd": mean, "default_rate": rate, "jeffreys": tail})
    return rows


def lgd_statistics(tape: Tape, rows: Rows, found: RiskEstimate) -> dict[str, Any]:
    """LGD and value floor against what was realised on resolved defaults; counts only when there are under five."""
    realised = number(tape.outcome, "lgd")[rows] if "lgd" in tape.outcome else np.full(len(rows), np.nan)
    known = ~np.isnan(realised) & ~found.refused & (tape.target[rows] > 0.0)
    if known.sum() < 5:
        return {"rows": int(known.sum())}
    lgd, guess, w = realised[known], found.lgd[known], tape.weight[rows][known]
    flat = np.full(len(lgd), float(np.average(lgd, weights=w)))
    inside = (lgd >= found.lgd_low[known]) & (lgd <= found.lgd_high[known])
    return {
        "rows": int(known.sum()),
        "realised": calibration.mean_interval(lgd, w).as_dict(),
        "mean_lgd": float(np.average(guess, weights=w)),
        "mae": losses.mean_absolute_error(lgd, guess, w).as_dict(),
        "mae_of_mean": losses.mean_absolute_error(lgd, flat, w).value,
        "underestimated": losses.underestimated(lgd, guess, w),
        "spearman": _number(ranking.spearman(lgd, guess)),
        "band_coverage": losses.coverage(inside, w).as_dict(),
    } | _floor(tape, rows, found)


def _floor(tape: Tape, rows: Rows, found: RiskEstimate) -> dict[str, Any]:
    """How often the value floor held, on liquidation-value ratios or on one minus LGD."""
    composed = "lvr" in tape.outcome
    values = number(tape.outcome, "lvr")[rows] if composed else 1.0 - number(tape.outcome, "lgd")[rows]
    known = ~np.isnan(values) & ~found.refused & (tape.target[rows] > 0.0)
    if known.sum() < 5:
        return {}
    w, y, floor = tape.weight[rows][known], values[known], found.value_floor[known]
    fixed = np.full(len(y), float(np.quantile(y, 0.05)))
    return {
        "floor_coverage": losses.coverage(floor <= y, w).as_dict(),
        "floor_pinball": losses.pinball(y, floor, 0.05, w),
        "fixed_pinball": losses.pinball(y, fixed, 0.05, w),
    }


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
    return {"score": score, "inputs": inputs}


def _share(hit: Bools, weight: Floats) -> float:
    return float((weight * hit).sum() / weight.sum())


def _number(value: float) -> float | None:
    return None if np.isnan(value) else value
