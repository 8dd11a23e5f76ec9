"""Only a plain GeoTIFF is opened, and a refused one is refused by name before a cell is read."""

from __future__ import annotations

import numpy as np
import pytest
from gep_spatial.worlds import CELL, job, refused, rules, world, write

from eco_credit.gep.spatial import opening, raster_account
from eco_credit.gep.spatial.opening import check_magic

VRT = (
    '<VRTDataset rasterXSize="10" rasterYSize="10"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
    '<SourceFilename relativeToVRT="0">/etc/hostname</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>'
)


def run_refused(data, folder):
    return refused(raster_account, job(data, folder), rules=rules())


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (VRT.encode(), "vrt_disguised"),
        (b"\xef\xbb\xbf\n  " + VRT.encode(), "vrt_disguised"),
        (b"<GDAL_WMS><Service/></GDAL_WMS>", "vrt_disguised"),
        (b"\x89PNG\r\n\x1a\n", "not_geotiff"),
        (b"", "not_geotiff"),
        (b"EHFA_HEADER_TAG", "not_geotiff"),
        (b"II*\x00", "raster_unreadable"),
        (b"II*\x00" + b"\xff" * 400, "raster_unreadable"),
    ],
)
def test_a_raster_that_is_something_else_is_refused_by_name(tmp_path, content, rule):
    data = world(tmp_path)
    (tmp_path / "precipitation.tif").write_bytes(content)
    assert run_refused(data, tmp_path) == {rule}


def test_a_file_larger_than_the_limit_is_refused_unread(tmp_path):
    path = tmp_path / "large.tif"
    with path.open("wb") as sink:
        sink.write(b"II*\x00")
        sink.truncate(21_000_000_000)  # sparse: it takes no room
    assert refused(check_magic, path, "layers.dem", rules()) == {"file_too_large"}


@pytest.mark.parametrize(
    ("cells", "more", "rule"),
    [
        (np.ones((2, 10, 10), np.float32), {}, "one_band"),
        (np.ones((10, 10), np.complex64), {}, "number_type"),
        (np.ones((10, 10), np.float32), {"crs": None}, "crs_missing"),
        (np.ones((10, 10), np.float32), {"crs": "EPSG:3857"}, "crs_distorts"),
        (np.ones((10, 10), np.float32), {"crs": "EPSG:26914"}, "crs_datum"),
        (np.ones((10, 10), np.float32), {"crs": "EPSG:2263"}, "crs_unit"),
    ],
)
def test_a_raster_of_another_kind_is_refused_by_name(tmp_path, cells, more, rule):
    data = world(tmp_path)
    write(tmp_path / "precipitation.tif", cells, **more)
    assert run_refused(data, tmp_path) == {rule}


def test_a_turned_grid_is_refused(tmp_path):
    from rasterio import Affine

    data = world(tmp_path)
    turned = Affine(CELL, 5.0, 500_000.0, 5.0, -CELL, 3_400_000.0)
    write(tmp_path / "precipitation.tif", np.ones((10, 10), np.float32), transform=turned)
    assert run_refused(data, tmp_path) == {"raster_rotated"}


def test_declared_size_is_refused_before_a_cell_is_decoded(tmp_path):
    data = world(tmp_path)
    write(tmp_path / "precipitation.tif", np.ones((10, 10), np.float32))
    import rasterio

    with rasterio.open(
        tmp_path / "precipitation.tif",
        "w",
        driver="GTiff",
        width=200_000,
        height=200_000,
        count=1,
        dtype="uint8",
        crs="EPSG:4547",
        transform=rasterio.Affine(1, 0, 500_000, 0, -1, 3_400_000),
        tiled=True,
        sparse_ok=True,
        bigtiff="yes",
    ):
        pass
    assert run_refused(data, tmp_path) == {"too_many_cells"}


def test_one_huge_block_is_refused(tmp_path):
    data = world(tmp_path)
    write(
        tmp_path / "precipitation.tif",
        np.ones((4096, 8192), np.uint8),
        tiled=True,
        blockxsize=8192,
        blockysize=4096,
        compress="deflate",
    )
    assert run_refused(data, tmp_path) == {"block_too_large"}


def test_a_side_file_with_another_place_is_not_read(tmp_path):
    """A .tfw or .aux.xml beside the raster could move it or point elsewhere."""
    data = world(tmp_path)
    plain = raster_account(job(data, tmp_path), rules=rules()).account.total
    (tmp_path / "land_cover.tfw").write_text("1\n0\n0\n-1\n0\n0\n", encoding="utf-8")
    (tmp_path / "land_cover.tif.aux.xml").write_text("<PAMDataset><SRS>EPSG:3857</SRS></PAMDataset>", encoding="utf-8")
    assert raster_account(job(data, tmp_path), rules=rules()).account.total == plain


def test_gdal_is_told_to_open_one_driver_only():
    """The control of this file: without the magic check the disguised raster is stopped by the driver list too."""
    assert opening.QUIET["GDAL_DISABLE_READDIR_ON_OPEN"] == "EMPTY_DIR"


def test_the_driver_list_stops_a_disguise_that_passes_the_first_bytes(tmp_path, monkeypatch):
    data = world(tmp_path)
    (tmp_path / "precipitation.tif").write_text(VRT, encoding="utf-8")
    monkeypatch.setattr(opening, "check_magic", lambda *_: None)
    assert run_refused(data, tmp_path) == {"raster_unreadable"}
