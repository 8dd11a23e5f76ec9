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

from eco_credit.core.numbers import Columns, Floats, rows_of

CHUNK_ROWS = 1024
"""Rows looked up at once: the working arrays then stay in the processor's cache."""
FEW_ROWS = 8
"""Up to so many rows, one call for all features beats a binary search for each."""

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
        rows = rows_of(columns)
        score, shares = np.full(rows, self.intercept), np.zeros((len(self.grids), rows))
        for part in chunks(rows):
            shares[:, part] = self._plan.shares(columns, part)
            # accumulate is sequential by definition, whatever the number of rows
            steps = np.concatenate([score[None, part], shares[:, part]])
            score[part] = np.add.accumulate(steps, axis=0)[-1]
        return score, shares

    @cached_property
    def _plan(self) -> _Plan:
        return _Plan.of(self)


def chunks(rows: int) -> Iterator[slice]:
    """Slices of at most `CHUNK_ROWS` rows that cover all rows in order."""
    return (slice(start, min(start + CHUNK_ROWS, rows)) for start in range(0, rows, CHUNK_ROWS))


@dataclass(frozen=True, slots=True)
class _Plan:
    """The tables laid end to end, so that all values of a row come from one gather.

    Features are sorted by their number of tables; round r then adds the r-th table of the first
    features only, and no padding is needed.
    """

    grids: tuple[Grid, ...]
    ladder: Floats
    unknown: Index
    flat: Floats
    offset: Index
    stride: Index
    first: Index
    second: Index
    rounds: tuple[Index, ...]
    back: Index

    @classmethod
    def of(cls, model: TableModel) -> _Plan:
        tables = [*model.mains, *(0.5 * pair.values for pair in model.pairs)]
        sizes = np.array([0, *(table.size for table in tables)], np.intp)
        owners = [(i, i) for i in range(len(model.grids))] + [(pair.a, pair.b) for pair in model.pairs]
        rounds, back = _rounds(owners, len(model.grids))
        stride = [0] * len(model.grids) + [pair.values.shape[1] for pair in model.pairs]
        sizes_of = [len(grid.thresholds) for grid in model.grids]
        ladder = np.full((len(model.grids), max(sizes_of, default=0)), np.inf)
        for i, grid in enumerate(model.grids):
            ladder[i, : sizes_of[i]] = grid.thresholds
        return cls(
            grids=model.grids,
            ladder=ladder,
            unknown=np.array(sizes_of, np.intp)[:, None] + 1,
            flat=np.concatenate([np.ravel(table) for table in tables]) if tables else np.zeros(0),
            offset=np.cumsum(sizes)[:-1, None],
            stride=np.array(stride, np.intp)[:, None],
            first=np.array([a for a, _ in owners], np.intp),
            second=np.array([b for _, b in owners], np.intp),
            rounds=rounds,
            back=back,
        )

    def shares(self, columns: Mapping[str, npt.NDArray[np.generic]], part: slice) -> Floats:
        """Contributions of the rows of one chunk, shape (features, rows)."""
        if not self.grids:
            return np.zeros((0, part.stop - part.start))
        bins = self._bins(columns, part)
        values = self.flat.take(self.offset + bins.take(self.first, 0) * self.stride + bins.take(self.second, 0))
        total = values.take(self.rounds[0], 0)
        for tables in self.rounds[1:]:
            total[: len(tables)] += values.take(tables, 0)
        return total.take(self.back, 0)

    def _bins(self, columns: Mapping[str, npt.NDArray[np.generic]], part: slice) -> Index:
        cells = np.array([columns[grid.name][part] for grid in self.grids], dtype=np.float64)
        if cells.shape[1] <= FEW_ROWS:
            # counting the thresholds below a value is the same search, in one call for all features
            found = np.count_nonzero(self.ladder[:, :, None] < cells[:, None, :], axis=1)
        else:
            rows = zip(self.grids, cells, strict=True)
            found = np.array([grid.thresholds.searchsorted(row) for grid, row in rows], dtype=np.intp)
        return np.where(np.isnan(cells), self.unknown, found)


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
