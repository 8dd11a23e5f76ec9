"""For the operator: is it alive, can it answer, how is it doing."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from serving.access import Guarded, public
from serving.routes.reply import json_reply
from serving.state import State


def build_router(state: State) -> APIRouter:
    """The operator's routes, on one service."""
    router = APIRouter(tags=["operations"], route_class=Guarded)

    @router.get("/livez", operation_id="live", summary="The process runs", response_class=Response)
    @public
    async def live() -> Response:
        """Always ok while the process answers."""
        return json_reply({"status": "ok"})

    @router.get(
        "/readyz",
        operation_id="ready",
        summary="The service can answer",
        response_class=Response,
        responses={503: {"description": "Not ready; the checks that failed are false"}},
    )
    @public
    async def ready() -> Response:
        """A verified model is in service, the lender's book was read and the decision log takes records."""
        checks = {
            "model": state.champions.ready,
            "journal": await asyncio.to_thread(_journal_well, state),
            "queue": not state.journal.full,
            "book": state.book_alarm is None,
            "running": not state.stopping,
        }
        status = 200 if all(checks.values()) else 503
        told = {"alarm": state.champions.alarm, "book_alarm": state.book_alarm}
        if state.checkpoint_alarm is not None:
            told["checkpoint_alarm"] = state.checkpoint_alarm
        told["personal_data"] = "sealed" if state.journal.seals else "plain"
        return json_reply({"ready": status == 200, "checks": checks, **told}, status)

    @router.get("/metrics", operation_id="metrics", summary="Figures (Prometheus)", response_class=Response)
    @public
    async def metrics() -> Response:
        """Counts and times by route."""
        state.metrics.waiting.set(state.journal.waiting)
        return Response(state.metrics.text(), media_type=CONTENT_TYPE_LATEST)

    return router


def _journal_well(state: State) -> bool:
    """The log takes records, and the chains they would be added to end soundly."""
    return state.journal.writable() and state.journal.sound()
