"""The address that checks one field while a form is being filled in; without script nobody asks it."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from eco_credit.contracts import pledge_kinds
from serving.access import Permission, needs
from serving.web.body import FormRefused, read_body
from serving.web.complaints import Complaint
from serving.web.days import not_yet
from serving.web.desk import today_at
from serving.web.echo import read_back
from serving.web.hints import Hints
from serving.web.live import check_field, spot
from serving.web.pages import Page
from serving.web.view import anchor_of

if TYPE_CHECKING:
    from serving.state import State


def add_check(router: APIRouter, state: State) -> None:
    """Add ``POST /apply/{kind}/check?field=PATH``: what is wrong with a field, as a piece of the page."""

    @router.post("/apply/{kind}/check")
    @needs(Permission.SCORE)
    async def check(request: Request, kind: str) -> Response:
        page = Page.of(request, demo=state.demo)
        path = request.query_params.get("field", "")
        if kind not in pledge_kinds() or spot(kind, path) is None:
            return page.missing()
        try:
            raw = await read_body(request)
        except FormRefused as refusal:
            return page.notice(page.t("notice.refused"), page.t(refusal.key), status=refusal.status)
        return _fragment(page, kind, path, raw, today_at(state.clock()))


def _fragment(page: Page, kind: str, path: str, raw: dict[str, str], today: date) -> Response:
    """The complaint about the field, and those about the fields tied to it, which go to their own places."""
    hints = Hints(kind, page.lang, page.t)
    lines = {}
    for where, said in check_field(kind, path, raw).items():
        found, broken = spot(kind, where), said or not_yet(where, raw.get(where, ""), today)
        text = hints.complaint(found.one, broken) if found and broken else ""
        lines[where] = Complaint(anchor_of(where), "", text)
    own, here = lines.pop(path), spot(kind, path)
    echo = read_back(here.one, path, raw, page.lang) if here and not own.text else ""
    return page.draw("said.html.j2", kind=kind, error=own.text, echo=echo, others=list(lines.values()))
