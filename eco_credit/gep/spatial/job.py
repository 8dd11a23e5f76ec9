"""A raster job: which parcels, which layers with which units, which services under which norm."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eco_credit.core.errors import ContractError, Violation
from eco_credit.gep.spatial.refusing import refusal

JOB_BYTES = 1_000_000
"""Largest job file, bytes."""
Definition = Literal["desmet_govers", "desmet_govers_capped", "moore_burch", "invest"]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]+$")]
Place = Annotated[str, Field(min_length=1, max_length=1000)]
LAYER_UNITS: dict[str, dict[str, float]] = {
    "land_cover": {"class": 1.0},
    "precipitation": {"mm": 1.0, "m": 1000.0},
    "evapotranspiration": {"mm": 1.0, "m": 1000.0},
    "dem": {"m": 1.0},
    "rainfall_erosivity": {"MJ mm/(ha h a)": 1.0},
    "soil_erodibility": {"t ha h/(ha MJ mm)": 1.0, "US": 0.1317},
    "cover_factor": {"ratio": 1.0},
    "practice_factor": {"ratio": 1.0},
    "slope_factor": {"ratio": 1.0},
    "upslope_area": {"m2": 1.0, "ha": 10_000.0, "cells": 1.0},
    "ndvi": {"ratio": 1.0, "1e-4": 1e-4},
    "npp": {"tC/ha": 1.0, "gC/m2": 0.01, "kgC/m2": 10.0},
    "npp_dry": {"t/ha": 1.0, "g/m2": 0.01},
    "respiration": {"tC/ha": 1.0, "gC/m2": 0.01, "kgC/m2": 10.0},
    "bare_loss": {"t/ha": 1.0, "t/pixel": 1.0},
    "soil_retained": {"t/ha": 1.0, "t/pixel": 1.0},
    "stock_start": {"tC/ha": 1.0, "tC/pixel": 1.0},
    "stock_end": {"tC/ha": 1.0, "tC/pixel": 1.0},
}
"""Layer to the units it may come in, each with the factor to the first."""
LayerName = Literal[
    "land_cover", "precipitation", "evapotranspiration", "dem", "rainfall_erosivity", "soil_erodibility",
    "cover_factor", "practice_factor", "slope_factor", "upslope_area", "ndvi", "npp", "npp_dry", "respiration",
    "bare_loss", "soil_retained", "stock_start", "stock_end",
]
ServiceName = Literal["water_retention", "soil_retention", "carbon", "oxygen"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Layer(_Strict):
    """One layer: a GeoTIFF, or one value everywhere, with its unit.

    Attributes:
        path: local file, relative to the job.
        value: the same value in every cell, instead of a file.
        unit: one of `LAYER_UNITS`.
    """

    path: Place | None = None
    value: float | None = None
    unit: Name | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Layer:
        if (self.path is None) == (self.value is None):
            raise ValueError("give either path or value")
        return self


class Parcels(_Strict):
    """The parcels: a GeoJSON or GeoPackage, the field with their id, and the system where the file is silent."""

    path: Place
    id: Name = "parcel_id"
    crs: Annotated[str, Field(pattern=r"^EPSG:[0-9]{4,6}$")] | None = None
    layer: Name | None = None


class CoverClass(_Strict):
    """What a land-cover class stands for."""

    ecosystem: Name | None = None
    runoff_coefficient: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    cover_factor: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    practice_factor: Annotated[float, Field(ge=0.0, le=1.0)] | None = None


class Job(_Strict):
    """One raster job, checked.

    Attributes:
        norm: id of the accounting norm.
        account_year: year of the flows.
        price_kind: ``current`` or ``constant``, or None.
        parcels: where the parcels are.
        layers: layers by name.
        grid: layer whose grid all others are brought to.
        classes: land-cover class to what it stands for.
        biophysical_table: csv with ``lucode``, ``usle_c``, ``usle_p`` for classes without an entry of their own.
        services: services to account for.
        slope_length: the LS definition the account uses; the others widen its range.
        negative_balance: ``keep`` or ``clip``, cell by cell.
        stock_years: years between the two carbon stocks.
        other_datum: True to accept systems that are neither CGCS2000 nor WGS-84.
        tile: cells on a side of the windows read at once.
        folder: folder that relative paths start from.
        confined: True to refuse files outside the folder.
    """

    norm: Name = "norm-2022"
    account_year: Annotated[int, Field(ge=1950, le=2100)]
    price_kind: Literal["current", "constant"] | None = None
    parcels: Parcels
    layers: dict[LayerName, Layer]
    grid: LayerName = "land_cover"
    classes: Annotated[dict[int, CoverClass], Field(max_length=1000)] = {}
    biophysical_table: Place | None = None
    services: Annotated[tuple[ServiceName, ...], Field(min_length=1, max_length=4)]
    slope_length: Definition = "desmet_govers_capped"
    negative_balance: Literal["keep", "clip"] = "keep"
    stock_years: Annotated[float, Field(ge=1.0, le=200.0)] | None = None
    other_datum: bool = False
    tile: Annotated[int, Field(ge=16, le=2048)] = 1024
    folder: str = "."
    confined: bool = False

    def file(self, name: str, field: str) -> Path:
        """The local file of a path in the job, after resolving links."""
        return local_file(name, field, Path(self.folder), confined=self.confined)


def local_file(name: str, field: str, folder: Path, *, confined: bool = False) -> Path:
    """Turn the name of a file into a path, refusing everything that is not a plain local file.

    Args:
        name: as written in the job.
        field: field of the job, for the error.
        folder: folder a relative name starts from.
        confined: True to refuse files outside the folder.

    Raises:
        ContractError: ``not_local``, ``outside_folder``, ``file_missing``.
    """
    drive = re.match(r"^[A-Za-z]:[\\/]", name)
    plain = name[2:] if drive else name
    virtual = re.search(r"(^|[\\/])vsi[a-z0-9_]*([\\/]|$)", plain, re.IGNORECASE)
    if virtual or ":" in plain or "!" in plain or plain.startswith(("//", "\\\\")) or any(ord(c) < 32 for c in plain):
        raise refusal(field, "not_local")
    path = (folder / name).resolve()
    if confined and not path.is_relative_to(folder.resolve()):
        raise refusal(field, "outside_folder")
    if not path.is_file():
        raise refusal(field, "file_missing")
    return path


class _OnceLoader(yaml.SafeLoader):
    """YAML that refuses a key twice, and aliases."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("alias")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        if len(set(map(repr, names))) < len(names):
            raise yaml.YAMLError("key twice")
        return super().construct_mapping(node, deep)


def read_job(path: Path, *, confined: bool = False) -> Job:
    """Read a job file.

    Args:
        path: YAML file; relative paths in it start from its folder.
        confined: True to refuse files outside that folder.

    Returns:
        The checked job.

    Raises:
        ContractError: ``file_missing``, ``file_too_large``, ``job_form``, or what pydantic refuses, field by field.
    """
    if not path.is_file():
        raise refusal("job", "file_missing")
    if path.stat().st_size > JOB_BYTES:
        raise refusal("job", "file_too_large")
    try:
        loader = _OnceLoader(path.read_text(encoding="utf-8"))
        data = loader.get_single_data()
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError, TypeError, ValueError):
        raise refusal("job", "job_form") from None
    return job_of(data, path.resolve().parent, confined=confined)


def job_of(data: Any, folder: Path, *, confined: bool = False) -> Job:
    """Check plain data as a job; the folder is where relative paths start.

    Raises:
        ContractError: one violation for each field that is refused.
    """
    if not isinstance(data, dict) or {"folder", "confined"} & set(data):
        raise refusal("job", "job_form")
    given = data | {"folder": str(folder), "confined": confined}
    if isinstance(given.get("services"), list):
        given["services"] = tuple(given["services"])
    try:
        job = Job.model_validate(given)
    except ValidationError as error:
        raise ContractError([
            Violation(".".join(map(str, e["loc"])) or "job", e["type"], e["msg"], "作业字段不符合要求")
            for e in error.errors(include_input=False, include_url=False)
        ]) from None
    return _with_known_units(job)


def _with_known_units(job: Job) -> Job:
    for name, layer in job.layers.items():
        allowed = LAYER_UNITS[name]
        if layer.unit is None and len(allowed) > 1:
            raise refusal(f"layers.{name}.unit", "unit_not_stated")
        if layer.unit is not None and layer.unit not in allowed:
            raise refusal(f"layers.{name}.unit", "unit_unknown")
        if layer.value is not None and layer.unit is not None and layer.unit.endswith(("/pixel", "cells")):
            raise refusal(f"layers.{name}.unit", "unit_unknown")
    if job.grid not in job.layers or job.layers[job.grid].path is None:
        raise refusal("grid", "layer_missing")
    return job
