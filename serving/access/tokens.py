"""Bearer tokens (JWT) of an issuer whose keys lie in a JWKS file; nothing is asked of anybody outside.

What may be said about a refused token is that it was refused. Why would help only who forges one.
"""

from __future__ import annotations

import json
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt

from eco_credit.core.errors import ContractError, Violation
from serving.access.keys import NAME, roles_of
from serving.access.principal import Principal
from serving.access.roles import Role
from serving.access.settings import LoginSettings

log = logging.getLogger("eco_credit.serving")

MAX_TOKEN = 8192
"""Longest token looked at, characters."""
_MOST_KEPT = 4096
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_REQUIRED = ("exp", "iat", "iss", "aud", "sub", "jti")
_HMAC_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
_KINDS = {
    "oct": frozenset(_HMAC_BYTES),
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC": frozenset({"ES256", "ES384", "ES512"}),
    "OKP": frozenset({"EdDSA"}),
}
_RSA_BITS = 2048
_MAX_FILE = 1_000_000
_MOST_KEYS = 100


IssuerKeys = Mapping[str, "IssuerKey"]
"""Keys of an issuer by ``kid``."""


class TokenRefused(Exception):
    """A token that lets nobody in; it says nothing more."""


@dataclass(frozen=True, slots=True)
class IssuerKey:
    """A key of the issuer with the one algorithm it is used with, or those a fetched key that names none may be."""

    key: Any
    algorithm: str
    others: frozenset[str] = frozenset()

    def takes(self, algorithm: object) -> bool:
        """True when a token may say that it was signed with this key in this way."""
        return isinstance(algorithm, str) and (algorithm == self.algorithm or algorithm in self.others)


def _refuse(place: int, en: str, zh: str) -> ContractError:
    return ContractError([Violation(f"keys[{place}]", "jwks", en, zh)])


def _issuer_key(place: int, raw: Mapping[str, Any]) -> IssuerKey:
    """Check and read one key of the file."""
    algorithm, kind = raw.get("alg"), raw.get("kty")
    if algorithm not in _KINDS.get(str(kind), ()):
        raise _refuse(place, "name an algorithm (alg) that goes with the kind of key", "须写明与密钥类型相符的算法 alg")
    if raw.get("use", "sig") != "sig":
        raise _refuse(place, "a key for signatures is needed (use: sig)", "须为签名用途的密钥（use: sig）")
    if kind != "oct" and "d" in raw:
        raise _refuse(place, "holds a private key; put in the public one", "含私钥，请改用公钥")
    try:
        key = jwt.PyJWK(dict(raw)).key
    except (jwt.PyJWTError, ValueError, TypeError):
        raise _refuse(place, "cannot be read", "无法读取") from None
    if kind == "oct" and len(key) < _HMAC_BYTES[str(algorithm)]:
        raise _refuse(
            place, "an HMAC key must be at least as long as its hash, 32 bytes or more", "HMAC 密钥过短，至少 32 字节"
        )
    if kind == "RSA" and key.key_size < _RSA_BITS:
        raise _refuse(place, "an RSA key must have at least 2048 bits", "RSA 密钥至少 2048 位")
    return IssuerKey(key, str(algorithm))


def read_jwks(path: Path) -> dict[str, IssuerKey]:
    """Read a JWKS file (RFC 7517); every key names its identifier and its one algorithm.

    Returns:
        the keys by ``kid``.

    Raises:
        ContractError: the file is no JWKS, or a key is too short, private, or names no algorithm of its kind.
    """
    try:
        data = path.read_bytes()
        raw = json.loads(data) if len(data) <= _MAX_FILE else None
    except (OSError, ValueError):
        raw = None
    listed = raw.get("keys") if isinstance(raw, dict) else None
    if not isinstance(listed, list) or not listed or not all(isinstance(one, dict) for one in listed):
        raise ContractError([Violation("jwt_keys", "jwks", "is not a JWKS file with keys", "不是含有密钥的 JWKS 文件")])
    found: dict[str, IssuerKey] = {}
    for place, one in enumerate(listed):
        kid = one.get("kid")
        if not isinstance(kid, str) or not kid or kid in found:
            raise _refuse(place, "must have a kid of its own", "须有不重复的 kid")
        found[kid] = _issuer_key(place, one)
    return found


def public_keys(raw: Any, allowed: frozenset[str]) -> dict[str, IssuerKey]:
    """The keys of a JWKS that was fetched; those not meant for signatures of the allowed kinds are passed over.

    A secret key is never taken from there: whoever may read the document could sign with it. A key that names no
    algorithm takes the allowed ones of its kind.

    Returns:
        the keys by ``kid``.

    Raises:
        ValueError: this is no JWKS, or two keys have one identifier.
    """
    listed = raw.get("keys") if isinstance(raw, dict) else None
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise ValueError("not a JWKS")
    found: dict[str, IssuerKey] = {}
    for place, one in enumerate(listed):
        key = _public_key(place, one, allowed)
        if key is None:
            continue
        if one["kid"] in found:
            raise ValueError("a key identifier occurs twice")
        found[one["kid"]] = key
    return found


def _public_key(place: int, raw: Any, allowed: frozenset[str]) -> IssuerKey | None:
    if not isinstance(raw, dict) or not isinstance(raw.get("kid"), str) or not raw["kid"] or raw.get("kty") == "oct":
        return None
    named = raw.get("alg")
    kinds = sorted(allowed & _KINDS.get(str(raw.get("kty")), frozenset()) & ({named} if named else allowed))
    if not kinds:
        return None
    try:
        key = _issuer_key(place, raw | {"alg": kinds[0]})
    except ContractError:
        return None
    return IssuerKey(key.key, kinds[0], frozenset(kinds))


def _seen(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file does; None without it."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by the dotted way to it.

    Example:
        >>> claim({"realm": {"roles": ["auditor"]}}, "realm.roles"), claim({"a.b": 1}, "a.b"), claim({}, "x.y")
        (['auditor'], 1, None)
    """
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


class Tokens:
    """Checks tokens, and keeps who a good one is for until it ends.

    The clock is the caller's: PyJWT checks signature, issuer, audience and that nothing is missing.
    """

    def __init__(self, settings: LoginSettings) -> None:
        """Read the issuer's keys.

        Raises:
            ContractError: the file is refused, or issuer or audience is not named.
        """
        self._settings, self._path = settings, settings.jwt_keys
        self._keys: dict[str, IssuerKey] = {}
        self._seen: tuple[int, int, int] | None = None
        self._kept: OrderedDict[bytes, tuple[Principal, float]] = OrderedDict()
        if self._path is not None:
            if not settings.jwt_issuer or not settings.jwt_audience:
                en = "name the issuer (jwt_issuer) and the audience (jwt_audience) beside the keys"
                raise ContractError(
                    [Violation("jwt_keys", "jwks", en, "须同时指明签发方 jwt_issuer 与受众 jwt_audience")]
                )
            self._seen = _seen(self._path)
            self._keys = read_jwks(self._path)

    def refresh(self) -> None:
        """Read the keys again if their file changed; those in use stay when it is refused."""
        if self._path is None or self._seen == (seen := _seen(self._path)):
            return
        self._seen = seen
        try:
            keys = read_jwks(self._path)
        except ContractError as error:
            first = error.violations[0]
            log.error("the keys of the token issuer were not read: %s: %s", first.field, first.en)
            return
        self._keys = keys
        self._kept = OrderedDict()  # replaced, not emptied: this may run beside a request

    def principal(self, text: str, now: datetime) -> Principal:
        """Who a token is for.

        Raises:
            TokenRefused: nobody.
        """
        seconds, mark = now.timestamp(), sha256(text.encode()).digest()
        # what the keys of this moment let in must not be kept beside those that replace them meanwhile
        kept = self._kept
        known = kept.get(mark)
        if known is not None and seconds < known[1]:
            return known[0]
        claims = self._claims(text, seconds)
        found = caller_of(claims, self._settings)
        while len(kept) >= _MOST_KEPT:
            kept.popitem(last=False)
        kept[mark] = found, float(claims["exp"])
        return found

    def _claims(self, text: str, now: float) -> dict[str, Any]:
        """The claims of a token that is signed by the issuer, for us, and in its time."""
        if len(text) > MAX_TOKEN or not self._keys:
            raise TokenRefused
        try:
            header = jwt.get_unverified_header(text)
            kid, kind = header.get("kid"), header.get("typ")
            key = self._keys.get(kid) if isinstance(kid, str) else None
            if key is None or not key.takes(header.get("alg")) or "crit" in header or "b64" in header:
                raise TokenRefused
            if not isinstance(kind, str) or kind.lower() not in _TYPES:
                raise TokenRefused
            options: jwt.types.Options = {
                "require": list(_REQUIRED),
                "verify_exp": False,
                "verify_iat": False,
                "verify_nbf": False,
            }
            claims: dict[str, Any] = jwt.decode(
                text,
                key.key,
                algorithms=[key.algorithm],
                audience=self._settings.jwt_audience,
                issuer=self._settings.jwt_issuer,
                options=options,
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            raise TokenRefused from None
        s = self._settings
        in_time(claims, now, leeway=s.jwt_leeway_seconds, longest=s.jwt_max_seconds)
        if not isinstance(claims["jti"], str) or not claims["jti"] or not isinstance(claims["sub"], str):
            raise TokenRefused
        return claims


def in_time(claims: Mapping[str, Any], now: float, *, leeway: float, longest: float) -> None:
    """Refuse what has ended, has not begun, or lives too long.

    Args:
        claims: with ``iat`` and ``exp``, seconds.
        now: the moment, seconds.
        leeway: how far the issuer's clock may be off, seconds.
        longest: longest life, seconds.

    Raises:
        TokenRefused: it does not count now.
    """
    begun, end, not_before = claims["iat"], claims["exp"], claims.get("nbf", claims["iat"])
    for moment in (begun, end, not_before):
        if isinstance(moment, bool) or not isinstance(moment, int | float) or not abs(moment) < 1e12:
            raise TokenRefused
    if now >= end + leeway or max(begun, not_before) > now + leeway:
        raise TokenRefused
    if not 0 < end - begun <= longest:
        raise TokenRefused


def caller_of(claims: Mapping[str, Any], settings: LoginSettings) -> Principal:
    """Tenant, user and roles; names must be names of ours, roles that are none of ours count for nothing.

    An administrator is nothing beside: who keeps the keys sees no case, whatever else an issuer says.

    Raises:
        TokenRefused: tenant or user is missing or no name of ours.
    """
    named_by = (settings.jwt_tenant_claim, settings.jwt_user_claim, settings.jwt_roles_claim)
    tenant, user, named = (claim(claims, name) for name in named_by)
    for name in (tenant, user):
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise TokenRefused
    roles = named.split() if isinstance(named, str) else named if isinstance(named, list) else []
    found = roles_of(roles)
    return Principal(tenant, user, frozenset({Role.ADMIN}) if Role.ADMIN in found else found)
