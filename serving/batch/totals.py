"""Total rows of a sheet against the rows above them: a difference is told, never repaired."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from eco_credit.contracts.paper_units import fold
from serving.batch.cells import Reading
from serving.batch.chunk import KEY
from serving.batch.layout import Layout
from serving.batch.rows import Line, is_blank, is_total
from serving.batch.rules import TEXTS

SUMMED = frozenset({"CNY", "CNY/year", "ha", "m3", "m3/year", "kWh/year"})
"""Units of columns that a total row may sum."""
_HALF = Fraction(1, 2)


@dataclass
class _Sum:
    """A running sum in the stored unit and how far rounding on paper may carry it."""

    value: Fraction = Fraction(0)
    slack: Fraction = Fraction(0)

    def add(self, value: Fraction, slack: Fraction) -> None:
        self.value += value
        self.slack += slack


@dataclass
class _Sums:
    """Sums since the table began (合计) and since the last subtotal (小计)."""

    whole: dict[int, _Sum] = field(default_factory=dict)
    since: dict[int, _Sum] = field(default_factory=dict)


def total_warnings(lines: Iterable[Line], layout: Layout) -> list[dict[str, Any]]:
    """Compare every total with its rows: half a unit of the last printed place per row is allowed.

    Args:
        lines: all rows below the header, totals included.
        layout: how each column is read.

    Returns:
        One finding per total and column that differs: row, field, rule and sentences, no value.
    """
    summed = {place: reading for place, reading in layout.columns.items() if reading.field.unit in SUMMED}
    key = next((place for place, reading in layout.columns.items() if reading.field.column == KEY), None)
    sums, found = _Sums(), []
    for line in lines:
        if is_blank(line.cells):
            continue
        total = is_total(line.cells, key)
        numbers = _numbers(line, summed)
        if not total:
            for place, (value, slack) in numbers.items():
                for group in (sums.whole, sums.since):
                    group.setdefault(place, _Sum()).add(value, slack)
            continue
        partial = _word(line).startswith("小计")
        against = sums.since if partial else sums.whole
        for place, (value, slack) in numbers.items():
            own = against.get(place, _Sum())
            if abs(own.value - value) > own.slack + slack:
                found.append(_finding(line.row, summed[place].field.column))
        sums.since = {}
    return found


def _word(line: Line) -> str:
    return next((fold(cell) for cell in line.cells if isinstance(cell, str) and cell.strip()), "")


def _numbers(line: Line, summed: dict[int, Reading]) -> dict[int, tuple[Fraction, Fraction]]:
    """Value and slack of each cell that holds a number, in the stored unit."""
    found = {}
    for place, reading in summed.items():
        cell = line.cells[place] if place < len(line.cells) else None
        value = reading.value(cell)
        if isinstance(value, float):
            text = repr(cell) if isinstance(cell, float) else str(cell).strip()
            decimals = len(text.partition(".")[2]) if "e" not in text else 0
            found[place] = (Fraction(value), _HALF * reading.factor / 10**decimals)
    return found


def _finding(row: int, name: str) -> dict[str, Any]:
    en, zh = TEXTS["total_differs"]
    return {"row": row, "field": name, "rule": "total_differs", "en": en, "zh": zh}
