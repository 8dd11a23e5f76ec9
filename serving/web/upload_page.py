"""The addresses for a workbook with one application: the template, and the upload that fills in the form."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from eco_credit.contracts import pledge_kinds
from eco_credit.core.errors import ContractError, Violation
from serving.access import Permission, needs
from serving.web.body import FormRefused, read_upload
from serving.web.complaints import by_path
from serving.web.desk import first_values, today_at
from serving.web.hints import said_in
from serving.web.pages import Page

if TYPE_CHECKING:
    from serving.batch.one import One
    from serving.state import State

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_AT_ONCE = 2
"""Workbooks decoded at once; others wait."""
_WAIT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What the form page says about a workbook: why it was refused, or what it was filled in from.

    Attributes:
        refused: sentences; empty when the file was read.
        cells: path of a field to the cell it was read from.
        ignored: headers that lead to no field.
        hidden: hidden sheets, which were not read.
    """

    refused: tuple[str, ...] = ()
    cells: Mapping[str, str] | None = None
    ignored: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()


def add_upload(router: APIRouter, state: State, draw: Callable[..., Response]) -> None:
    """Add ``GET /apply/{kind}/template.xlsx`` and ``POST /apply/{kind}/upload``.

    Args:
        router: gets the routes.
        state: the service; nothing is scored or recorded here.
        draw: draws the form page.
    """
    turns = asyncio.Semaphore(_AT_ONCE)

    @router.get("/apply/{kind}/template.xlsx")
    @needs(Permission.SCORE)
    async def blank(request: Request, kind: str) -> Response:
        page = Page.of(request, demo=state.demo)
        if kind not in pledge_kinds():
            return page.missing()
        name = {"Content-Disposition": f'attachment; filename="{kind}.xlsx"', "Cache-Control": "no-store"}
        return Response(await asyncio.to_thread(_template, kind), media_type=XLSX, headers=name)

    @router.post("/apply/{kind}/upload")
    @needs(Permission.SCORE)
    async def upload(request: Request, kind: str) -> Response:
        page = Page.of(request, demo=state.demo)
        if kind not in pledge_kinds():
            return page.missing()
        try:
            content = await read_upload(request)
            async with asyncio.timeout(_WAIT_SECONDS):
                await turns.acquire()
        except FormRefused as refusal:
            return _refused(state, page, kind, draw, (page.t(refusal.key),), refusal.status)
        except TimeoutError:
            return page.notice(page.t("notice.unavailable"), page.t("notice.busy"), status=503)
        try:
            from serving.batch.bounded import read_bounded  # brings pyarrow: not before a workbook comes

            read = await read_bounded(kind, content)
        except ContractError as error:
            lines = tuple(_sentence(one, page.lang) for one in error.violations)
            return _refused(state, page, kind, draw, lines, 422)
        finally:
            turns.release()
        return await asyncio.to_thread(_filled, state, page, kind, draw, read)


def _template(kind: str) -> bytes:
    from serving.web.upload import template

    return template(kind)


def _sentence(one: Violation, lang: str) -> str:
    """Why a file is refused, with the cell where there is one; never its name."""
    _, _, cell = one.field.partition("!")
    return f"{cell}: {said_in(one, lang)}" if cell else said_in(one, lang)


def _refused(state: State, page: Page, kind: str, draw: Any, lines: tuple[str, ...], status: int) -> Response:
    """A blank form under the reasons."""
    raw = first_values(state.clock())
    refused: Response = draw(page, kind, raw, {}, status=status, uploaded=Uploaded(refused=lines))
    return refused


def _filled(state: State, page: Page, kind: str, draw: Any, read: One) -> Response:
    """The form with the values of the workbook and the complaints at their fields."""
    from serving.web.upload import complaints, form_values

    raw = form_values(kind, read, state.clock())
    found = complaints(kind, read, raw, today_at(state.clock()))
    cells = read.cells | {one.path: one.cell for one in read.complaints}
    uploaded = Uploaded((), cells, tuple(read.ignored), tuple(read.hidden))
    shown: Response = draw(page, kind, raw, by_path(found), status=422 if found else 200, uploaded=uploaded)
    return shown
