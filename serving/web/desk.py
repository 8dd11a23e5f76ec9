"""What happens between a posted form and the decision: first values, changes to lists, checks, the key."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from eco_credit.contracts import read_application
from eco_credit.core.canonical import digest
from eco_credit.core.dates import BEIJING
from eco_credit.core.errors import ContractError
from eco_credit.reports.written import SENSITIVE
from serving.web.days import ahead
from serving.web.examples import example
from serving.web.form import MAX_MEMBERS, Raw, Reading, kind_at, read_form, write_form
from serving.web.live import spot

"""The desk's day is the day in Beijing, which keeps no summer time."""
_FORM_ID = re.compile(r"[0-9a-f]{32}")
_KEY_DIGITS = 24
RESUME = "resume"
"""Posted beside a form that is to be shown again as it stands: nothing is checked, nothing is decided."""


def form_id(raw: Mapping[str, str]) -> str:
    """The identifier of one sheet of the form: kept over corrections, new for a new sheet."""
    given = raw.get("form_id", "")
    return given if _FORM_ID.fullmatch(given) else uuid.uuid4().hex


def first_values(now: datetime) -> Raw:
    """What a fresh form already says: a number of its own, today, and one pledge.

    Args:
        now: the time in UTC.
    """
    today = today_at(now).isoformat()
    number = f"WEB-{today.replace('-', '')}-{uuid.uuid4().hex[:8].upper()}"
    return {"application_id": number, "as_of": today, "pledges[0].pledge_id": "P1", "pledges[0].charge_rank": "1"}


def example_values(kind: str) -> Raw:
    """The synthetic example of a kind as form values."""
    return write_form(kind, example(kind) or {})


def again_values(kind: str, application: Mapping[str, Any]) -> Raw:
    """A recorded application as form values to be corrected; what the papers mask is left to be typed again."""
    raw = write_form(kind, application)
    return {name: text for name, text in raw.items() if not _is_number_of_a_person(kind_at(kind, name, raw), name)}


def _is_number_of_a_person(kind: str, path: str) -> bool:
    found = spot(kind, path)
    return found is not None and found.one.privacy >= SENSITIVE and found.one.format is not None


def unfinished(raw: Raw) -> Raw | None:
    """The form to go on with where a button other than the last one sent it: another language, one member more."""
    if raw.get(RESUME):
        return {name: text for name, text in raw.items() if name != RESUME}
    return resized(raw)


def resized(raw: Raw) -> Raw | None:
    """The form with one member more or less where a button asked for it, else None."""
    for button, step in (("add", 1), ("drop", -1)):
        path, _, kind = raw.get(button, "").partition(":")
        if not path:
            continue
        count = raw.get(f"count:{path}", "0")
        members = int(count) if count.isascii() and count.isdigit() and len(count) < 4 else 0
        kept = {name: text for name, text in raw.items() if name != button}
        if kind:
            kept[f"{path}[{members}].kind"] = kind
        return kept | {f"count:{path}": str(max(0, min(members + step, MAX_MEMBERS))), f"open:{path}": "1"}
    return None


def today_at(now: datetime) -> date:
    """The day at the desk.

    Args:
        now: the time in UTC.
    """
    return now.astimezone(BEIJING).date()


def at_the_desk(moment: str) -> str:
    """A moment of a record, ISO in UTC, as day and minute in Beijing.

    Example:
        >>> at_the_desk("2026-11-25T23:55:05+00:00")
        '2026-11-26 07:55'
    """
    return datetime.fromisoformat(moment).astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def checked(kind: str, raw: Mapping[str, str], today: date | None = None) -> Reading:
    """Read a form and check it against the contract, so that all complaints come at once.

    Args:
        kind: collateral kind.
        raw: posted names and texts.
        today: the day at the desk; with it, days that have not come are complained of where only past ones can be
            meant.

    Returns:
        The application and every violation; a text that is not a number hides what the contract
        would say about the missing value.
    """
    reading = read_form(kind, raw)
    known = {one.field for one in reading.violations}
    try:
        read_application(reading.application)
    except ContractError as error:
        reading.violations.extend(one for one in error.violations if one.field not in known)
    if today is not None:
        known = {one.field for one in reading.violations}
        reading.violations.extend(one for one in ahead(raw, today) if one.field not in known)
    return reading


def key_for(raw: Mapping[str, str], application: Mapping[str, Any]) -> str:
    """The idempotency key: a sheet sent twice unchanged is decided once, a changed one anew."""
    return f"web-{form_id(raw)}-{digest(dict(application))[:_KEY_DIGITS]}"
