"""Days that lie ahead where only a past one can be meant: a slip of the pen that no bound of a contract can see."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping

from eco_credit.core.errors import Violation

PAST_DAYS = ("as_of", "stated_on", "first_valued_on", "last_valued_on", "signed_on", "zd_registered_on", "zd_query_on")
"""Fields with the day of something that has happened when the form is filled in."""
PAST_YEARS = ("planting_year",)
"""Fields with a year of the calendar that has begun."""
RULE = "not_yet"
_YEAR = re.compile(r"\d{4}")


def not_yet(path: str, text: str, today: dt.date) -> Violation | None:
    """What to say about a day or year that has not come.

    Args:
        path: path of the field.
        text: what was posted.
        today: the day at the desk.

    Example:
        >>> not_yet("as_of", "2027-01-01", dt.date(2026, 11, 23)).zh
        '不得晚于今天（2026年11月23日）'
        >>> not_yet("as_of", "2026-11-23", dt.date(2026, 11, 23)) is None
        True
    """
    name, said = path.rpartition(".")[2], text.strip()
    late = (
        (name in PAST_DAYS and _later(said, today))
        or (name in PAST_YEARS and _YEAR.fullmatch(said) is not None and int(said) > today.year)
    )  # fmt: skip
    if not late:
        return None
    zh = f"不得晚于今天（{today.year}年{today.month}月{today.day}日）"
    return Violation(path, RULE, f"cannot be after today ({today.isoformat()})", zh)


def ahead(raw: Mapping[str, str], today: dt.date) -> list[Violation]:
    """Everything in a form that cannot have happened yet.

    An application that says of itself that it is synthetic is let alone: its days are part of the example.
    """
    if raw.get("synthetic") == "yes":
        return []
    found = (not_yet(path, text, today) for path, text in raw.items())
    return [one for one in found if one is not None]


def _later(text: str, today: dt.date) -> bool:
    try:
        return dt.date.fromisoformat(text) > today
    except ValueError:
        return False  # the contract says what a day looks like
