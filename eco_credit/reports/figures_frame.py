"""A frame with axes on paper, and the strokes figures are drawn with, as plain SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from eco_credit.reports.figures import LINE, MUTED, WIDTH, words

Point = tuple[float, float]
Tick = tuple[float, str]
"""A place on an axis and what is written there."""

@dataclass(frozen=True, slots=True)
class Frame:
    """Where data units fall on the paper.

    Attributes:
        x: first and last value of the x axis.
        y: lowest and highest value of the y axis.
        height: height of the whole figure, drawing units.
        left: left edge of the field.
        right: right edge of the field.
    """

    x: Point
    y: Point
    height: float = 250.0
    left: float = 52.0
    right: float = WIDTH - 20.0

    def at(self, x: float, y: float) -> Point:
        """Place of a point, held inside the field."""
        across = share_of(x, self.x) * (self.right - self.left)
        up = share_of(y, self.y) * (self.bottom - self.top)
        return self.left + across, self.bottom - up

    @property
    def top(self) -> float:
        """Upper edge of the field; the legend stands above it."""
        return 24.0

    @property
    def bottom(self) -> float:
        """Lower edge of the field; ticks and name of the x axis stand below it."""
        return self.height - 38.0

    def axes(self, x_ticks: Sequence[Tick], y_ticks: Sequence[Tick], x_name: str) -> str:
        """Grid, ticks and name of the x axis."""
        body = ""
        for value, said in y_ticks:
            y = self.at(self.x[0], value)[1]
            body += stroke((self.left, y), (self.right, y), LINE)
            body += words(self.left - 6.0, y + 5.0, said, anchor="end", fill=MUTED)
        for value, said in x_ticks:
            x = self.at(value, self.y[0])[0]
            body += stroke((x, self.bottom), (x, self.bottom + 4.0), MUTED)
            body += words(x, self.bottom + 17.0, said, fill=MUTED)
        body += stroke((self.left, self.bottom), (self.right, self.bottom), MUTED)
        return body + words(self.right, self.height - 5.0, x_name, anchor="end", fill=MUTED)


def share_of(value: float, ends: Point) -> float:
    """Place of a value between two ends as a part of one, held between them; the middle where both are one."""
    low, high = ends
    return min(max((value - low) / (high - low), 0.0), 1.0) if high > low else 0.5


def stroke(start: Point, end: Point, colour: str, *, width: float = 1.0, dash: str = "") -> str:
    """One straight line."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    place = f'x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}"'
    return f'<line {place} stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def box(x: float, y: float, size: Point, look: str) -> str:
    """One rectangle of ``size`` (width, height) with sharp corners; ``look`` is its fill."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{size[0]:.1f}" height="{size[1]:.1f}" fill="{look}"/>'


def polyline(points: Sequence[Point], colour: str, *, dash: str = "", width: float = 2.0) -> str:
    """A line through places on the paper."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{places}" fill="none" stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round places between two ends, at most ``most + 1`` of them, in steps of 1, 2 or 5.

    Example:
        >>> ticks(0.0, 1.0), ticks(-3.0, 11.0)
        ([0.0, 0.2, 0.4, 0.6, 0.8, 1.0], [0.0, 5.0, 10.0])
    """
    if not high > low:
        return [low]
    rough = (high - low) / most
    ten = 10.0 ** math.floor(math.log10(rough))
    step = ten * next(k for k in (1.0, 2.0, 5.0, 10.0) if k * ten >= rough * (1.0 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(0, 1 - math.floor(math.log10(step)))
    return [round(k * step, decimals) + 0.0 for k in range(first, last + 1)]


def dot(x: float, y: float, colour: str) -> str:
    """A filled circle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>'
