"""Run the steps of a service over columns, once at the centre and again for each parameter moved.

One core serves a ledger of a few rows, a million parcels and a Monte Carlo run. Elementwise only: one row
gives the same bytes alone as among many. A parameter that is moved recomputes only the steps that read it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools, Columns, Floats, rows_of, text
from eco_credit.gep.masks import Mask, both, either, known, neither, pick
from eco_credit.gep.service import Argument, Choice, Parameter, Service, Step
from eco_credit.rulebook import RuleSet

Index = npt.NDArray[np.intp]
"""Places of some rows in the whole table."""

Setting = Callable[[Floats, Floats, Floats], Floats]
"""Picks a value of a parameter from its low, central and high value."""

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


@dataclass(frozen=True, slots=True)
class Coded:
    """A text column as numbers: the names met, and the place of each row's name among them."""

    names: tuple[str | None, ...]
    codes: Index


def coded(cells: Iterable[str | None]) -> Coded:
    """Number the names of a text column in the order they are met."""
    seen: dict[str | None, int] = {}
    codes = np.fromiter((seen.setdefault(cell, len(seen)) for cell in cells), np.intp)
    return Coded(tuple(seen), codes)


def low_end(low: Floats, central: Floats, high: Floats) -> Floats:
    """The low value."""
    del central, high
    return low


def high_end(low: Floats, central: Floats, high: Floats) -> Floats:
    """The high value."""
    del low, central
    return high


def span(rules: RuleSet, name: str) -> tuple[float, float, float]:
    """Low, central and high value of a rule that is a number or a ``{low, central, high}`` table."""
    value = rules[name]
    if isinstance(value, Mapping):
        return _span_of(value)
    return rules.span(name)


def _span_of(entry: Any) -> tuple[float, float, float]:
    """Low, central and high of an entry; all equal when it is one number. ``mode`` may stand for ``central``."""
    if isinstance(entry, Mapping):
        return float(entry["low"]), float(entry["central" if "central" in entry else "mode"]), float(entry["high"])
    return float(entry), float(entry), float(entry)


def rules_of(service: Service) -> tuple[str, ...]:
    """Names of the rules a service reads, in the order of its file; prices last."""
    arguments = [argument for step in service.steps for argument in step.arguments.values()]
    read = [a.rule for a in arguments if isinstance(a, Parameter)]
    return tuple(dict.fromkeys([*read, *(item.price for item in service.items if item.price)]))


def ranged_rules(service: Service, rules: RuleSet) -> tuple[str, ...]:
    """Those of `rules_of` that have a range; of a table by code, those with a range on any entry."""
    keyed = {a.rule for step in service.steps for a in step.arguments.values() if isinstance(a, Parameter) and a.key}
    found = []
    for name in rules_of(service):
        spans = [_span_of(entry) for entry in rules.table(name).values()] if name in keyed else [span(rules, name)]
        if any(low < high for low, _, high in spans):
            found.append(name)
    return tuple(found)


def prices_of(service: Service) -> frozenset[str]:
    """Names of the rules that enter a service as a price."""
    stepped = [a.rule for step in service.steps if step.target == "price" for a in step.arguments.values()
               if isinstance(a, Parameter)]
    return frozenset([*stepped, *(item.price for item in service.items if item.price)])


class Sheet:
    """The rows of one service, their steps run at the centre.

    Args:
        service: the service all rows belong to.
        rows: columns of n rows.
        rules: the rulebook of the day.
        item: code of the item all rows are of; None reads the column ``item`` of each row.
        texts: text columns already coded, where the caller has them.

    Attributes:
        columns: numbers after the steps, n rows each; a column that is all unknown is not there.
        units: unit columns after the steps, or one unit for all rows when `item` is given.
        ready: rows each step filled, in the order of the steps.
        priced: rows whose price was read from the rulebook, by item code.
    """

    def __init__(
        self, service: Service, rows: Columns, rules: RuleSet, *, item: str | None = None,
        texts: Mapping[str, Coded] | None = None,
    ) -> None:
        self.service, self.rules, self.rows, self.item = service, rules, rows, item
        self.count = rows_of(rows)
        self.columns: dict[str, Floats] = {}
        self.units: dict[str, Any] = {}
        self.ready: list[Mask] = []
        self.priced: dict[str, Mask] = {}
        self._texts = dict(texts or {})
        self._known: dict[str, Mask] = {}
        self._spans: dict[tuple[str, str | None], tuple[Floats, Floats, Floats]] = {}
        self._items: dict[tuple[str, ...], Mask] = {}
        for step in service.steps:
            self._fill(step)
        for one in service.items:
            self._price(one.code, one.price, one.price_unit)

    def has(self, name: str) -> Mask:
        """Rows where a column is known."""
        if name not in self._known:
            column = self.rows.get(name)
            self._known[name] = False if column is None else known(np.asarray(column, np.float64))
        return self._known[name]

    def get(self, name: str, moved: Mapping[str, Floats] | None = None) -> Floats:
        """A column after the steps, moved where it is; one NaN when it is all unknown."""
        if moved is not None and name in moved:
            return moved[name]
        if name in self.columns:
            return self.columns[name]
        if self.has(name) is False:
            return np.full(1, np.nan)
        return np.asarray(self.rows[name], np.float64)

    def code(self, column: str) -> Coded:
        """A text column as numbers."""
        if column not in self._texts:
            self._texts[column] = coded(text(self.rows, column).tolist())
        return self._texts[column]

    def unit(self, name: str) -> Any:
        """Unit column of ``physical``, ``price`` or ``value``."""
        if name not in self.units:
            self.units[name] = None if self.item is not None else text(self.rows, name)
        return self.units[name]

    def of_items(self, items: tuple[str, ...]) -> Mask:
        """Rows whose item is one of the codes; no codes mean every row."""
        if not items:
            return True
        if self.item is not None:
            return self.item in items
        if items not in self._items:
            cells = self.code("item")
            named = [self.service.item(cell) for cell in cells.names]
            hit = np.array([one is not None and one.code in items for one in named], np.bool_)
            self._items[items] = hit[cells.codes] if not hit.all() else True
        return self._items[items]

    def brings_value(self) -> Mask:
        """Rows that came with a value of their own."""
        own = [self.rows[name] for name in ("value", "value_cny") if name in self.rows]
        found: Mask = False
        for column in own:
            found = either(found, known(np.asarray(column, np.float64)))
        return found

    def valueless(self) -> Mask:
        """Rows without a value so far."""
        return both(neither(self.has("value")), neither(self.has("value_cny")))

    def _fill(self, step: Step) -> None:
        arguments = {name: self._argument(argument, None, {}) for name, argument in step.arguments.items()}
        ready = both(self.of_items(step.items), neither(self.has(step.target)))
        if step.target in {"physical", "price"}:
            ready = both(ready, self.valueless())
        for name, argument in step.arguments.items():
            ready = both(ready, self._argument_known(argument, arguments[name]))
        self.ready.append(ready)
        if ready is False:
            return
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            result = np.broadcast_to(step.formula(**arguments), (self.count,))
        self.columns[step.target] = pick(ready, result, self.get(step.target))
        self._known[step.target] = known(self.columns[step.target])
        if step.unit is not None:
            self._set_unit(f"{step.target}_unit", step.unit, ready)

    def _argument_known(self, argument: Argument, values: Floats) -> Mask:
        return self.has(argument) if isinstance(argument, str) else known(values)

    def _price(self, code: str, rule: str | None, unit: str | None) -> None:
        if rule is None:
            return
        bare = both(both(self.has("physical"), neither(self.has("price"))), self.valueless())
        here = both(bare, self.of_items((code,)))
        self.priced[code] = here
        if here is False:
            return
        self.columns["price"] = np.broadcast_to(
            pick(here, np.full(1, span(self.rules, rule)[CENTRAL]), self.get("price")), (self.count,)
        )
        self._known["price"] = known(self.columns["price"])
        self._set_unit("price_unit", str(unit), here)

    def _set_unit(self, name: str, unit: str, here: Mask) -> None:
        old = self.unit(name)
        if self.item is None:
            self.units[name] = np.where(here, unit, old).astype(object)
            return
        if old not in {None, unit}:
            raise ContractError([Violation(name, "mixed_units", f"{self.item} would be in {old} and in {unit}",
                                           "同一指标出现两种单位")])
        self.units[name] = unit

    def _argument(self, argument: Argument, moved: Mapping[str, Floats] | None, at: Mapping[str, Setting]) -> Floats:
        if isinstance(argument, str):
            return self.get(argument, moved)
        if isinstance(argument, Choice):
            cells = self.code(argument.column)
            listed = [argument.options.get(argument.default if c is None else c, np.nan) for c in cells.names]
            return np.array(listed, np.float64)[cells.codes]
        low, central, high = self._span(argument)
        setting = at.get(argument.rule)
        listed_values = central if setting is None else setting(low, central, high)
        if argument.column is None or self.has(argument.column) is False:
            return listed_values
        return pick(self.has(argument.column), self.get(argument.column), listed_values)

    def _span(self, argument: Parameter) -> tuple[Floats, Floats, Floats]:
        """Low, central and high of a parameter: one number each, or one for each row when a code picks it."""
        place = (argument.rule, argument.key)
        if place not in self._spans:
            if argument.key is None:
                low, central, high = (np.full(1, value) for value in span(self.rules, argument.rule))
            else:
                table, cells = self.rules.table(argument.rule), self.code(argument.key)
                ends = np.array([_span_of(table.get(name or "", np.nan)) for name in cells.names], np.float64)
                low, central, high = (np.ascontiguousarray(ends[:, side])[cells.codes] for side in range(3))
            self._spans[place] = (low, central, high)
        return self._spans[place]

    def _reads(self, step: Step, rules: Iterable[str]) -> bool:
        """True when a step takes one of the rules for at least one row."""
        return any(
            isinstance(a, Parameter) and a.rule in rules and (a.column is None or self.has(a.column) is not True)
            for a in step.arguments.values()
        )

    def moved(self, at: Mapping[str, Setting]) -> dict[str, Floats]:
        """Columns that change when some rules are read elsewhere than at the centre.

        Args:
            at: rule name to setting. A setting may answer shape (k, 1): the columns are then (k, n).

        Returns:
            Only the columns that change, of shape (n,) or (k, n).
        """
        changed: dict[str, Floats] = {}
        for step, ready in zip(self.service.steps, self.ready, strict=True):
            fed = any(isinstance(a, str) and a in changed for a in step.arguments.values())
            if ready is False or not (fed or self._reads(step, at)):
                continue
            arguments = {name: self._argument(argument, changed, at) for name, argument in step.arguments.items()}
            with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
                changed[step.target] = pick(ready, step.formula(**arguments), self.get(step.target, changed))
        for item in self.service.items:
            here = self.priced.get(item.code, False)
            if item.price is not None and item.price in at and here is not False:
                low, central, high = (np.full(1, value) for value in span(self.rules, item.price))
                changed["price"] = pick(here, at[item.price](low, central, high), self.get("price", changed))
        return changed

    def stepped(self, targets: frozenset[str]) -> Mask:
        """Rows for which a step filled one of the targets."""
        found: Mask = False
        for step, ready in zip(self.service.steps, self.ready, strict=True):
            if step.target in targets:
                found = either(found, ready)
        return found

    def priced_any(self) -> Mask:
        """Rows whose price was read from the rulebook."""
        found: Mask = False
        for here in self.priced.values():
            found = either(found, here)
        return found

    def by(self) -> Any:
        """Names of the formulas that filled each row, joined by ``+``."""
        used = np.zeros(self.count, np.int64)
        for place, ready in enumerate(self.ready):
            used += np.int64(1 << place) * np.broadcast_to(ready, (self.count,))
        sets, back = np.unique(used, return_inverse=True)
        names = [step.formula.__name__ for step in self.service.steps]
        said = np.empty(len(sets), dtype=object)
        said[:] = ["+".join(n for place, n in enumerate(names) if bits >> place & 1) for bits in sets.tolist()]
        return said[back]


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
    sheet = Sheet(service, rows, rules)
    at = {shift.rule: low_end if shift.side < CENTRAL else high_end} if shift and shift.side != CENTRAL else {}
    return filled(sheet, sheet.moved(at))


def filled(sheet: Sheet, changed: Mapping[str, Floats] | None = None) -> Filled:
    """The whole table of a sheet, as arrays of n rows."""
    count = (sheet.count,)
    numbers = {**sheet.columns, **(changed or {})}
    columns: Columns = {**sheet.rows, **{name: np.broadcast_to(column, count) for name, column in numbers.items()},
                        **sheet.units}
    steps, priced = sheet.stepped(frozenset({"physical", "price", "value"})), sheet.priced_any()
    stepped = sheet.stepped(frozenset({"price", "value"}))
    return Filled(
        columns, np.broadcast_to(either(steps, priced), count).copy(), sheet.by(),
        np.broadcast_to(priced, count).copy(), np.broadcast_to(stepped, count).copy(),
    )
