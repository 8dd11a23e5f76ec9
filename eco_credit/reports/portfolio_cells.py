"""Cells of the portfolio report: one value, shown on the page and written as a number to the workbook."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from markupsafe import Markup

from eco_credit.core.units import YUAN_PER_WAN
from eco_credit.reports.formats import UNKNOWN, decimal_of, number, percent, wan

_SMALL, _HALF_PLACE = "<0.01%", 0.00005
"""A chance that would be printed as zero is not zero."""
Kind = Literal["text", "money", "percent", "number", "count"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One value and how it is read: money in yuan, percent as a ratio, a number with two or more places, a count.

    Attributes:
        value: the value; None is not known and is shown as a dash.
        kind: how it is read.
        places: decimals of a ``number``.
        tone: ``good`` or ``bad`` for the state of a limit; shown as a colour beside its word.
    """

    value: object
    kind: Kind = "text"
    places: int = 2
    tone: Literal["", "good", "bad"] = ""

    def shown(self, lang: str) -> str:
        """As the desk writes it: ten thousand yuan in zh, yuan in en."""
        if self.value is None or (self.kind != "text" and decimal_of(self.value) is None):
            return UNKNOWN
        if self.kind == "money":
            return wan(self.value) if lang == "zh" else number(self.value, 0)
        if self.kind == "percent":
            return _SMALL if 0.0 < float(str(self.value)) < _HALF_PLACE else percent(self.value)
        if self.kind == "text":
            return str(self.value)
        return number(self.value, 0 if self.kind == "count" else self.places)

    def stored(self, lang: str) -> str | float | None:
        """As the workbook keeps it, in the unit that is shown; percent stays a ratio and is formatted."""
        if self.kind == "text":
            return None if self.value is None else str(self.value)
        exact = decimal_of(self.value)
        if exact is None:
            return None
        return float(exact) / (YUAN_PER_WAN if self.kind == "money" and lang == "zh" else 1.0)


def money(value: object) -> Cell:
    """A cell of money, yuan."""
    return Cell(value, "money")


def part(value: object) -> Cell:
    """A cell of a ratio, shown in percent."""
    return Cell(value, "percent")


def count(value: object) -> Cell:
    """A cell of a number of things."""
    return Cell(value, "count")


def figure(value: object, places: int = 2) -> Cell:
    """A cell of a plain number."""
    return Cell(value, "number", places)


def said(value: object) -> Cell:
    """A cell of words."""
    return Cell(value)


def state(word: str, ok: bool | None) -> Cell:
    """A cell of the state of a limit: the word and its colour; without colour where it is not known."""
    return Cell(None if ok is None else word, tone="" if ok is None else "good" if ok else "bad")


@dataclass(frozen=True, slots=True)
class Table:
    """A table: heads (empty for name and value pairs) and lines; the first ``words`` columns are words."""

    heads: Sequence[str]
    lines: Sequence[Sequence[Cell]]
    words: int = 1


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part of the report.

    Attributes:
        key: stable name, also the name of the sheet.
        title: as printed.
        tables: what it shows.
        note: a sentence below, or empty.
        charts: drawings below the tables.
    """

    key: str
    title: str
    tables: Sequence[Table]
    note: str = ""
    charts: Sequence[Markup] = field(default=())
