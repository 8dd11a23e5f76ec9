"""The administrator's page: who holds a key of this tenant, make one, replace one, end one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from eco_credit.core.errors import ContractError, EcoCreditError
from serving.access import DEMO, Permission, Role, needs, who
from serving.access.office import NoSuchKey
from serving.problems import Problem, from_error
from serving.routes.users import end_login, kept, make_key, revoke_key, rotate_key
from serving.web.body import FormRefused, read_body
from serving.web.desk import at_the_desk, today_at
from serving.web.pages import Page

if TYPE_CHECKING:
    from serving.state import State

_HOURS = re.compile(r"[0-9]{1,3}")
_DONE = frozenset({"revoked", "login_ended"})
GRACES = (0, 1, 24, 168)
"""Hours of grace the page offers."""


def add_users(router: APIRouter, state: State) -> None:
    """Add ``/users`` and its forms; they do what ``/v1/users`` does."""

    @router.get("/users")
    @needs(Permission.USERS)
    async def users(request: Request) -> Response:
        done = request.query_params.get("done", "")
        return await _drawn(state, Page.of(request, demo=state.demo), done=done if done in _DONE else "")

    @router.post("/users")
    @needs(Permission.USERS)
    async def make(request: Request) -> Response:
        return await _acted(state, request, "make", "")

    @router.post("/users/keys/{key_id}/rotate")
    @needs(Permission.USERS)
    async def rotate(request: Request, key_id: str) -> Response:
        return await _acted(state, request, "rotate", key_id)

    @router.post("/users/keys/{key_id}/revoke")
    @needs(Permission.USERS)
    async def revoke(request: Request, key_id: str) -> Response:
        return await _acted(state, request, "revoke", key_id)

    @router.post("/users/logins/{login_id}/end")
    @needs(Permission.USERS)
    async def end(request: Request, login_id: str) -> Response:
        return await _acted(state, request, "end", login_id)


async def _acted(state: State, request: Request, act: str, number: str) -> Response:
    """Do what a form asks for, or say why nothing was done."""
    page = Page.of(request, demo=state.demo)
    raw: Mapping[str, str] = {}
    try:
        raw = await read_body(request)
        if who(request) is DEMO:
            return page.notice(page.t("users.refused"), page.t("users.demo"), status=403)
        return await _done(state, page, act, number, raw)
    except FormRefused as refusal:
        return page.notice(page.t("notice.refused"), page.t(refusal.key), status=refusal.status)
    except NoSuchKey:
        return page.missing()
    except Problem as problem:
        if problem.kind.status == 404:
            return page.missing()
        raise
    except ContractError as error:
        said = [getattr(one, page.lang) for one in error.violations]
        return await _drawn(state, page, refused=said, raw=raw, status=from_error(error).kind.status)
    except EcoCreditError as error:
        return page.notice(page.t("notice.unavailable"), getattr(error, page.lang), status=503)


async def _done(state: State, page: Page, act: str, number: str, raw: Mapping[str, str]) -> Response:
    """Do it; a new key is shown in this answer and in no other."""
    if act == "make":
        roles = [role.value for role in Role if raw.get(f"role.{role.value}")]
        asked = {"user": raw.get("user", "").strip(), "roles": roles, "expires": raw.get("expires") or None}
        return await _drawn(state, page, made=await make_key(state, page.request, asked))
    if act == "rotate":
        hours = raw.get("grace_hours", "")
        grace = int(hours) if _HOURS.fullmatch(hours) else -1
        return await _drawn(state, page, made=await rotate_key(state, page.request, number, grace))
    if act == "revoke":
        await revoke_key(state, page.request, number)
        return RedirectResponse(f"/users?lang={page.lang}&done=revoked", 303)
    await end_login(state, page.request, number)
    return RedirectResponse(f"/users?lang={page.lang}&done=login_ended", 303)


async def _drawn(
    state: State,
    page: Page,
    *,
    done: str = "",
    made: Mapping[str, Any] | None = None,
    refused: list[str] | None = None,
    raw: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    """The page; keys that are taken come first, the newest before the older."""
    by = who(page.request)
    found = await asyncio.to_thread(kept, state, by.tenant)
    now = state.clock()
    keys = sorted((_row(one, now) for one in reversed(found["keys"])), key=lambda row: not row["live"])
    logins = [one | {name: at_the_desk(one[name]) for name in ("made_at", "ends_at")} for one in found["logins"]]
    return page.draw(
        "users.html.j2",
        status=status,
        keys=keys,
        logins=logins,
        sso=state.gate.oidc is not None,
        roles=[role.value for role in Role],
        graces=GRACES,
        tomorrow=str(today_at(now) + timedelta(days=1)),
        tenant=by.tenant,
        done=done,
        made=made,
        refused=refused or [],
        raw=raw or {},
        reader_is_demo=by is DEMO,
    )


def _row(key: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A key as the table shows it; one whose successor is there already may still be taken for a while."""
    times = {name: at_the_desk(key[name]) if key[name] else "" for name in ("made_at", "ends_at", "last_used_at")}
    live = key["state"] == "live"
    return dict(key) | times | {"live": live, "replaceable": live and key["ends_by"] != "rotated"}

