"""An appraisal: low, central and high value of rights on a day, with steps, drivers and stress behind them.

The pledges of one method are worked out together, in every scenario at once. Every operation is elementwise
along the pledges, so neither neighbours nor the size of a block change a byte.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Floats, where_known
from eco_credit.valuation.approach import VALUE, Approach, Figures
from eco_credit.valuation.case import Case, Indices
from eco_credit.valuation.parameter import Span, laid_once, span_of
from eco_credit.valuation.scenarios import JOINT, Layout, Stresses, layout

BLOCK = 192
"""Pledges worked out at once: their scenarios stay in the processor's cache."""
LEADING = 2
"""Drivers named with every value."""


@dataclass(frozen=True)
class Part:
    """Pledges that took one method together.

    Attributes:
        approach: the method.
        rows: their places in the table, rising, m of them.
        spans: parameter name to its span.
        central: figure name to its central values, shape (m,), or (1,) where no pledge differs; parameters included.
        alone: value with one driver at its low, then at its high end, in the order of the drivers, shape (2k, m).
    """

    approach: Approach
    rows: Indices
    spans: Mapping[str, Span]
    central: Figures
    alone: Floats

    def value_of(self, name: str, at: int) -> float:
        """A figure of one pledge of the part in the central scenario."""
        return self.values_of(at)[name]

    def values_of(self, at: int) -> Mapping[str, float]:
        """All figures of one pledge of the part in the central scenario."""
        return self._plain[at]

    @cached_property
    def _plain(self) -> list[dict[str, float]]:
        many = len(self.rows)
        columns = [column.tolist() * (many if len(column) == 1 else 1) for column in self.central.values()]
        return [dict(zip(self.central, row, strict=True)) for row in zip(*columns, strict=True)]

    @cached_property
    def swing(self) -> Floats:
        """How far each driver alone moves the value, CNY, shape (k, m)."""
        return np.abs(self.alone[1::2] - self.alone[0::2])

    @cached_property
    def order(self) -> Indices:
        """Places of the drivers, the one that moves the value most first, shape (k, m)."""
        return np.argsort(-self.swing, axis=0, kind="stable")


@dataclass(frozen=True)
class Appraisal:
    """Value of n rights on a day.

    Attributes:
        low: value not reached in the worst part of the joint scenarios, CNY, shape (n,), never below 0.
        central: value by the method at the central parameters, CNY, shape (n,).
        high: value exceeded in the best part of the joint scenarios only; ``low <= central <= high``.
        approach: code of the method used, shape (n,).
        known: False where a field without which no value can be formed is unknown; the values are 0 there.
        stress: name of each stress scenario to the value under it, CNY, shape (n,).
        drivers: names of the drivers that move the value most, the first and the second, None where nothing does,
            shape (n,) each.
        kept: figures of the central scenario the kind's haircuts read, shape (n,) each, NaN where there is none.
        parts: the methods behind the values; kept for a small table, worked out again where a large one is asked for
            the steps of one pledge.
        again: appraises some of the pledges again, to the same bytes.
        case: the pledges.
    """

    low: Floats
    central: Floats
    high: Floats
    approach: npt.NDArray[np.object_]
    known: Bools
    stress: Mapping[str, Floats]
    drivers: tuple[npt.NDArray[np.object_], ...]
    kept: Mapping[str, Floats]
    parts: tuple[Part, ...] = field(repr=False)
    again: Callable[[Indices], Appraisal] = field(repr=False)
    case: Case = field(repr=False)

    def figure(self, name: str) -> Floats:
        """A figure of the central scenario, shape (n,); NaN where the pledge's method has no such figure."""
        if name in self.kept:
            return self.kept[name]
        found = np.full(len(self.central), np.nan)
        if not self.parts:
            for start in range(0, len(found), BLOCK):
                block = np.arange(start, min(start + BLOCK, len(found)))
                found[block] = self.again(block).figure(name)
        for part in self.parts:
            if name in part.central:
                found[part.rows] = part.central[name]
        return found

    def place(self, row: int) -> tuple[Part, int]:
        """The part that holds a pledge, and the pledge's place in it."""
        if not self.parts:
            return self.again(np.array([row])).place(0)
        for part in self.parts:
            at = int(np.searchsorted(part.rows, row))
            if at < len(part.rows) and part.rows[at] == row:
                return part, at
        raise IndexError(row)


def appraise_by(
    approaches: Sequence[Approach], chosen: Indices, case: Case, *, stresses: Stresses = (), tail: float = 0.05,
    keep: tuple[str, ...] = (),
) -> Appraisal:
    """Appraise every pledge by its method, with range, drivers and stress.

    Args:
        approaches: the methods of the kind.
        chosen: place of each pledge's method among them, shape (n,).
        case: the pledges.
        stresses: stress scenarios.
        tail: part of the joint scenarios left out at either end of the range, 0.05 gives a 90 % range.
        keep: figures to keep for the whole table.

    Returns:
        The appraisal.
    """
    table = _Table(case.rows, tuple(name for name, _ in stresses), keep)
    parts = []
    for place in np.unique(chosen):
        approach, index = approaches[place], np.flatnonzero(chosen == place)
        plan = layout(approach.drivers, stresses)
        for start in range(0, len(index), BLOCK):
            block = index[start : start + BLOCK]
            part, values = _worked(approach, case if len(block) == case.rows else case.part(block), block, plan=plan)
            table.put(part, values, plan=plan, tail=tail)
            if case.rows <= BLOCK:
                parts.append(part)

    def again(some: Indices) -> Appraisal:
        return appraise_by(approaches, chosen[some], case.part(some), stresses=stresses, tail=tail, keep=keep)

    codes = np.array([approach.code for approach in approaches], dtype=object)[chosen]
    return Appraisal(
        table.low, table.central, table.high, codes, table.known, table.stress, tuple(table.drivers), table.kept,
        tuple(parts), again, case,
    )


class _Table:
    """The columns of an appraisal while they are written, block by block."""

    def __init__(self, rows: int, stresses: tuple[str, ...], keep: tuple[str, ...]) -> None:
        self.low, self.central, self.high = np.zeros(rows), np.zeros(rows), np.zeros(rows)
        self.known = np.zeros(rows, dtype=bool)
        self.stress = {name: np.zeros(rows) for name in stresses}
        self.drivers = [np.full(rows, None, dtype=object) for _ in range(LEADING)]
        self.kept = {name: np.full(rows, np.nan) for name in keep}

    def put(self, part: Part, values: Floats, *, plan: Layout, tail: float) -> None:
        """Write the pledges of a part, whose values in every scenario are given, shape (T, m)."""
        rows = part.rows
        self.central[rows] = where_known(values[0], 0.0)
        self.low[rows], self.high[rows] = _range(values, plan, tail)
        self.known[rows] = ~np.isnan(values[0])
        for name, scenario in plan.stress.items():
            self.stress[name][rows] = where_known(values[scenario], 0.0)
        for name in self.kept.keys() & part.central.keys():
            self.kept[name][rows] = part.central[name]
        self._lead(part)

    def _lead(self, part: Part) -> None:
        """Name the drivers that move each value most."""
        swing, names = part.swing, np.array(part.approach.drivers, dtype=object)
        if len(names) == 0:
            return
        for place, column in enumerate(self.drivers[: len(names)]):
            first = part.order[place]
            moved = np.take_along_axis(swing, first[None], axis=0)[0] > 0.0
            column[part.rows] = np.where(moved, names[first], None)


def _worked(approach: Approach, case: Case, rows: Indices, *, plan: Layout) -> tuple[Part, Floats]:
    """Work out one block: the part, and its value in every scenario, never below 0, shape (T, m)."""
    spans = {p.name: span_of(p, case) for p in approach.parameters}
    figures = {p.name: laid_once(p, spans[p.name], plan, case.rules) for p in approach.parameters}
    figures.update(approach.value(dict(figures)))
    shape = (JOINT + 1 + 2 * len(plan.drivers) + len(plan.stress), len(rows))
    values = np.maximum(0.0, np.broadcast_to(figures[VALUE], shape))
    shown = {name: found[0] for name, found in figures.items()} | {VALUE: values[0]}
    return Part(approach, rows, spans, shown, values[1 : plan.joint.start].copy()), values


def _range(values: Floats, plan: Layout, tail: float) -> tuple[Floats, Floats]:
    """Low and high end of the joint scenarios, with the central value between them; 0 where it is unknown."""
    worst = round(tail * (JOINT - 1))
    ordered = np.sort(values[plan.joint], axis=0)  # half the time of a partition: sorting is vectorised
    low, high = np.minimum(ordered[worst], values[0]), np.maximum(ordered[JOINT - 1 - worst], values[0])
    return where_known(low, 0.0), where_known(high, 0.0)
