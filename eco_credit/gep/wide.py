"""The table of many parcels: which column serves which service and item, in what bounds, with what warnings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, Floats
from eco_credit.gep import double_counting, measure
from eco_credit.gep.compute import Coded, coded
from eco_credit.gep.flow import Notice
from eco_credit.gep.norms import Norm, about
from eco_credit.gep.service import Choice, Input, Parameter, Service
from eco_credit.gep.services import services
from eco_credit.rulebook import RuleSet

_DIRECT = ("physical", "price", "value_cny")
_WATER = ("water_supply", "water_retention", "flood_mitigation")


@dataclass(slots=True)
class Wide:
    """Columns of n parcels, by service and item.

    Attributes:
        rows: number of parcels.
        numbers: number columns by the name given.
        texts: text columns by the name given, coded.
        units: units by the name of their column.
        by_row: services whose item stands in a column.
    """

    rows: int
    numbers: dict[str, Floats] = field(default_factory=dict)
    texts: dict[str, Coded] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    by_row: set[str] = field(default_factory=set)

    def named(self, service: str, item: str | None, column: str) -> str | None:
        """The column that serves a service and item: its own before the service's before the plain one."""
        own = [f"{service}.{item}.{column}"] if item is not None else []
        plain = [] if column in _DIRECT or column == "item" else [column]
        for name in [*own, f"{service}.{column}", *plain]:
            if name in self.numbers or name in self.texts:
                return name
        return None

    def has_own(self, service: str, item: str) -> bool:
        """True when a column is for this item only."""
        return any(name.startswith(f"{service}.{item}.") for name in (*self.numbers, *self.texts))

    def unit(self, service: str, item: str | None, name: str) -> str | None:
        """Unit stated for ``physical_unit`` or ``price_unit`` of a flow, or None."""
        column = self.named(service, item, name.removesuffix("_unit"))
        return None if column is None else self.units.get(column)

    def probe(self) -> Wide:
        """A few made-up rows: a number in every number column, and every text that is met."""
        rows = max([1, *(len(cells.names) for cells in self.texts.values())])
        places = np.arange(rows)
        numbers = {name: np.linspace(0.4, 0.6, rows) for name, cells in self.numbers.items()
                   if not np.isnan(cells).all()}
        texts = {name: Coded(cells.names, places % len(cells.names)) for name, cells in self.texts.items()}
        return Wide(rows, numbers, texts, self.units, self.by_row)

    def of(self, service: Service, item: str | None, rows: slice) -> tuple[Columns, dict[str, Coded]]:
        """Number columns of some rows for one flow, and its text columns coded."""
        length = len(range(*rows.indices(self.rows)))
        own: Columns = {"": np.empty(length, np.int8)}  # carries the number of rows
        texts: dict[str, Coded] = {}
        for column in (*_DIRECT, "item", *(one.column for one in service.inputs)):
            name = self.named(service.code, item, column)
            if name in self.numbers:
                own[column] = self.numbers[str(name)][rows]
            elif name in self.texts:
                cells = self.texts[str(name)]
                texts[column] = Coded(cells.names, cells.codes[rows])
        blank = Coded((None,), np.zeros(length, np.intp))
        for argument in (a for step in service.steps for a in step.arguments.values()):
            picker = argument.column if isinstance(argument, Choice) else getattr(argument, "key", None)
            if picker is not None:  # a text column that is not there is blank on every row
                texts.setdefault(picker, blank)
        return own, texts


def read_wide(columns: Mapping[str, Any], units: Mapping[str, str]) -> Wide:
    """Read the table.

    Args:
        columns: name to values.
        units: name of a ``physical`` or ``price`` column to its unit.

    Raises:
        ContractError: ``no_rows``, ``lengths``, ``unknown_column``, ``not_a_number``, ``not_text``, ``not_finite``,
            ``unit_not_stated``, ``units_unused``, ``unit_unknown``.
    """
    lengths = {len(column) for column in columns.values()}
    if len(lengths) != 1 or lengths == {0}:
        rule, en, zh = ("lengths", "columns differ in length", "各列长度不一致") if len(lengths) > 1 else (
            "no_rows", "the table has no rows", "表中没有数据行")
        raise ContractError([Violation("table", rule, en, zh)])
    wide, refused = Wide(lengths.pop(), units=units), list[Violation]()
    for name, cells in columns.items():
        refused += _take_column(wide, str(name), cells)
    refused += _unit_refusals(wide)
    if refused:
        raise ContractError(refused)
    return wide


def _kind_of(name: str) -> str | None:
    """``text`` or ``number`` for a known column name, else None."""
    *prefix, column = name.split(".")
    known = services()
    if prefix and (prefix[0] not in known or len(prefix) > 2 or (
            len(prefix) == 2 and known[prefix[0]].item(prefix[1]) is None)):
        return None
    if prefix and column == "item" and len(prefix) == 1:
        return "text"
    if prefix and column in _DIRECT:
        return "number"
    readers = [known[prefix[0]]] if prefix else list(known.values())
    units = {one.unit for service in readers for one in service.inputs if one.column == column}
    return None if not units else "text" if units == {"text"} else "number"


def _take_column(wide: Wide, name: str, cells: Any) -> list[Violation]:
    kind = _kind_of(name)
    if kind is None:
        return [Violation(name, "unknown_column", "no service reads this column", "没有服务使用该列")]
    if kind == "text":
        read = coded(np.asarray(cells, dtype=object).tolist())
        if any(cell is not None and not isinstance(cell, str) for cell in read.names):
            return [Violation(name, "not_text", "write text here", "此处应为文本")]
        wide.texts[name] = read
        if name.endswith(".item"):
            wide.by_row.add(name.split(".")[0])
        return []
    array = np.asarray(cells)
    if array.dtype == object:
        array = np.array([np.nan if cell is None else cell for cell in array.tolist()])
    if array.dtype.kind not in "fiu":
        return [Violation(name, "not_a_number", "write plain numbers here", "此处应为数字")]
    wide.numbers[name] = np.ascontiguousarray(array, dtype=np.float64)
    if np.isinf(wide.numbers[name]).any():
        return [Violation(name, "not_finite", "a number is infinite", "数字过大", _first(np.isinf(wide.numbers[name])))]
    return []


def _unit_refusals(wide: Wide) -> list[Violation]:
    found = []
    for name in wide.numbers:
        if name.split(".")[-1] in {"physical", "price"} and name not in wide.units:
            found.append(Violation(name, "unit_not_stated", "state the unit in `units`", "请注明单位"))
    for name, unit in wide.units.items():
        if name not in wide.numbers:
            found.append(Violation(name, "units_unused", "there is no such column", "没有该列"))
        elif name.endswith(".price"):
            measure.price(unit)
        else:
            measure.quantity(unit)
    return found


def _first(hits: Any) -> int:
    return int(np.argmax(hits)) + 1


def check_bounds(wide: Wide, rules: RuleSet) -> None:
    """Refuse numbers outside their bounds and codes that are not listed, naming the first row of each.

    Raises:
        ContractError: ``minimum``, ``maximum``, ``not_listed``, ``item_unknown``, ``ambiguous_column`` and
            ``too_many_days``.
    """
    found = {(violation.field, violation.rule): violation for violation in _codes(wide, rules)}
    for service in services().values():
        for item in (None, *(one.code for one in service.items)):
            for one in service.inputs:
                name = wide.named(service.code, item, one.column)
                if name in wide.numbers:
                    found |= {(v.field, v.rule): v for v in _bounds(str(name), one, wide, rules)}
        for violation in [*_ambiguous(service, wide), *_items(service, wide)]:
            found[violation.field, violation.rule] = violation
    days = wide.numbers.get("cooling_days", wide.numbers.get("climate_regulation.cooling_days"))
    if days is not None and (days > rules.number("gep.check.days_per_year")).any():
        over = days > rules.number("gep.check.days_per_year")
        found["", "days"] = double_counting.Finding("too_many_days", (_first(over),)).notice().violation()
    if found:
        raise ContractError(found.values())


def _bounds(name: str, one: Input, wide: Wide, rules: RuleSet) -> list[Violation]:
    top = rules.number(one.maximum_rule) if one.maximum_rule else one.maximum
    values, found = wide.numbers[name], []
    if one.minimum is not None and (values < one.minimum).any():
        found.append(Violation(name, "minimum", f"{one.en}: at least {one.minimum:g} {one.unit}",
                               f"{one.zh}：不小于 {one.minimum:g}", _first(values < one.minimum)))
    if top is not None and (values > top).any():
        found.append(Violation(name, "maximum", f"{one.en}: at most {top:g} {one.unit}",
                               f"{one.zh}：不大于 {top:g}", _first(values > top)))
    return found


def _listed(service: Service, rules: RuleSet) -> dict[str, set[str]]:
    """Codes a service knows, by the column they stand in."""
    known: dict[str, set[str]] = {}
    for argument in (a for step in service.steps for a in step.arguments.values()):
        if isinstance(argument, Choice):
            known.setdefault(argument.column, set()).update(argument.options)
        elif isinstance(argument, Parameter) and argument.key is not None:
            known.setdefault(argument.key, set()).update(rules.table(argument.rule))
    return known


def _codes(wide: Wide, rules: RuleSet) -> list[Violation]:
    """Codes that no service knows; one that only some know leaves the parcel without the others' flows."""
    known = {code: _listed(service, rules) for code, service in services().items()}
    found = []
    for name, cells in wide.texts.items():
        *prefix, column = name.split(".")
        lists = [known[prefix[0]]] if prefix else list(known.values())
        listed = set().union(*(one[column] for one in lists if column in one))
        odd = [place for place, cell in enumerate(cells.names) if cell is not None and cell not in listed]
        if listed and odd:
            found.append(Violation(name, "not_listed", f"use one of: {', '.join(sorted(listed))}",
                                   "该代码不在清单内，不得按零处理", _first(np.isin(cells.codes, odd))))
    return found


def _items(service: Service, wide: Wide) -> list[Violation]:
    cells = wide.texts.get(f"{service.code}.item")
    if cells is None or not service.items:
        return []
    odd = [place for place, cell in enumerate(cells.names) if cell is not None and service.item(cell) is None]
    named = ", ".join(item.code for item in service.items)
    return [Violation(f"{service.code}.item", "item_unknown", f"use one of: {named}", "指标不在清单内",
                      _first(np.isin(cells.codes, odd)))] if odd else []


def _ambiguous(service: Service, wide: Wide) -> list[Violation]:
    """A plain column that would stand for different parameters of different items."""
    rules: dict[str, set[str]] = {}
    for step in service.steps:
        for a in step.arguments.values():
            if isinstance(a, Parameter) and a.column and step.items:
                rules.setdefault(a.column, set()).add(a.rule)
    several = [column for column, named in rules.items() if len(named) > 1]
    return [
        Violation(column, "ambiguous_column", f"write {service.code}.<item>.{column}: items need a value each",
                  "该列对各指标含义不同，请按指标分列")
        for column in several
        if service.code not in wide.by_row and {column, f"{service.code}.{column}"} & wide.numbers.keys()
    ]


def warnings(norm: Norm, made: Sequence[tuple[str, bool]]) -> list[Notice]:
    """What the reader must know: of the norm, and of one water priced by several services."""
    present = dict.fromkeys(service for service, _ in made)
    notices = about(norm, list(present))
    water = [code for code in _WATER if any(service == code and counted for service, counted in made)]
    if len(water) > 1:
        known = services()
        said = (("named", ", ".join(known[code].en for code in water)),
                ("named_zh", "、".join(known[code].zh for code in water)))
        notices.append(double_counting.Finding("one_water", (), said).notice())
    return notices
