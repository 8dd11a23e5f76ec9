"""``POST /v1/gep/accounts``: a GEP account from a table of flows."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from serving.access import Guarded, Permission, needs
from serving.json_body import read_object
from serving.routes.account_shapes import AccountAnswer
from serving.routes.reply import body_of, json_reply
from serving.routes.shapes import AccountRequest, read_shape
from serving.state import State


def build_router(state: State) -> APIRouter:
    """The route for GEP accounts, on one service."""
    router = APIRouter(tags=["gep"], route_class=Guarded)

    @router.post(
        "/v1/gep/accounts",
        operation_id="account",
        summary="Draw up a GEP account",
        response_class=Response,
        responses={200: {"model": AccountAnswer}},
        openapi_extra=body_of("AccountRequest"),
    )
    @needs(Permission.APPRAISE)
    async def account(request: Request) -> Response:
        """Account the flows of one area and year under one norm. GEP is not collateral value."""
        raw = await read_object(request, state.limits, timeout=state.settings.receive_timeout)
        return json_reply(await state.run(account_of, state, raw))

    return router


def account_of(state: State, raw: dict[str, Any]) -> dict[str, Any]:
    """The account under the rules of the day asked for, or of today.

    Raises:
        ContractError: the body or a row breaks a rule.
        RuleNotInForce: the rulebook has no values for that day.
    """
    day = read_shape(AccountRequest, raw).get("day") or state.clock().date()
    return state.pipeline.account(raw, state.champions.book().at(day))
