"""The table model: a score as a sum of looked-up numbers, with nothing left to explain.

``score(x) = f0 + sum_i f_i(x_i) + sum_(i<j) f_ij(x_i, x_j)``, every ``f`` constant between thresholds.
An ensemble of trees of depth two is exactly such a sum, so a LightGBM model of that depth can be
served as tables: no native parser, every contribution in sight, monotony provable on the tables.

The contribution of feature i is ``f_i + sum_j f_ij / 2``; the score is *defined* as ``f0`` plus the
contributions, added one by one in the order of the grids. Only elementwise operations and
accumulation are used, so one row gives the same bits alone as among a million.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Columns, Floats, rows_of
from eco_credit.risk.one_row import OneRow

CHUNK_ROWS = 4096
"""Rows looked up at once: the working arrays then stay in the processor's cache."""
FEW_ROWS = 8
"""Up to so many rows, one call for all features beats a binary search for each."""
FILLING = np.full((1, FEW_ROWS), -0.0)
COUNTED = 48
"""Up to so many thresholds, counting those below a value beats a binary search among many rows."""

Index = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Grid:
    """The bins of one feature.

    Attributes:
        name: feature name.
        thresholds: float64, strictly rising, finite; bin k holds ``thresholds[k-1] < x <= thresholds[k]``
            (x equal to a threshold goes left, as in LightGBM). One more bin at the end holds unknown (NaN).
    """

    name: str
    thresholds: Floats

    @property
    def bins(self) -> int:
        """Number of bins, the bin for unknown included: ``len(thresholds) + 2``."""
        return len(self.thresholds) + 2


@dataclass(frozen=True, slots=True)
class PairTable:
    """One interaction table.

    Attributes:
        a: position of the first grid.
        b: position of the second grid, ``a < b``.
        values: shape (bins of a, bins of b), in the unit of the score.
    """

    a: int
    b: int
    values: Floats


@dataclass(frozen=True)
class TableModel:
    """An additive table model.

    Attributes:
        intercept: ``f0``.
        grids: one grid per feature, in the order in which contributions are added.
        mains: main table of each grid, shape (bins,), in the unit of the score.
        pairs: interaction tables.

    Example:
        >>> model = TableModel(-2.0, (Grid("ltv", np.array([0.5])),), (np.array([-0.3, 0.4, 0.1]),), ())
        >>> model.score({"ltv": np.array([0.5, 0.6, np.nan])}).tolist()
        [-2.3, -1.6, -1.9]
    """

    intercept: float
    grids: tuple[Grid, ...]
    mains: tuple[Floats, ...]
    pairs: tuple[PairTable, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features, in the order of the grids."""
        return tuple(grid.name for grid in self.grids)

    def score(self, columns: Columns) -> Floats:
        """Score each row.

        Args:
            columns: at least the model's features, float64, shape (n,), NaN for unknown.

        Returns:
            shape (n,), in the unit of the tables (the logit, for a PD model).

        Raises:
            KeyError: a feature of the model is not in the table.
        """
        return self.parts(columns)[0]

    def contributions(self, columns: Columns) -> dict[str, Floats]:
        """Contribution of each feature: its main value plus half of each of its pairs, shape (n,) each."""
        return dict(zip(self.names, self.parts(columns)[1], strict=True))

    def parts(self, columns: Columns) -> tuple[Floats, Floats]:
        """Score and contributions in one pass.

        Returns:
            score, shape (n,), and contributions, shape (features, n), with
            ``score = ((f0 + c_1) + c_2) + ...`` bit for bit.
        """
        return self._alone.parts(columns)[0]

    @cached_property
    def _alone(self) -> TableStack:
        return TableStack((self,))


@dataclass(frozen=True)
class TableStack:
    """Several table models read in one pass: one search for all thresholds, one gather for all values.

    Attributes:
        models: the models; a feature may occur in several, each with its own thresholds.
    """

    models: tuple[TableModel, ...]

    def parts(self, columns: Columns) -> list[tuple[Floats, Floats]]:
        """`TableModel.parts` of each model, the same bits as of that model alone."""
        rows, longest = rows_of(columns), max(len(model.grids) for model in self.models)
        if rows == 1:
            alone = self._one.parts(columns)
            return [(alone[i, 0], alone[i, 1 : 1 + len(model.grids)]) for i, model in enumerate(self.models)]
        found = np.empty((len(self.models), 1 + longest, rows))
        for part in chunks(rows, len(self.models)):
            self._plan.steps(columns, part, found)
        return [
            (found[i, 0], found[i, 1 : 1 + len(model.grids)]) for i, model in enumerate(self.models)
        ]

    @cached_property
    def _plan(self) -> _Plan:
        return _Plan.of(self.models)

    @cached_property
    def _one(self) -> OneRow:
        return self._plan.one_row()


def chunks(rows: int, models: int = 1) -> Iterator[slice]:
    """Slices that cover all rows in order, of at most `CHUNK_ROWS` rows for one model and fewer for several."""
    most = max(CHUNK_ROWS // models, 1)
    return (slice(start, min(start + most, rows)) for start in range(0, rows, most))


def added(values: Floats) -> Floats:
    """Sum over the first axis, added in its order whatever the other axes hold.

    Args:
        values: shape (k, ...), rows last.
    """
    if values.shape[-1] <= FEW_ROWS:
        # accumulate is sequential by definition
        summed: Floats = np.add.accumulate(values, axis=0)[-1]
        return summed
    total: Floats = values[0].copy()
    for each in values[1:]:
        total += each
    return total


@dataclass(frozen=True, slots=True)
class _Plan:
    """The tables of all models laid end to end, so that all values of a row come from one gather.

    Features are sorted by their number of tables; round r then adds the r-th table of the first
    features only, and no padding is needed. For a few rows one call for all rounds is cheaper than a
    loop, so there the rounds are filled up with -0.0, the one number that changes no other, not even the
    sign of a zero. The contributions are then laid out by model, each behind
    its intercept; models with fewer features end in zeros, which change no sum.
    """

    names: tuple[str, ...]
    reads: Index
    thresholds: tuple[Floats, ...]
    ladder: Floats
    unknown: Index
    flat: Floats
    offset: Index
    stride: Index
    first: Index
    second: Index
    rounds: tuple[Index, ...]
    filled: Index
    layout: Index
    fixed: Bools
    constants: Floats

    @classmethod
    def of(cls, models: Sequence[TableModel]) -> _Plan:
        grids = [grid for model in models for grid in model.grids]
        start = np.cumsum([0, *(len(model.grids) for model in models)]).tolist()
        pairs = [(start[m] + p.a, start[m] + p.b, p.values) for m, model in enumerate(models) for p in model.pairs]
        tables = [*(main for model in models for main in model.mains), *(0.5 * values for _, _, values in pairs)]
        owners = [(i, i) for i in range(len(grids))] + [(a, b) for a, b, _ in pairs]
        rounds, back = _rounds(owners, len(grids))
        names = tuple(dict.fromkeys(grid.name for grid in grids))
        longest = max(len(grid.thresholds) for grid in grids) if grids else 0
        layout, constants = _layout(models, back)
        return cls(
            names=names,
            reads=np.array([names.index(grid.name) for grid in grids], np.intp),
            thresholds=tuple(grid.thresholds for grid in grids),
            ladder=np.array([np.pad(g.thresholds, (0, longest - len(g.thresholds)), constant_values=np.inf)
                             for g in grids]),
            unknown=np.array([grid.bins - 1 for grid in grids], np.intp)[:, None],
            flat=np.concatenate([np.ravel(table) for table in tables]) if tables else np.zeros(0),
            offset=np.cumsum([0, *(table.size for table in tables)], dtype=np.intp)[:-1, None],
            stride=np.array([0] * len(grids) + [values.shape[1] for _, _, values in pairs], np.intp)[:, None],
            first=np.array([a for a, _ in owners], np.intp),
            second=np.array([b for _, b in owners], np.intp),
            rounds=rounds,
            filled=np.array([[*r, *[len(tables)] * (len(grids) - len(r))] for r in rounds], np.intp),
            layout=np.maximum(layout, 0),
            fixed=layout < 0,
            constants=constants,
        )

    def one_row(self) -> OneRow:
        """The same tables for one row, without an axis for rows."""
        start = np.zeros(self.layout.shape)
        start[self.fixed] = self.constants[:, 0]
        return OneRow(
            names=self.names, reads=self.reads, ladder=self.ladder, unknown=self.unknown[:, 0].copy(), flat=self.flat,
            offset=self.offset[:, 0].copy(), stride=self.stride[:, 0].copy(), first=self.first, second=self.second,
            turns=np.ascontiguousarray(self.filled.T), layout=self.layout, fixed=self.fixed, start=start,
        )  # fmt: skip

    def steps(self, columns: Mapping[str, npt.NDArray[np.generic]], part: slice, out: Floats) -> None:
        """Write score and contributions of one chunk to ``out``, shape (models, 1 + features, all rows)."""
        if self.names:
            out[:, :, part] = self._shares(columns, part).take(self.layout, 0)
        out[self.fixed, part] = self.constants
        out[:, 0, part] = added(out[:, :, part].swapaxes(0, 1))

    def _shares(self, columns: Mapping[str, npt.NDArray[np.generic]], part: slice) -> Floats:
        """Contributions of the rows of one chunk, shape (features, rows), features by number of tables."""
        bins = self._bins(columns, part)
        values = self.flat.take(self.offset + bins.take(self.first, 0) * self.stride + bins.take(self.second, 0))
        if values.shape[1] <= FEW_ROWS:
            filled = np.concatenate((values, FILLING[:, : values.shape[1]]))
            summed: Floats = np.add.accumulate(filled.take(self.filled, 0), axis=0)[-1]
            return summed
        total = values.take(self.rounds[0], 0)
        for tables in self.rounds[1:]:
            total[: len(tables)] += values.take(tables, 0)
        return total

    def _bins(self, columns: Mapping[str, npt.NDArray[np.generic]], part: slice) -> Index:
        # one flat copy: an array of arrays is slower to build by half the time of a whole row
        read = np.concatenate([columns[name][part] for name in self.names], dtype=np.float64, casting="unsafe")
        cells = read.reshape(len(self.names), part.stop - part.start).take(self.reads, 0)
        if cells.shape[1] <= FEW_ROWS:
            # counting the thresholds below a value is the same search, in one call for all features
            found = (self.ladder[:, :, None] < cells[:, None, :]).sum(axis=1, dtype=np.intp)
        else:
            rows = zip(self.thresholds, cells, strict=True)
            found = np.array([_below(thresholds, row) for thresholds, row in rows], dtype=np.intp)
        return np.where(np.isnan(cells), self.unknown, found)


def _below(thresholds: Floats, row: Floats) -> npt.NDArray[np.generic]:
    """Number of thresholds below each value; a processor counts a few faster than it guesses its way by halves."""
    if len(thresholds) > COUNTED:
        return thresholds.searchsorted(row)
    less: npt.NDArray[np.generic] = np.add.reduce((thresholds[:, None] < row).view(np.uint8), axis=0, dtype=np.uint8)
    return less


def _layout(models: Sequence[TableModel], back: Index) -> tuple[Index, Floats]:
    """Where each model's contributions stand among the sorted ones, -1 for intercepts and filling; and those two."""
    longest = max(len(model.grids) for model in models)
    layout = np.full((len(models), 1 + longest), -1, np.intp)
    constants = np.zeros((len(models), 1 + longest))
    start = 0
    for m, model in enumerate(models):
        layout[m, 1 : 1 + len(model.grids)] = back[start : start + len(model.grids)]
        constants[m, 0] = model.intercept
        start += len(model.grids)
    return layout, constants[layout < 0][:, None]


def _rounds(owners: Sequence[tuple[int, int]], features: int) -> tuple[tuple[Index, ...], Index]:
    """Tables to add in each round, by features sorted by their number of tables, and the way back to feature order."""
    owned: list[list[int]] = [[] for _ in range(features)]
    for table, (a, b) in enumerate(owners):
        for feature in {a, b}:
            owned[feature].append(table)
    order = sorted(range(features), key=lambda feature: (-len(owned[feature]), feature))
    deepest = max((len(tables) for tables in owned), default=0)
    rounds = [[owned[feature][r] for feature in order if len(owned[feature]) > r] for r in range(deepest)]
    return tuple(np.array(tables, np.intp) for tables in rounds), np.argsort(np.array(order, np.intp))
