"""Read a result file of a batch run back into columns, from any of its formats."""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns
from serving.batch.output import field_types, unguard
from serving.batch.rows import encoding_of
from serving.batch.rules import refusal
from serving.batch.settings import Limits
from serving.batch.sniff import sniff
from serving.batch.workbook import WORDS

_TRUE, _FALSE = {"true", "1"}, {"false", "0"}


def read_results(path: Path) -> Columns:
    """Read a result file.

    Args:
        path: parquet, csv or xlsx as `run_batch` wrote it.

    Returns:
        Columns in file order; unknown columns are read as text.

    Raises:
        ContractError: the file is refused, or a cell does not fit its column (``type``).
    """
    limits = Limits()
    kind = sniff(path, limits)
    if kind == "parquet":
        return _parquet(path)
    header, rows = _csv(path) if kind == "csv" else _xlsx(path, limits)
    types = field_types()
    cells = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    return {name: _column(name, types.get(name, "text"), cells[at]) for at, name in enumerate(header)}


def _parquet(path: Path) -> Columns:
    types = field_types()
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError):
        raise refusal(path.name, "unreadable") from None
    return {name: _typed(table.column(name), types.get(name, "text")) for name in table.column_names}


def _typed(column: pa.ChunkedArray, kind: str) -> npt.NDArray[np.generic]:
    if kind == "date":
        days: npt.NDArray[np.generic] = column.to_numpy().astype("datetime64[D]")
        return days
    if pa.types.is_string(column.type):
        texts: npt.NDArray[np.generic] = np.array(column.to_pylist(), dtype=object)
        return texts
    return np.array([np.nan if cell is None else cell for cell in column.to_pylist()], dtype=np.float64)


def _csv(path: Path) -> tuple[list[str], list[list[Any]]]:
    with path.open("r", encoding=encoding_of(path), newline="") as source:
        lines = list(csv.reader(source, strict=True))
    if not lines:
        raise refusal(path.name, "empty_file")
    width = len(lines[0])
    if any(len(line) != width for line in lines):
        raise refusal(path.name, "row_shape")
    return lines[0], [[None if cell == "" else unguard(cell) for cell in line] for line in lines[1:]]


def _xlsx(path: Path, limits: Limits) -> tuple[list[str], list[list[Any]]]:
    from serving.batch.isolated import read_isolated

    sheets = read_isolated(path, limits).sheets
    if not sheets or not sheets[0].rows:
        raise refusal(path.name, "header_not_found")
    header, *rows = sheets[0].rows
    if WORDS[-1] in header:  # what became of rejected rows is for people; it has no figures
        refused = header.index(WORDS[-1])
        rows = [row for row in rows if row[refused] is None]
    kept = [place for place, name in enumerate(header) if name not in WORDS]
    cells = [[unguard(row[at]) if isinstance(row[at], str) else row[at] for at in kept] for row in rows]
    return [str(header[at]) for at in kept], cells


def _column(name: str, kind: str, cells: Any) -> npt.NDArray[np.generic]:
    """Cells of one column by the type of its field."""
    try:
        if kind == "date":
            return np.array([None if cell is None else _day(cell) for cell in cells], dtype="datetime64[D]")
        if kind == "text":
            return np.array([None if cell is None else str(cell) for cell in cells], dtype=object)
        return np.array([np.nan if cell is None else _number(cell) for cell in cells], dtype=np.float64)
    except ValueError:
        raise ContractError(
            [Violation(name, "type", "a cell does not fit this column", "单元格与该列类型不符")]
        ) from None


def _day(cell: Any) -> str:
    return cell.isoformat()[:10] if isinstance(cell, dt.date) else str(cell)


def _number(cell: Any) -> float:
    word = str(cell).lower()
    if isinstance(cell, (bool, str)) and word in _TRUE | _FALSE:
        return 1.0 if word in _TRUE else 0.0
    return float(cell)
