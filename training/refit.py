"""Fit the shape that is served once more on other rows: for folds, refits of reasons, and the shapes without trees."""

from __future__ import annotations

from collections.abc import Callable

from eco_credit.risk.tables import TableModel
from training.benchmark_model import fit_scorecard, scored
from training.collapse import collapse
from training.datasets import Tape
from training.expert import expert_order
from training.fit_pd import fixed, parameters
from training.plan import PdFit
from training.split import Rows
from training.step_logistic import step_logistic
from training.tiers import PRIOR, SCORECARD, TABLES
from training.woe_bins import binning_of

Again = Callable[[Rows], TableModel]
"""Row numbers, repeats allowed, to tables fitted on these rows."""
FEW = 5


def refitter(tape: Tape, shape: str, *, grown: tuple[PdFit, int, int], binning: str = "auto") -> Again:
    """What fits a shape on other rows.

    Args:
        tape: labelled rows.
        shape: one of `training.tiers.SHAPES`.
        grown: parameters, number of trees and seed of boosted tables; other shapes do not read them.
        binning: ``auto`` or ``own``, as in a plan; of a scorecard.
    """
    fit, rounds, seed = grown
    if shape == TABLES:
        chosen = parameters(fit, [item.monotone for item in tape.inputs], seed)
        return lambda rows: collapse(fixed(tape, rows, chosen, rounds=rounds).dump_model())
    if shape == SCORECARD:
        return lambda rows: fit_scorecard(tape, rows, binning=binning).table()
    return (lambda rows: few_inputs(tape, rows)) if shape == PRIOR else (lambda rows: expert_order(tape, rows))


def few_inputs(tape: Tape, rows: Rows, *, most: int = FEW) -> TableModel:
    """Logistic regression with a prior on the inputs of most information value; one against its sign is left out.

    Args:
        tape: labelled rows.
        rows: rows to fit on.
        most: inputs to take.
    """
    who = binning_of("own")
    told = sorted(tape.inputs, key=lambda item: -scored(tape, rows, item, who).information)[:most]
    weight = tape.weight[rows] / tape.weight[rows].mean()
    return step_logistic(tape.part(rows), tape.target[rows], weight, signs={i.name: i.monotone for i in told})
