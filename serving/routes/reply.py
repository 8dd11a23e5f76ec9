"""Sending plain data and stored bytes; declaring bodies in the API description."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from eco_credit.core.canonical import canonical_json
from serving.audit import Recorded
from serving.decide import key_of
from serving.state import State


def json_reply(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Send plain data as canonical JSON."""
    return Response(canonical_json(body), status, headers, media_type="application/json")


def stored_reply(recorded: Recorded, *, status: int, location: str) -> Response:
    """Send the stored answer, byte for byte, with the status it had; a repeated one is marked."""
    headers = {"Location": location, "X-Eco-Credit-Sequence": str(recorded.sequence)}
    if recorded.repeated:
        headers["Idempotent-Replayed"] = "true"
    return Response(recorded.entry.answer, status, headers, media_type="application/json")


def not_modified(request: Request, etag: str) -> bool:
    """True when the caller has this version already (``If-None-Match``)."""
    given = request.headers.get("if-none-match", "")
    return given.strip() == "*" or etag in [one.strip().removeprefix("W/") for one in given.split(",")]


def idempotency_key(request: Request, state: State) -> str | None:
    """The caller's key; only a service on the demo store or a synthetic model does without one."""
    return key_of(request.headers.getlist("idempotency-key"), required=state.key_required)


def body_of(*schemas: str, keyed: bool = False) -> dict[str, Any]:
    """Describe a JSON body by the names of the schemas it may follow, and the key header."""
    refs = [{"$ref": f"#/components/schemas/{name}"} for name in schemas]
    schema = refs[0] if len(refs) == 1 else {"oneOf": refs}
    described: dict[str, Any] = {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
    if keyed:
        about = "Same key and body: the stored answer again; another body: 409. Required unless the service is a demo."
        pattern = {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,128}$"}
        described["parameters"] = [
            {"name": "Idempotency-Key", "in": "header", "required": False, "description": about, "schema": pattern}
        ]
    return described
