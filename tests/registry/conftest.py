"""A signed package in a store of its own."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from package_samples import APPROVER, TRAINER, make_package

from eco_credit.registry import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """An empty store with a trainer and an approver, and a clock that stands still."""
    store = Store(tmp_path / "home", clock=lambda: dt.datetime(2026, 11, 23, tzinfo=dt.UTC))
    store.enrol(TRAINER, "trainer")
    store.enrol(APPROVER, "approver")
    return store


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Path:
    """A package folder signed by the trainer."""
    return make_package(tmp_path / "package", store)
