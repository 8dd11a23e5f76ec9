"""Outlines of parcels from GeoJSON in longitude and latitude: read with bounds, measured on the ellipsoid."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

Point = tuple[float, float]
Ring = tuple[Point, ...]
Polygon = tuple[Ring, ...]
"""An outer ring and its holes; the first point of a ring is not repeated at its end."""

MOST_CORNERS = 4_000
SEMI_MAJOR = 6_378_137.0
"""a of WGS-84, m."""
FLATTENING = 1.0 / 298.257223563
"""f of WGS-84."""
M2_PER_HECTARE = 10_000.0


class OutlineRefused(ValueError):
    """A text that is not an outline; ``rule`` names what is wrong: json, form, ring, place or corners."""

    def __init__(self, rule: str) -> None:
        """Name the rule that is broken."""
        super().__init__(rule)
        self.rule = rule


def read_outlines(text: str) -> list[Polygon]:
    """Read a Polygon, MultiPolygon, Feature or FeatureCollection (RFC 7946; longitude before latitude, WGS-84).

    Args:
        text: GeoJSON.

    Returns:
        Polygons in the order of the text.

    Raises:
        OutlineRefused: it cannot be read as outlines; the text is not repeated.
    """
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        raise OutlineRefused("json") from None
    found = [_polygon(rings) for geometry in _geometries(whole) for rings in _parts(geometry)]
    if not found:
        raise OutlineRefused("form")
    if sum(len(ring) for polygon in found for ring in polygon) > MOST_CORNERS:
        raise OutlineRefused("corners")
    return found


def _geometries(whole: Any) -> list[Any]:
    kind = whole.get("type") if isinstance(whole, dict) else None
    if kind == "FeatureCollection" and isinstance(whole.get("features"), list):
        return [one.get("geometry") if isinstance(one, dict) else None for one in whole["features"]]
    return [whole.get("geometry") if kind == "Feature" else whole]


def _parts(geometry: Any) -> list[Any]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    inside = geometry.get("coordinates") if kind in ("Polygon", "MultiPolygon") else None
    if not isinstance(inside, list):
        raise OutlineRefused("form")
    return inside if kind == "MultiPolygon" else [inside]


def _polygon(rings: Any) -> Polygon:
    if not isinstance(rings, list) or not rings:
        raise OutlineRefused("ring")
    return tuple(_ring(ring) for ring in rings)


def _ring(ring: Any) -> Ring:
    """A closed ring of at least three corners."""
    if not isinstance(ring, list) or len(ring) < 4 or ring[0] != ring[-1]:
        raise OutlineRefused("ring")
    return tuple(_point(one) for one in ring[:-1])


def _point(one: Any) -> Point:
    plain = isinstance(one, list) and len(one) in (2, 3) and all(type(x) in (int, float) for x in one)
    if not plain or not (-180.0 <= one[0] <= 180.0 and -90.0 <= one[1] <= 90.0):
        raise OutlineRefused("place")
    return float(one[0]), float(one[1])


def authalic_q(latitude: float) -> float:
    """The authalic function of a latitude.

    ``q = (1 - e^2) (sin B / (1 - e^2 sin^2 B) + ln((1 + e sin B) / (1 - e sin B)) / (2 e))``, ``e^2 = f (2 - f)``.

    Args:
        latitude: geodetic latitude B, degrees.

    Returns:
        q, dimensionless. Source: J. P. Snyder, Map Projections: A Working Manual, USGS Professional Paper 1395 (1987),
        equation 3-12.
    """
    square = FLATTENING * (2.0 - FLATTENING)
    e, sine = math.sqrt(square), math.sin(math.radians(latitude))
    return (1.0 - square) * (sine / (1.0 - square * sine * sine) + math.atanh(e * sine) / e)


def ring_area(ring: Sequence[Point]) -> float:
    """Area inside a ring on the ellipsoid WGS-84, ha.

    The ring is laid into the cylindrical equal-area projection, ``x = a L``, ``y = a q / 2`` with longitude L in
    radians, and measured there: ``A = |sum (x_i y_{i+1} - x_{i+1} y_i)| / 2``. Sides are straight in that projection;
    for parcels of a few kilometres the area parts from that of geodesics by less than a hundred-thousandth.

    Args:
        ring: longitude and latitude in degrees, three corners or more.

    Returns:
        ha, never negative.
    """
    # measured from the first corner: differences of small parcels keep their digits
    start, base = ring[0][0], authalic_q(ring[0][1])
    laid = [(SEMI_MAJOR * math.radians(x - start), SEMI_MAJOR * (authalic_q(y) - base) / 2.0) for x, y in ring]
    twice = math.fsum(
        x * laid[place - 1][1] - laid[place - 1][0] * y for place, (x, y) in enumerate(laid)
    )
    return abs(twice) / 2.0 / M2_PER_HECTARE


def polygon_area(polygon: Polygon) -> float:
    """Area of the outer ring less its holes, ha."""
    outer, *holes = polygon
    return max(ring_area(outer) - math.fsum(ring_area(hole) for hole in holes), 0.0)
