"""Figures of the portfolio report as plain SVG: who bears what, how often a year costs more, scenarios."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from eco_credit.reports.figures import BAND, CENTRE, HARMS, INK, LENDING, MUTED, WIDTH, rect, svg, words
from eco_credit.reports.figures_frame import Frame, box, polyline, stroke, ticks

PALETTE = {
    "bank": "#7d8b99", "guarantor": CENTRE, "re_guarantor": BAND, "national_fund": "#4f86b5",
    "government": LENDING, "other": "#b7a57a",
}  # fmt: skip
"""Colour of each party, the same in every figure."""
_OTHER = "#b7a57a"
_LEFT = 132.0


def bars(values: Sequence[tuple[str, float, str]], title: str) -> Markup:
    """Horizontal bars from zero.

    Args:
        values: name, size (not negative) and size in words of each bar.
        title: the figure in words.

    Returns:
        The figure; empty when all are zero.
    """
    largest = max((size for _, size, _ in values), default=0.0)
    if not largest > 0.0:
        return Markup("")
    body = ""
    for place, (name, size, shown) in enumerate(values):
        top = 6.0 + 26.0 * place
        width = (WIDTH - _LEFT - 112.0) * size / largest
        body += words(_LEFT - 8.0, top + 14.0, name, anchor="end", fill=MUTED)
        body += rect(_LEFT, top, (width, 18.0), BAND)
        body += words(_LEFT + width + 6.0, top + 14.0, shown, anchor="start")
    return svg(body, 10.0 + 26.0 * len(values), title)


def stacked(rows: Sequence[tuple[str, Mapping[str, float], str]], names: Mapping[str, str], title: str) -> Markup:
    """One stacked bar a row: what each party bears, with a legend.

    Args:
        rows: name, party to amount (not negative) and the sum in words.
        names: party to its name, in the order of the legend.
        title: the figure in words.
    """
    largest = max((sum(parts.values()) for _, parts, _ in rows), default=0.0)
    if not largest > 0.0:
        return Markup("")
    used = [party for party in names if any(parts.get(party, 0.0) > 0.0 for _, parts, _ in rows)]
    body, top = _legend([(names[party], PALETTE.get(party, _OTHER)) for party in used])
    for name, parts, shown in rows:
        body += words(_LEFT - 8.0, top + 14.0, name, anchor="end", fill=MUTED)
        x = _LEFT
        for party in used:
            width = (WIDTH - _LEFT - 112.0) * parts.get(party, 0.0) / largest
            if width > 0.0:
                body += box(x, top, (width, 18.0), PALETTE.get(party, _OTHER))
            x += width
        body += words(x + 6.0, top + 14.0, shown, anchor="start")
        top += 26.0
    return svg(body, top + 4.0, title)


def exceedance(
    curve: Sequence[Sequence[float]], marks: Sequence[tuple[str, float]], title: str, *, axis: str, scale: float
) -> Markup:
    """How often a year costs more: probability on a log axis over the loss.

    Args:
        curve: loss (yuan) and probability of a larger one, from the likely to the rare.
        marks: name and loss (yuan) of vertical lines: mean, quantile, shortfall.
        title: the figure in words.
        axis: name of the loss axis, with its unit.
        scale: yuan in one unit of the axis.
    """
    points = [(loss / scale, math.log10(chance)) for loss, chance in curve if chance > 0.0]
    if len(points) < 2 or not max(x for x, _ in points) > 0.0:
        return Markup("")
    most = max([x for x, _ in points] + [loss / scale for _, loss in marks])
    frame = Frame((0.0, most), (-4.0, math.log10(0.5)), height=260.0)
    sides = [(value, f"{value:,g}") for value in ticks(0.0, most)]
    body = frame.axes(sides, [(float(k), f"{100 * 10.0**k:g}%") for k in range(-4, 0)], axis)
    body += polyline([frame.at(x, max(y, -4.0)) for x, y in points], CENTRE)
    for place, (name, loss) in enumerate(marks):
        x = frame.at(loss / scale, 0.0)[0]
        body += stroke((x, frame.top), (x, frame.bottom), (MUTED, LENDING, HARMS)[place % 3], dash="4 3")
        far = x > (frame.left + frame.right) / 2.0
        side = "end" if far else "start"
        body += words(x + (-4.0 if far else 4.0), frame.top + 14.0 + 18.0 * place, name, anchor=side, fill=INK)
    return svg(body, frame.height, title)


def _legend(entries: Sequence[tuple[str, str]]) -> tuple[str, float]:
    """Coloured boxes with names, as many a line as fit, and where the drawing below may begin."""
    body, x, y = "", 4.0, 4.0
    for name, colour in entries:
        width = 26.0 + 14.0 * sum(1.0 if ord(letter) > 0x2E80 else 0.55 for letter in name)
        if x + width > WIDTH and x > 4.0:
            x, y = 4.0, y + 20.0
        body += box(x, y, (12.0, 12.0), colour) + words(x + 17.0, y + 11.0, name, anchor="start", fill=MUTED)
        x += width
    return body, y + 24.0
