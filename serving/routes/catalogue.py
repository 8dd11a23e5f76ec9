"""What the service works with: models, contracts, rules, problem types."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from serving.access import Guarded, Permission, needs, public, who
from serving.problems import PROBLEMS, Problem
from serving.routes.reply import json_reply
from serving.routes.tagged import tagged
from serving.shadow import shadow_path, summary
from serving.state import State
from serving.triple import CHALLENGER, CHAMPION, Triple

_NAME = r"^[a-z0-9][a-z0-9_.-]{0,62}$"


def build_router(state: State) -> APIRouter:
    """The read-only routes, on one service."""
    router = APIRouter(tags=["catalogue"], route_class=Guarded)
    for routes in (_add_models, _add_rules, _add_descriptions):
        routes(router, state)
    return router


def _add_models(router: APIRouter, state: State) -> None:
    @router.get("/v1/models", operation_id="models", summary="Champion and challenger", response_class=Response)
    @needs(Permission.CATALOGUE)
    async def models(request: Request) -> Response:
        """Name, version, digest and gates of the champion, and of the challenger where one scores beside it."""
        return tagged(request, await state.run(model_card, state))

    @router.get(
        "/v1/models/shadow", operation_id="shadow", summary="Champion and challenger compared", response_class=Response
    )
    @needs(Permission.MODELS)
    async def shadow(request: Request) -> Response:
        """Differences of PD, LGD and points, and moves of grade, on the caller's own recorded decisions."""
        return json_reply(await state.run(summary, shadow_path(state.settings.home), who(request).tenant))


def _add_rules(router: APIRouter, state: State) -> None:
    @router.get("/v1/contracts/{name}", operation_id="contract", summary="A data contract", response_class=Response)
    @needs(Permission.CATALOGUE)
    async def contract(name: str, request: Request) -> Response:
        """JSON Schema of a contract with the labels, units and lists of its fields."""
        return tagged(request, await state.run(contract_card, name))

    @router.get("/v1/rules", operation_id="rules", summary="Rules in force on a day", response_class=Response)
    @needs(Permission.CATALOGUE)
    async def rules(
        request: Request,
        day: Annotated[dt.date | None, Query(description="Day the rules are read for; today (UTC) without it")] = None,
        prefix: Annotated[str, Query(max_length=100, description="Only names that start so")] = "",
        after: Annotated[str, Query(max_length=100, description="Only names that come after this one")] = "",
        limit: Annotated[int | None, Query(ge=1, le=1000, description="At most so many; all without it")] = None,
    ) -> Response:
        """Value, unit, authority and reference of each rule, in name order; `Link` leads to the next page."""
        card = await state.run(rules_card, state, day or state.clock().date(), prefix)
        return tagged(request, *page_of(card, prefix, after=after, limit=limit))


def _add_descriptions(router: APIRouter, _: State) -> None:
    @router.get("/openapi.json", include_in_schema=False)
    @public
    async def description(request: Request) -> Response:
        return tagged(request, request.app.openapi())

    @router.get("/problems/{code}", operation_id="problem", summary="A problem type", response_class=Response)
    @public
    async def problem(code: str) -> Response:
        """Title and status of a problem type: what the ``type`` of a problem document points to."""
        if code not in PROBLEMS:
            raise Problem("not_found")
        kind = PROBLEMS[code]
        return json_reply({"type": f"/problems/{code}", "status": kind.status, "en": kind.en, "zh": kind.zh})


def model_card(state: State) -> dict[str, Any]:
    """The champion first, the challenger after it, and whether a newer package was refused.

    Raises:
        ModelNotServable: no champion is in service.
    """
    champion, challenger = state.champions.current(), state.challengers.found
    beside = [] if challenger is None else [_served(challenger, CHALLENGER)]
    return {
        "models": [_served(champion, CHAMPION), *beside],
        "fallback": state.champions.fallback,
        "alarm": state.champions.alarm,
        "why": state.champions.why,
        "challenger_alarm": state.challengers.alarm,
        "challenger_why": state.challengers.why,
        "demo": state.demo,
    }


def _served(triple: Triple, alias: str) -> dict[str, Any]:
    package = triple.package
    return {
        "name": package.name,
        "alias": alias,
        "version": package.version,
        "digest": package.digest,
        "synthetic": package.synthetic,
        "contract": triple.contract,
        "gate": package.gate,
    }


def contract_card(name: str) -> dict[str, Any]:
    """A contract as JSON Schema with the labels of its fields.

    Raises:
        Problem: ``not_found``.
    """
    from serving.schemas import contract_document

    return contract_document(name)


def rules_card(state: State, day: dt.date, prefix: str) -> dict[str, Any]:
    """The rules of a day whose names start with a prefix."""
    rules = state.champions.book().at(day)
    shown = [
        {
            "name": r.name, "about": r.about, "zh": r.zh, "unit": r.unit, "authority": r.authority, "value": r.value,
            "range": list(r.range) if r.range else None, "ref": r.ref, "article": r.article, "verify": r.verify,
        }
        for r in rules.under(prefix)
    ]
    return {"day": str(day), "rules_hash": rules.digest, "overlay_hash": rules.overlay_digest, "rules": shown}


def page_of(
    card: dict[str, Any], prefix: str, *, after: str, limit: int | None
) -> tuple[dict[str, Any], dict[str, str]]:
    """One page of `rules_card`, and the header that leads to the next one.

    Args:
        card: rules in name order.
        prefix: what the names start with, for the link.
        after: only names after this one.
        limit: most rules; None for all.

    Returns:
        The card with fewer rules, and ``Link`` where more follow; the link keeps the day, so that a walk through the
        pages reads one day even when midnight comes in between.
    """
    rest = [rule for rule in card["rules"] if rule["name"] > after] if after else card["rules"]
    shown = rest if limit is None else rest[:limit]
    if len(shown) == len(rest):
        return card | {"rules": shown}, {}
    query = urlencode({"day": card["day"], "prefix": prefix, "after": shown[-1]["name"], "limit": limit})
    return card | {"rules": shown}, {"Link": f'</v1/rules?{query}>; rel="next"'}
