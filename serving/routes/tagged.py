"""Answers that a caller may keep: a strong tag by digest, and 304 to whoever has them already."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from eco_credit.core.canonical import canonical_json, sha256

KEEP_AND_ASK = "private, no-cache"
"""May be kept, and must be asked for again before each use."""


def has_it(request: Request, tag: str) -> bool:
    """True when ``If-None-Match`` names the tag, weakly compared, or is ``*``."""
    given = ",".join(request.headers.getlist("if-none-match"))
    return any(part.strip().removeprefix("W/") in (tag, "*") for part in given.split(","))


def tagged(request: Request, body: Any, headers: dict[str, str] | None = None) -> Response:
    """Send plain data as canonical JSON with its digest as tag, or 304 when the caller has just that.

    Args:
        request: the request, for its ``If-None-Match``.
        body: plain data.
        headers: further headers.
    """
    data = canonical_json(body)
    told = {"ETag": f'"{sha256(data)}"', "Cache-Control": KEEP_AND_ASK} | (headers or {})
    if has_it(request, told["ETag"]):
        return Response(status_code=304, headers=told)
    return Response(data, headers=told, media_type="application/json")
