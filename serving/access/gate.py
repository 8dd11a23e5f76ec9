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

from eco_credit.core.errors import StorageUnavailable
from serving.access import log
from serving.access.failures import Failures
from serving.access.flow import Flow
from serving.access.keybook import SqlKeyBook, book_of
from serving.access.keys import Key, digest_of, key_id_of
from serving.access.oidc import LoginRefused, Oidc
from serving.access.origin import UNSAFE, from_here, over_network, peer_of, same_origin
from serving.access.principal import DEMO, Principal
from serving.access.roles import Permission
from serving.access.tokens import MAX_TOKEN, TokenRefused, Tokens
from serving.problems import Problem

if TYPE_CHECKING:
    from serving.state import State

_MOST_WELCOME = 10_000
_API = ("/v1/", "/v2")
_NOTE_AFTER = timedelta(hours=1)
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

    def __init__(self, state: State, book: SqlKeyBook | None = None) -> None:
        """Stand before the service ``state``; the keys are those of ``book``, or of the store.

        Raises:
            ContractError: the keys of the token issuer, or the settings of the login service, are refused.
        """
        settings = state.settings.login
        self._state = state
        self.book = book or book_of(state.settings)
        self._tokens = Tokens(settings)
        self.oidc = None if settings.oidc_issuer is None else Oidc(settings, state.settings.home)
        self._failures = Failures(settings.failed_logins_per_minute)
        self._used: dict[str, datetime] = {}
        self._noted: dict[str, datetime] = {}
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
        if connection.scope["path"].startswith(_API):
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
        key, now = (await self._current()).get(key_id, _NOBODY), self._state.clock()
        if not key.opened_by(text) or not key.live(now):
            return None
        self._used[key_id] = now
        return key

    async def _current(self) -> Mapping[str, Key]:
        """All keys, read again off the event loop when they have changed."""
        if not self.book.fresh():
            await asyncio.to_thread(self._read)
        return self._keys

    def _read(self) -> None:
        with self._lock:  # of many requests that see the change, one reads
            if not self.book.fresh():
                self._keys = self.book.read()

    def refresh(self) -> None:
        """Look whether the keys of the token issuer changed, note uses; meant for the service's own round."""
        self._tokens.refresh()
        self._note_uses()

    def _note_uses(self, *, all_of_them: bool = False) -> None:
        """Note about when keys were used: an hour apart at least, since each note makes every service read again."""
        due = {
            key_id: at
            for key_id, at in list(self._used.items())
            if key_id not in self._noted
            or (at > self._noted[key_id] if all_of_them else at - self._noted[key_id] >= _NOTE_AFTER)
        }
        if not due:
            return
        try:
            self.book.note_uses(due)
        except StorageUnavailable:
            return  # nobody is turned away for it; the next round tries again
        self._noted |= due

    def uses(self) -> Mapping[str, datetime]:
        """When keys were last used: as this process knows it, and about as others noted it.

        Raises:
            StorageUnavailable: what others noted cannot be read.
        """
        noted = dict(self.book.uses())
        return noted | {key_id: max(at, noted.get(key_id, at)) for key_id, at in list(self._used.items())}

    def close(self) -> None:
        """Let go of the keys; meant for the end of the service."""
        self._note_uses(all_of_them=True)
        self.book.close()
        if self.oidc is not None:
            self.oidc.close()

    # ---- logins on the web page ----------------------------------------------------------------

    async def _visitor(self, connection: HTTPConnection) -> Principal:
        """Who is logged in on the web page."""
        token = self._cookie(connection)
        if token is None:
            raise _unknown()
        if connection.scope.get("method") in UNSAFE and not same_origin(connection):
            raise Problem("forbidden")
        now = self._state.clock()
        issuer = self._state.settings.login.oidc_issuer
        found = await asyncio.to_thread(self.book.visitor, token, now, issuer)
        if isinstance(found, Principal):
            return found
        key = (await self._current()).get(found or "")
        if key is None or not key.live(now):
            raise _unknown()
        self._used[key.key_id] = now
        return key.principal

    async def log_in(self, request: Request, text: str) -> Login:
        """Begin a login with a key; it ends with the key, and after the hours of a working day.

        Raises:
            Problem: ``unauthenticated``, or ``too_many_logins``.
            StorageUnavailable: it cannot be kept, or no line about it can be left.
        """
        if len(text) > MAX_TOKEN or key_id_of(text) is None:
            text = "eck_"
        by = await self._checked(request, text)
        key, now = self._keys[by.key_id or ""], self._state.clock()
        until = now + timedelta(minutes=self._state.settings.login.session_minutes)
        until = until if key.ends_at is None else min(until, key.ends_at)
        self.note(request, by, Permission.CATALOGUE, event="login")
        await self.log_out(request)  # whoever was logged in here before is not any more
        token = secrets.token_urlsafe(32)
        await asyncio.to_thread(self.book.open_session, token, key.key_id, now=now, until=until)
        return Login(token, int((until - now).total_seconds()))

    async def admit_guest(self, request: Request, by: Principal) -> Login:
        """Begin a login that the login service vouched for; it lasts for the hours of a working day.

        Raises:
            StorageUnavailable: it cannot be kept, or no line about it can be left.
        """
        self.note(request, by, Permission.CATALOGUE, event="login")
        now, minutes = self._state.clock(), self._state.settings.login.session_minutes
        token, until = secrets.token_urlsafe(32), now + timedelta(minutes=minutes)
        issuer = str(self._state.settings.login.oidc_issuer)
        await asyncio.to_thread(
            lambda: self.book.open_guest(token, by, issuer=issuer, now=now, until=until)
        )
        return Login(token, minutes * 60)

    async def use_state(self, flow: Flow) -> None:
        """Let a login that the login service vouched for begin once, by whichever process of the service it reaches.

        Raises:
            LoginRefused: ``used``.
        """
        now = self._state.clock()
        if not await asyncio.to_thread(lambda: self.book.use_state(flow.state, now=now, until=flow.ends)):
            raise LoginRefused("used")

    async def log_out(self, request: Request) -> bool:
        """End the login of a request, if there is one; True when the login service had vouched for it."""
        token = self._cookie(request)
        if token is None or not same_origin(request):
            return False
        return await asyncio.to_thread(self.book.close_session, token)

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

    def note(
        self, request: Request, by: Principal, permission: Permission, *, event: str = "read", thing: str | None = None
    ) -> None:
        """Leave a line about a reading before anything is shown, or about an act; the demo has nobody to name.

        Args:
            request: the request.
            by: the caller.
            permission: what let the caller in, or would have.
            event: ``read``, ``forbidden``, or what was done.
            thing: what it was done to, when the path does not say it.

        Raises:
            StorageUnavailable: the line cannot be made, so nothing may be shown.
        """
        if by is DEMO:
            return
        if self._log_key is None:
            self._log_key = log.log_key(self._state.settings.home)
        thing = thing or next(iter(request.path_params.values()), None)
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
