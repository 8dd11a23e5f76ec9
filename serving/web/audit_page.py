"""The auditor's page: is the chain of records whole, and does an answer come out the same again?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving import decide
from serving.access import Permission, needs, who
from serving.problems import Problem
from serving.routes.audits import check_chain, replay_one
from serving.web.pages import Page

if TYPE_CHECKING:
    from serving.state import State

LAST = 10_000
"""Records whose chain the page walks; the whole log is for the command line."""


def add_audit(router: APIRouter, state: State) -> None:
    """Add ``GET /audit``: the state of the caller's chain, and one answer computed again on request."""

    @router.get("/audit")
    @needs(Permission.AUDIT)
    async def audit(request: Request) -> Response:
        page, by = Page.of(request, demo=state.demo), who(request)
        number = request.query_params.get("decision_id", "").strip()[:80]
        chain = await asyncio.to_thread(check_chain, state, by.tenant, LAST)
        replayed, missing = None, False
        if number:
            try:
                found = await decide.find(state, by, number)
            except Problem:
                found = None
            if found is None or found.entry.kind != "score":
                missing = True
            else:
                replayed = await state.run(replay_one, state, found)
        status = 404 if missing else 200
        return page.draw(
            "audit.html.j2", status=status, chain=chain, number=number, replayed=replayed, missing=missing, last=LAST
        )
