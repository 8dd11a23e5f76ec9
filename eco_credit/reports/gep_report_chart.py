"""The chart of the account report: one bar for each service, its range as a line, drawn as plain SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from eco_credit.reports.figures import INK, LINE, MUTED

GROUP_COLOURS = {"provisioning": "#b07d2b", "regulating": "#1f6b4a", "cultural": "#3d6a9e"}
"""Fill of a bar by group of services; the table beside it names the group in words."""

WIDTH = 690.0
_ROW = 18.0
_LEFT, _RIGHT = 152.0, 398.0
"""Where bars begin and end; names stand to the left, figures to the right."""
_TOP = 20.0
_COLUMNS = (470.0, 546.0, WIDTH)
"""Right edges of the columns value, share and range."""


@dataclass(frozen=True, slots=True)
class ServiceBar:
    """One line of the chart.

    Attributes:
        name: the service in words.
        group: provisioning, regulating or cultural.
        value: value, CNY per year; negative where the service is lost.
        low: low end, CNY per year.
        high: high end, CNY per year.
        counted: False draws an empty bar.
        shown: value, share and range in words, in the order of the columns.
    """

    name: str
    group: str
    value: float
    low: float
    high: float
    counted: bool
    shown: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class _Scale:
    """From CNY to a place on the paper."""

    start: float
    per_yuan: float

    def at(self, yuan: float) -> float:
        """Place of an amount, in drawing units."""
        return self.start + yuan * self.per_yuan


def service_chart(bars: Sequence[ServiceBar], *, heads: tuple[str, str, str], title: str) -> Markup:
    """Draw the services below one another on one linear axis that holds zero.

    Args:
        bars: the lines in the order shown.
        heads: titles of the columns value, share and range.
        title: the figure in words, read out by screen readers.

    Returns:
        An SVG element without script, style or outside address; every word is escaped.
    """
    scale = _scale(bars)
    height = _TOP + _ROW * len(bars) + 6.0
    body = "".join(_words(edge, 12.0, head, "end", MUTED) for edge, head in zip(_COLUMNS, heads, strict=True))
    zero = scale.at(0.0)
    body += f'<line x1="{zero:.1f}" y1="{_TOP - 4:g}" x2="{zero:.1f}" y2="{height - 4:g}" stroke="{LINE}"/>'
    body += "".join(_line(bar, _TOP + _ROW * place, scale) for place, bar in enumerate(bars))
    return Markup(  # noqa: S704  every word in the drawing was escaped on its way in
        f'<svg class="figure" role="img" viewBox="0 0 {WIDTH:g} {height:g}" xmlns="http://www.w3.org/2000/svg" '
        f'aria-label="{escape(title)}" font-family="inherit" font-size="11">'
        f"<title>{escape(title)}</title>{body}</svg>"
    )


def _scale(bars: Sequence[ServiceBar]) -> _Scale:
    bottom = min([0.0, *(min(bar.low, bar.value) for bar in bars)])
    top = max([0.0, *(max(bar.high, bar.value) for bar in bars)])
    per_yuan = (_RIGHT - _LEFT) / max(top - bottom, 0.01)  # a fen is the smallest amount of money
    return _Scale(_LEFT - bottom * per_yuan, per_yuan)


def _words(x: float, y: float, words: str, anchor: str, fill: str = INK) -> str:
    return f'<text x="{x:g}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}">{escape(words)}</text>'


def _line(bar: ServiceBar, top: float, scale: _Scale) -> str:
    """Name, bar, range and figures of one service."""
    colour = GROUP_COLOURS[bar.group]
    ink = INK if bar.counted else MUTED
    body = _words(_LEFT - 8.0, top + 12.0, bar.name, "end", ink) + _bar(bar, top, scale, colour)
    return body + "".join(
        _words(edge, top + 12.0, words, "end", ink) for edge, words in zip(_COLUMNS, bar.shown, strict=True)
    )


def _bar(bar: ServiceBar, top: float, scale: _Scale, colour: str) -> str:
    """The bar from zero to the value and, across it, the line from low to high with its ends."""
    first, last = sorted((scale.at(0.0), scale.at(bar.value)))
    look = f'fill="{colour}" fill-opacity="0.55"' if bar.counted else f'fill="none" stroke="{colour}"'
    dashed = "" if bar.counted else ' stroke-dasharray="3 2"'
    box = (f'<rect x="{first:.1f}" y="{top + 3:.1f}" width="{max(last - first, 1.0):.1f}" height="11" '
           f"{look}{dashed}/>")
    if bar.low == bar.high:
        return box
    low, high, middle = scale.at(bar.low), scale.at(bar.high), top + 8.5
    ends = "".join(
        f'<line x1="{x:.1f}" y1="{middle - 4:.1f}" x2="{x:.1f}" y2="{middle + 4:.1f}" stroke="{INK}"/>'
        for x in (low, high)
    )
    return box + (f'<line x1="{low:.1f}" y1="{middle:.1f}" x2="{high:.1f}" y2="{middle:.1f}" stroke="{INK}"/>{ends}')
