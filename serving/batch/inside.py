"""What a look into a workbook finds that its reader does not give: formats, errors, what is hidden; and its size."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from eco_credit.core.errors import ContractError
from serving.batch.cells import Broken
from serving.batch.number_formats import Shown, as_shown
from serving.batch.rules import refusal, violation
from serving.batch.settings import Limits

WIDTH = 1 << 14
"""Columns of the widest sheet: a cell is known by ``row * WIDTH + column``, both from 0."""
MOST_FORMULAS = 20
"""Formula cells without a value that are named at most."""
UNKNOWN_ERRORS = frozenset({"#N/A"})
"""Errors that say: not available."""


@dataclass(slots=True)
class Marks:
    """Cells of one sheet that are not what the reader gives: by place, how they are shown, or the error they hold."""

    shown: dict[int, Shown] = field(default_factory=dict)
    errors: set[int] = field(default_factory=set)

    def applied(self, row: int, cells: list[object]) -> list[object]:
        """Cells of a row as they are meant."""
        at = row * WIDTH
        for column, cell in enumerate(cells):
            if (how := self.shown.get(at + column)) is not None:
                cells[column] = as_shown(cell, how)
            if at + column in self.errors:
                cells[column] = Broken("error_value")
        return cells


@dataclass(slots=True)
class Inside:
    """What was found in all sheets of a workbook.

    Attributes:
        marks: sheet to its marked cells.
        unvalued: addresses of formulas without a stored value.
        rows_hidden: hidden or filtered rows.
        columns_hidden: hidden columns, or groups of them.
        cells: cells a reader would build.
    """

    marks: dict[str, Marks] = field(default_factory=dict)
    unvalued: list[str] = field(default_factory=list)
    rows_hidden: int = 0
    columns_hidden: int = 0
    cells: int = 0

    def add_sheet(self, name: str, limits: Limits, *, rows: int, columns: int) -> None:
        """Count what a reader would build of a sheet: every cell up to the last one.

        Raises:
            ContractError: there are more rows or cells than the limits allow (``unsafe_archive``).
        """
        self.cells += rows * columns
        if rows > limits.sheet_rows or columns > WIDTH or self.cells > limits.sheet_cells:
            raise refusal(name, "unsafe_archive")

    def add_unvalued(self, places: Iterable[str]) -> None:
        """Remember formulas without a value, up to `MOST_FORMULAS`."""
        self.unvalued += [place for place, _ in zip(places, range(MOST_FORMULAS - len(self.unvalued)), strict=False)]

    def refuse_unvalued(self, name: str) -> None:
        """Refuse the workbook for formulas without a stored value, which readers give as zero or blank.

        Raises:
            ContractError: there is one.
        """
        if self.unvalued:
            raise ContractError([violation(f"{name}!{cell}", "formula_without_value") for cell in self.unvalued])
