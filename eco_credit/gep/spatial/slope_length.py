"""Slope length and steepness LS by four definitions that differ up to ten times.

Soil retention is proportional to LS, so an account names the one it used and its range covers the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.gep.spatial.terms import Terms

UNIT_PLOT = 22.13
"""Length of the unit plot of the soil-loss equation, m."""
UNIT_PLOT_SINE = 0.0896
"""Sine of the unit plot's 9 % slope."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What LS is worked out from, cell by cell, arrays of one shape.

    Attributes:
        rise: slope, rise per run (0.09 is 9 %).
        across: ``|sin a| + |cos a|`` of the direction a of the slope, 1 to 1.414.
        entering: area that drains into the cell, m2.
        side: side of a cell, m.
    """

    rise: Floats
    across: Floats
    entering: Floats
    side: Floats


def ground(gx: Floats, gy: Floats, *, entering: Floats, dx: Floats, dy: Floats) -> Ground:
    """Slope and direction from the gradient of `eco_credit.gep.spatial.terrain.horn`."""
    rise = np.hypot(gx, gy)
    with np.errstate(invalid="ignore", divide="ignore"):
        across = np.where(rise > 0.0, (np.abs(gx) + np.abs(gy)) / rise, 1.0)
    return Ground(rise, across, entering, np.broadcast_to(np.sqrt(dx * dy), rise.shape))


def _sine(rise: Floats) -> Floats:
    return rise / np.sqrt(1.0 + rise * rise)


def steepness(rise: Floats) -> Floats:
    """``S = 10.8 sin t + 0.03`` below 9 %, ``16.8 sin t - 0.5`` from 9 % (McCool 1987).

    Example:
        >>> round(float(steepness(np.array(0.0))), 3)
        0.03
    """
    sine = _sine(rise)
    return np.where(rise < 0.09, 10.8 * sine + 0.03, 16.8 * sine - 0.5)


def exponent(rise: Floats, rules: Terms) -> Floats:
    """Slope-length exponent m by classes of slope, from the rule ``gep.spatial.slope_exponent`` (percent: m)."""
    table = sorted((float(low), float(m)) for low, m in rules.table("gep.spatial.slope_exponent").items())
    result = np.full(np.shape(rise), table[0][1])
    for low, m in table[1:]:
        result = np.where(rise * 100.0 >= low, m, result)
    return result


def desmet_govers(cells: Ground, rules: Terms) -> Floats:
    """``LS = S * ((A + D^2)^(m+1) - A^(m+1)) / (D^(m+2) x^m 22.13^m)``: no cap on the slope length.

    A area entering (m2), D side of the cell (m), x = ``across``, m by classes of slope.
    Source: Desmet and Govers 1996.
    """
    m = exponent(cells.rise, rules)
    grown = (cells.entering + cells.side**2) ** (m + 1.0) - cells.entering ** (m + 1.0)
    length: Floats = grown / (cells.side ** (m + 2.0) * cells.across**m * UNIT_PLOT**m)
    return length * steepness(cells.rise)


def desmet_govers_capped(cells: Ground, rules: Terms) -> Floats:
    """`desmet_govers` with A at most ``cap * D``: runoff gathers into channels beyond the cap (m)."""
    most = rules.number("gep.spatial.slope_length_cap") * cells.side
    return desmet_govers(Ground(cells.rise, cells.across, np.minimum(cells.entering, most), cells.side), rules)


def moore_burch(cells: Ground, rules: Terms) -> Floats:
    """``LS = (A_s / 22.13)^0.4 * (sin t / 0.0896)^1.3``, A_s = (A + D^2) / D the specific area, m.

    Source: Moore and Burch 1986, after unit stream power. A flat cell has LS 0.
    """
    specific = (cells.entering + cells.side**2) / cells.side
    result: Floats = (specific / UNIT_PLOT) ** 0.4 * (_sine(cells.rise) / UNIT_PLOT_SINE) ** 1.3
    return result


def invest(cells: Ground, rules: Terms) -> Floats:
    """The InVEST SDR form: the *square root* of the entering area stands for A, and L is cut at a largest value.

    m = 0.2, 0.3, 0.4, 0.5 up to 1, 3.5, 5, 9 %, and b/(1 + b) above, b = (sin t / 0.0896) / (3 sin^0.8 t + 0.56);
    x is taken from the steepness, ``sin t + cos t``. Source: InVEST SDR, as read in its open code.
    """
    sine, percent = _sine(cells.rise), cells.rise * 100.0
    b = (sine / UNIT_PLOT_SINE) / (3.0 * sine**0.8 + 0.56)
    m = np.select([percent <= 1.0, percent <= 3.5, percent <= 5.0, percent <= 9.0], [0.2, 0.3, 0.4, 0.5], b / (1.0 + b))
    across = sine + 1.0 / np.sqrt(1.0 + cells.rise**2)
    root = np.sqrt(cells.entering)
    grown = (root + cells.side**2) ** (m + 1.0) - root ** (m + 1.0)
    length = grown / (cells.side ** (m + 2.0) * across**m * UNIT_PLOT**m)
    result: Floats = np.minimum(length, rules.number("gep.spatial.invest_length_factor_max")) * steepness(cells.rise)
    return np.where(np.isnan(cells.rise), np.nan, result)


DEFINITIONS: dict[str, Callable[[Ground, Terms], Floats]] = {
    "desmet_govers": desmet_govers,
    "desmet_govers_capped": desmet_govers_capped,
    "moore_burch": moore_burch,
    "invest": invest,
}
"""Name of each definition to the function."""
