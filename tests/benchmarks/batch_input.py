"""Input rows of the batch benchmarks: the three examples over and over, or rows that differ in every number and name.

Rows that repeat three examples are read at the price of three: what repeats is looked at once. Rows of a real file
differ, so ``distinct`` is the honest input. It draws every number that is not a count or a year within 5 % of its
example, gives every name, certificate, permit and credit code (with its check character) a number of its own, and takes
a number back to its example's where the contract refuses it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

STEP = 50_000
"""Rows written together: making the input needs little memory either."""


def write_rows(path: Path, rows: int, *, distinct: bool = False) -> None:
    """Write flat rows of the contract ``batch_input`` as parquet, in parts."""
    import pyarrow.parquet as pq

    base, writer = _examples(), None
    for start in range(0, rows, STEP):
        table = _table(_part(base, np.arange(start, min(start + STEP, rows)), distinct=distinct))
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _examples() -> dict[str, Any]:
    from eco_credit.contracts import to_flat
    from serving.cli.demo import EXAMPLES, example_path

    return to_flat([json.loads(example_path(name).read_text("utf-8")) for name in EXAMPLES])


def _part(base: dict[str, Any], numbers: Any, *, distinct: bool) -> dict[str, Any]:
    """Rows with these numbers; the same number gives the same row however the file is cut."""
    length = len(next(iter(base.values())))
    found = {name: column[numbers % length] for name, column in base.items()}
    own = [f"{number:08d}" for number in numbers.tolist()]
    found["application_id"] = np.array([f"B-{number}" for number in own], object)
    found["pledge_id"] = np.array([f"B-{number}-A" for number in own], object)
    found["amount_requested"] = found["amount_requested"] * (0.5 + (numbers % 1000) / 1000)
    return _differing(found, own, int(numbers[0])) if distinct else found


def _differing(rows: dict[str, Any], own: list[str], seed: int) -> dict[str, Any]:
    from eco_credit.contracts import check_columns, contract

    source, drawn, found = contract("batch_input"), np.random.default_rng(seed), dict(rows)
    for field in source.fields:
        column = rows[field.column]
        if field.type == "number":
            found[field.column] = np.round(column * (0.95 + 0.1 * drawn.random(len(column))), 4)
        elif field.type == "text" and not field.codes and field.column not in ("application_id", "pledge_id", "kind"):
            found[field.column] = _named(field, column, own)
    while broken := check_columns(source, found):
        for mask, name, _ in broken:
            found[name] = np.where(mask, rows[name], found[name])
        again = np.logical_or.reduce([np.zeros(len(own), bool), *(mask for mask, _, _ in check_columns(source, found))])
        numbers = (field.column for field in source.fields if field.type == "number")
        found |= {name: np.where(again, rows[name], found[name]) for name in numbers}
    return found


def _named(field: Any, texts: Any, own: list[str]) -> Any:
    """Texts with the number of their row in them; those of a fixed form stay."""
    from eco_credit.core.identifiers import uscc_check

    form = field.format or ("" if field.pattern is None else "pattern")
    name = {
        "": lambda text, number: f"{text}{number}",
        "folded": lambda text, number: _coded(text, number, uscc_check),
        "certificate": lambda text, number: text.replace("0000001", number),
        "water_permit": lambda text, number: f"D{number[:6]}S2026-00{number[6:]}",
    }.get(form)
    if name is None:
        return texts
    return np.array([None if text is None else name(text, n) for text, n in zip(texts, own, strict=True)], object)


def _coded(text: str, number: str, check: Any) -> str:
    """A credit code keeps its first eight characters and gets another body and check character."""
    body = f"{text[:8]}{number}0"
    return body + check(body) if len(text) == 18 else f"{text}-{number}"


def _table(rows: dict[str, Any]) -> Any:
    import pyarrow as pa

    def typed(column: Any) -> Any:
        if column.dtype.kind == "M":
            return pa.array(column.astype("datetime64[D]"), pa.date32())
        if column.dtype.kind == "O":
            return pa.array(column.tolist(), pa.string())
        return pa.array(column, mask=np.isnan(column))

    return pa.table({name: typed(column) for name, column in rows.items()})
