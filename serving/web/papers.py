"""The papers of a decision on the page: investigation memo and decision sheet, to print and as PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from eco_credit.reports.page import LANGUAGE_TAGS
from eco_credit.reports.papers import PdfUnavailable, Record, to_html, to_pdf
from serving import decide
from serving.access import Permission, Principal, needs, who
from serving.papers import PAPERS, paper_of, record_of
from serving.problems import Problem
from serving.web.pages import Page, address, html, other_languages

if TYPE_CHECKING:
    from serving.state import State


def add_papers(router: APIRouter, state: State) -> None:
    """Add ``/decisions/{id}/memo``, ``/decisions/{id}/sheet`` and both with ``.pdf``."""
    for name in PAPERS:
        _add_page(router, state, name)
        _add_pdf(router, state, name)


def _add_page(router: APIRouter, state: State, name: str) -> None:
    @router.get(f"/decisions/{{decision_id}}/{name}", name=f"{name} page")
    @needs(Permission.CASES)
    async def page_of(request: Request, decision_id: str) -> Response:
        page = Page.of(request, demo=state.demo)
        record = await _record(state, who(request), decision_id)
        if record is None:
            return page.missing()
        if not record.application:
            return page.erased()
        text = await state.run(_printed, name, record, page.lang, _bar(page, decision_id, name))
        return html(text, page.lang)


def _add_pdf(router: APIRouter, state: State, name: str) -> None:
    @router.get(f"/decisions/{{decision_id}}/{name}.pdf", name=f"{name} as PDF")
    @needs(Permission.CASES)
    async def pdf_of(request: Request, decision_id: str) -> Response:
        page = Page.of(request, demo=state.demo)
        record = await _record(state, who(request), decision_id)
        if record is None:
            return page.missing()
        if not record.application:
            return page.erased()
        try:
            made = await state.run(_bytes, name, record, page.lang)
        except PdfUnavailable as error:
            # it will not come by trying again: something has to be installed first
            return page.notice(page.t("notice.no_pdf"), getattr(error, page.lang), status=501)
        headers = {
            "Cache-Control": "no-store",
            "Content-Language": LANGUAGE_TAGS[page.lang],
            "Content-Disposition": f'attachment; filename="{name}-{decision_id}.pdf"',
            "Vary": "Accept-Language",
        }
        return Response(made, media_type="application/pdf", headers=headers)


def _printed(name: str, record: Record, lang: str, bar: list[tuple[str, str]]) -> str:
    """The page; many pledges take a while, so this runs off the event loop."""
    return to_html(paper_of(name, record, lang), css_address=address("paper.css"), links=bar)


def _bytes(name: str, record: Record, lang: str) -> bytes:
    return to_pdf(paper_of(name, record, lang))


def _bar(page: Page, decision_id: str, name: str) -> list[tuple[str, str]]:
    """What stands above the paper on the screen: the PDF, the way back, the other language."""
    here = f"/decisions/{decision_id}"
    return [
        (page.t("result.pdf"), f"{here}/{name}.pdf?lang={page.lang}"),
        (page.t("result.back"), f"{here}?lang={page.lang}"), *other_languages(page),
    ]  # fmt: skip


async def _record(state: State, by: Principal, decision_id: str) -> Record | None:
    """A recorded score with what people decided about it, or None when there is no such record."""
    try:
        found = await decide.find(state, by, decision_id)
    except Problem as problem:
        if problem.kind.status == 404:
            return None
        raise
    if found.entry.kind != "score":
        return None
    return record_of(found, await decide.outcomes(state, by, decision_id))
