"""``POST /v1/scores``: score one application."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.access import Permission, needs, who
from serving.decide import decide
from serving.json_body import read_object
from serving.routes.answers import ScoreAnswer
from serving.routes.plain_route import PlainRoute
from serving.routes.reply import body_of, idempotency_key, stored_reply
from serving.state import State


def build_router(state: State) -> APIRouter:
    """The route for scores, on one service."""
    router = APIRouter(tags=["scores"], route_class=PlainRoute)

    @router.post(
        "/v1/scores",
        operation_id="score",
        summary="Score one application",
        response_class=Response,
        responses={200: {"model": ScoreAnswer}},
        openapi_extra=body_of("Application", keyed=True),
    )
    @needs(Permission.SCORE)
    async def score(request: Request) -> Response:
        """Appraise the pledges, estimate PD and LGD and recommend. The answer is recorded before it is sent."""
        key = idempotency_key(request, state)
        raw = await read_object(request, state.limits, timeout=state.settings.receive_timeout)
        recorded = await decide(state, who(request), raw, key=key)
        return stored_reply(recorded, status=200, location=f"/v1/decisions/{recorded.entry.decision_id}")

    return router
