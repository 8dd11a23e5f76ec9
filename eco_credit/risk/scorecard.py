"""Points and grade: two ways of writing a PD, on one master scale, so they can never disagree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats, rounded
from eco_credit.risk.checks import defect, mapping, member, real, rising, sequence, word

if TYPE_CHECKING:
    from eco_credit.rulebook import RuleSet


@dataclass(frozen=True, slots=True)
class Scale:
    """The master scale.

    Attributes:
        grades: codes from the best to the worst.
        upper_pd: upper end of the PD of each grade (inclusive), rising, the last one 1.0.
        base_points: points at the base odds.
        base_odds: good to bad odds worth the base points (50 means 50 good for 1 bad).
        points_to_double: points by which doubled odds are better.
        least_reason: contributions below this many logits are not worth a reason.
    """

    grades: tuple[str, ...]
    upper_pd: Floats
    base_points: float
    base_odds: float
    points_to_double: float
    least_reason: float

    @classmethod
    def parse(cls, value: Any, where: str = "scale.json") -> Scale:
        """Read ``{grades: [{code, upper_pd}], points: {base_points, base_odds, points_to_double}, least_reason}``.

        Raises:
            ModelNotServable: no grades, bounds out of order, a last bound other than 1, odds or points not above 0.
        """
        data = mapping(value, where)
        rows = [mapping(row, f"{where}.grades") for row in sequence(member(data, "grades", where), f"{where}.grades")]
        codes = tuple(word(member(row, "code", f"{where}.grades"), f"{where}.grades") for row in rows)
        bounds = np.array([real(member(row, "upper_pd", f"{where}.grades"), where, 0.0, 1.0) for row in rows])
        if not len(bounds) or rising(bounds, f"{where}.grades")[-1] != 1.0 or len(set(codes)) != len(codes):
            raise defect(f"{where}.grades", "distinct grades up to a PD of 1 were expected", "等级应互异且末级上限为1")
        points = mapping(member(data, "points", where), f"{where}.points")
        base = real(member(points, "base_points", where), f"{where}.points.base_points")
        odds, double = (
            real(member(points, key, where), f"{where}.points.{key}", 1e-9) for key in ("base_odds", "points_to_double")
        )
        least = real(member(data, "least_reason", where), f"{where}.least_reason", 0.0)
        return cls(codes, bounds, base, odds, double, least)

    def grade(self, pd: Floats) -> npt.NDArray[np.object_]:
        """Grade code of each PD, shape (n,): the first grade with ``pd <= upper``; None where the PD is unknown."""
        codes = np.array([*self.grades, None], dtype=object)
        # numpy sorts NaN after every bound, that is on the None at the end
        result: npt.NDArray[np.object_] = codes[np.searchsorted(self.upper_pd, pd, side="left")]
        return result

    def points(self, pd: Floats) -> Floats:
        """Whole points of each PD, shape (n,): ``base + D / ln 2 * (ln((1 - pd) / pd) - ln base_odds)``, rounded."""
        better = np.log1p(-pd) - np.log(pd) - math.log(self.base_odds)
        return rounded(self.base_points + self.points_per_logit * better, 0)

    @property
    def points_per_logit(self) -> float:
        """Points lost for one more logit of PD: ``D / ln 2``."""
        return self.points_to_double / math.log(2.0)


def scale_from_rules(rules: RuleSet) -> dict[str, Any]:
    """The content of ``scale.json`` by the rules of a day.

    Returns:
        Plain data as read by `Scale.parse`.

    Raises:
        RuleNotInForce: a rule of the scale is missing on that day.
    """
    bounds = sorted((float(bound), str(code)) for code, bound in rules.table("risk.scale.grades").items())
    keys = ("base_points", "base_odds", "points_to_double")
    return {
        "grades": [{"code": code, "upper_pd": bound} for bound, code in bounds],
        "points": {key: rules.number(f"risk.scale.{key}") for key in keys},
        "least_reason": rules.number("risk.reason.least_contribution"),
    }
