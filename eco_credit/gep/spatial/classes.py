"""Land-cover classes: what each stands for, from the job and from a biophysical table."""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.gep.spatial.job import CoverClass, Job
from eco_credit.gep.spatial.refusing import refusal
from eco_credit.rulebook import RuleSet

TABLE_BYTES = 5_000_000
COLUMNS = {"usle_c": "cover_factor", "usle_p": "practice_factor"}
"""Columns of a biophysical table that are read, and what they are called here; the others are left alone."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """Class codes in ascending order, and per property one value for each code (NaN where none is known)."""

    codes: Floats
    values: Mapping[str, Floats]

    def at(self, cover: Floats, name: str) -> Floats:
        """The property of every cell; NaN for an unknown cell and for a class without it."""
        if not len(self.codes):
            return np.full(cover.shape, np.nan)
        place = np.clip(np.searchsorted(self.codes, cover), 0, len(self.codes) - 1)
        return np.where(self.codes[place] == cover, self.values[name][place], np.nan)


def lookup(job: Job, rules: RuleSet) -> Lookup:
    """Bring the classes of a job, its biophysical table and the runoff coefficients together.

    An entry of the job goes before the table; a coefficient of its own before that of its ecosystem.
    """
    table = {} if job.biophysical_table is None else read_biophysical(
        job.file(job.biophysical_table, "biophysical_table"))
    codes = sorted({*job.classes, *table})
    runoff = rules.table("gep.water_retention.runoff_coefficient")
    found: dict[str, list[float]] = {"runoff_coefficient": [], "cover_factor": [], "practice_factor": []}
    for code in codes:
        entry = job.classes.get(code, CoverClass())
        by_ecosystem = float(runoff.get(entry.ecosystem or "", math.nan))
        own = entry.runoff_coefficient
        found["runoff_coefficient"].append(by_ecosystem if own is None else own)
        for name in ("cover_factor", "practice_factor"):
            stated = getattr(entry, name)
            found[name].append(table.get(code, {}).get(name, math.nan) if stated is None else stated)
    arrays = {name: np.array(values, np.float64) for name, values in found.items()}
    return Lookup(np.array(codes, np.float64), arrays)


def read_biophysical(path: Path) -> dict[int, dict[str, float]]:
    """Read a biophysical table as InVEST uses it: csv with ``lucode`` and, by choice, ``usle_c`` and ``usle_p``.

    Returns:
        Class code to ``cover_factor`` and ``practice_factor``, each 0 to 1.

    Raises:
        ContractError: ``file_too_large``, ``table_form``, ``above_one``, ``negative_layer``.
    """
    if path.stat().st_size > TABLE_BYTES:
        raise refusal("biophysical_table", "file_too_large")
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            rows = [{str(k).strip().lower(): v for k, v in row.items()} for row in csv.DictReader(source)]
        codes = [int(row["lucode"]) for row in rows]
        table = {code: _factors(row) for code, row in zip(codes, rows, strict=True)}
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise refusal("biophysical_table", "table_form") from error
    if len(table) < len(rows):
        raise refusal("biophysical_table", "table_form")
    values = [value for factors in table.values() for value in factors.values()]
    if any(value > 1.0 for value in values):
        raise refusal("biophysical_table", "above_one")
    if any(value < 0.0 for value in values):
        raise refusal("biophysical_table", "negative_layer")
    return table


def _factors(row: Mapping[str, str | None]) -> dict[str, float]:
    read = {ours: float(row[theirs] or "nan") for theirs, ours in COLUMNS.items() if row.get(theirs)}
    if not all(math.isfinite(value) for value in read.values()):
        raise ValueError("not finite")
    return read
