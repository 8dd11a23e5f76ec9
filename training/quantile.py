"""Quantile models with signs: LightGBM on a smoothed pinball loss, collapsed into tables.

LightGBM refuses monotone constraints in its own quantile objective, so the loss is ours:
``rho(u) = a u + h ln(1 + exp(-u / h))`` with ``u = y - q``, which tends to the pinball loss as h falls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.risk.calibration import sigmoid
from eco_credit.risk.tables import TableModel
from training.collapse import collapse
from training.fit_pd import QUIET
from training.plan import LgdFit

LEVELS = {"low": 0.05, "central": 0.5, "high": 0.95}
SMOOTHING = 0.05
"""h as a part of the spread (10 % to 90 % quantile) of y."""


@dataclass(frozen=True)
class Quantile:
    """One quantile model.

    Attributes:
        table: tables of the quantile, in the unit of y; the starting value stands in the intercept.
        text: LightGBM's text; its raw score is the quantile minus ``start``.
        start: the quantile of all rows, from which the trees begin.
    """

    table: TableModel
    text: str
    start: float


def fit_quantile(
    rows: tuple[Floats, Floats, Floats], signs: Mapping[str, int], *, level: float, fit: LgdFit, seed: int
) -> Quantile:
    """Fit one conditional quantile.

    Args:
        rows: inputs of shape (n, k) with NaN for unknown, values of shape (n,), weights of shape (n,).
        signs: input to its sign on y, in the order of the columns.
        level: the quantile, between 0 and 1.
        fit: parameters.
        seed: seed of LightGBM.

    Returns:
        The model.
    """
    import lightgbm as lgb

    x, y, weight = rows
    start = weighted_quantile(y, weight, level)
    spread = weighted_quantile(y, weight, 0.9) - weighted_quantile(y, weight, 0.1)
    width = SMOOTHING * max(spread, 1e-3)
    parameters = QUIET | {
        "objective": smoothed_pinball(level, width),
        "max_depth": 2,
        "num_leaves": 4,
        "learning_rate": fit.learning_rate * max(spread, 1e-3),
        "min_data_in_leaf": fit.min_rows,
        "min_sum_hessian_in_leaf": 1e-3,
        "lambda_l2": 1.0,
        "max_bin": fit.max_bin,
        "monotone_constraints": list(signs.values()),
        "seed": seed % 2**31,
        "boost_from_average": False,
    }
    relative = weight / weight.mean()
    data = lgb.Dataset(x, y - start, weight=relative, feature_name=list(signs))
    booster = lgb.train(parameters, data, fit.rounds)
    raw = collapse(booster.dump_model())
    table = TableModel(raw.intercept + start, raw.grids, raw.mains, raw.pairs)
    return Quantile(table, booster.model_to_string(), start)


def smoothed_pinball(level: float, width: float) -> Callable[[Floats, Any], tuple[Floats, Floats]]:
    """The objective for LightGBM: gradient ``sigma((q - y) / h) - a`` and a curvature kept at 1.

    With unit curvature a leaf moves by its mean gradient, the share of rows on the wrong side, and the
    learning rate carries the unit of y.
    """

    def objective(estimate: Floats, data: Any) -> tuple[Floats, Floats]:
        given = data.get_weight()
        weight = np.ones(len(estimate)) if given is None else given  # LightGBM forgets weights that are all one
        gradient = sigmoid((estimate - data.get_label()) / width) - level
        return gradient * weight, weight

    return objective


def weighted_quantile(values: Floats, weight: Floats, level: float) -> float:
    """Smallest value whose share of weight at or below it reaches the level.

    Example:
        >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), 0.5)
        2.0
    """
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][min(int(np.searchsorted(share, level - 1e-12)), len(values) - 1)])
