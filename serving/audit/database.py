"""The SQLite file of the decision log: how it is opened and brought to the newest schema."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from eco_credit.core.errors import StorageUnavailable

_MIGRATIONS = Path(__file__).parent / "migrations"
_BUSY_MS = 5000
BEGIN_WRITE = "BEGIN IMMEDIATE"
"""Starts a transaction of the writer: it takes the write lock at once."""
# WAL with synchronous=NORMAL keeps a commit through a killed process but not through a power cut.
_PRAGMAS = (
    f"PRAGMA busy_timeout={_BUSY_MS}",
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    "PRAGMA recursive_triggers=ON",
    "PRAGMA trusted_schema=OFF",
)


def _prepare(connection: Any, _: Any) -> None:
    # The driver must not start transactions by itself: `_begin` decides which lock is taken.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(pragma)


def _begin(connection: sa.Connection) -> None:
    writes = connection.engine.get_execution_options().get("writes")
    connection.exec_driver_sql(BEGIN_WRITE if writes else "BEGIN")


def open_engine(path: Path, *, writes: bool) -> sa.Engine:
    """Open the file; a writing engine takes the write lock when its transaction begins.

    Args:
        path: the SQLite file; its folder must exist.
        writes: True for the one writer, False for readers.

    Returns:
        engine whose connections are in WAL mode with ``synchronous=FULL`` and foreign keys on.
    """
    engine = sa.create_engine(
        sa.URL.create("sqlite", database=str(path)),
        execution_options={"writes": writes},
        connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000},
        poolclass=sa.pool.QueuePool,
        pool_size=4,
        max_overflow=0,
        pool_timeout=_BUSY_MS / 1000,
    )
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _private(path: Path) -> None:
    """Create folder and file so that only their owner can read them."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to the newest version, in one transaction under the write lock."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def open_log(path: Path) -> tuple[sa.Engine, sa.Engine]:
    """Open the decision log, creating or migrating it.

    Returns:
        the writing and the reading engine.

    Raises:
        StorageUnavailable: the file cannot be created, opened or migrated.
    """
    try:
        _private(path)
        writer = open_engine(path, writes=True)
        migrate(writer)
    except (OSError, sa.exc.SQLAlchemyError) as error:
        raise StorageUnavailable("the decision log cannot be opened", "决策记录库无法打开") from error
    return writer, open_engine(path, writes=False)
