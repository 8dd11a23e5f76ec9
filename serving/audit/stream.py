"""Reading a log from end to end in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from serving.audit.database import reading
from serving.audit.journal import recorded_of
from serving.audit.record import Recorded
from serving.audit.tables import decisions

_PAGE = 256


def scores(engine: sa.Engine, tenant: str) -> Iterator[Recorded]:
    """A tenant's recorded answers in order, a page at a time: no transaction stays open while they are worked on.

    Raises:
        StorageUnavailable: the log cannot be read.
    """
    c, after = decisions.c, 0
    while True:
        query = sa.select(decisions).where(c.tenant == tenant, c.sequence > after).order_by(c.sequence).limit(_PAGE)
        with reading(engine, tenant) as connection:
            rows = [recorded_of(row) for row in connection.execute(query)]
        if not rows:
            return
        yield from (row for row in rows if row.entry.kind == "score")
        after = rows[-1].sequence


def one(engine: sa.Engine, tenant: str, decision_id: str) -> list[Recorded]:
    """A tenant's recorded answer with this identifier; empty without one.

    Raises:
        StorageUnavailable: the log cannot be read.
    """
    c = decisions.c
    query = sa.select(decisions).where(c.tenant == tenant, c.decision_id == decision_id, c.kind == "score")
    with reading(engine, tenant) as connection:
        return [recorded_of(row) for row in connection.execute(query)]


def count(engine: sa.Engine, tenant: str) -> int:
    """How many answers a tenant's log holds.

    Raises:
        StorageUnavailable: the log cannot be read.
    """
    c = decisions.c
    with reading(engine, tenant) as connection:
        query = sa.select(sa.func.count()).where(c.tenant == tenant, c.kind == "score")
        return int(connection.execute(query).scalar_one())
