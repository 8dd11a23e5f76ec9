"""The scenarios an appraisal is worked out under: central, one driver at a time, all drivers together, stress.

All rows of a table share the same scenarios, so a row's range does not depend on its neighbours, its place or the
size of the table, and the same pledge has the same range through every door. There is no random number: the joint
scenarios are an orthogonal array turned into a Latin hypercube.

Sources: R. C. Bose (1938), Sankhya 3:323-338 (orthogonal arrays of strength two); B. Tang (1993), J. Amer. Statist.
Assoc. 88:1392-1397 (Latin hypercubes from orthogonal arrays); A. B. Owen (1992), Statistica Sinica 2:439-452 (mixing
their levels).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats

LEVELS = 11
"""Levels of the orthogonal array, a prime: LEVELS squared joint scenarios, at most LEVELS + 1 drivers."""
JOINT = LEVELS * LEVELS
"""Number of joint scenarios."""
_LEVEL_OF = (
    "506418a2739", "56978023a41", "98a05642731", "4053871629a", "30a85629147", "a4305982617",
    "8a350469127", "804a2169573", "732091a8564", "623815409a7", "10a94286735", "517406a2938",
)  # fmt: skip
"""Order of the levels in each column, a for ten. The plain array is a lattice: sums of many columns fall on planes.
Mixed levels break it; this mixture was picked among 30 000 for the tails of sums of up to twelve drivers."""
_PLACE_IN = (
    "2190758a436", "945230a1768", "495302168a7", "7a542830169", "7a518693240", "0461a728395",
    "91732546a08", "a9461378502", "6a324108975", "683795a1024", "a6329851470", "7492a850163",
)  # fmt: skip
"""Order inside a level, by the level another column takes."""


def _digits(rows: tuple[str, ...]) -> npt.NDArray[np.intp]:
    return np.array([[int(digit, LEVELS) for digit in row] for row in rows], dtype=np.intp)


@cache
def points() -> Floats:
    """Joint scenarios in the unit cube, shape (121, 12), strictly inside.

    Every column takes each of the 121 midpoints once, and every two columns meet once in each of the 11 x 11
    squares. The 5 % and 95 % points of a sum of drivers are met to a tenth of its standard deviation on average and
    to a fifth at worst (tested); a plain run of 121 random draws misses them by a fifth on average.

    Example:
        >>> u = points()
        >>> bool(np.allclose(np.sort(u[:, 5]), (np.arange(121) + 0.5) / 121))
        True
    """
    first, second = np.divmod(np.arange(JOINT), LEVELS)
    plain = np.column_stack([second, *((first + j * second) % LEVELS for j in range(LEVELS))])
    column = np.arange(LEVELS + 1)
    level = _digits(_LEVEL_OF)[column, plain]
    within = _digits(_PLACE_IN)[column, np.roll(plain, -5, axis=1)]
    found: Floats = (level * LEVELS + within + 0.5) / JOINT
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """How far each driver is moved in each of T scenarios; made once by `layout`, so one equals itself alone.

    Attributes:
        drivers: names of the k drivers.
        up: driver to the part of the way from its central to its high value, shape (T, 1), 0 to 1.
        down: the same towards the low value; one of the two is 0 in every scenario.
        net: ``up - down``, for a driver whose two ends are equally far.
        shock: driver to the factor of the stress scenarios, shape (T, 1); only drivers some stress moves.
        joint: rows of the joint scenarios. Row 0 is the central one; rows ``1 + 2j`` and ``2 + 2j`` move driver j
            alone to its low and its high value.
        stress: name of each stress scenario to its row.
    """

    drivers: tuple[str, ...]
    up: Mapping[str, Floats]
    down: Mapping[str, Floats]
    net: Mapping[str, Floats]
    shock: Mapping[str, Floats]
    joint: slice
    stress: Mapping[str, int]


Stresses = tuple[tuple[str, tuple[tuple[str, float], ...]], ...]
"""Stress scenarios: name and, for each driver it moves, the factor on the driver's value."""


@cache
def layout(drivers: tuple[str, ...], stresses: Stresses = ()) -> Layout:
    """Lay out the scenarios of an approach.

    A driver with central value c between low l and high h takes ``c + (h - c) up - (c - l) down``. In the joint
    scenarios the distances follow the double triangular distribution: half of its mass on either side of c, so
    c is its median, falling to nothing at both ends: ``up = 1 - sqrt(2 (1 - u))`` for u above one half,
    ``down = 1 - sqrt(2 u)`` below.

    Args:
        drivers: names, at most 12, in the order of the approach.
        stresses: stress scenarios of the kind; a factor on a driver the approach does not have moves nothing.

    Returns:
        The layout.

    Raises:
        ValueError: more than 12 drivers.

    Example:
        >>> made = layout(("price", "cost"))
        >>> made.up["price"][:5, 0].tolist(), made.down["price"][:5, 0].tolist()
        ([0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0, 0.0])
    """
    if len(drivers) > LEVELS + 1:
        raise ValueError(f"{len(drivers)} drivers; the joint scenarios hold at most {LEVELS + 1}")
    alone = 1 + 2 * len(drivers)
    rows = alone + JOINT + len(stresses)
    up, down, shock = {}, {}, {}
    for j, name in enumerate(drivers):
        chance = points()[:, j]
        up[name], down[name] = np.zeros((rows, 1)), np.zeros((rows, 1))
        down[name][1 + 2 * j] = up[name][2 + 2 * j] = 1.0
        up[name][alone : alone + JOINT, 0] = 1.0 - np.sqrt(2.0 * (1.0 - np.maximum(chance, 0.5)))
        down[name][alone : alone + JOINT, 0] = 1.0 - np.sqrt(2.0 * np.minimum(chance, 0.5))
        factors = [dict(moved).get(name, 1.0) for _, moved in stresses]
        if any(factor != 1.0 for factor in factors):
            shock[name] = np.ones((rows, 1))
            shock[name][alone + JOINT :, 0] = factors
    places = {name: alone + JOINT + i for i, (name, _) in enumerate(stresses)}
    net = {name: up[name] - down[name] for name in drivers}
    return Layout(drivers, up, down, net, shock, slice(alone, alone + JOINT), places)
