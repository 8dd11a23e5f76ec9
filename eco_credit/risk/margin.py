"""Margins of conservatism on a PD: what a supervisor wants added to the best estimate, kept apart from it.

Source: EBA/GL/2017/16, paragraphs 36 to 45: categories A (data and methods), B (changed standards, policies or
environment) and C (general estimation error), added up to one final margin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.risk.checks import mapping, member, real

CATEGORIES = ("a", "b", "c")
MOST_RELATIVE = 100.0
"""A margin of more than a hundred times the estimate is a mistake."""


@units(best="dimensionless", a="dimensionless", b="dimensionless", c="dimensionless", returns="dimensionless")
def with_margins(best: Floats, a: Floats, b: Floats, c: Floats) -> Floats:
    """Best estimate plus its margins, ``min(1, best + A + B + C)``; ratio, any shape.

    Example:
        >>> round(float(with_margins(0.02, 0.001, 0.002, 0.004)), 12)
        0.027
    """
    return np.minimum(1.0, best + a + b + c)


@dataclass(frozen=True, slots=True)
class Margin:
    """``m(PD) = min(1, absolute + relative PD)`` for each category.

    Attributes:
        absolute: points added whatever the PD, ratio, shape (3, 1): A, B, C.
        relative: parts of the PD added, ratio, shape (3, 1).
    """

    absolute: Floats
    relative: Floats

    @classmethod
    def parse(cls, value: Any, where: str) -> Margin:
        """Read ``{absolute: {a, b, c}, relative: {a, b, c}}``; `ModelNotServable` on any defect."""
        data = mapping(value, where)
        ends = {}
        for name, most in (("absolute", 1.0), ("relative", MOST_RELATIVE)):
            part = mapping(member(data, name, where), f"{where}.{name}")
            found = [real(member(part, c, f"{where}.{name}"), f"{where}.{name}.{c}", 0.0, most) for c in CATEGORIES]
            ends[name] = np.array(found)[:, None]
        return cls(**ends)

    def of(self, pd: Floats) -> Floats:
        """A, B, C and the PD with all three, shape (4, n); pd of shape (n,)."""
        a, b, c = np.minimum(self.absolute + self.relative * pd, 1.0)
        return np.array([a, b, c, with_margins(pd, a, b, c)])
