"""Finding out who calls: by key, by token, or by a login on the web page."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection, Request

from serving.access import log
from serving.access.failures import Failures
from serving.access.keybook import KeyBook, book_of
from serving.access.keys import Key, digest_of, key_id_of
from serving.access.origin import UNSAFE, from_here, over_network, peer_of, same_origin
from serving.access.principal import DEMO, Principal
from serving.access.roles import Permission
from serving.access.tokens import MAX_TOKEN, TokenRefused, Tokens
from serving.problems import Problem

if TYPE_CHECKING:
    from serving.state import State

_MOST_WELCOME = 10_000
_NOBODY = Key("", "0" * 64, "", "", frozenset(), datetime(2000, 1, 1, tzinfo=UTC))
"""Compared with where a key is not known, so that an answer takes the same time."""


def _unknown() -> Problem:
    return Problem("unauthenticated", headers={"WWW-Authenticate": "Bearer"})


@dataclass(frozen=True, slots=True)
class Login:
    """A login on the web page: the secret for the cookie, and how long it lasts, seconds."""

    token: str
    seconds: int


class Gate:
    """Knows the callers of one service; a demo has one, who needs no login and sits at this machine."""

    def __init__(self, state: State, book: KeyBook | None = None) -> None:
        """Stand before the service ``state``; the keys are those of ``book``, or of the store.

        Raises:
            ContractError: the keys of the token issuer are refused.
        """
        settings = state.settings.login
        self._state = state
        self._book: KeyBook = book or book_of(state.settings)
        self._tokens = Tokens(settings)
        self._failures = Failures(settings.failed_logins_per_minute)
        self._welcome: set[str] = set()
        self._keys: Mapping[str, Key] = {}
        self._lock = threading.Lock()
        self._log_key: bytes | None = None

    # ---- callers -------------------------------------------------------------------------------

    async def principal(self, connection: HTTPConnection) -> Principal:
        """Who calls.

        Raises:
            Problem: ``unauthenticated`` (401), or ``too_many_logins`` (429).
            StorageUnavailable: the keys cannot be read.
        """
        if self.open_to(connection):
            return DEMO
        given = connection.headers.getlist("authorization")
        if given:
            scheme, _, text = given[0].partition(" ")
            if len(given) > 1 or scheme.lower() != "bearer":
                raise _unknown()
            return await self._checked(connection, text.strip())
        # The API takes no cookie: a browser sends one by itself, a program sends a key on purpose.
        if connection.scope["path"].startswith("/v1/"):
            raise _unknown()
        return await self._visitor(connection)

    def open_to(self, connection: HTTPConnection) -> bool:
        """True when this caller needs no login: an open service, called from its own machine."""
        return self._state.open_to_all and from_here(connection)

    async def _checked(self, connection: HTTPConnection, text: str) -> Principal:
        """The holder of a key or token; a peer that was refused too often waits, unless it got in with this before.

        The exception lets the others in while one behind the same proxy guesses.
        """
        mark = digest_of(text)
        if mark not in self._welcome and self._failures.too_many(peer_of(connection)):
            raise Problem("too_many_logins")
        found = await self._holder(text)
        if found is None:
            self._failures.add(peer_of(connection))
            raise _unknown()
        if len(self._welcome) >= _MOST_WELCOME:
            self._welcome.clear()
        self._welcome.add(mark)
        return found

    async def _holder(self, text: str) -> Principal | None:
        if text.startswith("eck_"):
            key = await self._key(text)
            return None if key is None else key.principal
        try:
            return self._tokens.principal(text, self._state.clock())
        except TokenRefused:
            return None

    async def _key(self, text: str) -> Key | None:
        """The live key that a text is."""
        key_id = key_id_of(text)
        if key_id is None:
            return None
        key = (await self._current()).get(key_id, _NOBODY)
        return key if key.opened_by(text) and key.live(self._state.clock()) else None

    async def _current(self) -> Mapping[str, Key]:
        """All keys, read again off the event loop when they have changed."""
        if not self._book.fresh():
            await asyncio.to_thread(self._read)
        return self._keys

    def _read(self) -> None:
        with self._lock:  # of many requests that see the change, one reads
            if not self._book.fresh():
                self._keys = self._book.read()

    def refresh(self) -> None:
        """Look whether the keys of the token issuer changed; meant for the service's own round."""
        self._tokens.refresh()

    def close(self) -> None:
        """Let go of the keys; meant for the end of the service."""
        self._book.close()

    # ---- logins on the web page ----------------------------------------------------------------

    async def _visitor(self, connection: HTTPConnection) -> Principal:
        """Who is logged in on the web page."""
        token = self._cookie(connection)
        if token is None:
            raise _unknown()
        if connection.scope.get("method") in UNSAFE and not same_origin(connection):
            raise Problem("forbidden")
        now = self._state.clock()
        key_id = await asyncio.to_thread(self._book.session, token, now)
        key = (await self._current()).get(key_id or "")
        if key is None or not key.live(now):
            raise _unknown()
        return key.principal

    async def log_in(self, request: Request, text: str) -> Login:
        """Begin a login with a key; it ends with the key, and after the hours of a working day.

        Raises:
            Problem: ``unauthenticated``, or ``too_many_logins``.
        """
        if len(text) > MAX_TOKEN or key_id_of(text) is None:
            text = "eck_"
        by = await self._checked(request, text)
        key, now = self._keys[by.key_id or ""], self._state.clock()
        until = now + timedelta(minutes=self._state.settings.login.session_minutes)
        until = until if key.ends_at is None else min(until, key.ends_at)
        await self.log_out(request)  # whoever was logged in here before is not any more
        token = secrets.token_urlsafe(32)
        await asyncio.to_thread(self._book.open_session, token, key.key_id, now=now, until=until)
        return Login(token, int((until - now).total_seconds()))

    async def log_out(self, request: Request) -> None:
        """End the login of a request, if there is one."""
        token = self._cookie(request)
        if token is not None and same_origin(request):
            await asyncio.to_thread(self._book.close_session, token)

    def cookie_name(self, connection: HTTPConnection) -> str:
        """Name of the cookie; over a network a browser takes it only with TLS and for this host alone."""
        return "__Host-eco_credit" if over_network(connection) else "eco_credit"

    def _cookie(self, connection: HTTPConnection) -> str | None:
        token = connection.cookies.get(self.cookie_name(connection), "")
        return token if 0 < len(token) <= MAX_TOKEN else None

    # ---- who read what -------------------------------------------------------------------------

    @cached_property
    def _logger(self) -> Any:
        """Made when the first line is due, or by `warm`."""
        return log.access_logger()

    def warm(self) -> None:
        """Make ready what the first reading needs; meant for the service's own round, once it is ready."""
        if not self._state.open_to_all:
            _ = self._logger

    def note(self, request: Request, by: Principal, permission: Permission, *, event: str = "read") -> None:
        """Leave a line about a reading before anything is shown; the demo has nobody to name.

        Raises:
            StorageUnavailable: the line cannot be made, so nothing may be shown.
        """
        if by is DEMO:
            return
        if self._log_key is None:
            self._log_key = log.log_key(self._state.settings.home)
        thing = next(iter(request.path_params.values()), None)
        self._logger.info(
            event,
            at=self._state.clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            request_id=request.scope["state"]["request_id"],
            method=request.method,
            route=str(getattr(request.scope.get("route"), "path", "unmatched")),
            permission=permission.value,
            tenant=by.tenant,
            roles=sorted(by.roles),
            key_id=by.key_id,
            caller=log.caller_of(self._log_key, by),
            object=None if thing is None else log.hashed(self._log_key, str(thing)),
        )
