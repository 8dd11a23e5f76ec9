"""Figures drawn on the server as plain SVG: no script, no style attribute, no outside address.

Colours are presentation attributes, so a figure looks the same on a page with a strict content
policy, in a printed memo and in a file. Each figure has a title that says in words what it shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

INK, MUTED, LINE = "#1d2b26", "#5b6b64", "#c9d3ce"
BAND, CENTRE, LENDING = "#9cc5b0", "#1f6b4a", "#b4581a"
HARMS, HELPS = "#b3362b", "#1f6b4a"

WIDTH = 440.0
"""Width of every figure, in drawing units."""
PAD = 4.0
"""Room kept free at the left and right edge."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One place on the axis: its value, its name and its value in words."""

    value: float
    name: str
    shown: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One contribution: signed size, name, size in words; ``harms`` says it counts against the loan."""

    size: float
    name: str
    shown: str
    harms: bool


def svg(body: str, height: float, title: str) -> Markup:
    """Wrap a drawing with its size and its title."""
    return Markup(  # noqa: S704  every word in the drawing was escaped on its way in
        f'<svg class="figure" role="img" viewBox="0 0 {WIDTH:g} {height:g}" '
        f'xmlns="http://www.w3.org/2000/svg" aria-label="{escape(title)}" '
        f'font-family="inherit" font-size="14"><title>{escape(title)}</title>{body}</svg>'
    )


def words(x: float, y: float, said: str, *, anchor: str = "middle", fill: str = INK) -> str:
    """One line of text, escaped."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(said)}</text>'


def rect(x: float, y: float, size: tuple[float, float], fill: str) -> str:
    """One filled box of ``size`` (width, height)."""
    width, height = size
    place = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 1.0):.1f}" height="{height:.1f}"'
    return f'<rect {place} fill="{fill}" rx="3"/>'


def _anchor(x: float) -> tuple[float, str]:
    """Keep a label inside the figure near its edges."""
    if x < 70.0:
        return PAD, "start"
    if x > WIDTH - 70.0:
        return WIDTH - PAD, "end"
    return x, "middle"


def _label(x: float, y: float, mark: Mark, fill: str) -> str:
    """Name and value of a mark on two lines centred on ``x``."""
    at, anchor = _anchor(x)
    name = words(at, y, mark.name, anchor=anchor, fill=MUTED)
    return name + words(at, y + 18.0, mark.shown, anchor=anchor, fill=fill)


def value_range(low: Mark, central: Mark, high: Mark, *, lending: Mark | None, title: str) -> Markup:
    """The appraised range as a band from low to high on an axis that starts at zero.

    Args:
        low: low value (yuan), its name and words.
        central: central value (yuan).
        high: high value (yuan); the axis ends a little above it.
        lending: lending value (yuan), drawn on its own line under the band; None leaves it out.
        title: the figure in words, read out by screen readers.

    Returns:
        An SVG element, safe to place in a page.
    """
    top = max(high.value, central.value, lending.value if lending else 0.0, 1.0) * 1.02
    scale = (WIDTH - 2 * PAD) / top
    at = {mark.name: PAD + max(mark.value, 0.0) * scale for mark in (low, central, high)}
    body = rect(PAD, 54.0, (WIDTH - 2 * PAD, 12.0), "#e8eeea")
    body += rect(at[low.name], 48.0, (at[high.name] - at[low.name], 24.0), BAND)
    body += rect(at[central.name] - 2.0, 42.0, (4.0, 36.0), CENTRE)
    body += _label(at[central.name], 16.0, central, CENTRE)
    body += words(PAD, 96.0, f"{low.name} {low.shown}", anchor="start", fill=MUTED)
    body += words(WIDTH - PAD, 96.0, f"{high.name} {high.shown}", anchor="end", fill=MUTED)
    if lending is None:
        return svg(body, 104.0, title)
    body += rect(PAD, 112.0, (max(lending.value, 0.0) * scale, 16.0), LENDING)
    body += words(PAD, 148.0, f"{lending.name} {lending.shown}", anchor="start", fill=LENDING)
    return svg(body, 156.0, title)


def contribution_bars(bars: Sequence[Bar], *, title: str) -> Markup:
    """Signed contributions as bars around a middle line: against the loan to the left, for it to the right.

    Args:
        bars: the contributions in the order to be shown; sizes in points.
        title: the figure in words.

    Returns:
        An SVG element, empty of bars when there is none.
    """
    middle = WIDTH / 2
    reach = max((abs(bar.size) for bar in bars), default=1.0) or 1.0
    body = ""
    for index, bar in enumerate(bars):
        y = 8.0 + 46.0 * index
        length = abs(bar.size) / reach * (middle - PAD - 60.0)
        colour = HARMS if bar.harms else HELPS
        start = middle - length if bar.harms else middle
        body += words(PAD, y + 12.0, bar.name, anchor="start")
        body += rect(start, y + 18.0, (length, 16.0), colour)
        end, anchor = (start - 8.0, "end") if bar.harms else (start + length + 8.0, "start")
        body += words(end, y + 31.0, bar.shown, anchor=anchor, fill=colour)
    height = 46.0 * len(bars) + 8.0
    body += f'<line x1="{middle:g}" y1="20" x2="{middle:g}" y2="{height - 6:g}" stroke="{LINE}"/>' if bars else ""
    return svg(body, height, title)
