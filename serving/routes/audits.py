"""``/v1/audit``: the auditor checks the own tenant's chain and has answers computed again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from serving import decide
from serving.access import Guarded, Permission, needs, who
from serving.audit import Recorded
from serving.problems import Problem
from serving.routes.record_shapes import ChainAnswer, ReplayAnswer
from serving.routes.reply import json_reply
from serving.state import State

MOST_CHECKED = 100_000


def build_router(state: State) -> APIRouter:
    """The auditor's routes, on one service."""
    router = APIRouter(tags=["audit"], route_class=Guarded)

    @router.get(
        "/v1/audit/chain",
        operation_id="chain",
        summary="Check the chain of records",
        response_class=Response,
        responses={200: {"model": ChainAnswer}},
    )
    @needs(Permission.AUDIT)
    async def chain(
        request: Request,
        last: Annotated[int, Query(ge=1, le=MOST_CHECKED, description="Check the last so many records")] = 10_000,
    ) -> Response:
        """Walk the end of the caller's chain, beside the signed checkpoints; the whole is for the command line."""
        return json_reply(await asyncio.to_thread(check_chain, state, who(request).tenant, last))

    @router.get(
        "/v1/audit/replay/{decision_id}",
        operation_id="replay",
        summary="Compute a recorded answer again",
        response_class=Response,
        responses={200: {"model": ReplayAnswer}},
    )
    @needs(Permission.AUDIT)
    async def replay(decision_id: str, request: Request) -> Response:
        """The same bytes, or which parts and which digests are not the same."""
        found = await decide.find(state, who(request), decision_id)
        if found.entry.kind != "score":
            raise Problem("not_found")
        return json_reply(await state.run(replay_one, state, found))

    return router


def check_chain(state: State, tenant: str, last: int) -> dict[str, Any]:
    """What the verifier finds in the last records of a tenant.

    Raises:
        StorageUnavailable: the log cannot be read.
    """
    from eco_credit.core.errors import GateNotMet
    from eco_credit.registry import Store
    from serving.audit.database import open_engine
    from serving.audit.verify import before_last, walk
    from serving.checkpoints import heads

    folder, alarm = state.settings.checkpoints, None
    known: Mapping[int, str] = {}
    try:
        known = {} if folder is None else heads(folder, Store(state.settings.home).trusted()).get(tenant, {})
    except GateNotMet as error:
        alarm = error.en
    engine = open_engine(state.settings.decisions_address, writes=False)
    try:
        start = before_last(engine, tenant, last)
        verdict = walk(engine, tenant, known, start=start)
    finally:
        engine.dispose()
    return {
        "tenant": tenant,
        "records": verdict.records,
        "checked_from": start[0] + 1,
        "head": verdict.head,
        "first_bad": verdict.first_bad,
        "why": verdict.why or alarm,
        "checkpoints": None if folder is None else len(known),
    }


def replay_one(state: State, found: Recorded) -> dict[str, Any]:
    """One answer computed again from its record."""
    from serving.replay import Replayer

    (result,) = Replayer(state.settings.home).replay([found])
    return {"same": not result.differs and not result.erased, "why": None} | result.as_dict()
