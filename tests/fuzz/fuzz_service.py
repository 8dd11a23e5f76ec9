"""Requests built from good ones and spoiled, sent to the application in process; what comes back is counted."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from fuzz_mutations import NASTY, spoiled_bytes, spoiled_tree, written

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
KINDS = ("forest_right", "water_right", "order")
JSON = b"application/json"
FORM = b"application/x-www-form-urlencoded"
Headers = list[tuple[bytes, bytes]]
HEADERS = tuple(b"content-type accept-language x-request-id authorization cookie if-none-match accept".split())
POSTS = ("/v1/scores", "/v1/scores", "/v1/appraisals", "/v1/appraisals/report", "/v1/gep/accounts")
GETS = (
    *("/v1/rules", "/v1/models", "/v1/models/shadow", "/v1/contracts/application", "/v1/decisions", "/v1/audit/chain"),
    *("/", "/decisions", "/apply/forest_right", "/apply/order", "/papers/order", "/login", "/static/desk.css"),
    *("/openapi.json", "/livez", "/readyz", "/metrics", "/problems/contract", "/v2", "/v2/models/eco-credit"),
)
NAMES = (
    *("lang", "day", "prefix", "decision_id", "after", "limit", "example", "amount_wan", "term_months"),
    *("since", "until", "kind", "recommendation", "text", "x"),
)
VALUES = (
    *("zh", "en", "2026-11-23", "2026-02-30", "credit.", "1", "0", "-1", "300", "999999", "approve", "forest_right"),
)
PLAIN: Headers = [(b"host", b"127.0.0.1")]


@dataclass(frozen=True, slots=True)
class Sent:
    """One request."""

    method: str
    path: str
    query: bytes = b""
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass
class Tally:
    """What came back, and every request that was answered by a fault of the service."""

    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[tuple[Sent, str]] = field(default_factory=list)

    def count(self, sent: Sent, status: int | None, why: str = "") -> None:
        """Count one answer; None is an exception that left the application or no answer at all."""
        self.statuses[status or 0] += 1
        if status is None or status >= 500:
            self.faults.append((sent, why or str(status)))


def seeds() -> dict[str, Any]:
    """A good application of each kind."""
    return {kind: json.loads((EXAMPLES / f"{kind}.json").read_text(encoding="utf-8")) for kind in KINDS}


class Maker:
    """Makes spoiled requests, the same ones for the same seed."""

    def __init__(self, seed: int, ids: list[str]) -> None:
        """Draw everything from ``seed``; ``ids`` are decisions that exist."""
        self.chance, self.ids, self.good = random.Random(seed), ids, seeds()
        self.makers: list[Callable[[], Sent]] = [
            *[self._post_json] * 4, *[self._get] * 2, self._form, self._outcome, self._anything,
        ]  # fmt: skip

    def __call__(self) -> Sent:
        """The next request."""
        return self.chance.choice(self.makers)()

    def _body(self, tree: Any) -> bytes:
        pick = self.chance.random()
        if pick < 0.05:
            return written(tree)
        if pick < 0.6:
            return written(spoiled_tree(tree, self.chance))
        return spoiled_bytes(written(tree), self.chance)

    def _headers(self, media: bytes = JSON) -> tuple[tuple[bytes, bytes], ...]:
        given: Headers = [*PLAIN, (b"content-type", media)]
        if self.chance.random() < 0.3:
            given.append((b"idempotency-key", self._text(40).encode("utf-8", "surrogatepass")))
        if self.chance.random() < 0.1:
            given.append((self.chance.choice(HEADERS), spoiled_bytes(b"zh;q=0.5,en", self.chance)))
        return tuple(given)

    def _text(self, most: int) -> str:
        nasty = [one for one in NASTY if isinstance(one, str)]
        return str(self.chance.choice(nasty))[:most] if self.chance.random() < 0.3 else f"k-{self.chance.randrange(50)}"

    def _tree(self) -> tuple[str, Any]:
        raw = self.good[self.chance.choice(KINDS)]
        path = self.chance.choice(POSTS)
        if path == "/v1/gep/accounts":
            row = {"service": "water_supply", "amount": 10.0, "unit": "m3", "price": 1.0}
            return path, {"norm": "norm-2022", "year": 2024, "rows": [row] * self.chance.randint(1, 3)}
        if path == "/v1/appraisals" and self.chance.random() < 0.5:
            return path, {"as_of": raw["as_of"], "term_months": 12, "pledge": raw["pledges"][0]}
        return path, raw

    def _post_json(self) -> Sent:
        path, tree = self._tree()
        query = self._query() if self.chance.random() < 0.1 else b""
        return Sent("POST", path, query, self._body(tree), self._headers())

    def _query(self) -> bytes:
        pairs = [(self.chance.choice(NAMES), self._value()) for _ in range(self.chance.randint(0, 3))]
        raw = urlencode(pairs, errors="surrogatepass").encode()
        return spoiled_bytes(raw, self.chance) if self.chance.random() < 0.2 else raw

    def _value(self) -> str:
        return self.chance.choice(VALUES) if self.chance.random() < 0.6 else str(self.chance.choice(NASTY))[:200]

    def _get(self) -> Sent:
        known = self.chance.choice(self.ids)
        of_known = [f"/decisions/{known}{end}" for end in ("", "/memo", "/appraisal", "/sheet")]
        path = self.chance.choice((f"/v1/decisions/{known}", *of_known, *GETS))
        if self.chance.random() < 0.4:
            path = spoiled_bytes(path.encode(), self.chance).decode("latin-1")
        return Sent("GET", path, self._query(), b"", self._headers())

    def _form(self) -> Sent:
        kind = self.chance.choice(KINDS)
        pairs = [(f"pledges[0].{name}", str(value)) for name, value in self.good[kind]["pledges"][0].items()]
        pairs += [(name, str(value)) for name, value in self.good[kind].items() if not isinstance(value, dict | list)]
        for _ in range(self.chance.randint(1, 4)):
            at = self.chance.randrange(len(pairs))
            pairs[at] = (pairs[at][0], self._value())
        raw = urlencode(pairs, errors="surrogatepass").encode()
        body = spoiled_bytes(raw, self.chance) if self.chance.random() < 0.3 else raw
        return Sent("POST", f"/apply/{kind}", b"lang=zh", body, self._headers(FORM))

    def _outcome(self) -> Sent:
        about, corrects = self.chance.choice(self.ids), self.chance.choice(self.ids)
        tree = {"decision": "approve", "amount": 1.0, "reason": "x", "user": "u", "corrects": corrects}
        return Sent("POST", f"/v1/decisions/{about}/outcome", b"", self._body(tree), self._headers())

    def _anything(self) -> Sent:
        method = self.chance.choice(("GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "POST", "\u00ff"))
        path = "/" + quote(self._text(60), errors="surrogatepass") if self.chance.random() < 0.5 else "/v1/scores"
        return Sent(method, path, self._query(), spoiled_bytes(b"{}", self.chance), self._headers())


async def send(app: Any, sent: Sent) -> tuple[int | None, str]:
    """Send one request to an ASGI application in process.

    Returns:
        Status and nothing, or None and the class of what went wrong.
    """
    parts = [sent.body[at : at + 65_536] for at in range(0, len(sent.body), 65_536)] or [b""]
    status: list[int] = []
    ended: list[bool] = []

    async def receive() -> dict[str, Any]:
        if parts:
            return {"type": "http.request", "body": parts.pop(0), "more_body": bool(parts)}
        return {"type": "http.disconnect"}

    async def take(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])
        ended.append(message["type"] == "http.response.body" and not message.get("more_body"))

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": sent.method, "scheme": "http",
        "path": sent.path, "raw_path": sent.path.encode("latin-1", "replace"), "query_string": sent.query,
        "root_path": "", "headers": list(sent.headers), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        "state": {},
    }  # fmt: skip
    try:
        await asyncio.wait_for(app(scope, receive, take), 60)
    except Exception as error:  # whatever leaves the application is what is looked for
        return None, type(error).__name__
    return (status[0], "") if status and ended and ended[-1] else (None, "no answer")
