"""What a workbook holds as lines of JSON, one for each row, and back: how a child process hands it to its parent."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from typing import Any

from serving.batch.cells import Broken, Percent
from serving.batch.sheets import BookHead, SheetHead

_BACK: dict[str, Callable[[Any], Any]] = {
    "day": dt.date.fromisoformat,
    "moment": dt.datetime.fromisoformat,
    "time": dt.time.fromisoformat,
    "seconds": lambda seconds: dt.timedelta(seconds=seconds),
    "percent": Percent,
    "broken": Broken,
}
"""Mark of a cell that JSON has no word for, to how it is made again."""


def line_of(one: BookHead | SheetHead | list[Any]) -> str:
    """One line: an array for a row, an object for a head."""
    if isinstance(one, list):
        return json.dumps([_told(cell) for cell in one])
    if isinstance(one, SheetHead):
        return json.dumps({"sheet": one.name, "merged": one.merged})
    return json.dumps(
        {"hidden": one.hidden, "rows_hidden": one.rows_hidden, "columns_hidden": one.columns_hidden}
    )


def _told(cell: Any) -> Any:
    if isinstance(cell, Percent):
        return {"percent": float(cell)}
    if cell is None or isinstance(cell, (str, bool, int, float)):
        return cell
    if isinstance(cell, Broken):
        return {"broken": cell.rule}
    if isinstance(cell, dt.timedelta):
        return {"seconds": cell.total_seconds()}
    mark = "moment" if isinstance(cell, dt.datetime) else "day" if isinstance(cell, dt.date) else "time"
    return {mark: cell.isoformat()}


def row_of(line: bytes) -> list[Any]:
    """Cells of a row."""
    return [_made(cell) if isinstance(cell, dict) else cell for cell in json.loads(line)]


def _made(told: dict[str, Any]) -> Any:
    ((mark, value),) = told.items()
    return _BACK[mark](value)


def head_of(found: dict[str, Any]) -> BookHead | SheetHead:
    """A head, from the object of its line."""
    if "sheet" in found:
        return SheetHead(found["sheet"], tuple((first, last, column) for first, last, column in found["merged"]))
    return BookHead(tuple(found["hidden"]), found["rows_hidden"], found["columns_hidden"])
