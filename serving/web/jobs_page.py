"""The page of an agency's jobs: send a file, see how far it is, fetch what came out."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from eco_credit.contracts import pledge_kinds
from eco_credit.core.errors import ContractError, EcoCreditError
from eco_credit.reports.page import LANGUAGES
from eco_credit.reports.written import kind_label
from serving.access import Permission, needs, who
from serving.jobs.store import ENDED
from serving.problems import Problem, from_error
from serving.routes.jobs import begin_job, call_off, file_of, job_of, listed, report_of, told
from serving.web.body import FormRefused, check_origin
from serving.web.desk import at_the_desk
from serving.web.pages import Page, address, barred, html, other_languages

if TYPE_CHECKING:
    from serving.state import State

SHOWN = 50
"""Jobs on the page."""
MOST_FAULTS = 3
"""Faults of a file named beside it."""
_KEPT_AS = re.compile(r"\binput\.[a-z]{2,7}\b")
"""Name under which a sent file is kept while its job runs."""


def add_jobs(router: APIRouter, state: State) -> None:
    """Add ``/jobs``: the list with its form, one job's line, its files, and calling it off."""

    @router.get("/jobs")
    @needs(Permission.JOBS)
    async def jobs(request: Request) -> Response:
        return await _drawn(state, Page.of(request, demo=state.demo))

    @router.post("/jobs")
    @needs(Permission.JOBS)
    async def send(request: Request) -> Response:
        page = Page.of(request, demo=state.demo)
        try:
            check_origin(request)
            await begin_job(state, request, None)
        except FormRefused as refusal:
            return page.notice(page.t("notice.refused"), page.t(refusal.key), status=refusal.status)
        except (Problem, EcoCreditError) as error:
            problem = error if isinstance(error, Problem) else from_error(error)
            lines = _why(problem, page.lang, error)
            return await _drawn(state, page, refused=lines, status=problem.kind.status)
        return RedirectResponse(f"/jobs?lang={page.lang}", status_code=303)

    _add_one(router, state)


def _add_one(router: APIRouter, state: State) -> None:
    """Routes of one job."""

    @router.get("/jobs/{job_id}/line")
    @needs(Permission.JOBS)
    async def line(request: Request, job_id: str) -> Response:
        page = Page.of(request, demo=state.demo)
        one = await asyncio.to_thread(told, job_of(state, request, job_id))
        return page.draw("job_line.html.j2", one=_shown(one))

    @router.post("/jobs/{job_id}/cancel")
    @needs(Permission.JOBS)
    async def cancel(request: Request, job_id: str) -> Response:
        page = Page.of(request, demo=state.demo)
        try:
            check_origin(request)
            await asyncio.to_thread(call_off, job_of(state, request, job_id))
        except FormRefused as refusal:
            return page.notice(page.t("notice.refused"), page.t(refusal.key), status=refusal.status)
        except Problem as problem:
            if problem.kind.code != "job_state":  # it ended in the meantime: the list says how
                return page.missing()
        return RedirectResponse(f"/jobs?lang={page.lang}", status_code=303)

    @router.get("/jobs/{job_id}/{file}")
    @needs(Permission.JOBS)
    async def fetch(request: Request, job_id: str, file: str) -> Response:
        page = Page.of(request, demo=state.demo)
        try:
            job = job_of(state, request, job_id)
            if file == "report":
                made = await report_of(job, page.lang, address("run_report.css"))
                links = [(page.t("jobs.back"), f"/jobs?lang={page.lang}"), *other_languages(page)]
                return html(barred(bytes(made.body).decode(), links), page.lang)
            if file in ("result", "rejects", "manifest"):
                return file_of(job, file)
        except Problem as problem:
            return page.notice(page.t("notice.not_found"), getattr(problem.kind, page.lang), status=problem.kind.status)
        return page.missing()


def _why(problem: Problem, lang: str, error: Exception) -> list[str]:
    """Why a file was not taken, as sentences."""
    found = error.violations if isinstance(error, ContractError) else problem.violations
    return [getattr(problem.kind, lang), *(f"{one.field}: {getattr(one, lang)}" for one in found)]


async def _drawn(
    state: State, page: Page, *, refused: list[str] | tuple[str, ...] = (), status: int = 200
) -> Response:
    from serving.batch.mapping import shipped

    found = await asyncio.to_thread(listed, state, who(page.request).tenant, SHOWN)
    mappings = [(one.name, getattr(one, page.lang)) for one in shipped().values()]
    return page.draw(
        "jobs.html.j2", status=status, lines=[_shown(one) for one in found], refused=refused, mappings=mappings,
        kinds=[(kind, kind_label(kind, page.lang)) for kind in pledge_kinds()],
        most=state.settings.job_bytes >> 20, days=state.settings.job_days,
    )  # fmt: skip


def _shown(one: dict[str, Any]) -> dict[str, Any]:
    """A job as its line shows it: part done in percent, whether it goes on, the day and minute it began."""
    done, rows = one["done"], one["rows"]
    share = None if done is None or not rows else round(100 * done / rows)
    made = at_the_desk(one["created_at"])
    return one | {"share": share, "open": one["state"] not in ENDED, "made": made} | _said(one)


def _said(one: dict[str, Any]) -> dict[str, Any]:
    """Why a job failed, naming the file as its sender named it; a fault that the sentence tells already is left out."""
    problem, name = one["problem"], one["name"]
    if not problem:
        return {"said": {}, "faults": []}

    def named(text: str) -> str:
        return _KEPT_AS.sub(lambda _: name, text) if name else text

    said = {lang: named(problem[lang]) for lang in LANGUAGES}
    faults = [{"field": named(fault["field"])} | {lang: named(fault[lang]) for lang in LANGUAGES}
              for fault in problem["errors"][:MOST_FAULTS]]  # fmt: skip
    return {"said": said, "faults": [one for one in faults if one["zh"] not in said["zh"]]}
