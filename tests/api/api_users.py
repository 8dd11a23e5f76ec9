"""A service that asks for keys, with users of every role, and an issuer of tokens."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import jwt
from api_service import Client, plain_client

from serving.access import Role
from serving.access.keybook import SqlKeyBook
from serving.access.settings import LoginSettings
from serving.settings import Settings

HMAC_KEY = bytes(range(32))
ISSUER, AUDIENCE = "https://login.bank.example", "eco-credit"


def closed(home: Path, *, web: bool = False, **login: Any) -> Settings:
    """Settings of a service that asks every caller who it is."""
    return Settings(access="keys", home=home, web=web, refresh_seconds=0.05, login=LoginSettings(**login))


class Bank:
    """A running service with the key book beside it, as `eco-credit users` would use it."""

    def __init__(self, home: Path, *, web: bool = False, **login: Any) -> None:
        self.home, self.book = home, SqlKeyBook(home / "users.db")
        self.client: Client = plain_client(closed(home, web=web, **login))

    def __enter__(self) -> Bank:
        self.client.__enter__()
        return self

    def __exit__(self, *details: Any) -> None:
        self.client.__exit__(*details)

    @property
    def now(self) -> datetime:
        """What the service's clock shows, without moving it."""
        moment: datetime = self.client.state.clock.now
        return moment

    def key(self, *roles: Role, tenant: str = "bank-a", user: str = "li", hours: float | None = None) -> str:
        """A fresh key."""
        expires = None if hours is None else self.now + timedelta(hours=hours)
        return self.book.add(user, tenant=tenant, roles=roles, now=self.now, expires=expires)[1]

    def get(self, path: str, key: str | None = None, **headers: str) -> httpx.Response:
        """GET with a key."""
        return self.client.get(path, **bearing(key), **headers)

    def post(self, path: str, raw: bytes, key: str | None = None, **headers: str) -> httpx.Response:
        """POST with a key."""
        return self.client.post(path, raw, **bearing(key), **headers)


def bearing(key: str | None) -> dict[str, str]:
    """The header that carries a key or token."""
    return {} if key is None else {"authorization": f"Bearer {key}"}


def jwks(*keys: dict[str, Any]) -> str:
    """A JWKS file."""
    return json.dumps({"keys": list(keys)})


def hmac_jwk(secret: bytes = HMAC_KEY, *, kid: str = "k1", alg: str = "HS256") -> dict[str, Any]:
    """A symmetric key as JWK."""
    return {"kty": "oct", "kid": kid, "alg": alg, "k": jwt.utils.base64url_encode(secret).decode()}


def issuer_of(folder: Path, *keys: dict[str, Any]) -> dict[str, Any]:
    """Settings that take the tokens of an issuer with these keys."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "jwks.json").write_text(jwks(*(keys or (hmac_jwk(),))))
    return {"jwt_keys": folder / "jwks.json", "jwt_issuer": ISSUER, "jwt_audience": AUDIENCE}


def claims_of(now: datetime, *, roles: Iterable[str] = ("loan_officer",), **changed: Any) -> dict[str, Any]:
    """Claims of a good token that began a moment ago and lives ten minutes; None takes a claim away."""
    at = int(now.timestamp())
    claims = {
        "iss": ISSUER, "aud": AUDIENCE, "sub": "wang", "jti": "t-1", "tenant": "bank-a", "roles": list(roles),
        "iat": at - 5, "exp": at + 600,
    } | changed  # fmt: skip
    return {name: value for name, value in claims.items() if value is not None}


def part(value: Any) -> str:
    """A part of a token."""
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def token(claims: dict[str, Any], key: Any = HMAC_KEY, *, alg: str = "HS256", **header: Any) -> str:
    """A signed token; a header of None is left out. HMAC is done by hand, since a library would not sign nonsense."""
    named = {n: v for n, v in ({"kid": "k1", "typ": "JWT"} | header).items() if v is not None}
    if alg != "HS256":
        return jwt.encode(claims, key, algorithm=alg, headers=named)
    body = f"{part({'alg': alg} | named)}.{part(claims)}"
    return f"{body}.{part(hmac.digest(key, body.encode(), 'sha256'))}"
