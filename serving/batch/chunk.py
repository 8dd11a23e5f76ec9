"""A block of rows with its columns read, and how blocks are joined and cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts.checks import given
from eco_credit.contracts.columns import blank_column, column_of
from eco_credit.contracts.field import Field
from eco_credit.core.numbers import Columns
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

    def __getstate__(self) -> dict[str, Any]:
        """What travels to another process: of an unknown column one value."""
        blank = [name for name, column in self.columns.items() if is_unknown(column)]
        columns = self.columns | {name: self.columns[name][:1] for name in blank}
        return self.__dict__ | {"columns": columns, "blank": blank}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Lay the unknown columns out again."""
        columns, rows = state["columns"], len(state["rows"])
        columns |= {name: np.broadcast_to(columns[name], (rows,)) for name in state.pop("blank")}
        self.__dict__.update(state)

    def part(self, start: int, stop: int) -> Chunk:
        """Rows from ``start`` to before ``stop``, by position; views of the same memory."""
        rows, sheets = self.rows[start:stop], self.sheets
        kept = {row: self.broken[row] for row in rows.tolist() if row in self.broken} if self.broken else {}
        columns = {name: column[start:stop] for name, column in self.columns.items()}
        return Chunk(rows, columns, kept, sheets[start:stop] if sheets is not None else None)

    def completed(self, readings: Mapping[str, Reading]) -> Chunk:
        """The same rows with columns that only other parts of the input have, as unknown."""
        columns = {name: self.columns.get(name) for name in readings}
        filled = {
            name: unknown(readings[name].field, len(self)) if column is None else column
            for name, column in columns.items()
        }
        return Chunk(self.rows, filled, self.broken, self.sheets)

    def told(self) -> Columns:
        """The key and the columns that tell anything: those made by `unknown` are left out."""
        return {name: column for name, column in self.columns.items() if name == KEY or not is_unknown(column)}

    def with_constants(self, constants: Sequence[tuple[Field, Any]]) -> Chunk:
        """The same rows with columns that hold one value throughout."""
        if not constants:
            return self
        more = {each.column: column_of(each, [value] * len(self)) for each, value in constants}
        return Chunk(self.rows, dict(self.columns) | more, self.broken, self.sheets)


def unknown(field: Field, rows: int) -> npt.NDArray[np.generic]:
    """A column of unknown values that holds one value only: most columns of a file are blank, and cost nothing so."""
    return np.broadcast_to(blank_column(field, 1), (rows,))


def is_unknown(column: npt.NDArray[np.generic]) -> bool:
    """True for a column made by `unknown`, or a part of one."""
    return column.strides == (0,) and not column.flags.writeable


def join(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks of one file one after the other."""
    if len(chunks) == 1:
        return chunks[0]
    columns = {name: _joined([c.columns[name] for c in chunks]) for name in chunks[0].columns}
    broken = {row: breaks for c in chunks for row, breaks in c.broken.items()}
    sheets = [c.sheets for c in chunks if c.sheets is not None]
    return Chunk(np.concatenate([c.rows for c in chunks]), columns, broken, np.concatenate(sheets) if sheets else None)


def _joined(columns: Sequence[npt.NDArray[np.generic]]) -> npt.NDArray[np.generic]:
    if all(is_unknown(column) and len(column) for column in columns):
        return np.broadcast_to(columns[0][:1], (sum(map(len, columns)),))
    return np.concatenate(columns)


def starts(keys: npt.NDArray[np.object_]) -> npt.NDArray[np.bool_]:
    """True where a row begins another application; a row without key is one of its own."""
    first = np.ones(len(keys), dtype=bool)
    first[1:] = (keys[1:] != keys[:-1]).astype(bool) | ~given(keys[1:])
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
    held = _Held()
    for block in blocks:
        held.add(block)
        del block
        while held.rows > size + longest:
            yield held.take(_cut(held.keys(size + longest + 1), size))
    while held.rows:
        yield held.take(_cut(held.keys(held.rows), size))


class _Held:
    """Blocks read and not yet handed on."""

    def __init__(self) -> None:
        self.blocks: list[Chunk] = []
        self.at = 0  # rows of the first block that are handed on already
        self.rows = 0

    def add(self, block: Chunk) -> None:
        """Take one more block."""
        if len(block):
            self.blocks.append(block)
            self.rows += len(block)

    def keys(self, most: int) -> npt.NDArray[np.object_]:
        """Keys of at most so many rows."""
        found: list[npt.NDArray[np.generic]] = []
        at = self.at
        for block in self.blocks:
            found.append(block.columns[KEY][at : at + most])
            at, most = 0, most - len(found[-1])
            if most <= 0:
                break
        return np.concatenate(found).astype(object, copy=False)

    def take(self, rows: int) -> Chunk:
        """Hand on so many rows as a chunk; only the rows of a chunk that lies in several blocks are copied."""
        parts = []
        self.rows -= rows
        while rows:
            first = self.blocks[0]
            stop = min(self.at + rows, len(first))
            parts.append(first if stop - self.at == len(first) else first.part(self.at, stop))
            rows -= stop - self.at
            self.at = stop
            if stop == len(first):
                self.at = 0
                del self.blocks[0]
        return join(parts)


def _cut(keys: npt.NDArray[np.object_], size: int) -> int:
    """First border at or behind ``size``; the end when there is none."""
    if len(keys) <= size:
        return len(keys)
    borders = np.nonzero(starts(keys)[size:])[0]
    return size + int(borders[0]) if len(borders) else len(keys)
