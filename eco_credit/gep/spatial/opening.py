"""Open a GeoTIFF and nothing else: magic bytes, one named driver, declared sizes, before a cell is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eco_credit.gep.spatial.extra import library
from eco_credit.gep.spatial.refusing import refusal
from eco_credit.gep.spatial.terms import Terms

MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
"""First bytes of TIFF and BigTIFF, either byte order."""
QUIET = {
    "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR",  # no side files, so no second file is ever opened
    "GDAL_PAM_ENABLED": "NO",
    "GDAL_GEOREF_SOURCES": "INTERNAL",
    "GTIFF_USE_DEFER_FILE": "NO",
    "GDAL_CACHEMAX": 128,
}
"""GDAL settings for every read: the file alone, and a small cache (MB)."""


def head(path: Path, count: int = 512) -> bytes:
    """First bytes of a file."""
    with path.open("rb") as source:
        return source.read(count)


def is_virtual(start: bytes) -> bool:
    """True when the bytes begin a virtual raster or its web relatives."""
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith((b"<vrtdataset", b"<ogrvrt", b"<gdal_wms", b"<?xml", b"<wcs", b"<vrt"))


def check_magic(path: Path, field: str, rules: Terms) -> None:
    """Refuse a file that is too large, a virtual raster, or no TIFF, by its first bytes.

    Raises:
        ContractError: ``file_too_large``, ``vrt_disguised``, ``not_geotiff``.
    """
    if path.stat().st_size > rules.number("gep.spatial.file_bytes_max"):
        raise refusal(field, "file_too_large")
    start = head(path)
    if is_virtual(start):
        raise refusal(field, "vrt_disguised")
    if not start.startswith(MAGIC):
        raise refusal(field, "not_geotiff")


@contextmanager
def open_geotiff(path: Path, field: str, rules: Terms) -> Iterator[Any]:
    """Open a GeoTIFF for windowed reading.

    Args:
        path: local file.
        field: field of the job, for errors.
        rules: the rulebook of the day, for the limits.

    Yields:
        A rasterio dataset with one band whose declared sizes are within the limits.

    Raises:
        ContractError: by `check_magic`; ``raster_unreadable``, ``one_band``, ``number_type``,
            ``too_many_cells``, ``block_too_large``, ``raster_rotated``, ``crs_missing``.
    """
    check_magic(path, field, rules)
    rasterio = library("rasterio")
    with rasterio.Env(**QUIET):
        try:
            dataset = rasterio.open(path, driver="GTiff")
        except rasterio.errors.RasterioError as error:
            raise refusal(field, "raster_unreadable") from error
        with dataset:
            check_declared(dataset, field, rules)
            yield dataset


def check_declared(dataset: Any, field: str, rules: Terms) -> None:
    """Refuse what the header declares: bands, type, sizes, rotation, no system."""
    rows, columns = dataset.block_shapes[0] if dataset.count else (1, 1)
    width = library("rasterio").dtypes.dtype_rev  # types GDAL knows
    kind = dataset.dtypes[0] if dataset.count else ""
    broken = {
        "one_band": dataset.count != 1,
        "number_type": "complex" in kind or kind not in width,
        "too_many_cells": dataset.width * dataset.height > rules.number("gep.spatial.cells_max"),
        "block_too_large": rows * columns * 8 > rules.number("gep.spatial.block_bytes_max"),
        "raster_rotated": dataset.transform.b != 0 or dataset.transform.d != 0
        or dataset.transform.a <= 0 or dataset.transform.e >= 0,
        "crs_missing": not dataset.crs,
    }
    for rule, hit in broken.items():
        if hit:
            raise refusal(field, rule)
