"""What an appraisal says beyond a score."""

from __future__ import annotations

from typing import Any


def without_details(pledge: dict[str, Any]) -> dict[str, Any]:
    """The answer about a pledge as a score gives it: no gates passed, no assumptions, the two leading drivers."""
    value = pledge["appraisal"]
    short = {name: value[name] for name in value if name not in ("assumptions", "cash_flows", "checks")}
    rest = {name: pledge[name] for name in pledge if name != "gates"}
    return rest | {"appraisal": short | {"drivers": value["drivers"][:2]}}
