"""Parcels drawn from their outlines: north up, with a scale bar and the area of each, as plain SVG."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from eco_credit.core.outlines import SEMI_MAJOR, Polygon, polygon_area
from eco_credit.core.units import MU_PER_HECTARE
from eco_credit.reports.figures import BAND, CENTRE, INK, MUTED, WIDTH, svg, words

TALLEST, MARGIN, FOOT = 300.0, 14.0, 40.0
_STEPS = (1.0, 2.0, 5.0)


def parcel_map(polygons: Sequence[Polygon], *, title: str) -> Markup:
    """Draw parcels to one scale in a local equirectangular view, true to shape for a few kilometres.

    Args:
        polygons: outlines in longitude and latitude, degrees.
        title: what the figure shows, in words.

    Returns:
        SVG; parcels are numbered from 1 in their order, the scale bar is in metres or kilometres.
    """
    points = [point for polygon in polygons for point in polygon[0]]
    west, east = min(x for x, _ in points), max(x for x, _ in points)
    south, north = min(y for _, y in points), max(y for _, y in points)
    degree = SEMI_MAJOR * math.pi / 180.0
    shrink = math.cos(math.radians((south + north) / 2.0))
    across, up = (east - west) * degree * shrink, (north - south) * degree
    scale = min((WIDTH - 2 * MARGIN) / max(across, 1.0), (TALLEST - MARGIN - FOOT) / max(up, 1.0))
    height = MARGIN + up * scale + FOOT
    left = (WIDTH - across * scale) / 2.0

    def place(x: float, y: float) -> tuple[float, float]:
        return left + (x - west) * degree * shrink * scale, MARGIN + (north - y) * degree * scale

    body = "".join(_shape(polygon, place, number) for number, polygon in enumerate(polygons, start=1))
    return svg(body + _bar(scale, height - 10.0) + _arrow(height - 10.0), height, title)


def _shape(polygon: Polygon, place: Callable[[float, float], tuple[float, float]], number: int) -> str:
    rings = [[place(x, y) for x, y in ring] for ring in polygon]
    path = "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring) + "Z" for ring in rings)
    x, y = (sum(axis) / len(rings[0]) for axis in zip(*rings[0], strict=True))
    return (
        f'<path d="{path}" fill="{BAND}" fill-opacity="0.6" fill-rule="evenodd" stroke="{CENTRE}" stroke-width="1.5"/>'
        + words(x, y + 5.0, str(number), fill=INK, anchor="middle")
    )


def _bar(scale: float, y: float) -> str:
    """A bar of 1, 2 or 5 times a power of ten metres, at most a third of the width."""
    room = WIDTH / 3.0 / scale
    power = 10.0 ** math.floor(math.log10(room))
    length = max(step * power for step in _STEPS if step * power <= room)
    said = f"{length / 1000.0:g} km" if length >= 1000.0 else f"{length:g} m"
    end = MARGIN + length * scale
    line = f'<path d="M{MARGIN} {y - 5}V{y}H{end:.1f}V{y - 5}" fill="none" stroke="{MUTED}" stroke-width="1.5"/>'
    return line + words(end + 6.0, y, said, fill=MUTED, anchor="start")


def _arrow(y: float) -> str:
    x = WIDTH - 18.0
    return f'<path d="M{x} {y - 22}l5 14h-10z" fill="{MUTED}"/>' + words(x, y + 2.0, "N", fill=MUTED, anchor="middle")


def areas(polygons: Sequence[Polygon]) -> list[tuple[float, float]]:
    """Area of each parcel in hectares and in mu (15 to the hectare)."""
    return [(one, one * MU_PER_HECTARE) for one in map(polygon_area, polygons)]
