"""A look into a workbook of today (.xlsx): the text of its sheets, before a reader builds cells from them."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from posixpath import normpath
from typing import IO, Any

from defusedxml import ElementTree  # type: ignore[import-untyped]

from serving.batch.inside import UNKNOWN_ERRORS, WIDTH, Inside, Marks
from serving.batch.number_formats import BUILT_IN, PLAIN, Shown, shown
from serving.batch.rules import refusal
from serving.batch.settings import MEBIBYTE, Limits

_BLOCK = 1 << 20
_MOST_PART = 64 * MEBIBYTE
_P = rb"(?:[A-Za-z]\w{0,15}:)?"
_IS = rb"\s*=\s*[\"']"
_END = rb"</" + _P + rb"c\s*>"
_INSIDE = rb"(?:(?!" + _END + rb").)*"
_C = rb"<" + _P + rb"c\s"
_F, _V = rb"<" + _P + rb"f[\s>/]", rb"<" + _P + rb"v\s*>"
_NAMED = rb"[^>]*?\br" + _IS + rb"([A-Z]+[0-9]+)[\"'][^>]*(?<!/)>"
_FORMULA = re.compile(_C + _NAMED + _INSIDE + rb"?" + _F + _INSIDE + _END, re.DOTALL)
_VALUE = re.compile(_V + rb"[^<]|<" + _P + rb"is\s*>")
_ANY_FORMULA = re.compile(_F)
_CELL = re.compile(_C)
_ERROR_VALUE = re.compile(_V + rb"([^<]{0,20})")
_DIMENSION = re.compile(rb"<" + _P + rb"dimension[^>]*\bref" + _IS + rb"(?:[A-Z]+\d+:)?[A-Z]{1,3}(\d{1,7})[\"']")
_ADDRESS = re.compile(rb"\br" + _IS + rb"([A-Z]{1,3})(\d{1,7})[\"']")
_STYLE = re.compile(rb"\bs" + _IS + rb"(\d{1,6})[\"']")
_UNTIDY = re.compile(rb"=(?<=\s=)|=[^\"]")
"""What no program that saves workbooks writes between the name of an attribute and its value, but XML allows."""
_NARROW = 702
"""Columns whose names have at most two letters."""


def look_inside(path: Path, limits: Limits) -> Inside:
    """Look at the text of every sheet.

    Args:
        path: the workbook, already sniffed.
        limits: most rows and cells.

    Returns:
        What was found.

    Raises:
        ContractError: a part is damaged (``unreadable``), a sheet has too many rows or cells (``unsafe_archive``), or
            the place of a cell that matters is not stated (``cell_unplaced``).
    """
    found = Inside()
    try:
        with zipfile.ZipFile(path) as archive:
            styles = _percent_styles(archive, path.name)
            for member, sheet in _sheets(archive, path.name).items():
                with archive.open(member) as source:
                    found.marks[sheet] = _sheet(path.name, source, limits, styles=styles, found=found)
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, SyntaxError, NotImplementedError):
        raise refusal(path.name, "unreadable") from None
    return found


@dataclass(frozen=True, slots=True)
class _Looks:
    """What is looked for in the text of a sheet: written as programs write it, or in any way that XML allows."""

    error: re.Pattern[bytes]
    wide: re.Pattern[bytes]
    column: re.Pattern[bytes]
    hidden: re.Pattern[bytes]
    row: re.Pattern[bytes]
    styled: re.Pattern[bytes] | None

    @classmethod
    def of(cls, styles: Mapping[bytes, Shown], *, tidy: bool) -> _Looks:
        """Patterns that begin with fixed bytes are found many times faster."""
        before, equals = (b" ", b'="') if tidy else (rb"\s", _IS)
        after = b'"' if tidy else rb"[\"']"
        patterns = (
            b"t" + equals + b"e" + after, b"r" + equals + rb"([A-Z]{3})\d", b"r" + equals + rb"([A-Z]{1,3})\d",
            b"hidden" + equals + b"(?:1|true)" + after, b"r" + equals + rb"(\d{1,9})" + after,
        )  # fmt: skip
        styled = re.compile(before + b"s" + equals + b"(?:" + b"|".join(sorted(styles)) + b")" + after)
        error, wide, column, hidden, row = (re.compile(before + one) for one in patterns)
        return cls(error, wide, column, hidden, row, styled if styles else None)


def _sheet(
    name: str, source: IO[bytes], limits: Limits, *, styles: Mapping[bytes, Shown], found: Inside
) -> Marks:
    marks, rows, columns = Marks(), 0, 0
    head = source.read(_BLOCK)
    declared = _DIMENSION.search(head)
    if declared and int(declared.group(1)) > limits.sheet_rows:
        raise refusal(name, "unsafe_archive")
    tidy, any_way = _Looks.of(styles, tidy=True), _Looks.of(styles, tidy=False)
    for block in _with_whole_rows(head, source):
        looks = any_way if _UNTIDY.search(block) else tidy
        numbers = looks.row.findall(block)
        rows = max(rows, *(int(number) for number in numbers)) if numbers else rows
        columns = max(columns, _widest(block, rows, limits, looks))
        _hidden(block, looks, found)
        if (b"<f" in block or b":f" in block) and _ANY_FORMULA.search(block):
            found.add_unvalued(c.group(1).decode() for c in _FORMULA.finditer(block) if not _VALUE.search(c.group(0)))
        _mark(name, block, looks, styles=styles, marks=marks)
    found.add_sheet(name, limits, rows=rows, columns=columns)
    return marks


def _mark(name: str, block: bytes, looks: _Looks, *, styles: Mapping[bytes, Shown], marks: Marks) -> None:
    """Cells shown as percent, and cells that hold an error."""
    for start, stop in _tags(block, looks.styled):
        style = _STYLE.search(block, start, stop)
        if _CELL.match(block, start) and style is not None:
            marks.shown[_place(name, block[start:stop])] = styles[style.group(1)]
    for start, stop in _tags(block, looks.error):
        if _CELL.match(block, start):
            value = _ERROR_VALUE.search(block, stop)
            if value is not None and value.group(1).decode("ascii", "replace") not in UNKNOWN_ERRORS:
                marks.errors.add(_place(name, block[start:stop]))


def _tags(block: bytes, look: re.Pattern[bytes] | None) -> Iterator[tuple[int, int]]:
    """First and last byte of each tag in which something stands."""
    for found in () if look is None else look.finditer(block):
        start, stop = block.rfind(b"<", 0, found.start()), block.find(b">", found.end())
        if start >= 0 and stop >= 0 and block.find(b">", start, found.start()) < 0:
            yield start, stop


def _hidden(block: bytes, looks: _Looks, found: Inside) -> None:
    """Rows and groups of columns that are hidden."""
    for start, _ in _tags(block, looks.hidden):
        word = block[start : start + 24].split(None, 1)[0].rpartition(b":")[2].lstrip(b"<")
        found.rows_hidden += word == b"row"
        found.columns_hidden += word == b"col"


def _widest(block: bytes, rows: int, limits: Limits, looks: _Looks) -> int:
    """The last column of a block; looked for among narrow columns only where it could matter."""
    narrow = _NARROW * rows <= limits.sheet_cells // 2
    letters = set((looks.wide if narrow else looks.column).findall(block))
    return max((_number(one) for one in letters), default=0)


def _number(letters: bytes) -> int:
    """Number of a column, from 1."""
    found = 0
    for letter in letters:
        found = found * 26 + letter - 64
    return found


def _place(name: str, cell: bytes) -> int:
    address = _ADDRESS.search(cell)
    if address is None:
        raise refusal(name, "cell_unplaced")
    return (int(address.group(2)) - 1) * WIDTH + _number(address.group(1)) - 1


def _with_whole_rows(block: bytes, source: IO[bytes]) -> Iterator[bytes]:
    """Blocks of a sheet cut behind the end of a row, so that no cell is cut in two."""
    rest = b""
    while block:
        block = rest + block
        cut = block.rfind(b"row>")
        whole, rest = (block[: cut + 4], block[cut + 4 :]) if cut >= 0 else (b"", block)
        if whole:
            yield whole
        if len(rest) > _MOST_PART:
            raise ValueError("a row without end")
        block = source.read(_BLOCK)
    yield rest


def _part(archive: zipfile.ZipFile, member: str, name: str) -> Any:
    """A small part as a tree; a part that is not there is None."""
    try:
        info = archive.getinfo(member)
    except KeyError:
        return None
    if info.file_size > _MOST_PART:
        raise refusal(name, "unsafe_archive")
    return ElementTree.fromstring(archive.read(member))


def _local(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _sheets(archive: zipfile.ZipFile, name: str) -> dict[str, str]:
    """Member to name of each sheet; a sheet that no name leads to is looked at under the name of its member."""
    book, links = _part(archive, "xl/workbook.xml", name), _part(archive, "xl/_rels/workbook.xml.rels", name)
    targets = {one.get("Id"): one.get("Target", "") for one in ([] if links is None else links)}
    found = {
        member: member for member in archive.namelist()
        if member.startswith("xl/worksheets/") and member.endswith(".xml")
    }  # fmt: skip
    for one in book.iter():
        if _local(one) == "sheet":
            link = next((value for key, value in one.items() if key.rpartition("}")[2] == "id"), None)
            target = targets.get(link, "")
            member = target.lstrip("/") if target.startswith("/") else normpath(f"xl/{target}")
            if member in archive.NameToInfo:
                found[member] = str(one.get("name"))
    return found


def _percent_styles(archive: zipfile.ZipFile, name: str) -> dict[bytes, Shown]:
    """Numbers of the cell styles that show percent, as they stand in the text of a sheet."""
    styles = _part(archive, "xl/styles.xml", name)
    if styles is None:
        return {}
    formats = dict(BUILT_IN)
    for one in styles.iter():
        if _local(one) == "numFmt":
            formats[int(one.get("numFmtId", "0"))] = str(one.get("formatCode", ""))
    cells = next((one for one in styles if _local(one) == "cellXfs"), ())
    how = (shown(formats.get(int(one.get("numFmtId", "0")), "General")) for one in cells)
    return {b"%d" % at: one for at, one in enumerate(how) if one != PLAIN}
