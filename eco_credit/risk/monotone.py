"""Proof on the tables that a score never moves against a declared sign, over the whole input space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.risk.tables import TableModel

TOLERANCE = 1e-9
"""Steps against the sign smaller than this (in the unit of the score) are rounding, not a violation."""


@dataclass(frozen=True, slots=True)
class MonotoneViolation:
    """One step against the sign.

    Attributes:
        name: the feature.
        threshold: the step is from the bin below this threshold to the bin above it.
        step: the worst step over all values of all other features, times the sign: negative.
    """

    name: str
    threshold: float
    step: float


def worst_steps(model: TableModel, name: str, sign: int) -> Floats:
    """Worst step of the score along one feature, over every value of all other features.

    With ``d`` the difference along the bins of feature i,
    ``worst_k = d f_i[k] + sum_j min over bins of j of d f_ij[k, .]`` (f times the sign). The other
    features vary independently, so the sum of the minima is attained: the bound is exact.

    Args:
        model: a table model.
        name: feature along which to step; the bin for unknown has no order and is left out.
        sign: +1 where the score may not fall, -1 where it may not rise.

    Returns:
        shape (number of thresholds,): below zero where the score can move against the sign.

    Raises:
        ValueError: the sign is neither +1 nor -1, or the model does not use the feature.
    """
    if sign not in (1, -1):
        raise ValueError("sign must be +1 or -1")
    feature = model.names.index(name)
    steps: Floats = np.diff(sign * model.mains[feature][:-1])
    for pair in model.pairs:
        if feature in (pair.a, pair.b):
            along = pair.values if pair.a == feature else pair.values.T
            steps = steps + np.diff(sign * along[:-1], axis=0).min(axis=1)
    return steps


def monotone_violations(
    model: TableModel, name: str, sign: int, *, tolerance: float = TOLERANCE
) -> tuple[MonotoneViolation, ...]:
    """Every threshold at which the score can move against the sign by more than the tolerance.

    An empty result is a proof over the whole input space, not a sample. A feature the model does not
    use cannot violate anything. Arguments and errors as in `worst_steps`.
    """
    if name not in model.names:
        return ()
    thresholds = model.grids[model.names.index(name)].thresholds
    steps = worst_steps(model, name, sign)
    return tuple(
        MonotoneViolation(name, float(at), float(step))
        for at, step in zip(thresholds, steps, strict=True)
        if step < -tolerance
    )
