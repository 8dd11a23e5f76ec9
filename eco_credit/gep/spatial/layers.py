"""Read a window of a layer, brought to the grid of the job: nearest for classes, average for the rest."""

from __future__ import annotations

from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import SQUARE_METRES_PER_HECTARE
from eco_credit.gep.flow import Notice
from eco_credit.gep.spatial import crs as systems
from eco_credit.gep.spatial.extra import library
from eco_credit.gep.spatial.grid import Grid, Window, grid_of
from eco_credit.gep.spatial.job import LAYER_UNITS, Job, Layer
from eco_credit.gep.spatial.opening import open_geotiff
from eco_credit.gep.spatial.refusing import refusal
from eco_credit.gep.spatial.terms import Terms

CLASSES = ("land_cover",)
"""Layers whose cells are classes: nearest cell, never an average."""
MAY_BE_NEGATIVE = ("dem", "ndvi", "land_cover")
PARTS_OF_ONE = ("cover_factor", "practice_factor", "ndvi")
LARGEST_LATITUDE_CELLS = 1e-9
"""Difference of two grids, in cells, below which they are the same."""


def job_grid(job: Job, rules: Terms) -> Grid:
    """The grid all layers of a job are brought to."""
    field = f"layers.{job.grid}"
    with open_geotiff(job.file(str(job.layers[job.grid].path), field), field, rules) as dataset:
        return grid_of(dataset, field, rules, other_datum=job.other_datum)


def check_layers(job: Job, grid: Grid, rules: Terms) -> list[Notice]:
    """Open every raster of the job once, and say what is brought to the grid how.

    Raises:
        ContractError: what `open_geotiff` and `grid_of` refuse; ``crs_unit`` for tonnes per pixel in degrees.
    """
    said = {notice.rule: notice for notice in systems.notices(grid.system(), "grid")}
    moved = []
    for name, layer in job.layers.items():
        field = f"layers.{name}"
        if layer.path is None:
            continue
        with open_geotiff(job.file(layer.path, field), field, rules) as dataset:
            own = grid_of(dataset, field, rules, other_datum=job.other_datum)
        said |= {notice.rule: notice for notice in systems.notices(own.system(), "rasters")}
        if own.system().is_geographic and (layer.unit or "").endswith("/pixel"):
            raise refusal(field, "crs_unit")
        if not _same(own, grid):
            moved.append(name)
    if moved:
        said["aligned"] = Notice(
            "aligned", f"brought to the grid of {job.grid}, classes by nearest cell, the rest by average: "
            f"{', '.join(moved)}", f"已对齐到 {job.grid} 栅格（类型取最近像元，其余取平均）：{'、'.join(moved)}")
    return list(said.values())


def _same(one: Grid, other: Grid) -> bool:
    if (one.width, one.height) != (other.width, other.height):
        return False
    places = ((one.west, other.west, one.dx), (one.north, other.north, one.dy), (one.dx, other.dx, one.dx),
              (one.dy, other.dy, one.dy))
    near = all(abs(a - b) <= LARGEST_LATITUDE_CELLS * cell for a, b, cell in places)
    return near and (one.wkt == other.wkt or bool(one.system().equals(other.system(), ignore_axis_order=True)))


def read_layer(job: Job, name: str, grid: Grid, *, window: Window, rules: Terms) -> Floats:
    """Cells of one layer in a window of the grid.

    Args:
        job: the job.
        name: layer of the job.
        grid: its grid.
        window: rows and columns; what lies beyond the grid is unknown.
        rules: the rulebook of the day.

    Returns:
        shape (rows, columns), in the first unit of `LAYER_UNITS`; NaN where unknown.
    """
    layer: Layer = job.layers[name]  # type: ignore[index]
    factor = LAYER_UNITS[name][layer.unit] if layer.unit else 1.0
    if layer.path is None:
        return np.full((window.rows, window.columns), float(layer.value or 0.0) * factor)
    field = f"layers.{name}"
    with open_geotiff(job.file(layer.path, field), field, rules) as dataset:
        own = grid_of(dataset, field, rules, other_datum=job.other_datum)
        if (layer.unit or "").endswith("/pixel"):
            factor *= SQUARE_METRES_PER_HECTARE / (own.dx * own.dy)
        cells = _window(dataset, window, grid) if _same(own, grid) else _warped(dataset, name, window, grid)
    return cells * factor


def _warped(dataset: Any, name: str, window: Window, grid: Grid) -> Floats:
    method = library("rasterio.enums").Resampling
    north_up = library("rasterio").Affine(grid.dx, 0.0, grid.west, 0.0, -grid.dy, grid.north)
    with library("rasterio.vrt").WarpedVRT(
        dataset, crs=library("rasterio").CRS.from_wkt(grid.wkt), transform=north_up, width=grid.width,
        height=grid.height, resampling=method.nearest if name in CLASSES else method.average,
        dtype="float64", src_nodata=dataset.nodata, nodata=np.nan, warp_mem_limit=64,
    ) as warped:
        return _window(warped, window, grid)


def _window(dataset: Any, window: Window, grid: Grid) -> Floats:
    """The window, with unknown cells beyond the grid."""
    cells = np.full((window.rows, window.columns), np.nan)
    top, left = max(window.row, 0), max(window.column, 0)
    bottom = min(window.row + window.rows, grid.height)
    right = min(window.column + window.columns, grid.width)
    if bottom <= top or right <= left:
        return cells
    part = library("rasterio.windows").Window(left, top, right - left, bottom - top)
    try:
        read = dataset.read(1, window=part, masked=True)
    except library("rasterio").errors.RasterioError as error:
        raise refusal("layers", "raster_unreadable") from error
    known = np.ma.filled(read.astype(np.float64), np.nan)
    known[np.isinf(known)] = np.nan
    cells[top - window.row:bottom - window.row, left - window.column:right - window.column] = known
    return cells


def out_of_bounds(name: str, values: Floats) -> str | None:
    """The rule that known cells of a layer break, or None."""
    known = values[~np.isnan(values)]
    if name not in MAY_BE_NEGATIVE and (known < 0.0).any():
        return "negative_layer"
    return "above_one" if name in PARTS_OF_ONE and (known > 1.0).any() else None
