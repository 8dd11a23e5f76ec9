"""Run a raster job: rasters and parcels to service inputs, and to an account through the table path."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError
from eco_credit.gep.account import GepAccount, account
from eco_credit.gep.flow import Notice, ServiceFlow
from eco_credit.gep.spatial import crs as systems
from eco_credit.gep.spatial.cells import needed, traces_terrain
from eco_credit.gep.spatial.classes import lookup
from eco_credit.gep.spatial.extra import library
from eco_credit.gep.spatial.grid import Grid
from eco_credit.gep.spatial.job import Job
from eco_credit.gep.spatial.layers import check_layers, job_grid
from eco_credit.gep.spatial.parcels import Parcel, read_parcels
from eco_credit.gep.spatial.refusing import refusal, violation
from eco_credit.gep.spatial.rows import Reading, account_rows
from eco_credit.gep.spatial.slope_length import DEFINITIONS
from eco_credit.gep.spatial.terms import plain
from eco_credit.gep.spatial.zonal import Runner, Sums, add_up, run_task, tasks
from eco_credit.rulebook import RuleSet, load

WHOLE = 1.0 - 1e-9
"""Part of a parcel that counts as all of it."""


@dataclass(frozen=True)
class RasterAccount:
    """The account of a raster job with what the rasters said of each parcel.

    Attributes:
        account: rows by parcel (``place``), through the same services as a table.
        readings: areas and mean inputs of every parcel.
        inputs: the rows given to the account.
        parcels: the parcels, outlines in longitude and latitude.
        slope_length: the LS definition used, or None.
        slope_spread: LS definition to soil retained over all parcels as a multiple of the chosen one.
    """

    account: GepAccount
    readings: tuple[Reading, ...]
    inputs: tuple[dict[str, Any], ...]
    parcels: tuple[Parcel, ...]
    slope_length: str | None
    slope_spread: Mapping[str, float]

    def by_parcel(self) -> dict[str, dict[str, float]]:
        """Parcel to service to CNY per year; counted rows only."""
        found: dict[str, dict[str, list[float]]] = {parcel.id: {} for parcel in self.parcels}
        for row in self.account.rows:
            if row.counted and row.place is not None:
                found[row.place].setdefault(row.service, []).append(row.value_cny)
        return {name: {s: math.fsum(values) for s, values in parts.items()} for name, parts in found.items()}

    def as_dict(self) -> dict[str, Any]:
        """Plain data: the account and, by parcel, areas in hectares and mu, inputs and values."""
        values = self.by_parcel()
        return {
            **self.account.as_dict(), "slope_length": self.slope_length, "slope_spread": dict(self.slope_spread),
            "parcels": [one.as_dict() | {"value_cny": values[one.id]} for one in self.readings],
        }


def raster_account(job: Job, *, rules: RuleSet | None = None, run: Runner = map) -> RasterAccount:
    """Account for the parcels of a raster job.

    Args:
        job: the checked job (`eco_credit.gep.spatial.read_job`).
        rules: the rulebook of a day; today's when left out.
        run: how windows are run, `map` here; any function of that shape that keeps the order gives the same
            numbers, bit for bit.

    Returns:
        The account with areas and inputs of each parcel.

    Raises:
        ContractError: a file, layer, parcel or class that is refused, each by name.
    """
    book = rules if rules is not None else load().at(dt.date.today())
    needed(job)  # a missing layer is said before a file is opened
    grid = job_grid(job, book)
    notices = check_layers(job, grid, book)
    parcels, written, said = read_parcels(job, book)
    flat = systems.flat(written)
    shapes = _on_grid(parcels, written, grid)
    classes = lookup(job, book)
    sums = add_up(run(run_task, tasks(job, grid, shapes, classes=classes, rules=plain(book))), len(parcels))
    readings = _readings(parcels, shapes, sums, grid=grid, flat=flat)
    rows = account_rows(readings, job, book)
    if not rows:
        raise refusal("parcels", "nothing_covered")
    made = _with_slope_range(rows, readings, job, book)
    notices += [*said, *_about(readings, job, book)]
    return RasterAccount(
        replace(made, warnings=(*made.warnings, *dict.fromkeys(notices))), tuple(readings), tuple(rows), tuple(parcels),
        job.slope_length if traces_terrain(job) else None, _whole_spread(readings, job),
    )


def _on_grid(parcels: list[Parcel], written: Any, grid: Grid) -> list[Any]:
    """Outlines in the system of the grid, with corners no further apart than a cell before they are moved."""
    shapely = library("shapely")
    crs = grid.system()
    shapes = [parcel.drawn for parcel in parcels]
    if crs.equals(written, ignore_axis_order=True):
        return shapes
    move = systems.mover(written, crs)
    cell = grid.dx * (1.0 if crs.is_geographic else 1.0 / systems.METRES_PER_DEGREE)
    cell *= 1.0 if written.is_geographic else systems.METRES_PER_DEGREE
    moved = []
    for shape in shapes:
        west, south, east, north = shape.bounds
        step = max(cell, (east - west + north - south) / 2000.0)  # at most a few thousand corners more
        moved.append(move(shapely.segmentize(shape, step)))
    return moved


def _readings(parcels: list[Parcel], shapes: list[Any], sums: Sums, *, grid: Grid, flat: Any) -> list[Reading]:
    unlisted = [values["unlisted"] for values in sums.totals.values() if "unlisted" in values]
    if any((weights > 0.0).any() for weights in unlisted):
        rows = sorted({int(i) for weights in unlisted for i in np.flatnonzero(weights > 0.0)})
        raise ContractError([violation("classes", "class_not_listed", row + 1) for row in rows[:50]])
    inside = _inside(parcels, shapes, grid, flat)
    made = []
    for i, parcel in enumerate(parcels):
        part = {s: float(known[i] / sums.weight[i]) if sums.weight[i] > 0.0 else 0.0 for s, known in sums.known.items()}
        means = {s: {name: float(total[i] / sums.known[s][i]) for name, total in totals.items() if name != "unlisted"}
                 for s, totals in sums.totals.items() if sums.known[s][i] > 0.0}
        known_ha = {s: inside[i] * share for s, share in part.items()}
        made.append(Reading(parcel.id, parcel.area_ha, inside[i], known_ha, means))
    return made


def _inside(parcels: list[Parcel], shapes: list[Any], grid: Grid, flat: Any) -> list[float]:
    """Hectares of each parcel that lie on the grid: all of it, or its part by area in the system of the grid."""
    shapely = library("shapely")
    box = shapely.box(*grid.bounds())
    geod = systems.geod_of(flat)
    back = systems.mover(grid.system(), flat)
    found = []
    for parcel, shape in zip(parcels, shapes, strict=True):
        if box.covers(shape):
            found.append(parcel.area_ha)
            continue
        part = shapely.intersection(shape, box)
        areal = [piece for piece in getattr(part, "geoms", [part]) if piece.geom_type == "Polygon" and piece.area > 0.0]
        found.append(min(parcel.area_ha, math.fsum(systems.hectares(back(piece), geod) for piece in areal)))
    return found


def _with_slope_range(rows: list[dict[str, Any]], readings: list[Reading], job: Job, rules: RuleSet) -> GepAccount:
    """The account; soil rows have the spread of the LS definitions joined to their range, by quadrature."""
    first = account(rows, norm=job.norm, rules=rules)
    if not traces_terrain(job):
        return first
    spread = {one.id: one.slope_spread(job.slope_length) for one in readings}
    widened = []
    for row, flow in zip(rows, first.rows, strict=True):
        widened.append(row | _wider(flow, *spread[row["place"]]) if row["service"] == "soil_retention" else row)
    return account(widened, norm=job.norm, rules=rules)


def _wider(flow: ServiceFlow, lowest: float, highest: float) -> dict[str, float]:
    value = flow.value_cny
    down, up = value * (1.0 - lowest), value * (highest - 1.0)
    low = value - math.hypot(value - flow.low, down)
    return {"low": max(low, 0.0), "high": value + math.hypot(flow.high - value, up)}  # soil held back is never negative


def _whole_spread(readings: list[Reading], job: Job) -> dict[str, float]:
    """Soil retained over all parcels by each definition, as a multiple of the chosen one."""
    if not traces_terrain(job):
        return {}
    tonnes = {
        name: math.fsum(one.means["soil_retention"][f"by_{name}"] * one.known_ha["soil_retention"]
                        for one in readings if "soil_retention" in one.means)
        for name in DEFINITIONS
    }
    own = tonnes[job.slope_length]
    return {name: value / own for name, value in tonnes.items()} if own > 0.0 else {}


def _about(readings: list[Reading], job: Job, rules: RuleSet) -> list[Notice]:
    found = []
    outside = [one.id for one in readings if one.inside_ha < WHOLE * one.area_ha]
    if outside:
        found.append(Notice("parcel_leaves_grid", f"only the part on the grid is counted: {_names(outside)}",
                            f"地块超出栅格范围，只计入范围内部分：{_names(outside)}"))
    least = rules.number("gep.spatial.known_share_min")
    poor = [one.id for one in readings
            if any(one.known_ha.get(s, 0.0) < least * one.inside_ha for s in job.services)]
    if poor:
        found.append(Notice("cells_unknown", f"cells without data are left out, not guessed: {_names(poor)}",
                            f"无数据像元不计入，也不推算：{_names(poor)}"))
    return found + _about_slope(readings, job)


def _about_slope(readings: list[Reading], job: Job) -> list[Notice]:
    if "soil_retention" not in job.services:
        return []
    if not traces_terrain(job):
        return [Notice("slope_definition",
                       "LS or soil loss came with the rasters; the range does not cover its definition",
                       "坡长坡度因子或侵蚀量由栅格给定，区间未包含其定义差异")]
    listed = ", ".join(f"{name} {part:.2f}" for name, part in _whole_spread(readings, job).items())
    return [Notice("slope_definition", f"LS by {job.slope_length}; as multiples of it: {listed}; the range covers them",
                   f"坡长坡度因子采用 {job.slope_length}；各定义相对倍数：{listed}；区间已包含")]


def _names(ids: Iterable[str]) -> str:
    every = list(ids)
    return ", ".join(every[:10]) + (f" (+{len(every) - 10})" if len(every) > 10 else "")
