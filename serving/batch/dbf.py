"""Attribute tables of forestry software (dBase III and its kin) as rows of text: the header row, then the records.

Layout of the file: header of 32 bytes (record count at 4, header length at 8, record length at 10), field
descriptors of 32 bytes each up to the byte 0x0D, then records of fixed length whose first byte is ``*`` when deleted.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from serving.batch.rules import refusal
from serving.batch.settings import Limits

_VERSIONS = frozenset({0x03, 0x30, 0x31, 0x83, 0x8B, 0xF5})
_GUESSES = ("utf-8", "gb18030")


@dataclass(frozen=True, slots=True)
class Table:
    """What the header of a file says: field names, places of their bytes, size, encoding."""

    path: Path
    names: tuple[str, ...]
    slices: tuple[slice, ...]
    start: int
    length: int
    rows: int
    encoding: str


def open_dbf(path: Path, limits: Limits) -> Table:
    """Read the header of a table and settle its encoding: a ``.cpg`` beside it, then UTF-8, then GB18030.

    Raises:
        ContractError: it is no such table (``wrong_format``), is cut short (``unreadable``), is too large, or its
            bytes fit no encoding (``encoding``).
    """
    size = path.stat().st_size
    if size > limits.file_bytes:
        raise refusal(path.name, "too_large")
    with path.open("rb") as source:
        head = source.read(32)
        if len(head) < 32 or head[0] not in _VERSIONS:
            raise refusal(path.name, "wrong_format")
        rows, start, length = struct.unpack("<IHH", head[4:12])
        described = source.read(max(start - 32, 0))
    fields = [described[at : at + 32] for at in range(0, len(described) - 31, 32) if described[at] != 0x0D]
    widths = [field[16] for field in fields]
    if not fields or length < 1 + sum(widths) or start + rows * length > size + 1 or rows > limits.sheet_rows:
        raise refusal(path.name, "unreadable")
    places, at = [], 1
    for width in widths:
        places.append(slice(at, at + width))
        at += width
    encoding = _encoding(path, start)
    names = tuple(field[:11].split(b"\0")[0].decode(encoding, "replace").strip() for field in fields)
    return Table(path, names, tuple(places), start, length, rows, encoding)


def _encoding(path: Path, start: int) -> str:
    beside = path.with_suffix(".cpg")
    named = beside.read_text("ascii", "replace").strip().lower() if beside.is_file() else ""
    named = {"65001": "utf-8", "936": "gb18030", "gbk": "gb18030", "gb2312": "gb18030"}.get(named, named)
    for name in (*([named] if named else []), *_GUESSES):
        try:
            decoder = codecs.getincrementaldecoder(name)("strict")
        except LookupError:
            continue
        try:
            with path.open("rb") as source:
                source.seek(start)
                while block := source.read(1 << 20):
                    decoder.decode(block.removesuffix(b"\x1a"))
            return name
        except UnicodeDecodeError:
            continue
    raise refusal(path.name, "encoding")


def read_dbf(table: Table) -> Iterator[list[str]]:
    """Header row, then one row of text per record that is not deleted."""
    yield list(table.names)
    with table.path.open("rb") as source:
        source.seek(table.start)
        for _ in range(table.rows):
            record = source.read(table.length)
            if len(record) < table.length:
                raise refusal(table.path.name, "unreadable")
            if record[:1] != b"*":
                yield [record[place].decode(table.encoding, "strict").strip(" \0") for place in table.slices]
