"""The caller of one request."""

from __future__ import annotations

from dataclasses import dataclass

from serving.access.roles import PERMISSIONS, Permission, Role


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls, as the service found out: never what a body or a path says.

    Attributes:
        tenant: bank or agency the caller belongs to; every record and every key is kept under it.
        user: the caller within the tenant.
        roles: what the caller is there for.
        key_id: identifier of the key used; None for a token or where no login is asked for.
    """

    tenant: str
    user: str
    roles: frozenset[Role]
    key_id: str | None = None

    def may(self, permission: Permission) -> bool:
        """True when one of the roles allows it."""
        return any(permission in PERMISSIONS[role] for role in self.roles)

    @property
    def signer(self) -> str:
        """Name under which the caller acts on models."""
        return signing_name(self.user, self.tenant)


def signing_name(user: str, tenant: str) -> str:
    """Name of a user in the room of models, where users of all tenants meet.

    Example:
        >>> signing_name("wang", "bank-a")
        'wang@bank-a'
    """
    return f"{user}@{tenant}"


DEMO = Principal("demo", "demo", frozenset(Role))
"""The caller of a demo, which needs no login and stays on this machine."""
