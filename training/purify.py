"""Purification: give every table only what cannot be said by a smaller one.

Functional ANOVA with the training distribution w as weight (Lengerich, Tan, Chang, Hooker and
Caruana, "Purifying interaction effects with the functional ANOVA", AISTATS 2020): afterwards every
pair table has zero weighted margins, ``sum_j w_ij f_ij = 0`` for each i and the other way round,
and every main table has zero weighted mean. Mass only moves pair -> main -> intercept, so the sum is
unchanged. The paper iterates over rows and columns; here the same fixed point is solved directly.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Columns, Floats, number
from eco_credit.risk.tables import Grid, PairTable, TableModel

Index = npt.NDArray[np.intp]

FLOOR = 0.5
"""Weight added to each margin bin, in mean rows of training, so that empty bins have a place."""


def purify(model: TableModel, columns: Columns, weight: Floats) -> TableModel:
    """Move the mass of every table down to the smallest table that can carry it.

    Args:
        model: a sum of tables, not changed.
        columns: training features, n rows.
        weight: sample weight of each row, shape (n,), positive.

    Returns:
        A new sum of tables, equal to the old one at every point, with zero weighted margins.
    """
    bins = [bin_of(grid, columns) for grid in model.grids]
    mains = [main.copy() for main in model.mains]
    pairs = []
    for pair in model.pairs:
        shape = pair.values.shape
        flat = bins[pair.a] * shape[1] + bins[pair.b]
        joint = np.bincount(flat, weights=weight, minlength=pair.values.size).astype(np.float64).reshape(shape)
        rows, cols = additive_part(pair.values, floored(joint, weight))
        pairs.append(PairTable(pair.a, pair.b, pair.values - rows[:, None] - cols[None, :]))
        mains[pair.a] = mains[pair.a] + rows
        mains[pair.b] = mains[pair.b] + cols
    intercept = model.intercept
    for position, grid in enumerate(model.grids):
        share = marginal(grid, bins[position], weight)
        centre = float((share * mains[position]).sum() / share.sum())
        mains[position] = mains[position] - centre
        intercept += centre
    return TableModel(intercept, model.grids, tuple(mains), tuple(pairs))


def bin_of(grid: Grid, columns: Columns) -> Index:
    """Bin number of each row: ``searchsorted(thresholds, x, 'left')``, the last bin for unknown."""
    values = number(columns, grid.name)
    found = np.searchsorted(grid.thresholds, values, side="left")
    return np.where(np.isnan(values), grid.bins - 1, found)


def floored(joint: Floats, weight: Floats) -> Floats:
    """Add a small floor, spread evenly over the cells, to an empirical joint distribution."""
    return joint + FLOOR * float(weight.mean()) / joint.size * sum(joint.shape) / 2.0


def marginal(grid: Grid, bins: Index, weight: Floats) -> Floats:
    """Weight of each bin of one feature, floor included; shape (bins,)."""
    counts = np.bincount(bins, weights=weight, minlength=grid.bins).astype(np.float64)
    return counts + FLOOR * float(weight.mean())


def additive_part(table: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """The weighted least-squares additive part ``u_i + v_j`` of a table.

    Solves ``sum_j w_ij (f_ij - u_i - v_j) = 0`` for each i and ``sum_i`` for each j.

    Args:
        table: f, shape (r, c).
        weight: w, shape (r, c), positive.

    Returns:
        u, shape (r,), and v, shape (c,); v has zero weighted mean.
    """
    by_row, by_col = weight.sum(axis=1), weight.sum(axis=0)
    target_row, target_col = (weight * table).sum(axis=1), (weight * table).sum(axis=0)
    inner = np.diag(by_col) - weight.T @ (weight / by_row[:, None])
    inner = inner + np.outer(by_col, by_col) / by_col.sum()
    right = target_col - weight.T @ (target_row / by_row)
    cols: Floats = np.linalg.solve(inner, right)
    cols = cols - float((by_col * cols).sum() / by_col.sum())
    rows: Floats = (target_row - weight @ cols) / by_row
    return rows, cols
