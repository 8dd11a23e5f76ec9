"""Run the steps of a service over columns, and find the range its parameters leave.

Elementwise only: one row gives the same bytes alone as among many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Columns, Floats, number, rows_of, text
from eco_credit.gep.service import Argument, Choice, Parameter, Service, Step
from eco_credit.rulebook import RuleSet

Index = npt.NDArray[np.intp]
"""Places of some rows in the whole table."""

CENTRAL = 1


@dataclass(frozen=True, slots=True)
class Shift:
    """One rule read at the low (0) or high (2) end of its range, all others at the centre."""

    rule: str
    side: int


@dataclass(frozen=True, slots=True)
class Filled:
    """Columns after the steps.

    Attributes:
        columns: all columns, targets filled where a step could.
        computed: rows whose quantity, price or value a step filled.
        by: formula that filled each row last, by name, joined by ``+``; empty where none.
        priced: rows whose price was read from the rulebook.
        stepped: rows whose price or value a step worked out.
    """

    columns: Columns
    computed: Bools
    by: Any
    priced: Bools
    stepped: Bools


def span(rules: RuleSet, name: str) -> tuple[float, float, float]:
    """Low, central and high value of a rule that is a number or a ``{low, central, high}`` table."""
    value = rules[name]
    if isinstance(value, Mapping):
        return float(value["low"]), float(value["central"]), float(value["high"])
    return rules.span(name)


def rules_of(service: Service) -> tuple[str, ...]:
    """Names of the rules with a range that a service reads, in the order of its file."""
    arguments = [argument for step in service.steps for argument in step.arguments.values()]
    read = [a.rule for a in arguments if isinstance(a, Parameter) and a.key is None]
    return tuple(dict.fromkeys([*read, *(item.price for item in service.items if item.price)]))


def fill(service: Service, rows: Columns, rules: RuleSet, shift: Shift | None = None) -> Filled:
    """Fill quantity, price and value of the rows of one service from their inputs.

    Args:
        service: the service all rows belong to.
        rows: columns of `eco_credit.gep.reading`, n rows.
        rules: the rulebook of the day.
        shift: the one rule to read at an end of its range.

    Returns:
        The columns with targets filled, and what was filled by whom.
    """
    count = rows_of(rows)
    columns = dict(rows)
    by = np.full(count, "", dtype=object)
    computed, stepped = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    for step in service.steps:
        ready, result = _run(service, step, columns=columns, rules=rules, shift=shift)
        columns[step.target] = np.where(ready, result, number(columns, step.target))
        by = np.where(ready, _joined(by, step.formula.__name__), by)
        computed |= ready & (step.target in {"physical", "price", "value"})
        stepped |= ready & (step.target in {"price", "value"})
        if step.unit is not None:
            columns[f"{step.target}_unit"] = np.where(ready, step.unit, text(columns, f"{step.target}_unit"))
    columns, priced = _priced(service, columns, rules, shift)
    return Filled(columns, computed | priced, by, priced, stepped)


def _joined(by: Any, name: str) -> Any:
    return np.array([f"{done}+{name}" if done else name for done in by], dtype=object)


def _run(
    service: Service, step: Step, *, columns: Columns, rules: RuleSet, shift: Shift | None
) -> tuple[Bools, Floats]:
    arguments = {name: _argument(argument, columns, rules, shift) for name, argument in step.arguments.items()}
    ready = np.isnan(number(columns, step.target)) & of_items(service, step.items, columns)
    if step.target in {"physical", "price"}:
        ready &= np.isnan(number(columns, "value")) & np.isnan(number(columns, "value_cny"))
    for values in arguments.values():
        ready &= ~np.isnan(values)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        return ready, step.formula(**arguments)


def of_items(service: Service, items: tuple[str, ...], columns: Columns) -> Bools:
    """True for the rows whose item is one of the codes; no codes mean every row."""
    if not items:
        return np.ones(rows_of(columns), np.bool_)
    named = [service.item(code) for code in text(columns, "item")]
    return np.array([one is not None and one.code in items for one in named], np.bool_)


def _argument(argument: Argument, columns: Columns, rules: RuleSet, shift: Shift | None) -> Floats:
    if isinstance(argument, str):
        return number(columns, argument)
    if isinstance(argument, Choice):
        codes = text(columns, argument.column)
        chosen = [argument.options.get(argument.default if code is None else code, np.nan) for code in codes]
        return np.array(chosen, np.float64)
    return _parameter(argument, columns, rules, shift)


def _parameter(argument: Parameter, columns: Columns, rules: RuleSet, shift: Shift | None) -> Floats:
    if argument.key is not None:
        table = rules.table(argument.rule)
        listed = np.array([float(table.get(code, np.nan)) for code in text(columns, argument.key)], np.float64)
    else:
        side = shift.side if shift is not None and shift.rule == argument.rule else CENTRAL
        listed = np.full(rows_of(columns), span(rules, argument.rule)[side])
    if argument.column is None:
        return listed
    own = number(columns, argument.column)
    return np.where(np.isnan(own), listed, own)


def _priced(
    service: Service, columns: Columns, rules: RuleSet, shift: Shift | None
) -> tuple[Columns, Bools]:
    """Price the rows that have a quantity and neither price nor value, where the item has a price rule."""
    priced = np.zeros(rows_of(columns), np.bool_)
    bare = ~np.isnan(number(columns, "physical")) & np.isnan(number(columns, "price"))
    bare &= np.isnan(number(columns, "value")) & np.isnan(number(columns, "value_cny"))
    for item in service.items:
        if item.price is None:
            continue
        side = shift.side if shift is not None and shift.rule == item.price else CENTRAL
        here = bare & of_items(service, (item.code,), columns)
        columns["price"] = np.where(here, span(rules, item.price)[side], number(columns, "price"))
        columns["price_unit"] = np.where(here, str(item.price_unit), text(columns, "price_unit"))
        priced |= here
    return columns, priced
