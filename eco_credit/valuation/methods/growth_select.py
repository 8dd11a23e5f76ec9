"""Growth curves in columns: one model and one set of parameters for each row, and the spread of a growth ratio.

A model is named by its code in `MODELS`; in columns it is the place of the code there. Rows are split by
model and every formula is elementwise, so a row alone gives the bytes it gives among many. In every model
an age below one year counts as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats
from eco_credit.valuation.methods import growth as g

Index = npt.NDArray[np.intp]
Terms = tuple[Floats, ...]

MODELS = ("schumacher", "chapman_richards", "logistic", "shifted_richards")
"""Codes of the growth models; the place of a code is the number of the model in a column."""
PARAMETERS: dict[str, tuple[str, ...]] = {
    "schumacher": ("a", "b"),
    "chapman_richards": ("A", "k", "p"),
    "logistic": ("A", "c", "r"),
    "shifted_richards": ("A", "B", "K", "m"),
}
"""Symbols of the parameters of each model, in the order in which they are stored."""
MOST_PARAMETERS = 4

_STOCK: tuple[Callable[[Floats, Any], Floats], ...] = (
    lambda t, p: g.schumacher(t, p[0], p[1]),
    lambda t, p: g.chapman_richards(t, p[0], rate=p[1], shape=p[2]),
    lambda t, p: g.logistic(t, p[0], offset=p[1], rate=p[2]),
    lambda t, p: g.shifted_richards(t, p[0], offset=p[1], rate=p[2], exponent=p[3]),
)
_INCREMENT: tuple[Callable[[Floats, Any], Floats], ...] = (
    lambda t, p: g.schumacher_increment(t, p[0], p[1]),
    lambda t, p: g.chapman_richards_increment(t, p[0], rate=p[1], shape=p[2]),
    lambda t, p: g.logistic_increment(t, p[0], offset=p[1], rate=p[2]),
    lambda t, p: g.shifted_richards_increment(t, p[0], offset=p[1], rate=p[2], exponent=p[3]),
)
_GRADIENT: tuple[Callable[[Floats, Any], Terms], ...] = (
    lambda t, p: g.schumacher_gradient(t, p[0], p[1]),
    lambda t, p: g.chapman_richards_gradient(t, p[0], rate=p[1], shape=p[2]),
    lambda t, p: g.logistic_gradient(t, p[0], offset=p[1], rate=p[2]),
    lambda t, p: g.shifted_richards_gradient(t, p[0], offset=p[1], rate=p[2], exponent=p[3]),
)


def log_gradient(model: str, params: Any, age: Floats) -> Terms:
    """Gradient of ln M by the parameters of one model, one array for each parameter.

    Args:
        model: code in `MODELS`.
        params: parameters in the order of `PARAMETERS`, numbers or arrays.
        age: years, below one counts as one.

    Example:
        >>> [round(float(x), 3) for x in log_gradient("schumacher", (6.4, 21.0), np.float64(10.0))]
        [1.0, -0.1]
    """
    return _GRADIENT[MODELS.index(model)](np.maximum(age, 1.0), params)


def stock_at(model: Index, params: Floats, age: Floats) -> Floats:
    """Stock of the reference stand, each row by its own model.

    Args:
        model: place of the model in `MODELS`, shape (n,).
        params: parameters in the order of `PARAMETERS`, shape (k, n); rows a model does not have are not read.
        age: years, shape (..., n); below one counts as one.

    Returns:
        M, m3/ha, shape of ``age``; NaN where the age is unknown.

    Example:
        >>> params = np.array([[6.407, 780.0], [21.03, 0.094], [0.0, 2.3]])
        >>> stock_at(np.array([0, 1]), params, np.array([14.0, 7.0])).round(1).tolist()
        [134.9, 145.7]
    """
    return _by_model(_STOCK, model, params=params, age=age)


def increment_at(model: Index, params: Floats, age: Floats) -> Floats:
    """Current annual increment dM/dt, m3/ha/year; arguments as in `stock_at`."""
    return _by_model(_INCREMENT, model, params=params, age=age)


def _by_model(
    formulas: tuple[Callable[[Floats, Any], Floats], ...], model: Index, *, params: Floats, age: Floats
) -> Floats:
    clamped = np.maximum(np.asarray(age, dtype=np.float64), 1.0)
    result = np.full(clamped.shape, np.nan)
    for number, formula in enumerate(formulas):
        rows = np.flatnonzero(np.equal(model, number))
        if rows.size:
            result[..., rows] = formula(clamped.take(rows, -1), params.take(rows, -1))
    return result


def growth_ratio_sd(model: Index, params: Floats, *, covariance: Floats, age: Floats, age_later: Floats) -> Floats:
    """Standard deviation of ``ln[M(u) / M(n)]`` from the covariance of the parameters (delta method).

    ``sqrt(g' S g)`` with ``g = grad ln M(u) - grad ln M(n)``. It is 0 where u = n and holds a stand's own level
    out: for Schumacher it is ``|1/n - 1/u| sqrt(S_bb)``, for every model the asymptote cancels.

    Args:
        model: place of the model in `MODELS`, shape (n,).
        params: shape (k, n) as in `stock_at`.
        covariance: S, shape (k, k, n); parameters in the order of `PARAMETERS`.
        age: n, years, shape (..., n).
        age_later: u, years, same shape.

    Returns:
        Part of the ratio (0.1 is about 10 %), shape (..., n); NaN where the covariance is unknown.

    Example:
        >>> model, params = np.array([0]), np.array([[6.407], [21.03]])
        >>> spread = np.array([[[0.0], [0.0]], [[0.0], [25.0]]])
        >>> ages = {"age": np.array([10.0]), "age_later": np.array([20.0])}
        >>> float(growth_ratio_sd(model, params, covariance=spread, **ages)[0])
        0.25
    """
    now, later = (np.maximum(np.asarray(t, dtype=np.float64), 1.0) for t in (age, age_later))
    result = np.full(np.broadcast_shapes(now.shape, later.shape), np.nan)
    for number, gradient in enumerate(_GRADIENT):
        rows = np.flatnonzero(np.equal(model, number))
        if rows.size:
            own = params.take(rows, -1)
            ends = (gradient(t.take(rows, -1), own) for t in (later, now))
            moved = tuple(after - before for after, before in zip(*ends, strict=True))
            result[..., rows] = quadratic_sd(moved, covariance.take(rows, -1))
    return result


def quadratic_sd(gradient: Terms, covariance: Any) -> Floats:
    """``sqrt(g' S g)``, added in a fixed order; a sum below zero by rounding counts as 0.

    Args:
        gradient: one array for each parameter.
        covariance: ``covariance[i][j]`` a number or an array of the same shape.
    """
    total = np.zeros_like(gradient[0])
    for i, left in enumerate(gradient):
        for j, right in enumerate(gradient):
            total = total + left * right * covariance[i][j]
    return np.sqrt(np.maximum(total, 0.0))
