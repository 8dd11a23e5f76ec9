"""The reasons of many applications at once: the codes that `Scored.reasons` gives one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Floats
from eco_credit.scoring.reasons import MOST, feature_reasons

_BLOCK_ROWS = 1024
"""Rows ranked at once: the sums of all codes then stay in the processor's cache."""
Index = npt.NDArray[np.intp]


class _Listed:
    """Codes of each row in the order they are added, at most so many."""

    def __init__(self, codes: Sequence[str], most: int, rows: int) -> None:
        self.names = np.array([*codes, None], dtype=object)
        self.table = np.full((most, rows), -1)  # the last name
        self.count = np.zeros(rows, dtype=np.intp)

    def open(self, rows: Index) -> Bools:
        """Rows with room for one more."""
        return self.count[rows] < len(self.table)

    def add(self, rows: Index, code: Index | int) -> None:
        """Add a code, by its place among the names, to rows with room."""
        self.table[self.count[rows], rows] = code
        self.count[rows] += 1


def reason_columns(
    decided: Mapping[str, Bools], contributions: Mapping[str, Floats], *, graded: Bools, least: float, columns: int
) -> list[npt.NDArray[np.object_]]:
    """Codes by rank: gates and policy first, then adverse and then favourable model reasons.

    Args:
        decided: code of a gate or of the policy to the rows it holds for, shape (n,).
        contributions: feature to its part of the PD logit relative to the reference profile, shape (n,).
        graded: rows with a PD; the others have no model reason.
        least: smallest absolute contribution, logits, that is worth a reason.
        columns: how many ranks are wanted.

    Returns:
        One column for each rank, None where a row has fewer reasons.
    """
    known = feature_reasons()
    parts = {name: part for name, part in contributions.items() if name in known}
    codes = sorted({code for name in parts for code in known[name].values()})  # equal sizes are ranked by code
    listed = _Listed([*decided, *codes], columns, len(graded))
    for place, hit in enumerate(decided.values()):
        rows = np.flatnonzero(hit)
        listed.add(rows[listed.open(rows)], place)
    for start in range(0, len(graded), _BLOCK_ROWS):
        rows = start + np.flatnonzero(graded[start : start + _BLOCK_ROWS])
        rows = rows[listed.open(rows)]
        sums = _sums({name: part[rows] for name, part in parts.items()}, codes, len(rows))
        for worth in (sums, -sums):
            _rank(listed, rows, np.where(worth > max(least, 0.0), worth, -np.inf), len(decided))
    return [listed.names[ranked] for ranked in listed.table]


def _sums(parts: Mapping[str, Floats], codes: Sequence[str], rows: int) -> Floats:
    """Sum of the contributions that speak through each code, in the order of the features, shape (codes, rows)."""
    place = {code: at for at, code in enumerate(codes)}
    sums = np.zeros((len(codes), rows))
    for name, part in parts.items():
        told = feature_reasons()[name]
        sums[place[told["adverse"]]] += np.where(part > 0.0, part, 0.0)
        sums[place[told["favourable"]]] += np.where(part > 0.0, 0.0, part)
    return sums


def _rank(listed: _Listed, rows: Index, worth: Floats, first: int) -> None:
    """Add the codes of some rows by falling worth, the first of equals first; ``-inf`` is no reason."""
    at = np.arange(len(rows))
    for _ in range(MOST):
        at = at[listed.open(rows[at])]
        best = worth.argmax(axis=0)[at] if len(at) == len(rows) else worth[:, at].argmax(axis=0)
        found = worth[best, at] > -np.inf
        at, best = at[found], best[found]
        if len(at) == 0:
            return
        listed.add(rows[at], first + best)
        worth[best, at] = -np.inf
