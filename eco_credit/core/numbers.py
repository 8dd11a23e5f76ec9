"""Numbers in columns: the table type, rounding, grouping in fixed order.

Every function gives one row the same bytes as that row among many: no pairwise summation, no
operation across rows other than sums in row order inside one group.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Columns = dict[str, npt.NDArray[np.generic]]
"""A table: column name to array of one length.

Numbers, integers and booleans are float64 with NaN for unknown (a boolean is 1.0, 0.0 or NaN);
text and codes are object arrays of ``str`` with ``None`` for unknown; days are ``datetime64[D]``
with NaT for unknown.
"""

DAY = np.dtype("datetime64[D]")
"""Type of a column of days."""
_NO_DAY = np.datetime64("NaT")
CENT_DECIMALS = 2
PROBABILITY_DECIMALS = 8
"""Probabilities and ratios are answered to 1e-8: every door (JSON, Parquet, CSV, xlsx) can carry
them exactly."""


def rounded(value: npt.ArrayLike, decimals: int = CENT_DECIMALS) -> Floats:
    """Round half away from zero, the rule of Chinese returns (四舍五入).

    Args:
        value: number or array, any unit.
        decimals: digits after the point.

    Returns:
        float64 array of the same shape: ``sign(x) * floor(|x| * 10**d + 0.5) / 10**d``, computed on
        the shortest decimal text only where the scaled value sits within 1e-6 of a half, so that
        2.675 becomes 2.68.

    Example:
        >>> float(rounded(2.675)), float(rounded(-0.125)), float(rounded(2.665))
        (2.68, -0.13, 2.67)
    """
    x = np.asarray(value, dtype=np.float64)
    scale = 10.0**decimals
    scaled = np.abs(x) * scale
    low = np.floor(scaled)
    nudged = np.where(np.abs(scaled - low - 0.5) < 1e-6, low + 1.0, np.floor(scaled + 0.5))
    result: Floats = np.sign(x) * nudged / scale
    return result + 0.0


def finite(values: Floats) -> Floats:
    """The same numbers, none of them NaN or infinite: an answer is made of these.

    Args:
        values: any shape, any unit.

    Raises:
        ValueError: one of them is not finite.

    Example:
        >>> finite(np.array([1.0, 2.0])).tolist()
        [1.0, 2.0]
    """
    if not np.isfinite(values).all():
        raise ValueError("a number of an answer is not finite")
    return values


def rounded_number(value: float, decimals: int = CENT_DECIMALS) -> float:
    """`rounded` of one plain number, to the same bits, without the cost of an array.

    Args:
        value: finite number, any unit.
        decimals: digits after the point.

    Example:
        >>> rounded_number(2.675), rounded_number(-0.125), rounded_number(2.665)
        (2.68, -0.13, 2.67)
    """
    scale = 10.0**decimals
    scaled = abs(value) * scale
    low = math.floor(scaled)
    nudged = low + 1.0 if abs(scaled - low - 0.5) < 1e-6 else math.floor(scaled + 0.5)
    return math.copysign(1.0, value) * nudged / scale + 0.0


def group_sum(values: Floats, group: npt.NDArray[np.intp], groups: int) -> Floats:
    """Sum values by group, in row order.

    Args:
        values: shape (n,).
        group: group number of each row, shape (n,), from 0 to ``groups - 1``.
        groups: number of groups.

    Returns:
        shape (groups,): the sum of each group; 0.0 for an empty one.

    Example:
        >>> group_sum(np.array([1.0, 2.0, 4.0]), np.array([0, 1, 0]), 2).tolist()
        [5.0, 2.0]
    """
    return np.asarray(np.bincount(group, weights=values, minlength=groups), dtype=np.float64)


def group_sums(values: Floats, group: npt.NDArray[np.intp], groups: int) -> Floats:
    """`group_sum` of several quantities at once.

    Args:
        values: shape (k, n).
        group: group number of each row, shape (n,).
        groups: number of groups.

    Returns:
        shape (k, groups); each quantity is added in row order, as if it were alone.
    """
    # the groups of quantity j are numbered after those of quantity j - 1, so one count serves all
    place = (group + groups * np.arange(len(values))[:, None]).ravel()
    return group_sum(np.ravel(values).astype(np.float64), place, groups * len(values)).reshape(len(values), groups)


def group_min(values: Floats, group: npt.NDArray[np.intp], groups: int) -> Floats:
    """Smallest value by group, NaN ignored; NaN for an empty group. Shapes as in `group_sum`."""
    result = np.full(groups, np.inf)
    np.minimum.at(result, group, np.where(np.isnan(values), np.inf, values))
    result[np.isinf(result)] = np.nan
    return result


def group_max(values: Floats, group: npt.NDArray[np.intp], groups: int) -> Floats:
    """Largest value by group, NaN ignored; NaN for an empty group. Shapes as in `group_sum`."""
    return -group_min(-values, group, groups)


def rows_of(table: Columns) -> int:
    """Number of rows of a table; 0 for a table without columns."""
    for column in table.values():
        return len(column)
    return 0


def number(table: Columns, name: str) -> Floats:
    """Read a numeric column; a column that is not there is all unknown (NaN)."""
    column = table.get(name)
    return np.full(rows_of(table), np.nan) if column is None else np.asarray(column, np.float64)


def text(table: Columns, name: str) -> npt.NDArray[np.object_]:
    """Read a text column; a column that is not there is all unknown (None)."""
    column = table.get(name)
    return np.full(rows_of(table), None, dtype=object) if column is None else column.astype(object, copy=False)


def day(table: Columns, name: str) -> npt.NDArray[np.datetime64]:
    """Read a column of days; a column that is not there is all unknown (NaT)."""
    column = table.get(name)
    if column is None:
        return np.full(rows_of(table), _NO_DAY, dtype=DAY)
    return column.astype(DAY, copy=False)


def where_known(value: Floats, default: npt.ArrayLike) -> Floats:
    """Take the value where it is known, else the default (scalar or same shape)."""
    return np.where(np.isnan(value), default, value)


def is_yes(flag: Floats) -> Bools:
    """True where a boolean column says yes; unknown is not yes."""
    return np.equal(flag, 1.0)


def take(table: Columns, index: npt.NDArray[np.intp]) -> Columns:
    """Rows of a table by position or mask, in the order given."""
    return {name: column[index] for name, column in table.items()}
