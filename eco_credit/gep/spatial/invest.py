"""Plug in the output rasters of InVEST runs. Its files are read; the programme itself is not needed.

Units changed between versions (tonnes per pixel before, per hectare since), and nothing in the files says
which, so the job states the unit.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from eco_credit.gep.spatial.job import LAYER_UNITS
from eco_credit.gep.spatial.refusing import refusal

OUTPUTS: Mapping[str, tuple[str, str | None]] = {
    "rkls": ("bare_loss", None),
    "avoided_erosion": ("soil_retained", None),
    "aet": ("evapotranspiration", "mm"),
    "tot_c_cur": ("stock_start", None),
    "tot_c_fut": ("stock_end", None),
    "c_storage_bas": ("stock_start", None),
    "c_storage_alt": ("stock_end", None),
}
"""Output raster by its name to the layer it is, and its unit where that never changed.

``rkls`` and ``avoided_erosion`` (RKLS - USLE) come from the sediment model, ``aet`` from annual water yield,
``tot_c_*`` and ``c_storage_*`` from carbon storage. Sediment export and deposition are not layers here:
trapping along the flow is no part of R K LS (1 - C P).
"""
_PLACES = ("", "intermediate_outputs", "intermediate", "output", "output/per_pixel")


def invest_layers(
    workspace: Path, *, soil_unit: str | None = None, carbon_unit: str | None = None, suffix: str = ""
) -> dict[str, dict[str, Any]]:
    """The layers a finished InVEST workspace offers, in the form of a job's ``layers``.

    Args:
        workspace: folder of the run.
        soil_unit: ``t/ha`` or ``t/pixel``, as the version wrote it.
        carbon_unit: ``tC/ha`` or ``tC/pixel``.
        suffix: suffix of the run's file names, without the underscore.

    Returns:
        Layer name to ``{path, unit}``; empty when nothing is recognised.

    Raises:
        ContractError: ``unit_not_stated`` for a raster whose unit depends on the version; ``unit_unknown``;
            ``file_missing`` for a folder that is not there; ``not_local`` for an odd suffix.
    """
    if not workspace.is_dir():
        raise refusal("invest.workspace", "file_missing")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,50}", suffix):
        raise refusal("invest.suffix", "not_local")
    found: dict[str, dict[str, Any]] = {}
    for stem, (layer, unit) in OUTPUTS.items():
        path = _find(workspace, f"{stem}_{suffix}.tif" if suffix else f"{stem}.tif")
        if path is not None and layer not in found:
            stated = unit or (carbon_unit if layer.startswith("stock") else soil_unit)
            found[layer] = {"path": str(path), "unit": _checked(stated, layer)}
    return found


def _find(workspace: Path, name: str) -> Path | None:
    return next((workspace / place / name for place in _PLACES if (workspace / place / name).is_file()), None)


def _checked(unit: str | None, layer: str) -> str:
    if unit is None:
        raise refusal(f"layers.{layer}.unit", "unit_not_stated")
    if unit not in LAYER_UNITS[layer]:
        raise refusal(f"layers.{layer}.unit", "unit_unknown")
    return unit
