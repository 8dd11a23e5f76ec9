"""A parameter of an appraisal: where its value comes from and how far it may be off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Bools, Floats, where_known
from eco_credit.rulebook import RuleSet
from eco_credit.valuation.case import Case
from eco_credit.valuation.scenarios import Layout

_NOTHING = np.zeros(1)
Read = Callable[[Case], Floats]
Ends = Callable[[Case], tuple[Floats, Floats]]
NORMAL_ENDS = 2.405
"""Standard deviations at which a double triangular distribution ends that has the 5 % and 95 % points of a normal one:
``1.645 / (1 - sqrt(0.1))``."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input of a method of appraisal.

    The value is the stated one where the pledge states it; else what `derive` works out; else the rulebook's: a
    number with its range, or a table whose row the kind has looked up into the fact named after the rule's last
    word. Where there is none of these the parameter is unknown, and so is the value of the right.

    Attributes:
        name: symbol in formulas and steps.
        zh: label in Chinese.
        en: label in English.
        unit: stored unit.
        field: contract field that states it.
        derive: what the kind works out of its facts, NaN where it cannot, shape (n,).
        rule: rule read where it is neither stated nor derived.
        ends: what the kind works out of how far a stated or derived value is from its low and its high end, shape
            (n,) each; instead of `spread`.
        spread: rule of the relative uncertainty of a stated or derived value; None takes it as certain.
        table_spread: rule of the relative uncertainty of a value read from a table.
        driver: parameters of one driver move together; by default each is its own.
        lowest: no scenario goes below.
        highest: no scenario goes above.
    """

    name: str
    zh: str
    en: str
    unit: str
    field: str | None = None
    derive: Read | None = None
    rule: str | None = None
    ends: Ends | None = None
    spread: str | None = None
    table_spread: str | None = None
    driver: str | None = None
    lowest: float | None = None
    highest: float | None = None

    @property
    def moves(self) -> bool:
        """True where the parameter may be off: a spread, ends, or a rule with a range."""
        return self.spread is not None or self.rule is not None or self.ends is not None

    @property
    def moved_by(self) -> str:
        """Name of the driver."""
        return self.driver or self.name


@dataclass(frozen=True, slots=True)
class Span:
    """Central value of a parameter with the distances to its low and high value.

    Attributes:
        central: shape (n,) or (1,), NaN where unknown.
        below: central less low, at least 0, shape (n,) or (1,).
        above: high less central, likewise.
        stated: True where the pledge states it or the kind works it out of what is stated, shape (n,); None for all.
        even: True where the two distances are one and the same for every pledge.
        of_rule: True for one number of the rulebook, the same for every pledge.
    """

    central: Floats
    below: Floats
    above: Floats
    stated: Bools | None
    even: bool = False
    of_rule: bool = False

    @property
    def low(self) -> Floats:
        """Low value, shape (n,) or (1,)."""
        return self.central - self.below

    @property
    def high(self) -> Floats:
        """High value, shape (n,) or (1,)."""
        return self.central + self.above


def span_of(parameter: Parameter, case: Case) -> Span:
    """Read a parameter for every pledge of a case.

    Args:
        parameter: what to read.
        case: n pledges with the facts of their kind.

    Returns:
        The span.

    Raises:
        RuleNotInForce: a rule is missing.
        ValueError: the parameter has no source at all.
    """
    stated = _stated(parameter, case)
    if stated is None:
        return _from_rule(parameter, case)
    if parameter.ends is not None:
        return Span(stated, *parameter.ends(case), None)
    off = np.abs(stated) * case.rules.number(parameter.spread) if parameter.spread else _NOTHING
    if parameter.rule is None:
        return Span(stated, off, off, None, even=True)
    usual, known = _from_rule(parameter, case), ~np.isnan(stated)
    if not np.count_nonzero(known):
        return usual
    if usual.even:
        off = np.where(known, off, usual.above)
        return Span(np.where(known, stated, usual.central), off, off, known, even=True)
    return Span(
        np.where(known, stated, usual.central), np.where(known, off, usual.below),
        np.where(known, off, usual.above), known,
    )  # fmt: skip


def _stated(parameter: Parameter, case: Case) -> Floats | None:
    """What the pledge states or the kind works out, NaN where it does not; None where only a rule can tell."""
    if parameter.field is None:
        return parameter.derive(case) if parameter.derive is not None else None
    stated = case.number(parameter.field)
    return stated if parameter.derive is None else where_known(stated, parameter.derive(case))


def _from_rule(parameter: Parameter, case: Case) -> Span:
    rule = parameter.rule
    if rule is None:
        raise ValueError(f"parameter {parameter.name} is neither stated nor derived nor a rule")
    if isinstance(case.rules[rule], Mapping):
        central = case.facts[rule.rpartition(".")[2]]
        off = np.abs(central) * (case.rules.number(parameter.table_spread) if parameter.table_spread else 0.0)
        return Span(central, off, off, np.zeros(1, dtype=bool), even=True)
    return case.rules.once(("span", rule), lambda: _number(case.rules.span(rule)))


def _number(span: tuple[float, float, float]) -> Span:
    low, central, high = (np.array([value]) for value in span)
    return Span(central, central - low, high - central, np.zeros(1, dtype=bool), of_rule=True)


def laid_once(parameter: Parameter, span: Span, plan: Layout, rules: RuleSet) -> Floats:
    """`laid`; a number of the rulebook is laid out once for its rules and scenarios, and may not be written to."""
    if not span.of_rule:
        return laid(parameter, span, plan)
    key = ("laid", parameter.rule, parameter.moved_by, parameter.lowest, parameter.highest, plan)
    return rules.once(key, lambda: _frozen(laid(parameter, span, plan)))


def _frozen(values: Floats) -> Floats:
    values.setflags(write=False)
    return values


def laid(parameter: Parameter, span: Span, plan: Layout) -> Floats:
    """Values of a parameter in every scenario: ``c + (h - c) up - (c - l) down``, times the shock of its driver.

    Args:
        parameter: the parameter.
        span: its span, n pledges.
        plan: the scenarios.

    Returns:
        Shape (T, n); (T, 1) where no pledge differs; (1, n) or (1, 1) where no scenario moves it.
    """
    values = _moved(span, parameter.moved_by, plan) if parameter.moves else span.central[None, :]
    if parameter.lowest is not None:
        values = np.maximum(values, parameter.lowest)
    if parameter.highest is not None:
        values = np.minimum(values, parameter.highest)
    return values


def _moved(span: Span, driver: str, plan: Layout) -> Floats:
    values = span.central[None, :]
    if span.even:
        values = values + span.above * plan.net[driver] if np.count_nonzero(span.above) else values
    elif np.count_nonzero(span.above) or np.count_nonzero(span.below):
        values = values + span.above * plan.up[driver] - span.below * plan.down[driver]
    return values * plan.shock[driver] if driver in plan.shock else values
