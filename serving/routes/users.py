"""``/v1/users``: an administrator keeps the keys of the own tenant, by the functions of ``eco-credit users``."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from eco_credit.core.errors import ContractError
from serving.access import DEMO, Guarded, Permission, Principal, needs, office, who
from serving.access.keys import Key, roles_of
from serving.access.roles import Role
from serving.json_body import read_object
from serving.problems import Problem, violation
from serving.routes.reply import body_of, json_reply
from serving.routes.shapes import read_shape
from serving.routes.user_shapes import EndedLogin, KeyAnswer, KeyList, MadeKey, NewKey, Rotation
from serving.state import State

_NUMBER = re.compile(r"[0-9a-f]{16}")


def build_router(state: State) -> APIRouter:
    """The administrator's routes, on one service."""
    router = APIRouter(tags=["users"], route_class=Guarded)
    _add_list(router, state)
    _add_make(router, state)
    _add_end(router, state)
    return router


def _add_list(router: APIRouter, state: State) -> None:
    @router.get(
        "/v1/users/keys",
        operation_id="keys",
        summary="Keys of the tenant, and logins by the login service",
        response_class=Response,
        responses={200: {"model": KeyList}},
    )
    @needs(Permission.USERS)
    async def keys(request: Request) -> Response:
        """All keys ever made for the caller's tenant, ended ones too; never the keys themselves."""
        return json_reply(await asyncio.to_thread(kept, state, who(request).tenant))


def _add_make(router: APIRouter, state: State) -> None:
    @router.post(
        "/v1/users/keys",
        operation_id="makeKey",
        summary="Make a key for a user",
        status_code=201,
        response_class=Response,
        responses={201: {"model": MadeKey}},
        openapi_extra=body_of("NewKey"),
    )
    @needs(Permission.USERS)
    async def make(request: Request) -> Response:
        """The key is shown in this answer and never again. The same request again makes another key."""
        raw = await read_object(request, state.limits, timeout=state.settings.receive_timeout)
        return json_reply(await make_key(state, request, read_shape(NewKey, raw)), 201)

    @router.post(
        "/v1/users/keys/{key_id}/rotate",
        operation_id="rotateKey",
        summary="Replace a key",
        status_code=201,
        response_class=Response,
        responses={201: {"model": MadeKey}},
        openapi_extra=body_of("Rotation"),
    )
    @needs(Permission.USERS)
    async def rotate(key_id: str, request: Request) -> Response:
        """A new key for the same user and roles; the old one is still taken for the hours of grace."""
        raw = await read_object(request, state.limits, timeout=state.settings.receive_timeout)
        grace = read_shape(Rotation, raw).get("grace_hours", 24)
        return json_reply(await rotate_key(state, request, key_id, grace), 201)


def _add_end(router: APIRouter, state: State) -> None:
    @router.post(
        "/v1/users/keys/{key_id}/revoke",
        operation_id="revokeKey",
        summary="End a key",
        response_class=Response,
        responses={200: {"model": KeyAnswer}},
    )
    @needs(Permission.USERS)
    async def revoke(key_id: str, request: Request) -> Response:
        """From the next request on neither the key nor a login made with it is taken."""
        return json_reply(await revoke_key(state, request, key_id))

    @router.post(
        "/v1/users/logins/{login_id}/end",
        operation_id="endLogin",
        summary="End a login by the login service",
        response_class=Response,
        responses={200: {"model": EndedLogin}},
    )
    @needs(Permission.USERS)
    async def end(login_id: str, request: Request) -> Response:
        """The user can log in again as long as the login service says so."""
        await end_login(state, request, login_id)
        return json_reply({"login_id": login_id, "ended": True})


def kept(state: State, tenant: str) -> dict[str, Any]:
    """Keys and lasting logins of a tenant as they are told.

    Raises:
        StorageUnavailable: they cannot be read.
    """
    book, now, used = state.gate.book, state.clock(), state.gate.uses()
    return {
        "keys": [office.shown(key, now, used) for key in office.listed(book, tenant=tenant)],
        "logins": [office.guest_shown(one) for one in book.guests(tenant, now)],
    }


async def make_key(state: State, request: Request, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Make a key for a user of the caller's tenant.

    Args:
        state: the service.
        request: the request, past the guard.
        asked: ``user``, ``roles`` and perhaps ``expires``.

    Raises:
        Problem: ``forbidden`` where nobody is known.
        ContractError: a field breaks a rule.
        StorageUnavailable: the book cannot be written.
    """
    by, roles = _keeper(request), roles_of(asked["roles"])
    if asked["user"] == by.user and roles != {Role.ADMIN}:
        en, zh = "nobody gives themselves a role: another administrator does", "不得为自己授予角色，请由其他管理员办理"
        raise ContractError([violation("roles", "own", en, zh)])
    made, text = await asyncio.to_thread(
        lambda: office.make(
            state.gate.book, asked["user"], tenant=by.tenant, roles=roles, day=asked.get("expires"), now=state.clock()
        )
    )
    state.gate.note(request, by, Permission.USERS, event="key_made", thing=made.key_id)
    return {"key": text} | _told(state, made)


async def revoke_key(state: State, request: Request, key_id: str) -> dict[str, Any]:
    """End a key of the caller's tenant.

    Raises:
        Problem: ``forbidden`` where nobody is known.
        NoSuchKey: there is none in this tenant.
        KeyEnded: it has ended already.
    """
    by = _keeper(request)
    ended = await asyncio.to_thread(
        lambda: office.revoke(state.gate.book, key_id, tenant=by.tenant, now=state.clock())
    )
    state.gate.note(request, by, Permission.USERS, event="key_revoked")
    return _told(state, ended)


async def rotate_key(state: State, request: Request, key_id: str, grace_hours: int) -> dict[str, Any]:
    """Replace a key of the caller's tenant.

    Raises:
        Problem: ``forbidden`` where nobody is known.
        NoSuchKey: there is none in this tenant.
        KeyEnded: it has ended, or has a successor.
    """
    by = _keeper(request)
    made, text, old = await asyncio.to_thread(
        lambda: office.rotate(
            state.gate.book, key_id, tenant=by.tenant, grace_hours=grace_hours, now=state.clock()
        )
    )
    state.gate.note(request, by, Permission.USERS, event="key_rotated")
    return {"key": text, "replaces": _told(state, old)} | _told(state, made)


async def end_login(state: State, request: Request, login_id: str) -> None:
    """End a login that the login service vouched for.

    Raises:
        Problem: ``forbidden`` where nobody is known; ``not_found`` when there is none in the caller's tenant.
    """
    by = _keeper(request)
    if not _NUMBER.fullmatch(login_id) or not await asyncio.to_thread(
        state.gate.book.end_guest, by.tenant, login_id
    ):
        raise Problem("not_found")
    state.gate.note(request, by, Permission.USERS, event="login_ended")


def _told(state: State, key: Key) -> dict[str, Any]:
    return office.shown(key, state.clock(), state.gate.uses())


def _keeper(request: Request) -> Principal:
    """The administrator who acts. Where nobody logs in, no key is made: it would outlast the open door."""
    by = who(request)
    if by is DEMO:
        raise Problem("forbidden")
    return by
