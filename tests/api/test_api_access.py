"""Deny by default: every route says who may call it, and nobody else may."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_service import Client, Ticking
from fastapi import APIRouter

from serving.access import DEMO, PERMISSIONS, Guarded, Permission, Principal, Role
from serving.app import create_app
from serving.settings import Settings

ROOT = Path(__file__).parents[2]
OPEN_TO_ALL = {
    *("/livez", "/readyz", "/metrics", "/problems/{code}", "/openapi.json", "/static/{name}", "/login", "/logout"),
    *("/v2/health/live", "/v2/health/ready", "/favicon.ico"),
}


def routes_of(routes: Iterable[Any]) -> Iterator[Any]:
    """All routes, those of included routers too; anything that hides its routes fails the caller."""
    for route in routes:
        inner = getattr(route, "original_router", None)
        yield from routes_of(inner.routes) if inner is not None else [route]


def test_every_route_declares_who_may_call_it(settings: Settings) -> None:
    routes = list(routes_of(create_app(Settings(access="open", home=settings.home)).routes))
    assert len(routes) > 15
    for route in routes:
        declared = getattr(route, "permission", None)
        assert (declared is None) == (route.path in OPEN_TO_ALL), route.path
        assert isinstance(route, Guarded), route.path


def test_a_route_that_does_not_declare_cannot_be_made() -> None:
    router = APIRouter(route_class=Guarded)
    with pytest.raises(TypeError, match="say who may call it"):
        router.get("/anything")(lambda: None)


def test_without_a_demo_nobody_comes_in_unknown(settings: Settings) -> None:
    closed = Settings(home=settings.home, access="keys")
    with Client(create_app(closed, clock=Ticking())) as client:
        refused = client.get("/v1/rules", accept_language="zh")
        assert (refused.status_code, refused.json()["type"]) == (401, "/problems/unauthenticated")
        assert refused.headers["WWW-Authenticate"] == "Bearer"
        # the busiest route has a way of its own through the framework, and the same guard
        assert client.post("/v1/scores", b"{}").status_code == 401
        assert client.get("/livez").status_code == 200


def test_an_auditor_reads_and_an_admin_sees_no_case_and_moves_no_model() -> None:
    assert {Permission.CASES, Permission.AUDIT} <= PERMISSIONS[Role.AUDITOR]
    assert not PERMISSIONS[Role.AUDITOR] & {Permission.SCORE, Permission.OUTCOME, Permission.PROMOTE, Permission.USERS}
    assert not PERMISSIONS[Role.ADMIN] & {Permission.CASES, Permission.PROMOTE, Permission.PROPOSE, Permission.AUDIT}


def test_a_caller_without_roles_may_do_nothing_and_the_demo_everything() -> None:
    nobody = Principal("bank", "n", frozenset())
    assert not any(nobody.may(one) for one in Permission)
    assert all(DEMO.may(one) for one in Permission)


def test_no_route_looks_into_the_log_by_itself() -> None:
    """What is read by an identifier goes through `serving.decide`, which asks who reads."""
    harmless = {"writable", "full", "waiting", "sound", "seals"}  # of the log as a whole
    rooms = [ROOT / "serving" / room for room in ("routes", "web")]
    asked = {
        f"{path.name}: {name}"
        for room in rooms
        for path in room.rglob("*.py")
        for name in re.findall(r"\bjournal\.(\w+)", path.read_text("utf-8"))
        if name not in harmless
    }
    assert asked == set()
