"""Read an account table into columns: a data frame, a list of rows, or columns already.

Only known columns are taken. Values are never echoed in an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from eco_credit.contracts import Field, contract
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns
from eco_credit.gep.services import services

if TYPE_CHECKING:
    import pandas as pd

TEXT_COLUMNS = (
    "norm", "price_kind", "area_code", "area_name", "place", "service", "item",
    "physical_unit", "price_unit", "value_unit", "method", "source",
)
NUMBER_COLUMNS = ("account_year", "price_year", "physical", "price", "value", "value_cny", "low", "high", "outside_cny")
IGNORED_COLUMNS = ("counted", "edition", "group")
"""Columns of a finished account that are worked out again when it is read back."""
SYNONYMS = {"year": "account_year"}


@cache
def text_columns() -> tuple[str, ...]:
    """Names of the text columns: the account's own and those services read."""
    read = [field.column for one in services().values() for field in one.inputs if field.unit == "text"]
    return tuple(dict.fromkeys([*TEXT_COLUMNS, *read]))


@cache
def number_columns() -> tuple[str, ...]:
    """Names of the number columns: the account's own and those services read."""
    read = [field.column for one in services().values() for field in one.inputs if field.unit != "text"]
    return tuple(dict.fromkeys([*NUMBER_COLUMNS, *read]))


def read_table(table: Any) -> Columns:
    """Read a table into columns, every known column present.

    Args:
        table: pandas DataFrame, list of dicts, or columns.

    Returns:
        Numbers as float64 with NaN for blank, text as objects with None for blank.

    Raises:
        ContractError: ``no_rows``, ``unknown_column``, ``column_twice``, ``not_a_number``, ``not_finite``,
            ``not_text``, ``control_character``, ``too_long``; one violation for each, with the row.
    """
    cells, length = _cells(table)
    twice = [name for name, proper in SYNONYMS.items() if name in cells and proper in cells]
    violations = [Violation(name, "column_twice",
                            f"stands twice: keep {SYNONYMS[name]}", "同一列出现两次")
                  for name in twice]
    cells = {SYNONYMS.get(name, name): column for name, column in cells.items()}
    violations += [
        Violation(str(name), "unknown_column", "this column is not part of the account table", "账户表没有该列")
        for name in cells
        if name not in {*text_columns(), *number_columns(), *IGNORED_COLUMNS}
    ]
    if length == 0:
        violations.append(Violation("table", "no_rows", "the table has no rows", "表中没有数据行"))
    columns: Columns = {}
    for name in text_columns():
        columns[name] = _objects(_texts(name, cells[name], violations) if name in cells else [None] * length)
    for name in number_columns():
        columns[name] = _floats(name, cells[name], violations) if name in cells else np.full(length, np.nan)
    violations += _against_contract(columns)
    if violations:
        raise ContractError(violations)
    return columns


def _against_contract(columns: Columns) -> list[Violation]:
    """Bounds, code lists and patterns of the contract ``gep_account``, for the columns it has."""
    found: list[Violation] = []
    for field in contract("gep_account").fields:
        if field.name not in columns or field.name == "service":  # service has a check of its own
            continue
        cells = columns[field.name].tolist()
        odd = {cell: broken for cell in set(cells) if cell is not None and cell == cell
               and (broken := _field_refusals(field, cell))}
        if odd:
            found += [replace(violation, row=row) for row, cell in enumerate(cells, start=1)
                      for violation in odd.get(cell, ())]
    return found


def _field_refusals(field: Field, cell: Any) -> list[Violation]:
    broken: list[tuple[str, str, str]] = []
    if field.minimum is not None and not isinstance(cell, str) and cell < field.minimum:
        broken.append(("minimum", f"at least {field.minimum:g}", f"不小于 {field.minimum:g}"))
    if field.maximum is not None and not isinstance(cell, str) and cell > field.maximum:
        broken.append(("maximum", f"at most {field.maximum:g}", f"不大于 {field.maximum:g}"))
    if field.type == "integer" and cell != int(cell):
        broken.append(("integer", "write a whole number", "应为整数"))
    if field.codes is not None and field.name != "area_code" and cell not in field.codes:
        broken.append(("codes", f"use one of: {', '.join(field.codes)}", "不在代码清单内"))
    if field.pattern is not None and re.fullmatch(field.pattern, str(cell)) is None:
        broken.append(("pattern", "the code has another form", "代码格式不符"))
    if field.max_length is not None and isinstance(cell, str) and len(cell) > field.max_length:
        broken.append(("max_length", f"at most {field.max_length} characters", f"最多 {field.max_length} 个字符"))
    return [Violation(field.name, rule, en, zh) for rule, en, zh in broken]


def _cells(table: Any) -> tuple[dict[str, list[Any]], int]:
    """Cells by column name, and the number of rows."""
    if hasattr(table, "to_dict") and hasattr(table, "columns"):
        plain = cast("pd.DataFrame", table)
        known = plain.astype(object).where(plain.notna(), None)
        return {str(name): known[name].tolist() for name in known.columns}, len(known)
    if isinstance(table, Mapping):
        lengths = {len(column) for column in table.values()}
        if len(lengths) > 1:
            raise ContractError([Violation("table", "lengths", "columns differ in length", "各列长度不一致")])
        return {name: list(column) for name, column in table.items()}, next(iter(lengths), 0)
    rows = list(table)
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}, len(rows)


def _objects(values: list[str | None]) -> npt.NDArray[np.object_]:
    """An object array that keeps None and never becomes a fixed-width text array."""
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _texts(name: str, cells: Sequence[Any], violations: list[Violation]) -> list[str | None]:
    return [_text(name, cell, row, violations) for row, cell in enumerate(cells, start=1)]


def _text(name: str, cell: Any, row: int, violations: list[Violation]) -> str | None:
    if cell is None or (isinstance(cell, float) and math.isnan(cell)):
        return None
    if isinstance(cell, (int, np.integer)) and not isinstance(cell, bool):
        return str(int(cell))
    if not isinstance(cell, str):
        violations.append(Violation(name, "not_text", "write text here", "此处应为文本", row))
        return None
    if not cell.isprintable() and any(ord(letter) < 32 or ord(letter) == 127 for letter in cell):
        violations.append(Violation(name, "control_character", "remove control characters", "请删除控制字符", row))
    if len(cell) > 500:
        violations.append(Violation(name, "too_long", "write at most 500 characters", "最多 500 个字符", row))
    return cell.strip() or None


def _floats(name: str, cells: Sequence[Any], violations: list[Violation]) -> npt.NDArray[np.float64]:
    if set(map(type, cells)) <= {float, type(None)}:  # the common case, without a call for each cell
        array = np.array(cells, dtype=np.float64)
        if not np.isinf(array).any():
            return array
    return np.array([_number(name, cell, row, violations) for row, cell in enumerate(cells, start=1)], np.float64)


def _number(name: str, cell: Any, row: int, violations: list[Violation]) -> float:
    if cell is None:
        return math.nan
    if isinstance(cell, (bool, np.bool_)) or not isinstance(cell, (int, float, np.integer, np.floating)):
        violations.append(Violation(name, "not_a_number", "write a plain number here", "此处应为数字", row))
        return math.nan
    value = _double(cell)
    if math.isinf(value):
        violations.append(Violation(name, "not_finite", "the number is too large", "数字过大", row))
        return math.nan
    return value


def _double(cell: Any) -> float:
    """The number as a double; infinity when it does not fit."""
    try:
        return float(cell)
    except OverflowError:
        return math.inf
