"""What a training itself lays beside its model for the gates: maturity, downturn LGD, refits, a rebuild."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.risk import ModelBundle
from eco_credit.rulebook import RuleSet
from training.censoring import Curve, resolution_curves
from training.downturn import downturn_of, stressed_lgd
from training.evidence import Beside
from training.fitting import Work, rebuilt_alike
from training.margins import margins_of
from training.metrics.ranking import Interval
from training.refit_reasons import Refits, refit_reasons
from training.tiers import BOUND
from training.walk_forward import cross_validated, in_period, out_of_fold, overfit

HALF = 0.5
"""Share of the defaults whose time to resolution is told: the median."""


def beside_training(work: Work, bundle: ModelBundle, rules: RuleSet) -> Beside:
    """Evidence that only the maker of a model can give, as far as plan and tape allow.

    Args:
        work: everything fitted; ``data.extracted`` and ``evidence`` of its plan say what is laid beside.
        bundle: the models as they are served.
        rules: ``risk.margins.*``.

    Returns:
        Day of extraction (G0), LGD of each evaluated row under the hazard scenario (G6c), overlap of reasons over
        refits (G8) and whether a rebuild gave the same bytes (G10); None for what was not asked for or not there.
    """
    day, asked = work.plan.data.extracted, work.plan.evidence
    return Beside(
        as_of=None if day is None else np.datetime64(day, "D"),
        downturn=_stressed(work, rules),
        refits=_refitted(work, bundle) if asked.refits else None,
        refit_same=rebuilt_alike(work, rules) if asked.rebuild else None,
    )


def of_training(work: Work, rules: RuleSet) -> dict[str, Any]:
    """Statistics of the rows trained on, which no evaluation could give.

    Returns:
        ``tier`` of the portfolio by its defaults with the shape that is served; for an expert's order ``anchor``;
        ``margins`` of the PD and, where losses are known, of the LGD; for an LGD composed of its parts also
        ``lgd_downturn`` by pool (ratios), and ``resolution`` by pool: defaults, and months until half of them were
        resolved.
    """
    tape, past = work.tape, np.concatenate([work.windows.in_time, work.windows.calibrate])
    anchor = work.models.anchor
    found: dict[str, Any] = {"tier": work.models.choice.as_dict()}
    found |= {} if anchor is None else {"anchor": anchor.as_dict()}
    found["margins"] = {"pd": work.models.margins.as_dict()}
    if not _composed(work):
        return found
    pools = downturn_of(work.models.lgd, tape, past, rules)
    if "all" in pools:
        of = margins_of(pools["all"].long_run, pools["all"].upper, work.plan.deficiencies, parameter="lgd")
        found["margins"]["lgd"] = of.as_dict()
    return found | {
        "lgd_downturn": {name: pool.as_dict() for name, pool in pools.items()},
        "resolution": {name: _told(curve) for name, curve in resolution_curves(tape, past).items()},
    }


def folds_of(work: Work, out_of_time: Mapping[str, float]) -> dict[str, Any]:
    """Ranking and calibration in time, out of fold; both empty where the plan asks for none or a fold has one outcome.

    Returns:
        ``cross_validation``: ``folds``, ``auc`` and ``overfit``, how far that AUC lies above the AUC out of time (G1c).
        ``in_period``: slope and intercept of Cox's recalibration (G2f); empty for an expert's order, whose level is no
        estimate.
    """
    plan, rows = work.plan, work.windows.in_time
    if not plan.evidence.cross_validation:
        return {"cross_validation": {}, "in_period": {}}
    folded = out_of_fold(work.tape, rows, work.again, seed=plan.seed)
    found = cross_validated(work.tape, rows, folded)
    return {
        "cross_validation": found | {"overfit": overfit(found["auc"], out_of_time)} if found else {},
        "in_period": {} if work.models.choice.shape == BOUND else in_period(work.tape, rows, folded),
    }


def _composed(work: Work) -> bool:
    needed = {"lgd", "collateral_value", "exposure"}
    return work.models.lgd.mode == "composition" and needed <= set(work.tape.outcome)


def _stressed(work: Work, rules: RuleSet) -> Floats | None:
    return stressed_lgd(work.models.lgd, work.tape, rules)[work.windows.evaluate] if _composed(work) else None


def _refitted(work: Work, bundle: ModelBundle) -> Interval:
    how, rows = Refits(work.plan.evidence.refits, work.plan.seed), (work.windows.in_time, work.windows.evaluate)
    return refit_reasons(bundle, work.tape, rows, again=work.again, resampled=how)


def _told(curve: Curve) -> dict[str, float]:
    return {"defaults": float(curve.cases), "median_months": curve.time_at(HALF)}
