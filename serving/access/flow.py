"""One way to the login service and back, kept in a signed cookie and nowhere else."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

FLOW_SECONDS = 600
"""Longest time between going to the login service and coming back, seconds."""
_MOST_COOKIE = 2000


@dataclass(frozen=True, slots=True)
class Flow:
    """One way to the login service and back.

    Attributes:
        state: random text that goes there and must come back.
        going: own path to go on to.
        lang: language of the reader.
        back: address the browser is sent back to.
        begun: when, seconds since 1970 UTC.
    """

    state: str
    going: str
    lang: str
    back: str
    begun: int

    @property
    def ends(self) -> datetime:
        """The moment from which it is over."""
        return datetime.fromtimestamp(self.begun, UTC) + timedelta(seconds=FLOW_SECONDS)


class Seal:
    """Makes and opens the cookie of a flow, and the marks that only this service can make."""

    def __init__(self, key: bytes) -> None:
        """Seal with a secret of 32 bytes."""
        self._key = key

    def mark(self, what: str, text: str) -> str:
        """A keyed mark (HMAC-SHA-256) of a text for one purpose, 43 characters."""
        return _written(hmac.digest(self._key, f"{what}\n{text}".encode(), "sha256"))

    def sealed(self, flow: Flow) -> str:
        """The value of the cookie."""
        body = _written(json.dumps(asdict(flow)).encode())
        return f"{body}.{self.mark('cookie', body)}"

    def opened(self, cookie: str, now: datetime) -> Flow | None:
        """The flow in a cookie, or None when it is not ours or its time is over."""
        body, _, mark = cookie.partition(".")
        if len(cookie) > _MOST_COOKIE or not cookie.isascii():
            return None
        if not hmac.compare_digest(self.mark("cookie", body), mark):
            return None
        flow = Flow(**json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4))))
        return flow if 0 <= now.timestamp() - flow.begun < FLOW_SECONDS else None


def _written(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()
