"""Does an input know the outcome? By its date in the contract, by its power, by odd arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.contracts import Contract
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, Floats
from training.metrics.ranking import auc

Column = npt.NDArray[np.generic]
TOO_GOOD = 0.95
"""A single input that ranks better than this is read as the outcome itself (gate G0)."""
TOO_GOOD_FLAG = 0.75
"""So is a flag such as "not a whole number of years", which no contract has a reason to write."""
TOO_GOOD_LEVEL = 0.90
"""So is one level of a code or rating that alone tells nearly all defaults from nearly all others: 0.90 means that it
holds at least four fifths of the defaults more than of the others."""
DIVISORS = (12, 10, 6, 5)
FEW_LEVELS, LEAST_OF_LEVEL = 24, 5
"""Numbers of so few levels are looked at level by level, too; a level needs so many rows."""
SCANNED_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Leak:
    """One way in which a column gives the outcome away.

    Attributes:
        column: its name.
        how: ``value``, ``missing``, ``level`` or ``not_multiple_of_k``.
        auc: how well it ranks alone, at least 0.5.
    """

    column: str
    how: str
    auc: float


def refuse_late_columns(made_for: Contract, names: Sequence[str]) -> None:
    """Refuse inputs that were not known at origination.

    Raises:
        ContractError: a name is not in the contract or its ``known_at`` is later.
    """
    known_at = {field.name: field.known_at for field in made_for.fields}
    late = [name for name in names if known_at.get(name) != "origination"]
    if late:
        raise ContractError(
            Violation(name, "known_at", f"known {known_at.get(name, 'nowhere')}, not at origination", "发放时尚不可知")
            for name in late
        )


def refuse_leaks(columns: Columns, target: Floats, weight: Floats) -> None:
    """Refuse inputs that give the outcome away.

    Raises:
        ContractError: one violation per leak found by `leaks`.
    """
    found = leaks(columns, target, weight)
    if found:
        raise ContractError(
            Violation(
                leak.column, "leak", f"{leak.how} alone has AUC {leak.auc:.3f}", f"单独AUC {leak.auc:.3f}，疑似泄露"
            )
            for leak in found
        )


def leaks(columns: Columns, target: Floats, weight: Floats) -> list[Leak]:
    """Scan every column for signs that it was written after the outcome.

    Needs no contract and no hint. Four tests each: the value itself (a text by the default rate of its level in the
    other half of the rows), whether it is missing, one level against all others, and, for whole numbers of many levels,
    whether it is a multiple of 12, 10, 6 or 5. A rewritten term fails the last, a rating given with the outcome in view
    the first or the third.

    Args:
        columns: inputs, shape (n,): numbers, days or text.
        target: 1.0 for default, else 0.0.
        weight: sample weights.

    Returns:
        The leaks, worst first; empty without both outcomes.
    """
    step = max(1, len(target) // SCANNED_ROWS)
    y, w = target[::step], weight[::step]
    if y.min(initial=1.0) == y.max(initial=0.0):
        return []
    found = []
    for name, column in columns.items():
        for how, power in _powers(column[::step], y, w):
            limit = TOO_GOOD_LEVEL if how == "level" else TOO_GOOD_FLAG if how.startswith("not") else TOO_GOOD
            if power > limit:
                found.append(Leak(name, how, power))
    return sorted(found, key=lambda leak: -leak.auc)


def _powers(column: Column, y: Floats, w: Floats) -> Iterator[tuple[str, float]]:
    """The tests of one column: name and AUC, at least 0.5."""
    coded = column.dtype == object
    values = _codes(column) if coded else _numbers(column)
    missing = np.isnan(values)
    known = values[~missing]
    if coded:
        yield "value", _ranked(_rates(values, y, w), y, w)
    else:
        yield "value", _ranked(np.where(missing, np.median(known) if len(known) else 0.0, values), y, w)
    yield "missing", _ranked(missing.astype(np.float64), y, w)
    levels = len(np.unique(known))
    if coded or levels <= FEW_LEVELS:
        yield "level", _best_level(known, y[~missing], w[~missing])
    elif np.array_equal(known, np.floor(known)):
        for divisor in DIVISORS:
            odd = np.where(missing, 0.0, np.mod(values, divisor) != 0.0)
            yield f"not_multiple_of_{divisor}", _ranked(odd.astype(np.float64), y, w)


def _numbers(column: Column) -> Floats:
    """Numbers, or days since 1970; NaN for unknown."""
    if column.dtype.kind == "M":
        days = column.astype("datetime64[D]")
        return np.where(np.isnat(days), np.nan, days.astype(np.int64).astype(np.float64))
    return column.astype(np.float64)


def _codes(column: Column) -> Floats:
    """A number for each text, in order of the alphabet; NaN for unknown."""
    known = np.array([cell is not None and cell == cell for cell in column], dtype=bool)
    codes = np.full(len(column), np.nan)
    codes[known] = np.unique(np.array([str(cell) for cell in column[known]], dtype=str), return_inverse=True)[1]
    return codes


def _rates(codes: Floats, y: Floats, w: Floats) -> Floats:
    """Default rate of each row's level among the rows of the other half: no row speaks for itself."""
    level = np.where(np.isnan(codes), np.nanmax(codes, initial=-1.0) + 1.0, codes).astype(np.intp)
    half = np.arange(len(y)) % 2
    rate, one = float((w * y).sum() / w.sum()), float(w.mean())
    result = np.empty(len(y))
    for side in (0, 1):
        there = half != side
        all_, bad = (np.bincount(level[there], weights=v[there], minlength=level.max() + 1) for v in (w, w * y))
        result[~there] = ((bad + one * rate) / (all_ + one))[level[~there]]
    return result


def _best_level(values: Floats, y: Floats, w: Floats) -> float:
    """Largest AUC of a flag "is this level" among known values: ``(1 + |its share of defaults - of others|) / 2``."""
    _, level = np.unique(values, return_inverse=True)
    bad, good = np.bincount(level, weights=w * y), np.bincount(level, weights=w * (1.0 - y))
    if bad.sum() == 0.0 or good.sum() == 0.0:
        return 0.5
    apart = np.abs(bad / bad.sum() - good / good.sum())
    return float(0.5 + 0.5 * apart[np.bincount(level) >= LEAST_OF_LEVEL].max(initial=0.0))


def _ranked(score: Floats, y: Floats, w: Floats) -> float:
    area = auc(y, score, w).value
    return max(area, 1.0 - area)
