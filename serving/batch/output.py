"""Tables to files: parquet, csv with BOM, xlsx; whole or not at all; no text becomes a formula.

Text that a spreadsheet would run (a first character of ``= + - @``, their full-width forms, tab,
carriage return, NUL) gets one apostrophe in front in csv and xlsx; reading takes it away again.
Numbers stay numbers.
"""

from __future__ import annotations

import csv
import datetime as dt
import math
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import feather

from eco_credit.contracts import contract, contract_names
from eco_credit.core.numbers import Columns
from serving.batch.rules import refusal
from serving.batch.whole import whole_file

FORMATS = (".parquet", ".csv", ".xlsx")
SHEET_ROWS = 1_048_575
_FIXED_DAY = dt.datetime(2000, 1, 1)
_DANGER = re.compile(r"'*[=+\-@\t\r\x00＝＋－＠]")
_GUARDED = re.compile(r"'+[=+\-@\t\r\x00＝＋－＠]")


def guard(text: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run.

    Example:
        >>> guard("=1+1"), guard("杉木"), unguard(guard("'=1"))
        ("'=1+1", '杉木', "'=1")
    """
    return f"'{text}" if _DANGER.match(text) else text


def unguard(text: str) -> str:
    """Take away the apostrophe that `guard` put there."""
    return text[1:] if _GUARDED.match(text) else text


def arrow_table(result: Columns) -> pa.Table:
    """Result columns as a typed table: booleans and integers by contract, days as days.

    Args:
        result: columns of one length.
    """
    types = field_types()
    return pa.table({name: _arrow(column, types.get(name)) for name, column in result.items()})


def field_types() -> dict[str, str]:
    """Field name to type, of the result's own contract first and of the input's for what is repeated."""
    names = [name for name in ("batch_input", "batch_output") if name in contract_names()]
    found = {field.column: str(field.type) for name in names for field in contract(name).fields}
    return found | {"row": "integer"}


def _arrow(column: np.ndarray[Any, Any], kind: str | None) -> pa.Array:
    if column.dtype.kind == "M":
        return pa.array(column.astype("datetime64[D]"), pa.date32(), from_pandas=True)
    if column.dtype.kind == "O":
        return pa.array(column.tolist(), pa.string())
    values = column.astype(np.float64)
    blank = np.isnan(values)
    if kind in ("boolean", "integer"):
        form = pa.bool_() if kind == "boolean" else pa.int64()
        whole = np.where(blank, 0.0, values).astype(bool if kind == "boolean" else np.int64)
        return pa.array(whole, form, mask=blank)
    return pa.array(values, pa.float64(), mask=blank)


def write_part(table: pa.Table, path: Path) -> None:
    """Write one part file: Arrow as it lies in memory, packed lightly, since it is read once and then thrown away."""
    with whole_file(path) as temporary:
        feather.write_feather(table, temporary, compression="lz4", chunksize=max(table.num_rows, 1))


def write_parts(parts: Iterable[pa.Table], path: Path, *, empty: pa.Schema) -> None:
    """Write parts one after the other into one file, in the format of its ending.

    Args:
        parts: tables of one schema.
        path: target; written whole or not at all.
        empty: schema to write when there is no part.

    Raises:
        ContractError: the ending is not one of `FORMATS` (``result_format``) or a sheet is full.
    """
    writer: Callable[[Iterable[pa.Table], Path, pa.Schema], None] = {
        ".parquet": _parquet,
        ".csv": _csv,
        ".xlsx": _xlsx,
    }[suffix(path)]
    with whole_file(path) as temporary:
        writer(parts, temporary, empty)


def suffix(path: Path) -> str:
    """Ending of a result file, in lower case.

    Raises:
        ContractError: it is not one of `FORMATS`.
    """
    ending = path.suffix.lower()
    if ending not in FORMATS:
        raise refusal(path.name, "result_format")
    return ending


def _parquet(parts: Iterable[pa.Table], path: Path, empty: pa.Schema) -> None:
    with pq.ParquetWriter(path, empty, compression="zstd") as writer:
        for part in parts:
            writer.write_table(part, row_group_size=max(part.num_rows, 1))


def _csv(parts: Iterable[pa.Table], path: Path, empty: pa.Schema) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as sink:
        writer = csv.writer(sink, lineterminator="\r\n")
        writer.writerow(empty.names)
        for part in parts:
            writer.writerows(
                zip(*([_written(cell) for cell in column.to_pylist()] for column in part.columns), strict=True)
            )


def _written(cell: Any) -> Any:
    """A cell as csv text: shortest number that reads back, blank for unknown."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return repr(int(cell)) if cell.is_integer() and math.fabs(cell) < 1e15 else repr(cell)
    return guard(cell) if isinstance(cell, str) else str(cell)


@contextmanager
def workbook_of(path: Path) -> Iterator[Any]:
    """A new workbook, written row by row; equal content gives equal bytes."""
    import xlsxwriter

    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "tmpdir": path.parent}
    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties({"created": _FIXED_DAY})
        yield book


def _xlsx(parts: Iterable[pa.Table], path: Path, empty: pa.Schema) -> None:
    with workbook_of(path) as book:
        days = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet("结果")
        sheet.freeze_panes(1, 0)
        for place, name in enumerate(empty.names):
            sheet.write_string(0, place, name)
        row = 1
        for part in parts:
            if row + part.num_rows > SHEET_ROWS + 1:
                raise refusal(path.name, "too_many_rows")
            for cells in zip(*(column.to_pylist() for column in part.columns), strict=True):
                for place, cell in enumerate(cells):
                    put_cell(sheet, (row, place), cell, days)
                row += 1


def put_cell(sheet: Any, at: tuple[int, int], cell: Any, days: Any) -> None:
    """Write one cell: numbers stay numbers, text that a spreadsheet would run is guarded."""
    if isinstance(cell, bool):
        sheet.write_boolean(*at, cell)
    elif isinstance(cell, (int, float)):
        sheet.write_number(*at, cell)
    elif isinstance(cell, dt.date):
        sheet.write_datetime(*at, cell, days)
    elif cell is not None:
        sheet.write_string(*at, guard(cell))
