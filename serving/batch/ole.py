"""Compound files, the container of old workbooks: names of the streams inside, and the bytes of one of them.

Layout: a header of 512 bytes, then sectors of equal size; a table of sectors (FAT) chains them; a directory names the
streams; streams below a cutoff share one stream in small sectors with a table of their own ([MS-CFB]).
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass
from pathlib import Path

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER = 512
_SPECIAL = 0xFFFFFFFA
_ENTRY = 128


class NoCompoundFile(ValueError):
    """The container is damaged: a chain leaves the file or runs in a circle."""


@dataclass(frozen=True, slots=True)
class _Entry:
    start: int
    size: int


class CompoundFile:
    """A compound file in memory. Every length is taken from the file itself, never from what it claims."""

    def __init__(self, content: bytes) -> None:
        """Read header, table and directory.

        Raises:
            NoCompoundFile: the container is damaged.
        """
        if len(content) < _HEADER or not content.startswith(MAGIC):
            raise NoCompoundFile
        self._content = content
        shift, small = struct.unpack_from("<HH", content, 30)
        if shift not in (9, 12) or small != 6:
            raise NoCompoundFile
        self._sector, self._small = 1 << shift, 1 << small
        first, self._cutoff, self._small_first = (struct.unpack_from("<I", content, at)[0] for at in (48, 56, 60))
        self._table = self._sectors_of_table()
        self._entries = self._directory(self._chained(first))

    @property
    def names(self) -> frozenset[str]:
        """Names of the streams."""
        return frozenset(self._entries)

    def stream(self, name: str) -> bytes:
        """Bytes of a stream.

        Raises:
            NoCompoundFile: its chain is damaged, or it is shorter than the directory says.
        """
        entry = self._entries[name]
        if entry.size >= self._cutoff:
            found = self._chained(entry.start)
        else:
            table = array("I", self._words(self._chained(self._small_first)))
            held = self._chained(self._entries["Root Entry"].start)
            places = _chain(table, entry.start)
            found = b"".join(held[at * self._small : (at + 1) * self._small] for at in places)
        if len(found) < entry.size:
            raise NoCompoundFile
        return found[: entry.size]

    def _bytes(self, sector: int) -> bytes:
        at = (sector + 1) * self._sector
        if at >= len(self._content):
            raise NoCompoundFile
        return self._content[at : at + self._sector]

    def _words(self, content: bytes) -> tuple[int, ...]:
        return struct.unpack(f"<{len(content) // 4}I", content[: len(content) // 4 * 4])

    def _sectors_of_table(self) -> array[int]:
        """The table, whose own sectors the header lists, and further sectors of lists."""
        listed = [*struct.unpack_from("<109I", self._content, 76)]
        following, per = struct.unpack_from("<I", self._content, 68)[0], self._sector // 4 - 1
        most = len(self._content) // self._sector + 1
        while following < _SPECIAL:
            words = self._words(self._bytes(following))
            listed += words[:per]
            following = words[per]
            if len(listed) > most + 2 * per + 109:
                raise NoCompoundFile
        table: array[int] = array("I")
        for sector in (one for one in listed if one < _SPECIAL):
            table.extend(self._words(self._bytes(sector)))
            if len(table) > 2 * most + self._sector:
                raise NoCompoundFile
        return table

    def _chained(self, start: int) -> bytes:
        return b"".join(self._bytes(sector) for sector in _chain(self._table, start)) if start < _SPECIAL else b""

    def _directory(self, content: bytes) -> dict[str, _Entry]:
        found = {}
        for at in range(0, len(content) - _ENTRY + 1, _ENTRY):
            length, kind = struct.unpack_from("<HB", content, at + 64)
            start, size = struct.unpack_from("<II", content, at + 116)
            if kind in (2, 5) and 2 <= length <= 64:
                name = content[at : at + length - 2].decode("utf-16-le", "replace")
                found["Root Entry" if kind == 5 else name] = _Entry(start, size)
        if "Root Entry" not in found:
            raise NoCompoundFile
        return found


def _chain(table: array[int], start: int) -> list[int]:
    """Sectors of a chain; one that leaves the table or comes back is damaged."""
    found: list[int] = []
    at = start
    while at < _SPECIAL:
        if at >= len(table) or len(found) >= len(table):
            raise NoCompoundFile
        found.append(at)
        at = table[at]
    return found


def streams_of(path: Path) -> frozenset[str]:
    """Names of the streams of a compound file; empty when it is damaged."""
    try:
        return CompoundFile(path.read_bytes()).names
    except NoCompoundFile:
        return frozenset()
