"""From rows to values: quantity times price in units that cancel, with a range on every row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools, Columns, Floats, number, rows_of, take, text
from eco_credit.gep import refusing
from eco_credit.gep.amounts import differences, negatives, scale_of, worth
from eco_credit.gep.compute import Index, Sheet, filled, high_end, low_end, ranged_rules
from eco_credit.gep.flow import Notice
from eco_credit.gep.masks import Mask, both, either, neither, pick
from eco_credit.gep.service import Service
from eco_credit.rulebook import RuleSet


@dataclass(slots=True)
class Valued:
    """The rows of a table with their values, in row order.

    Attributes:
        columns: the table with ``physical``, ``price`` and their units filled where they could be.
        value: CNY per year, n rows.
        low: low end, CNY per year.
        high: high end, CNY per year.
        computed: rows whose quantity or price was worked out here.
        by: names of the formulas used, text.
        notices: warnings met on the way.
        violations: what stands in the way of a value.
    """

    columns: Columns
    value: Floats
    low: Floats
    high: Floats
    computed: Bools
    by: Any
    notices: list[Notice] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)


def value_rows(rows: Columns, known: Mapping[str, Service], rules: RuleSet) -> Valued:
    """Value every row and find its range.

    Args:
        rows: columns of `eco_credit.gep.reading.read_table`.
        known: services by code.
        rules: the rulebook of the day.

    Returns:
        Values and ranges, in row order.

    Raises:
        ContractError: a row names no known service, has no value and cannot be computed, has an input
            outside its bounds, or units that do not cancel.
    """
    valued = _empty(rows)
    valued.violations += refusing.of_names(rows, known)
    codes = text(rows, "service")
    for code in dict.fromkeys(codes):
        if code in known:
            _value_service(known[code], np.flatnonzero(codes == code), rows, rules=rules, valued=valued)
    if valued.violations:
        raise ContractError(sorted(valued.violations, key=lambda v: (v.row or 0, v.field, v.rule)))
    valued.notices.sort(key=lambda notice: (notice.rows, notice.rule))
    return valued


def _empty(rows: Columns) -> Valued:
    count = rows_of(rows)
    blank = [np.full(count, np.nan) for _ in range(3)]
    copies = {name: column.copy() for name, column in rows.items()}
    return Valued(copies, blank[0], blank[1], blank[2], np.zeros(count, np.bool_), np.full(count, "", dtype=object))


def _value_service(
    service: Service, index: Index, rows: Columns, *, rules: RuleSet, valued: Valued
) -> None:
    own = take(rows, index)
    sheet = Sheet(service, own, rules)
    done = filled(sheet)
    refused = refusing.of_inputs(service, own, index, rules) + refusing.of_amounts(service, own, done, index)
    valued.violations += refused
    if refused:
        return
    value, low, high = ranged(sheet)
    valued.low[index], valued.high[index] = _as_given(own, low, high, value=value)
    for name in ("physical", "physical_unit", "price", "price_unit"):
        valued.columns[name][index] = done.columns[name]
    valued.value[index] = value
    valued.computed[index], valued.by[index] = done.computed, done.by
    valued.notices += differences(done.columns, index, rules) + negatives(service, value, index)


def ranged(sheet: Sheet) -> tuple[Floats, Floats, Floats]:
    """``low, high = V - sqrt(sum d^2), V + sqrt(sum u^2)``: each parameter in turn at each end of its range.

    d and u are the moves down and up. A price the row states moves by the spread of the service.

    Args:
        sheet: the rows of one service.

    Returns:
        V, low and high, CNY per year, n rows each; NaN where a row has no value.
    """
    scale = scale_of(sheet)
    value = worth(sheet, scale)
    down, up = np.zeros(1), np.zeros(1)
    for rule in ranged_rules(sheet.service, sheet.rules):
        ends = [sheet.moved({rule: end}) for end in (low_end, high_end)]
        if ends[0] or ends[1]:
            down, up = _widened(down, up, [worth(sheet, scale, end) - value for end in ends])
    spread = neither(priced_here(sheet))
    if spread is not False:
        below, _, above = sheet.rules.span(f"gep.spread.{sheet.service.code}")
        still = np.zeros(1)
        down, up = _widened(down, up, [pick(spread, value * part - value, still) for part in (below, above)])
    return value, value - np.sqrt(down), value + np.sqrt(up)


def priced_here(sheet: Sheet) -> Mask:
    """Rows whose price or value was worked out here, so that the spread of a stated one is not theirs."""
    stepped = both(sheet.stepped(frozenset({"price", "value"})), neither(sheet.brings_value()))
    return either(stepped, sheet.priced_any())


def _widened(down: Floats, up: Floats, moves: list[Floats]) -> tuple[Floats, Floats]:
    lowest = np.minimum(np.minimum(moves[0], moves[1]), 0.0)
    highest = np.maximum(np.maximum(moves[0], moves[1]), 0.0)
    return down + lowest * lowest, up + highest * highest


def _as_given(own: Columns, low: Floats, high: Floats, *, value: Floats) -> tuple[Floats, Floats]:
    """A range the row brings itself, in CNY, is kept and made to hold the value."""
    given_low, given_high = number(own, "low"), number(own, "high")
    return (
        np.where(np.isnan(given_low), low, np.minimum(given_low, value)),
        np.where(np.isnan(given_high), high, np.maximum(given_high, value)),
    )
