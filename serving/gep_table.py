"""Account tables from files: csv, xlsx, parquet and json, in Chinese or English, whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

from eco_credit.core.errors import ContractError, EcoCreditError, Violation
from eco_credit.gep import services
from serving.batch.cells import Broken
from serving.batch.layout import HEADER_ROWS, KNOWN_SHARE
from serving.batch.rows import DELIMITERS, encoding_of, is_blank, is_total, read_text
from serving.batch.rules import refusal, violation
from serving.batch.settings import MEBIBYTE, Limits
from serving.batch.sheets import read_sheets
from serving.batch.sniff import sniff
from serving.gep_header import PERCENTILES, Column, all_names, columns_of, known_share

ENDINGS = (".csv", ".xlsx", ".parquet", ".json")
LIMITS = Limits(file_bytes=512 * MEBIBYTE, table_bytes=1_024 * MEBIBYTE)
SHEET = "gep_account"
"""Name of the sheet with the rows; it alone is read where it stands."""
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
_BOTH = ("固碳释氧", "固碳与释氧")
Cells = Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of an account table.

    Attributes:
        rows: one mapping from column to value for each data row.
        places: number of each row below the header of its file, from 1.
        dropped: total and footer rows that were not read.
    """

    rows: list[dict[str, Any]]
    places: tuple[int, ...]
    dropped: int = 0

    def placed(self, error: ContractError) -> ContractError:
        """The same refusal with rows counted as the file counts them, below its header."""
        count = len(self.places)
        return ContractError([
            Violation(v.field, v.rule, v.en, v.zh, self.places[v.row - 1] if v.row and v.row <= count else v.row)
            for v in error.violations
        ])


def ending_of(path: Path, field: str) -> str:
    """The ending of a file that can be read or written.

    Raises:
        ContractError: ``file_ending``.
    """
    ending = path.suffix.lower()
    if ending not in ENDINGS:
        raise _refused(field, "file_ending", f"use a file that ends in {', '.join(ENDINGS)}",
                       "文件类型应为 csv、xlsx、parquet 或 json")
    return ending


def read_rows(path: Path) -> Table:
    """Read a table by the ending of its name.

    Args:
        path: csv, xlsx, parquet, or json (a list of rows, or an object with ``rows``). Headers are column
            names, or labels and synonyms of the contract with the unit in brackets.

    Returns:
        The rows.

    Raises:
        ContractError: the file is not there, of another kind, damaged or too large; its header or a cell
            is refused by name.
    """
    ending = ending_of(path, "IN")
    if not path.is_file():
        raise _refused("IN", "file_missing", "there is no such file", "文件不存在")
    try:
        return _json(path) if ending == ".json" else _cells(path)
    except EcoCreditError:
        raise
    except Exception as error:  # readers of foreign files raise whatever they like
        raise _refused("IN", "file_unreadable", f"the file cannot be read as {ending[1:]} ({type(error).__name__})",
                       "文件无法按该类型读取") from error


def _refused(field: str, rule: str, en: str, zh: str) -> ContractError:
    return ContractError([Violation(field, rule, en, zh)])


def _json(path: Path) -> Table:
    if path.stat().st_size > LIMITS.file_bytes:
        raise refusal(path.name, "too_large")
    data = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_no_constant)
    rows = data.get("rows") if isinstance(data, dict) else data
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _refused("IN", "rows", "give a list of rows, or an object with rows", "json 应为行的列表")
    shared = ("norm", "account_year", "price_year", "price_kind", "area_code", "area_name")
    head = {key: data[key] for key in shared if isinstance(data, dict) and key in data}
    return Table([head | row for row in rows], tuple(range(1, len(rows) + 1)))


def _no_constant(name: str) -> float:
    raise _refused("IN", "not_finite", "NaN and Infinity are not numbers", "不接受 NaN 或无穷大")


def _cells(path: Path) -> Table:
    """Rows of every sheet that holds a header, one after the other."""
    broken: list[Violation] = []
    parts = [_part(rows, broken) for rows in _sheets(path)]
    if broken:
        raise ContractError(broken)
    whole = Table(
        [row for part in parts for row in part.rows],
        tuple(place for part in parts for place in part.places),
        sum(part.dropped for part in parts),
    )
    if not whole.rows:
        raise refusal(path.name, "no_rows")
    return whole


def _sheets(path: Path) -> list[Cells]:
    kind = sniff(path, LIMITS)
    if kind == "parquet":
        return [_parquet(path)]
    if kind == "csv":
        encoding = encoding_of(path)
        return [list(read_text(path, encoding, _delimiter(path, encoding)))]
    sheets, _ = read_sheets(path, LIMITS)
    named = [sheet for sheet in sheets if sheet.name == SHEET] or sheets
    held = [sheet.rows for sheet in named if _header_at(sheet.rows) is not None]
    return list(held) or [sheet.rows for sheet in named[:1]]


def _parquet(path: Path) -> Cells:
    import pyarrow.parquet as pq  # not before a parquet file is read

    table = pq.read_table(path)
    return [list(table.column_names), *map(list, zip(*(one.to_pylist() for one in table.columns), strict=True))]


def _delimiter(path: Path, encoding: str) -> str:
    for mark in DELIMITERS:
        if _header_at(list(islice(read_text(path, encoding, mark), HEADER_ROWS))) is not None:
            return mark
    return DELIMITERS[0]


def _header_at(rows: Cells) -> int | None:
    """Place of the first row of the first ten that is known well enough; None when there is none."""
    shares = (known_share(row) for row in rows[:HEADER_ROWS])
    return next((place for place, share in enumerate(shares) if share >= KNOWN_SHARE), None)


def _part(rows: Cells, broken: list[Violation]) -> Table:
    first = _header_at(rows)
    if first is None:
        raise refusal("header", "header_not_found")
    below = rows[first + 1] if first + 1 < len(rows) else []
    two = all_names(below) and not is_blank(below)
    columns = columns_of(below, rows[first]) if two else columns_of(rows[first])
    key = next((place for place, column in columns.items() if column.name == "service"), None)
    numbered = [(n, cells) for n, cells in enumerate(rows[first + 1 + two :], start=1) if not is_blank(cells)]
    held = [(n, cells) for n, cells in numbered if not is_total(cells, key)]
    found: list[dict[str, Any]] = [{} for _ in held]
    for place, column in columns.items():
        if column.name not in PERCENTILES:
            _column(column, [(n, cells[place] if place < len(cells) else None) for n, cells in held], found, broken)
    return Table([_with_item_code(row) for row in found], tuple(n for n, _ in held), len(numbered) - len(held))


def _column(
    column: Column, cells: Sequence[tuple[int, Any]], found: list[dict[str, Any]], broken: list[Violation]
) -> None:
    """Write one column into the rows; equal cells are read once, and what breaks a rule is noted."""
    known: dict[Any, Any] = {}
    for (row, cell), target in zip(cells, found, strict=True):
        key = (type(cell), cell)
        if key not in known:
            known[key] = _value(column, unguarded(cell))
        value = known[key]
        if isinstance(value, Violation):
            broken.append(replace(value, row=row))
            continue
        target[column.name] = value
        if column.unit is not None and value is not None:
            target[f"{column.name}_unit"] = column.unit


def _value(column: Column, cell: Any) -> Any:
    """Value of a cell, or the rule it breaks."""
    if column.name == "service" and isinstance(cell, str) and cell.strip() in _BOTH:
        return Violation("service", "carbon_and_oxygen", "write carbon and oxygen as two rows",
                         "固碳与释氧请分两行填写")
    value = column.reading.value(cell)
    return violation(column.name, value.rule) if isinstance(value, Broken) else value


def _with_item_code(row: dict[str, Any]) -> dict[str, Any]:
    """The row with the code of an item that was written by its Chinese or English name."""
    service, item = services().get(row.get("service") or ""), row.get("item")
    if service is not None and item is not None:
        row["item"] = next((one.code for one in service.items if item in (one.zh, one.en)), item)
    return row


def guarded(cell: Any) -> Any:
    """A leading apostrophe keeps a spreadsheet from running a cell as a formula."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA_STARTS) else cell


def unguarded(cell: Any) -> Any:
    """The cell without the apostrophe that `guarded` put there."""
    return cell[1:] if isinstance(cell, str) and cell[:1] == "'" and cell[1:].startswith(FORMULA_STARTS) else cell
