"""Logging in on the web page with a key, and out again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.access import public
from serving.access.gate import Login
from serving.access.origin import over_network
from serving.problems import RETRY_AFTER, Problem
from serving.web.body import FormRefused, read_body
from serving.web.paged import own_path
from serving.web.pages import Page

if TYPE_CHECKING:
    from serving.state import State


def add_login(router: APIRouter, state: State) -> None:
    """Add ``/login`` and ``/logout``; where no login is asked for they lead to the first page."""

    @router.get("/login")
    @public
    async def login(request: Request) -> Response:
        page = Page.of(request, demo=state.demo)
        going = own_path(request.query_params.get("next", "/"))
        if state.gate.open_to(request):
            return RedirectResponse(f"{going}?lang={page.lang}", 303)
        return login_page(state, page, going)

    @router.post("/login")
    @public
    async def enter(request: Request) -> Response:
        page = Page.of(request, demo=state.demo)
        try:
            raw = await read_body(request)
        except FormRefused as refusal:
            return page.notice(page.t("notice.refused"), page.t(refusal.key), status=refusal.status)
        going = own_path(raw.get("next", "/"))
        try:
            begun = await state.gate.log_in(request, raw.get("key", "").strip())
        except Problem as problem:
            return _refused(state, page, problem, going)
        answer = RedirectResponse(f"{going}?lang={page.lang}", 303, {"Cache-Control": "no-store"})
        keep_login(state, request, answer, begun)
        return answer

    @router.post("/logout")
    @public
    async def leave(request: Request) -> Response:
        page = Page.of(request, demo=state.demo)
        outside = await state.gate.log_out(request)  # vouched for by the login service, where the reader is known still
        going = "/logout/oidc" if outside else "/login"
        answer = RedirectResponse(f"{going}?lang={page.lang}", 303, {"Cache-Control": "no-store"})
        answer.delete_cookie(
            state.gate.cookie_name(request), path="/", secure=over_network(request), httponly=True, samesite="strict"
        )
        return answer


def keep_login(state: State, request: Request, answer: Response, begun: Login) -> None:
    """Give the browser the cookie of a login."""
    answer.set_cookie(
        state.gate.cookie_name(request),
        begun.token,
        max_age=begun.seconds,
        path="/",
        secure=over_network(request),
        httponly=True,
        samesite="strict",
    )


def login_page(
    state: State, page: Page, going: str, *, status: int = 200, wrong: str = "", failed: str = ""
) -> Response:
    """The login page.

    Args:
        state: the service.
        page: the page being answered.
        going: own path to go on to.
        status: HTTP status.
        wrong: what is wrong with a key that was typed in.
        failed: last part of the name of the sentences that say why the login service let nobody in.
    """
    asked = urlencode({"next": going, "lang": page.lang})
    sso = None if state.gate.oidc is None else f"/login/oidc?{asked}"
    return page.draw("login.html.j2", status=status, going=going, wrong=wrong, sso=sso, failed=failed)


def _refused(state: State, page: Page, problem: Problem, going: str) -> Response:
    """The login page again, saying that the key was refused or that there were too many; the key is not repeated."""
    wait = problem.kind.code == "too_many_logins"
    said = page.t("login.wait_text" if wait else "login.wrong")
    answer = login_page(state, page, going, status=problem.kind.status, wrong=said)
    if wait:
        answer.headers["Retry-After"] = RETRY_AFTER[problem.kind.code]
    return answer
