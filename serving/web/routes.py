"""The pages of the desk and their addresses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from eco_credit.contracts import contract, pledge_kinds
from eco_credit.core.errors import EcoCreditError, Violation
from eco_credit.reports import appraisal_report
from eco_credit.reports.appraisal_report import OnPage
from eco_credit.reports.written import kind_label
from serving import decide
from serving.access import Permission, Principal, needs, public, who
from serving.problems import Problem, from_error
from serving.web import desk
from serving.web.again import with_details
from serving.web.audit_page import add_audit
from serving.web.body import FormRefused, read_body
from serving.web.cases import add_cases
from serving.web.checklist import add_checklist, stages
from serving.web.complaints import by_path, summary
from serving.web.examples import example
from serving.web.jobs_page import add_jobs
from serving.web.live_page import add_check
from serving.web.login import add_login
from serving.web.login_oidc import add_login_oidc
from serving.web.models_page import add_models
from serving.web.outcome_page import add_outcome, form, recorded
from serving.web.paged import Paged
from serving.web.pages import Page, address, asset, html, other_languages
from serving.web.papers import add_papers
from serving.web.promote_page import add_promotion
from serving.web.result import shown
from serving.web.upload_page import Uploaded, add_upload
from serving.web.users_page import add_users
from serving.web.view import FormView

if TYPE_CHECKING:
    from serving.state import State


def build_router(state: State) -> APIRouter:
    """The routes of the web page, outside the versioned API.

    Args:
        state: the service; applications take the same way as those of ``POST /v1/scores``.

    Returns:
        A router for ``/``, ``/apply/{kind}``, ``/decisions/{id}``, its papers, and the files of the pages.
    """
    router = APIRouter(include_in_schema=False, route_class=Paged)
    of_cases = (add_cases, _add_decisions, add_papers, add_outcome, add_jobs)
    of_models = (add_promotion, add_models, add_audit)
    of_login = (add_login, add_login_oidc, add_users)
    for routes in (_add_files, *of_login, _add_home, _add_form, add_check, add_checklist, *of_cases, *of_models):
        routes(router, state)
    add_upload(router, state, _form_page)
    return router


def _add_files(router: APIRouter, _: State) -> None:
    @router.get("/static/{name}")
    @public
    async def static(name: str) -> Response:
        found = asset(name)
        if found is None:
            raise Problem("not_found")
        return Response(found[0], media_type=found[1], headers={"Cache-Control": "public, max-age=31536000, immutable"})

    @router.get("/favicon.ico")
    @public
    async def favicon() -> Response:
        """The mark for whoever shows an answer that is no page of ours, and so names none: a PDF, a JSON document."""
        found = asset("favicon.ico") or (b"", "")
        return Response(found[0], media_type=found[1], headers={"Cache-Control": "public, max-age=86400"})


def _add_home(router: APIRouter, state: State) -> None:
    @router.get("/")
    @needs(Permission.CATALOGUE)
    async def home(request: Request) -> Response:
        page = Page.of(request, demo=state.demo)
        return page.draw("home.html.j2", kinds=[_kind_card(name, page) for name in pledge_kinds()])


def _kind_card(name: str, page: Page) -> dict[str, Any]:
    """Name and one sentence about a kind; a kind from outside brings the sentence in its contract."""
    try:
        about = page.t(f"kinds.{name}")
    except KeyError:
        about = contract(name).description
    return {"name": name, "label": kind_label(name, page.lang), "about": about, "example": example(name)}


def _add_form(router: APIRouter, state: State) -> None:
    @router.get("/apply/{kind}")
    @needs(Permission.SCORE)
    async def form(request: Request, kind: str) -> Response:
        page = Page.of(request, demo=state.demo)
        if kind not in pledge_kinds():
            return page.missing()
        if number := request.query_params.get("from"):
            return await _corrected(state, page, kind, number)
        asked = bool(request.query_params.get("example")) and example(kind) is not None
        raw = desk.example_values(kind) if asked else desk.first_values(state.clock())
        return _form_page(page, kind, raw, {}, is_example=asked)

    @router.post("/apply/{kind}")
    @needs(Permission.SCORE)
    async def submit(request: Request, kind: str) -> Response:
        page = Page.of(request, demo=state.demo)
        if kind not in pledge_kinds():
            return page.missing()
        try:
            raw = await read_body(request)
        except FormRefused as refusal:
            return page.notice(page.t("notice.refused"), page.t(refusal.key), status=refusal.status)
        return await _submitted(state, page, kind, raw)


async def _submitted(state: State, page: Page, kind: str, raw: dict[str, str]) -> Response:
    """Go on with a form that is not finished, show what is wrong, or decide and go to the decision."""
    changed = desk.unfinished(raw)
    if changed is not None:
        return _form_page(page, kind, changed, {}, kept=True)
    reading = desk.checked(kind, raw, desk.today_at(state.clock()))
    if reading.violations:
        return _form_page(page, kind, raw, by_path(reading.violations), status=422)
    try:
        key = desk.key_for(raw, reading.application)
        recorded = await decide.decide(state, who(page.request), reading.application, key=key)
    except (EcoCreditError, Problem) as error:
        return _refusal(page, kind, raw, error)
    return RedirectResponse(f"/decisions/{recorded.entry.decision_id}?lang={page.lang}", status_code=303)


async def _corrected(state: State, page: Page, kind: str, number: str) -> Response:
    """A new form that says what a recorded application says, to be corrected and sent beside it."""
    by = who(page.request)
    found = await _recorded(state, by, number) if by.may(Permission.CASES) else None
    if found is not None and not found[1]:
        return page.erased()
    if found is None or found[1]["pledges"][0]["kind"] != kind:
        return page.missing()
    return _form_page(page, kind, desk.again_values(kind, found[1]), {}, kept=True, again=found[0]["decision_id"])


def _refusal(page: Page, kind: str, raw: dict[str, str], error: EcoCreditError | Problem) -> Response:
    """The form again when a field is to blame, else a notice that gives it back."""
    problem = error if isinstance(error, Problem) else from_error(error)
    if problem.violations:
        return _form_page(page, kind, raw, by_path(problem.violations), status=problem.kind.status)
    sent = {"action": f"/apply/{kind}?lang={page.lang}", "fields": raw | {desk.RESUME: "1"}}
    words, status = getattr(problem.kind, page.lang), problem.kind.status
    return page.notice(page.t("notice.unavailable"), words, status=status, sent=sent)


def _form_page(
    page: Page,
    kind: str,
    raw: Mapping[str, str],
    errors: Mapping[str, Violation],
    *,
    status: int = 200,
    is_example: bool = False,
    kept: bool = False,
    again: str = "",
    uploaded: Uploaded | None = None,
) -> Response:
    """The form with values kept and complaints at their fields."""
    cells = (uploaded.cells if uploaded else None) or {}
    sections = FormView(kind, page.lang, page.t, raw, errors, cells).sections()
    return page.draw(
        "form.html.j2",
        status=status,
        kind=kind,
        kind_label=kind_label(kind, page.lang),
        sections=sections,
        complaints=summary(sections, errors, page.lang, cells),
        form_id=desk.form_id(raw),
        has_example=example(kind) is not None,
        is_example=is_example,
        uploaded=uploaded,
        papers=stages(kind, page.lang)[0].papers,
        again=again,
        kept=kept or bool(errors) or uploaded is not None,
    )


def _add_decisions(router: APIRouter, state: State) -> None:
    @router.get("/decisions/{decision_id}")
    @needs(Permission.CASES)
    async def decision(request: Request, decision_id: str) -> Response:
        page = Page.of(request, demo=state.demo)
        found = await _recorded(state, who(request), decision_id)
        if found is None:
            return page.missing()
        if not found[1]:
            return page.erased()
        by = who(request)
        said = recorded(page, await decide.outcomes(state, by, decision_id))
        values = await state.run(shown, state, page, found)
        return page.draw("result.html.j2", **values, outcomes=said, outcome_form=form(page, by))

    @router.get("/decisions/{decision_id}/appraisal")
    @needs(Permission.CASES)
    async def appraisal(request: Request, decision_id: str) -> Response:
        page = Page.of(request, demo=state.demo)
        found = await _recorded(state, who(request), decision_id)
        if found is None:
            return page.missing()
        if not found[1]:
            return page.erased()
        return html(await state.run(_appraisal, state, page, found), page.lang)


def _appraisal(state: State, page: Page, found: tuple[dict[str, Any], dict[str, Any]]) -> str:
    """The appraisal report of a recorded answer; it says so where the rulebook has moved on since."""
    recorded, application = found
    answer = with_details(state, recorded, application)
    rules = state.champions.book().at(str(answer["provenance"]["rules_day"]))
    links = ((page.t("result.back"), f"/decisions/{answer['decision_id']}?lang={page.lang}"), *other_languages(page))
    bar = OnPage(address("appraisal.css"), links)
    return appraisal_report(answer, application, lang=page.lang, rules=rules, on_page=bar)


async def _recorded(state: State, by: Principal, decision_id: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Answer and application of a recorded score (empty once it was erased), or None when there is no such record."""
    try:
        entry = (await decide.find(state, by, decision_id)).entry
    except Problem as problem:
        if problem.kind.status == 404:
            return None
        raise
    if entry.kind != "score":
        return None
    return json.loads(entry.answer), json.loads(entry.request)
