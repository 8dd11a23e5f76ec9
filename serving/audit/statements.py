"""What a commit of the decision log runs, as text for the driver of its database."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from serving.audit.postgres import bind_by
from serving.audit.sqlite import BEGIN_WRITE
from serving.audit.tables import chains, decisions, subject_keys


class Statements:
    """Compiled once and run as text: a commit then costs little more than the database itself asks.

    Attributes:
        head: sequence and hash of a tenant's last record.
        insert: add a record; its columns in the order of the table.
        chain: add a tenant to the list of chains.
        by_key: the record of a tenant, route and key.
        key_of: data key of a tenant and the name of a person.
        key_at: data key of a tenant and its identifier.
        key: add a data key; its columns in the order of the table.
        sealed_by: the stored request of a tenant's record.
        fault: the base of the driver's errors.
    """

    def __init__(self, dialect: sa.Dialect) -> None:
        """Compile for a dialect."""
        self._sqlite = dialect.name == "sqlite"
        own: sa.Dialect = type(dialect)(paramstyle="qmark" if self._sqlite else "format")  # type: ignore[call-arg]
        c = decisions.c
        last = sa.select(c.sequence, c.hash).where(c.tenant == sa.bindparam("tenant")).order_by(c.sequence.desc())
        key = (c.tenant, "tenant"), (c.route, "route"), (c.idempotency_key, "key")
        keyed = sa.select(decisions).where(*(column == sa.bindparam(name) for column, name in key))
        self.head = str(last.compile(dialect=own)) + " LIMIT 1"
        self.insert = str(decisions.insert().compile(dialect=own))
        self.chain = str(chains.insert().compile(dialect=own))
        self.by_key = str(keyed.compile(dialect=own))
        k = subject_keys.c
        for_key = sa.select(k.tenant, k.key_id, k.kek_id, k.wrapped).where(k.tenant == sa.bindparam("tenant"))
        self.key_of = str(for_key.where(k.subject == sa.bindparam("subject")).compile(dialect=own))
        self.key_at = str(for_key.where(k.key_id == sa.bindparam("key_id")).compile(dialect=own))
        self.key = str(subject_keys.insert().compile(dialect=own))
        named = (c.tenant, "tenant"), (c.decision_id, "decision_id")
        request = sa.select(c.request).where(*(column == sa.bindparam(name) for column, name in named))
        self.sealed_by = str(request.compile(dialect=own))
        self.fault: type[Exception] = dialect.loaded_dbapi.Error

    def begin(self, connection: Any, tenant: str) -> None:
        """Begin the writing of a tenant's records: nobody else writes to that chain until it ends."""
        if self._sqlite:
            connection.execute(BEGIN_WRITE)
        else:
            bind_by(connection.execute, tenant, writes=True)
