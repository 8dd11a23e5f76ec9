"""Every notebook is a readable percent file and runs from top to bottom on public names."""

from __future__ import annotations

from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.py"))
REAL_ONLY = {"guaranteed_loans_by_year"}
"""Notebooks that say nothing on simulated data: they skip by name where the real data are absent."""


def marked(path: Path) -> object:
    return pytest.param(path, marks=[pytest.mark.shared] if path.stem in REAL_ONLY else [], id=path.stem)


@pytest.mark.parametrize("path", [marked(path) for path in NOTEBOOKS])
def test_a_notebook_runs_from_top_to_bottom(
    path: Path, demo_home: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if path.stem in REAL_ONLY:
        request.getfixturevalue("shared")
    monkeypatch.chdir(ROOT)
    notebook = jupytext.read(path, fmt="py:percent")
    assert {cell.cell_type for cell in notebook.cells} == {"markdown", "code"}
    scope: dict[str, object] = {"__name__": "__main__"}
    for number, cell in enumerate(c for c in notebook.cells if c.cell_type == "code"):
        exec(compile(cell.source, f"{path.name} cell {number}", "exec"), scope)
