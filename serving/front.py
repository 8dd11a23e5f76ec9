"""The front of the house: connections that dawdle are closed, and a crowd is turned away before it costs anything.

uvicorn's h11 protocol waits without end for a header that does not come and for a reader that does not read, and
what is refused behind it has been parsed first. This protocol adds two clocks and one early look.
"""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import h11
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from eco_credit.core.canonical import canonical_json
from serving.envelope import FIXED_HEADERS
from serving.problems import MEDIA_TYPE, PROBLEMS, RETRY_AFTER

if TYPE_CHECKING:
    from serving.metrics import Metrics
    from serving.settings import Settings

_SCORES = b"POST /v1/scores "
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})[ \t]*(?:\r\n|$)", re.IGNORECASE)
_ZH = re.compile(rb"\r\naccept-language:[ \t]*zh", re.IGNORECASE)
_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
_ID = b"0" * 32
BURST_SECONDS = 10.0
"""Time after a burst until as large a one is let in again."""


def refusal(lang: str, *, close: bool = False) -> bytes:
    """The answer ``503 overloaded`` as bytes, with `_ID` where the number of the request goes."""
    kind = PROBLEMS["overloaded"]
    title = getattr(kind, lang)
    told = {"type": f"/problems/{kind.code}", "title": title, "status": kind.status, "request_id": _ID.decode()}
    body = canonical_json(told)
    headers: Mapping[str, str] = {
        **{name.decode("ascii"): value.decode("ascii") for name, value in FIXED_HEADERS},
        "Content-Type": MEDIA_TYPE,
        "Content-Length": str(len(body)),
        "Content-Language": lang,
        "Cache-Control": "no-store",
        "Retry-After": RETRY_AFTER[kind.code],
        "X-Request-Id": _ID.decode(),
        **({"Connection": "close"} if close else {}),
    }
    lines = "".join(f"{name.lower()}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {kind.status} Service Unavailable\r\n{lines}\r\n".encode() + body


class Front:
    """What the connections of one server share.

    Attributes:
        now: scores being worked on.
        steady: scores worked on at once while a crowd lasts; above it the answer is 503 before the request is parsed.
        most: the same during a burst. Each score above ``steady`` uses up a place, and places come back slowly.
        connections: most open connections.
        header_seconds: longest time for a header to arrive, s.
        write_seconds: longest time a full buffer of an answer may wait for its reader, s.
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Take the bounds from the settings; what is turned away is counted in ``metrics``."""
        self.now, self.most = 0, settings.max_scores
        self.steady = min(settings.steady_scores, self.most)
        self._places, self._looked_at = float(self.most - self.steady), 0.0
        self.connections = settings.max_in_flight * 4
        self.header_seconds, self.write_seconds = settings.header_timeout, settings.answer_timeout
        self._counter = metrics.requests.labels("POST", "/v1/scores", 503)
        self._refusals = {lang: refusal(lang) for lang in ("en", "zh")}

    def admits(self, at: float) -> bool:
        """True when one more score may be worked on.

        Args:
            at: monotonic time, s.
        """
        if self.now < self.steady:
            return True
        burst = self.most - self.steady
        self._places = min(burst, self._places + (at - self._looked_at) * burst / BURST_SECONDS)
        self._looked_at = at
        if self.now >= self.most or self._places < 1.0:
            return False
        self._places -= 1.0
        return True

    def turned_away(self, head: bytes) -> bytes:
        """The refusal in the caller's language, counted."""
        self._counter.inc()
        return self._refusals["zh" if _ZH.search(head) else "en"].replace(_ID, uuid.uuid4().hex.encode())


async def crowded(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer 503 and close: too many connections are open."""
    head, _, body = refusal("en", close=True).partition(b"\r\n\r\n")
    pairs = [line.partition(b": ") for line in head.split(b"\r\n")[1:]]
    headers = [(name, value) for name, _, value in pairs]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Patient(H11Protocol):
    """uvicorn's protocol with a deadline for headers, one for readers, and an early refusal of scores."""

    front: ClassVar[Front]
    _header_clock: asyncio.TimerHandle | None = None
    _write_clock: asyncio.TimerHandle | None = None
    _counted = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        """As uvicorn makes it; connections are counted here, so that the refusal carries ``Retry-After``."""
        super().__init__(*arguments, **options)
        self.limit_concurrency = None
        self._house = self.app

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock: the first header is awaited from now on."""
        super().connection_made(transport)
        self._watch()

    def data_received(self, data: bytes) -> None:
        """Turn a score away when enough are being worked on, else pass the bytes on."""
        if data.startswith(_SCORES) and self._between_requests():
            if not self.front.admits(self.loop.time()) and self._turn_away(data):
                return
            self.front.now += 1
            self._counted = True
        self.app = crowded if len(self.connections) > self.front.connections else self._house
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Make room for the next score."""
        self._make_room()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clocks."""
        self._make_room()
        for clock in (self._header_clock, self._write_clock):
            if clock is not None:
                clock.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """The reader does not keep up: give it a while."""
        super().pause_writing()
        self._write_clock = self.loop.call_later(self.front.write_seconds, self.transport.abort)

    def resume_writing(self) -> None:
        """The reader took what was waiting."""
        super().resume_writing()
        if self._write_clock is not None:
            self._write_clock.cancel()
            self._write_clock = None

    def _between_requests(self) -> bool:
        return self.conn.states == {h11.CLIENT: h11.IDLE, h11.SERVER: h11.IDLE} and not self.conn.trailing_data[0]

    def _turn_away(self, data: bytes) -> bool:
        """Refuse a request that came whole, without parsing it; False when more of it is to come."""
        head, _, body = data.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is None or len(body) != int(length[1]):
            return False
        self.transport.write(self.front.turned_away(head))
        if self._header_clock is not None:
            self._header_clock.cancel()
            self._header_clock = None
        self._watch()
        return True

    def _make_room(self) -> None:
        if self._counted:
            self._counted = False
            self.front.now -= 1

    def _watch(self) -> None:
        """Let the clock run exactly while a header is awaited; between requests uvicorn's own clock runs."""
        awaited = self.conn.their_state is h11.IDLE and not self.transport.is_closing()
        if awaited and self._header_clock is None:
            self._header_clock = self.loop.call_later(self.front.header_seconds, self._too_late)
        elif not awaited and self._header_clock is not None:
            self._header_clock.cancel()
            self._header_clock = None

    def _too_late(self) -> None:
        self._header_clock = None
        if self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            return
        if self.conn.trailing_data[0]:
            self.transport.write(_LATE)
        self.transport.close()


def protocol(front: Front) -> type[Patient]:
    """The protocol of one server's connections."""
    return type("Patient", (Patient,), {"front": front})
