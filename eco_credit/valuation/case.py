"""The pledges under appraisal: their fields, the loans they secure and the rules of the day."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.dates import months_between
from eco_credit.core.numbers import Bools, Columns, Floats, day, is_yes, number, rows_of, text
from eco_credit.rulebook import RuleSet

Facts = dict[str, Floats]
"""Named numeric columns a kind derives from its fields."""
Indices = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Case:
    """The pledges under appraisal, the loans they secure and the rules of the day.

    Attributes:
        pledges: columns of the kind's contract.
        loans: columns of the loan each pledge belongs to, one row per pledge, not per loan, with
            ``as_of``, ``term_months`` and ``application_row``.
        rules: rules in force on the day of appraisal.
        facts: columns the kind derived once from the three above, n rows each.
        at: rows of the columns this case is about; None is all of them.
    """

    pledges: Columns
    loans: Columns
    rules: RuleSet
    facts: Facts
    at: Indices | None = None
    _read: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    @property
    def rows(self) -> int:
        """Number of pledges, n."""
        return rows_of(self.pledges) if self.at is None else len(self.at)

    def part(self, rows: Indices) -> Case:
        """Some of the pledges as a case of their own.

        Args:
            rows: their places in this case, m of them.
        """
        facts = {name: column[rows] for name, column in self.facts.items()}
        return Case(self.pledges, self.loans, self.rules, facts, rows if self.at is None else self.at[rows])

    def number(self, name: str) -> Floats:
        """A numeric field of the pledges in its stored unit, NaN where unknown, shape (n,)."""
        found: Floats | None = self._read.get(name)
        if found is None:
            column = self.pledges.get(name)
            if column is None:
                found = np.full(self.rows, np.nan)
            else:
                found = np.asarray(column if self.at is None else column[self.at], np.float64)
            self._read[name] = found
        return found

    def text(self, name: str) -> npt.NDArray[np.object_]:
        """A text or code field of the pledges, None where unknown, shape (n,)."""
        found: npt.NDArray[np.object_] = self._once(text, self.pledges, name)
        return found

    def day(self, name: str) -> npt.NDArray[np.datetime64]:
        """A field of days of the pledges, NaT where unknown, shape (n,)."""
        found: npt.NDArray[np.datetime64] = self._once(day, self.pledges, name)
        return found

    def yes(self, name: str) -> Bools:
        """True where a yes/no field of the pledges says yes; unknown is not yes, shape (n,)."""
        return is_yes(self.number(name))

    def known(self, name: str) -> Bools:
        """True where a numeric field of the pledges is known, shape (n,)."""
        return ~np.isnan(self.number(name))

    def is_one_of(self, name: str, codes: Iterable[str]) -> Bools:
        """True where a code field of the pledges is one of the codes given, shape (n,)."""
        wanted = frozenset(codes)
        return np.fromiter(map(wanted.__contains__, self.text(name).tolist()), bool, self.rows)

    def loan(self, name: str) -> Floats:
        """A numeric field of the loan behind each pledge, NaN where unknown, shape (n,)."""
        found: Floats = self._once(number, self.loans, name)
        return found

    @property
    def as_of(self) -> npt.NDArray[np.datetime64]:
        """Day of appraisal of each pledge, shape (n,)."""
        found: npt.NDArray[np.datetime64] = self._once(day, self.loans, "as_of")
        return found

    def months_left(self, name: str) -> Floats:
        """Months from the day of appraisal to a day of the pledge, shape (n,); NaN where unknown."""
        return months_between(self.as_of, self.day(name))

    def _once(self, read: Callable[[Columns, str], Any], table: Columns, name: str) -> Any:
        """A column as it is read the first time; gates, haircuts and reasons ask for the same ones again."""
        key = (read, table is self.loans, name)
        found = self._read.get(key)
        if found is None:
            found = self._read[key] = read(self._picked(table, name), name)
        return found

    def _picked(self, table: Columns, name: str) -> Columns:
        """A table of the one column, of this case's rows; without columns but of n rows where there is none."""
        column = table.get(name)
        if column is None:
            return {"": np.empty(self.rows)}
        return {name: column if self.at is None else column[self.at]}
