"""Conformal corrections of quantile models: a floor that holds, a band that covers, quantiles in order.

Sources: Romano, Patterson, Candès (2019), *Conformalized quantile regression*; one-sided form after Vovk.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Columns, Floats, number, rows_of
from eco_credit.risk.checks import defect, mapping, member, real

POOLED = "pooled"


def conformal_offset(misses: npt.ArrayLike, miss_rate: float, weight: npt.ArrayLike | None = None) -> float:
    """The offset that makes a bound hold on new data: the ``ceil((n + 1)(1 - alpha))``-th smallest miss.

    With weights: the smallest miss whose cumulated weight reaches ``(1 - alpha)(W + W / n)``, W the sum of the
    weights and ``W / n`` that of the new case (Tibshirani, Foygel Barber, Candès, Ramdas 2019); equal weights give
    the rank above.

    Args:
        misses: how far each calibration case lies beyond its bound, shape (n,): ``floor - y`` for a
            floor, ``max(low - y, y - high)`` for a band; negative where the bound held.
        miss_rate: alpha, the share of cases allowed beyond the bound, between 0 and 1.
        weight: weight of each case, above 0, shape (n,); None weighs all alike.

    Returns:
        The offset, in the unit of y; the largest miss when n is too small for the rate.

    Raises:
        ValueError: no cases.

    Example:
        >>> conformal_offset([-0.2, -0.1, 0.0, 0.1], 0.4)   # ceil(5 * 0.6) = 3rd smallest
        0.0
        >>> conformal_offset([-0.2, -0.1, 0.0, 0.1], 0.4, [3.0, 1.0, 1.0, 1.0])   # 0.6 * (6 + 1.5) = 4.5 <= 3 + 1 + 1
        0.0
    """
    values = np.asarray(misses, np.float64)
    if not len(values):
        raise ValueError("a conformal offset needs at least one case")
    given = np.ones(len(values)) if weight is None else np.asarray(weight, np.float64)
    order = np.argsort(values, kind="stable")
    mean = given.sum() / len(values)
    # in units of the mean weight, and nudged down so that 5 * 0.6 = 3.0000000000000004 counts as 3
    reached = np.cumsum(given[order]) / mean
    rank = int(np.searchsorted(reached, (len(values) + 1) * (1.0 - miss_rate) - 1e-9))
    return float(values[order][min(rank, len(values) - 1)])


def widened_offset(
    misses: npt.ArrayLike, miss_rate: float, weight: npt.ArrayLike | None = None, *, width: float
) -> float:
    """Offset for a group too small for one of its own: the pooled offset, its distance from the middle stretched.

    ``m + width (o - m)`` with o the pooled offset and m the offset at one half, both of the pooled cases. An offset
    can be negative, so it is its distance from the middle of the misses that is multiplied, not itself.

    Args:
        misses: misses of all groups together, shape (n,).
        miss_rate: alpha, below one half.
        weight: weight of each case, shape (n,); None weighs all alike.
        width: multiplier, 1 or more.

    Returns:
        The offset, nowhere below the pooled one.

    Example:
        >>> widened_offset([0.0, 1.0, 2.0], 0.25, width=1.5)   # o = 2, m = 1: 1 + 1.5 * (2 - 1)
        2.5
    """
    whole, middle = conformal_offset(misses, miss_rate, weight), conformal_offset(misses, 0.5, weight)
    return middle + width * (whole - middle)


def adaptive_rate(miss_rate: float, breached: npt.ArrayLike, *, step: float) -> float:
    """Miss rate to calibrate the next window with, after what was seen in past ones (Gibbs and Candès 2021).

    ``alpha_(t+1) = alpha_t + step (alpha - b_t)`` from ``alpha_0 = alpha``, kept between 0 and one half: a year with
    more breaches than allowed makes the next floor lower.

    Args:
        miss_rate: alpha, the share of breaches allowed.
        breached: share of breaches in each past window, oldest first, shape (t,).
        step: how much of the surprise is taken over, between 0 and 1.

    Returns:
        The rate for the next window.

    Example:
        >>> round(adaptive_rate(0.05, [0.09, 0.05], step=0.5), 12)   # 0.05 + 0.5 * (0.05 - 0.09)
        0.03
    """
    rate = miss_rate
    for share in np.asarray(breached, np.float64):
        rate = min(max(rate + step * (miss_rate - float(share)), 0.0), 0.5)
    return rate


@dataclass(frozen=True, slots=True)
class Offsets:
    """Conformal offsets, pooled and by kind of collateral.

    Attributes:
        floor: offset of the one-sided floor: group to ratio; group ``pooled`` is always there.
        band: offset of both ends of the two-sided band: group to ratio.

    A group other than ``pooled`` is the name of a share feature (``share_forest``); a row belongs to it
    when that share exceeds one half.
    """

    floor: Mapping[str, float]
    band: Mapping[str, float]

    @classmethod
    def parse(cls, value: Any, where: str = "offsets") -> Offsets:
        """Read ``{floor: {pooled: x, ...}, band: {pooled: x, ...}}``; `ModelNotServable` on any defect."""
        data = mapping(value, where)
        return cls(*(_group_numbers(member(data, key, where), f"{where}.{key}") for key in ("floor", "band")))

    def of(self, features: Columns) -> Floats:
        """Offset of each row for floor and band, shape (2, n)."""
        result = np.empty((2, rows_of(features)))
        result[0], result[1] = self.floor[POOLED], self.band[POOLED]
        for group in sorted({*self.floor, *self.band} - {POOLED}):
            within = number(features, group) > 0.5
            for place, values in enumerate((self.floor, self.band)):
                if group in values:
                    result[place, within] = values[group]
        return result


def _group_numbers(value: Any, where: str) -> dict[str, float]:
    data = mapping(value, where)
    if POOLED not in data:
        raise defect(where, "the pooled offset is missing", "缺少合并组的校正量")
    return {group: real(item, f"{where}.{group}") for group, item in data.items()}


def ordered(low: Floats, central: Floats, high: Floats) -> tuple[Floats, Floats, Floats]:
    """Sort three quantiles of each row, so that they cannot cross; shapes (n,)."""
    least = np.minimum(np.minimum(low, central), high)
    most = np.maximum(np.maximum(low, central), high)
    middle = np.maximum(np.minimum(low, central), np.minimum(np.maximum(low, central), high))
    return least, middle, most
