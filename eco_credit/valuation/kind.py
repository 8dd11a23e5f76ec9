"""The shape every kind of collateral has: facts, gates, appraisal, haircuts, cap, reasons, features.

A kind is data plus pure functions on columns. Kinds do not know one another; the room knows a kind
only by this shape, so a new kind changes no file but its own and the register.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from eco_credit.core.numbers import Bools, Columns, Floats
from eco_credit.rulebook import RuleSet
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.approach import Approach
from eco_credit.valuation.case import Case, Facts, Indices

Judgement = Callable[[Case, Appraisal], Bools]
Measure = Callable[[Case, Appraisal], Floats]


@dataclass(frozen=True, slots=True)
class Gate:
    """A hard refusal, tested before any score: no model may rescue a pledge that hits it.

    Attributes:
        code: reason code of the closed list; gates may share one.
        zh: what is tested, in Chinese.
        en: the same in English.
        hit: case and appraisal to True where the pledge is refused.
        ref: reference of the rulebook the gate rests on.
        article: article of that reference, where it has articles.
        rule: rule whose number decides, where one does.
    """

    code: str
    zh: str
    en: str
    hit: Judgement
    ref: str
    article: str | None = None
    rule: str | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """Figures that contradict one another or the rulebook: shown with the rule's name, refuses nothing.

    Attributes:
        name: stable identifier.
        zh: what was found, in Chinese.
        en: the same in English.
        raised: case to True where it was found.
        rule: rule the check reads.
    """

    name: str
    zh: str
    en: str
    raised: Callable[[Case], Bools]
    rule: str


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


@dataclass(frozen=True, eq=False)
class Kind:
    """One kind of collateral right.

    Attributes:
        name: stable identifier; also the name of its data contract.
        zh: name in Chinese.
        en: name in English.
        rules: prefix of its rules, such as ``valuation.forest``.
        approaches: the methods of appraisal.
        facts: pledges, loans and rules to the derived columns every other function reads.
        choose: case to the place of each pledge's method among the approaches, shape (n,).
        gates: hard refusals.
        flags: checks between figures.
        haircuts: in the order they are taken.
        cap: highest lending value as a part of the central value, by the rule ``<rules>.ltv``, shape (n,).
        right_months: months the right still runs from the day of application, shape (n,).
        saleable: part of a GEP service's flow the right lets its holder sell, on top of the
            entitlement table (0 switches the service off); services left out count as 1.
        reasons: favourable and adverse codes.
        conditions: condition codes asked for.
        features: inputs of the models, by the names of the loan tape.
        key: fields that name the thing pledged, whoever pledges it: two pledges that agree in all of them are one.
            The first is the number on the paper; a pledge without it is not compared.
        stresses: stress scenarios worked out, by the last word of their rule ``valuation.stress.<name>``.
        insured: what an insurer pays the lender in a stress that burns or washes away the asset, CNY, shape (n,).
        concentration: field whose value groups the lender's book for the concentration haircut.
        keep: figures of its methods that haircuts, gates and remarks read.
        receivable: True where the pledge is a receivable to the capital rules, shape (n,); all else is other
            physical collateral. None where a kind never is.
    """

    name: str
    zh: str
    en: str
    rules: str
    approaches: tuple[Approach, ...]
    facts: Callable[[Columns, Columns, RuleSet], Facts]
    choose: Callable[[Case], Indices]
    gates: tuple[Gate, ...]
    flags: tuple[Flag, ...]
    haircuts: tuple[Haircut, ...]
    cap: Measure
    right_months: Callable[[Case], Floats]
    saleable: Callable[[Case], Mapping[str, Floats]]
    reasons: tuple[Remark, ...]
    conditions: tuple[Remark, ...]
    features: Callable[[Case, Appraisal], Columns]
    key: tuple[str, ...]
    stresses: tuple[str, ...] = ()
    insured: Callable[[Case], Floats] | None = None
    concentration: str | None = None
    receivable: Callable[[Case], Bools] | None = None
    keep: tuple[str, ...] = ()
