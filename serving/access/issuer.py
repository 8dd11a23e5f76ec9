"""Speaking to the bank's login service: its discovery document, its keys, and codes for tokens.

Everything goes to the one origin the settings name; no redirect is followed, no proxy is asked, and size and time of
every answer are bounded. The functions wait for the network and run in threads of their own: nothing here is called
while an application is scored.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from serving.access.origin import is_loopback
from serving.access.tokens import IssuerKeys, public_keys

if TYPE_CHECKING:
    from serving.access.settings import LoginSettings

SECONDS = 5.0
"""Longest time for one answer of the login service, seconds."""
_MOST_BYTES = 512_000
KEPT_SECONDS = 3600.0
"""Discovery document and keys are read again after this."""
AGAIN_SECONDS = 30.0
"""A token with an unknown key id has the keys read again, but not more often than this."""
REST_SECONDS = 5.0
"""After a failure the login service is left alone for this long."""
_JSON = {"Accept": "application/json", "User-Agent": "eco-credit", "Connection": "close"}


class IssuerAway(Exception):
    """The login service cannot be reached, or what it says about itself cannot be used."""


class CodeRefused(Exception):
    """The login service gives no token for a code."""


_TROUBLE = (IssuerAway, OSError, ValueError, TypeError, KeyError, RecursionError, http.client.HTTPException)
"""What may go wrong when another machine is asked and answers anything."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the login service says about itself.

    Attributes:
        authorize: where a browser is sent to log in.
        token: where a code is given for a token.
        jwks: where its keys are.
        leave: where a browser is sent to log out there too, or None.
        method: how this service shows its secret: ``client_secret_basic`` or ``client_secret_post``.
        names_itself: its answers say who they are from (``iss``, RFC 9207).
    """

    authorize: str
    token: str
    jwks: str
    leave: str | None
    method: str
    names_itself: bool


def acceptable(address: str) -> bool:
    """True for an address the login service may have: https, or http on this machine; nothing hidden in it.

    Example:
        >>> [acceptable(a) for a in ("https://sso.bank.example/realms/x", "http://127.0.0.1:8080", "http://sso.bank")]
        [True, True, False]
    """
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    plain = not parts.username and not parts.password and not parts.fragment and address.isascii()
    safe = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or ""))
    return bool(plain and safe and parts.hostname and not any(c <= " " or c == "\\" for c in address))


def origin_of(address: str) -> tuple[str, str, int]:
    """Scheme, host and port of an address."""
    parts = urlsplit(address)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


class Issuer:
    """The login service of the settings; any thread may use it."""

    def __init__(self, settings: LoginSettings) -> None:
        """Know where it is; nothing is asked yet."""
        self._settings = settings
        self.name = settings.oidc_issuer or ""
        self._lock = threading.Lock()
        self._metadata: Metadata | None = None
        self._metadata_at = float("-inf")
        self._keys: IssuerKeys = {}
        self._keys_at = float("-inf")
        self._failed_at = float("-inf")

    # ---- what is kept of it --------------------------------------------------------------------

    def metadata(self) -> Metadata:
        """What it says about itself, asked again after an hour.

        Raises:
            IssuerAway: it cannot be asked, or did not answer a moment ago.
        """
        with self._lock:
            if self._metadata is None or time.monotonic() - self._metadata_at > KEPT_SECONDS:
                well_known = self.name.rstrip("/") + "/.well-known/openid-configuration"
                self._metadata = self._guarded(lambda: self._read_metadata(self._get(well_known)))
                self._metadata_at = time.monotonic()
            return self._metadata

    def known(self) -> Metadata | None:
        """What is kept of it, without asking."""
        return self._metadata

    def keys(self, kid: object) -> IssuerKeys:
        """Its keys, asked again after an hour, or when there is none of this identifier.

        Raises:
            IssuerAway: it cannot be asked, or did not answer a moment ago.
        """
        metadata = self.metadata()
        with self._lock:
            age = time.monotonic() - self._keys_at
            if age > KEPT_SECONDS or (kid not in self._keys and age > AGAIN_SECONDS):
                allowed = frozenset(self._settings.oidc_algorithms.split())
                self._keys = self._guarded(lambda: public_keys(self._get(metadata.jwks), allowed))
                self._keys_at = time.monotonic()
            return self._keys

    def _guarded(self, read: Any) -> Any:
        """Ask, unless the last failure is a moment ago: a crowd of readers must not become a crowd of calls."""
        if time.monotonic() - self._failed_at < REST_SECONDS:
            raise IssuerAway
        try:
            return read()
        except _TROUBLE as error:
            self._failed_at = time.monotonic()
            raise IssuerAway from error

    def _read_metadata(self, said: Any) -> Metadata:
        """Check a discovery document: the issuer itself, and nothing of another host."""
        if not isinstance(said, dict) or said.get("issuer") != self.name:
            raise IssuerAway
        leave = said.get("end_session_endpoint")
        challenges = said.get("code_challenge_methods_supported", ["S256"])
        types = said.get("response_types_supported", ["code"])
        methods = said.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        method = next((m for m in ("client_secret_basic", "client_secret_post") if m in methods), None)
        if "S256" not in challenges or "code" not in types or method is None:
            raise IssuerAway
        return Metadata(
            authorize=self._own(said.get("authorization_endpoint")),
            token=self._own(said.get("token_endpoint")),
            jwks=self._own(said.get("jwks_uri")),
            leave=None if leave is None else self._own(leave),
            method=method,
            names_itself=said.get("authorization_response_iss_parameter_supported") is True,
        )

    def _own(self, place: object) -> str:
        """An address of the login service, if it is one of its own origin."""
        if not isinstance(place, str) or not acceptable(place) or origin_of(place) != origin_of(self.name):
            raise IssuerAway
        return place

    # ---- codes for tokens ----------------------------------------------------------------------

    def exchange(self, client: Any, code: str, verifier: str) -> Mapping[str, Any]:
        """Give a code, and get tokens.

        Args:
            client: the client of ``authlib``, whose session this is.
            code: the code a browser brought.
            verifier: proof that it was asked for here (RFC 7636).

        Raises:
            CodeRefused: none are given.
            IssuerAway: it cannot be asked.
        """
        from authlib.common.errors import AuthlibBaseError

        try:
            found: Mapping[str, Any] = client.fetch_token(
                self.metadata().token, grant_type="authorization_code", code=code, code_verifier=verifier
            )
        except AuthlibBaseError as error:
            raise CodeRefused from error
        except _TROUBLE as error:
            raise IssuerAway from error
        return found

    def post(self, url: str, *, data: Mapping[str, str], auth: Any, headers: Any = None) -> _Answer:
        """Send a form; what `authlib` calls where it would use a session of ``requests``."""
        sent = _JSON | {"Content-Type": "application/x-www-form-urlencoded"}
        url, sent, body = auth.prepare("POST", url, sent, urlencode(data))
        return self._ask("POST", url, sent, body)

    # ---- the network ---------------------------------------------------------------------------

    def _get(self, url: str) -> Any:
        """The JSON at an address."""
        answer = self._ask("GET", url, dict(_JSON), None)
        if answer.status_code != 200:
            raise IssuerAway
        return answer.json()

    def _ask(self, method: str, url: str, headers: Mapping[str, str], body: str | None) -> _Answer:
        """One request to the issuer's own origin, in bounded time; the answer is bounded too."""
        self._own(url)
        scheme, host, port = origin_of(url)
        until = time.monotonic() + SECONDS
        if scheme == "https":
            context = ssl.create_default_context()
            connection: http.client.HTTPConnection = http.client.HTTPSConnection(
                host, port, timeout=SECONDS, context=context
            )
        else:
            connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
        try:
            parts = urlsplit(url)
            connection.request(method, (parts.path or "/") + (f"?{parts.query}" if parts.query else ""), body, headers)
            response = connection.getresponse()
            data = bytearray()
            while part := response.read1(65_536):
                data += part
                if len(data) > _MOST_BYTES or time.monotonic() > until:
                    raise IssuerAway
            return _Answer(response.status, bytes(data))
        finally:
            connection.close()


@dataclass(frozen=True, slots=True)
class _Answer:
    """What came back, as `authlib` looks at it."""

    status_code: int
    content: bytes

    def json(self) -> Any:
        """The body as JSON; a number out of the ordinary is refused."""

        def never(_: str) -> Any:
            raise ValueError("not a number of JSON")

        return json.loads(self.content, parse_constant=never)

    def raise_for_status(self) -> None:
        """Refuse an answer that is none."""
        if self.status_code >= 400:
            raise IssuerAway
