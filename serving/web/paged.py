"""Routes that answer with pages: who may not see one is told so by a page, in the reader's language."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Coroutine, Mapping
from inspect import isawaitable
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from eco_credit.core.errors import EcoCreditError
from serving.access import Guarded
from serving.access.origin import UNSAFE
from serving.problems import PROBLEMS, RETRY_AFTER, Problem
from serving.web.body import FormRefused, read_body
from serving.web.desk import RESUME
from serving.web.pages import Page

_APPLICATION = re.compile(r"/apply/[a-z0-9_]+")
_API = ("/v1/", "/static/", "/metrics", "/livez", "/readyz")
_OWN_PATH = re.compile(r"/(?:[A-Za-z0-9][A-Za-z0-9_./-]{0,300})?")


def own_path(text: str) -> str:
    r"""A path of this site to go on to after a login; the first page for anything else.

    Example:
        >>> [own_path(text) for text in ("/apply/order", "//evil.example/", "/\\evil", "https://evil", "/login")]
        ['/apply/order', '/', '/', '/', '/']
    """
    away = text.startswith(("/login", "/logout")) or ".." in text or "//" in text
    return text if _OWN_PATH.fullmatch(text) and not away else "/"


def turned_away(request: Request, problem: Problem, sent: Mapping[str, Any] | None = None) -> Response | None:
    """The page instead of a problem document, for problems about who the reader is; else None.

    Args:
        request: the request that was refused.
        problem: why.
        sent: the form it brought, given back to be sent again after a login.
    """
    page = Page.of(request, demo=request.app.state.service.demo)
    code = problem.kind.code
    if code == "unauthenticated":
        if request.method in UNSAFE:  # a redirect would throw away what was filled in
            return page.notice(page.t("login.ended"), page.t("login.ended_text"), status=401, sent=sent)
        going = urlencode({"next": own_path(request.url.path), "lang": page.lang})
        return RedirectResponse(f"/login?{going}", 303, {"Cache-Control": "no-store"})
    if code == "forbidden":
        return page.notice(page.t("login.forbidden"), page.t("login.forbidden_text"), status=403)
    if problem.kind.status == 429:
        answer = page.notice(page.t("login.wait"), getattr(problem.kind, page.lang), status=429)
        answer.headers["Retry-After"] = problem.headers.get("Retry-After", RETRY_AFTER.get(code, "60"))
        return answer
    return None


async def _sent(request: Request, problem: Problem) -> dict[str, Any] | None:
    """The form that a refused request brought, for the page that gives it back; None where there is none to give.

    An application comes back as a form to look over: whoever logs in decides anew whether it is sent.
    """
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    if problem.kind.code != "unauthenticated" or request.method not in UNSAFE or not form:
        return None
    try:
        fields = await read_body(request)
    except FormRefused:
        return None
    more = {RESUME: "1"} if _APPLICATION.fullmatch(request.url.path) else {}
    action = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return {"action": action, "fields": fields | more, "login": True} if fields else None


def page_errors(app: FastAPI) -> None:
    """Answer a person who asks for a page with a page where the application would answer with a problem document."""
    for kind, answer in list(app.exception_handlers.items()):
        if kind in (Problem, EcoCreditError, HTTPException):
            app.add_exception_handler(kind, _paged(answer))


def _paged(answer: Callable[..., Any]) -> Callable[..., Coroutine[Any, Any, Response]]:
    async def paged(request: Request, error: Exception) -> Response:
        made = answer(request, error)
        told: Response = await made if isawaitable(made) else made
        asks = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(_API)
        if not asks:
            return told
        page = Page.of(request, demo=request.app.state.service.demo)
        if told.status_code == 404:
            return page.missing()
        code = str(json.loads(bytes(told.body)).get("type", "")).rpartition("/")[2]
        words = getattr(PROBLEMS.get(code, PROBLEMS["internal"]), page.lang)
        shown = page.notice(page.t("notice.failed"), words, status=told.status_code)
        for name in ("Retry-After", "Allow"):
            if name in told.headers:
                shown.headers[name] = told.headers[name]
        return shown

    return paged


class Paged(Guarded):
    """A guarded route of the web page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The guarded handler; a refusal becomes a page."""
        handler = super().get_route_handler()

        async def paged(request: Request) -> Response:
            try:
                return await handler(request)
            except Problem as problem:
                answer = turned_away(request, problem, await _sent(request, problem))
                if answer is None:
                    raise
                return answer

        return paged
