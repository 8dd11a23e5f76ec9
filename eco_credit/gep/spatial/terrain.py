"""Slope and upslope area from a window of heights.

Horn (1981): Hill shading and the reflectance map. O'Callaghan and Mark (1984): steepest descent among eight.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats, group_sum

_NEIGHBOURS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


def _shifted(padded: Floats, row: int, column: int) -> Floats:
    """The neighbour of every cell, from an array with a rim of one cell."""
    rows, columns = padded.shape
    return padded[1 + row:rows - 1 + row, 1 + column:columns - 1 + column]


def _neighbours(height: Floats) -> dict[tuple[int, int], Floats]:
    """Eight neighbours of every cell; an unknown one continues the surface through the cell.

    It lies on the line from the far side, else (a corner) on the plane of the two sides, else level with the cell.
    """
    padded = np.pad(height, 1, constant_values=np.nan)
    found: dict[tuple[int, int], Floats] = {}
    for row, column in sorted(_NEIGHBOURS, key=lambda step: abs(step[0]) + abs(step[1])):  # sides before corners
        near, far = _shifted(padded, row, column), _shifted(padded, -row, -column)
        corner = row != 0 and column != 0
        else_value = found[row, 0] + found[0, column] - height if corner else height
        found[row, column] = np.where(np.isnan(near), np.where(np.isnan(far), else_value, 2.0 * height - far), near)
    return found


def horn(height: Floats, dx: Floats, dy: Floats) -> tuple[Floats, Floats]:
    """Gradient to the east and to the south by Horn's weights 1, 2, 1.

    ``gx = ((c + 2f + i) - (a + 2d + g)) / (8 dx)``, ``gy = ((g + 2h + i) - (a + 2b + c)) / (8 dy)`` for the cells
    ``a b c / d e f / g h i``. A plane gives its own gradient exactly, at the rim too.

    Args:
        height: m, shape (rows, columns), NaN unknown.
        dx: width of the cells, m, shape (rows, 1).
        dy: height of the cells, m, shape (rows, 1).

    Returns:
        gx, gy, rise per run, shape (rows, columns); NaN where the height of the cell is unknown.

    Example:
        >>> plane = np.add.outer(3.0 * np.arange(4.0), 4.0 * np.arange(5.0))
        >>> one = np.ones((4, 1))
        >>> gx, gy = horn(plane, one, one)
        >>> float(gx.min()), float(gx.max()), float(gy.min()), float(gy.max())
        (4.0, 4.0, 3.0, 3.0)
    """
    at = _neighbours(height)
    east = at[-1, 1] + 2.0 * at[0, 1] + at[1, 1]
    west = at[-1, -1] + 2.0 * at[0, -1] + at[1, -1]
    south = at[1, -1] + 2.0 * at[1, 0] + at[1, 1]
    north = at[-1, -1] + 2.0 * at[-1, 0] + at[-1, 1]
    unknown = np.where(np.isnan(height), np.nan, 0.0)
    return (east - west) / (8.0 * dx) + unknown, (south - north) / (8.0 * dy) + unknown


def receivers(height: Floats, dx: Floats, dy: Floats) -> npt.NDArray[np.intp]:
    """The cell each cell drains to: steepest drop among eight neighbours; itself in a pit, on a flat or unknown.

    Args:
        height: m, shape (rows, columns).
        dx: width of the cells, m, shape (rows, 1).
        dy: height of the cells, m, shape (rows, 1).

    Returns:
        Flat index of the receiver, shape (rows * columns,).
    """
    rows, columns = height.shape
    padded = np.pad(height, 1, constant_values=np.nan)
    own = np.arange(rows * columns).reshape(rows, columns)
    steepest, target = np.zeros(height.shape), own.copy()
    for row, column in _NEIGHBOURS:
        run = np.hypot(column * dx, row * dy)
        drop = (height - _shifted(padded, row, column)) / run
        better = drop > steepest  # NaN is never better
        steepest = np.where(better, drop, steepest)
        target = np.where(better, own + row * columns + column, target)
    return target.ravel()


def upslope_area(height: Floats, dx: Floats, dy: Floats, *, steps: int) -> Floats:
    """Area that drains into each cell over at most ``steps`` cells of flow, the cell itself not counted.

    ``f_0 = 0 ; f_(k+1)[j] = sum over i that drain to j of (a_i + f_k[i])``. Within a window with a rim of
    ``steps + 1`` cells the answer does not depend on the window.

    Args:
        height: m, shape (rows, columns).
        dx: width of the cells, m, shape (rows, 1).
        dy: height of the cells, m, shape (rows, 1).
        steps: longest path followed, cells.

    Returns:
        m2, shape (rows, columns). Pits are not filled: what drains into one stays there.

    Example:
        >>> ramp = np.array([[3.0, 2.0, 1.0, 0.0]])
        >>> upslope_area(ramp, np.full((1, 1), 10.0), np.full((1, 1), 10.0), steps=9).tolist()
        [[0.0, 100.0, 200.0, 300.0]]
    """
    target = receivers(height, dx, dy)
    area = np.broadcast_to(dx * dy, height.shape).ravel()
    moving = np.flatnonzero(target != np.arange(target.size))
    into, entering = target[moving], np.zeros(target.size)
    for _ in range(steps):
        grown = group_sum((area + entering)[moving], into, target.size)
        if np.array_equal(grown, entering):
            break
        entering = grown
    return entering.reshape(height.shape)
