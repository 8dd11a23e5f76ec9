"""``/v1/decisions``: read a recorded answer, record what a person decided."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving import decide
from serving.access import Guarded, Permission, needs, who
from serving.audit import Recorded
from serving.json_body import read_object
from serving.problems import Problem
from serving.routes.answers import DecisionRecord, OutcomeAnswer
from serving.routes.reply import body_of, idempotency_key, json_reply, not_modified, stored_reply
from serving.state import State


def build_router(state: State) -> APIRouter:
    """The routes for recorded decisions, on one service."""
    router = APIRouter(tags=["decisions"], route_class=Guarded)

    @router.get(
        "/v1/decisions/{decision_id}",
        operation_id="decision",
        summary="A recorded answer with what people decided about it",
        response_class=Response,
        responses={200: {"model": DecisionRecord}},
    )
    @needs(Permission.CASES)
    async def decision(decision_id: str, request: Request) -> Response:
        """The stored answer and its place in the log; the last outcome stands. ``ETag`` changes with an outcome."""
        found = await decide.find(state, who(request), decision_id)
        if found.entry.kind != "score":
            raise Problem("not_found")
        outcomes = await decide.outcomes(state, who(request), decision_id)
        headers = {"ETag": f'"{(outcomes or [found])[-1].hash}{"-erased" if found.erased else ""}"'}
        if not_modified(request, headers["ETag"]):
            return Response(status_code=304, headers=headers)
        return json_reply(record_of(found, outcomes), headers=headers)

    @router.post(
        "/v1/decisions/{decision_id}/outcome",
        operation_id="outcome",
        summary="Record what a person decided",
        status_code=201,
        response_class=Response,
        responses={201: {"model": OutcomeAnswer}},
        openapi_extra=body_of("Outcome", keyed=True),
    )
    @needs(Permission.OUTCOME)
    async def outcome(decision_id: str, request: Request) -> Response:
        """A new record that points to the answer; nothing recorded is ever changed."""
        key = idempotency_key(request, state)
        raw = await read_object(request, state.limits, timeout=state.settings.receive_timeout)
        recorded = await decide.decide_by_person(state, who(request), decision_id, raw, key=key)
        return stored_reply(recorded, status=201, location=f"/v1/decisions/{decision_id}")

    return router


def _by(recorded: Recorded) -> dict[str, Any]:
    return {"recorded_by": recorded.entry.by_user, "roles": recorded.entry.by_roles.split()}


def record_of(found: Recorded, outcomes: list[Recorded]) -> dict[str, Any]:
    """A record and what people decided about it, as plain data."""
    return {
        "decision_id": found.entry.decision_id,
        "sequence": found.sequence,
        "created_at": found.created_at,
        "previous_hash": found.previous_hash,
        "hash": found.hash,
        "request_hash": found.entry.request_hash,
        "erased": found.erased,
        **_by(found),
        "answer": json.loads(found.entry.answer),
        "outcomes": [json.loads(o.entry.answer) | {"created_at": o.created_at} | _by(o) for o in outcomes],
    }
