"""``GET /v1/decisions``: lists of recorded answers."""

from __future__ import annotations

import datetime as dt
import json
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from serving import decide
from serving.access import Guarded, Permission, needs, who
from serving.audit.listing import Listed, Wanted
from serving.routes.record_shapes import DecisionPage
from serving.routes.reply import json_reply
from serving.routes.shapes import Recommendation
from serving.state import State

_LAST = 2**63 - 1
"""Databases count no further."""
_PLAIN = r"^[^\x00-\x1f\x7f]*$"
_KIND = r"^[a-z][a-z_]{0,62}$"


def build_router(state: State) -> APIRouter:
    """The route for lists, on one service."""
    router = APIRouter(tags=["decisions"], route_class=Guarded)

    @router.get(
        "/v1/decisions",
        operation_id="decisions",
        summary="Recorded answers, the newest first",
        response_class=Response,
        responses={200: {"model": DecisionPage}},
    )
    @needs(Permission.CASES)
    async def decisions(
        request: Request,
        after: Annotated[int | None, Query(ge=1, le=_LAST, description="next of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        recommendation: Recommendation | None = None,
        kind: Annotated[str | None, Query(pattern=_KIND, description="Kind of a pledge, such as forest_right")] = None,
        application_id: Annotated[
            str | None, Query(max_length=64, pattern=_PLAIN, description="Beginning of its number")
        ] = None,
        since: Annotated[dt.date | None, Query(description="First valuation day")] = None,
        until: Annotated[dt.date | None, Query(description="Last valuation day")] = None,
    ) -> Response:
        """A page of the caller's tenant; the Link header names the page that follows."""
        wanted = Wanted(
            after=after, limit=limit, recommendation=recommendation, kind=kind, text=application_id,
            since=None if since is None else str(since), until=None if until is None else str(until),
        )  # fmt: skip
        lines = await decide.page(state, who(request), wanted)
        following = lines[-1].sequence if len(lines) == limit else None
        return json_reply(
            {"decisions": [line_of(line) for line in lines], "next": following}, headers=_next(request, following)
        )

    return router


_SHOWN = ("application_id", "as_of", "recommendation", "grade", "score", "max_loan")


def line_of(line: Listed) -> dict[str, Any]:
    """One line of a list: the figures a desk chooses by, and the decision that stands."""
    answer = json.loads(line.answer)
    kinds = sorted({pledge["kind"] for pledge in answer.get("pledges", ())})
    return {
        "decision_id": line.decision_id,
        "sequence": line.sequence,
        "created_at": line.created_at,
        **{name: answer.get(name) for name in _SHOWN},
        "pledge_kinds": kinds,
        "outcome": json.loads(line.outcomes[-1]) if line.outcomes else None,
    }


def _next(request: Request, following: int | None) -> dict[str, str] | None:
    """The Link header to the page that follows, with the same filters."""
    if following is None:
        return None
    query = {**request.query_params, "after": str(following)}
    return {"Link": f'<{request.url.path}?{urlencode(query)}>; rel="next"'}
