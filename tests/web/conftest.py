from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from desk_fakes import Visitor

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
"""Nothing that a browser does by itself: no address but ours is asked."""


@pytest.fixture
def visitor(tmp_path: Path) -> Iterator[Visitor]:
    with Visitor(tmp_path) as one:
        yield one


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """The system's Chromium; what needs it skips by name without it."""
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra test-browser")
    if CHROMIUM is None:
        pytest.skip("needs a system Chromium")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, headless=True, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Any]:
    """A service that knows a login service; tests that use it need the extra oidc."""
    from oidc_desk import Desk

    one = Desk(tmp_path)
    with one.service, one.bank:
        yield one
