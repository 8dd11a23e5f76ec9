"""Fixtures of the API tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from api_service import Client, plain_client

from serving.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings with a store of this test's own, API only."""
    return Settings(access="open", home=tmp_path / "home", refresh_seconds=0.05, web=False)


@pytest.fixture
def plain(settings: Settings) -> Iterator[Client]:
    """A running service whose pipeline is simple."""
    with plain_client(settings) as client:
        yield client
