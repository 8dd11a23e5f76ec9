"""Bad credit records that are too old to count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import DAY, Columns, Floats, number, rows_of
from eco_credit.core.units import MONTHS_PER_YEAR

if TYPE_CHECKING:
    from eco_credit.rulebook import RuleSet

RULE = "credit.personal.adverse_item_years"
ENDED = "bad_record_ended_on"


def standing(bad_record: Floats, ended_on: npt.ArrayLike, day: npt.ArrayLike, years: float) -> Floats:
    """Bad records that still count on a day: ``0`` where ``ended_on + years <= day``, else as stated.

    Args:
        bad_record: 1 where a bad record is stated, shape (n,).
        ended_on: day the last bad act or event ended, ``datetime64[D]``, shape (n,); unknown counts as not over.
        day: the day looked at.
        years: whole years after which a bad record no longer counts.

    Returns:
        shape (n,).

    Source:
        Regulation on the Administration of Credit Bureaus, article 16: five years from the end of the act or event.

    Example:
        >>> ended = np.array(["2021-11-23", "2021-11-24", "NaT"], "datetime64[D]")
        >>> standing(np.ones(3), ended, np.datetime64("2026-11-23"), 5.0).tolist()
        [0.0, 1.0, 1.0]
    """
    ended: npt.NDArray[Any] = np.asarray(ended_on, DAY)
    month = ended.astype("datetime64[M]")
    over = (month + np.timedelta64(round(years * MONTHS_PER_YEAR), "M")).astype(DAY) + (ended - month.astype(DAY))
    return np.where(over <= np.asarray(day, DAY), 0.0, bad_record)


def standing_records(loans: Columns, rules: RuleSet) -> Floats:
    """Bad records of applications that count on the day of the rules, shape (n,).

    Args:
        loans: application columns; without the day of the end of the record all stand as stated.
        rules: `RULE`; asked for only where a day is known.
    """
    stated = number(loans, "bad_record")
    ended = loans.get(ENDED, np.full(rows_of(loans), np.datetime64("NaT"), DAY))
    if np.isnat(ended).all():
        return stated
    return standing(stated, ended, np.datetime64(rules.day), rules.number(RULE))
