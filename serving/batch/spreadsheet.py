"""A workbook as a source: its sheets that hold a header, one after the other, as a stream of chunks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from serving.batch.cells import Broken
from serving.batch.chunk import Chunk
from serving.batch.isolated import read_isolated
from serving.batch.layout import HEADER_ROWS, Layout, Vocabulary, find_header, layout_of
from serving.batch.rows import Line
from serving.batch.rules import refusal
from serving.batch.settings import Limits
from serving.batch.sheets import Book, Sheet
from serving.batch.table import data_lines, read_blocks
from serving.batch.totals import total_warnings

Cut = Callable[[Layout, str | None], Layout]
"""Cuts a layout down to what a first pass needs."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A sheet with a header, and what is filled into its cells: row to column to value."""

    sheet: Sheet
    layout: Layout
    fills: dict[int, dict[int, Any]]

    def lines(self, before: int) -> Iterator[Line]:
        """Rows below the header, numbered on from ``before``."""
        first = self.layout.header_row
        for at, cells in enumerate(islice(iter(self.sheet.rows), first, None), start=1):
            for column, value in self.fills.get(first + at - 1, {}).items():
                cells[column:] = [value, *cells[column + 1 :]]
            yield Line(before + at, self.sheet.name, cells)


@dataclass(frozen=True)
class Spreadsheet:
    """An open workbook: layout of all its sheets, notes for the manifest, readers of blocks and of wrong totals."""

    layout: Layout
    notes: dict[str, Any]
    blocks: Callable[[Counter[str], str | None], Iterator[Chunk]]
    totals: Callable[[], list[dict[str, Any]]]


def open_spreadsheet(
    path: Path, vocabulary: Vocabulary, limits: Limits, *, merged: frozenset[str], cut: Cut,
    noted: Callable[[Layout], dict[str, Any]],
) -> Spreadsheet:
    """Open a workbook of either generation.

    Args:
        path: the workbook, already sniffed.
        vocabulary: what headers may say.
        limits: bounds of size.
        merged: columns in which cells merged downwards are filled down.
        cut: the layout of a first pass.
        noted: what a header said, for the manifest.

    Raises:
        ContractError: the workbook or a header is refused.
    """
    book = read_isolated(path, limits)
    tables = _tables(path.name, book, vocabulary, limits=limits, merged=merged)

    def blocks(dropped: Counter[str], only: str | None) -> Iterator[Chunk]:
        row = 0
        columns = {reading.field.column: reading for table in tables for reading in table.layout.columns.values()}
        for table in tables:
            lines = data_lines(table.lines(row), table.layout, dropped)
            for block in read_blocks(lines, cut(table.layout, only), width=table.layout.width):
                yield block if only else block.completed(columns)
            row += len(table.sheet.rows) - table.layout.header_row

    def totals() -> list[dict[str, Any]]:
        return [each for table in tables for each in total_warnings(table.lines(0), table.layout)]

    headed = [table.sheet.name for table in tables]
    notes = {
        "sheets": [{"name": table.sheet.name, **noted(table.layout)} for table in tables],
        "sheets_hidden": list(book.head.hidden),
        "sheets_without_header": [sheet.name for sheet in book.sheets if sheet.name not in headed],
        "rows_hidden": book.head.rows_hidden,
        "columns_hidden": book.head.columns_hidden,
    }
    unstated = frozenset[str]().union(*(table.layout.unstated for table in tables))
    return Spreadsheet(replace(tables[0].layout, unstated=unstated), notes, blocks, totals)


def _tables(
    name: str, book: Book, vocabulary: Vocabulary, *, limits: Limits, merged: frozenset[str]
) -> list[_Table]:
    found = []
    for sheet in book.sheets:
        head = list(islice(iter(sheet.rows), HEADER_ROWS))
        places = find_header(head, vocabulary)
        if places:
            layout = layout_of(head, places, vocabulary=vocabulary, limits=limits)
            found.append(_Table(sheet, layout, _fills(sheet, layout, merged)))
    if not found:
        raise refusal(name, "header_not_found")
    return found


def _fills(sheet: Sheet, layout: Layout, merged: frozenset[str]) -> dict[int, dict[int, Any]]:
    """Cells merged downwards in a column of the loan are filled down; in other known columns they are broken."""
    spans = [
        (first, min(last, len(sheet.rows) - 1), column) for first, last, column in sheet.merged
        if column in layout.columns and first >= layout.header_row
    ]  # fmt: skip
    loan = {column: layout.columns[column].field.column in merged for _, _, column in spans}
    tops = {(first, column) for first, _, column in spans if loan[column]}
    held = _cells_at(sheet, tops) if tops else {}
    found: dict[int, dict[int, Any]] = {}
    for first, last, column in spans:
        fill = held.get((first, column)) if loan[column] else Broken("merged_cell")
        for row in range(first + 1, last + 1):
            found.setdefault(row, {})[column] = fill
    return found


def _cells_at(sheet: Sheet, places: set[tuple[int, int]]) -> dict[tuple[int, int], Any]:
    """Cells at some places, by row and column."""
    wanted: dict[int, list[int]] = {}
    for row, column in places:
        wanted.setdefault(row, []).append(column)
    return {
        (row, column): cells[column] if column < len(cells) else None
        for row, cells in enumerate(sheet.rows) for column in wanted.get(row, ())
    }  # fmt: skip
