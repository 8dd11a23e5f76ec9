"""Shared fixtures: one demo store for the whole run, made by the demo's own commands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

collect_ignore = ["fixtures/old_workbooks/make.py"]
"""Writes fixtures with a library that is no dependency."""


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A store with a trained, signed, promoted synthetic model; also the default store of the process."""
    from serving.cli.demo import ensure_demo_store

    home = tmp_path_factory.mktemp("store")
    patch = pytest.MonkeyPatch()
    patch.setenv("ECO_CREDIT_HOME", str(home))
    ensure_demo_store(home)
    yield home
    patch.undo()


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with real data that may not be copied here; the test skips by name where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("needs the folder of real data beside the repository")
    return SHARED


def pytest_sessionfinish(session: pytest.Session) -> None:
    """With ``ECO_CREDIT_SKIP_NOTHING`` set, a skipped test is a failure: every extra is meant to be there."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("ECO_CREDIT_SKIP_NOTHING") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
