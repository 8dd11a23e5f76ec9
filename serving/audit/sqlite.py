"""The decision log in a SQLite file: how it is opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa

BUSY_MS = 5000
BEGIN_WRITE = "BEGIN IMMEDIATE"
"""Starts a transaction of the writer: it takes the write lock at once."""
# WAL with synchronous=NORMAL keeps a commit through a killed process but not through a power cut.
_PRAGMAS = (
    f"PRAGMA busy_timeout={BUSY_MS}",
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


def open_sqlite(path: Path, *, writes: bool) -> sa.Engine:
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
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
        poolclass=sa.pool.QueuePool,
        pool_size=4,
        max_overflow=0,
        pool_timeout=BUSY_MS / 1000,
    )
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def private(path: Path) -> None:
    """Create folder and file so that only their owner can read them."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
