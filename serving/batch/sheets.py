"""Sheets of a workbook as rows of cells, with what a spreadsheet hides made visible."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving.batch import biff, ooxml
from serving.batch.inside import Inside, Marks
from serving.batch.ole import MAGIC
from serving.batch.rules import refusal
from serving.batch.settings import Limits

_OWN_ENDINGS = {True: frozenset({".xls"}), False: frozenset({".xlsx", ".xlsm"})}
"""Endings by which the reader takes an old workbook, or one of today, for what it is."""

_PANIC = "PanicException"
"""What the reader raises where it breaks an assumption of its own; it is no `Exception` and cannot be imported."""


@dataclass(frozen=True, slots=True)
class SheetHead:
    """One visible sheet: its name and its merged cells.

    ``merged`` holds (first row, last row, column) of cells merged downwards in one column, from 0.
    """

    name: str
    merged: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class BookHead:
    """What is known of a workbook before its cells: hidden sheets by name, hidden rows and columns by number."""

    hidden: tuple[str, ...] = ()
    rows_hidden: int = 0
    columns_hidden: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """One visible sheet: its name, its rows from the first row of the sheet on, its merged cells as in `SheetHead`."""

    name: str
    rows: Sequence[list[Any]]
    merged: tuple[tuple[int, int, int], ...] = ()


@dataclass(slots=True)
class Book:
    """A workbook: what is known of it, and its visible sheets in order."""

    head: BookHead = field(default_factory=BookHead)
    sheets: list[Sheet] = field(default_factory=list)


def read_sheets(path: Path, limits: Limits) -> tuple[list[Sheet], list[str]]:
    """The visible sheets of `read_book` in order, and the names of the hidden ones."""
    found = read_book(path, limits)
    return found.sheets, list(found.head.hidden)


def read_book(path: Path, limits: Limits) -> Book:
    """Read a workbook here and now.

    Args:
        path: workbook, already sniffed.
        limits: most rows and cells.

    Raises:
        ContractError: as in `walk`.
    """
    found = Book()
    rows: list[list[Any]] = []
    for one in walk(path, limits):
        if isinstance(one, list):
            rows.append(one)
        elif isinstance(one, SheetHead):
            rows = []
            found.sheets.append(Sheet(one.name, rows, one.merged))
        else:
            found.head = one
    return found


def walk(path: Path, limits: Limits) -> Iterator[BookHead | SheetHead | list[Any]]:
    """Go through a workbook of either generation: its head, then each visible sheet's head and rows.

    Filtered rows and hidden columns are read; hidden sheets are not, and are named. A cell is a text, a number, a
    boolean, a day or None; a number shown as percent is a `cells.Percent`, an error is `cells.Broken`.

    Args:
        path: workbook, already sniffed.
        limits: most rows and cells.

    Raises:
        ContractError: the workbook is damaged, protected, has too many rows or cells, or holds a formula without a
            stored value (which readers give as zero or blank).
    """
    import python_calamine as calamine

    old = _is_old(path)
    inside = biff.look_inside(path, limits) if old else ooxml.look_inside(path, limits)
    inside.refuse_unvalued(path.name)
    try:
        book = _opened(calamine, path, old)
        if len({one.name for one in book.sheets_metadata}) < len(book.sheets_metadata):
            raise refusal(path.name, "same_sheets")
        shown = [one.visible == calamine.SheetVisibleEnum.Visible for one in book.sheets_metadata]
        typed = [one.typ == calamine.SheetTypeEnum.WorkSheet for one in book.sheets_metadata]
        visible = [at for at in range(len(shown)) if shown[at] and typed[at]]
        hidden = [one.name for at, one in enumerate(book.sheets_metadata) if at not in visible]
        yield BookHead(tuple(hidden), inside.rows_hidden, inside.columns_hidden)
        for at in visible:
            yield from _sheet(book.get_sheet_by_index(at), inside)
    except (calamine.CalamineError, OSError, ValueError):
        raise refusal(path.name, "unreadable") from None
    except BaseException as error:
        if type(error).__name__ == _PANIC:
            raise refusal(path.name, "unreadable") from None
        raise


def _is_old(path: Path) -> bool:
    with path.open("rb") as source:
        return source.read(len(MAGIC)) == MAGIC


def _opened(calamine: Any, path: Path, old: bool) -> Any:
    """By the content: the reader itself goes by the ending."""
    if path.suffix.lower() in _OWN_ENDINGS[old]:
        return calamine.CalamineWorkbook.from_path(str(path))
    with path.open("rb") as source:
        return calamine.CalamineWorkbook.from_filelike(source)


def _sheet(sheet: Any, inside: Inside) -> Iterator[SheetHead | list[Any]]:
    """Head and rows; blank text is None."""
    spans = ((first[0], last[0], first[1]) for first, last in sheet.merged_cell_ranges or () if first[1] == last[1])
    yield SheetHead(sheet.name, tuple(spans))
    before = [None] * (sheet.start[1] if sheet.start else 0)
    marks = inside.marks.get(sheet.name, Marks())
    plain = not (marks.shown or marks.errors)
    for number, row in enumerate(sheet.iter_rows()):
        cells = [*before, *(None if cell == "" else cell for cell in row)]
        yield cells if plain else marks.applied(number, cells)
