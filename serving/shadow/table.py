"""The file of the shadow: one row for each decision and challenger, apart from the decision log."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FIGURES = ("pd", "lgd", "score", "grade", "recommendation")
"""What is compared, as it stands in the answers."""
COLUMNS = (
    "decision_id", "challenger", "tenant", "created_at", "champion",
    *(f"champion_{name}" for name in FIGURES), *(f"challenger_{name}" for name in FIGURES), "error",
)  # fmt: skip
_TEXT = {"grade", "recommendation"}
_FIGURE_COLUMNS = ", ".join(
    f"{side}_{name} {'TEXT' if name in _TEXT else 'REAL'}" for side in ("champion", "challenger") for name in FIGURES
)
_TABLE = f"""CREATE TABLE IF NOT EXISTS shadow (
    decision_id TEXT NOT NULL, challenger TEXT NOT NULL, tenant TEXT NOT NULL, created_at TEXT NOT NULL,
    champion TEXT NOT NULL, {_FIGURE_COLUMNS}, error TEXT, PRIMARY KEY (decision_id, challenger))"""
_INSERT = f"INSERT OR IGNORE INTO shadow ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608  (our own names)


def shadow_path(home: Path) -> Path:
    """The SQLite file of the shadow in a store."""
    return home / "shadow.db"


def figures_of(answer: Mapping[str, Any]) -> list[float | str | None]:
    """The figures of a score answer that are compared, in the order of `FIGURES`.

    Example:
        >>> figures_of({"pd": {"value": 0.02}, "lgd": {"value": 0.4}, "score": 512.0, "grade": "B"})
        [0.02, 0.4, 512.0, 'B', None]
    """
    ratios = [(answer.get(name) or {}).get("value") for name in ("pd", "lgd")]
    return [*ratios, *(answer.get(name) for name in FIGURES[2:])]


def open_shadow(path: Path) -> sqlite3.Connection:
    """Open or create the file for writing; a commit is on disk when it returns.

    Raises:
        OSError, sqlite3.Error: the file cannot be opened.
    """
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, timeout=5.0)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")
    with connection:
        connection.execute(_TABLE)
    return connection


def add_rows(connection: sqlite3.Connection, rows: Iterable[tuple[Any, ...]]) -> None:
    """Record rows of `COLUMNS` in one transaction; a decision that is there already stays as it is."""
    with connection:
        connection.executemany(_INSERT, rows)


def read_rows(path: Path, where: str, values: tuple[Any, ...], most: int) -> list[dict[str, Any]]:
    """The newest rows that meet a condition, oldest first; none where nothing was recorded yet.

    Args:
        path: the file.
        where: SQL condition of this package's own making, with ``?`` for values.
        values: its values.
        most: most rows.
    """
    if not path.is_file():
        return []
    query = f"SELECT {', '.join(COLUMNS)} FROM shadow WHERE {where} ORDER BY rowid DESC LIMIT ?"  # noqa: S608
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0)
    try:
        made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'shadow'").fetchone()
        found = connection.execute(query, (*values, most)).fetchall() if made else []
    finally:
        connection.close()
    return [dict(zip(COLUMNS, row, strict=True)) for row in reversed(found)]
