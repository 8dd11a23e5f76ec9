"""API keys: how they look, how they are made, and what is kept of them."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from serving.access.principal import Principal
from serving.access.roles import Role

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
"""What tenants and users may be called."""
_SECRET_BYTES = 32
_KEY = re.compile(r"eck_([0-9a-f]{16})_[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is kept: everything but its secret.

    Attributes:
        key_id: the part of the key that may be shown, 16 hexadecimal digits.
        digest: SHA-256 of the whole key, hexadecimal.
        tenant: bank or agency of its user.
        user: its user.
        roles: what its user may do.
        made_at: UTC time it was made.
        ends_at: UTC time from which it is refused, or None.
        why: why it ends: ``expires``, ``revoked`` or ``rotated``; None while it does not.
    """

    key_id: str
    digest: str
    tenant: str
    user: str
    roles: frozenset[Role]
    made_at: datetime
    ends_at: datetime | None = None
    why: str | None = None

    def live(self, now: datetime) -> bool:
        """True while the key is taken."""
        return self.ends_at is None or now < self.ends_at

    def opened_by(self, text: str) -> bool:
        """True when ``text`` is the whole key; the time it takes does not tell how much of it is right."""
        return hmac.compare_digest(self.digest, digest_of(text))

    @property
    def principal(self) -> Principal:
        """Who holds the key."""
        return Principal(self.tenant, self.user, self.roles, self.key_id)


def digest_of(text: str) -> str:
    """What is kept of a key or a session: its SHA-256, hexadecimal.

    A slow hash protects passwords, which people choose and others can guess. A key holds 256 random bits: whoever
    could search them could also search any hash, so a fast one is enough and each request stays cheap.
    """
    return sha256(text.encode()).hexdigest()


def written(moment: datetime) -> str:
    """A moment as it is stored; texts sort as the moments do.

    Example:
        >>> written(datetime(2026, 11, 25, 12, tzinfo=UTC))
        '2026-11-25T12:00:00Z'
    """
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def new_key() -> tuple[str, str]:
    """A fresh key and its identifier.

    Returns:
        the identifier, and the key to be shown once: ``eck_<identifier>_<43 characters of 32 random bytes>``.
    """
    key_id = secrets.token_hex(8)
    return key_id, f"eck_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}"


def key_id_of(text: str) -> str | None:
    """The identifier in a key, or None when the text is no key.

    Example:
        >>> key_id_of("eck_0123456789abcdef_" + "x" * 43), key_id_of("eck_0123456789abcdef_short")
        ('0123456789abcdef', None)
    """
    found = _KEY.fullmatch(text)
    return found[1] if found else None


def roles_of(names: Iterable[object]) -> frozenset[Role]:
    """The roles among some names; names of no role are passed over.

    Example:
        >>> sorted(roles_of(["auditor", "root", 7]))
        [<Role.AUDITOR: 'auditor'>]
    """
    known = {role.value for role in Role}
    return frozenset(Role(name) for name in names if isinstance(name, str) and name in known)
