"""``POST /v1/appraisals``: the pledges only, without scoring the loan; and the same as a page to print."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from serving.access import Guarded, Permission, needs
from serving.json_body import read_object
from serving.routes.answers import AppraisalAnswer
from serving.routes.reply import body_of, json_reply
from serving.state import State


def build_router(state: State) -> APIRouter:
    """The route for appraisals, on one service."""
    router = APIRouter(tags=["appraisals"], route_class=Guarded)

    @router.post(
        "/v1/appraisals",
        operation_id="appraise",
        summary="Appraise pledges",
        response_class=Response,
        responses={200: {"model": AppraisalAnswer}},
        openapi_extra=body_of("Application", "OnePledge"),
    )
    @needs(Permission.APPRAISE)
    async def appraise(request: Request) -> Response:
        """Appraise the pledges of an application, or one pledge alone. Nothing is decided or recorded."""
        raw = await read_object(request, state.limits, timeout=state.settings.receive_timeout)
        held = state.lender_book
        return json_reply(await state.run(state.pipeline.appraise, raw, state.champions.book(), held))

    @router.post(
        "/v1/appraisals/report",
        operation_id="appraisalReport",
        summary="Print the appraisal report of pledges",
        response_class=HTMLResponse,
        responses={200: {"content": {"text/html": {"schema": {"type": "string"}}}}},
        openapi_extra=body_of("Application", "OnePledge"),
    )
    @needs(Permission.APPRAISE)
    async def report(
        request: Request, lang: Annotated[Literal["zh", "en"], Query(description="Language of the report")] = "zh"
    ) -> Response:
        """Two A4 pages for each pledge, as one HTML page without script. Personal fields are masked."""
        raw = await read_object(request, state.limits, timeout=state.settings.receive_timeout)
        text = await state.run(_printed, state, raw, lang)
        tag = "zh-CN" if lang == "zh" else lang
        return HTMLResponse(text, headers={"Cache-Control": "no-store", "Content-Language": tag})

    return router


def _printed(state: State, raw: Mapping[str, Any], lang: str) -> str:
    from eco_credit.reports import appraisal_report  # templates are read only when a report is asked for

    book = state.champions.book()
    answer = state.pipeline.appraise(raw, book, state.lender_book)
    return appraisal_report(answer, raw, lang=lang, rules=book.at(str(answer["as_of"])))
