"""The lender's book: what is pledged already, and how much of it lies in one group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import fsum
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.canonical import digest
from eco_credit.core.identifiers import fold_spaces
from eco_credit.core.numbers import Bools, Columns, Floats, number, rows_of, take, text, where_known
from eco_credit.valuation.case import Case
from eco_credit.valuation.groups import group_numbers
from eco_credit.valuation.kind import Kind

Key = tuple[str, ...]
Keys = npt.NDArray[np.object_]


def keys_of(kind: Kind, pledges: Columns) -> Keys:
    """What identifies the thing pledged: the values of the kind's key fields as text, a blank where unknown.

    Texts are folded (width, case, blanks) and numbers written with 6 significant digits, so that a paper copied by
    two people gives one key.

    Args:
        kind: the kind.
        pledges: columns of its contract, n rows.

    Returns:
        One tuple per pledge, shape (n,); None where the first field, the number on the paper, is blank: an area or
        a compartment alone names nothing.
    """
    columns = [[_plain(value) for value in pledges.get(name, np.full(rows_of(pledges), None))] for name in kind.key]
    found: Keys = np.full(rows_of(pledges), None, dtype=object)
    for row, key in enumerate(zip(*columns, strict=True)):
        found[row] = key if key[0] else None
    return found


def _plain(value: object) -> str:
    if value is None or value != value:
        return ""
    return format(value, ".6g") if isinstance(value, float) else fold_spaces(str(value))


@dataclass(frozen=True)
class LenderBook:
    """Pledges that stand in the lender's books on the day of appraisal.

    Attributes:
        holders: kind and key to the applications that pledge it.
        lent: kind and group to lending value in force, CNY.
        digest: SHA-256 over the book, for the provenance of every answer; None for no book.
    """

    holders: Mapping[tuple[str, Key], frozenset[str]] = field(default_factory=dict)
    lent: Mapping[tuple[str, str], float] = field(default_factory=dict)
    digest: str | None = None

    def pledged_elsewhere(self, kind: Kind, keys: Keys, applications: Sequence[str]) -> Bools:
        """True where another application holds the same pledge, shape (n,)."""
        none: frozenset[str] = frozenset()
        held = (self.holders.get((kind.name, key), none) if key is not None else none for key in keys)
        return np.array([bool(h - {a}) for h, a in zip(held, applications, strict=True)], dtype=bool)

    def share(self, kind: Kind, groups: Keys) -> Floats:
        """Part of the book of the kind that lies in the pledge's group, 0 in an empty book, shape (n,)."""
        return np.array([self._shares.get((kind.name, _plain(group)), 0.0) for group in groups], dtype=np.float64)

    @cached_property
    def _shares(self) -> dict[tuple[str, str], float]:
        """Kind and group to its part of the lending value of the kind; a blank group is nobody's group."""
        names = {name for name, _ in self.lent}
        whole = {each: fsum(amount for (name, _), amount in self.lent.items() if name == each) for each in names}
        lent = self.lent.items()
        return {(name, group): amount / whole[name] for (name, group), amount in lent if group and whole[name] > 0.0}

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel to a worker as plain data: a read-only view cannot be pickled."""
        return _made, (dict(self.holders), dict(self.lent), self.digest)


def _made(
    holders: Mapping[tuple[str, Key], frozenset[str]], lent: Mapping[tuple[str, str], float], digest: str | None
) -> LenderBook:
    return LenderBook(MappingProxyType(holders), MappingProxyType(lent), digest)


EMPTY = LenderBook()
"""No book given: nothing is known to be pledged elsewhere."""


def lender_book(kinds: Mapping[str, Kind], tables: Mapping[str, Columns]) -> LenderBook:
    """Make a book of tables of pledges in force.

    Args:
        kinds: the kinds by name.
        tables: kind name to pledge columns, with ``application_id`` and, where the book is to say how concentrated it
            is, ``lending_value`` (CNY).

    Returns:
        The book.
    """
    holders: dict[tuple[str, Key], set[str]] = {}
    amounts: dict[tuple[str, str], list[float]] = {}
    for name, table in tables.items():
        kind = kinds[name]
        groups = text(table, kind.concentration) if kind.concentration else np.full(rows_of(table), "")
        known = where_known(number(table, "lending_value"), 0.0).tolist()
        for key, holder, group, amount in zip(
            keys_of(kind, table), text(table, "application_id"), groups, known, strict=True
        ):
            if key is not None:
                holders.setdefault((name, key), set()).add(str(holder))
            amounts.setdefault((name, _plain(group)), []).append(amount)
    # added exactly, so that the digest does not depend on the order of the rows
    lent = {place: fsum(found) for place, found in sorted(amounts.items())}
    held = {place: frozenset(who) for place, who in sorted(holders.items())}
    content = [[[name, *key], sorted(who)] for (name, key), who in held.items()]
    return _made(held, lent, digest([content, [[*place, amount] for place, amount in lent.items()]]))


def taken_already(kind: Kind, case: Case, book: LenderBook) -> Bools:
    """True where the thing is pledged already: by another application of the book, or twice in this one.

    Args:
        kind: the kind.
        case: n pledges, whose loans bring ``application_row`` and, where there is a book, ``application_id``.
        book: what the lender holds.

    Returns:
        Flags, shape (n,).
    """
    application = number(case.loans, "application_row").tolist()
    of_application = group_numbers(application)
    several = np.bincount(of_application, minlength=1)[of_application] > 1
    compared = np.flatnonzero(several | bool(book.holders))
    taken = np.zeros(case.rows, dtype=bool)
    if len(compared) == 0:
        return taken
    keys = keys_of(kind, take(case.pledges, compared))
    # a pledge without a key is like no other
    alike = group_numbers(
        [application[row] for row in compared], [row if key is None else key for row, key in enumerate(keys)]
    )
    twice = np.bincount(alike, minlength=1)[alike] > 1
    who = text(case.loans, "application_id")[compared].tolist()
    taken[compared] = twice | book.pledged_elsewhere(kind, keys, who)
    return taken
