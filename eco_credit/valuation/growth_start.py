"""Where a fit of a growth curve begins and how far its parameters may go; read from the points alone."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats

_WIDEST = 20.0
"""An asymptote above this many times the largest stock says the points show no levelling off."""


def starts(model: str, ages: Floats, stocks: Floats) -> list[Floats]:
    """First guesses for a model, three for the curves that may have more than one valley.

    Args:
        model: code of the model.
        ages: t, years, shape (n,).
        stocks: M, m3/ha, shape (n,).

    Returns:
        Parameter vectors, shape (k,) each.
    """
    top, middle = float(stocks.max()), float(np.median(ages))
    if model == "schumacher":
        # ln M is linear in 1 / t, so the first guess on the log scale is the answer itself
        slope, level = np.polyfit(1.0 / ages, np.log(stocks), 1)
        return [np.array([level, -slope])]
    if model == "chapman_richards":
        return [np.array([1.3 * top, pace / middle, 2.0]) for pace in (0.5, 1.0, 2.0)]
    if model == "logistic":
        return [np.array([1.2 * top, np.exp(pace), pace / middle]) for pace in (1.0, 2.0, 4.0)]
    return [np.array([1.3 * top, 1.01, pace / middle, 0.4]) for pace in (0.5, 1.0, 2.0)]


def bounds(model: str, ages: Floats, stocks: Floats) -> tuple[Floats, Floats]:
    """Lowest and highest parameters of a model; a fit that ends on one of them is not a fit."""
    top, first, last = float(stocks.max()), float(ages.min()), float(ages.max())
    wide = _WIDEST * top
    # a rate so low that the curve is a straight line, or so high that it is flat from the first age on
    slow, fast = 1e-3 / last, 50.0 / first
    if model == "schumacher":
        # a stock that falls with age is no growth curve: b ends on its bound of 0
        return np.array([-20.0, 0.0]), np.array([np.log(top) + 10.0, 50.0 * last])
    if model == "chapman_richards":
        return np.array([0.3 * top, slow, 0.05]), np.array([wide, fast, 50.0])
    if model == "logistic":
        return np.array([0.3 * top, 1e-6, slow]), np.array([wide, 1e6, fast])
    # B e^{-K t} must stay below 1 at the youngest point; the start of the curve is held by the data, not by a bound
    return np.array([0.3 * top, 0.05, slow, -5.0]), np.array([wide, 3.0, fast, 0.95])
