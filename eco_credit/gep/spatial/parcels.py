"""Parcels from GeoJSON or GeoPackage: checked outlines, ids, systems, and areas on the ellipsoid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.gep.flow import Notice
from eco_credit.gep.spatial import crs as systems
from eco_credit.gep.spatial.extra import library
from eco_credit.gep.spatial.geopackage import read_geopackage
from eco_credit.gep.spatial.job import Job
from eco_credit.gep.spatial.opening import head, is_virtual
from eco_credit.gep.spatial.refusing import refusal, violation
from eco_credit.rulebook import RuleSet

LONGEST_SIDE = 500.0
"""Longer sides of a projected outline get corners between before they become geodesics, m."""
Found = tuple[Any, Any]
"""Id as written, and a geometry of shapely."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One parcel.

    Attributes:
        id: its own id.
        drawn: polygon in the system of the file.
        outline: the same in longitude and latitude of its datum.
        area_ha: area on the ellipsoid, ha.
    """

    id: str
    drawn: Any
    outline: Any
    area_ha: float

    @property
    def area_mu(self) -> float:
        """Area in mu, 15 to the hectare."""
        return systems.mu(self.area_ha)


def read_parcels(job: Job, rules: RuleSet) -> tuple[list[Parcel], Any, list[Notice]]:
    """Read and check the parcels of a job.

    Returns:
        The parcels in the order of the file, the system they are drawn in, and notices.

    Raises:
        ContractError: what is wrong with the file, or with each refused parcel (with its row).
    """
    field, path = "parcels", job.file(job.parcels.path, "parcels.path")
    if path.stat().st_size > rules.number("gep.spatial.parcel_bytes_max"):
        raise refusal(field, "file_too_large")
    if is_virtual(head(path)):
        raise refusal(field, "vrt_disguised")
    found, declared = _read(path, job)
    if declared and job.parcels.crs and not systems.system(declared, field, other_datum=True).equals(
        systems.system(job.parcels.crs, field, other_datum=True), ignore_axis_order=True
    ):
        raise refusal("parcels.crs", "crs_differs")
    written = declared or job.parcels.crs
    crs = systems.system(written or systems.LON_LAT, "parcels.crs", other_datum=job.other_datum)
    _check_shapes(found, rules)
    _check_place([geometry for _, geometry in found], crs, declared=written is not None)
    parcels = _as_parcels(found, crs)
    _check_overlap(parcels)
    return parcels, crs, systems.notices(crs, "parcels")


def _read(path: Path, job: Job) -> tuple[list[Found], Any]:
    ending = path.suffix.lower()
    if ending == ".gpkg":
        return read_geopackage(path, id_field=job.parcels.id, layer=job.parcels.layer)
    if ending in {".geojson", ".json"}:
        return read_geojson(path.read_bytes(), id_field=job.parcels.id)
    raise refusal("parcels.path", "parcel_ending")


def _pairs(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _no_constant(name: str) -> float:
    raise ValueError(name)


def read_geojson(data: bytes, *, id_field: str) -> tuple[list[Found], Any]:
    """Features of a GeoJSON text, parsed as JSON, and the system it declares (None when silent).

    Raises:
        ContractError: ``not_json``, ``too_deep``, ``geojson_form``, ``parcel_geometry``, ``crs_unknown``.
    """
    try:
        whole = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_pairs, parse_constant=_no_constant)
    except RecursionError:
        raise refusal("parcels", "too_deep") from None
    except ValueError:
        raise refusal("parcels", "not_json") from None
    features = whole.get("features") if isinstance(whole, dict) and whole.get("type") == "FeatureCollection" else None
    if not isinstance(features, list):
        raise refusal("parcels", "geojson_form")
    found = [_feature(one, row, id_field) for row, one in enumerate(features, start=1)]
    return found, _declared(whole.get("crs"))


def _declared(member: Any) -> Any:
    if member is None:
        return None
    name = member.get("properties", {}).get("name") if isinstance(member, dict) else None
    if not isinstance(name, str) or len(name) > 100:
        raise refusal("parcels.crs", "crs_unknown")
    return "EPSG:4326" if name.upper().endswith("CRS84") else name


def _feature(one: Any, row: int, id_field: str) -> Found:
    shape = one.get("geometry") if isinstance(one, dict) else None
    if not isinstance(shape, dict) or shape.get("type") not in {"Polygon", "MultiPolygon"}:
        raise refusal("parcels", "parcel_geometry", row)
    try:
        geometry = library("shapely.geometry").shape(_plain(shape))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise refusal("parcels", "parcel_geometry", row) from error
    properties = one.get("properties")
    return (properties or {}).get(id_field) if isinstance(properties or {}, dict) else None, geometry


def _plain(shape: dict[str, Any]) -> dict[str, Any]:
    """The shape with two plain numbers in each corner: heights are dropped, anything else is refused."""
    parts = shape["coordinates"] if shape["type"] == "MultiPolygon" else [shape["coordinates"]]
    plain = [[[_corner(corner) for corner in ring] for ring in part] for part in parts]
    return {"type": "MultiPolygon", "coordinates": [[ring[0], *ring[1:]] for ring in plain]}


def _corner(corner: Any) -> tuple[float, float]:
    x, y = corner[0], corner[1]
    if isinstance(x, bool) or isinstance(y, bool) or not isinstance(x, int | float) or not isinstance(y, int | float):
        raise TypeError("a corner is two numbers")
    if not (np.isfinite(float(x)) and np.isfinite(float(y))):
        raise ValueError("a corner is finite")
    return float(x), float(y)


def _check_shapes(found: list[Found], rules: RuleSet) -> None:
    shapely = library("shapely")
    if not found:
        raise refusal("parcels", "no_parcels")
    corners = sum(int(shapely.get_num_coordinates(geometry)) for _, geometry in found)
    if len(found) > rules.number("gep.spatial.parcels_max") or corners > rules.number("gep.spatial.corners_max"):
        raise refusal("parcels", "too_many_parcels")
    broken, seen = [], set()
    for row, (name, geometry) in enumerate(found, start=1):
        own = _id(name)
        if own is None or own in seen:
            broken.append(violation("parcels.id", "parcel_id", row))
        seen.add(own)
        broken += _outline(geometry, row)
    if broken:
        raise ContractError(broken)


def _id(name: Any) -> str | None:
    own = str(name) if isinstance(name, int) and not isinstance(name, bool) else name
    if not isinstance(own, str) or not 1 <= len(own.strip()) <= 100 or not own.isprintable():
        return None
    return own.strip()


def _outline(geometry: Any, row: int) -> list[Violation]:
    shapely = library("shapely")
    if geometry.is_empty or geometry.geom_type not in {"Polygon", "MultiPolygon"}:
        return [violation("parcels", "parcel_geometry", row)]
    if not np.isfinite(shapely.get_coordinates(geometry)).all() or not geometry.convex_hull.area > 0.0:
        return [violation("parcels", "parcel_geometry", row)]
    if not geometry.is_valid:
        crossing = "self-intersection" in shapely.is_valid_reason(geometry).lower()
        return [violation("parcels", "parcel_self_crossing" if crossing else "parcel_invalid", row)]
    return []


def _check_place(shapes: list[Any], crs: Any, *, declared: bool) -> None:
    west, south, east, north = library("shapely").total_bounds(np.array(shapes, dtype=object))
    in_degrees = west >= -180.0 and east <= 180.0 and south >= -90.0 and north <= 90.0
    if not declared and not in_degrees:
        raise refusal("parcels.crs", "crs_undeclared")
    if (crs.is_geographic and not in_degrees) or (crs.is_projected and in_degrees):
        raise refusal("parcels.crs", "crs_bounds")
    use = crs.area_of_use
    if use is None:
        return
    move = library("pyproj").Transformer.from_crs(crs, crs.geodetic_crs, always_xy=True)
    lon, lat = move.transform([west, east, west, east], [south, south, north, north])
    if not np.isfinite([*lon, *lat]).all():
        raise refusal("parcels.crs", "crs_bounds")
    wide = 6.0 if crs.is_projected else 1.0  # a neighbouring zone is still usable; the far side of the map is not
    apart = ((np.array(lon) - use.west + 360.0) % 360.0, (use.east - use.west) % 360.0 or 360.0)
    outside = (apart[0] > apart[1] + wide) & (apart[0] < 360.0 - wide)
    if outside.any() or min(lat) < use.south - wide or max(lat) > use.north + wide:
        raise refusal("parcels.crs", "crs_bounds")


def _as_parcels(found: list[Found], crs: Any) -> list[Parcel]:
    shapely = library("shapely")
    move = systems.mover(crs, systems.flat(crs)) if crs.is_projected else None
    geod = systems.geod_of(crs)
    made = []
    for name, geometry in found:
        west, south, east, north = geometry.bounds
        step = max(LONGEST_SIDE, (east - west + north - south) / 200.0)
        outline = geometry if move is None else move(shapely.segmentize(geometry, step))
        made.append(Parcel(str(_id(name)), geometry, outline, systems.hectares(outline, geod)))
    return made


def _check_overlap(parcels: list[Parcel], tolerance: float = 1e-6) -> None:
    """Refuse parcels that share more than a sliver (part of the smaller one)."""
    shapely = library("shapely")
    shapes = np.array([parcel.drawn for parcel in parcels], dtype=object)
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pairs = first < second
    a, b = shapes[first[pairs]], shapes[second[pairs]]
    shared = shapely.area(shapely.intersection(a, b)) > tolerance * np.minimum(shapely.area(a), shapely.area(b))
    if shared.any():
        rows = sorted({int(row) + 1 for row in second[pairs][shared]})
        raise ContractError([violation("parcels", "parcels_overlap", row) for row in rows])
