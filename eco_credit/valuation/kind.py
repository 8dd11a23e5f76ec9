"""The shape every kind of collateral has: facts, gates, appraisal, haircuts, cap, reasons, features.

A kind is data plus pure functions on columns. Kinds do not know one another; the room knows a kind
only by this shape, so a new kind changes no file but its own and the register.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from eco_credit.core.dates import months_between
from eco_credit.core.numbers import Bools, Columns, Floats, day, is_yes, number, rows_of, text
from eco_credit.rulebook import RuleSet
from eco_credit.valuation.appraisal import Appraisal, Figures


@dataclass(frozen=True)
class Case:
    """The pledges under appraisal, the loans they secure and the rules of the day.

    Attributes:
        pledges: columns of the kind's contract, n rows.
        loans: columns of the loan each pledge belongs to, n rows (one per pledge, not per loan),
            with ``as_of``, ``term_months`` and ``application_row``.
        rules: rules in force on the day of appraisal.
        facts: columns the kind derived once from the three above, n rows each.
    """

    pledges: Columns
    loans: Columns
    rules: RuleSet
    facts: Figures
    _read: dict[str, Floats] = field(default_factory=dict, compare=False, repr=False)

    @property
    def rows(self) -> int:
        """Number of pledges."""
        return rows_of(self.pledges)

    def number(self, name: str) -> Floats:
        """A numeric field of the pledges in its stored unit, NaN where unknown, shape (n,)."""
        found = self._read.get(name)
        if found is None:
            found = self._read[name] = number(self.pledges, name)
        return found

    def yes(self, name: str) -> Bools:
        """True where a yes/no field of the pledges says yes; unknown is not yes, shape (n,)."""
        return is_yes(self.number(name))

    def is_one_of(self, name: str, codes: Iterable[str]) -> Bools:
        """True where a code field of the pledges is one of the codes given, shape (n,)."""
        wanted = frozenset(codes)
        return np.array([value in wanted for value in text(self.pledges, name)], dtype=bool)

    def loan(self, name: str) -> Floats:
        """A numeric field of the loan behind each pledge, NaN where unknown, shape (n,)."""
        return number(self.loans, name)

    def months_left(self, name: str) -> Floats:
        """Months from the day of application to a day of the pledge, shape (n,); NaN where unknown."""
        return months_between(day(self.loans, "as_of"), day(self.pledges, name))


Judgement = Callable[[Case, Appraisal], Bools]
Measure = Callable[[Case, Appraisal], Floats]


@dataclass(frozen=True, slots=True)
class Gate:
    """A hard refusal, tested before any score: no model may rescue a pledge that hits it.

    Attributes:
        code: reason code of the closed list.
        zh: what is tested, in Chinese.
        en: the same in English.
        hit: case and appraisal to True where the pledge is refused.
    """

    code: str
    zh: str
    en: str
    hit: Judgement


@dataclass(frozen=True, slots=True)
class Remark:
    """A favourable or adverse reason, or a condition: a code and where it holds."""

    code: str
    holds: Judgement


@dataclass(frozen=True, slots=True)
class Haircut:
    """One named ratio taken off the appraisal, with the rule it comes from.

    Attributes:
        name: stable identifier.
        zh: label in Chinese.
        en: label in English.
        rule: name of the rule the ratio is read from.
        ratio: case and appraisal to the part of the value taken off, 0 to 1, shape (n,).
    """

    name: str
    zh: str
    en: str
    rule: str
    ratio: Measure


@dataclass(frozen=True)
class Kind:
    """One kind of collateral right.

    Attributes:
        name: stable identifier; also the name of its data contract.
        zh: name in Chinese.
        en: name in English.
        rules: prefix of its rules, such as ``valuation.forest``.
        approaches: code of each method of appraisal to its (zh, en) name.
        facts: pledges, loans and rules to the derived columns every other function reads.
        appraise: case to the appraisal.
        gates: hard refusals.
        haircuts: in the order they are taken.
        cap: highest lending value as a part of the central value, by the rule ``<rules>.ltv``, shape (n,).
        right_months: months the right still runs from the day of application, shape (n,).
        saleable: part of a GEP service's flow the right lets its holder sell, on top of the
            entitlement table (0 switches the service off); services left out count as 1.
        reasons: favourable and adverse codes.
        conditions: condition codes asked for.
        features: inputs of the models, by the names of the loan tape.
    """

    name: str
    zh: str
    en: str
    rules: str
    approaches: Mapping[str, tuple[str, str]]
    facts: Callable[[Columns, Columns, RuleSet], Figures]
    appraise: Callable[[Case], Appraisal]
    gates: tuple[Gate, ...]
    haircuts: tuple[Haircut, ...]
    cap: Measure
    right_months: Callable[[Case], Floats]
    saleable: Callable[[Case], Mapping[str, Floats]]
    reasons: tuple[Remark, ...]
    conditions: tuple[Remark, ...]
    features: Callable[[Case, Appraisal], Columns]
