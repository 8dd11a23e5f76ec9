"""Do the signs cost anything? The model fitted once more without signs, and with one sign less at a time (gate G4b)."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import Any

from eco_credit.core.numbers import Floats
from eco_credit.risk.monotone import monotone_violations
from eco_credit.risk.tables import TableModel
from training.collapse import collapse
from training.datasets import Tape
from training.fit_pd import fixed, grown, parameters
from training.fitting import Work
from training.metrics.ranking import Interval, auc_difference
from training.tiers import TABLES


def cost_of_signs(work: Work) -> dict[str, Any]:
    """AUC out of time without signs less the AUC with them, and of each sign the free model would break.

    The free model finds its own number of trees, as the model did. A sign it keeps by itself costs nothing and is not
    looked at further; each other one is released alone, with the number of trees of the model.

    Args:
        work: everything fitted.

    Returns:
        ``gain`` (AUC, paired 95 % interval), ``kept`` (signs the free model keeps by itself), ``broken`` (a list of
        ``name``, ``sign``, ``gain``, costliest first) and ``costly`` (names whose interval lies above 0). Empty for a
        model that is no boosted table, or without a sign.
    """
    tape, signed = work.tape, [item for item in work.tape.inputs if item.monotone]
    if work.models.choice.shape != TABLES or not signed:
        return {}
    free = released(tape, {item.name for item in signed})
    chosen = parameters(work.pd, [0] * len(tape.inputs), work.plan.seed)
    table = collapse(grown(free, work.windows, work.pd, chosen).dump_model())
    broken = [item for item in signed if monotone_violations(table, item.name, item.monotone)]
    told = [{"name": i.name, "sign": i.monotone, "gain": _gain(work, _without(work, i.name)).as_dict()} for i in broken]
    told.sort(key=lambda one: -one["gain"]["value"])  # type: ignore[index]
    return {
        "gain": _gain(work, table.score(tape.columns)).as_dict(),
        "kept": len(signed) - len(broken),
        "broken": told,
        "costly": [one["name"] for one in told if one["gain"]["low"] > 0.0],  # type: ignore[index]
    }


def released(tape: Tape, names: Set[str]) -> Tape:
    """The tape with the signs on the PD of some inputs taken off."""
    return replace(tape, inputs=tuple(replace(i, monotone=0) if i.name in names else i for i in tape.inputs))


def _without(work: Work, name: str) -> Floats:
    """Raw score of every row by the model without one sign."""
    tape = released(work.tape, {name})
    chosen = parameters(work.pd, [item.monotone for item in tape.inputs], work.plan.seed)
    booster = fixed(tape, work.windows.in_time, chosen, rounds=work.models.pd.rounds)
    table: TableModel = collapse(booster.dump_model())
    return table.score(tape.columns)


def _gain(work: Work, score: Floats) -> Interval:
    rows = work.windows.evaluate
    return auc_difference(work.tape.target[rows], score[rows], work.score[rows], work.tape.weight[rows])
