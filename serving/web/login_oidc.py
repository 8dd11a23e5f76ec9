"""Logging in by the bank's login service: there, back, and out; there only where the settings name one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from serving.access import public
from serving.access.flow import FLOW_SECONDS, Flow
from serving.access.oidc import LoginRefused, Oidc
from serving.access.origin import over_network
from serving.web.language import words_of
from serving.web.login import keep_login, login_page
from serving.web.paged import own_path
from serving.web.pages import Page

if TYPE_CHECKING:
    from serving.state import State

_STATUS = {"state": 400, "used": 400, "cancelled": 401, "token": 401, "nobody": 403, "role": 403, "away": 503}
"""Status of the page that says why the login service let nobody in."""
_RETRY_AFTER = "30"
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(:\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:\d{1,5})?")
_KEPT_OUT = {"Cache-Control": "no-store"}


def add_login_oidc(router: APIRouter, state: State) -> None:
    """Add ``/login/oidc``, the path back, and ``/logout/oidc``; nothing where no login service is named."""
    oidc = state.gate.oidc
    if oidc is None:
        return
    way = _Way(state, oidc)

    @router.get("/login/oidc")
    @public
    async def there(request: Request) -> Response:
        return await way.there(request)

    @router.get(state.settings.login.oidc_redirect_path)
    @public
    async def back(request: Request) -> Response:
        return await way.back(request)

    @router.get("/logout/oidc")
    @public
    async def out(request: Request) -> Response:
        return way.out(request)


class _Way:
    """The way to the login service and back, for one service."""

    def __init__(self, state: State, oidc: Oidc) -> None:
        self.state, self.oidc = state, oidc

    async def there(self, request: Request) -> Response:
        """Send the reader to the login service, with what is needed to know them again in a cookie."""
        page, going = self._page(request, None), own_path(request.query_params.get("next", "/"))
        if self.state.gate.open_to(request):
            return RedirectResponse(f"{going}?lang={page.lang}", 303)
        here = _here(request)
        if here is None:
            return self._failed(page, "state", going)
        back, now = here + self.state.settings.login.oidc_redirect_path, self.state.clock()
        try:
            address, cookie = await self.oidc.begin(back=back, going=going, lang=page.lang, now=now)
        except LoginRefused as refused:
            return self._failed(page, refused.why, going)
        answer = RedirectResponse(address, 303, _KEPT_OUT)
        # Strict cookies stay away when another site sends the browser here; this one is good for nothing else
        answer.set_cookie(
            self._cookie(request), cookie, FLOW_SECONDS, secure=over_network(request), httponly=True, samesite="lax"
        )
        return answer

    async def back(self, request: Request) -> Response:
        """Let in whom the login service vouches for, or say why not."""
        now = self.state.clock()
        flow = self.oidc.flow_of(request.cookies.get(self._cookie(request), ""), now)
        page, going = self._page(request, flow), own_path(flow.going if flow else "/")
        try:
            said = self.oidc.said(flow, request.query_params.multi_items())
        except LoginRefused as refused:  # perhaps a stranger sent it: the reader's own way there is left alone
            return self._failed(page, refused.why, going)
        try:
            answer = await self._welcomed(request, flow, said, page)  # type: ignore[arg-type]
        except LoginRefused as refused:
            answer = self._failed(page, refused.why, going)
        answer.delete_cookie(self._cookie(request), secure=over_network(request), httponly=True, samesite="lax")
        return answer

    async def _welcomed(self, request: Request, flow: Flow, said: Mapping[str, str], page: Page) -> Response:
        """A page that leads on: the login's cookie is for our own pages, and a redirect would still be the other's."""
        by = await self.oidc.finish(flow, said, self.state.clock())
        await self.state.gate.use_state(flow)
        begun = await self.state.gate.admit_guest(request, by)
        going = f"{own_path(flow.going)}?lang={page.lang}"
        answer = page.draw("login_done.html.j2", user=by.user, tenant=by.tenant, going=going)
        answer.headers["Refresh"] = f"0;url={going}"
        keep_login(self.state, request, answer, begun)
        return answer

    def out(self, request: Request) -> Response:
        """Lead on to where the reader logs out at the login service; the login here is over already."""
        page, here = self._page(request, None), _here(request)
        leave = None if here is None else self.oidc.leave(f"{here}/login")
        if leave is None:
            return RedirectResponse(f"/login?lang={page.lang}", 303, _KEPT_OUT)
        answer = page.draw("login_left.html.j2", going=leave)
        answer.headers["Refresh"] = f"1;url={leave}"
        return answer

    def _failed(self, page: Page, why: str, going: str) -> Response:
        answer = login_page(self.state, page, going, status=_STATUS[why], failed=why)
        if why == "away":
            answer.headers["Retry-After"] = _RETRY_AFTER
        return answer

    def _page(self, request: Request, flow: Flow | None) -> Page:
        """A page whose links to itself carry nothing of what the login service sent; in the flow's language."""
        bare = Request({**request.scope, "path": "/login", "query_string": b""})
        page = Page.of(request, demo=self.state.demo)
        lang = flow.lang if flow else page.lang
        return replace(page, request=bare, lang=lang, t=words_of(lang))

    def _cookie(self, request: Request) -> str:
        return f"{self.state.gate.cookie_name(request)}_flow"


def _here(request: Request) -> str | None:
    """Scheme and host of this service as the reader's browser calls it; None when that is no host."""
    host = request.headers.get("host", "")
    if not _HOST.fullmatch(host):
        return None
    return f"{'https' if over_network(request) else 'http'}://{host}"
