"""Scores of quantile heads on rows they were not fitted on, so that in-time sales can calibrate too.

A floor calibrated on m sales holds with a chance that itself scatters like ``Beta``, with a standard deviation of
about ``sqrt(0.05 * 0.95 / m)``: 1.7 points at 170 sales. Blocks follow the time of origination, so that the shocks of
a block's years are unknown to the heads that score it. Source: Vovk (2015), *Cross-conformal predictors*.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eco_credit.core.numbers import Floats, number
from training.datasets import Tape
from training.plan import LgdFit
from training.quantile import LEVELS, fit_quantile
from training.split import Rows

BLOCKS = 5
ENDS = ("low", "high")
Design = tuple[tuple[Floats, Floats, Floats], Mapping[str, int]]


def design(tape: Tape, rows: Rows, weight: Floats, fit: LgdFit) -> Design:
    """What a quantile head is fitted on: inputs, values and weights of the rows, and the signs of the inputs."""
    signs = {item.name: item.monotone_lvr for item in tape.inputs if not fit.features or item.name in fit.features}
    x = np.column_stack([number(tape.columns, name)[rows] for name in signs])
    return (x, number(tape.outcome, fit.target)[rows], weight[rows]), signs


def cross_scores(tape: Tape, rows: Rows, weight: Floats, *, fit: LgdFit, seed: int) -> dict[str, Floats]:
    """Scores of the low and the high head on every row by heads fitted on the other four blocks of time.

    Args:
        tape: labelled rows.
        rows: resolved defaults the served heads are fitted on.
        weight: weight of every row of the tape, shape (n,).
        fit: parameters.
        seed: seed of LightGBM.

    Returns:
        ``low`` and ``high``, shape of rows each.
    """
    order = np.argsort(tape.origination[rows], kind="stable")
    scores = {name: np.empty(len(rows)) for name in ENDS}
    for block in np.array_split(order, BLOCKS):
        others = np.setdiff1d(order, block)
        parts, signs = design(tape, rows[others], weight, fit)
        for name in ENDS:
            head = fit_quantile(parts, signs, level=LEVELS[name], fit=fit, seed=seed)
            scores[name][block] = head.table.score(tape.part(rows[block]))
    return scores
