"""Tiny worlds for these tests: rasters written to a folder, square parcels, jobs around them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eco_credit.core.errors import ContractError
from eco_credit.gep.spatial import Job, job_of
from eco_credit.rulebook import RuleSet, load

for _name in ("rasterio", "exactextract", "geopandas"):
    pytest.importorskip(_name, reason="needs the extra geo")

ZONE = "EPSG:4547"  # CGCS2000, three-degree zone, central meridian 114 E
WEST, NORTH, CELL = 500_000.0, 3_400_000.0, 30.0
CLASSES = {
    1: {"ecosystem": "evergreen_broadleaf", "cover_factor": 0.02, "practice_factor": 1.0},
    2: {"ecosystem": "meadow", "cover_factor": 0.2, "practice_factor": 0.5},
}


def rules() -> RuleSet:
    """The rulebook of one fixed day."""
    return load().at("2026-11-23")


def write(
    path: Path,
    cells: Any,
    *,
    crs: str | None = ZONE,
    nodata: float | None = None,
    west: float = WEST,
    north: float = NORTH,
    cell: float = CELL,
    **more: Any,
) -> Path:
    """Write a GeoTIFF with one band."""
    import rasterio

    array = np.asarray(cells)
    band = array if array.ndim == 3 else array[None]
    transform = rasterio.Affine(cell, 0.0, west, 0.0, -cell, north)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=band.shape[1],
        width=band.shape[2],
        count=band.shape[0],
        dtype=band.dtype,
        crs=crs,
        transform=more.pop("transform", transform),
        nodata=nodata,
        **more,
    ) as sink:
        sink.write(band)
    return path


def box(
    left: float,
    top: float,
    width: float,
    height: float,
    *,
    cell: float = CELL,
    west: float = WEST,
    north: float = NORTH,
) -> list[list[list[float]]]:
    """A rectangle in cells from the upper left corner of the grid, as GeoJSON coordinates."""
    w, n = west + left * cell, north - top * cell
    e, s = w + width * cell, n - height * cell
    return [[[w, s], [e, s], [e, n], [w, n], [w, s]]]


def geojson(path: Path, shapes: dict[str, Any], *, crs: str | None = ZONE) -> Path:
    """Write polygons by parcel id."""
    features = [
        {"type": "Feature", "properties": {"parcel_id": name}, "geometry": {"type": "Polygon", "coordinates": rings}}
        for name, rings in shapes.items()
    ]
    whole: dict[str, Any] = {"type": "FeatureCollection", "features": features}
    if crs is not None:
        whole["crs"] = {"type": "name", "properties": {"name": f"urn:ogc:def:crs:{crs.replace(':', '::')}"}}
    path.write_text(json.dumps(whole), encoding="utf-8")
    return path


def world(folder: Path, *, shape: tuple[int, int] = (10, 10), **layers: Any) -> dict[str, Any]:
    """A job over uniform rasters: class 1, rain 1200 mm, ET 700 mm; layers may be replaced by arrays."""
    arrays = {
        "land_cover": np.full(shape, 1, np.uint8),
        "precipitation": np.full(shape, 1200.0, np.float32),
        "evapotranspiration": np.full(shape, 700.0, np.float32),
    } | layers
    units = {
        "land_cover": None,
        "precipitation": "mm",
        "evapotranspiration": "mm",
        "dem": None,
        "npp": "gC/m2",
        "rainfall_erosivity": None,
        "soil_erodibility": "t ha h/(ha MJ mm)",
    }
    for name, cells in arrays.items():
        write(folder / f"{name}.tif", cells)
    geojson(folder / "parcels.geojson", {"P1": box(2, 2, 4, 3)})
    stated = {name: {"path": f"{name}.tif"} | ({"unit": units[name]} if units.get(name) else {}) for name in arrays}
    return {
        "account_year": 2025,
        "parcels": {"path": "parcels.geojson"},
        "layers": stated,
        "classes": CLASSES,
        "services": ["water_retention"],
    }


def soil_world(folder: Path, dem: Any, **more: Any) -> dict[str, Any]:
    """A job for soil retention over a surface, R 5000, K 0.03."""
    cells = np.asarray(dem, np.float64)
    data = world(folder, shape=cells.shape, dem=cells, **more)
    data["layers"] |= {
        "rainfall_erosivity": {"value": 5000.0},
        "soil_erodibility": {"value": 0.03, "unit": "t ha h/(ha MJ mm)"},
    }
    return data | {"services": ["soil_retention"]}


def job(data: dict[str, Any], folder: Path) -> Job:
    """Check a job whose paths start from the folder."""
    return job_of(data, folder)


def refused(action: Any, *arguments: Any, **named: Any) -> set[str]:
    """Rules that refuse a call; empty when it is done. Every refusal has both languages."""
    try:
        action(*arguments, **named)
    except ContractError as error:
        assert all(v.field and v.en and v.zh for v in error.violations)
        return {v.rule for v in error.violations}
    return set()
