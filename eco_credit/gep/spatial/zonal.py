"""Sums over parcels by fractional cell cover, window by window, in a fixed order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats, group_sum
from eco_credit.gep.spatial.cells import densities, needed, slope_factors, traces_terrain
from eco_credit.gep.spatial.classes import Lookup
from eco_credit.gep.spatial.extra import library
from eco_credit.gep.spatial.grid import Grid, Window
from eco_credit.gep.spatial.job import Job
from eco_credit.gep.spatial.layers import out_of_bounds, read_layer
from eco_credit.gep.spatial.refusing import refusal
from eco_credit.gep.spatial.terms import Terms

Ids = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Task:
    """One window and the parts of the parcels in it; carries all it needs, so that it may run elsewhere.

    Attributes:
        job: the job.
        grid: its grid.
        window: rows and columns of the grid.
        owners: number of the parcel each shape belongs to.
        shapes: polygons in the system of the grid.
        classes: what land-cover classes stand for.
        rules: the rulebook of the day.
    """

    job: Job
    grid: Grid
    window: Window
    owners: tuple[int, ...]
    shapes: tuple[Any, ...]
    classes: Lookup
    rules: Terms


@dataclass(slots=True)
class Sums:
    """Weighted sums by parcel; weights are covered area, m2.

    Attributes:
        weight: all cells, shape (parcels,).
        known: by service, the cells with data, shape (parcels,).
        totals: by service and quantity, sum of weight times value over known cells, shape (parcels,).
        ids: number of the parcel of each place.
    """

    ids: Ids
    weight: Floats
    known: dict[str, Floats] = field(default_factory=dict)
    totals: dict[str, dict[str, Floats]] = field(default_factory=dict)


def tasks(
    job: Job, grid: Grid, shapes: list[Any], *, classes: Lookup, rules: Terms
) -> Iterator[Task]:
    """The windows that hold parcels, row by row, each with its parcels in their order."""
    shapely = library("shapely")
    tree = shapely.STRtree(shapes)
    for window in grid.windows(job.tile):
        box = shapely.box(*grid.bounds(window))
        here = np.sort(tree.query(box, predicate="intersects"))
        if len(here):
            yield Task(job, grid, window, tuple(int(i) for i in here), tuple(shapes[i] for i in here), classes, rules)


def cover(task: Task) -> tuple[Ids, Ids, Floats]:
    """Which cells of the window each shape covers, and how much of each.

    Returns:
        Place in ``task.owners``, flat cell number and covered part (0 to 1), one entry for each pair.
    """
    shapely = library("shapely")
    west, south, east, north = task.grid.bounds(task.window)
    raster = library("exactextract.raster").NumPyRasterSource(
        np.zeros((task.window.rows, task.window.columns), np.uint8), xmin=west, ymin=south, xmax=east, ymax=north)
    clipped = shapely.intersection(np.array(task.shapes, dtype=object), shapely.box(west, south, east, north))
    features = [
        {"type": "Feature", "properties": {"place": place}, "geometry": shapely.geometry.mapping(part)}
        for place, whole in enumerate(clipped) for part in _polygons(whole)
    ]
    found = library("exactextract").exact_extract(raster, features, ["cell_id", "coverage"], include_cols=["place"])
    parts = [one["properties"] for one in found]
    if not parts:
        return np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0)
    places = np.repeat([part["place"] for part in parts], [len(part["cell_id"]) for part in parts])
    cells = np.concatenate([part["cell_id"] for part in parts]).astype(np.intp)
    return places.astype(np.intp), cells, np.concatenate([part["coverage"] for part in parts]).astype(np.float64)


def _polygons(shape: Any) -> list[Any]:
    """The polygons in a shape; where a parcel only touches the window there are none."""
    return [part for part in getattr(shape, "geoms", [shape]) if part.geom_type == "Polygon" and part.area > 0.0]


def run_task(task: Task) -> Sums:
    """Read one window, work out its quantities and add them up by parcel.

    Raises:
        ContractError: ``negative_layer``, ``above_one`` for covered cells out of bounds.
    """
    places, cells, part = cover(task)
    count = len(task.owners)
    area = np.broadcast_to(task.grid.cell_areas(task.window), (task.window.rows, task.window.columns)).ravel()
    weights = part * area[cells]
    sums = Sums(np.array(task.owners, np.intp), group_sum(weights, places, count))
    if not len(cells):
        return sums
    for service, quantities in _quantities(task, cells).items():
        values = {name: grid.ravel()[cells] for name, grid in quantities.items()}
        known = ~np.isnan(np.sum([v for name, v in values.items() if name != "unlisted"], axis=0))
        kept = np.where(known, weights, 0.0)
        sums.known[service] = group_sum(kept, places, count)
        sums.totals[service] = {
            name: group_sum(weights * v if name == "unlisted" else kept * np.where(known, v, 0.0), places, count)
            for name, v in values.items()
        }
    return sums


def _quantities(task: Task, cells: Ids) -> dict[str, dict[str, Floats]]:
    job, grid, window, rules = task.job, task.grid, task.window, task.rules
    layers = {name: read_layer(job, name, grid, window=window, rules=rules) for name in needed(job)}
    for name, values in layers.items():
        broken = out_of_bounds(name, values.ravel()[cells])
        if broken is not None:
            raise refusal(f"layers.{name}", broken)
    slopes = slope_factors(job, grid, window, rules) if traces_terrain(job) else {}
    return densities(layers, task.classes, job, slopes=slopes, rules=rules)


Runner = Callable[[Callable[[Task], Sums], Iterable[Task]], Iterable[Sums]]
"""How windows are run: `map`, or anything that gives the results in the order of the tasks."""


def add_up(results: Iterable[Sums], count: int) -> Sums:
    """Add the sums of all windows, in their order, whoever worked them out.

    Args:
        results: sums by window.
        count: number of parcels.
    """
    whole = Sums(np.arange(count), np.zeros(count))
    for one in results:
        whole.weight[one.ids] += one.weight
        for service, known in one.known.items():
            whole.known.setdefault(service, np.zeros(count))[one.ids] += known
            totals = whole.totals.setdefault(service, {})
            for name, values in one.totals[service].items():
                totals.setdefault(name, np.zeros(count))[one.ids] += values
    return whole
