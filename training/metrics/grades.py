"""What grades show: calibration per grade, order of default rates, concentration, migration."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats
from training.metrics.calibration import effective_count, jeffreys, jeffreys_interval
from training.metrics.compare import tail_of
from training.metrics.ranking import ones_like


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down adjustment: reject where the adjusted value is below the level of the family.

    Example:
        >>> [round(p, 6) for p in holm([0.01, 0.04, 0.03])]  # 3 x 0.01; 2 x 0.03; max with 1 x 0.04
        [0.03, 0.06, 0.06]
    """
    adjusted, worst = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[at]))
        adjusted[at] = worst
    return adjusted


def grade_table(
    y: Floats, p: Floats, grade: npt.NDArray[Any], *, order: Sequence[str], weight: Floats | None = None
) -> list[dict[str, Any]]:
    """Each grade that occurs, best first, with its estimate, default rate and Jeffreys' test (gate G2b).

    Args:
        y: 1 for default, 0 otherwise, shape (n,).
        p: probabilities, shape (n,).
        grade: code of each row, shape (n,).
        order: codes from the best to the worst.
        weight: sample weights; a grade is tested at its effective size.

    Returns:
        Per grade ``grade``, ``rows``, ``size`` (effective), ``pd``, ``default_rate``, ``low``, ``high`` (Jeffreys' 95 %
        interval), ``jeffreys`` (one-sided p-value of "not too low") and ``holm`` (the same, adjusted).
    """
    w = ones_like(weight, y)
    found: list[dict[str, Any]] = []
    for code in order:
        at = grade == code
        if not at.any():
            continue
        size, rate = effective_count(w[at]), float((w[at] * y[at]).sum() / w[at].sum())
        mean = float((w[at] * p[at]).sum() / w[at].sum())
        known = jeffreys_interval(rate * size, size)
        found.append({
            "grade": str(code), "rows": int(at.sum()), "size": size, "pd": mean, "default_rate": rate,
            "low": known.low, "high": known.high, "jeffreys": jeffreys(rate * size, size, mean),
        })  # fmt: skip
    for row, adjusted in zip(found, holm([row["jeffreys"] for row in found]), strict=True):
        row["holm"] = adjusted
    return found


@dataclass(frozen=True, slots=True)
class Order:
    """Whether default rates rise from grade to grade.

    Attributes:
        pairs: neighbouring grades compared.
        inversions: pairs in which the better grade has the higher default rate.
        significant: inversions with a p-value below the level.
        least_p: smallest p-value of an inversion; 1 without any.
    """

    pairs: int
    inversions: int
    significant: int
    least_p: float

    def as_dict(self) -> dict[str, float]:
        """Plain data."""
        return asdict(self)


def order_of(defaults: Sequence[float], counts: Sequence[float], *, level: float) -> Order:
    """Count neighbouring grades in the wrong order and test each by Fisher's exact test (gate G3).

    Args:
        defaults: defaults per grade, best grade first.
        counts: rows per grade; grades without rows are passed over.
        level: level of the one-sided test of a single inversion.

    Returns:
        The count; a p-value is the chance of at least that many defaults in the better grade if both had one rate.
    """
    seen = [(d, n) for d, n in zip(defaults, counts, strict=True) if n > 0.0]
    p_values = []
    for better, worse in pairwise(seen):
        if better[0] / better[1] > worse[0] / worse[1]:
            p_values.append(fisher_tail(better, worse))
    least = min(p_values, default=1.0)
    return Order(max(len(seen) - 1, 0), len(p_values), sum(p < level for p in p_values), least)


def fisher_tail(first: tuple[float, float], second: tuple[float, float]) -> float:
    """Fisher's one-sided exact p-value of "the first rate is not higher", of two (hits, rows); both are rounded.

    Example:
        >>> round(fisher_tail((3, 3), (0, 3)), 12)  # one of the 20 ways to place three hits among six
        0.05
    """
    from scipy.stats import hypergeom

    a, n, b, m = (round(value) for value in (*first, *second))
    return float(hypergeom.sf(a - 1, n + m, a + b, n)) if n + m > 0 else 1.0


@dataclass(frozen=True, slots=True)
class Concentration:
    """How unevenly rows lie over grades.

    Attributes:
        index: Herfindahl index between 0 (even) and 1 (all in one grade).
        variation: coefficient of variation of the shares.
        grades: number of grades K.
    """

    index: float
    variation: float
    grades: int

    def as_dict(self) -> dict[str, float]:
        """Plain data."""
        return asdict(self)


def concentration(counts: Sequence[float]) -> Concentration:
    """Herfindahl index of grades as the ECB reads it (2019 instructions, 2.5.5).

    ``CV = sqrt(K sum (R_i - 1/K)^2)``, ``HI = 1 + ln((CV^2 + 1) / K) / ln K``

    Args:
        counts: rows (or exposure) per grade of the whole scale, empty grades included, at least two.

    Returns:
        Index, variation and number of grades.

    Raises:
        ValueError: fewer than two grades, or no rows at all.

    Example:
        >>> concentration([5, 5]).index, concentration([9, 0, 0]).index
        (0.0, 1.0)
    """
    if len(counts) < 2 or sum(counts) <= 0.0:
        raise ValueError("concentration needs two grades and at least one row")
    k = len(counts)
    share = np.asarray(counts, np.float64) / float(sum(counts))
    square = float(k * ((share - 1.0 / k) ** 2).sum())
    return Concentration(round(1.0 + math.log((square + 1.0) / k) / math.log(k), 12) + 0.0, math.sqrt(square), k)


def concentration_rose(initial: Concentration, current: Concentration) -> float:
    """One-sided p-value of "no more concentrated than at the start" (ECB 2019, 2.5.5; gate G3).

    ``p = 1 - Phi(sqrt(K - 1) (CV - CV_0) / sqrt(CV^2 (1/2 + CV^2)))``; small means it rose.

    Raises:
        ValueError: the two count a different number of grades.
    """
    if initial.grades != current.grades:
        raise ValueError("concentrations of different scales cannot be compared")
    distance = math.sqrt(current.grades - 1.0) * (current.variation - initial.variation)
    return tail_of(distance, math.sqrt(current.variation**2 * (0.5 + current.variation**2)))


@dataclass(frozen=True, slots=True)
class Migration:
    """How grades of the same borrowers moved between two dates.

    Attributes:
        counts: borrowers by grade then (rows) and grade now (columns), best grade first.
        stayed: share that kept its grade.
        upper: matrix-weighted bandwidth of moves to worse grades, 0..1; 0 without such moves.
        lower: the same of moves to better grades.
    """

    counts: list[list[float]]
    stayed: float
    upper: float
    lower: float

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def migration(
    before: npt.NDArray[Any], after: npt.NDArray[Any], *, order: Sequence[str], weight: Floats | None = None
) -> Migration:
    """Migration matrix and its weighted bandwidths (ECB 2019, 2.5.5.1; reported with gate G5c).

    ``MWB_up = sum_i sum_(j>i) |i - j| N_i p_ij / sum_i max(|i - K|, |i - 1|) N_i sum_(j>i) p_ij``: the distance moved
    over the greatest distance the movers could have moved; lower likewise with ``j < i``. N_i p_ij is the count.

    Args:
        before: grade of each borrower at the first date, shape (n,).
        after: grade of the same borrowers later, shape (n,); rows without a grade of the scale are left out.
        order: codes from the best to the worst.
        weight: sample weights.

    Returns:
        Matrix, share that stayed and both bandwidths.
    """
    place = {code: at for at, code in enumerate(order)}
    w, k = ones_like(weight, before.astype(object)), len(order)
    counts = np.zeros((k, k))
    for one, two, mass in zip(before, after, w, strict=True):
        if one in place and two in place:
            counts[place[one], place[two]] += mass
    row, column = np.indices((k, k))
    farthest = np.maximum(k - 1 - row, row)

    def bandwidth(side: npt.NDArray[np.bool_]) -> float:
        possible = float((counts * farthest)[side].sum())
        return float((counts * np.abs(row - column))[side].sum()) / possible if possible > 0.0 else 0.0

    total = float(counts.sum())
    stayed = float(np.trace(counts)) / total if total > 0.0 else float("nan")
    return Migration(counts.tolist(), stayed, bandwidth(column > row), bandwidth(column < row))
