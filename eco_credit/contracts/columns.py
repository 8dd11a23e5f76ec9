"""Field values as columns, and the fast check of columns by the same fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts.checks import broken
from eco_credit.contracts.field import Broken, Contract, Field
from eco_credit.contracts.texts import sentences
from eco_credit.core.errors import Violation
from eco_credit.core.identifiers import FORMATS, fold_all
from eco_credit.core.numbers import DAY as DAYS
from eco_credit.core.numbers import Bools, Columns, rows_of

CONTROL = r"\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffe\uffff"
"""Characters refused in text: controls, invisible and direction marks, non-characters."""
SURROGATES = r"\ud800-\udfff"
PLAIN_TEXT = rf"^[^{CONTROL}]*$"
DAY = "^(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}$"
"""Days are written YYYY-MM-DD, from 1900 to 2199; later years are fillers for "no end"."""
_UNCLEAN = re.compile(rf"[{CONTROL}{SURROGATES}]")
MOST_BITS = 63
_NUMBERS = np.dtype(np.float64)
_UNREAD = np.empty(0)
_NUMBER = (int, float, np.integer, np.floating)


def column_of(field: Field, values: Sequence[Any]) -> npt.NDArray[np.generic]:
    """Values of one field as a column; the values are valid or None.

    Args:
        field: the field.
        values: one value per row; days as text or dates.

    Returns:
        shape (n,): float64, ``datetime64[D]`` or object, as `eco_credit.core.numbers.Columns` says.
    """
    if field.type == "text":
        return np.fromiter(values, dtype=object, count=len(values))
    if field.type == "date":
        return np.array(values, dtype=DAYS)
    return np.array(values, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Shape:
    """The fields of one record by the type of their columns; made once for each record.

    Attributes:
        names: all fields, in their order.
        numbers: numbers, integers and yes/no fields.
        days: days.
        texts: texts and codes.
    """

    names: tuple[str, ...]
    numbers: tuple[str, ...]
    days: tuple[str, ...]
    texts: tuple[Field, ...]


def shape_of(fields: Sequence[Field]) -> Shape:
    """Sort fields by the type of their columns."""
    return Shape(
        tuple(field.name for field in fields),
        tuple(field.name for field in fields if field.type not in ("text", "date")),
        tuple(field.name for field in fields if field.type == "date"),
        tuple(field for field in fields if field.type == "text"),
    )


def columns_of(shape: Shape, records: Sequence[Mapping[str, Any]]) -> Columns:
    """Fields of several records as columns; all fields of a type share one array.

    Args:
        shape: the fields.
        records: n records with valid values, None or nothing where unknown.

    Returns:
        Field name to its column, shape (n,), in the order of the fields; identifiers are folded.
    """
    found: Columns = dict.fromkeys(shape.names, _UNREAD)
    for names, dtype in ((shape.days, DAYS), (shape.numbers, _NUMBERS)):
        if names:
            rows = np.array([[*map(record.get, names)] for record in records], dtype=dtype)
            found.update(zip(names, np.ascontiguousarray(rows.reshape(len(records), len(names)).T), strict=True))
    for field in shape.texts:
        values = [record.get(field.name) for record in records]
        found[field.name] = column_of(field, values if field.format is None else folded(field, values))
    return found


def folded(field: Field, values: Iterable[Any]) -> list[Any]:
    """Identifiers of a field as they are compared, None where unknown."""
    listed = list(values)
    found = iter(fold_all([value for value in listed if value is not None], FORMATS[field.format or ""].fold))
    return [None if value is None else next(found) for value in listed]


def blank_column(field: Field, rows: int) -> npt.NDArray[np.generic]:
    """A column of unknown values."""
    if field.type == "text":
        return np.full(rows, None, dtype=object)
    if field.type == "date":
        return np.full(rows, np.datetime64("NaT"), dtype="datetime64[D]")
    return np.full(rows, np.nan)


def check_columns(contract: Contract, columns: Columns) -> list[Broken]:
    """Check a flat table against a contract, all rows at once.

    Args:
        contract: a contract of plain fields, such as ``batch_input``.
        columns: one array per column, n rows. A column that is not there is all unknown. A numeric
            or day column may be an object array when some of its cells could not be read.

    Returns:
        One entry (rows, field, rule) per broken rule. Empty when every row is accepted. A row is accepted here
        exactly when the generated model accepts it.

    Example:
        >>> from eco_credit.contracts.load import contract
        >>> flow = {"service": np.array(["carbon"], object), "value_cny": np.array([-2e12])}
        >>> [(mask.tolist(), field, rule) for mask, field, rule in check_columns(contract("gep_flow"), flow)]
        [([True], 'value_cny', 'minimum')]
    """
    rows = rows_of(columns)
    found: list[Broken] = []
    readable: Columns = {}
    for field in contract.fields:
        column = columns.get(field.column)
        if column is None:
            found += [Broken(np.ones(rows, dtype=bool), field.name, "missing")] if field.required else []
            continue
        if field.type == "text" and (texts := _texts_of(column)) is not None:
            readable[field.column] = column
            found += _of_text(field, column, texts)
            continue
        readable[field.column], unreadable = _read(field, column)
        found += [Broken(unreadable, field.name, "type"), *_of_field(field, readable[field.column], unreadable)]
    known = {field.column for field in contract.fields}
    found += [Broken(np.ones(rows, dtype=bool), name, "extra") for name in columns if name not in known]
    read_by_rules = {name for check in contract.checks for name in (*check.fields, check.by)}
    for field in contract.fields:
        if field.column not in columns and field.column in read_by_rules:
            readable[field.column] = blank_column(field, rows)
    for check in contract.checks:
        found += broken(check, readable, contract.fields)
    return [entry for entry in found if entry.rows.any()]


def column_violations(contract: Contract, columns: Columns, most: int = 100) -> list[Violation]:
    """What `check_columns` finds, in words, one violation per row; at most ``most`` of them.

    Args:
        contract: a contract of plain fields.
        columns: a flat table, n rows.
        most: longest list wanted.

    Returns:
        Violations with row numbers from 1, by rule and then by row.
    """
    fields = {field.name: field for field in contract.fields}
    found = (
        Violation(entry.field, entry.rule, *sentences(entry.rule, fields.get(entry.field)), row=int(row) + 1)
        for entry in check_columns(contract, columns)
        for row in np.flatnonzero(entry.rows)
    )
    return list(islice(found, most))


_TEXTS = frozenset({str, type(None)})
_TOGETHER = 256
"""Texts looked at together: one in disorder costs a closer look at so many."""


def _texts_of(column: npt.NDArray[np.generic]) -> frozenset[Any] | None:
    """The distinct cells of a column that holds nothing but texts and None; None for another."""
    if column.dtype.kind != "O":
        return None
    try:
        distinct = frozenset(column.tolist())
    except TypeError:
        return None
    return distinct if _TEXTS.issuperset(map(type, distinct)) else None


def _read(field: Field, column: npt.NDArray[np.generic]) -> tuple[npt.NDArray[np.generic], Bools]:
    """The column in its own type, and the rows whose cell is not of that type."""
    kind = column.dtype.kind
    if field.type == "text":
        wrong = np.fromiter((v is not None and type(v) is not str for v in column), bool, len(column))
        return column_of(field, [None if bad else v for v, bad in zip(column, wrong, strict=True)]), wrong
    if field.type == "date" and kind == "M":
        return column.astype(DAYS, copy=False), np.zeros(len(column), dtype=bool)
    if field.type != "date" and (kind == "f" or (kind in "iu" and field.is_number)):
        return column.astype(np.float64, copy=False), np.zeros(len(column), dtype=bool)
    accepted = _cell_test(field)
    wrong = np.fromiter((v is not None and not accepted(v) for v in column.tolist()), bool, len(column))
    cells = [None if bad else value for value, bad in zip(column.tolist(), wrong, strict=True)]
    return column_of(field, cells), wrong


def _cell_test(field: Field) -> Callable[[Any], bool]:
    if field.type == "boolean":
        return lambda value: isinstance(value, bool)
    if field.type == "date":
        return lambda value: isinstance(value, str) and is_day(value)
    return is_number


def is_number(value: Any) -> bool:
    """True for a number, NaN and infinity included; whole numbers beyond 64 bits are not read."""
    return isinstance(value, _NUMBER) and not isinstance(value, bool) and not (
        isinstance(value, int) and value.bit_length() > MOST_BITS)


def is_day(text: str) -> bool:
    """True for a calendar day written ``YYYY-MM-DD`` in the years 1900 to 2199.

    Example:
        >>> is_day("2026-02-28"), is_day("2026-02-30"), is_day("20260228")
        (True, False, False)
    """
    if len(text) != 10 or not text.isascii() or not re.fullmatch(DAY, text):
        return False
    try:
        np.datetime64(text, "D")
    except ValueError:
        return False
    return True


def _of_field(field: Field, column: npt.NDArray[np.generic], unreadable: Bools) -> Iterable[Broken]:
    if field.type == "text":
        for entry in _of_text(field, column, frozenset(column.tolist())):
            yield entry._replace(rows=entry.rows & ~unreadable)
        return
    blank = np.isnat(column) if field.type == "date" else np.isnan(column)
    if field.required:
        yield Broken(blank & ~unreadable, field.name, "missing")
    if field.type == "date":
        years = column.astype("datetime64[Y]").astype(np.int64) + 1970
        yield Broken(~blank & ((years < 1900) | (years > 2199)), field.name, "date")
    elif field.type == "boolean":
        yield Broken(~blank & np.not_equal(column, 0.0) & np.not_equal(column, 1.0), field.name, "type")
    else:
        yield from _of_number(field, column)


def _of_number(field: Field, column: npt.NDArray[Any]) -> Iterable[Broken]:
    infinite = np.isinf(column)
    yield Broken(infinite, field.name, "finite")
    if field.type == "integer":
        yield Broken(~infinite & (column != np.floor(column)) & ~np.isnan(column), field.name, "integer")
    if field.minimum is not None:
        yield Broken(~infinite & (column < field.minimum), field.name, "minimum")
    if field.exclusive_minimum is not None:
        yield Broken(~infinite & (column <= field.exclusive_minimum), field.name, "exclusive_minimum")
    if field.maximum is not None:
        yield Broken(~infinite & (column > field.maximum), field.name, "maximum")


def _of_text(field: Field, column: npt.NDArray[Any], distinct: frozenset[Any]) -> Iterable[Broken]:
    """Check each distinct text once: files repeat most of their texts."""
    verdicts = text_rules(field, [text for text in distinct if text is not None])
    if field.required and None in distinct:
        verdicts[None] = "missing"
    for rule in sorted(set(verdicts.values())):
        mask = np.fromiter((verdicts.get(value) == rule for value in column), bool, len(column))
        yield Broken(mask, field.name, rule)


def text_rules(field: Field, texts: Sequence[str]) -> dict[str | None, str]:
    """The texts that break a rule, each with `text_rule`.

    A few hundred texts are looked at together first: nearly always all of them are in order, and one look at all
    costs little more than a look at one.
    """
    found: dict[str | None, str] = {}
    for at in range(0, len(texts), _TOGETHER):
        some = texts[at : at + _TOGETHER]
        if not _in_order(field, some):
            found.update((text, rule) for text in some if (rule := text_rule(field, text)) is not None)
    return found


def _in_order(field: Field, texts: Sequence[str]) -> bool:
    """True only where no text breaks a rule; what is not plain is left to `text_rule`."""
    if field.codes is not None:
        return set(texts).issubset(field.codes)
    return (
        "" not in texts
        and max(map(len, texts)) <= field.max_length
        and "".join(texts).isprintable()  # then it holds none of CONTROL and SURROGATES
        and (not field.pattern or all(map(_compiled(field.pattern).fullmatch, texts)))
        and (not field.format or not FORMATS[field.format].refused(texts))
    )


def text_rule(field: Field, value: str) -> str | None:
    """The rule a text breaks, or None: the order of the rules is that of the generated model."""
    if field.codes is not None:
        return None if value in field.codes else "code"
    if not value:
        return "min_length"
    if len(value) > field.max_length:
        return "max_length"
    if _UNCLEAN.search(value):
        return "characters"
    if field.pattern and not _compiled(field.pattern).fullmatch(value):
        return "pattern"
    if field.format and not FORMATS[field.format].check(value).valid:
        return "identifier"
    return None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
