"""The lowest tier: an order of loans by declared signs alone, its level anchored to upper bounds by grade.

Outcomes too few to fit anything do not choose inputs or slopes. Each signed input, rounded to bins and standardised,
counts alike: ``s = sum_i sign_i z_i / sqrt(k)``. The loans are cut into grades by s, each grade gets the most prudent
upper bound of Pluto and Tasche (2005), and the line ``a + b s`` through the logits of the bounds gives the PD. The
posterior mean of Tasche (2013) stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Floats, number
from eco_credit.risk.tables import TableModel
from eco_credit.rulebook import RuleSet
from training.calibrate import shifted
from training.datasets import Tape
from training.low_default import anchored_grades, bayes_mean
from training.metrics.calibration import effective_count, logit
from training.split import Rows
from training.step_logistic import stepped

LEAST_SLOPE = 1e-6
"""Slope where the bounds of all grades are one: the order is kept, the level hardly moves."""


@dataclass(frozen=True)
class Anchor:
    """Level of an expert's order.

    Attributes:
        intercept: a of ``a + b s``.
        slope: b, above 0.
        level: mean of the bounds of the grades, the mean PD served; ratio.
        rate: default rate seen; ratio.
        bayes: posterior mean of the PD of all loans, neutral prior, correlated; ratio.
        grades: from the best: ``rows``, ``defaults`` (effective) and ``bound`` (ratio).
    """

    intercept: float
    slope: float
    level: float
    rate: float
    bayes: float
    grades: tuple[Mapping[str, float], ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "level": self.level, "rate": self.rate, "bayes": self.bayes, "grades": [dict(one) for one in self.grades],
        }  # fmt: skip


def expert_order(tape: Tape, rows: Rows) -> TableModel:
    """The order of loans by declared signs, as tables; no outcome is read.

    Args:
        tape: rows; their outcomes are not looked at.
        rows: rows whose spread standardises the inputs.

    Raises:
        ContractError: no input with a sign varies.
    """
    parts = [(item, stepped(item.name, number(tape.columns, item.name)[rows], tape.weight[rows]))
             for item in tape.inputs if item.monotone != 0]  # fmt: skip
    told = [(item, part) for item, part in parts if part.values.any()]
    if not told:
        raise ContractError([Violation("features", "sign", "no input with a sign varies", "没有带方向的变量可排序")])
    scale = 1.0 / float(np.sqrt(len(told)))
    mains = tuple(scale * item.monotone * part.values for item, part in told)
    return TableModel(0.0, tuple(part.grid for _, part in told), mains, ())


def anchored(score: Floats, y: Floats, weight: Floats, rules: RuleSet) -> Anchor:
    """Anchor an order to the upper bounds of its grades.

    Args:
        score: s of each loan, higher is riskier, shape (n,).
        y: 1.0 for default, else 0.0.
        weight: sample weights, above 0.
        rules: ``risk.low_default.expert_grades``, ``.confidence`` and ``.correlation``.

    Returns:
        The line through the logits of the bounds by weighted least squares, shifted so that the mean PD is the mean
        bound.
    """
    parts = _graded(score, weight, int(rules.number("risk.low_default.expert_grades")))
    n = np.array([effective_count(weight[part]) for part in parts])
    k = n * np.array([np.average(y[part], weights=weight[part]) for part in parts])
    bounds = anchored_grades(k.tolist(), n.tolist(), rules)
    mass = np.array([weight[part].sum() for part in parts])
    middle = np.array([np.average(score[part], weights=weight[part]) for part in parts])
    away, target = middle - np.average(middle, weights=mass), logit(bounds)
    spread = float((mass * away**2).sum())
    slope = max(float((mass * away * target).sum()) / spread if spread > 0.0 else 0.0, LEAST_SLOPE)
    level = float(np.average(bounds, weights=mass))
    bayes = bayes_mean(float(k.sum()), float(n.sum()), correlation=rules.number("risk.low_default.correlation"))
    told = [{"rows": float(a), "defaults": float(b), "bound": float(c)} for a, b, c in zip(n, k, bounds, strict=True)]
    rate = float(np.average(y, weights=weight))
    return Anchor(shifted(slope * score, weight, level), slope, level, rate, bayes, tuple(told))


def _graded(score: Floats, weight: Floats, grades: int) -> list[Rows]:
    """Rows of each grade, best first: equal parts of the weight, loans of one score in one grade."""
    order = np.argsort(score, kind="stable")
    ends = np.cumsum(weight[order]) / weight.sum()
    cuts = np.unique(score[order][np.searchsorted(ends, np.arange(1, grades) / grades)])
    place = np.searchsorted(cuts, score, side="left")
    return [np.flatnonzero(place == grade) for grade in range(len(cuts) + 1) if (place == grade).any()]
