"""An appraisal: low, central and high value with the steps behind the central one.

The range is a sensitivity range: every uncertain parameter is moved alone to the low and to the high
end of its rulebook range, and the moves of the value are added in quadrature, downward and upward
apart. It says how far the parameters carry the value; it is no confidence interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats

Figures = dict[str, Floats]
"""Named numeric columns: what a kind derives from its fields, or the scenarios of a sensitivity."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the central appraisal.

    Attributes:
        code: stable identifier.
        zh: label in Chinese.
        en: label in English.
        unit: stored unit of the values.
        values: shape (n,), NaN where the step does not belong to the pledge's method.
    """

    code: str
    zh: str
    en: str
    unit: str
    values: Floats


@dataclass(frozen=True)
class Appraisal:
    """Value of n rights on a day.

    Attributes:
        low: lower end of the sensitivity range, CNY, shape (n,), never below 0.
        central: value by the method, CNY, shape (n,).
        high: upper end, CNY, shape (n,); ``low <= central <= high``.
        approach: code of the method used, shape (n,).
        steps: steps behind the central value, in order.
        known: False where a field without which no value can be formed is unknown; the three
            values are 0 there.
    """

    low: Floats
    central: Floats
    high: Floats
    approach: npt.NDArray[np.object_]
    steps: tuple[Step, ...]
    known: npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Span:
    """Low, central and high value of one parameter: shape (n,) each, or one number for all rows."""

    low: Floats | float
    central: Floats | float
    high: Floats | float


def given_or(value: Floats, default: Span, spread: float) -> Span:
    """A parameter as stated, with a relative spread; where it is unknown, the rulebook's estimate.

    Args:
        value: stated values, NaN where unknown, shape (n,).
        default: estimate with its own range, used where the value is unknown.
        spread: part of a stated value taken as its uncertainty, 0.1 is 10 %.

    Returns:
        The span: ``value (1 - spread), value, value (1 + spread)`` where known, else the default.
    """
    unknown = np.isnan(value)
    return Span(
        np.where(unknown, default.low, value * (1.0 - spread)),
        np.where(unknown, default.central, value),
        np.where(unknown, default.high, value * (1.0 + spread)),
    )


def around(central: Floats, spread: float) -> Span:
    """A span ``central (1 - spread), central, central (1 + spread)``, shape (n,) each."""
    return Span(central * (1.0 - spread), central, central * (1.0 + spread))


def one_at_a_time(spans: Mapping[str, Span], rows: int) -> Figures:
    """Lay out the scenarios of a one-at-a-time sensitivity.

    Args:
        spans: parameter name to its span, k parameters.
        rows: n, number of pledges.

    Returns:
        Parameter name to values of shape (1 + 2k, n): row 0 holds the central value of all, rows
        ``1 + 2j`` and ``2 + 2j`` move parameter j alone to its low and high value.
    """
    scenarios = 1 + 2 * len(spans)
    laid: Figures = {}
    for j, (name, span) in enumerate(spans.items()):
        values = np.empty((scenarios, rows))
        values[:] = span.central
        values[1 + 2 * j] = span.low
        values[2 + 2 * j] = span.high
        laid[name] = values
    return laid


def ranged(values: Floats) -> tuple[Floats, Floats, Floats]:
    """Low, central and high from the values of the scenarios of `one_at_a_time`.

    Args:
        values: CNY, shape (1 + 2k, n).

    Returns:
        ``low = max(0, v0 - sqrt(sum_j d_j^2))`` and ``high = v0 + sqrt(sum_j u_j^2)``, where d_j and
        u_j are the largest fall and rise of the value over the two moves of parameter j.
        Each has shape (n,).

    Example:
        >>> low, central, high = ranged(np.array([[10.0], [7.0], [11.0], [6.0], [10.0]]))
        >>> float(low[0]), float(central[0]), float(high[0])
        (5.0, 10.0, 11.0)
    """
    central = values[0].copy()
    moves = values[1:] - central
    falls = np.square(np.minimum(0.0, np.minimum(moves[0::2], moves[1::2])))
    rises = np.square(np.maximum(0.0, np.maximum(moves[0::2], moves[1::2])))
    down, up = np.zeros_like(central), np.zeros_like(central)
    # a loop and not a sum over an axis: the order of additions must not depend on the number of rows
    for fall, rise in zip(falls, rises, strict=True):
        down += fall
        up += rise
    return np.maximum(0.0, central - np.sqrt(down)), central, central + np.sqrt(up)
