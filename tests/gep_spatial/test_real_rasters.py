"""Real rasters of the shared folder: reprojection, alignment and sums over parcels on data nobody made for a test."""

from __future__ import annotations

import numpy as np
import pytest
from gep_spatial.worlds import geojson, job, refused, rules

from eco_credit.gep.spatial import raster_account

pytestmark = pytest.mark.shared
ZION = (-113.1, 37.25)


@pytest.fixture
def rasters(shared):
    return shared / "data" / "eco_rasters"


def around(lon, lat, half):
    w, s, e, n = lon - half, lat - half, lon + half, lat + half
    return [[[w, s], [e, s], [e, n], [w, n], [w, s]]]


def zion(rasters, folder, services):
    geojson(
        folder / "parcels.geojson", {"A": around(*ZION, 0.02), "B": around(ZION[0] + 0.05, ZION[1], 0.0002)}, crs=None
    )
    classes = {
        code: {"ecosystem": "sparse_shrub", "cover_factor": 0.05, "practice_factor": 1.0} for code in range(1, 100)
    }
    return {
        "account_year": 2025,
        "other_datum": True,
        "parcels": {"path": "parcels.geojson"},
        "services": services,
        "classes": classes,
        "layers": {
            "land_cover": {"path": str(rasters / "nlcd.tif")},
            "dem": {"path": str(rasters / "srtm.tif")},
            "precipitation": {"value": 500.0, "unit": "mm"},
            "evapotranspiration": {"value": 400.0, "unit": "mm"},
            "rainfall_erosivity": {"value": 800.0},
            "soil_erodibility": {"value": 0.03, "unit": "t ha h/(ha MJ mm)"},
        },
    }


def test_land_cover_in_metres_and_heights_in_degrees_give_one_account(rasters, tmp_path):
    made = raster_account(job(zion(rasters, tmp_path, ["water_retention", "soil_retention"]), tmp_path), rules=rules())
    said = {notice.rule for notice in made.account.warnings}
    assert {"aligned", "crs_other_datum", "crs_wgs84", "slope_definition"} <= said
    first, second = made.readings
    assert first.area_ha == pytest.approx(0.04**2 * 88.8e3 * 111.0e3 / 1e4, rel=5e-3)  # degrees at 37.25 N in km
    assert second.area_ha < 0.2  # about one and a half cells
    for reading in made.readings:
        assert reading.known_ha["water_retention"] == pytest.approx(reading.area_ha, rel=1e-6)
    assert 1.0 < first.means["soil_retention"]["slope_factor"] < 60.0  # canyon country
    assert max(made.slope_spread.values()) / min(made.slope_spread.values()) > 1.5


def test_a_parcel_across_the_edge_counts_what_is_on_the_grid(rasters, tmp_path):
    data = zion(rasters, tmp_path, ["water_retention"])
    import rasterio

    with rasterio.open(rasters / "nlcd.tif") as source:
        west, _, _, north = source.bounds
    corner = [
        [
            [west - 3000, north - 3000],
            [west + 3000, north - 3000],
            [west + 3000, north + 3000],
            [west - 3000, north + 3000],
            [west - 3000, north - 3000],
        ]
    ]
    geojson(tmp_path / "parcels.geojson", {"corner": corner}, crs="EPSG:26912")
    made = raster_account(job(data, tmp_path), rules=rules())
    assert made.readings[0].inside_ha == pytest.approx(made.readings[0].area_ha / 4.0, rel=1e-3)
    assert "parcel_leaves_grid" in {notice.rule for notice in made.account.warnings}


def test_the_mean_of_a_real_ndvi_over_the_whole_grid_is_the_mean_of_its_cells(rasters, tmp_path):
    """Fractional cover on a projected grid: every cell counts once."""
    import rasterio

    with rasterio.open(rasters / "ndvi.tif") as source:
        cells, box = source.read(1, masked=True), source.bounds
    w, s, e, n = box
    geojson(tmp_path / "parcels.geojson", {"all": [[[w, s], [e, s], [e, n], [w, n], [w, s]]]}, crs="EPSG:32717")
    data = {
        "account_year": 2025,
        "parcels": {"path": "parcels.geojson"},
        "services": ["soil_retention"],
        "grid": "ndvi",
        "classes": {1: {"practice_factor": 1.0}},
        "layers": {
            "land_cover": {"value": 1.0},
            "ndvi": {"path": str(rasters / "ndvi.tif"), "unit": "ratio"},
            "bare_loss": {"value": 10.0, "unit": "t/ha"},
        },
    }
    made = raster_account(job(data, tmp_path), rules=rules())
    ndvi = np.ma.compressed(cells).astype(np.float64)
    kept = 10.0 * (1.0 - np.where(ndvi <= 0.0, 1.0, np.minimum(np.exp(-2.0 * ndvi / (1.0 - ndvi)), 1.0)))
    assert made.readings[0].means["soil_retention"]["soil_retained_t"] == pytest.approx(kept.mean(), rel=1e-9)


def test_an_erdas_image_is_refused_by_name(rasters, tmp_path):
    data = zion(rasters, tmp_path, ["soil_retention"])
    data["layers"]["dem"] = {"path": str(rasters / "WYbighorn_dem_250m.img")}
    assert refused(raster_account, job(data, tmp_path), rules=rules()) == {"not_geotiff"}


def test_a_foreign_datum_is_refused_unless_the_job_allows_it(rasters, tmp_path):
    data = zion(rasters, tmp_path, ["water_retention"]) | {"other_datum": False}
    assert refused(raster_account, job(data, tmp_path), rules=rules()) == {"crs_datum"}
