"""How much a training saw of loans like this one: counts by kind of pledge and area (layer 4 of the policy).

A cell is a kind of pledge in an area; an area is the first digits of the code of administrative division (GB/T 2260):
two for a province, four for a prefecture, six for a county.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.risk.checks import defect, mapping, member, real

Words = npt.NDArray[np.object_]
DIGITS = (2, 4, 6)
"""Digits of an area code that may make a cell."""


@dataclass(frozen=True, slots=True)
class CellEvidence:
    """What training saw of each row's cell, shape (n,); NaN where the row has no kind.

    Attributes:
        loans: loans in the cell, count.
        defaults: defaults among them, count.
        margin: margin of conservatism over the PD of the scorecard, ratio (0.3 adds three tenths of it).
    """

    loans: Floats
    defaults: Floats
    margin: Floats


@dataclass(frozen=True, slots=True)
class Cells:
    """Counts of the training window.

    Attributes:
        digits: digits of the area code that make a cell; 0 for cells by kind alone.
        kinds: kinds of pledge in the table, K of them.
        areas: area codes, A of them, rising.
        counts: loans and defaults, shape (2, K + 1, A + 1); the last kind and the last area are those never seen.
        margin: margin by kind, ratio, shape (K + 1,).
    """

    digits: int
    kinds: tuple[str, ...]
    areas: npt.NDArray[np.str_]
    counts: Floats
    margin: Floats

    @classmethod
    def parse(cls, value: Any, where: str) -> Cells:
        """Read ``{area_digits, kinds: {kind: {loans, defaults, margin, areas}}, elsewhere}``.

        ``areas`` holds ``{area: {loans, defaults}}``. ``area_digits`` is null for cells by kind; ``elsewhere`` is the
        margin of a kind that is not in the table.

        Raises:
            ModelNotServable: on any defect, also more defaults than loans.
        """
        data = mapping(value, where)
        digits = data.get("area_digits") or 0
        if digits not in (0, *DIGITS) or isinstance(digits, bool):
            raise defect(f"{where}.area_digits", "2, 4, 6 or null was expected", "应为 2、4、6 或空")
        listed = mapping(member(data, "kinds", where), where)
        kinds = {name: mapping(kind, f"{where}.{name}") for name, kind in listed.items()}
        held = {name: mapping(kind.get("areas") or {}, f"{where}.{name}.areas") for name, kind in kinds.items()}
        areas = sorted({area for table in held.values() for area in table})
        if any(len(area) != digits or not area.isdigit() for area in areas):
            raise defect(f"{where}.areas", "area codes of so many digits were expected", "地区代码位数不符")
        counts = np.zeros((2, len(kinds) + 1, len(areas) + 1))
        for at, (name, table) in enumerate(held.items()):
            # where areas count, what lies outside all of them was never seen
            counts[:, at, -1] = np.array(_pair(kinds[name], f"{where}.{name}")) * float(digits == 0)
            for area, cell in table.items():
                counts[:, at, areas.index(area)] = _pair(mapping(cell, f"{where}.{name}.{area}"), f"{where}.{name}")
        margins = [real(member(kind, "margin", where), f"{where}.{name}.margin", 0.0) for name, kind in kinds.items()]
        margins.append(real(member(data, "elsewhere", where), f"{where}.elsewhere", 0.0))
        return cls(digits, tuple(kinds), np.array(areas, dtype=f"U{max(digits, 1)}"), counts, np.array(margins))

    def of(self, kind: Words, area: Words) -> CellEvidence:
        """Look up the cells of rows.

        Args:
            kind: kind that makes up most of the value, shape (n,); None where there is none.
            area: area code of six or more digits, shape (n,); one that was never seen counts nothing.
        """
        at = np.full(len(kind), len(self.kinds))
        for place, name in enumerate(self.kinds):
            at = np.where(kind == name, place, at)
        where = np.full(len(kind), len(self.areas))
        if len(self.areas):
            code = area.astype(self.areas.dtype)  # cut to the digits of a cell
            near = np.minimum(np.searchsorted(self.areas, code), len(self.areas) - 1)
            where = np.where(self.areas[near] == code, near, where)
        told = kind != None  # noqa: E711  elementwise
        found = np.array([*self.counts[:, at, where], self.margin[at]])
        return CellEvidence(*np.where(told, found, np.nan))


def _pair(cell: Mapping[str, Any], where: str) -> tuple[float, float]:
    """Loans and defaults of one cell."""
    loans, defaults = (real(member(cell, key, where), f"{where}.{key}", 0.0) for key in ("loans", "defaults"))
    if defaults > loans:
        raise defect(where, "more defaults than loans", "违约数多于贷款数")
    return loans, defaults


@units(benchmark="dimensionless", margin="dimensionless", returns="dimensionless")
def benchmark_margin(benchmark: Floats, margin: Floats) -> Floats:
    """What is added to the scorecard's PD in a thin cell, ``min(1, b (1 + m)) - b``; ratio, any shape.

    Args:
        benchmark: b, PD of the scorecard.
        margin: m, margin over it.

    Example:
        >>> round(float(benchmark_margin(0.02, 0.3)), 12), round(float(benchmark_margin(0.8, 0.3)), 12)
        (0.006, 0.2)
    """
    return np.minimum(1.0, benchmark * (1.0 + margin)) - benchmark
