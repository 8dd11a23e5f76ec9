"""Sheets of a workbook as rows of cells, with what a spreadsheet hides made visible."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO, Any

from eco_credit.core.errors import ContractError
from serving.batch.rules import refusal, violation
from serving.batch.settings import Limits

_BLOCK = 1 << 20
MOST_FORMULAS = 20
"""Formula cells without a value that are named at most."""
_CELL = re.compile(rb"<c\s[^>]*?r=\"([A-Z]+[0-9]+)\"[^>]*(?<!/)>(?:(?!</c>).)*?<f[\s>/](?:(?!</c>).)*</c>", re.DOTALL)
_VALUE = re.compile(rb"<v>[^<]|<is>")
_HIDDEN_ROW = re.compile(rb"<row [^>]*hidden=\"(?:1|true)\"")
_HIDDEN_COLUMN = re.compile(rb"<col [^>]*hidden=\"(?:1|true)\"")
_DIMENSION = re.compile(rb"<dimension[^>]*ref=\"(?:[A-Z]+[0-9]+:)?([A-Z]{1,3})([0-9]{1,7})\"")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One visible sheet: its name, its rows from the first row of the sheet on, its merged cells.

    ``merged`` holds (first row, last row, column) of cells merged downwards in one column, from 0.
    """

    name: str
    rows: list[list[Any]]
    merged: tuple[tuple[int, int, int], ...] = ()


def read_sheets(path: Path, limits: Limits) -> tuple[list[Sheet], list[str]]:
    """Read all visible sheets.

    Filtered rows and hidden columns are read; hidden sheets are not, and are named.

    Args:
        path: workbook, already sniffed.
        limits: most rows.

    Returns:
        The visible sheets in order, and the names of the hidden ones.

    Raises:
        ContractError: the workbook is damaged, declares too many rows, or holds a formula without a
            stored value (which readers give as zero).
    """
    import python_calamine as calamine

    _inside(path, limits)
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        metadata = book.sheets_metadata
        visible = [
            m.name
            for m in metadata
            if m.visible == calamine.SheetVisibleEnum.Visible and m.typ == calamine.SheetTypeEnum.WorkSheet
        ]
        sheets = [_sheet(book.get_sheet_by_name(name)) for name in visible]
    except (calamine.CalamineError, OSError, ValueError):
        raise refusal(path.name, "unreadable") from None
    return sheets, [m.name for m in metadata if m.name not in visible]


def _sheet(sheet: Any) -> Sheet:
    """Cells as text, number, boolean, day or None; blank text is None."""
    rows = [[None if cell == "" else cell for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    spans = ((first[0], last[0], first[1]) for first, last in sheet.merged_cell_ranges or () if first[1] == last[1])
    return Sheet(sheet.name, rows, tuple(spans))


def _inside(path: Path, limits: Limits) -> None:
    """Look at the sheets' own text before a reader builds them: declared rows, formulas without value."""
    cells: list[str] = []
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if member.startswith("xl/worksheets/") and member.endswith(".xml"):
                with archive.open(member) as source:
                    cells += islice(_without_value(path.name, source, limits), MOST_FORMULAS - len(cells))
    if cells:
        raise ContractError([violation(f"{path.name}!{cell}", "formula_without_value") for cell in cells])


def hidden_parts(path: Path) -> dict[str, int]:
    """How many rows and groups of columns are hidden, by a filter or by hand; they are read all the same."""
    rows = columns = 0
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            if member.startswith("xl/worksheets/") and member.endswith(".xml"):
                with archive.open(member) as source:
                    head = source.read(_BLOCK)
                    columns += len(_HIDDEN_COLUMN.findall(head))
                    rows += sum(len(_HIDDEN_ROW.findall(block)) for block in _with_whole_cells(head, source))
    return {"rows_hidden": rows, "columns_hidden": columns}


def _without_value(name: str, source: IO[bytes], limits: Limits) -> Iterator[str]:
    """Addresses of formula cells without a stored value."""
    head = source.read(_BLOCK)
    found = _DIMENSION.search(head)
    if found and int(found.group(2)) > limits.sheet_rows:
        raise refusal(name, "unsafe_archive")
    for block in _with_whole_cells(head, source):
        if b"<f" not in block:
            continue
        for cell in _CELL.finditer(block):
            if not _VALUE.search(cell.group(0)):
                yield cell.group(1).decode()


def _with_whole_cells(block: bytes, source: IO[bytes]) -> Iterator[bytes]:
    """Blocks of a sheet cut behind the end of a row, so that no cell is cut in two."""
    rest = b""
    while block:
        block = rest + block
        cut = block.rfind(b"</row>")
        whole, rest = (block[: cut + 6], block[cut + 6 :]) if cut >= 0 else (b"", block)
        if whole:
            yield whole
        block = source.read(_BLOCK)
    yield rest
