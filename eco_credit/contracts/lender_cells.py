"""Cells of a lender's file as values: numbers, days, yes or no, words."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts.columns import column_of
from eco_credit.contracts.field import Field

BLANK = frozenset({"", "nan", "none", "null", "n/a", "-", "—"})
YES_NO: Mapping[str, float] = {
    **dict.fromkeys(("1", "1.0", "true", "yes", "y", "是", "有"), 1.0),
    **dict.fromkeys(("0", "0.0", "false", "no", "n", "否", "无"), 0.0),
}
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]00:00:00(?:\.0+)?)?")
_PACKED_DAY = re.compile(r"(\d{4})(\d{2})(\d{2})")
_NUMBER = re.compile(r"[-+]?(\d+|\d{1,3}(,\d{3})+)(\.\d*)?(e[-+]?\d{1,3})?", re.IGNORECASE)
Codes = Mapping[str, str | bool | float]


class Unreadable(Exception):
    """Some cells of a column cannot be read.

    Attributes:
        rows: how many.
        first: place of the first, from 0.
    """

    def __init__(self, rows: int, first: int) -> None:
        """Keep how many and where."""
        super().__init__(f"{rows} cells, first at {first}")
        self.rows, self.first = rows, first


def plain(cell: Any) -> str:
    """A cell as trimmed text in plain width; empty for an unknown one.

    Example:
        >>> plain(" １２．５ "), plain(float("nan")), plain(None)
        ('12.5', '', '')
    """
    if cell is None or cell != cell:
        return ""
    text = unicodedata.normalize("NFKC", str(cell)).strip()
    return "" if text.casefold() in BLANK else text


def number(text: str, ratio: Fraction = Fraction(1)) -> float:
    """A number times an exact factor, rounded once where the text is exact.

    Raises:
        ValueError: no number.

    Example:
        >>> number("1,234.5", Fraction(10_000)), number("30", Fraction(1, 100))
        (12345000.0, 0.3)
    """
    if not _NUMBER.fullmatch(text) or len(text) > 40:
        raise ValueError("no number")
    value = float(text.replace(",", ""))
    if ratio == 1 or not np.isfinite(value):
        return value
    return float(Fraction(text.replace(",", "")) * ratio)


def day(text: str) -> dt.date:
    """A day written in one of the usual ways.

    Raises:
        ValueError: no day of the calendar.

    Example:
        >>> day("2026年3月1日"), day("20260301"), day("2026/3/1")
        (datetime.date(2026, 3, 1), datetime.date(2026, 3, 1), datetime.date(2026, 3, 1))
    """
    found = _DAY.fullmatch(text) or _PACKED_DAY.fullmatch(text)
    if found is None:
        raise ValueError("no day")
    return dt.date(*map(int, found.groups()))


def reader_of(
    field: Field, ratio: Fraction, codes: Codes | None
) -> Callable[[npt.NDArray[Any]], npt.NDArray[np.generic]]:
    """A function from the cells of a column, shape (n,), to its values in the stored unit; unknown stays unknown.

    Args:
        field: the field the column is for.
        ratio: exact factor from their unit to the stored one.
        codes: their word to ours; a word that is not on it cannot be read.

    Returns:
        A function that raises `Unreadable` when a cell is no value of the field.
    """

    def one(cell: Any) -> Any:
        text = plain(cell)
        if not text:
            return None
        if codes is not None:
            return _coded(field, codes[text])
        return _value(field, text, ratio)

    def read(cells: npt.NDArray[Any]) -> npt.NDArray[np.generic]:
        values: list[Any] = []
        wrong: list[int] = []
        for place, cell in enumerate(cells):
            try:
                values.append(one(cell))
            except (KeyError, ValueError, OverflowError):
                wrong.append(place)
        if wrong:
            raise Unreadable(len(wrong), wrong[0])
        return column_of(field, values)

    return read


def _coded(field: Field, value: str | bool | float) -> Any:
    if field.type == "text":
        return str(value)
    return day(str(value)) if field.type == "date" else float(value)


def _value(field: Field, text: str, ratio: Fraction) -> Any:
    if field.type == "text":
        return text
    if field.type == "date":
        return day(text)
    if field.type == "boolean":
        return YES_NO[text.casefold()]
    return number(text, ratio)
