"""Rows for batch tests: flat rows of the contract, written as parquet, csv and xlsx; a stand-in scorer."""

from __future__ import annotations

import copy
import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from eco_credit.contracts import contract, example_application, read_application, to_flat
from eco_credit.contracts.field import Field
from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns, number, rows_of
from serving.batch.chunk import Chunk, join
from serving.batch.run import loan_columns
from serving.batch.settings import Limits
from serving.batch.source import Source, open_source

KINDS = ("forest_right", "water_right", "order")


def applications(count: int) -> list[dict[str, Any]]:
    """Synthetic applications of the three kinds in turn; every fourth pledges its right twice."""
    found = []
    for i in range(count):
        record = copy.deepcopy(read_application(example_application(KINDS[i % 3])))
        record["application_id"] = f"A{i:06d}"
        record["loan"]["amount_requested"] = round(100_000.0 + 1_234.56 * i, 2)
        del record["pledges"][1:]
        if i % 4 == 3:
            second = copy.deepcopy(record["pledges"][0])
            second["pledge_id"] = f"{second['pledge_id']}-2"
            record["pledges"].append(second)
        found.append(record)
    return found


def flat(count: int) -> Columns:
    """Flat rows of so many applications, without columns that are blank everywhere."""
    columns = to_flat(applications(count))
    return {name: column for name, column in columns.items() if not _blank(column)}


def _blank(column: np.ndarray[Any, Any]) -> bool:
    if column.dtype.kind == "O":
        return all(value is None for value in column)
    return bool(np.isnat(column).all() if column.dtype.kind == "M" else np.isnan(column).all())


def cells(columns: Columns) -> list[list[Any]]:
    """Rows of python values: None, text, number, day."""
    return [list(row) for row in zip(*(_plain(column) for column in columns.values()), strict=True)]


def _plain(column: np.ndarray[Any, Any]) -> list[Any]:
    if column.dtype.kind == "M":
        return [None if np.isnat(day) else day.astype(dt.date) for day in column]
    if column.dtype.kind == "f":
        return [None if np.isnan(value) else float(value) for value in column]
    return list(column)


def write_parquet(path: Path, columns: Columns, row_group_size: int = 1000) -> Path:
    """Rows as parquet, by field name and in stored units."""
    arrays = {name: pa.array(_plain(column)) for name, column in columns.items()}
    pq.write_table(pa.table(arrays), path, row_group_size=row_group_size)
    return path


def write_csv(
    path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]], *, encoding: str = "utf-8", delimiter: str = ","
) -> Path:
    """Rows as delimited text; None is a blank cell, a number its shortest text."""
    with path.open("w", encoding=encoding, newline="") as sink:
        writer = csv.writer(sink, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return path


def write_xlsx(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> Path:
    """Rows of cells (header rows included) by sheet."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


@dataclass
class StandIn:
    """A scorer in a few sums: enough to see which row gave which number."""

    name: str = "stand-in"
    breaks_on: str | None = None

    @property
    def identity(self) -> Mapping[str, Any]:
        """Its name is its identity."""
        return {"model": self.name, "synthetic_model": True}

    def __call__(self, columns: Columns) -> Columns:
        """One result row per input row."""
        if self.breaks_on is not None and self.breaks_on in set(columns["application_id"]):
            from eco_credit.core.errors import RuleNotInForce

            raise RuleNotInForce("no rule")
        amount = number(columns, "amount_requested")
        rows = rows_of(columns)
        return {
            "application_id": columns["application_id"],
            "pledge_id": columns["pledge_id"],
            "kind": columns["kind"],
            "as_of": columns["as_of"],
            "eligible": np.ones(rows),
            "lending_value": np.round(amount * 1.5, 2),
            "pd": np.round(1.0 / (1.0 + np.log(amount)), 8),
            "lgd": np.full(rows, 0.45),
            "max_loan": amount,
            "recommendation": np.full(rows, "approve", dtype=object),
            "synthetic_model": np.ones(rows),
        }


def fields() -> tuple[Any, ...]:
    """Fields of the input contract."""
    return contract("batch_input").fields


ROWS = flat(3)
NAMES = list(ROWS)
BY_NAME: dict[str, Field] = {field.column: field for field in fields()}


def opened(path: Path, limits: Limits | None = None) -> Source:
    return open_source(path, fields(), limits or Limits(), merged=frozenset(loan_columns()))


def read(path: Path) -> Chunk:
    return join(list(opened(path).blocks()))


def rules(path: Path) -> set[tuple[str, str]]:
    """Field and rule of each refusal of the file, or of each broken cell."""
    try:
        source = opened(path)
        source.survey()
        return {entry for entries in join(list(source.blocks())).broken.values() for entry in entries}
    except ContractError as error:
        return {(violation.field, violation.rule) for violation in error.violations}


def with_cell(name: str, cell: Any, *, header: str | None = None) -> tuple[list[str], list[list[Any]]]:
    """The rows as cells with one column's first cell replaced, and its header where given."""
    place, lines = NAMES.index(name), cells(ROWS)
    lines[0][place] = cell
    return [header or each if each == name else each for each in NAMES], lines


def one(tmp_path: Path, name: str, cell: Any, *, header: str | None = None) -> Any:
    """Value of the first row of a column after the trip through csv."""
    head, lines = with_cell(name, cell, header=header)
    return read(write_csv(tmp_path / "one.csv", head, lines)).columns[name][0]
