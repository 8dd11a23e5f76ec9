"""Figures of a table model as plain SVG: step curves of its main effects, heat maps of its pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from eco_credit.reports.figures import HARMS, HELPS, INK, MUTED, PAD, WIDTH, svg, words
from eco_credit.reports.figures_frame import Frame, Point, Tick, box, polyline, stroke, ticks


@dataclass(frozen=True, slots=True)
class Steps:
    """A step curve of one feature.

    Attributes:
        edges: ends of the bins, rising, one more than values; finite.
        values: value of each bin.
        names: name of each bin in words where bins are categories; empty for a numeric feature.
        unknown: value of the bin for unknown, and its name.
    """

    edges: tuple[float, ...]
    values: tuple[float, ...]
    names: tuple[str, ...]
    unknown: tuple[float, str]


def step_curve(steps: Steps, *, ticks_x: Sequence[Tick], points: tuple[str, str], title: str) -> Markup:
    """A main-effect curve: bins as steps, unknown as a bar of its own at the right.

    Args:
        steps: the curve, in the unit of the raw score (logit); up is riskier.
        ticks_x: places named below the curve.
        points: the highest and the lowest value in score points, in words, written at the right edge.
        title: the figure in words.

    Returns:
        An SVG element; values above zero are drawn red, below zero green.
    """
    low, high = min(0.0, *steps.values, steps.unknown[0]), max(0.0, *steps.values, steps.unknown[0])
    room = (high - low or 1.0) * 0.06
    frame = Frame((steps.edges[0], steps.edges[-1]), (low - room, high + room), 166.0, right=WIDTH - 128.0)
    y_ticks = [(value, f"{value:g}") for value in ticks(low - room, high + room, 4)]
    body = frame.axes(ticks_x, y_ticks, "")
    zero = frame.at(0.0, 0.0)[1]
    path: list[Point] = []
    for first, last, value in zip(steps.edges[:-1], steps.edges[1:], steps.values, strict=True):
        (x, y), end = frame.at(first, value), frame.at(last, value)[0]
        body += _filled(x, end, (zero, y), value)
        path += [(x, y), (end, y)]
    body += polyline(path, INK, width=1.6)
    body += _unknown(steps.unknown, frame, zero)
    body += words(WIDTH - PAD, frame.top + 5.0, points[0], anchor="end", fill=HARMS)
    body += words(WIDTH - PAD, frame.bottom, points[1], anchor="end", fill=HELPS)
    return svg(body, 166.0, title)


def _filled(x: float, end: float, heights: Point, value: float) -> str:
    zero, y = heights
    return (
        f'<rect x="{x:.1f}" y="{min(zero, y):.1f}" width="{end - x:.1f}" height="{abs(zero - y):.1f}" '
        f'fill="{HARMS if value > 0.0 else HELPS}" fill-opacity="0.3"/>'
    )


def _unknown(unknown: tuple[float, str], frame: Frame, zero: float) -> str:
    """The bin for unknown, apart from the ordered bins."""
    value, name = unknown
    left, right = frame.right + 14.0, frame.right + 44.0
    y = frame.at(frame.x[1], value)[1]
    body = _filled(left, right, (zero, y), value) + stroke((left, y), (right, y), INK, width=1.6)
    return body + words((left + right) / 2, frame.bottom + 17.0, name, fill=MUTED)


def heat_map(
    values: Sequence[Sequence[float]], *, ticks: tuple[Sequence[Tick], Sequence[Tick]], names: tuple[str, str],
    title: str,
) -> Markup:
    """A pair table as a map: red adds risk, green takes it away; every bin is equally wide.

    Args:
        values: rows (second feature, drawn upwards) of cells (first feature, drawn to the right).
        ticks: names at bins of the first and of the second feature; a place is counted in bins.
        names: the first feature, and the second one.
        title: the figure in words.

    Returns:
        An SVG element; neighbours of equal value are one box.
    """
    reach = max((abs(cell) for row in values for cell in row), default=0.0) or 1.0
    frame = Frame((0.0, len(values[0])), (0.0, len(values)), 236.0, left=74.0)
    body = ""
    for place, row in enumerate(values):
        y, step = frame.at(0.0, place + 1.0)[1], (frame.bottom - frame.top) / len(values)
        for first, last, cell in runs(row):
            x, end = frame.at(first, 0.0)[0], frame.at(last, 0.0)[0]
            # a hair of overlap, so that no seam shows between boxes
            body += box(x, y, (end - x + 0.3, step + 0.3), shade(cell / reach))
    body += frame.axes(ticks[0], [], names[0])
    for at, said in ticks[1]:
        body += words(frame.left - 6.0, frame.at(0.0, at)[1] + 5.0, said, anchor="end", fill=MUTED)
    return svg(body + words(PAD, 15.0, names[1], anchor="start", fill=MUTED), frame.height, title)


def runs(row: Sequence[float]) -> list[tuple[int, int, float]]:
    """Neighbours of equal value: first, one behind the last, value.

    Example:
        >>> runs([1.0, 1.0, 2.0])
        [(0, 2, 1.0), (2, 3, 2.0)]
    """
    found: list[tuple[int, int, float]] = []
    for place, value in enumerate(row):
        if found and found[-1][2] == value:
            found[-1] = (found[-1][0], place + 1, value)
        else:
            found.append((place, place + 1, value))
    return found


def shade(part: float) -> str:
    """Colour of a value between -1 (green) and 1 (red); 0 is nearly white.

    Example:
        >>> shade(0.0), shade(1.0)
        ('#f7f7f4', '#b3362b')
    """
    pale, deep = (247, 247, 244), (179, 54, 43) if part > 0.0 else (31, 107, 74)
    t = min(abs(part), 1.0)
    return "#" + "".join(f"{round(a + (b - a) * t):02x}" for a, b in zip(pale, deep, strict=True))
