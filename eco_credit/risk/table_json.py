"""Table models as JSON, exactly, and the structural check of a model that comes from a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.risk.checks import MAX_CELLS, defect, mapping, member, real, reals, rising, sequence, word
from eco_credit.risk.tables import Grid, PairTable, TableModel


def table_to_json(model: TableModel) -> dict[str, Any]:
    """Write a table model as plain data.

    JSON numbers carry the shortest text that reads back to the same double, so the round trip is
    exact to the bit.

    Returns:
        ``{intercept, grids: [{name, thresholds}], mains: [[...]], pairs: [{a, b, values: [[...]]}]}``
        with ``a`` and ``b`` the names of the features.
    """
    names = model.names
    return {
        "intercept": float(model.intercept),
        "grids": [{"name": grid.name, "thresholds": grid.thresholds.tolist()} for grid in model.grids],
        "mains": [main.tolist() for main in model.mains],
        "pairs": [{"a": names[pair.a], "b": names[pair.b], "values": pair.values.tolist()} for pair in model.pairs],
    }


def table_from_json(value: Any, where: str = "table", known: Sequence[str] | None = None) -> TableModel:
    """Read and check a table model.

    Args:
        value: decoded JSON as written by `table_to_json`.
        where: place of the table in its file, for messages.
        known: names of the features the package declares; None does not check names.

    Returns:
        The model, its arrays read-only.

    Raises:
        ModelNotServable: thresholds out of order, a shape that does not fit its grids, a number that
            is not finite, an unknown or doubled feature, a doubled or reversed pair.
    """
    data = mapping(value, where)
    grids = tuple(_grid(item, f"{where}.grids") for item in sequence(member(data, "grids", where), f"{where}.grids"))
    place = _places(grids, where, known)
    mains = sequence(member(data, "mains", where), f"{where}.mains")
    if len(mains) != len(grids):
        raise defect(f"{where}.mains", "one main table per grid was expected", "每个特征应有一张主表")
    pairs = [_pair(item, grids, place, f"{where}.pairs") for item in sequence(data.get("pairs", []), f"{where}.pairs")]
    if len({(pair.a, pair.b) for pair in pairs}) != len(pairs):
        raise defect(f"{where}.pairs", "a pair occurs twice", "交互表重复")
    return TableModel(
        intercept=real(member(data, "intercept", where), f"{where}.intercept"),
        grids=grids,
        mains=tuple(_frozen(reals(main, f"{where}.mains", grid.bins)) for main, grid in zip(mains, grids, strict=True)),
        pairs=tuple(pairs),
    )


def _frozen(values: Floats) -> Floats:
    values.flags.writeable = False
    return values


def _grid(value: Any, where: str) -> Grid:
    data = mapping(value, where)
    name = word(member(data, "name", where), f"{where}.name")
    thresholds = reals(member(data, "thresholds", where), f"{where}.{name}")
    return Grid(name, _frozen(rising(thresholds, f"{where}.{name}")))


def _places(grids: Sequence[Grid], where: str, known: Sequence[str] | None) -> dict[str, int]:
    place = {grid.name: index for index, grid in enumerate(grids)}
    if len(place) != len(grids):
        raise defect(f"{where}.grids", "a feature occurs twice", "特征重复")
    unknown = [] if known is None else [name for name in place if name not in set(known)]
    if unknown:
        raise defect(f"{where}.grids", f"unknown feature {unknown[0]}", f"未知特征 {unknown[0]}")
    return place


def _pair(value: Any, grids: Sequence[Grid], place: Mapping[str, int], where: str) -> PairTable:
    data = mapping(value, where)
    names = [word(member(data, side, where), f"{where}.{side}") for side in ("a", "b")]
    if any(name not in place for name in names):
        raise defect(where, "a pair names a feature without a grid", "交互表引用了无分箱的特征")
    a, b = (place[name] for name in names)
    if a >= b:
        raise defect(where, "the features of a pair are not in grid order", "交互表特征顺序有误")
    shape = (grids[a].bins, grids[b].bins)
    rows = sequence(member(data, "values", where), f"{where}.values")
    if len(rows) != shape[0] or shape[0] * shape[1] > MAX_CELLS:
        raise defect(where, "the table does not fit its grids", "交互表与分箱不符")
    return PairTable(a, b, _frozen(np.array([reals(row, where, shape[1]) for row in rows]).reshape(shape)))
