"""Coordinate systems and areas: which are accepted, what is said about them, hectares on the ellipsoid."""

from __future__ import annotations

from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import MU_PER_HECTARE, SQUARE_METRES_PER_HECTARE
from eco_credit.gep.flow import Notice
from eco_credit.gep.spatial.extra import library
from eco_credit.gep.spatial.refusing import refusal

LON_LAT = "EPSG:4326"
METRES_PER_DEGREE = 111_000.0
"""Rough, for the distance of corners only."""


def system(text: Any, field: str, *, other_datum: bool = False) -> Any:
    """A checked coordinate reference system.

    Args:
        text: EPSG code or WKT.
        field: field of the job, for the error.
        other_datum: True to accept datums other than CGCS2000 and WGS-84.

    Returns:
        A ``pyproj.CRS`` that is geographic, or projected in metres.

    Raises:
        ContractError: ``crs_unknown``, ``crs_unit``, ``crs_datum``.
    """
    try:
        crs = library("pyproj").CRS.from_user_input(text)
    except Exception as error:  # pyproj's errors share no public base across versions
        raise refusal(field, "crs_unknown") from error
    if not (crs.is_geographic or crs.is_projected):
        raise refusal(field, "crs_unknown")
    if crs.is_projected and any(abs(axis.unit_conversion_factor - 1.0) > 1e-9 for axis in crs.axis_info[:2]):
        raise refusal(field, "crs_unit")
    if datum(crs) == "other" and not other_datum:
        raise refusal(field, "crs_datum")
    return crs


def datum(crs: Any) -> str:
    """``cgcs2000``, ``wgs84`` or ``other``."""
    name = (crs.geodetic_crs.datum.name if crs.geodetic_crs and crs.geodetic_crs.datum else "").lower()
    if "china 2000" in name or "cgcs" in name or "china_2000" in name:
        return "cgcs2000"
    return "wgs84" if any(part in name for part in ("world geodetic system 1984", "wgs 84", "wgs_1984")) else "other"


def notices(crs: Any, what: str) -> list[Notice]:
    """What is said about a system that is not CGCS2000."""
    kind = datum(crs)
    if kind == "wgs84":
        return [Notice("crs_wgs84", f"{what} in WGS-84, taken as CGCS2000 (they differ by less than a metre)",
                       f"{what}为 WGS-84 坐标，按 CGCS2000 处理（相差不足一米）")]
    if kind == "other":
        return [Notice("crs_other_datum", f"{what} in another datum, accepted because the job says so",
                       f"{what}采用其他大地基准，按作业声明接受")]
    return []


def flat(crs: Any) -> Any:
    """The system in longitude and latitude on the same datum."""
    return crs if crs.is_geographic else crs.geodetic_crs


def geod_of(crs: Any) -> Any:
    """The ellipsoid of a system, as a ``pyproj.Geod``."""
    return crs.get_geod()


def mover(source: Any, target: Any) -> Any:
    """A function that moves shapely geometries from one system to another, longitude before latitude."""
    shapely = library("shapely")
    step = library("pyproj").Transformer.from_crs(source, target, always_xy=True)

    def moved(geometry: Any) -> Any:
        return shapely.transform(geometry, lambda xy: np.column_stack(step.transform(xy[:, 0], xy[:, 1])))

    return moved


def hectares(geometry: Any, geod: Any) -> float:
    """Area of a polygon in longitude and latitude on the ellipsoid, ha; its sides are geodesics."""
    oriented = library("shapely").orient_polygons(geometry)
    area, _ = geod.geometry_area_perimeter(oriented)
    return abs(float(area)) / SQUARE_METRES_PER_HECTARE


def mu(area_ha: float) -> float:
    """Area in mu: 1 ha is 15 mu.

    Example:
        >>> mu(2.0)
        30.0
    """
    return area_ha * MU_PER_HECTARE


def band_areas(latitudes: Floats, width: float, geod: Any) -> Floats:
    """Area of the cells between neighbouring parallels, in closed form on the ellipsoid.

    ``A = b^2 dl / 2 * [ sin p / (1 - e^2 sin^2 p) + ln((1 + e sin p) / (1 - e sin p)) / (2 e) ]`` between p1 and p2.

    Args:
        latitudes: edges of the rows, degrees, shape (n + 1,).
        width: dl, width of a cell, degrees.
        geod: the ellipsoid.

    Returns:
        m2 of one cell in each row, shape (n,). Source: surface of an oblate ellipsoid of revolution.
    """
    e, sine = float(np.sqrt(geod.es)), np.sin(np.radians(latitudes))
    zone = sine / (1.0 - geod.es * sine * sine)
    zone += np.log((1.0 + e * sine) / (1.0 - e * sine)) / (2.0 * e)
    result: Floats = np.abs(np.diff(zone)) * geod.b**2 * np.radians(abs(width)) / 2.0
    return result


def degree_metres(latitudes: Floats, geod: Any) -> tuple[Floats, Floats]:
    """Length of one degree of longitude and of latitude, m, at each latitude (degrees)."""
    sine = np.sin(np.radians(latitudes))
    root = np.sqrt(1.0 - geod.es * sine * sine)
    east = geod.a * np.cos(np.radians(latitudes)) / root
    north = geod.a * (1.0 - geod.es) / root**3
    return np.radians(1.0) * east, np.radians(1.0) * north
