"""Checks on the rule files themselves: shape, units, authority, references."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

import yaml

from eco_credit.core.units import STORED_UNITS
from eco_credit.rulebook.book import raw_entries

AUTHORITIES = ("statute", "standard", "guidance", "house", "estimate")
UNITS = frozenset(STORED_UNITS) | {"table", "list"}
_KEYS = {"about", "zh", "unit", "authority", "history", "range", "study", "verify", "value_unit"}
_VERSION_KEYS = {"in_force", "published", "value", "ref", "article"}


@cache
def references() -> Mapping[str, Mapping[str, Any]]:
    """All references: key to title, zh, issuer, date, url and note."""
    root = resources.files("eco_credit.rulebook") / "references"
    found: dict[str, Mapping[str, Any]] = {}
    for file in sorted((f for f in root.iterdir() if f.name.endswith(".yaml")), key=lambda f: f.name):
        for key, raw in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).items():
            if key in found:
                raise ValueError(f"reference {key} stands twice ({file.name})")
            found[key] = raw
    return found


def lint() -> list[str]:
    """Check every shipped rule and reference.

    Returns:
        One sentence per defect, rule name first; empty when all is well.
    """
    entries = raw_entries()
    used = {v.get("ref") for raw in entries.values() for v in raw.get("history", [])}
    findings = [f"{name}: {what}" for name, raw in entries.items() for what in _defects(raw)]
    findings += [f"reference {key}: has no title" for key, ref in references().items() if not ref.get("title")]
    findings += [
        f"reference {key}: no rule uses it"
        for key, ref in references().items()
        if key not in used and not ref.get("used_by")
    ]
    return findings


def _defects(raw: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"unknown key {key}" for key in sorted(set(raw) - _KEYS))
    yield from (f"{key} is missing" for key in ("about", "zh", "unit", "authority", "history") if not raw.get(key))
    if raw.get("unit") not in UNITS:
        yield f"unit {raw.get('unit')!r} is not on the closed list"
    if raw.get("authority") not in AUTHORITIES:
        yield f"authority {raw.get('authority')!r} is not one of {', '.join(AUTHORITIES)}"
    if raw.get("authority") == "estimate":
        if raw.get("unit") not in {"table", "list", "text"} and "range" not in raw:
            yield "an estimate needs a range"
        if not raw.get("study"):
            yield "an estimate needs a study"
    yield from _history_defects(raw)


def _history_defects(raw: Mapping[str, Any]) -> Iterator[str]:
    days: set[Any] = set()
    for version in raw.get("history") or []:
        yield from (f"unknown key {key} in history" for key in sorted(set(version) - _VERSION_KEYS))
        yield from (
            f"{key} is missing in history"
            for key in ("in_force", "published", "value", "ref")
            if version.get(key) is None
        )
        if not all(isinstance(version.get(key), dt.date) for key in ("in_force", "published")):
            yield "in_force and published must be calendar days"
        if version.get("ref") not in references():
            yield f"reference {version.get('ref')!r} does not exist"
        if raw.get("authority") == "statute" and not version.get("article"):
            yield "a statute needs an article"
        if version.get("in_force") in days:
            yield f"two values come into force on {version.get('in_force')}"
        days.add(version.get("in_force"))
        yield from _value_defects(raw, version.get("value"))


def _value_defects(raw: Mapping[str, Any], value: Any) -> Iterator[str]:
    if raw.get("unit") in {"table", "list", "text", "date"}:
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        yield f"value {value!r} is not a number"
        return
    if raw.get("unit") == "ratio" and not -1.0 <= value <= 10.0:
        yield f"ratio {value} looks like a percent"
    span = raw.get("range")
    if span is not None and not (len(span) == 2 and span[0] <= value <= span[1]):
        yield f"value {value} is outside its range {span}"
