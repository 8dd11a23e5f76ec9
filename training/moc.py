"""Margins of conservatism of a trained PD, quantified from the evidence of the training and what the risk team states.

A, data: loans without an outcome, taken at the upper bound of the default rate. B, environment: the part of the
default rate out of time that neither the PDs nor chance explain. C, estimation error: distance of the upper bound of
the rate the level rests on from that rate. Measured margins grow with the PD, as an error of level does; stated ones
are points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.risk.margin import CATEGORIES
from eco_credit.rulebook import RuleSet
from training.datasets import Tape
from training.margins import Deficiency, pd_upper
from training.metrics.calibration import effective_count
from training.split import Rows, Windows

UNLABELLED, LATER, ERROR = "loans without outcome", "default rate out of time", "estimation error of the level"


@dataclass(frozen=True, slots=True)
class Item:
    """One margin.

    Attributes:
        category: ``a``, ``b`` or ``c``.
        name: what it is for.
        absolute: points added whatever the PD, ratio.
        relative: part of the PD added, ratio.
        about: how it was found.
    """

    category: str
    name: str
    absolute: float
    relative: float
    about: str


@dataclass(frozen=True)
class PdMargins:
    """All margins of a PD."""

    items: tuple[Item, ...]

    def as_json(self) -> dict[str, dict[str, float]]:
        """What ``pd.json`` stores: ``absolute`` and ``relative`` by category."""
        return {
            kind: {c: float(sum(getattr(i, kind) for i in self.items if i.category == c)) for c in CATEGORIES}
            for kind in ("absolute", "relative")
        }

    def as_dict(self) -> dict[str, Any]:
        """The same with every item, for the record."""
        return self.as_json() | {"items": [asdict(item) for item in self.items]}


def pd_margins(
    pd: Floats, tape: Tape, windows: Windows, *, level: tuple[Rows, float | None], stated: Sequence[Deficiency],
    rules: RuleSet,
) -> PdMargins:  # fmt: skip
    """The margins of a PD as it is served.

    Args:
        pd: best estimate of every row of the tape, shape (n,).
        tape: labelled rows.
        windows: the split.
        level: rows the level of the PD was estimated on, and that level where it is not their default rate.
        stated: deficiencies the risk team states.
        rules: ``risk.margins.confidence``.
    """
    rows, fixed = level
    rate, count = _rate(tape, rows)
    best, upper = rate if fixed is None else fixed, pd_upper(rate * count, count, rules)
    missing = tape.unlabelled / (tape.unlabelled + tape.labelled)
    later, seen = _rate(tape, windows.evaluate)
    low = 1.0 - pd_upper((1.0 - later) * seen, seen, rules)
    mean = float(np.average(pd[windows.evaluate], weights=tape.weight[windows.evaluate]))
    found = (
        Item("a", UNLABELLED, 0.0, missing * _above(upper, best), f"{missing:.4f} of loans, rate at most {upper:.4f}"),
        Item("b", LATER, 0.0, _above(low, mean), f"rate at least {low:.4f}, mean PD {mean:.4f}"),
        Item("c", ERROR, 0.0, _above(upper, best), f"rate {best:.4f}, at most {upper:.4f}"),
    )
    told = [Item(d.category.lower(), d.name, d.addition, 0.0, f"{d.about} ({d.stated_by}, {d.stated_on})")
            for d in stated if d.parameter == "pd"]  # fmt: skip
    return PdMargins((*found, *told))


def _rate(tape: Tape, rows: Rows) -> tuple[float, float]:
    """Default rate of some rows and their effective number."""
    weight = tape.weight[rows]
    return float(np.average(tape.target[rows], weights=weight)), effective_count(weight)


def _above(upper: float, best: float) -> float:
    """How far an end lies above an estimate, as part of the estimate; 0 where it does not."""
    return max(upper / best - 1.0, 0.0) if best > 0.0 else 0.0
