"""The libraries of the extra ``geo``, found when first needed, so that the rest works without them."""

from __future__ import annotations

import importlib
from typing import Any

from eco_credit.gep.spatial.refusing import refusal

GEO = ("rasterio", "rasterio.enums", "rasterio.vrt", "rasterio.windows", "exactextract", "exactextract.raster",
       "pyproj", "shapely", "shapely.geometry")
"""The modules used here; nothing else is loaded by name."""


def library(name: str) -> Any:
    """A module of the extra.

    Args:
        name: one of `GEO`.

    Raises:
        ContractError: ``extra_missing``; the extra ``geo`` is not installed.
    """
    if name not in GEO:
        raise ValueError("not a library of the extra geo")
    try:
        return importlib.import_module(name)
    except ImportError:
        raise refusal("geo", "extra_missing") from None
