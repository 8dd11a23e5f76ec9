"""What is read with a remark: nothing is refused for it, and the report of the run says how often and where.

A cell that says "no end" is unknown where the contract allows that, and is told; where the contract wants a day it is
rejected by a rule of its own. A share column of small numbers and a guarantee that should have ended are told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from eco_credit.contracts.field import Field
from serving.batch.cells import OPEN_END_RULE, Reading
from serving.batch.chunk import Break, Chunk
from serving.batch.matured import WATCHED, matured
from serving.batch.rules import TEXTS

MOST_LINES = 1_000
"""Rows of one remark that the manifest names; the count is of all of them."""
_SHOWN = 20
_ONE_PERCENT = 0.01


@dataclass(slots=True)
class _Remark:
    rows: int = 0
    lines: list[int] = field(default_factory=list)

    def add(self, rows: Iterable[int]) -> None:
        for row in rows:
            self.rows += 1
            if len(self.lines) < MOST_LINES:
                self.lines.append(row)


class Notices:
    """Remarks on the rows of one file, gathered block by block."""

    def __init__(self, fields: Iterable[Field], readings: Sequence[Reading]) -> None:
        """Nothing remarked yet.

        Args:
            fields: fields of the contract.
            readings: how the columns of the file are read.
        """
        self._fields = {one.column: one for one in fields}
        # a column that holds one number above one percent is no column of fractions under a header in percent
        self._small = {r.field.column: 0 for r in readings if r.percent and r.factor != 1}
        self._found: dict[tuple[str, str], _Remark] = {}

    def settled(self, block: Chunk) -> Chunk:
        """The same rows: remarks taken out of what is broken, columns that are only watched taken out.

        Args:
            block: rows of the file, constants included.
        """
        for name, rule, rows in matured(block):
            self._add(name, rule, rows)
        self._shares(block)
        columns = {name: column for name, column in block.columns.items() if not name.startswith(WATCHED)}
        broken = block.broken
        if broken:
            at = {int(row): place for place, row in enumerate(block.rows)}
            broken = {row: kept for row, breaks in broken.items() if (kept := self._kept(block, row, at[row], breaks))}
        return replace(block, columns=columns, broken=broken)

    def _kept(self, block: Chunk, row: int, at: int, breaks: Sequence[Break]) -> list[Break]:
        """Breaks of a row that stay: an open end only where the contract wants a day."""
        kept: list[Break] = []
        for name, rule in breaks:
            if name.startswith(WATCHED):
                continue
            if rule == OPEN_END_RULE and not self._needed(block, name, at):
                self._add(name, OPEN_END_RULE, [row])
            else:
                kept.append((name, "open_end_needed" if rule == OPEN_END_RULE else rule))
        return kept

    def _needed(self, block: Chunk, name: str, at: int) -> bool:
        one, kinds = self._fields.get(name), block.columns.get("kind")
        if one is None:
            return True
        return one.required or (kinds is not None and kinds[at] in one.required_kinds)

    def _shares(self, block: Chunk) -> None:
        for name in [*self._small]:
            values = block.columns[name].astype(np.float64) if name in block.columns else np.empty(0)
            if bool(np.any(np.abs(values) > _ONE_PERCENT)):
                del self._small[name]
            else:
                self._small[name] += int(np.count_nonzero(np.nan_to_num(values)))

    def _add(self, name: str, rule: str, rows: Iterable[int]) -> None:
        self._found.setdefault((name, rule), _Remark()).add(rows)

    @property
    def noted(self) -> list[dict[str, Any]]:
        """For the manifest: field, rule, number of rows, and the first of them by number."""
        found = [
            {"field": name, "rule": rule, "rows": one.rows, "lines": one.lines}
            for (name, rule), one in sorted(self._found.items())
        ]
        small = {name: count for name, count in self._small.items() if count}
        return found + [{"field": n, "rule": "percent_small", "rows": c, "lines": []} for n, c in sorted(small.items())]

    @property
    def warnings(self) -> list[dict[str, Any]]:
        """The same as warnings of a file: sentences with the number of rows and where the first ones are."""
        return [_warning(one) for one in self.noted]


def _warning(one: dict[str, Any]) -> dict[str, Any]:
    en, zh = TEXTS[one["rule"]]
    rows = ", ".join(map(str, one["lines"][:_SHOWN])) + (" ..." if one["rows"] > _SHOWN < len(one["lines"]) else "")
    listed_en, listed_zh = (f": {rows}", f"：第 {rows} 行") if rows else ("", "")
    return {
        "row": None, "field": one["field"], "rule": one["rule"],
        "en": f"{en} ({one['rows']} rows{listed_en})", "zh": f"{zh}（{one['rows']} 行{listed_zh}）",
    }  # fmt: skip
