"""Summary of the proof that a table model is monotone, for gates and model cards.

The proof itself is `eco_credit.risk.monotone`: between neighbouring bins of feature i the score
moves at least by ``d f_i + sum_j min d f_ij``, one number per step, no sampling.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from eco_credit.risk.monotone import TOLERANCE, worst_steps
from eco_credit.risk.tables import TableModel


@dataclass(frozen=True, slots=True)
class MonotoneProof:
    """Result of the proof.

    Attributes:
        steps: number of steps between neighbouring bins that were bounded.
        violations: steps whose worst case goes against the sign by more than the tolerance.
        worst: the worst case over all steps in units of the raw score; 0 when perfect.
        by_feature: worst case per constrained feature.
    """

    steps: int
    violations: int
    worst: float
    by_feature: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def prove(model: TableModel, signs: Mapping[str, int]) -> MonotoneProof:
    """Bound every step of every constrained feature over all contexts.

    Args:
        model: a sum of tables.
        signs: feature to +1 (score may not fall as the feature rises), -1 or 0 (free).

    Returns:
        The proof; ``violations == 0`` means monotone everywhere.
    """
    bounds = {name: worst_steps(model, name, sign) for name, sign in signs.items() if sign != 0 and name in model.names}
    worst = {name: float(steps.min(initial=0.0)) for name, steps in bounds.items()}
    return MonotoneProof(
        steps=sum(len(steps) for steps in bounds.values()),
        violations=sum(int((steps < -TOLERANCE).sum()) for steps in bounds.values()),
        worst=min(worst.values(), default=0.0),
        by_feature=worst,
    )
