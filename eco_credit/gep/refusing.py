"""What a row must have before it can be valued: known names, inputs in bounds, units that cancel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, number, rows_of, text
from eco_credit.gep import measure
from eco_credit.gep.compute import Filled, Index
from eco_credit.gep.service import Choice, Input, Parameter, Service
from eco_credit.rulebook import RuleSet

_PLAIN_TONNES = (
    "say whether the tonnes are carbon (tC) or carbon dioxide (tCO2)", "请注明吨碳（tC）还是吨二氧化碳（tCO2）",
)


def of_names(rows: Columns, known: Mapping[str, Service]) -> list[Violation]:
    """Service codes that are blank or not on the list."""
    found = []
    for row, code in enumerate(text(rows, "service"), start=1):
        if code is None:
            found.append(Violation("service", "required", "state the service", "请填服务指标", row))
        elif code not in known:
            found.append(Violation("service", "service_unknown", f"use one of: {', '.join(known)}",
                                   "服务指标不在封闭清单内", row))
    return found


def of_inputs(service: Service, own: Columns, index: Index, rules: RuleSet) -> list[Violation]:
    """Inputs of one service outside their bounds, and codes that are not listed."""
    found: list[Violation] = []
    for field in service.inputs:
        if field.unit != "text":
            found += _bounds(field, own, index, rules)
    arguments = [a for step in service.steps for a in step.arguments.values()]
    for argument in arguments:
        if isinstance(argument, Choice):
            found += _codes(argument.column, argument.options, own, index)
        elif isinstance(argument, Parameter) and argument.key is not None:
            blank = np.isnan(number(own, argument.column)) if argument.column else np.ones(rows_of(own), np.bool_)
            found += _codes(argument.key, rules.table(argument.rule), own, np.where(blank, index, -1))
    return list(dict.fromkeys(found))


def _bounds(field: Input, own: Columns, index: Index, rules: RuleSet) -> list[Violation]:
    top = rules.number(field.maximum_rule) if field.maximum_rule else field.maximum
    values = number(own, field.column)
    found = []
    if field.minimum is not None:
        en, zh = f"{field.en}: at least {field.minimum:g} {field.unit}", f"{field.zh}：不小于 {field.minimum:g}"
        hits = np.flatnonzero(values < field.minimum)
        found += [Violation(field.column, "minimum", en, zh, int(index[i]) + 1) for i in hits]
    if top is not None:
        en, zh = f"{field.en}: at most {top:g} {field.unit}", f"{field.zh}：不大于 {top:g}"
        rule = "maximum"
        if is_part_of_one(field):
            rule, en = "percent_for_fraction", f"{en}; write a part of one: 0.37 % is 0.0037"
            zh = f"{zh}；请填小数：0.37% 填 0.0037"
        found += [Violation(field.column, rule, en, zh, int(index[i]) + 1) for i in np.flatnonzero(values > top)]
    return found


def is_part_of_one(field: Input) -> bool:
    """True for an input without a dimension, or of at most one thing per thing: percent is the usual slip there."""
    return field.unit == "dimensionless" or field.maximum == 1.0


def _codes(column: str, listed: Mapping[str, Any], own: Columns, index: Index) -> list[Violation]:
    codes = text(own, column)
    odd = set(codes) - {None} - set(listed)
    return [
        Violation(column, "not_listed", f"use one of: {', '.join(listed)}", "该代码不在清单内，不得按零处理",
                  int(row) + 1)
        for row, code in zip(index, codes, strict=True)
        if row >= 0 and code in odd
    ] if odd else []


def of_amounts(service: Service, own: Columns, filled: Filled, index: Index) -> list[Violation]:
    """Rows of one service without a value, or with units that are missing, unknown or do not cancel.

    Args:
        service: the service of all rows.
        own: the rows as they came.
        filled: the rows after the steps.
        index: place of each row in the whole table.
    """
    found: list[Violation] = []
    has = {name: ~np.isnan(number(filled.columns, name)) for name in ("physical", "price", "value", "value_cny")}
    missing = ~(has["value"] | has["value_cny"] | (has["physical"] & has["price"]))
    found += [_no_value(service, own, int(i), int(index[i]) + 1) for i in np.flatnonzero(missing)]
    given = text(own, "physical_unit")
    names = (text(filled.columns, f"{name}_unit") for name in ("physical", "price", "value"))
    told = (has[name] for name in ("physical", "price", "value"))
    seen: dict[Any, list[Violation]] = {}
    for row, said in zip(index, zip(given, *names, *told, strict=True), strict=True):
        if said not in seen:  # rows with the same units say the same
            seen[said] = _of_units(service, said)
        found += [replace(violation, row=int(row) + 1) for violation in seen[said]]
    return found


def _of_units(service: Service, said: Any) -> list[Violation]:
    """Units of a row: the one it gave, those it has now, and which of its numbers are known."""
    given, quantity, price, money, *told = said
    found = []
    if given is not None and given != quantity:
        found.append(Violation("physical_unit", "computed_unit", f"computed in {quantity}: leave the unit blank",
                               f"功能量按 {quantity} 计算，单位请留空"))
    found += [
        Violation(f"{name}_unit", "unit_not_stated", "state the unit", "请注明单位")
        for name, unit, known in zip(("physical", "price", "value"), (quantity, price, money), told, strict=True)
        if known and unit is None
    ]
    return found + _units(service, quantity, price, money)


def _no_value(service: Service, own: Columns, i: int, place: int) -> Violation:
    blank = [field.column for field in service.inputs if field.unit != "text" and np.isnan(own[field.column][i])]
    hint = f", or inputs (blank here: {', '.join(blank)})" if blank else ""
    items = ", ".join(item.code for item in service.items)
    named = f"; items that can be computed: {items}" if items else ""
    return Violation("value", "no_value", f"give a value, or a quantity and a price{hint}{named}",
                     "请填价值量，或功能量与单价，或计算所需的各列", place)


def _units(service: Service, quantity: str | None, price: str | None, money: str | None) -> list[Violation]:
    """Units on the list, of the service, and cancelling."""
    found = []
    try:
        if money is not None:
            measure.money(money)
        if quantity is not None and measure.quantity(quantity).kind == "mass" and service.code == "carbon":
            found.append(Violation("physical_unit", "carbon_mass_not_stated", *_PLAIN_TONNES))
        elif quantity is not None and price is not None:
            measure.factor(quantity, price)
        if price is not None:
            found += _price_kind(service, measure.price(price)[1].kind)
    except ContractError as error:
        found += error.violations
    return found


def _price_kind(service: Service, kind: str) -> list[Violation]:
    if not service.price_kinds or kind in service.price_kinds:
        return []
    if service.code == "carbon" and kind == "mass":
        return [Violation("price_unit", "carbon_mass_not_stated", *_PLAIN_TONNES)]
    return [Violation("price_unit", "price_kind", f"{service.en} is not priced per {kind}",
                      f"{service.zh}不按该单位计价")]
