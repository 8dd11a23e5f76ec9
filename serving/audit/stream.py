"""Reading a log from end to end in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from serving.audit.database import reading
from serving.audit.record import Recorded, recorded_of
from serving.audit.tables import decisions
from serving.audit.vault import Vault

_PAGE = 256


def scores(engine: sa.Engine, tenant: str, vault: Vault) -> Iterator[Recorded]:
    """A tenant's recorded answers in order, a page at a time: no transaction stays open while they are worked on.

    Args:
        engine: the log, open for reading.
        tenant: whose answers.
        vault: opens what is sealed.

    Raises:
        StorageUnavailable: the log cannot be read, or a record not be opened.
    """
    c, after = decisions.c, 0
    while True:
        query = sa.select(decisions).where(c.tenant == tenant, c.sequence > after).order_by(c.sequence).limit(_PAGE)
        with reading(engine, tenant) as connection:
            found = [recorded_of(row) for row in connection.execute(query).all()]
            rows = [vault.open(connection.exec_driver_sql, row) for row in found]
        if not rows:
            return
        yield from (row for row in rows if row.entry.kind == "score")
        after = rows[-1].sequence


def one(engine: sa.Engine, tenant: str, decision_id: str, *, vault: Vault) -> list[Recorded]:
    """A tenant's recorded answer with this identifier, opened by ``vault``; empty without one.

    Raises:
        StorageUnavailable: the log cannot be read, or the record not be opened.
    """
    c = decisions.c
    query = sa.select(decisions).where(c.tenant == tenant, c.decision_id == decision_id, c.kind == "score")
    with reading(engine, tenant) as connection:
        found = [recorded_of(row) for row in connection.execute(query).all()]
        return [vault.open(connection.exec_driver_sql, row) for row in found]


def count(engine: sa.Engine, tenant: str) -> int:
    """How many answers a tenant's log holds.

    Raises:
        StorageUnavailable: the log cannot be read.
    """
    c = decisions.c
    with reading(engine, tenant) as connection:
        query = sa.select(sa.func.count()).where(c.tenant == tenant, c.kind == "score")
        return int(connection.execute(query).scalar_one())
