"""How far champion and challenger agree on the applications both have seen."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.core.errors import StorageUnavailable
from eco_credit.core.numbers import PROBABILITY_DECIMALS, rounded
from serving.shadow.table import read_rows

MOST_ROWS = 100_000
"""Newest decisions that are compared."""
_QUANTILES = {"least": 0.0, "p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95, "most": 1.0}


def summary(path: Path, tenant: str | None = None) -> dict[str, Any]:
    """Compare the last pair of champion and challenger on record.

    Args:
        path: file of the shadow.
        tenant: only decisions of this tenant; None for all.

    Returns:
        Digests of the pair, number of rows, differences challenger minus champion of PD and LGD (ratio) and points as
        quantiles (an observed value each), and counts of grades and recommendations from champion to challenger.

    Raises:
        StorageUnavailable: the file cannot be read.
    """
    of, asked = ("tenant = ?", (tenant,)) if tenant is not None else ("1", ())
    try:
        last = read_rows(path, of, asked, 1)
        pair = (last[0]["champion"], last[0]["challenger"]) if last else (None, None)
        rows = read_rows(path, f"champion = ? AND challenger = ? AND {of}", (*pair, *asked), MOST_ROWS) if last else []
    except sqlite3.Error as error:
        raise StorageUnavailable("the shadow cannot be read", "影子评分记录无法读取") from error
    scored = [row for row in rows if row["error"] is None]
    return {
        "champion": pair[0],
        "challenger": pair[1],
        "rows": len(rows),
        "failed": len(rows) - len(scored),
        "from": rows[0]["created_at"] if rows else None,
        "to": rows[-1]["created_at"] if rows else None,
        "pd": _differences(scored, "pd"),
        "lgd": _differences(scored, "lgd"),
        "score": _differences(scored, "score"),
        "grade": _moves(scored, "grade"),
        "recommendation": _moves(scored, "recommendation"),
    }


def _differences(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """Quantiles of challenger minus champion where both gave a figure."""
    pairs = [(row[f"champion_{name}"], row[f"challenger_{name}"]) for row in rows]
    both = np.array([pair for pair in pairs if None not in pair], dtype=np.float64).reshape(-1, 2)
    apart = rounded(both[:, 1] - both[:, 0], PROBABILITY_DECIMALS)
    if not len(apart):
        return {"rows": 0, "difference": None, "mean_absolute": None}
    cuts = np.quantile(apart, list(_QUANTILES.values()), method="inverted_cdf")
    mean = float(rounded(np.add.accumulate(np.abs(apart))[-1] / len(apart), PROBABILITY_DECIMALS))
    return {
        "rows": len(apart),
        "difference": {key: float(cut) for key, cut in zip(_QUANTILES, cuts, strict=True)},
        "mean_absolute": mean,
    }


def _moves(rows: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    """Counts from the champion's word to the challenger's; ``none`` where a model gave no word."""
    counts: dict[str, dict[str, int]] = {}
    same = 0
    for row in rows:
        before, after = (str(row[f"{side}_{name}"] or "none") for side in ("champion", "challenger"))
        line = counts.setdefault(before, {})
        line[after] = line.get(after, 0) + 1
        same += before == after
    ordered = {before: dict(sorted(line.items())) for before, line in sorted(counts.items())}
    return {"rows": len(rows), "same": same, "from_to": ordered}
