"""Parcels: outlines, ids and systems are checked, areas are on the ellipsoid."""

from __future__ import annotations

import json
import sqlite3

import numpy as np
import pytest
from gep_spatial.worlds import CELL, ZONE, box, geojson, job, refused, rules, world

from eco_credit.gep.spatial import raster_account
from eco_credit.gep.spatial.crs import band_areas, degree_metres, mu
from eco_credit.gep.spatial.parcels import read_parcels

BOW = [[[500_060, 3_399_700], [500_120, 3_399_880], [500_120, 3_399_700], [500_060, 3_399_880], [500_060, 3_399_700]]]
DEGREES = [[[114.0, 30.0], [114.01, 30.0], [114.01, 30.01], [114.0, 30.01], [114.0, 30.0]]]


def read(folder, data=None):
    return read_parcels(job(data or world(folder), folder), rules())


def with_parcels(folder, shapes, **more):
    data = world(folder)
    geojson(folder / "parcels.geojson", shapes, **more)
    return data


@pytest.mark.parametrize(
    ("shapes", "crs", "rule"),
    [
        ({"P": BOW}, ZONE, "parcel_self_crossing"),
        ({"P": box(2, 2, 4, 3)}, None, "crs_undeclared"),
        ({"P": box(2, 2, 4, 3)}, "EPSG:4490", "crs_bounds"),
        ({"P": DEGREES}, ZONE, "crs_bounds"),
        ({"P": [[[y, x] for x, y in DEGREES[0]]]}, None, "crs_bounds"),
        ({"P": [[[x - 100.0, y] for x, y in DEGREES[0]]]}, "EPSG:4490", "crs_bounds"),
        ({"P": box(2, 2, 4, 3)}, "EPSG:4526", "crs_bounds"),
        ({"P": DEGREES}, "EPSG:4214", "crs_datum"),
        ({"P": DEGREES}, "EPSG:999999", "crs_unknown"),
        ({"P": box(0, 0, 3, 3), "Q": box(2, 2, 3, 3)}, ZONE, "parcels_overlap"),
        ({"": box(0, 0, 3, 3)}, ZONE, "parcel_id"),
        ({"a\nb": box(0, 0, 3, 3)}, ZONE, "parcel_id"),
        ({}, ZONE, "no_parcels"),
        (
            {"P": [[[500_000, 3_400_000], [500_030, 3_400_000], [500_060, 3_400_000], [500_000, 3_400_000]]]},
            ZONE,
            "parcel_geometry",
        ),
    ],
)
def test_wrong_parcels_are_refused_by_name(tmp_path, shapes, crs, rule):
    data = with_parcels(tmp_path, shapes, crs=crs)
    if rule == "crs_bounds" and crs is None:  # latitude before longitude, in a file that declares nothing
        rule = "crs_undeclared"
    assert refused(read, tmp_path, data) == {rule}


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("<VRTDataset/>", "vrt_disguised"),
        ("not json", "not_json"),
        ('{"type": "Feature"}', "geojson_form"),
        ('{"type": "FeatureCollection", "features": [], "features": []}', "not_json"),
        ('{"type": "FeatureCollection", "features": [NaN]}', "not_json"),
        ("[" * 100_000, "too_deep"),
        (
            '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":{"type":"Point",'
            '"coordinates":[1,2]}}]}',
            "parcel_geometry",
        ),
        (
            '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":{"type":"Polygon",'
            '"coordinates":[[["a",2],[1,2],[2,2],[1,2]]]}}]}',
            "parcel_geometry",
        ),
        (
            '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{},"geometry":{"type":"Polygon",'
            '"coordinates":[]}}]}',
            "parcel_geometry",
        ),
    ],
)
def test_a_text_that_is_no_geojson_of_polygons_is_refused(tmp_path, text, rule):
    data = world(tmp_path)
    (tmp_path / "parcels.geojson").write_text(text, encoding="utf-8")
    assert refused(read, tmp_path, data) == {rule}


def test_the_row_of_the_refused_parcel_is_said(tmp_path):
    from eco_credit.core.errors import ContractError

    data = with_parcels(tmp_path, {"P": box(0, 0, 1, 1), "Q": BOW})
    with pytest.raises(ContractError) as caught:
        read(tmp_path, data)
    assert [(v.field, v.rule, v.row) for v in caught.value.violations] == [("parcels", "parcel_self_crossing", 2)]


def test_the_job_and_the_file_must_declare_the_same_system(tmp_path):
    data = world(tmp_path)
    data["parcels"]["crs"] = "EPSG:4548"
    assert refused(read, tmp_path, data) == {"crs_differs"}


def test_a_system_stated_by_the_job_serves_a_silent_file(tmp_path):
    data = with_parcels(tmp_path, {"P": box(2, 2, 4, 3)}, crs=None)
    data["parcels"]["crs"] = ZONE
    assert read(tmp_path, data)[0][0].area_ha == pytest.approx(1.08, rel=1e-6)


def test_area_is_geodesic_and_mu_are_fifteen_to_the_hectare(tmp_path):
    """On the central meridian the zone is true to scale: 120 m x 90 m = 1.08 ha = 16.2 mu."""
    parcel = read(tmp_path)[0][0]
    assert parcel.area_ha == pytest.approx(1.08, rel=1e-6)
    assert parcel.area_mu == mu(parcel.area_ha) == pytest.approx(16.2, rel=1e-6)


def test_a_square_of_degrees_has_the_area_of_the_ellipsoid(tmp_path):
    """Between parallels 30 and 30.01 N the closed form and the geodesic polygon agree to 1e-6 of the area."""
    from pyproj import CRS

    parcels, flat, notices = read(tmp_path, with_parcels(tmp_path, {"P": DEGREES}, crs=None))
    band = band_areas(np.array([30.0, 30.01]), 0.01, flat.get_geod())[0] / 1e4
    assert parcels[0].area_ha == pytest.approx(band, rel=1e-6)
    assert [notice.rule for notice in notices] == ["crs_wgs84"]
    east, north = degree_metres(np.array([0.0]), CRS.from_epsg(4490).get_geod())
    assert (east[0], north[0]) == (pytest.approx(111_319.491, abs=1e-3), pytest.approx(110_574.276, abs=1e-3))


def test_all_bands_of_the_ellipsoid_add_up_to_its_surface():
    """The surface of the WGS-84 ellipsoid is 510 065 621.724 km2."""
    from pyproj import Geod

    edges = np.linspace(-90.0, 90.0, 181)
    assert band_areas(edges, 360.0, Geod(ellps="WGS84")).sum() / 1e6 == pytest.approx(510_065_621.724, rel=1e-9)


def test_a_geopackage_gives_the_same_account_as_geojson(tmp_path):
    import geopandas

    data = world(tmp_path)
    plain = raster_account(job(data, tmp_path), rules=rules())
    geopandas.read_file(tmp_path / "parcels.geojson").set_crs(ZONE, allow_override=True).to_file(
        tmp_path / "p.gpkg", layer="plots", driver="GPKG"
    )
    packed = raster_account(job(data | {"parcels": {"path": "p.gpkg"}}, tmp_path), rules=rules())
    assert packed.account.total == plain.account.total


def test_a_database_that_is_no_geopackage_is_refused(tmp_path):
    data = world(tmp_path) | {"parcels": {"path": "p.gpkg"}}
    sqlite3.connect(tmp_path / "p.gpkg").executescript("CREATE TABLE t (a)").connection.close()
    assert refused(read, tmp_path, data) == {"not_geopackage"}
    (tmp_path / "p.gpkg").write_bytes(b"<VRTDataset/>")
    assert refused(read, tmp_path, data) == {"vrt_disguised"}


def test_a_view_in_a_geopackage_is_not_read(tmp_path):
    base = sqlite3.connect(tmp_path / "p.gpkg")
    base.executescript(
        "PRAGMA application_id = 0x47504B47; CREATE TABLE gpkg_geometry_columns (table_name, column_name, srs_id);"
        "CREATE VIEW v AS SELECT 1 AS parcel_id, x'00' AS geom;"
        "INSERT INTO gpkg_geometry_columns VALUES ('v', 'geom', 4490)"
    )
    base.close()
    assert refused(read, tmp_path, world(tmp_path) | {"parcels": {"path": "p.gpkg"}}) == {"layer_unclear"}


def test_other_endings_are_refused(tmp_path):
    (tmp_path / "p.shp").write_bytes(b"\x00\x00\x27\x0a")
    assert refused(read, tmp_path, world(tmp_path) | {"parcels": {"path": "p.shp"}}) == {"parcel_ending"}


def test_heights_in_corners_are_dropped(tmp_path):
    data = with_parcels(tmp_path, {"P": [[[*corner, 55.0] for corner in box(2, 2, 4, 3)[0]]]})
    assert read(tmp_path, data)[0][0].area_ha == pytest.approx(4 * 3 * CELL * CELL / 1e4, rel=1e-6)


def test_ids_may_be_whole_numbers_and_stand_once(tmp_path):
    path = geojson(tmp_path / "parcels.geojson", {"1": box(0, 0, 1, 1), "2": box(3, 3, 1, 1)})
    text = path.read_text(encoding="utf-8").replace('"parcel_id": "1"', '"parcel_id": 2')
    assert json.loads(text)["features"][0]["properties"]["parcel_id"] == 2
    data = world(tmp_path)
    path.write_text(text, encoding="utf-8")
    assert refused(read, tmp_path, data) == {"parcel_id"}
