"""Days and durations, in columns."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import DAY, Floats

DAYS_PER_YEAR = 365.25
"""Mean length of a Julian year in days."""


BEIJING = dt.timezone(dt.timedelta(hours=8))
"""Time of the readers of papers and pages; what is stored is UTC."""


def day_of(value: str | dt.date | np.datetime64) -> dt.date:
    """Read one calendar day written as ``YYYY-MM-DD``, or pass a day through.

    Args:
        value: ISO text, a date, or a numpy day.

    Returns:
        The day.

    Raises:
        ValueError: the text is not an ISO calendar day.

    Example:
        >>> day_of("2026-11-23")
        datetime.date(2026, 11, 23)
    """
    if isinstance(value, dt.date):
        return value
    return dt.date.fromisoformat(str(value))


def years_between(start: npt.ArrayLike, end: npt.ArrayLike) -> Floats:
    """Years from start to end: days / 365.25, negative when the end is before the start.

    Args:
        start: days, ``datetime64[D]``, any shape.
        end: days, same shape.

    Returns:
        Years, float64; NaN where a day is unknown.
    """
    days = np.asarray(end, DAY) - np.asarray(start, DAY)
    result = days.astype(np.float64) / DAYS_PER_YEAR
    return np.where(np.isnat(days), np.nan, result)


def months_between(start: npt.ArrayLike, end: npt.ArrayLike) -> Floats:
    """Months from start to end: twelve times `years_between`."""
    return 12.0 * years_between(start, end)


def year_of(days: npt.ArrayLike) -> Floats:
    """Calendar year of each day as a number; NaN where unknown."""
    array = np.asarray(days, DAY)
    years = array.astype("datetime64[Y]").astype(np.int64).astype(np.float64) + 1970.0
    return np.where(np.isnat(array), np.nan, years)
