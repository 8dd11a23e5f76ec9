"""A look into an old workbook (.xls, .et): the records of its stream, before a reader builds sheets ([MS-XLS])."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from serving.batch.inside import WIDTH, Inside, Marks
from serving.batch.number_formats import BUILT_IN, PLAIN, Shown, shown
from serving.batch.ole import CompoundFile, NoCompoundFile
from serving.batch.rules import refusal
from serving.batch.settings import Limits

STREAMS = ("Workbook", "Book")
"""Streams that hold a workbook, of the newer and the older generation."""
_BOF, _EOF, _FILEPASS, _BOUNDSHEET, _FORMAT, _XF = 0x0809, 0x000A, 0x002F, 0x0085, 0x041E, 0x00E0
_ROW, _COLINFO, _FORMULA, _BOOLERR, _RK, _MULRK, _NUMBER = 0x0208, 0x007D, 0x0006, 0x0205, 0x027E, 0x00BD, 0x0203
_SINGLE = frozenset({_FORMULA, _BOOLERR, _RK, _NUMBER, 0x0201, 0x0204, 0x00FD, 0x00D6})
"""One cell each: row, column, format."""
_SEVERAL = frozenset({_MULRK, 0x00BE})
_NEWER = 0x0600
_NOT_AVAILABLE = 0x2A
_EMPTY, _ERROR = 3, 2


@dataclass(slots=True)
class _Globals:
    """What the first part of the stream says of all sheets."""

    newer: bool = True
    sheets: dict[int, str] = field(default_factory=dict)
    formats: dict[int, Shown] = field(default_factory=lambda: {n: shown(code) for n, code in BUILT_IN.items()})
    cell_formats: list[int] = field(default_factory=list)

    def shown(self, index: int) -> Shown:
        """How a cell format shows numbers."""
        if index >= len(self.cell_formats):
            return PLAIN
        return self.formats.get(self.cell_formats[index], PLAIN)


@dataclass(slots=True)
class _Sheet:
    """One sheet while its records pass."""

    name: str
    marks: Marks = field(default_factory=Marks)
    unvalued: list[str] = field(default_factory=list)
    rows: int = 0
    columns: int = 0

    def reach(self, row: int, column: int) -> int:
        """Note a cell; its place."""
        self.rows, self.columns = max(self.rows, row + 1), max(self.columns, column + 1)
        return row * WIDTH + column


def look_inside(path: Path, limits: Limits) -> Inside:
    """Look at every record of an old workbook.

    Args:
        path: the file, a compound file.
        limits: most rows and cells.

    Returns:
        What was found.

    Raises:
        ContractError: the container is damaged (``unreadable``), the workbook is protected by a password
            (``encrypted``), is no workbook (``wrong_format``) or has too many rows or cells (``unsafe_archive``).
    """
    try:
        held = CompoundFile(path.read_bytes())
        name = next((one for one in STREAMS if one in held.names), None)
        if name is None:
            raise refusal(path.name, "encrypted" if "EncryptedPackage" in held.names else "wrong_format")
        content = held.stream(name)
    except (NoCompoundFile, struct.error, KeyError):
        raise refusal(path.name, "unreadable") from None
    try:
        return _through(path.name, content, limits)
    except (struct.error, IndexError):
        raise refusal(path.name, "unreadable") from None


def _records(content: bytes) -> Iterator[tuple[int, int, int, int]]:
    """Place, kind, and first and last byte of each record."""
    at, end = 0, len(content)
    while at + 4 <= end:
        kind, length = struct.unpack_from("<HH", content, at)
        yield at, kind, at + 4, min(at + 4 + length, end)
        at += 4 + length


def _through(name: str, content: bytes, limits: Limits) -> Inside:
    whole, found = _Globals(), Inside()
    sheet: _Sheet | None = None
    depth = 0
    for place, kind, start, stop in _records(content):
        if kind == _BOF:
            depth += 1
            if depth == 1:
                whole.newer = struct.unpack_from("<H", content, start)[0] == _NEWER
                sheet = _Sheet(whole.sheets[place]) if place in whole.sheets else None
        elif kind == _EOF:
            depth -= 1
            if depth == 0 and sheet is not None:
                found.marks[sheet.name] = sheet.marks
                found.add_sheet(name, limits, rows=sheet.rows, columns=sheet.columns)
                found.add_unvalued(sheet.unvalued)
                sheet = None
        elif kind == _FILEPASS:
            raise refusal(name, "encrypted")
        elif sheet is not None and depth == 1:
            _cell(content[start:stop], kind, sheet=sheet, whole=whole, found=found)
        elif depth == 1:
            _whole(content[start:stop], kind, whole)
    return found


def _whole(record: bytes, kind: int, whole: _Globals) -> None:
    """A record about all sheets."""
    if kind == _BOUNDSHEET:
        place, length = struct.unpack_from("<I2xB", record)
        whole.sheets[place] = _text(record[7:], length, newer=whole.newer)
    elif kind == _FORMAT:
        number, length = struct.unpack_from("<HH" if whole.newer else "<HB", record)
        whole.formats[number] = shown(_text(record[4 if whole.newer else 3 :], length, newer=whole.newer))
    elif kind == _XF:
        whole.cell_formats.append(struct.unpack_from("<2xH", record)[0])


def _text(held: bytes, length: int, *, newer: bool) -> str:
    """Characters, behind a byte of flags in the newer generation; older ones are ASCII where it matters here."""
    if not newer:
        return held[:length].decode("gb18030", "replace")
    wide = held[0] & 1
    return held[1 : 1 + length * (1 + wide)].decode("utf-16-le" if wide else "latin-1", "replace")


def _cell(record: bytes, kind: int, *, sheet: _Sheet, whole: _Globals, found: Inside) -> None:
    """A record of a sheet: a cell, several cells, a row or a column."""
    if kind in _SINGLE:
        row, column, index = struct.unpack_from("<3H", record)
        place = sheet.reach(row, column)
        if (how := whole.shown(index)) != PLAIN:
            sheet.marks.shown[place] = how
        if kind == _FORMULA:
            _formula(record[6:14], (row, column), place=place, sheet=sheet)
        elif kind == _BOOLERR and record[7] == 1 and record[6] != _NOT_AVAILABLE:
            sheet.marks.errors.add(place)
    elif kind in _SEVERAL:
        row, first = struct.unpack_from("<2H", record)
        step = 6 if kind == _MULRK else 2
        for number in range((len(record) - 6) // step):
            place = sheet.reach(row, first + number)
            if (how := whole.shown(struct.unpack_from("<H", record, 4 + number * step)[0])) != PLAIN:
                sheet.marks.shown[place] = how
    elif kind == _ROW:
        found.rows_hidden += bool(struct.unpack_from("<12xH", record)[0] & 0x20)
    elif kind == _COLINFO:
        found.columns_hidden += struct.unpack_from("<8xH", record)[0] & 1


def _formula(value: bytes, at: tuple[int, int], *, place: int, sheet: _Sheet) -> None:
    """The stored value of a formula: a number, or by a mark a text, a truth, an error, or nothing."""
    from serving.batch.one import column_name

    if value[6:8] != b"\xff\xff":
        return
    if value[0] == _EMPTY:
        sheet.unvalued.append(f"{column_name(at[1])}{at[0] + 1}")
    elif value[0] == _ERROR and value[2] != _NOT_AVAILABLE:
        sheet.marks.errors.add(place)
