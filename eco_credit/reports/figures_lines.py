"""Charts of a validation: lines with bands and whiskers in a frame, and named values on one axis."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from eco_credit.reports.figures import BAND, CENTRE, INK, LENDING, LINE, MUTED, PAD, WIDTH, svg, words
from eco_credit.reports.figures_appraisal import shortened
from eco_credit.reports.figures_frame import Frame, Point, Tick, box, dot, polyline, share_of, stroke

_NAMES = 176.0
"""Room for names to the left of bars and intervals."""
_SHOWN = 92.0
"""Room for figures to the right of bars and intervals."""
_ROW = 22.0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a chart.

    Attributes:
        name: what it is, in words; an empty name is left out of the legend.
        points: places in data units, in drawing order.
        colour: colour of the line.
        dash: dash pattern; empty draws a solid line.
        band: lower and upper edge at each point, in data units; empty draws none.
    """

    name: str
    points: tuple[Point, ...]
    colour: str = CENTRE
    dash: str = ""
    band: tuple[Point, ...] = ()


@dataclass(frozen=True, slots=True)
class Whisker:
    """A value with its interval at a place of the x axis, all in data units."""

    x: float
    value: float
    low: float
    high: float


def line_chart(
    lines: Sequence[Line], frame: Frame, *, axes: tuple[Sequence[Tick], Sequence[Tick], str], title: str,
    whiskers: Sequence[Whisker] = (),
) -> Markup:
    """Lines, bands and whiskers in one frame.

    Args:
        lines: the lines; a later one lies over an earlier one.
        frame: the field and its units.
        axes: ticks of x and y, and the name of the x axis.
        title: the figure in words, read out by screen readers.
        whiskers: values with their intervals.

    Returns:
        An SVG element.
    """
    body = "".join(_band(line, frame) for line in lines) + frame.axes(*axes)
    for line in lines:
        body += polyline([frame.at(x, y) for x, y in line.points], line.colour, dash=line.dash)
    body += "".join(_whisker(one, frame) for one in whiskers)
    return svg(body + _legend([line for line in lines if line.name], frame.left), frame.height, title)


def _band(line: Line, frame: Frame) -> str:
    if not line.band:
        return ""
    low = [frame.at(x, ends[0]) for (x, _), ends in zip(line.points, line.band, strict=True)]
    high = [frame.at(x, ends[1]) for (x, _), ends in zip(line.points, line.band, strict=True)]
    places = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*low, *reversed(high)])
    return f'<polygon points="{places}" fill="{BAND}" fill-opacity="0.45"/>'


def _whisker(one: Whisker, frame: Frame) -> str:
    x, y = frame.at(one.x, one.value)
    low, high = frame.at(one.x, one.low)[1], frame.at(one.x, one.high)[1]
    ends = stroke((x - 4.0, low), (x + 4.0, low), INK) + stroke((x - 4.0, high), (x + 4.0, high), INK)
    return stroke((x, low), (x, high), INK) + ends + dot(x, y, CENTRE)


def _legend(lines: Sequence[Line], left: float) -> str:
    """Names of the lines beside a piece of each, side by side above the field."""
    body, room = "", (WIDTH - left - PAD) / max(len(lines), 1)
    for place, line in enumerate(lines):
        x = left + place * room
        body += stroke((x, 10.0), (x + 18.0, 10.0), line.colour, width=2.0, dash=line.dash)
        body += words(x + 23.0, 15.0, shortened(line.name, int((room - 24.0) / 7.5)), anchor="start", fill=MUTED)
    return body


@dataclass(frozen=True, slots=True)
class Level:
    """One named value on a common axis.

    Attributes:
        name: name in words.
        value: value; None where it is unknown.
        shown: value in words.
        low: low end of its interval, or None.
        high: high end of its interval, or None.
        mark: a second value to compare with, drawn as a short upright line, or None.
        colour: colour of the dot or bar.
    """

    name: str
    value: float | None
    shown: str
    low: float | None = None
    high: float | None = None
    mark: float | None = None
    colour: str = CENTRE


def level_chart(
    levels: Sequence[Level], *, span: Point, limits: Sequence[Tick], title: str, bars: bool = False
) -> Markup:
    """Named values under one another: bars from the left end, or dots with their intervals.

    Args:
        levels: the lines from top to bottom.
        span: ends of the axis.
        limits: upright dashed lines, each with its words.
        title: the figure in words.
        bars: draw bars instead of dots.

    Returns:
        An SVG element.
    """
    height = 24.0 + _ROW * len(levels) + 8.0
    left, right = _NAMES, WIDTH - _SHOWN

    def at(value: float) -> float:
        return left + share_of(value, span) * (right - left)

    body = stroke((left, 22.0), (left, height - 6.0), LINE)
    for value, said in limits:
        body += stroke((at(value), 20.0), (at(value), height - 6.0), LENDING, dash="4 3")
        body += words(at(value), 15.0, said, fill=LENDING)
    for place, one in enumerate(levels):
        y = 24.0 + _ROW * (place + 0.5)
        body += words(left - 8.0, y + 5.0, shortened(one.name, 21), anchor="end")
        body += words(WIDTH - PAD, y + 5.0, one.shown, anchor="end", fill=MUTED)
        if one.value is not None:
            drawn = box(left, y - 6.0, (at(one.value) - left, 12.0), one.colour)
            body += _reach(one, y, at) + (drawn if bars else dot(at(one.value), y, one.colour))
        if one.mark is not None:
            body += stroke((at(one.mark), y - 8.0), (at(one.mark), y + 8.0), INK, width=2.0)
    return svg(body, height, title)


def _reach(one: Level, y: float, at: Callable[[float], float]) -> str:
    """The interval of one level."""
    if one.low is None or one.high is None:
        return ""
    low, high = at(one.low), at(one.high)
    ends = stroke((low, y - 4.0), (low, y + 4.0), INK) + stroke((high, y - 4.0), (high, y + 4.0), INK)
    return stroke((low, y), (high, y), INK) + ends
