"""A map of one service by parcel, as SVG made here: no script, no style sheet, no font, no address in it."""

from __future__ import annotations

import itertools
from html import escape
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.gep.services import services
from eco_credit.gep.spatial.raster_account import RasterAccount

WIDTH, HEIGHT, MARGIN = 720.0, 520.0, 24.0
SHADES = ("#edf8e9", "#bae4b3", "#74c476", "#31a354", "#006d2c")
"""Five greens, light to dark, that stay apart in grey print."""
NO_DATA = "#d9d9d9"
LEGEND_WIDTH = 190.0
MOST_CORNERS = 20_000


def picture(made: RasterAccount, service: str, *, language: str = "zh") -> str:
    """A map of the value per hectare of one service.

    Args:
        made: a finished raster account.
        service: code of the service.
        language: ``zh`` or ``en``.

    Returns:
        SVG text. Five classes of equal count, CNY per hectare and year; grey where a parcel has no value.
    """
    values = [parts.get(service) for parts in made.by_parcel().values()]
    areas = [one.known_ha.get(service, 0.0) for one in made.readings]
    per_ha = np.array([np.nan if v is None or not a else v / a for v, a in zip(values, areas, strict=True)])
    edges = _edges(per_ha)
    shapes = [one.outline for one in made.parcels]
    place = _projected(shapes)
    paths = [
        f'<path d="{_path(shape, place)}" fill="{_shade(value, edges)}" fill-rule="evenodd" stroke="#444" '
        f'stroke-width="0.6"><title>{escape(parcel.id)}: {_number(value, language)}</title></path>'
        for shape, value, parcel in zip(shapes, per_ha, made.parcels, strict=True)
    ]
    title = _title(made, service, language)
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" '
        f'aria-label="{escape(title)}" font-family="sans-serif">',
        f'<rect width="{WIDTH:.0f}" height="{HEIGHT:.0f}" fill="#fff"/>',
        f'<text x="{MARGIN:.0f}" y="30" font-size="16">{escape(title)}</text>',
        *paths, *_legend(edges, language, unknown=bool(np.isnan(per_ha).any())), "</svg>", "",
    ])


def _title(made: RasterAccount, service: str, language: str) -> str:
    known = services()[service]
    year = "" if made.account.year is None else f" {made.account.year}"
    if language == "zh":
        return f"{known.zh}价值分布{year}（元/公顷·年）"
    return f"{known.en[:1].upper()}{known.en[1:]} by parcel{year} (CNY per hectare and year)"


def _edges(per_ha: Floats) -> Floats:
    """Inner edges of classes of equal count, without repeats."""
    known = per_ha[~np.isnan(per_ha)]
    return np.unique(np.quantile(known, [0.2, 0.4, 0.6, 0.8])) if len(np.unique(known)) > 1 else np.zeros(0)


def _shade(value: float, edges: Floats) -> str:
    return NO_DATA if np.isnan(value) else SHADES[int(np.searchsorted(edges, value, side="left"))]


def _projected(shapes: list[Any]) -> tuple[float, float, float, float]:
    """West, north, and scales to the east and to the south: equirectangular at the middle latitude."""
    boxes = np.array([shape.bounds for shape in shapes])
    west, south, east, north = boxes[:, 0].min(), boxes[:, 1].min(), boxes[:, 2].max(), boxes[:, 3].max()
    narrow = float(np.cos(np.radians((south + north) / 2.0)))
    width, height = max((east - west) * narrow, 1e-12), max(north - south, 1e-12)
    scale = min((WIDTH - 2 * MARGIN - LEGEND_WIDTH) / width, (HEIGHT - 2 * MARGIN - 30.0) / height)
    return float(west), float(north), scale * narrow, scale


def _path(shape: Any, place: tuple[float, float, float, float]) -> str:
    west, north, east_scale, scale = place
    polygons = getattr(shape, "geoms", [shape])
    rings = [ring for polygon in polygons for ring in (polygon.exterior, *polygon.interiors)]
    step = 1 + sum(len(ring.coords) for ring in rings) // MOST_CORNERS
    drawn = []
    for ring in rings:
        corners = np.asarray(ring.coords)[::step, :2]
        x, y = MARGIN + (corners[:, 0] - west) * east_scale, MARGIN + 24.0 + (north - corners[:, 1]) * scale
        drawn.append("M" + "L".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True)) + "Z")
    return "".join(drawn)


def _legend(edges: Floats, language: str, *, unknown: bool) -> list[str]:
    marks = [_number(edge, language) for edge in edges]
    named = [f"≤ {marks[0]}", *(f"{a} – {b}" for a, b in itertools.pairwise(marks)), f"> {marks[-1]}"] \
        if marks else [{"zh": "全部地块", "en": "all parcels"}[language]]
    entries = list(zip(SHADES, named, strict=False))
    if unknown:
        entries.append((NO_DATA, {"zh": "无数据", "en": "no data"}[language]))
    left = WIDTH - LEGEND_WIDTH
    return [
        f'<rect x="{left:.0f}" y="{60 + 24 * i}" width="18" height="14" fill="{shade}" stroke="#444"/>'
        f'<text x="{left + 26:.0f}" y="{72 + 24 * i}" font-size="12">{escape(label)}</text>'
        for i, (shade, label) in enumerate(entries)
    ]


def _number(value: float, language: str) -> str:
    if np.isnan(value):
        return {"zh": "无数据", "en": "no data"}[language]
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.2f}"
