"""The list of recorded answers: searched, filtered, a page at a time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from eco_credit.contracts import pledge_kinds
from eco_credit.reports import formats
from eco_credit.reports.page import money_text
from eco_credit.reports.written import kind_label
from serving import decide
from serving.access import Permission, needs, who
from serving.audit.listing import Wanted
from serving.problems import Problem
from serving.routes.decision_list import line_of
from serving.web.desk import at_the_desk
from serving.web.pages import Page

if TYPE_CHECKING:
    from serving.state import State

LINES = 25
RECOMMENDATIONS = ("approve", "refer", "decline")
_DECISION = re.compile(r"[do]-[0-9a-f]{26}")
_SEQUENCE = re.compile(r"[1-9]\d{0,17}")


def add_cases(router: APIRouter, state: State) -> None:
    """Add ``GET /decisions``: the list; a decision's own number leads straight to it."""

    @router.get("/decisions")
    @needs(Permission.CASES)
    async def cases(request: Request) -> Response:
        page = Page.of(request, demo=state.demo)
        query = {name: text.strip()[:80] for name, text in request.query_params.items()}
        number = query.get("decision_id") or query.get("text", "")
        if query.get("decision_id") or _DECISION.fullmatch(number):
            return await _one(state, page, number)
        wanted, wrong = wanted_of(query)
        found = [] if wrong else await decide.page(state, who(request), wanted)
        lines = [_line(line_of(one), page) for one in found[:LINES]]
        following = _address(query, page.lang, after=found[LINES - 1].sequence) if len(found) > LINES else None
        return page.draw(
            "cases.html.j2", status=422 if wrong else 200, lines=lines, following=following, given=query, wrong=wrong,
            kinds=[(kind, kind_label(kind, page.lang)) for kind in pledge_kinds()], recommendations=RECOMMENDATIONS,
        )  # fmt: skip


async def _one(state: State, page: Page, number: str) -> Response:
    """The way to one decision, where there is one."""
    try:
        await decide.find(state, who(page.request), number)
    except Problem as problem:
        if problem.kind.status != 404:
            raise
        return page.missing()
    return RedirectResponse(f"/decisions/{number}?lang={page.lang}", status_code=303)


def wanted_of(query: Mapping[str, str]) -> tuple[Wanted, list[str]]:
    """Read the filters of an address.

    Args:
        query: names and texts; a blank filter is none.

    Returns:
        What to list, one line more than a page shows, and the names of filters that cannot be read.

    Example:
        >>> wanted_of({"since": "2026-02-30", "recommendation": "refer"})[1]
        ['since']
    """
    given = {name: query[name] for name in _READABLE if query.get(name)}
    wrong = [name for name, text in given.items() if not _READABLE[name](text)]
    sound: dict[str, Any] = {name: text for name, text in given.items() if name not in wrong}
    if "after" in sound:
        sound["after"] = int(sound["after"])
    return Wanted(limit=LINES + 1, **sound), wrong


def _is_day(text: str) -> bool:
    try:
        return len(text) == 10 and bool(dt.date.fromisoformat(text))
    except ValueError:
        return False


def _is_sequence(text: str) -> bool:
    return _SEQUENCE.fullmatch(text) is not None


_READABLE: Mapping[str, Callable[[str], bool]] = {
    "recommendation": RECOMMENDATIONS.__contains__,
    "kind": lambda text: text in pledge_kinds(),
    "text": str.isprintable,
    "since": _is_day,
    "until": _is_day,
    "after": _is_sequence,
}
"""Filters, and whether a text can be read as one."""


def _line(found: Mapping[str, Any], page: Page) -> dict[str, Any]:
    """One line in words."""
    outcome = found["outcome"]
    return {
        "decision_id": found["decision_id"],
        "application_id": found["application_id"],
        "as_of": formats.day(found["as_of"], page.lang),
        "made": at_the_desk(found["created_at"]),
        "kinds": page.t("cases.and").join(kind_label(kind, page.lang) for kind in found["pledge_kinds"]),
        "recommendation": found["recommendation"],
        "limit": money_text(found["max_loan"], page.t),
        "grade": found["grade"] or formats.UNKNOWN,
        "decided": page.t(f"recommendation.{outcome['decided']}") if outcome else "",
    }  # fmt: skip


def _address(query: Mapping[str, str], lang: str, *, after: int) -> str:
    kept = {name: text for name, text in query.items() if text and name not in ("after", "lang")}
    return f"/decisions?{urlencode(kept | {'after': after, 'lang': lang})}"
