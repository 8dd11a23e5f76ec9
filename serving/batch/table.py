"""Rows of cells (csv, xlsx) to chunks of columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts.columns import column_of
from serving.batch.cells import Broken, Reading
from serving.batch.chunk import KEY, Break, Chunk
from serving.batch.layout import Layout
from serving.batch.rows import Line, is_blank, is_total

BLOCK_ROWS = 5_000


def data_lines(lines: Iterable[Line], layout: Layout, dropped: Counter[str]) -> Iterator[Line]:
    """Rows that hold data: blank rows, totals and footers are dropped and counted."""
    key = next((place for place, reading in layout.columns.items() if reading.field.column == KEY), None)
    for line in lines:
        if is_blank(line.cells):
            dropped["blank"] += 1
        elif is_total(line.cells, key):
            dropped["total_or_footer"] += 1
        else:
            yield line


def read_blocks(lines: Iterable[Line], layout: Layout, *, width: int) -> Iterator[Chunk]:
    """Read the cells of rows by the rules of their fields.

    Args:
        lines: data rows.
        layout: how each column is read.
        width: cells of the header; a longer row is broken (``row_shape``).

    Yields:
        Chunks in file order.
    """
    cache: dict[int, dict[Any, Any]] = {place: {} for place in layout.columns}
    source = iter(lines)
    while block := list(islice(source, BLOCK_ROWS)):
        yield _block(block, layout, width=width, cache=cache)


def _block(block: list[Line], layout: Layout, *, width: int, cache: dict[int, dict[Any, Any]]) -> Chunk:
    broken: dict[int, list[Break]] = {}
    for line in block:
        if len(line.cells) > width and not is_blank(line.cells[width:]):
            broken.setdefault(line.row, []).append(("row", "row_shape"))
    columns = {}
    for place, reading in layout.columns.items():
        cells = [line.cells[place] if place < len(line.cells) else None for line in block]
        if len(cache[place]) > 200_000:
            cache[place].clear()
        values = _values(cells, reading, cache[place])
        for at, value in enumerate(values):
            if isinstance(value, Broken):
                broken.setdefault(block[at].row, []).append((reading.field.column, value.rule))
        columns[reading.field.column] = column_of(reading.field, [None if isinstance(v, Broken) else v for v in values])
    sheets: npt.NDArray[np.object_] = np.array([line.sheet for line in block], dtype=object)
    rows = np.array([line.row for line in block], dtype=np.int64)
    return Chunk(rows, columns, broken, sheets)


def _values(cells: list[Any], reading: Reading, known: dict[Any, Any]) -> list[Any]:
    """Value of each cell; equal cells are read once. ``1``, ``1.0`` and ``True`` are not equal here."""
    found = []
    for cell in cells:
        key = cell if isinstance(cell, str) or cell is None else (type(cell), cell)
        if key not in known:
            known[key] = reading.value(cell)
        found.append(known[key])
    return found
