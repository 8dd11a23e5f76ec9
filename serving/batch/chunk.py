"""A block of rows with its columns read, and how blocks are joined and cut."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts.columns import blank_column, column_of
from eco_credit.contracts.field import Field
from eco_credit.core.numbers import Columns, take
from serving.batch.cells import Reading

KEY = "application_id"
"""Rows that share this column are one application."""
Break = tuple[str, str]
"""Field and rule."""


@dataclass(frozen=True)
class Chunk:
    """Rows of a file, in file order.

    Attributes:
        rows: number of each row below the header, from 1, shape (n,).
        columns: columns read so far, shape (n,) each.
        broken: row number to the cells that could not be read.
        sheets: sheet of each row, in a workbook.
    """

    rows: npt.NDArray[np.int64]
    columns: Columns
    broken: Mapping[int, Sequence[Break]] = field(default_factory=dict)
    sheets: npt.NDArray[np.object_] | None = None

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def part(self, start: int, stop: int) -> Chunk:
        """Rows from ``start`` to before ``stop``, by position."""
        rows = self.rows[start:stop]
        kept = {int(row): self.broken[int(row)] for row in rows if int(row) in self.broken} if self.broken else {}
        columns = take(self.columns, np.arange(start, min(stop, len(self))))
        return Chunk(rows, columns, kept, self.sheets[start:stop] if self.sheets is not None else None)

    def completed(self, readings: Mapping[str, Reading]) -> Chunk:
        """The same rows with columns that only other parts of the input have, as unknown."""
        columns = {name: self.columns.get(name) for name in readings}
        filled = {
            name: blank_column(readings[name].field, len(self)) if column is None else column
            for name, column in columns.items()
        }
        return Chunk(self.rows, filled, self.broken, self.sheets)

    def with_constants(self, constants: Sequence[tuple[Field, Any]]) -> Chunk:
        """The same rows with columns that hold one value throughout."""
        if not constants:
            return self
        more = {each.column: column_of(each, [value] * len(self)) for each, value in constants}
        return Chunk(self.rows, dict(self.columns) | more, self.broken, self.sheets)


def join(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks of one file one after the other."""
    if len(chunks) == 1:
        return chunks[0]
    columns = {name: np.concatenate([c.columns[name] for c in chunks]) for name in chunks[0].columns}
    broken = {row: breaks for c in chunks for row, breaks in c.broken.items()}
    sheets = [c.sheets for c in chunks if c.sheets is not None]
    return Chunk(np.concatenate([c.rows for c in chunks]), columns, broken, np.concatenate(sheets) if sheets else None)


def key_hash(value: object) -> int:
    """64 bits of a key: the first eight bytes of its BLAKE2b."""
    return int.from_bytes(hashlib.blake2b(str(value).encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def starts(keys: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """True where a row begins another application; a row without key is one of its own."""
    if len(keys) == 0:
        return np.zeros(0, dtype=bool)
    blank = np.array([key is None for key in keys], dtype=bool)
    first = np.ones(len(keys), dtype=bool)
    first[1:] = (keys[1:] != keys[:-1]).astype(bool) | blank[1:]
    return first


def rechunk(blocks: Iterable[Chunk], size: int, *, longest: int) -> Iterator[Chunk]:
    """Cut a stream of blocks into chunks of at least ``size`` rows without cutting an application.

    A chunk ends at the first application border at or behind ``size`` rows. The cuts depend on the
    rows and on ``size`` only, never on how the blocks came.

    Args:
        blocks: consecutive blocks.
        size: rows per chunk.
        longest: most rows of an application; a longer one is rejected anyway and is cut here.

    Yields:
        Chunks; the last one may be shorter.
    """
    held: list[Chunk] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += len(block)
        if count <= size + longest:
            continue
        joined = join(held)
        at = 0
        while len(joined) - at > size + longest:
            stop = at + _cut(joined.columns[KEY][at : at + size + longest + 1].astype(object), size)
            yield joined.part(at, stop)
            at = stop
        held = [joined.part(at, len(joined))]
        count = len(held[0])
    yield from _rest(held, size)


def _rest(held: Sequence[Chunk], size: int) -> Iterator[Chunk]:
    joined = join(held) if held else None
    at = 0
    while joined is not None and at < len(joined):
        stop = at + _cut(joined.columns[KEY][at:].astype(object), size)
        yield joined.part(at, stop)
        at = stop


def _cut(keys: npt.NDArray[np.object_], size: int) -> int:
    """First border at or behind ``size``; the end when there is none."""
    if len(keys) <= size:
        return len(keys)
    borders = np.nonzero(starts(keys)[size:])[0]
    return size + int(borders[0]) if len(borders) else len(keys)
