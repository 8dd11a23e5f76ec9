"""Where the decision log is: a SQLite file by path, or PostgreSQL by address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from eco_credit.core.errors import StorageUnavailable
from serving.audit.postgres import ROLE, bind, open_postgres, url_of
from serving.audit.sqlite import open_sqlite, private
from serving.audit.tables import chains, decisions
from serving.migrations import Migrations

Address = Path | str
"""Path of a SQLite file, or address of a PostgreSQL database."""
MIGRATIONS = Migrations(Path(__file__).parent / "migrations")
_MIGRATING = 0x0EC1


def open_engine(address: Address, *, writes: bool, role: str = ROLE) -> sa.Engine:
    """Open a log that is there, for reading or as its writer; in PostgreSQL in a role.

    Raises:
        StorageUnavailable: there is no such file, or the address is no PostgreSQL address.
    """
    if isinstance(address, str):
        return open_postgres(url_of(address), role=role)
    if not address.exists():
        raise StorageUnavailable("there is no decision log in this store", "该目录没有决策记录库")
    return open_sqlite(address, writes=writes)


def enter(connection: sa.Connection, tenant: str) -> None:
    """Bind the transaction that has begun to one tenant, where the database can hold it to that."""
    if connection.dialect.name == "postgresql":
        bind(connection, tenant)


@contextmanager
def reading(engine: sa.Engine, tenant: str) -> Iterator[sa.Connection]:
    """A transaction that reads one tenant's records.

    Raises:
        StorageUnavailable: the log cannot be read.
    """
    try:
        with engine.connect() as connection:
            enter(connection, tenant)
            yield connection
    except sa.exc.SQLAlchemyError as error:
        raise StorageUnavailable("the decision log cannot be read", "决策记录库无法读取") from error


def tenants_of(engine: sa.Engine) -> list[str]:
    """Tenants that have a chain, in order.

    Raises:
        StorageUnavailable: the log cannot be read.
    """
    query = sa.select(chains.c.tenant)
    if engine.dialect.name == "sqlite":
        # row security hides the others in PostgreSQL; here a name taken off the list is found all the same
        query = query.union(sa.select(decisions.c.tenant))  # type: ignore[assignment]
    try:
        with engine.connect() as connection:
            return sorted(connection.execute(query).scalars())
    except sa.exc.SQLAlchemyError as error:
        raise StorageUnavailable("the decision log cannot be read", "决策记录库无法读取") from error


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to the newest version, in one transaction; two that start at once take turns."""
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_MIGRATING,))
        MIGRATIONS.run(connection)


def is_newest(engine: sa.Engine) -> bool:
    """True when the schema is that of this version of the software."""
    with engine.connect() as connection:
        return MIGRATIONS.all_run(connection)


def open_log(address: Address) -> tuple[sa.Engine, sa.Engine]:
    """Open the decision log, creating or migrating it.

    Returns:
        the writing and the reading engine.

    Raises:
        StorageUnavailable: the log cannot be created, opened or migrated.
    """
    try:
        if isinstance(address, str):
            owner = open_postgres(url_of(address), role=None)
            # a service that may only read and insert finds the schema made by its owner
            if not is_newest(owner):
                migrate(owner)
            owner.dispose()
            return open_engine(address, writes=True), open_engine(address, writes=False)
        private(address)
        writer = open_sqlite(address, writes=True)
        if not is_newest(writer):
            migrate(writer)
    except (OSError, sa.exc.SQLAlchemyError) as error:
        raise StorageUnavailable("the decision log cannot be opened", "决策记录库无法打开") from error
    return writer, open_sqlite(address, writes=False)
