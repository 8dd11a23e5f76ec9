"""The grid of a job: its system, its cells in metres and hectares, and the windows it is read in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.gep.spatial import crs as systems
from eco_credit.gep.spatial.extra import library
from eco_credit.gep.spatial.refusing import refusal
from eco_credit.gep.spatial.terms import Terms


@dataclass(frozen=True, slots=True)
class Window:
    """Rows ``row`` to ``row + rows`` and columns ``column`` to ``column + columns`` of a grid; may reach beyond it."""

    row: int
    column: int
    rows: int
    columns: int

    def grown(self, halo: int) -> Window:
        """The window with a rim of cells on every side."""
        return Window(self.row - halo, self.column - halo, self.rows + 2 * halo, self.columns + 2 * halo)


@dataclass(frozen=True, slots=True)
class Grid:
    """A north-up grid.

    Attributes:
        wkt: its system.
        west: left edge, in the units of the system.
        north: upper edge.
        dx: width of a cell, above 0.
        dy: height of a cell, above 0.
        width: columns.
        height: rows.
    """

    wkt: str
    west: float
    north: float
    dx: float
    dy: float
    width: int
    height: int

    def system(self) -> Any:
        """Its system, as a ``pyproj.CRS``."""
        return library("pyproj").CRS.from_wkt(self.wkt)

    def bounds(self, window: Window | None = None) -> tuple[float, float, float, float]:
        """West, south, east and north edge of a window, or of the whole grid."""
        at = window or Window(0, 0, self.height, self.width)
        west, north = self.west + at.column * self.dx, self.north - at.row * self.dy
        return west, north - at.rows * self.dy, west + at.columns * self.dx, north

    def windows(self, tile: int) -> Iterator[Window]:
        """Windows of at most ``tile`` cells on a side, row by row, covering the grid once."""
        for row in range(0, self.height, tile):
            for column in range(0, self.width, tile):
                yield Window(row, column, min(tile, self.height - row), min(tile, self.width - column))

    def cell_metres(self, window: Window) -> tuple[Floats, Floats]:
        """Width and height of the cells of each row, m, shape (rows, 1)."""
        rows = np.arange(window.row, window.row + window.rows, dtype=np.float64)[:, None]
        crs = self.system()
        if not crs.is_geographic:
            return np.full(rows.shape, self.dx), np.full(rows.shape, self.dy)
        middle = np.clip(self.north - (rows + 0.5) * self.dy, -89.9, 89.9)
        east, north = systems.degree_metres(middle, systems.geod_of(crs))
        return east * self.dx, north * self.dy

    def cell_areas(self, window: Window) -> Floats:
        """Area of the cells of each row, m2, shape (rows, 1): on the ellipsoid where the grid is in degrees."""
        crs = self.system()
        if not crs.is_geographic:
            return np.full((window.rows, 1), self.dx * self.dy)
        edges = np.clip(self.north - np.arange(window.row, window.row + window.rows + 1) * self.dy, -90.0, 90.0)
        return systems.band_areas(edges, self.dx, systems.geod_of(crs))[:, None]


def grid_of(dataset: Any, field: str, rules: Terms, *, other_datum: bool = False) -> Grid:
    """The grid of an open raster, its system and distortion checked.

    Raises:
        ContractError: by `eco_credit.gep.spatial.crs.system`; ``crs_bounds``, ``crs_distorts``.
    """
    wkt = dataset.crs.to_wkt()
    crs = systems.system(wkt, field, other_datum=other_datum)
    where = dataset.transform
    grid = Grid(wkt, where.c, where.f, where.a, -where.e, dataset.width, dataset.height)
    _check_place(grid, crs, field, rules)
    return grid


def _check_place(grid: Grid, crs: Any, field: str, rules: Terms) -> None:
    west, south, east, north = grid.bounds()
    move = library("pyproj").Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    lon, lat = move.transform((west + east) / 2.0, (south + north) / 2.0)
    if not (np.isfinite(lon) and np.isfinite(lat) and abs(lon) <= 180.0 and abs(lat) <= 90.0):
        raise refusal(field, "crs_bounds")
    if crs.is_geographic:
        if south < -90.0001 or north > 90.0001 or west < -360.0001 or east > 360.0001:
            raise refusal(field, "crs_bounds")
        return
    scale = library("pyproj").Proj(crs).get_factors(lon, lat).areal_scale
    if not abs(scale - 1.0) <= rules.number("gep.spatial.areal_distortion_max"):
        raise refusal(field, "crs_distorts")
