"""Rows about logins that the bank's login service vouched for, and about states that came back from it once.

Each function works on a connection with a transaction that the key book opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from serving.access.keys import digest_of, roles_of, written
from serving.access.principal import Principal
from serving.access.roles import Role
from serving.access.tables import guests, sessions, states

MOST_SESSIONS = 20
"""Logins of one key, or of one guest, that last at once; a further one ends the oldest."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A login by the login service that lasts.

    Attributes:
        guest_id: the part that may be shown, 16 hexadecimal digits; it opens nothing.
        tenant: bank or agency the login service named.
        user: the user it named.
        roles: the roles it named, as they were at the login.
        made_at: UTC time of the login.
        ends_at: UTC time from which it is refused.
    """

    guest_id: str
    tenant: str
    user: str
    roles: frozenset[Role]
    made_at: datetime
    ends_at: datetime


def visitor(connection: sa.Connection, token: str, now: datetime, issuer: str | None) -> str | Principal | None:
    """Who is logged in with a token: the identifier of a key, a guest of the issuer in use, or None."""
    mine = sa.and_(sessions.c.digest == digest_of(token), sessions.c.ends_at > written(now))
    key_id: str | None = connection.execute(sa.select(sessions.c.key_id).where(mine)).scalar()
    if key_id is not None or issuer is None:
        return key_id
    wanted = (guests.c.digest == digest_of(token), guests.c.ends_at > written(now), guests.c.issuer == issuer)
    row = connection.execute(sa.select(guests).where(*wanted)).first()
    return None if row is None else Principal(row.tenant, row.user_name, roles_of(row.roles.split(",")))


def add(connection: sa.Connection, token: str, by: Principal, issuer: str, times: tuple[datetime, datetime]) -> None:
    """Keep a login from a first to a last moment; ended ones, and the oldest of too many of this user, go."""
    begun, ends = (written(one) for one in times)
    connection.execute(guests.delete().where(guests.c.ends_at <= begun))
    own = sa.and_(guests.c.tenant == by.tenant, guests.c.user_name == by.user)
    kept = sa.select(guests.c.digest).where(own).order_by(guests.c.made_at.desc()).limit(MOST_SESSIONS - 1)
    connection.execute(guests.delete().where(own, guests.c.digest.not_in(kept)))
    digest = digest_of(token)
    row = {"digest": digest, "guest_id": digest[:16], "issuer": issuer, "tenant": by.tenant, "user_name": by.user}
    connection.execute(
        guests.insert().values(row | {"roles": ",".join(sorted(by.roles)), "made_at": begun, "ends_at": ends})
    )


def close(connection: sa.Connection, token: str) -> bool:
    """End the login of a token; True when it was a guest's."""
    connection.execute(sessions.delete().where(sessions.c.digest == digest_of(token)))
    return connection.execute(guests.delete().where(guests.c.digest == digest_of(token))).rowcount > 0


def of_tenant(connection: sa.Connection, tenant: str, now: datetime) -> list[Guest]:
    """Logins of a tenant's guests that last, the newest first."""
    wanted = (guests.c.tenant == tenant, guests.c.ends_at > written(now))
    rows = connection.execute(sa.select(guests).where(*wanted).order_by(guests.c.made_at.desc(), guests.c.guest_id))
    return [
        Guest(
            row.guest_id,
            row.tenant,
            row.user_name,
            roles_of(row.roles.split(",")),
            datetime.fromisoformat(row.made_at),
            datetime.fromisoformat(row.ends_at),
        )
        for row in rows
    ]


def end(connection: sa.Connection, tenant: str, guest_id: str) -> bool:
    """End a login of a tenant's guest by its identifier; False when there is none."""
    own = sa.and_(guests.c.tenant == tenant, guests.c.guest_id == guest_id)
    return connection.execute(guests.delete().where(own)).rowcount > 0


def use_state(connection: sa.Connection, state: str, now: datetime, until: datetime) -> bool:
    """Note that a state came back; False when it did before. Rows whose time is over go."""
    connection.execute(states.delete().where(states.c.ends_at <= written(now)))
    digest = digest_of(state)
    if connection.execute(sa.select(states.c.digest).where(states.c.digest == digest)).first() is not None:
        return False
    connection.execute(states.insert().values(digest=digest, ends_at=written(until)))
    return True
