"""``POST /v1/appraisals``: the pledges only, without scoring the loan."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.json_body import read_object
from serving.routes.answers import AppraisalAnswer
from serving.routes.reply import body_of, json_reply
from serving.state import State


def build_router(state: State) -> APIRouter:
    """The route for appraisals, on one service."""
    router = APIRouter(tags=["appraisals"])

    @router.post(
        "/v1/appraisals",
        operation_id="appraise",
        summary="Appraise pledges",
        response_class=Response,
        responses={200: {"model": AppraisalAnswer}},
        openapi_extra=body_of("Application", "OnePledge"),
    )
    async def appraise(request: Request) -> Response:
        """Appraise the pledges of an application, or one pledge alone. Nothing is decided or recorded."""
        raw = await read_object(request, state.limits, timeout=state.settings.receive_timeout)
        return json_reply(await state.run(state.pipeline.appraise, raw, state.champions.book()))

    return router
