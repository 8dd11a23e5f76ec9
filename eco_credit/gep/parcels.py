"""Many parcels in one pass: one row is one parcel, one column is one input, no row is looked at by itself.

The steps and ranges are those of `eco_credit.gep.account`; a parcel gives the same bytes alone as among
a million. Work goes block by block, so that intermediate columns stay small.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools, Columns, Floats
from eco_credit.gep.compute import Sheet
from eco_credit.gep.flow import Notice
from eco_credit.gep.norms import Norm, norm_of
from eco_credit.gep.service import Service
from eco_credit.gep.services import services
from eco_credit.gep.valuing import ranged
from eco_credit.gep.wide import Wide, check_bounds, read_wide, warnings
from eco_credit.rulebook import RuleSet, load

BLOCK = 32_768
"""Parcels worked on at a time: 256 kB a column, which stays in the cache of a core."""


@dataclass(slots=True)
class ParcelFlow:
    """One service and item over all parcels.

    Attributes:
        service: code of the service.
        item: item, or None for a service without items.
        physical: quantity in `physical_unit` per year, n values; NaN where a parcel has no data.
        physical_unit: unit of the quantity, or None.
        value_cny: value, CNY per year, n values.
        low: low end, CNY per year, n values.
        high: high end, CNY per year, n values.
        method: valuation method the norm names.
        counted: whether the norm counts it.
        missing: number of parcels without data for it.
    """

    service: str
    item: str | None
    physical: Floats
    physical_unit: str | None
    value_cny: Floats
    low: Floats
    high: Floats
    method: str
    counted: bool
    missing: int = 0

    @property
    def name(self) -> str:
        """``service.item``, or the service."""
        return self.service if self.item is None else f"{self.service}.{self.item}"


@dataclass(slots=True)
class Parcels:
    """Accounts of n parcels under one norm.

    Attributes:
        norm: id of the norm.
        edition: edition of the norm.
        flows: one entry per service and item that has data for at least one parcel.
        total: counted value of each parcel, CNY per year, n values.
        low: sum of the low ends, CNY per year: every parameter low at once, the widest reading.
        high: sum of the high ends, CNY per year.
        warnings: notices on the whole table.
        rules_day: day the rulebook was read for, ISO.
        rules_hash: digest of the rules.
    """

    norm: str
    edition: str
    flows: tuple[ParcelFlow, ...]
    total: Floats
    low: Floats
    high: Floats
    warnings: tuple[Notice, ...]
    rules_day: str
    rules_hash: str

    def by_service(self) -> dict[str, Floats]:
        """Counted value of each parcel by service, CNY per year; a parcel without data counts 0."""
        found: dict[str, Floats] = {}
        for flow in self.flows:
            if flow.counted:
                found[flow.service] = found.get(flow.service, 0.0) + np.nan_to_num(flow.value_cny)
        return found

    def columns(self) -> Columns:
        """All results as one table: ``<flow>.physical``, ``.value_cny``, ``.low``, ``.high``, then totals."""
        table: Columns = {}
        for flow in self.flows:
            for part in ("physical", "value_cny", "low", "high"):
                table[f"{flow.name}.{part}"] = getattr(flow, part)
        return table | {"total_cny": self.total, "total_low": self.low, "total_high": self.high}


@dataclass(slots=True)
class _Run:
    """What every block needs, and the flows filled so far."""

    wide: Wide
    norm: Norm
    rules: RuleSet
    plan: Mapping[str, Sequence[str | None]]
    flows: dict[tuple[str, str | None], ParcelFlow] = field(default_factory=dict)


def parcels(
    columns: Mapping[str, Any], norm: str = "norm-2022", *, rules: RuleSet | None = None,
    units: Mapping[str, str] | None = None, items: Mapping[str, Sequence[str]] | None = None,
) -> Parcels:
    """Account for many parcels, all services their columns allow, with ranges, as columns.

    Args:
        columns: input column to n values (numbers with NaN, or text with None). A plain name serves every
            service that reads it; ``soil_retention.cover_factor`` only that service; ``soil_retention.
            nonpoint_n.nutrient_content`` only that item. ``<service>.item`` names each parcel's item.
            ``<service>.physical``, ``.price`` and ``.value_cny`` bring a flow directly.
        norm: id of the norm.
        rules: the rulebook of a day; today's when left out.
        units: unit of each ``physical`` and ``price`` column, such as ``{"oxygen.price": "CNY/t"}``.
        items: items to work out, by service; all that have data when a service is not named.

    Returns:
        Flows and totals by parcel, CNY per year. A parcel without the inputs of a flow has NaN there and
        counts 0 for it in the totals.

    Raises:
        ContractError: unknown column, a text for a number, lengths that differ, a value out of bounds (first
            row named), a code not listed, a unit not stated, ``carbon_twice``, ``norm_unknown``. A quantity
            that would be valued as several items is left out with the notice ``item_not_chosen``.

    Example:
        >>> import numpy as np
        >>> made = parcels({"area_ha": np.array([100.0, 50.0]), "water_balance_mm": np.array([100.0, 100.0])},
        ...                rules=load().at("2026-11-23"))
        >>> made.columns()["water_retention.retention.physical"].tolist()
        [100000.0, 50000.0]
    """
    book = rules if rules is not None else load().at(dt.date.today())
    wide = read_wide(columns, units or {})
    check_bounds(wide, book)
    plan, notices = _plan(wide, book, items or {})
    run = _Run(wide, norm_of(norm), book, plan)
    for start in range(0, run.wide.rows, BLOCK):
        _block(run, slice(start, min(start + BLOCK, run.wide.rows)))
    return _summed(run, notices)


def _summed(run: _Run, notices: list[Notice]) -> Parcels:
    total, low, high = (np.zeros(run.wide.rows) for _ in range(3))
    for flow in run.flows.values():
        lacking = np.isnan(flow.value_cny)
        flow.missing = int(np.count_nonzero(lacking))
        if flow.counted:
            total += _counted(flow.value_cny, lacking)
            low += _counted(flow.low, lacking)
            high += _counted(flow.high, lacking)
    kept = tuple(flow for flow in run.flows.values() if flow.missing < run.wide.rows)
    said = [*notices, *warnings(run.norm, [(flow.service, flow.counted) for flow in kept])]
    return Parcels(run.norm.id, run.norm.edition, kept, total, low, high, tuple(said),
                   str(run.rules.day), run.rules.digest)


def _counted(part: Floats, lacking: Bools) -> Floats:
    """A parcel without data for a flow counts 0 for it."""
    return np.where(lacking, 0.0, part)


def _block(run: _Run, rows: slice) -> None:
    for code, items in run.plan.items():
        for item in items:
            sheet = _sheet(run.wide, run.rules, (code, item), rows)
            flow = _flow_of(run, code, sheet)
            flow.physical[rows] = sheet.get("physical")
            flow.value_cny[rows], flow.low[rows], flow.high[rows] = ranged(sheet)


def _sheet(wide: Wide, rules: RuleSet, name: tuple[str, str | None], rows: slice) -> Sheet:
    """The rows of one flow; item None reads each parcel's item, an empty one is a service without items."""
    service, item = services()[name[0]], name[1]
    own, texts = wide.of(service, item or None, rows)
    sheet = Sheet(service, own, rules, item=item, texts=texts)
    for column in ("physical_unit", "price_unit"):
        stated = wide.unit(service.code, item or None, column)
        if stated is not None and item is not None and sheet.unit(column) is None:
            sheet.units[column] = stated
    return sheet


def _plan(
    wide: Wide, rules: RuleSet, chosen: Mapping[str, Sequence[str]]
) -> tuple[dict[str, list[str | None]], list[Notice]]:
    """Items each service has data for, found on a few made-up rows that have a number in every column given."""
    probe = wide.probe()
    plan: dict[str, list[str | None]] = {}
    notices: list[Notice] = []
    for service in services().values():
        if service.code in wide.by_row:
            plan[service.code] = [None]
            continue
        codes = [item.code for item in service.items if item.code in chosen.get(service.code, [item.code])] or [""]
        sheets = [_sheet(probe, rules, (service.code, code), slice(0, probe.rows)) for code in codes]
        live = [sheet for sheet in sheets if _has_value(sheet)]
        shared = [] if service.code in chosen else _shared(wide, service, live)
        if shared:
            notices.append(_not_chosen(service, shared))
        if kept := [sheet.item for sheet in live if sheet.item not in shared]:
            plan[service.code] = kept
    if len(plan.get("carbon", [])) > 1:
        raise ContractError([Violation("carbon", "carbon_twice", "carbon and carbon dioxide are one uptake: choose one",
                                       "碳与二氧化碳为同一固碳量，只能计一项")])
    return plan, notices


def _has_value(sheet: Sheet) -> bool:
    if sheet.has("value") is not False or sheet.has("value_cny") is not False:
        return True
    return sheet.has("physical") is not False and sheet.has("price") is not False


def _shared(wide: Wide, service: Service, live: list[Sheet]) -> list[str]:
    """Items that would value one and the same quantity, so that it would count several times."""
    found = [item.code for sheet in live if (item := service.item(sheet.item)) is not None and item.exchange
             and not wide.has_own(service.code, item.code) and _for_every_item(sheet)]
    return found if len(found) > 1 else []


def _for_every_item(sheet: Sheet) -> bool:
    """True when the quantity comes from a step that is for every item."""
    own = [step.items for step, ready in zip(sheet.service.steps, sheet.ready, strict=True)
           if step.target in {"physical", "value"} and ready is not False]
    return bool(own) and not any(own)


def _not_chosen(service: Service, shared: list[str]) -> Notice:
    return Notice(
        "item_not_chosen",
        f"{service.en} left out: one quantity would be valued as {', '.join(shared)}; give {service.code}.item",
        f"{service.zh}未计入：同一功能量会按多项计价，请指明指标",
    )


def _flow_of(run: _Run, service: str, sheet: Sheet) -> ParcelFlow:
    code = sheet.item or None
    unit = _one_unit(sheet.unit("physical_unit")) if sheet.item is None else sheet.unit("physical_unit")
    if (service, code) not in run.flows:
        physical, value, low, high = (np.full(run.wide.rows, np.nan) for _ in range(4))
        treatment, item = run.norm.treats(service), services()[service].item(code)
        welfare = item is not None and not item.exchange and run.norm.exchange_value
        counted = treatment.counts != "left_out" and not welfare
        run.flows[service, code] = ParcelFlow(
            service, code, physical, unit, value, low, high, treatment.method, counted)
    flow = run.flows[service, code]
    if unit is not None and flow.physical_unit not in {None, unit}:
        raise _mixed(f"{service}.item")
    flow.physical_unit = flow.physical_unit or unit
    return flow


def _one_unit(units: Any) -> str | None:
    names = {unit for unit in units.tolist() if unit is not None}
    if len(names) > 1:
        raise _mixed("item")
    return next(iter(names), None)


def _mixed(field_name: str) -> ContractError:
    return ContractError([Violation(field_name, "mixed_units", "items of one service in different units",
                                    "同一服务各指标单位不同，请分指标提供")])
