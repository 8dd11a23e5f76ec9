"""Routes that answer with pages: who may not see one is told so by a page, in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.access import Guarded
from serving.access.origin import UNSAFE
from serving.problems import RETRY_AFTER, Problem
from serving.web.pages import Page

_OWN_PATH = re.compile(r"/(?:[A-Za-z0-9][A-Za-z0-9_./-]{0,300})?")


def own_path(text: str) -> str:
    r"""A path of this site to go on to after a login; the first page for anything else.

    Example:
        >>> [own_path(text) for text in ("/apply/order", "//evil.example/", "/\\evil", "https://evil", "/login")]
        ['/apply/order', '/', '/', '/', '/']
    """
    away = text.startswith(("/login", "/logout")) or ".." in text or "//" in text
    return text if _OWN_PATH.fullmatch(text) and not away else "/"


def turned_away(request: Request, problem: Problem) -> Response | None:
    """The page instead of a problem document, for problems about who the reader is; else None."""
    page = Page.of(request, demo=request.app.state.service.demo)
    code = problem.kind.code
    if code == "unauthenticated":
        if request.method in UNSAFE:  # a redirect would throw away what was filled in
            return page.notice(page.t("login.ended"), page.t("login.ended_text"), status=401)
        going = urlencode({"next": own_path(request.url.path), "lang": page.lang})
        return RedirectResponse(f"/login?{going}", 303, {"Cache-Control": "no-store"})
    if code == "forbidden":
        return page.notice(page.t("login.forbidden"), page.t("login.forbidden_text"), status=403)
    if problem.kind.status == 429:
        answer = page.notice(page.t("login.wait"), getattr(problem.kind, page.lang), status=429)
        answer.headers["Retry-After"] = problem.headers.get("Retry-After", RETRY_AFTER.get(code, "60"))
        return answer
    return None


class Paged(Guarded):
    """A guarded route of the web page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The guarded handler; a refusal becomes a page."""
        handler = super().get_route_handler()

        async def paged(request: Request) -> Response:
            try:
                return await handler(request)
            except Problem as problem:
                answer = turned_away(request, problem)
                if answer is None:
                    raise
                return answer

        return paged
