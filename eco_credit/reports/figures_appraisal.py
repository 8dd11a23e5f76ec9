"""Figures of an appraisal as plain SVG: what moves the value (tornado), and the payments behind it over the years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from eco_credit.reports.figures import CENTRE, HARMS, HELPS, INK, LENDING, MUTED, PAD, WIDTH, rect, svg, words

_ENDS = 92.0
"""Room for the amount at each end of a bar: ten digits with their commas."""
_ROW = 42.0
"""Height of a driver: its name on a line of its own, its bar below."""
_LEAST = 1.5
"""Height of the smallest payment, so that it is seen."""
MOST_YEARS = 100
"""Years drawn at most; later payments are worth next to nothing today and are named in the table."""


@dataclass(frozen=True, slots=True)
class Swing:
    """One driver: the value of the right at its low and at its high end, yuan, with both in words."""

    name: str
    at_low: float
    at_high: float
    shown_low: str
    shown_high: str


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment, or ``years`` yearly payments, from ``year`` on; ``amount`` in yuan, negative where paid out."""

    year: float
    years: float
    amount: float
    name: str = ""


def tornado(swings: Sequence[Swing], *, central: float, title: str) -> Markup:
    """Bars around the central value, the driver that matters most on top.

    Args:
        swings: the drivers in the order to be shown.
        central: central value, yuan; the line in the middle.
        title: the figure in words, read out by screen readers.

    Returns:
        An SVG element; the orange part is the driver's low end, the green part its high end.
    """
    ends = [central, *(end for swing in swings for end in (swing.at_low, swing.at_high))]
    bottom, top = min(ends), max(ends)
    left, right = _ENDS, WIDTH - _ENDS
    per_yuan = (right - left) / max(top - bottom, 0.01)  # a fen is the smallest amount of money

    def at(yuan: float) -> float:
        return left + (yuan - bottom) * per_yuan

    middle, height = at(central), _ROW * len(swings) + 8.0
    body = ""
    for place, swing in enumerate(swings):
        y = 4.0 + _ROW * place
        body += words(PAD, y + 11.0, shortened(swing.name), anchor="start")
        for yuan, colour in ((swing.at_low, LENDING), (swing.at_high, CENTRE)):
            first, last = sorted((middle, at(yuan)))
            body += rect(first, y + 18.0, (last - first, 14.0), colour)
        below, above = sorted(((swing.at_low, swing.shown_low), (swing.at_high, swing.shown_high)))
        body += words(min(at(below[0]), middle) - 4.0, y + 30.0, below[1], anchor="end", fill=MUTED)
        body += words(max(at(above[0]), middle) + 4.0, y + 30.0, above[1], anchor="start", fill=MUTED)
    body += f'<line x1="{middle:.1f}" y1="2" x2="{middle:.1f}" y2="{height - 2:g}" stroke="{INK}"/>'
    return svg(body, height, title)


def shortened(name: str, room: int = 48) -> str:
    """A name that fits its room, in narrow letters: a wide one counts twice."""
    kept = ""
    for letter in name:
        room -= 2 if ord(letter) > 0x2E7F else 1
        if room < 0:
            return kept.rstrip() + "…"
        kept += letter
    return kept


def by_year(payments: Sequence[Payment]) -> list[tuple[float, float]]:
    """What comes in and what goes out in each year, yuan, from the first year on.

    A payment of several years is one of every year; a broken last year pays its part.

    Example:
        >>> by_year([Payment(0.0, 1.0, -5.0), Payment(1.0, 2.5, 4.0)])
        [(0.0, -5.0), (4.0, 0.0), (4.0, 0.0), (2.0, 0.0)]
    """
    found: dict[int, tuple[float, float]] = {}
    for payment in payments:
        left, year = payment.years, int(payment.year)
        while left > 0.0 and year < MOST_YEARS:
            paid = payment.amount * min(left, 1.0)
            received, spent = found.get(year, (0.0, 0.0))
            found[year] = (received + max(paid, 0.0), spent + min(paid, 0.0))
            left, year = left - 1.0, year + 1
    return [found.get(year, (0.0, 0.0)) for year in range(max(found) + 1)] if found else []


def cash_columns(payments: Sequence[Payment], *, shown_top: str, year_word: str, title: str) -> Markup:
    """Payments as columns over the years: received above the line, paid out below it, not discounted.

    Where all payments fall in one year they stand beside one another in the order given.

    Args:
        payments: in the order of time.
        shown_top: the largest amount in words, written at the top of the axis.
        year_word: word behind a year, such as ``年``.
        title: the figure in words.

    Returns:
        An SVG element.
    """
    years = by_year(payments)
    one_year = len({int(p.year) for p in payments}) <= 1 and all(p.years <= 1.0 for p in payments)
    columns = [(max(p.amount, 0.0), min(p.amount, 0.0)) for p in payments] if one_year else years
    top = max((received for received, _ in columns), default=0.0)
    bottom = min((spent for _, spent in columns), default=0.0)
    per_yuan = 96.0 / max(top - bottom, 0.01)
    zero, step = 22.0 + top * per_yuan, (WIDTH - 2 * PAD) / max(len(columns), 1)
    body, width = "", max(min(step * 0.7, 60.0), 1.0)
    for place, (received, spent) in enumerate(columns):
        x = PAD + step * (place + 0.5) - width / 2
        up, down = max(received * per_yuan, _LEAST), max(-spent * per_yuan, _LEAST)
        body += rect(x, zero - up, (width, up), HELPS) if received else ""
        body += rect(x, zero, (width, down), HARMS) if spent else ""
    body += f'<line x1="{PAD:g}" y1="{zero:.1f}" x2="{WIDTH - PAD:g}" y2="{zero:.1f}" stroke="{INK}"/>'
    body += words(PAD, 13.0, shown_top, anchor="start", fill=MUTED)
    body += _ticks(payments, one_year=one_year, years=len(years), year_word=year_word)
    return svg(body, 140.0, title)


def _ticks(payments: Sequence[Payment], *, one_year: bool, years: int, year_word: str) -> str:
    """Years under the columns, about ten of them; the names of the payments where all fall in one year."""
    if one_year:
        room = (WIDTH - 2 * PAD) / len(payments)
        return "".join(
            words(PAD + room * (place + 0.5), 136.0, shortened(p.name, int(room / 8.0)), fill=MUTED)
            for place, p in enumerate(payments)
        )
    step, every = (WIDTH - 2 * PAD) / max(years, 1), max(1, -(-years // 10))
    return "".join(
        words(PAD + step * (year + 0.5), 136.0, f"{year}{year_word if year == 0 else ''}", fill=MUTED)
        for year in range(0, years, every)
    )

