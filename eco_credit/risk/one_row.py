"""One row through stacked tables: the sums of `eco_credit.risk.tables` in the same order, with no axis for rows.

Slicing columns and adding along an axis of length one takes longer than the work itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Floats

Index = npt.NDArray[np.intp]
NOTHING = np.array([-0.0])
"""The one number that changes no other, not even the sign of a zero; it fills up shorter sums."""


@dataclass(frozen=True, slots=True)
class OneRow:
    """Tables laid end to end, for one row.

    Attributes:
        names: features to read.
        reads: place among them of each grid.
        ladder: thresholds of each grid, filled up with infinity, shape (grids, longest).
        unknown: bin of an unknown value of each grid.
        flat: values of all tables.
        offset, stride, first, second: table k holds its value at ``offset + bin[first] stride + bin[second]``.
        turns: tables each grid adds up, in order, filled up with the place behind the last; shape (grids, rounds).
        layout: place of each answered number among the grids, shape (models, 1 + features).
        fixed: where an answered number is no contribution: intercepts, and zeros behind the features of a model.
        start: those numbers, 0.0 elsewhere, same shape.
    """

    names: tuple[str, ...]
    reads: Index
    ladder: Floats
    unknown: Index
    flat: Floats
    offset: Index
    stride: Index
    first: Index
    second: Index
    turns: Index
    layout: Index
    fixed: Bools
    start: Floats

    def parts(self, columns: Mapping[str, npt.NDArray[np.generic]]) -> Floats:
        """Score and contributions of each model, shape (models, 1 + features, 1), the same bits as among many rows."""
        found = np.where(self.fixed, self.start, self._shares(columns).take(self.layout)) if self.names else self.start
        # accumulate is sequential by definition; the score is its last number
        score = np.add.accumulate(found, axis=1)[:, -1:]
        return np.concatenate((score, found[:, 1:]), axis=1)[:, :, None]

    def _shares(self, columns: Mapping[str, npt.NDArray[np.generic]]) -> Floats:
        """Contributions, shape (grids,)."""
        cells = np.array([columns[name].item() for name in self.names], np.float64).take(self.reads)
        below = np.add.reduce(self.ladder < cells[:, None], axis=1, dtype=np.intp)
        bins: Index = np.where(np.isnan(cells), self.unknown, below)
        places: Index = self.offset + bins.take(self.first) * self.stride + bins.take(self.second)
        values: Floats = self.flat.take(places)
        summed: Floats = np.add.accumulate(np.concatenate((values, NOTHING)).take(self.turns), axis=1)[:, -1]
        return summed
