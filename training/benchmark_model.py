"""The benchmark of every training: a scorecard of weights of evidence, the plain model that complexity must beat (G1e).

Each input is cut into a few bins and replaced by their weight of evidence; a logistic regression adds them up. Inputs
that say little are left out, and so is every input whose coefficient comes out below zero, as it would speak against
its own bins. Sums run in fixed order, so the same rows give the same bytes on one platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.numbers import Columns, Floats, number
from eco_credit.risk.calibration import sigmoid
from eco_credit.risk.tables import Grid, TableModel
from training.datasets import Input, Tape
from training.split import Rows
from training.woe_bins import Binning, binning_of, cuts, evidence, place

LEAST_INFORMATION = 0.02
"""Inputs with less information value are left out, as is the custom of scorecards."""
MOST_INPUTS = 20
RIDGE = 1.0
"""Penalty on half the squared coefficients, in rows of mean weight."""


@dataclass(frozen=True, slots=True)
class Scored:
    """One input of a scorecard.

    Attributes:
        name: input.
        thresholds: cuts, rising; x on a cut belongs below it.
        woe: weight of evidence of each bin, unknown last, shape (cuts + 2,); higher is riskier.
        information: information value.
        coefficient: its coefficient, at least 0.
    """

    name: str
    thresholds: Floats
    woe: Floats
    information: float
    coefficient: float = 0.0

    def evidence(self, columns: Columns) -> Floats:
        """Weight of evidence of each row, shape (n,)."""
        found: Floats = self.woe[place(self.thresholds, number(columns, self.name))]
        return found

    def as_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.name,
            "thresholds": self.thresholds.tolist(),
            "woe": self.woe.tolist(),
            "information": self.information,
            "coefficient": self.coefficient,
        }


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A logistic regression on weights of evidence.

    Attributes:
        intercept: its intercept.
        inputs: its inputs, most telling first.
        binning: who cut the bins.
    """

    intercept: float
    inputs: tuple[Scored, ...]
    binning: Binning

    def logit(self, columns: Columns) -> Floats:
        """``a + sum_i b_i WOE_i(x_i)``, added in the order of the inputs, shape (n,)."""
        total = np.full(len(next(iter(columns.values()))), self.intercept)
        for item in self.inputs:
            total = total + item.coefficient * item.evidence(columns)
        return total

    def table(self) -> TableModel:
        """The same sum as main tables: bins of a scorecard are those of a table, unknown last."""
        grids = tuple(Grid(item.name, item.thresholds) for item in self.inputs)
        return TableModel(self.intercept, grids, tuple(item.coefficient * item.woe for item in self.inputs), ())

    def as_json(self) -> dict[str, Any]:
        """Plain data, enough to score by hand."""
        return {"intercept": self.intercept, "binning": self.binning, "inputs": [i.as_json() for i in self.inputs]}


def fit_scorecard(tape: Tape, rows: Rows, *, binning: str = "auto") -> Scorecard:
    """Bin, choose and fit.

    Args:
        tape: labelled rows.
        rows: rows to fit on.
        binning: ``auto`` or ``own``, as in a plan.

    Returns:
        The scorecard; without any telling input it is the default rate.
    """
    who = binning_of(binning)
    found = [scored(tape, rows, item, who) for item in tape.inputs]
    told = sorted((item for item in found if item.information >= LEAST_INFORMATION), key=lambda i: -i.information)
    kept, columns = told[:MOST_INPUTS], tape.part(rows)
    y, weight = tape.target[rows], tape.weight[rows] / tape.weight[rows].mean()
    while True:
        x = np.array([np.ones(len(rows)), *(item.evidence(columns) for item in kept)])
        beta = newton(x, y, weight)
        if not kept or beta[1:].min() >= 0.0:
            break
        del kept[int(np.argmin(beta[1:]))]
    fitted = (
        Scored(item.name, item.thresholds, item.woe, item.information, float(b))
        for item, b in zip(kept, beta[1:], strict=True)
    )
    return Scorecard(float(beta[0]), tuple(fitted), who)


def scored(tape: Tape, rows: Rows, item: Input, who: Binning) -> Scored:
    """Bins of one input, their weights of evidence and its information value; no coefficient yet."""
    x, y, w = number(tape.columns, item.name)[rows], tape.target[rows], tape.weight[rows]
    known = ~np.isnan(x)
    thresholds = cuts(x[known], y[known], w[known], sign=item.monotone, binning=who)
    woe, information = evidence(place(thresholds, x), y, w, len(thresholds) + 2)
    return Scored(item.name, thresholds, woe, information)


def newton(x: Floats, y: Floats, weight: Floats) -> Floats:
    """Weighted logistic regression with a ridge on all but the first coefficient, by Newton's method.

    ``max_b sum_n w_n [y_n z_n - ln(1 + e^(z_n))] - RIDGE / 2 sum_(i>0) b_i^2``, ``z = b x``. Sums over rows are taken
    by numpy's own loops, column by column; no linear algebra library touches the rows.

    Args:
        x: inputs, shape (k, n), the first all ones.
        y: outcomes, shape (n,).
        weight: sample weights, shape (n,).

    Returns:
        Coefficients, shape (k,).
    """
    count = len(x)
    ridge = RIDGE * np.append(0.0, np.ones(count - 1))
    beta = np.zeros(count)
    for _ in range(50):
        z = np.zeros(x.shape[1])
        for b, column in zip(beta, x, strict=True):
            z = z + b * column
        p = sigmoid(z)
        slope = (x * (weight * (y - p))).sum(axis=1) - ridge * beta
        heavy = x * (weight * p * (1.0 - p))
        curve = np.array([(heavy * column).sum(axis=1) for column in x]) + np.diag(ridge + 1e-9)
        step = np.linalg.solve(curve, slope)
        beta = beta + np.clip(step, -2.0, 2.0)
        if np.abs(step).max() < 1e-10:
            break
    return beta
