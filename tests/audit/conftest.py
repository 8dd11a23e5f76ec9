"""Fixtures of the tests of the decision log: one PostgreSQL for the module, a fresh database for each test."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from audit_samples import postgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def server() -> Iterator[Any]:
    """A running PostgreSQL."""
    with postgres() as found:
        yield found


@pytest.fixture
def database(server: Any) -> str:
    """Address of an empty database."""
    import psycopg

    name = f"log{next(_numbers)}"
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return str(server.get_uri(database=name))


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Path | str:
    """An empty decision log in each of the two databases."""
    return tmp_path / "decisions.db" if request.param == "sqlite" else request.getfixturevalue("database")
