"""Guarantees that a ledger still carries though their end has passed: a list to look at, never a reject.

Exports of guarantee agencies (在保) hold the end of the principal and balances beside the columns of an application.
Their columns lead to no field of the contract; they are watched here and taken out before the rows are scored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts.field import Field, FieldType
from eco_credit.contracts.paper_units import fold, split_label
from eco_credit.core.numbers import Columns
from serving.batch.cells import Broken, Reading
from serving.batch.chunk import Chunk

WATCHED = "\x00watched:"
"""What the name of a watched column begins with; no field has such a name."""
_LABELS: dict[str, tuple[FieldType, tuple[str, ...]]] = {
    "end": ("date", ("主债权到期日期", "主债权到期日", "保证责任止", "担保到期日", "担保到期日期", "责任到期日")),
    "longer": ("date", ("展期到期日期", "展期到期日", "展期到期")),
    "extended": ("date", ("展期起始日期", "展期起始日")),
    "balance": ("number", ("在保余额", "责任余额", "名义在保余额", "担保余额", "担保责任余额")),
    "released": ("boolean", ("是否已解保", "是否解保")),
    "released_on": ("date", ("解保日期",)),
}
"""Role to its type and the headers that play it, with or without a unit: only the sign of a balance counts."""


class WatchedReading(Reading):
    """A cell that is only watched: what cannot be read is unknown, and no row is rejected for it."""

    def value(self, cell: Any) -> Any:
        """As `Reading.value`, with None where a rule is broken."""
        found = super().value(cell)
        return None if isinstance(found, Broken) else found


@cache
def _roles() -> dict[str, tuple[str, FieldType]]:
    """Folded header to role and type."""
    return {fold(label): (role, kind) for role, (kind, labels) in _LABELS.items() for label in labels}


def watched(header: Any) -> Reading | None:
    """How a column that is watched is read; None for any other."""
    found = None if header is None else _roles().get(split_label(header)[0])
    if found is None:
        return None
    role, kind = found
    column = f"{WATCHED}{role}:{split_label(header)[0]}"
    return WatchedReading(Field(name=column, column=column, type=kind), Fraction(1), {}, False, 64)


def unwatched(ignored: Iterable[str], readings: Iterable[Reading]) -> tuple[str, ...]:
    """Headers that lead to nothing, without those that are watched, where there are enough of them to say anything.

    Args:
        ignored: headers that lead to no field.
        readings: how the columns of the table are read.
    """
    names = (one.field.column for one in readings if one.field.column.startswith(WATCHED))
    roles = {name.removeprefix(WATCHED).partition(":")[0] for name in names}
    checked = "end" in roles and bool(roles & {"balance", "released", "released_on"})
    return tuple(header for header in ignored if not checked or watched(header) is None)


def matured(block: Chunk) -> Iterator[tuple[str, str, list[int]]]:
    """Rows whose end is before their valuation date while the guarantee is still in force.

    In force: not released, and a balance above zero; or, where the file has no balance, released: no. An extension
    whose own end is in the file counts by that; one whose end is not leaves the end of the row open.

    Args:
        block: rows with their watched columns.

    Yields:
        Header of the end, rule ``matured_in_force`` and the numbers of the rows.
    """
    of = {role: _playing(block.columns, role) for role in _LABELS}
    as_of = block.columns.get("as_of")
    if not of["end"] or as_of is None or not (of["balance"] or of["released"] or of["released_on"]):
        return
    day = as_of.astype("datetime64[D]")
    name = next(iter(of["end"]))
    past = _end(of, day) < day
    rows = block.rows[np.flatnonzero(past & _in_force(of, day))]
    if len(rows):
        yield name, "matured_in_force", [int(row) for row in rows]


def _playing(columns: Columns, role: str) -> Columns:
    """Label to column of those that play a role."""
    begin = f"{WATCHED}{role}:"
    return {name.removeprefix(begin): column for name, column in columns.items() if name.startswith(begin)}


def _end(of: dict[str, Columns], like: npt.NDArray[np.generic]) -> npt.NDArray[np.datetime64]:
    """End of each row; NaT, which is before no day, where it is not told."""
    nowhere = np.full(len(like), np.datetime64("NaT"), dtype="datetime64[D]")
    end, longer, extended = nowhere, nowhere, np.zeros(len(like), dtype=bool)
    for column in of["end"].values():
        end = np.where(np.isnat(end), column.astype("datetime64[D]"), end)
    for column in of["longer"].values():
        longer = np.where(np.isnat(longer), column.astype("datetime64[D]"), longer)
    for column in of["extended"].values():
        extended |= ~np.isnat(column.astype("datetime64[D]"))
    return np.where(np.isnat(longer), np.where(extended, nowhere, end), longer)


def _in_force(of: dict[str, Columns], day: npt.NDArray[np.datetime64]) -> npt.NDArray[np.bool_]:
    """Not released, and a balance above zero or no balance known and said not to be released."""
    rows = len(day)
    above, known, released, kept = (np.zeros(rows, dtype=bool) for _ in range(4))
    for column in of["balance"].values():
        amounts = column.astype(np.float64)
        above |= amounts > 0.0
        known |= ~np.isnan(amounts)
    for column in of["released"].values():
        released |= column.astype(np.float64) == 1.0
        kept |= column.astype(np.float64) == 0.0
    for column in of["released_on"].values():
        released |= column.astype("datetime64[D]") <= day
    return ~released & (above | (~known & kept))
