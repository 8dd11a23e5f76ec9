"""What a run came to: rejects by rule, recommendations, ranges of the figures; plain numbers for the manifest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eco_credit.core.numbers import Floats
from eco_credit.rulebook import load
from serving.batch.journal import Journal
from serving.batch.middle import three_values
from serving.batch.report import RANGED
from serving.batch.rules import TEXTS

_COUNTED = ("application_id", "recommendation")
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
    last = pa.scalar(None, pa.string())
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
        "ranges": three_values(lambda: _numbers(journal, [name for name in RANGED if name in held])),
    }


def _count(table: pa.Table, answers: Counter[str], last: pa.Scalar) -> pa.Scalar:
    """Count each application once; its rows stand together."""
    if not set(_COUNTED) <= set(table.column_names) or table.num_rows == 0:
        return last
    keys = table.column("application_id").combine_chunks()
    before = pa.concat_arrays([pa.array([last.as_py()], keys.type), keys[:-1]])
    first = pc.fill_null(pc.not_equal(keys, before), True)
    for answer in pc.value_counts(table.column("recommendation").filter(first)).to_pylist():
        answers[str(answer["values"])] += answer["counts"]
    return keys[-1]


def _numbers(journal: Journal, names: list[str]) -> Iterator[dict[str, Floats]]:
    """The ranged columns of each part; none where the results hold none."""
    for table in journal.tables("result", names) if names else ():
        cells = {name: table.column(name).to_numpy(zero_copy_only=False) for name in names}
        yield {name: column.astype(np.float64) for name, column in cells.items()}


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
