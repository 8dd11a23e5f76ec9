"""Logging in on the web page by the bank's login service: OpenID Connect, authorization code with PKCE.

Between going there and coming back everything is in one signed cookie of ten minutes; nonce and PKCE proof are made
from its state with a secret of the store, so that nobody else can choose or read them.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import jwt

from serving.access.flow import Flow, Seal
from serving.access.issuer import SECONDS, CodeRefused, Issuer, IssuerAway, Metadata
from serving.access.log import secret_of
from serving.access.oidc_settings import check, client_secret
from serving.access.principal import Principal
from serving.access.settings import LoginSettings
from serving.access.tokens import MAX_TOKEN, TokenRefused, caller_of, in_time

log = logging.getLogger("eco_credit.serving")

_MOST_CODE = 2000
_AT_ONCE, _WAITING = 4, 16
_MOST_STATES = 10_000
"""States that came back are remembered here, so that nobody can write into the key book before a login is good."""
_LONGEST = 86_400.0
_PLAIN = re.compile(r"[a-z_]{1,40}")
_Result = TypeVar("_Result")


class LoginRefused(Exception):
    """No login came of it.

    Attributes:
        why: ``state``, ``used``, ``cancelled``, ``token``, ``nobody``, ``role`` or ``away``.
    """

    def __init__(self, why: str) -> None:
        """Say why in one word."""
        super().__init__(why)
        self.why = why


class Oidc:
    """Logins by the login service of the settings."""

    def __init__(self, settings: LoginSettings, home: Path) -> None:
        """Check the settings; the login service is asked nothing before somebody wants to log in.

        Raises:
            ContractError: a setting is missing or would weaken the login, or the extra ``oidc`` is not installed.
        """
        check(settings)
        self._settings, self._home = settings, home
        self.issuer = Issuer(settings)
        self._threads = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="login")
        self._waiting = 0
        self._came: OrderedDict[str, None] = OrderedDict()

    # ---- there ---------------------------------------------------------------------------------

    async def begin(self, *, back: str, going: str, lang: str, now: datetime) -> tuple[str, str]:
        """Begin a login.

        Args:
            back: address the browser is sent back to.
            going: own path to go on to afterwards.
            lang: language of the reader.
            now: the moment.

        Returns:
            address to send the browser to, and the value of the cookie that goes with it.

        Raises:
            LoginRefused: ``away``.
        """
        flow = Flow(secrets.token_urlsafe(32), going, lang, back, int(now.timestamp()))
        return await self._run(self._address, flow), self._seal.sealed(flow)

    def _address(self, flow: Flow) -> str:
        address, _ = self._client(flow).create_authorization_url(
            self.issuer.metadata().authorize,
            state=flow.state,
            nonce=self._seal.mark("nonce", flow.state),
            code_verifier=self._seal.mark("verifier", flow.state),
            ui_locales="zh-CN zh" if flow.lang == "zh" else "en",
        )
        return str(address)

    def _client(self, flow: Flow) -> Any:
        """The client of ``authlib``; it speaks through `Issuer`."""
        from authlib.oauth2.client import OAuth2Client  # not before somebody logs in

        s = self._settings
        return OAuth2Client(
            self.issuer,
            client_id=s.oidc_client_id,
            client_secret=client_secret(s),
            token_endpoint_auth_method=self.issuer.metadata().method,
            scope=s.oidc_scope,
            redirect_uri=flow.back,
            code_challenge_method="S256",
        )

    # ---- and back ------------------------------------------------------------------------------

    def flow_of(self, cookie: str, now: datetime) -> Flow | None:
        """The flow that a cookie holds; None when it is not ours or its time is over."""
        return self._seal.opened(cookie, now)

    def said(self, flow: Flow | None, query: list[tuple[str, str]]) -> Mapping[str, str]:
        """What the login service sent back with the browser, once it is the answer to this flow.

        Raises:
            LoginRefused: ``state`` when it is not, ``used`` when it came before: the login service is not asked again.
        """
        given = dict(query)
        if flow is None or len(given) != len(query):
            raise LoginRefused("state")
        if not hmac.compare_digest(flow.state.encode(), given.get("state", "").encode()):
            raise LoginRefused("state")
        if given.get("iss", self.issuer.name) != self.issuer.name:
            raise LoginRefused("state")
        if flow.state in self._came:
            raise LoginRefused("used")
        self._came[flow.state] = None
        if len(self._came) > _MOST_STATES:
            self._came.popitem(last=False)
        return given

    async def finish(self, flow: Flow, said: Mapping[str, str], now: datetime) -> Principal:
        """Who logged in.

        Args:
            flow: the flow.
            said: what `said` gave.
            now: the moment.

        Raises:
            LoginRefused: ``cancelled``, ``token``, ``nobody``, ``role`` or ``away``.
        """
        if "error" in said:
            raise LoginRefused("cancelled" if said["error"] == "access_denied" else "token")
        if not 0 < len(said.get("code", "")) <= _MOST_CODE:
            raise LoginRefused("token")
        claims = await self._run(self._claims, flow, said, now.timestamp())
        try:
            found = caller_of(claims, self._settings)
        except TokenRefused:
            raise LoginRefused("nobody") from None
        if not found.roles:
            raise LoginRefused("role")
        return found

    def _claims(self, flow: Flow, said: Mapping[str, str], now: float) -> Mapping[str, Any]:
        """The claims of the ID token that a code is given for."""
        if self.issuer.metadata().names_itself and "iss" not in said:
            raise LoginRefused("state")
        try:
            token = self.issuer.exchange(self._client(flow), said["code"], self._seal.mark("verifier", flow.state))
            return self._verified(token, flow, now)
        except CodeRefused as error:
            word = str(getattr(error.__cause__, "error", ""))
            log.warning("the login service gave no token: %s", word if _PLAIN.fullmatch(word) else "no word")
            raise LoginRefused("token") from None
        except TokenRefused:
            log.warning("an ID token of the login service was refused")
            raise LoginRefused("token") from None

    def _verified(self, token: Mapping[str, Any], flow: Flow, now: float) -> Mapping[str, Any]:
        """Check an ID token: signature, issuer, audience, time, nonce, and that it goes with the access token."""
        from authlib.oidc.core import CodeIDToken

        text = token.get("id_token")
        if not isinstance(text, str) or len(text) > MAX_TOKEN:
            raise TokenRefused
        s, leeway = self._settings, self._settings.jwt_leeway_seconds
        try:
            header = jwt.get_unverified_header(text)
            kid = header.get("kid")
            key = self.issuer.keys(kid).get(kid) if isinstance(kid, str) else None
            if key is None or not key.takes(header["alg"]) or "crit" in header or "b64" in header:
                raise TokenRefused
            claims: dict[str, Any] = jwt.decode(
                text,
                key.key,
                algorithms=[header["alg"]],
                audience=s.oidc_client_id,
                issuer=self.issuer.name,
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub", "nonce"],
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            in_time(claims, now, leeway=leeway, longest=_LONGEST)
            asked = {"nonce": self._seal.mark("nonce", flow.state), "client_id": s.oidc_client_id}
            asked["access_token"] = token.get("access_token")
            CodeIDToken(claims, header, params=asked).validate(now=int(now), leeway=leeway)
        except IssuerAway:
            raise
        except Exception as error:  # the libraries raise many kinds; whatever it was, nobody comes in
            raise TokenRefused from error
        if claims["iat"] < flow.begun - leeway:
            raise TokenRefused
        return claims

    # ---- out -----------------------------------------------------------------------------------

    def leave(self, back: str) -> str | None:
        """Where a browser is sent to log out at the login service too; None when it offers no such thing."""
        known: Metadata | None = self.issuer.known()
        if known is None or known.leave is None:
            return None
        asked = {"client_id": str(self._settings.oidc_client_id), "post_logout_redirect_uri": back}
        return f"{known.leave}{'&' if '?' in known.leave else '?'}{urlencode(asked)}"

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    # ---- how -----------------------------------------------------------------------------------

    async def _run(self, work: Callable[..., _Result], *arguments: Any) -> _Result:
        """Speak to the login service off the event loop, few at once and in bounded time."""
        if self._waiting >= _WAITING:
            raise LoginRefused("away")
        self._waiting += 1
        try:
            async with asyncio.timeout(3 * SECONDS):
                return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)
        except (IssuerAway, TimeoutError) as error:
            log.warning("the login service cannot be used: %s", type(error.__cause__ or error).__name__)
            raise LoginRefused("away") from None
        finally:
            self._waiting -= 1

    @cached_property
    def _seal(self) -> Seal:
        """Made at the first login, with a secret of the store that all its services share."""
        return Seal(secret_of(self._home, "login.key", "the key of the logins", "登录过程的密钥"))
