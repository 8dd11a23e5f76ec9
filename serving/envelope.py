"""What goes around every request: its number, the number of requests at once, safe headers, no leak."""

from __future__ import annotations

import logging
import re
import time
import traceback
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING

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
FIXED_HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    # with "no-referrer" a browser would also hide the origin of our own forms from us
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_REQUEST_ID_HEADER = b"x-request-id"
_OURS = frozenset({_REQUEST_ID_HEADER, *(name for name, _ in FIXED_HEADERS)})
_RATE_HEADERS = (b"ratelimit-limit", b"ratelimit-remaining", b"ratelimit-reset")
_ALWAYS_ADMITTED = ("/livez", "/readyz", "/metrics")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def request_id_of(scope: Scope) -> str:
    """The caller's ``X-Request-Id`` when it is a plain short token, else a new one."""
    given = next((value for name, value in scope["headers"] if name == _REQUEST_ID_HEADER), b"").decode("latin-1")
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def route_of(scope: Scope) -> str:
    """Template of the route that answered, such as ``/v1/decisions/{decision_id}``: never the path itself."""
    return str(getattr(scope.get("route"), "path", "unmatched"))


def method_of(scope: Scope) -> str:
    """The method where it is one of HTTP's own, else ``other``: figures have few labels."""
    return scope["method"] if scope["method"] in _METHODS else "other"


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
        sender = _Sender(self.state, scope, send)
        try:
            await self._answer(scope, receive, sender)
        finally:
            self._at_once -= 1
            self.state.metrics.in_flight.set(self._at_once)
            seconds = time.monotonic() - started
            self.state.metrics.seconds.labels(route_of(scope)).observe(seconds)
            if self.state.trace is not None:
                self.state.trace(
                    method_of(scope), route_of(scope), sender.status, scope["state"]["request_id"], seconds
                )

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
        self.started, self.status = False, 0

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started, self.status = True, message["status"]
            message["headers"] = self._dressed(message["headers"])
            self.state.metrics.requests.labels(method_of(self.scope), route_of(self.scope), self.status).inc()
        await self.send(message)

    def _dressed(self, given: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
        """The headers of the answer with ours around them; names are in lower case, as ASGI asks."""
        headers = [header for header in given if header[0] not in _OURS]
        headers += FIXED_HEADERS
        headers.append((_REQUEST_ID_HEADER, self.scope["state"]["request_id"].encode("ascii")))
        versioned = self.scope["path"].startswith(("/v1/", "/v2/"))
        if versioned and all(name != b"cache-control" for name, _ in headers):
            headers.append((b"cache-control", b"no-store"))
        if (rate := self.scope["state"].get("rate")) is not None:
            headers += [(name, str(value).encode("ascii")) for name, value in zip(_RATE_HEADERS, rate, strict=True)]
        if self.state.demo:
            headers.append((b"x-eco-credit-demo", b"true"))
        if self.state.open_to_all:
            headers.append((b"x-eco-credit-access", b"open"))
        return headers
