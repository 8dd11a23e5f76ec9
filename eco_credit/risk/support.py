"""Is this row within what the model has seen? Ranges, missing evidence, unseen codes, joint novelty.

Layers 2 and 3 of the decision policy (modelling page 4.6). Refer: a person looks at it. Refuse: no PD.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Columns, Floats
from eco_credit.risk.cells import Cells
from eco_credit.risk.checks import defect, mapping, member, real, reals, rising, sequence
from eco_credit.risk.feature_list import FeatureList
from eco_credit.risk.tables import FEW_ROWS, added, chunks


@dataclass(frozen=True, slots=True)
class SupportResult:
    """What `Support.check` found, shape (n,) throughout.

    Attributes:
        outside: a value lies outside the range of training by more than the tolerance.
        unseen: a code was never seen in training, or a number is infinite.
        thin: too much of the model's evidence is missing.
        odd: the values together are unusual enough to refer.
        novel: the values together are so unusual that no PD is given.
        missing_share: share of the model's gain on unknown features.
        novelty: conformal p-value of the joint distance; 1 where the package stores none.
    """

    outside: Bools
    unseen: Bools
    thin: Bools
    odd: Bools
    novel: Bools
    missing_share: Floats
    novelty: Floats

    @property
    def refer(self) -> Bools:
        """Any finding at all: a person looks at the case."""
        return self.outside | self.unseen | self.thin | self.odd | self.novel


@dataclass(frozen=True, slots=True)
class Joint:
    """Distance of a row from the centre of training, in whitened coordinates.

    Attributes:
        names: features used.
        center: their centres; an unknown value counts as its centre.
        whiten: shape (k, k): ``y = W (x - center)``; distance is the sum of ``y * y``.
        distances: distances of the calibration rows, rising.
        refer: p-value below which the row is referred.
        refuse: p-value below which it gets no PD.
    """

    names: tuple[str, ...]
    center: Floats
    whiten: Floats
    distances: Floats
    refer: float
    refuse: float

    @classmethod
    def parse(cls, value: Any, features: FeatureList, where: str) -> Joint:
        """Read ``{names, center, whiten, distances, refer, refuse}``; `ModelNotServable` on any defect."""
        data = mapping(value, where)
        names = tuple(sequence(member(data, "names", where), f"{where}.names"))
        if not names or not set(names) <= set(features.names) or len(set(names)) != len(names):
            raise defect(f"{where}.names", "distinct features of the list were expected", "应为清单内互异特征")
        rows = sequence(member(data, "whiten", where), f"{where}.whiten")
        if len(rows) != len(names):
            raise defect(f"{where}.whiten", "one row per feature was expected", "应每个特征一行")
        distances = reals(member(data, "distances", where), f"{where}.distances")
        return cls(
            names=names,
            center=reals(member(data, "center", where), f"{where}.center", len(names)),
            whiten=np.array([reals(row, f"{where}.whiten", len(names)) for row in rows]),
            distances=rising(distances, f"{where}.distances", strict=False),
            refer=real(member(data, "refer", where), f"{where}.refer", 0.0, 1.0),
            refuse=real(member(data, "refuse", where), f"{where}.refuse", 0.0, 1.0),
        )

    def distance(self, columns: Columns) -> Floats:
        """``sum_i (sum_j W_ij (x_j - c_j))**2``, added in fixed order, shape (n,)."""
        away = stacked(columns, self.names) - self.center[:, None]
        away[np.isnan(away)] = 0.0
        squares = np.empty(away.shape[1])
        for part in chunks(away.shape[1]):
            total = self._whitened(away[:, part])
            squares[part] = added(total * total)
        return squares

    def _whitened(self, away: Floats) -> Floats:
        """``sum_j W_ij away_j``, shape (k, n), added in the order of j: one call for few rows, a loop for many."""
        if away.shape[1] <= FEW_ROWS:
            return added((self.whiten[:, :, None] * away[None]).swapaxes(0, 1))
        total: Floats = self.whiten[:, :1] * away[0]
        for weights, cells in zip(self.whiten.T[1:, :, None], away[1:], strict=True):
            total += weights * cells
        return total

    def p_value(self, columns: Columns) -> Floats:
        """``(1 + number of calibration rows at least as far) / (calibration rows + 1)``, shape (n,)."""
        nearer = np.searchsorted(self.distances, self.distance(columns), side="left")
        count = len(self.distances)
        result: Floats = (1.0 + count - nearer.astype(np.float64)) / (count + 1.0)
        return result


@dataclass(frozen=True)
class Support:
    """The region a model may be used in.

    Attributes:
        low: 0.1 % quantile of each feature in training.
        high: 99.9 % quantile.
        gain: share of the model's gain by feature.
        applies: feature to the share feature that must be above zero for it to be expected.
        tolerance: part of the range by which a value may lie outside.
        most_missing: largest share of gain that may be missing.
        joint: joint novelty, or None.
        cells: loans and defaults by kind and area, or None when the package carries none.
    """

    low: Mapping[str, float]
    high: Mapping[str, float]
    gain: Mapping[str, float]
    applies: Mapping[str, str]
    tolerance: float
    most_missing: float
    joint: Joint | None
    cells: Cells | None = None

    @classmethod
    def parse(cls, value: Any, features: FeatureList, where: str = "support.json") -> Support:
        """Read ``{features: {name: {low, high, gain}}, tolerance, most_missing, joint, cells}``; the last two optional.

        Raises:
            ModelNotServable: a feature of the list is missing, a range is reversed, or a number is not finite.
        """
        data = mapping(value, where)
        ranges = mapping(member(data, "features", where), where)
        if set(ranges) != set(features.names):
            raise defect(where, "the ranges do not fit the feature list", "取值范围与特征清单不符")
        low, high, gain = (
            {name: real(member(mapping(ranges[name], name), key, where), f"{where}.{name}") for name in features.names}
            for key in ("low", "high", "gain")
        )
        if any(low[name] > high[name] or gain[name] < 0.0 for name in features.names):
            raise defect(where, "a range is reversed or a gain is negative", "取值范围颠倒或增益为负")
        joint, cells = data.get("joint"), data.get("cells")
        return cls(
            low,
            high,
            gain,
            applies={item.name: item.applies for item in features.features if item.applies is not None},
            tolerance=real(member(data, "tolerance", where), f"{where}.tolerance", 0.0, 10.0),
            most_missing=real(member(data, "most_missing", where), f"{where}.most_missing", 0.0, 1.0),
            joint=None if joint is None else Joint.parse(joint, features, f"{where}.joint"),
            cells=None if cells is None else Cells.parse(cells, f"{where}.cells"),
        )

    def check(self, columns: Columns, unseen: Bools) -> SupportResult:
        """Compare encoded features with what training saw.

        Args:
            columns: encoded features, shape (n,) each.
            unseen: rows with an unseen code, shape (n,), from `FeatureList.encode`.
        """
        least, most = self._bounds
        cells = stacked(columns, self.low)
        outside: Bools = np.logical_or.reduce((cells < least) | (cells > most), axis=0)
        missing = self._missing_share(cells)
        novelty = np.ones(len(unseen)) if self.joint is None else self.joint.p_value(columns)
        odd, novel = (0.0, 0.0) if self.joint is None else (self.joint.refer, self.joint.refuse)
        return SupportResult(
            outside, unseen, missing > self.most_missing, novelty < odd, novelty < novel, missing, novelty
        )

    def _missing_share(self, cells: Floats) -> Floats:
        """Gain on unknown features over gain on all features expected of the row, shape (n,); 0 without any gain."""
        gain, conditions, always = self._gains
        due = always | (cells.take(conditions, 0) > 0.0)
        expected = np.where(due, gain, 0.0)
        sums = added(np.array([expected, np.where(np.isnan(cells), expected, 0.0)]).swapaxes(0, 1))
        some = sums[0] > 0.0
        return np.where(some, sums[1] / np.where(some, sums[0], 1.0), 0.0)

    @cached_property
    def _bounds(self) -> tuple[Floats, Floats]:
        """Lowest and highest accepted value of each feature, shape (features, 1)."""
        low, high = (np.array(list(side.values()))[:, None] for side in (self.low, self.high))
        slack = self.tolerance * (high - low)
        return low - slack, high + slack

    @cached_property
    def _gains(self) -> tuple[Floats, npt.NDArray[np.intp], Bools]:
        """Gains, shape (features, 1); place of the feature each condition reads (its own without one); True without."""
        names = list(self.gain)
        conditions = np.array([names.index(self.applies.get(name, name)) for name in names], np.intp)
        always = np.array([name not in self.applies for name in self.gain])[:, None]
        return np.array(list(self.gain.values()))[:, None], conditions, always


def stacked(columns: Columns, names: Iterable[str]) -> Floats:
    """Named columns under one another, float64, shape (names, n)."""
    return np.array([columns[name] for name in names], dtype=np.float64)
