"""A method of appraisal as it is applied: its parameters, its formula, its steps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from eco_credit.core.numbers import Floats
from eco_credit.valuation.case import Case
from eco_credit.valuation.parameter import Parameter

Figures = dict[str, Floats]
"""Named figures in scenarios: shape (T, n), or shapes that broadcast to it."""
VALUE = "value"
"""The figure that holds the value of the right, CNY."""
_NAMES = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Step:
    """One step of a method: what is worked out, and how, so that a person can follow it with a calculator.

    Attributes:
        figure: name of the figure it shows; also its stable identifier.
        zh: label in Chinese.
        en: label in English.
        unit: stored unit of the figure.
        formula: in symbols, as the method prints it.
        working: the same with the names of figures and parameters in braces, written with
            ``+ − × ÷ ^ ( ) min max``; filling in the numbers gives a line a calculator can work.
        when: figure that must be other than 0 for the step to be shown; None shows it always.
    """

    figure: str
    zh: str
    en: str
    unit: str
    formula: str = ""
    working: str = ""
    when: str | None = None

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """Names the working fills in."""
        return tuple(_NAMES.findall(self.working))


@dataclass(frozen=True, slots=True)
class CashFlow:
    """One payment, or a payment of every year, behind a value by income.

    Attributes:
        year: years from the day of appraisal to the first payment.
        amount: CNY of one payment; negative where it is paid out.
        zh: what it is, in Chinese.
        en: the same in English.
        years: number of yearly payments; 1 is a single one. A broken last year pays its part.
    """

    year: float
    amount: float
    zh: str
    en: str
    years: float = 1.0


Cash = Callable[[Mapping[str, float]], Sequence[CashFlow]]
"""Central figures of one pledge to the payments behind its value."""


@dataclass(frozen=True, slots=True)
class CheckValue:
    """A figure beside the appraisal that tells whether an assumption is sound; it enters no value.

    Attributes:
        code: stable identifier.
        zh: label in Chinese.
        en: label in English.
        unit: stored unit.
        of: case to the figure, NaN where it cannot be worked out, shape (n,).
        beside: parameter of the method it is held against; None where there is none.
    """

    code: str
    zh: str
    en: str
    unit: str
    of: Callable[[Case], Floats]
    beside: str | None = None


@dataclass(frozen=True, eq=False)
class Approach:
    """One method of appraisal.

    Attributes:
        code: stable identifier.
        zh: name in Chinese, as the norm prints it.
        en: name in English.
        ref: reference of the rulebook in which the method stands.
        parameters: what it reads.
        value: parameters in scenarios to all figures, among them ``value``; elementwise.
        steps: in the order a person works them.
        cash: payments behind the value; None for a method that looks at cost or at deals.
        adds_flows: whether contracted ecosystem flows come on top; False where the method values such a payment itself.
        checks: figures an appraiser holds the assumptions against, worked out for the report only.
    """

    code: str
    zh: str
    en: str
    ref: str
    parameters: tuple[Parameter, ...]
    value: Callable[[Figures], Figures]
    steps: tuple[Step, ...]
    cash: Cash | None = None
    adds_flows: bool = True
    checks: tuple[CheckValue, ...] = ()

    @cached_property
    def drivers(self) -> tuple[str, ...]:
        """Names of the drivers that may be off, in the order of the parameters."""
        return tuple(dict.fromkeys(p.moved_by for p in self.parameters if p.moves))

    @cached_property
    def namers(self) -> Mapping[str, Parameter]:
        """Driver to the parameter that gives it its name: the first one it moves."""
        return {p.moved_by: p for p in reversed(self.parameters)}
