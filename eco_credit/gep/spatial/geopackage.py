"""GeoPackage through SQLite, read only, with no geodata driver between: one table of polygons."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from eco_credit.gep.spatial.extra import library
from eco_credit.gep.spatial.refusing import refusal

MAGIC = b"SQLite format 3\x00"
APPLICATION = (b"GPKG", b"GP10", b"GP11")
"""Application ids of GeoPackage files, at byte 68."""
_ENVELOPES = (0, 32, 48, 48, 64)
"""Bytes of the box in a geometry's header, by its kind."""
BLOB_BYTES = 64_000_000
STEPS = 50_000_000
"""Most steps of the SQLite machine before a query is stopped: a bound on a hostile file."""


def read_geopackage(path: Path, *, id_field: str, layer: str | None) -> tuple[list[tuple[Any, Any]], Any]:
    """Ids and geometries of a layer, and its system.

    Args:
        path: local ``.gpkg`` file.
        id_field: column of the id.
        layer: table to read; the only layer of features when None.

    Raises:
        ContractError: ``not_geopackage``, ``layer_unclear``, ``parcel_id``, ``parcel_geometry``, ``crs_missing``.
    """
    with path.open("rb") as source:
        start = source.read(72)
    if not start.startswith(MAGIC) or start[68:72] not in APPLICATION:
        raise refusal("parcels", "not_geopackage")
    try:
        with _opened(path) as base:
            table, column, srs = _layer(base, layer)
            return _rows(base, table, column, id_field), _system(base, srs)
    except sqlite3.Error as error:
        raise refusal("parcels", "not_geopackage") from error


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro&immutable=1", uri=True)) as base:
        base.execute("PRAGMA trusted_schema=OFF")
        base.execute("PRAGMA cell_size_check=ON")
        base.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, BLOB_BYTES)
        left = [STEPS // 10_000]

        def spent() -> int:
            left[0] -= 1
            return int(left[0] < 0)

        base.set_progress_handler(spent, 10_000)
        yield base


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _layer(base: sqlite3.Connection, wanted: str | None) -> tuple[str, str, int]:
    listed = base.execute("SELECT table_name, column_name, srs_id FROM gpkg_geometry_columns LIMIT 1000").fetchall()
    tables = {name for (name,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    fitting = [row for row in listed if row[0] in tables and wanted in (None, row[0])]
    if len(fitting) != 1:
        raise refusal("parcels.layer", "layer_unclear")
    return str(fitting[0][0]), str(fitting[0][1]), int(fitting[0][2])


def _rows(base: sqlite3.Connection, table: str, column: str, id_field: str) -> list[tuple[Any, Any]]:
    names = {str(row[1]) for row in base.execute(f"PRAGMA table_info({_quoted(table)})")}
    if id_field not in names or column not in names:
        raise refusal("parcels.id", "parcel_id")
    chosen = f"{_quoted(id_field)}, {_quoted(column)}"
    query = f"SELECT {chosen} FROM {_quoted(table)} ORDER BY rowid"  # noqa: S608 - quoted names of this very file
    return [(name, _geometry(blob, row)) for row, (name, blob) in enumerate(base.execute(query), start=1)]


def _geometry(blob: Any, row: int) -> Any:
    shapely = library("shapely")
    kind = (blob[3] >> 1) & 7 if isinstance(blob, bytes) and len(blob) > 8 and blob[:2] == b"GP" else 9
    if kind >= len(_ENVELOPES):
        raise refusal("parcels", "parcel_geometry", row)
    try:
        return shapely.force_2d(shapely.from_wkb(blob[8 + _ENVELOPES[kind]:]))
    except shapely.errors.ShapelyError as error:
        raise refusal("parcels", "parcel_geometry", row) from error


def _system(base: sqlite3.Connection, srs: int) -> str:
    query = "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?"
    row = base.execute(query, (srs,)).fetchone()
    if row is None or srs in (0, -1):
        raise refusal("parcels.crs", "crs_missing")
    organization, code, definition = row
    return f"EPSG:{int(code)}" if str(organization).upper() == "EPSG" else str(definition)
