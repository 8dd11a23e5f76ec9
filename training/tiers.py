"""Which shape of PD model is served: what the number of defaults allows, or what the plan asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.rulebook import RuleSet
from training.datasets import Tape
from training.low_default import EXPERT_ANCHORED, Tier, tier_of
from training.metrics.calibration import effective_count
from training.plan import Champion
from training.split import Rows, Windows

BOUND, PRIOR, SCORECARD, TABLES = SHAPES = ("bound", "prior", "scorecard", "tables")
"""Shapes that may be served, from the poorest to the richest: expert's order at its upper bound, logistic regression
with a prior, scorecard, boosted tables."""
ALLOWED = {"bound": BOUND, "prior": PRIOR, "logistic": SCORECARD, "full": TABLES}
"""Tier to the richest shape it allows."""


@dataclass(frozen=True)
class Choice:
    """The shape that is served, and why.

    Attributes:
        tier: what the number of defaults allows.
        shape: what is served.
        defaults: effective number of defaults in time and calibration.
        out_of_time: the same out of time.
        reason: the plan's reason for a richer shape than allowed; empty where none is needed.
    """

    tier: Tier
    shape: str
    defaults: float
    out_of_time: float
    reason: str

    @property
    def forced(self) -> str | None:
        """``richer`` or ``simpler`` than the defaults allow; None where they decided."""
        step = SHAPES.index(self.shape) - SHAPES.index(ALLOWED[self.tier.name])
        return None if step == 0 else "richer" if step > 0 else "simpler"

    @property
    def flag(self) -> str | None:
        """Mark every result must carry: an expert's order is no estimate from outcomes."""
        return EXPERT_ANCHORED if self.shape == BOUND else None

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "name": self.tier.name, "champion": self.tier.champion, "shape": self.shape, "forced": self.forced,
            "reason": self.reason, "flag": self.flag, "defaults": self.defaults, "out_of_time": self.out_of_time,
        }  # fmt: skip


def choose(asked: Champion, tape: Tape, windows: Windows, rules: RuleSet) -> Choice:
    """The shape to serve.

    Args:
        asked: what the plan says; ``auto`` takes the richest shape the defaults allow.
        tape: labelled rows.
        windows: the split.
        rules: ``risk.low_default.*``.

    Returns:
        The shape with its tier.

    Raises:
        ContractError: the plan asks for a richer shape than the defaults allow and gives no reason.
    """
    if tape.whole is not None and tape.whole.defaults is not None:
        seen, later = tape.whole.effective("train", "stop", "calibrate"), tape.whole.effective("evaluate")
    else:
        seen = defaults_of(tape, np.concatenate([windows.in_time, windows.calibrate]))
        later = defaults_of(tape, windows.evaluate)
    tier = tier_of(seen, rules, out_of_time=later)
    shape = ALLOWED[tier.name] if asked.shape == "auto" else asked.shape
    made = Choice(tier, shape, seen, later, asked.reason.strip())
    if made.forced == "richer" and not made.reason:
        en = f"{seen:.0f} defaults, {later:.0f} out of time: they allow {ALLOWED[tier.name]}, not {shape}; say why"
        zh = f"违约数{seen:.0f}、时间外{later:.0f}：仅可采用{ALLOWED[tier.name]}，采用{shape}须写明理由"
        raise ContractError([Violation("champion.reason", "missing", en, zh)])
    _refuse_a_sample(made, tape)
    return made


def _refuse_a_sample(made: Choice, tape: Tape) -> None:
    """Only boosted tables are grown on all rows of a sampled tape; scarce defaults are not to be thrown away."""
    rows = {} if tape.whole is None else tape.whole.rows
    cut = [rows[name][0] for name in ("train", "stop", "calibrate") if name in rows and rows[name][1] < rows[name][0]]
    if made.shape != TABLES and cut:
        en = f"the shape {made.shape} rests on the rows held: set it to {max(cut)} or more, or train on one machine"
        zh = f"模型形态 {made.shape} 只依据载入的样本，请设为不少于 {max(cut)}，或在单机训练"
        raise ContractError([Violation("dask.rows", "minimum", en, zh)])


def defaults_of(tape: Tape, rows: Rows) -> float:
    """Effective number of defaults among some rows."""
    bad = rows[tape.target[rows] > 0.0]
    return effective_count(tape.weight[bad]) if len(bad) else 0.0
