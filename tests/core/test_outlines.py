"""Outlines: read with bounds, measured against another program, drawn without a word of the sender in it."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from eco_credit.core.outlines import OutlineRefused, polygon_area, read_outlines, ring_area
from eco_credit.reports.figures_parcels import areas, parcel_map

SQUARE = [[119.0, 28.0], [119.01, 28.0], [119.01, 28.01], [119.0, 28.01], [119.0, 28.0]]
HOLE = [[119.004, 28.004], [119.006, 28.004], [119.006, 28.006], [119.004, 28.006], [119.004, 28.004]]


def geojson(*rings: Any, kind: str = "Polygon") -> str:
    return json.dumps({"type": kind, "coordinates": list(rings)})


def test_a_quarter_of_the_globe_has_a_quarter_of_its_surface() -> None:
    # WGS-84 surface 510 065 621.724 km2 (closed form of an oblate ellipsoid); northern half of 180 degrees of longitude
    quarter = [(0.0, 0.0), (180.0, 0.0), (180.0, 90.0), (0.0, 90.0)]
    assert ring_area(quarter) == pytest.approx(510_065_621.724e2 / 4.0, rel=1e-11)


def test_a_parcel_agrees_with_geodesics_of_another_program() -> None:
    pyproj = pytest.importorskip("pyproj")
    ring = [(119.0, 28.0), (119.03, 28.004), (119.041, 28.03), (119.012, 28.022)]
    geodesic, _ = pyproj.Geod(ellps="WGS84").polygon_area_perimeter(*zip(*ring, strict=True))
    assert ring_area(ring) == pytest.approx(abs(geodesic) / 10_000.0, rel=1e-5)


def test_holes_are_taken_off_and_neither_direction_nor_first_corner_matters() -> None:
    (whole,), (holed,) = read_outlines(geojson(SQUARE)), read_outlines(geojson(SQUARE, HOLE))
    assert polygon_area(holed) == pytest.approx(polygon_area(whole) * (1.0 - 0.04), rel=1e-6)
    ring = whole[0]
    assert ring_area(ring[::-1]) == pytest.approx(ring_area(ring), rel=1e-12)
    assert ring_area(ring[2:] + ring[:2]) == pytest.approx(ring_area(ring), rel=1e-9)


def test_features_and_multipolygons_are_read_in_their_order() -> None:
    feature = {"type": "Feature", "properties": {"name": "张三"}, "geometry": json.loads(geojson(HOLE))}
    collection = {"type": "FeatureCollection", "features": [feature, feature]}
    assert len(read_outlines(json.dumps(collection))) == 2
    assert len(read_outlines(geojson([SQUARE], [HOLE], kind="MultiPolygon"))) == 2
    assert "张三" not in parcel_map(read_outlines(json.dumps(collection)), title="map")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("{", "json"),
        ("[" * 100_000, "json"),
        ("[]", "form"),
        ('{"type": "Point", "coordinates": [1, 2]}', "form"),
        ('{"type": "FeatureCollection", "features": []}', "form"),
        ('{"type": "FeatureCollection", "features": [7]}', "form"),
        (geojson(SQUARE[:-1]), "ring"),
        (geojson([SQUARE[0]] * 3), "ring"),
        (geojson([[3e6, 4e6]] * 5), "place"),
        (geojson([[119.0, True]] * 5), "place"),
        (geojson([[119.0, "28"]] * 5), "place"),
        ('{"type":"Polygon","coordinates":[[[NaN,1],[2,1],[2,2],[NaN,1]]]}', "place"),
        (geojson([*([[1.0, 1.0]] * 5_000), [1.0, 1.0]]), "corners"),
    ],
)
def test_what_is_not_an_outline_is_refused_by_rule(text: str, rule: str) -> None:
    with pytest.raises(OutlineRefused) as refused:
        read_outlines(text)
    assert refused.value.rule == rule


def test_fifteen_mu_are_a_hectare_and_the_bar_has_a_round_length() -> None:
    polygons = read_outlines(geojson(SQUARE))
    ((ha, mu),) = areas(polygons)
    assert mu == pytest.approx(15.0 * ha)
    # 0.01 degree of longitude at 28 N is about 983 m: a third of the drawing holds 200 m and not 500 m
    assert math.isclose(ha, 98.3 * 1.108, rel_tol=0.01)
    drawn = parcel_map(polygons, title="map")
    assert "500 m" in drawn or "200 m" in drawn
