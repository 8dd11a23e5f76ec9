"""The examples that fill in the form: the applications the project ships, one per collateral kind."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any


@cache
def _folder() -> Path:
    """The shipped examples: inside the wheel, or in the checkout."""
    inside = Path(str(files("serving"))) / "examples"
    return inside if inside.is_dir() else Path(__file__).resolve().parents[2] / "examples"


def example(kind: str) -> dict[str, Any] | None:
    """The example application of a kind in stored units, or None when there is none.

    Args:
        kind: name of a collateral kind of :func:`eco_credit.contracts.pledge_kinds`.

    Returns:
        A nested application marked ``synthetic``: borrower, papers and loan are invented.
    """
    found = _folder() / f"{kind}.json"
    if not found.is_file():
        return None
    application: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
    return application
