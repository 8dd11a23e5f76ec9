"""What a service is: its name, its items, and the steps from the columns of a row to a flow.

A service file states only this. Which service counts is for the norm; what a parameter is worth is
for the rulebook. The steps are data, so the same file serves a table, a raster and a Monte Carlo run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from eco_credit.core.numbers import Floats

Formula = Callable[..., Floats]
"""A bare function on floats or arrays with declared units (`eco_credit.core.units.units`)."""

Group = Literal["provisioning", "regulating", "cultural"]
GROUPS: tuple[Group, ...] = ("provisioning", "regulating", "cultural")
"""物质供给, 调节服务, 文化服务."""


@dataclass(frozen=True, slots=True)
class Input:
    """A column a service can be computed from.

    Attributes:
        column: name in the table.
        unit: unit of the column, in pint's notation; ``text`` for a code.
        zh: Chinese label.
        en: English label.
        minimum: smallest allowed value, or None.
        maximum: largest allowed value, or None.
        maximum_rule: rule that holds the largest plausible value, or None.
    """

    column: str
    unit: str
    zh: str
    en: str
    minimum: float | None = 0.0
    maximum: float | None = None
    maximum_rule: str | None = None


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument read from the rulebook, unless the row brings its own value.

    Attributes:
        rule: name of the rule; a number, a ``{low, central, high}`` table, or with `key` a table by code.
        column: column in which a row may bring its own value.
        key: text column that picks the entry of a table.
    """

    rule: str
    column: str | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """An argument that states how to calculate: a code in a column, and the number each code stands for."""

    column: str
    options: Mapping[str, float]
    default: str


Argument = str | Parameter | Choice
"""A column name, a rule, or a stated choice."""


@dataclass(frozen=True, slots=True)
class Step:
    """Fill one column of the rows that do not have it yet and do have all arguments.

    Attributes:
        target: column filled; ``physical``, ``price`` and ``value`` are the account's own.
        formula: the function.
        arguments: argument name of the formula to where its value comes from.
        unit: unit of the result for ``physical``, ``price`` and ``value``; None keeps the row's.
        items: item codes the step is for; empty for all.
    """

    target: str
    formula: Formula
    arguments: Mapping[str, Argument]
    unit: str | None = None
    items: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Item:
    """A part of a service with its own quantity and price.

    Attributes:
        code: stable code.
        zh: Chinese label.
        en: English label.
        price: rule with a price to use where the row states none, or None.
        price_unit: unit of that price, or None.
        exchange: False when its value is welfare and not an exchange value.
    """

    code: str
    zh: str
    en: str
    price: str | None = None
    price_unit: str | None = None
    exchange: bool = True


@dataclass(frozen=True, slots=True)
class Service:
    """One ecosystem service.

    Attributes:
        code: code of the closed list.
        zh: Chinese name.
        en: English name.
        group: provisioning, regulating or cultural.
        items: its parts; a row may also name an item freely when it brings its own quantity or value.
        inputs: columns it can be computed from.
        steps: from inputs to ``physical``, ``price`` or ``value``, in order.
        price_kinds: kinds of quantity a price may be per (see ``measures.yaml``); empty for any.
        formulas: every formula of the service, monetary ones included, for tests and documents.
    """

    code: str
    zh: str
    en: str
    group: Group
    items: tuple[Item, ...] = ()
    inputs: tuple[Input, ...] = ()
    steps: tuple[Step, ...] = ()
    price_kinds: frozenset[str] = frozenset()
    formulas: tuple[Formula, ...] = field(default=())

    def item(self, code: str | None) -> Item | None:
        """The item of a code, the only item when the code is blank, else None."""
        if code is None:
            return self.items[0] if len(self.items) == 1 else None
        return next((item for item in self.items if item.code == code), None)
