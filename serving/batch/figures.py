"""What a run came to: rejects by rule, recommendations, ranges of the figures; plain numbers for the manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from eco_credit.rulebook import load
from serving.batch.journal import Journal
from serving.batch.report import RANGED
from serving.batch.rules import TEXTS

_COUNTED = ("application_id", "recommendation")
_MIDDLE = (0.0, 0.5, 1.0)
_BOUNDS = ((min, "min"), (max, "max"))


def figures_of(journal: Journal) -> dict[str, Any]:
    """Figures of a finished run, read part by part.

    Args:
        journal: the run's parts.

    Returns:
        ``rejects``: list of rule, field, lines; ``recommendations``: applications by recommendation; ``applications``;
        ``ranges``: column to smallest, middle and largest value over rows.
    """
    rules: Counter[tuple[str, str]] = Counter()
    answers: Counter[str] = Counter()
    last: str | None = None
    for table in journal.tables("rejects"):
        rules.update(zip(table.column("rule").to_pylist(), table.column("field").to_pylist(), strict=True))
    schema = journal.schema("result")
    held = [] if schema is None else schema.names
    for table in journal.tables("result", [name for name in _COUNTED if name in held]):
        last = _count(table, answers, last)
    ordered = sorted(rules.items(), key=lambda item: (-item[1], item[0]))
    return {
        "rejects": [{"rule": rule, "field": name, "lines": count} for (rule, name), count in ordered],
        "recommendations": dict(sorted(answers.items())),
        "applications": sum(answers.values()),
        "ranges": {name: found for name in RANGED if name in held and (found := _range(journal, name)) is not None},
    }


def _count(table: pa.Table, answers: Counter[str], last: str | None) -> str | None:
    """Count each application once; its rows stand together."""
    if not set(_COUNTED) <= set(table.column_names):
        return last
    pairs = zip(table.column("application_id").to_pylist(), table.column("recommendation").to_pylist(), strict=True)
    for key, answer in pairs:
        if key != last:
            answers[str(answer)] += 1
            last = key
    return last


def _range(journal: Journal, name: str) -> list[float] | None:
    """One column at a time: all of them together would grow with the rows."""
    parts = [table.column(0).to_numpy(zero_copy_only=False) for table in journal.tables("result", [name])]
    values = np.concatenate(parts).astype(np.float64) if parts else np.empty(0)
    values = np.sort(values[np.isfinite(values)])
    if not len(values):
        return None
    return [float(values[int(share * (len(values) - 1))]) for share in _MIDDLE]


def unit_warnings(figures: dict[str, Any], days: Iterable[str], overlay: Path | None) -> list[dict[str, Any]]:
    """A warning where the middle amount is so far from any loan that a unit must be wrong.

    Args:
        figures: as `figures_of` gives them.
        days: the days the run read its rules for; the widest bounds of them hold.
        overlay: the lender's own rule values.
    """
    found = figures["ranges"].get("amount_requested")
    rules = [load(overlay).at(day) for day in days] if found is not None else []
    if found is None or not rules:
        return []
    least, most = (
        choose(each.number(f"credit.intake.usual_amount_{end}") for each in rules) for choose, end in _BOUNDS
    )
    if least <= found[1] <= most:
        return []
    en, zh = TEXTS["unit_suspect"]
    return [{"row": None, "field": "amount_requested", "rule": "unit_suspect", "en": en, "zh": zh}]
