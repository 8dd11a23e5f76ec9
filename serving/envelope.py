"""What goes around every request: its number, the number of requests at once, safe headers, no leak."""

from __future__ import annotations

import logging
import re
import time
import traceback
import uuid
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from eco_credit.core.canonical import canonical_json
from serving.problems import Problem, response

if TYPE_CHECKING:
    from serving.state import State

log = logging.getLogger("eco_credit.serving")

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_FIXED_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_ALWAYS_ADMITTED = ("/livez", "/readyz", "/metrics")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def request_id_of(scope: Scope) -> str:
    """The caller's ``X-Request-Id`` when it is a plain short token, else a new one."""
    given = Headers(scope=scope).get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def route_of(scope: Scope) -> str:
    """Template of the route that answered, such as ``/v1/decisions/{decision_id}``: never the path itself."""
    return str(getattr(scope.get("route"), "path", "unmatched"))


def log_failure(error: Exception, scope: Scope) -> None:
    """Log why there was no answer, by class and place only: an error's text may hold values of a case."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    fields = {
        "event": "failed",
        "error": type(error).__name__,
        "cause": type(error.__cause__).__name__,
        "at": f"{last.filename.rpartition('/')[2]}:{last.lineno}",
        "route": route_of(scope),
        "request_id": scope["state"]["request_id"],
    }
    log.error(canonical_json(fields).decode())


class Envelope:
    """ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, state: State) -> None:
        """Wrap ``app``; limits, metrics and the demo mark come from ``state``."""
        self.app, self.state = app, state
        self._at_once = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.monotonic()
        scope.setdefault("state", {})["request_id"] = request_id_of(scope)
        self._at_once += 1
        self.state.metrics.in_flight.set(self._at_once)
        try:
            await self._answer(scope, receive, _Sender(self.state, scope, send))
        finally:
            self._at_once -= 1
            self.state.metrics.in_flight.set(self._at_once)
            self.state.metrics.seconds.labels(route_of(scope)).observe(time.monotonic() - started)

    async def _answer(self, scope: Scope, receive: Receive, send: _Sender) -> None:
        crowded = self._at_once > self.state.settings.max_in_flight
        if crowded and scope["path"] not in _ALWAYS_ADMITTED:
            await response(Problem("overloaded"), HTTPConnection(scope))(scope, receive, send)
            return
        if not scope["query_string"].isascii():  # the framework decodes it as ASCII, and would fail far inside
            await response(Problem("bad_request"), HTTPConnection(scope))(scope, receive, send)
            return
        try:
            await self.app(scope, receive, send)
        except Exception as error:
            log_failure(error, scope)
            if not send.started:
                await response(Problem("internal"), HTTPConnection(scope))(scope, receive, send)


class _Sender:
    """Passes messages on, adding our headers to the first one and counting it."""

    def __init__(self, state: State, scope: Scope, send: Send) -> None:
        self.state, self.scope, self.send = state, scope, send
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._dress(MutableHeaders(scope=message))
            method = self.scope["method"] if self.scope["method"] in _METHODS else "other"
            self.state.metrics.requests.labels(method, route_of(self.scope), message["status"]).inc()
        await self.send(message)

    def _dress(self, headers: MutableHeaders) -> None:
        for name, value in _FIXED_HEADERS.items():
            headers[name] = value
        headers["X-Request-Id"] = self.scope["state"]["request_id"]
        if self.scope["path"].startswith("/v1/"):
            headers.setdefault("Cache-Control", "no-store")
        if self.state.demo:
            headers["X-Eco-Credit-Demo"] = "true"
