"""From layers to quantities per hectare, cell by cell, with the formulas of the services."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.gep.formulas import storm_runoff
from eco_credit.gep.services.soil_retention import bare_loss, soil_retained
from eco_credit.gep.services.water_retention import water_balance
from eco_credit.gep.spatial.classes import Lookup
from eco_credit.gep.spatial.grid import Grid, Window
from eco_credit.gep.spatial.job import Job
from eco_credit.gep.spatial.layers import read_layer
from eco_credit.gep.spatial.refusing import refusal
from eco_credit.gep.spatial.slope_length import DEFINITIONS, ground
from eco_credit.gep.spatial.terms import Terms
from eco_credit.gep.spatial.terrain import horn, upslope_area

Layers = Mapping[str, Floats]
Densities = dict[str, dict[str, Floats]]
"""Service to quantity to cells; all quantities of a service are known in the same cells."""
READ_AT_ONCE = ("dem", "upslope_area")
"""Layers read inside `slope_factors`, with a rim where they need one."""


def needed(job: Job) -> tuple[str, ...]:
    """Layers the services of a job read, apart from the terrain.

    Raises:
        ContractError: ``layer_missing``, naming the layer.
    """
    names: dict[str, None] = {}
    for service in job.services:
        names |= dict.fromkeys(_NEEDS[service](job))
    for name in names:
        if name not in job.layers:
            raise refusal(f"layers.{name}", "layer_missing")
    return tuple(name for name in names if name not in READ_AT_ONCE)


def _water_needs(job: Job) -> tuple[str, ...]:
    return ("land_cover", "precipitation", "evapotranspiration")


def _soil_needs(job: Job) -> tuple[str, ...]:
    if "soil_retained" in job.layers:
        return ("soil_retained",)
    cover: tuple[str, ...] = ("cover_factor",) if "cover_factor" in job.layers else ("land_cover",)
    cover += ("ndvi",) if "ndvi" in job.layers and "cover_factor" not in job.layers else ()
    cover += ("practice_factor",) if "practice_factor" in job.layers else ("land_cover",)
    if "bare_loss" in job.layers:
        return ("bare_loss", *cover)
    slope = "slope_factor" if "slope_factor" in job.layers else "dem"
    return ("rainfall_erosivity", "soil_erodibility", slope, *cover)


def _carbon_needs(job: Job) -> tuple[str, ...]:
    if "stock_start" in job.layers or "stock_end" in job.layers:
        if job.stock_years is None:
            raise refusal("stock_years", "layer_missing")
        return ("stock_start", "stock_end")
    if "respiration" in job.layers:
        return ("npp", "respiration")
    return ("npp_dry",) if "npp_dry" in job.layers else ("npp",)


def _oxygen_needs(job: Job) -> tuple[str, ...]:
    return ("npp_dry",) if "npp_dry" in job.layers else ("npp",)


_NEEDS: Mapping[str, Callable[[Job], tuple[str, ...]]] = {
    "water_retention": _water_needs, "soil_retention": _soil_needs, "carbon": _carbon_needs, "oxygen": _oxygen_needs,
}


def traces_terrain(job: Job) -> bool:
    """True when LS is worked out from the heights."""
    return "soil_retention" in job.services and "dem" in _soil_needs(job)


def densities(
    layers: Layers, classes: Lookup, job: Job, *, slopes: Mapping[str, Floats], rules: Terms
) -> Densities:
    """Quantities of every service of the job, per hectare (or as a depth), cell by cell.

    Args:
        layers: cells by layer name, in the first unit of each.
        classes: what land-cover classes stand for.
        job: the job.
        slopes: LS by definition, empty when it is not worked out here.
        rules: the rulebook of the day.

    Returns:
        Service to quantity to cells. ``unlisted`` is 1 in cells of a class without the entry needed.
    """
    found: Densities = {}
    for service in job.services:
        if service == "water_retention":
            found[service] = _water(layers, classes, job)
        elif service == "soil_retention":
            found[service] = _soil(layers, classes, job, slopes=slopes, rules=rules)
        else:
            found[service] = {name: layers[name] for name in _NEEDS[service](job)}
    return found


def _unlisted(cover: Floats, *values: Floats) -> Floats:
    missing = np.zeros(cover.shape, np.bool_)
    for value in values:
        missing |= np.isnan(value)
    return (missing & ~np.isnan(cover)).astype(np.float64)


def _water(layers: Layers, classes: Lookup, job: Job) -> dict[str, Floats]:
    cover, rain, loss = layers["land_cover"], layers["precipitation"], layers["evapotranspiration"]
    coefficient = classes.at(cover, "runoff_coefficient")
    runoff = storm_runoff(rain, coefficient)
    floor = np.full(rain.shape, 0.0 if job.negative_balance == "clip" else -np.inf)
    balance = water_balance(rain, runoff, evapotranspiration=loss, floor=floor)
    return {"water_balance_mm": balance, "precipitation_mm": rain, "runoff_mm": runoff,
            "evapotranspiration_mm": loss, "unlisted": _unlisted(cover, coefficient)}


def _factor(name: str, layers: Layers, classes: Lookup, rules: Terms) -> Floats:
    """C or P: the layer, else the class, else (C only) NDVI."""
    if name in layers:
        return layers[name]
    by_class = classes.at(layers["land_cover"], name)
    if name == "cover_factor" and "ndvi" in layers:
        return np.where(np.isnan(by_class), cover_from_ndvi(layers["ndvi"], rules), by_class)
    return by_class


def cover_from_ndvi(ndvi: Floats, rules: Terms) -> Floats:
    """``C = min(1, exp(-a NDVI / (b - NDVI)))``; bare or wet cells with NDVI below 0 have C 1.

    Source: Van der Knijff et al. 2000, a = 2, b = 1 (rule ``gep.spatial.ndvi_cover``).
    """
    fitted = rules.table("gep.spatial.ndvi_cover")
    a, b = float(fitted["a"]), float(fitted["b"])
    with np.errstate(divide="ignore", over="ignore"):
        factor = np.exp(-a * ndvi / np.maximum(b - ndvi, 0.0))
    return np.where(ndvi <= 0.0, 1.0, np.minimum(factor, 1.0))


def _soil(
    layers: Layers, classes: Lookup, job: Job, *, slopes: Mapping[str, Floats], rules: Terms
) -> dict[str, Floats]:
    if "soil_retained" in layers:
        return {"soil_retained_t": layers["soil_retained"]}
    cover = _factor("cover_factor", layers, classes, rules)
    practice = _factor("practice_factor", layers, classes, rules)
    unlisted = _unlisted(layers.get("land_cover", np.full(cover.shape, np.nan)), cover, practice)
    if "bare_loss" in layers:
        bare = layers["bare_loss"]
        return {"soil_retained_t": soil_retained(bare, cover, practice), "bare_loss_t": bare, "unlisted": unlisted}
    chosen = slopes[job.slope_length] if slopes else layers["slope_factor"]
    per_slope = bare_loss(np.ones(cover.shape), layers["rainfall_erosivity"],
                          erodibility=layers["soil_erodibility"], slope=np.ones(cover.shape))
    per_slope_kept = soil_retained(per_slope, cover, practice)
    found = {"soil_retained_t": per_slope_kept * chosen, "bare_loss_t": per_slope * chosen, "slope_factor": chosen,
             "unlisted": unlisted}
    return found | {f"by_{name}": per_slope_kept * factor for name, factor in slopes.items()}


def slope_factors(job: Job, grid: Grid, window: Window, rules: Terms) -> dict[str, Floats]:
    """LS of a window by every definition, from heights with a rim so wide that no window shows in the result."""
    steps = trace_steps(grid, rules) if "upslope_area" not in job.layers else 0
    wide = window.grown(steps + 1)
    height = read_layer(job, "dem", grid, window=wide, rules=rules)
    dx, dy = grid.cell_metres(wide)
    inner = (slice(steps + 1, steps + 1 + window.rows), slice(steps + 1, steps + 1 + window.columns))
    gx, gy = horn(height, dx, dy)
    if steps:
        entering = upslope_area(height, dx, dy, steps=steps)[inner]
    else:
        entering = read_layer(job, "upslope_area", grid, window=window, rules=rules)
        if job.layers["upslope_area"].unit == "cells":  # as routing tools count: the cell itself is one of them
            entering = np.maximum(entering - 1.0, 0.0) * grid.cell_areas(window)
    rim = inner[0]
    cells = ground(gx[inner], gy[inner], entering=entering, dx=dx[rim], dy=dy[rim])
    return {name: formula(cells, rules) for name, formula in DEFINITIONS.items()}


def trace_steps(grid: Grid, rules: Terms) -> int:
    """Cells followed upslope: the trace length over the cell's side, within the limit."""
    middle = Window(grid.height // 2, 0, 1, 1)
    dx, dy = grid.cell_metres(middle)
    side = float(min(dx[0, 0], dy[0, 0]))
    return int(min(np.ceil(rules.number("gep.spatial.trace_length") / side),
                   rules.number("gep.spatial.trace_cells_max")))
