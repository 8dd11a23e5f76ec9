"""Data frames to and from columns."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts.columns import column_of, is_day, is_number
from eco_credit.contracts.field import Contract, Field
from eco_credit.core.numbers import Columns

if TYPE_CHECKING:
    import pandas as pd

FRAME_TYPES = {"number": "float64", "integer": "Int64", "boolean": "boolean", "text": "object", "date": "datetime64[s]"}
"""Type of each kind of field in a data frame made with a contract."""


def frame_of_columns(columns: Columns, source: Contract | None = None) -> pd.DataFrame:
    """Columns as a data frame.

    Args:
        columns: one array per column, n rows.
        source: gives integers and booleans their own nullable types; without it they stay float64.

    Returns:
        A frame of n rows; days are ``datetime64[s]``.
    """
    import pandas as pd

    types = {field.column: field.type for field in source.fields} if source else {}
    data: dict[str, Any] = {}
    for name, column in columns.items():
        if types.get(name) in ("integer", "boolean") and column.dtype.kind == "f":
            cells = [None if np.isnan(value) else value for value in column.tolist()]
            data[name] = pd.array(cells, dtype="Int64" if types[name] == "integer" else "boolean")
        elif column.dtype.kind == "M":
            data[name] = pd.Series(column.astype("datetime64[s]"))
        else:
            data[name] = pd.Series(column, dtype=column.dtype)
    return pd.DataFrame(data)


def columns_of_frame(source: Contract, frame: pd.DataFrame) -> Columns:
    """A data frame as columns; names the contract does not know come along as objects.

    Args:
        source: a contract of plain fields.
        frame: any data frame; missing values of any kind, and empty texts, are unknown.

    Returns:
        One array per column, n rows. A column with cells of the wrong type stays an object array, so
        that `eco_credit.contracts.check_columns` names the rows.
    """
    fields = {field.column: field for field in source.fields}
    return {str(name): _column(fields.get(str(name)), frame[name]) for name in frame.columns}


def _column(field: Field | None, series: pd.Series[Any]) -> npt.NDArray[np.generic]:
    kind = getattr(series.dtype, "kind", "O")
    if field is not None and field.type == "date" and kind == "M":
        return series.to_numpy(dtype="datetime64[D]")
    plain = "" if field is None else "iuf" if field.is_number else "bf" if field.type == "boolean" else ""
    if kind in tuple(plain):
        return series.to_numpy(dtype=np.float64, na_value=np.nan)
    blank = series.isna().to_numpy(dtype=bool)
    cells = [None if gone or value == "" else value for gone, value in zip(blank, series.tolist(), strict=True)]
    if field is not None and field.type != "text":
        cells = [_day_text(value) for value in cells]
        if all(value is None or _fits(field, value) for value in cells):
            return column_of(field, cells)
    return np.fromiter(cells, dtype=object, count=len(cells))


def _day_text(value: Any) -> Any:
    """Days held as objects, as the text the contract reads."""
    return value.isoformat() if type(value) is dt.date else value


def _fits(field: Field, value: Any) -> bool:
    if field.type == "date":
        return isinstance(value, str) and is_day(value)
    if field.type == "boolean":
        return isinstance(value, bool)
    return is_number(value)
