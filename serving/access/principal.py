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
    """

    tenant: str
    user: str
    roles: frozenset[Role]

    def may(self, permission: Permission) -> bool:
        """True when one of the roles allows it."""
        return any(permission in PERMISSIONS[role] for role in self.roles)


DEMO = Principal("demo", "demo", frozenset(Role))
"""The caller of a demo, which needs no login and stays on this machine."""
