"""The decision log in PostgreSQL: how it is opened, and how a transaction is bound to one tenant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from eco_credit.core.errors import StorageUnavailable

ROLE = "eco_credit_writer"
"""The role the service works in: it may read and insert, and row security binds it to one tenant."""
ERASER = "eco_credit_eraser"
"""The role that erases: it may besides wrap data keys anew and delete them."""
_LOCK = 0x0EC0
"""First number of the advisory locks: the second is made of the tenant's name."""
_SETTINGS = (
    "SET synchronous_commit = on",
    "SET lock_timeout = '5s'",
    "SET statement_timeout = '15s'",
    "SET idle_in_transaction_session_timeout = '60s'",
)


def _prepare(connection: Any, role: str) -> None:
    connection.autocommit = True
    for statement in (f"SET ROLE {role}", *_SETTINGS):
        connection.execute(statement)
    connection.autocommit = False


def url_of(text: str) -> sa.URL:
    """Read an address ``postgresql://user:password@host/database``.

    Raises:
        StorageUnavailable: it is no such address; the text is not repeated, as it may hold a password.
    """
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        url = sa.URL.create("unreadable")
    if url.get_backend_name() not in ("postgresql", "postgres"):
        raise StorageUnavailable(
            "the database address must begin with postgresql://", "数据库地址须以 postgresql:// 开头"
        )
    return url.set(drivername="postgresql+psycopg")


def open_postgres(url: sa.URL, *, role: str | None = ROLE) -> sa.Engine:
    """Open the database.

    Args:
        url: as made by `url_of`.
        role: `ROLE` or `ERASER`; None works as the user who logs in, to migrate.

    Raises:
        StorageUnavailable: the driver is not installed.
    """
    try:
        engine = sa.create_engine(
            url, pool_size=4, max_overflow=0, pool_timeout=5, pool_pre_ping=False, connect_args={"connect_timeout": 5}
        )
    except ModuleNotFoundError as error:
        raise StorageUnavailable("install the extra postgres", "请安装 postgres 附加组件") from error
    if role is not None:
        sa.event.listen(engine, "connect", lambda connection, _: _prepare(connection, role))
    return engine


def bind(connection: sa.Connection, tenant: str) -> None:
    """Bind the transaction that has begun to a tenant, as `bind_by`."""
    bind_by(connection.exec_driver_sql, tenant, writes=False)


def bind_by(execute: Callable[[str, tuple[Any, ...]], Any], tenant: str, *, writes: bool) -> None:
    """Bind a transaction to a tenant; a writer also waits for its turn at the tenant's chain.

    Row security shows and takes only rows of the tenant that ``app.tenant`` names, which ends with the
    transaction. The lock does, too, so that a second process cannot fork the chain.

    Args:
        execute: runs a statement of the transaction.
        tenant: whose records.
        writes: wait for the turn.
    """
    execute("SELECT set_config('app.tenant', %s, true)", (tenant,))
    if writes:
        execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, tenant))
