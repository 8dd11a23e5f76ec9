"""Bars of the plan and gates of the house: from statistics to green, amber or red."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from training.plan import Bar

GREEN, AMBER, RED = "green", "amber", "red"


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate with what was found.

    Attributes:
        gate: number of the gate in the modelling notes.
        statistic: dotted path of the statistic.
        value: what was found; None where it could not be computed.
        green: sentence of the green limit.
        light: ``green``, ``amber``, ``red`` or ``not measured``.
    """

    gate: str
    statistic: str
    value: float | None
    green: str
    light: str


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of a gate: within ``green`` green, within ``amber`` amber, else red (both inclusive)."""

    gate: str
    statistic: str
    green: tuple[float, float]
    amber: tuple[float, float]


INFINITE = float("inf")
LIMITS = (
    Limits("G1a", "pd.auc.low", (0.70, 1.0), (0.65, 1.0)),
    Limits("G1c", "overfit", (-1.0, 0.03), (-1.0, 0.05)),
    Limits("G1e", "benchmark.difference.value", (0.01, 1.0), (0.0, 1.0)),
    Limits("G2a", "pd.jeffreys", (0.05, 1.0), (0.01, 1.0)),
    Limits("G2c", "pd.cox.slope.value", (0.8, 1.2), (0.7, 1.3)),
    Limits("G2e", "pd.ece_to_rate", (0.0, 0.15), (0.0, 0.30)),
    Limits("G4", "proof.violations", (0.0, 0.0), (0.0, 0.0)),
    Limits("G5a", "stability.score.value", (0.0, 0.10), (0.0, 0.25)),
    Limits("G5c", "walk_forward.sd", (0.0, 0.03), (0.0, 0.05)),
    Limits("G6a", "lgd.underestimated", (0.05, 1.0), (0.01, 1.0)),
    Limits("G7", "lgd.floor_coverage.high", (0.95, 1.0), (0.93, 1.0)),
    Limits("G10", "collapse_error", (0.0, 1e-12), (0.0, 1e-12)),
)
"""The gates that are measured here (modelling notes 4.7); the rest need people or time."""


def look_up(statistics: Mapping[str, Any], path: str) -> float | None:
    """A statistic by dotted path; None where there is none.

    Example:
        >>> look_up({"pd": {"auc": {"low": 0.7}}}, "pd.auc.low")
        0.7
    """
    value: Any = statistics
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def gates(statistics: Mapping[str, Any]) -> list[Gate]:
    """All gates with their light."""
    return [_gate(limits, look_up(statistics, limits.statistic)) for limits in LIMITS]


def _gate(limits: Limits, value: float | None) -> Gate:
    low, high = limits.green
    words = f"{low:g} to {high:g}"
    if value is None:
        return Gate(limits.gate, limits.statistic, None, words, "not measured")
    light = RED
    if limits.amber[0] <= value <= limits.amber[1]:
        light = AMBER
    if low <= value <= high:
        light = GREEN
    return Gate(limits.gate, limits.statistic, value, words, light)


def missed(bars: Sequence[Bar], statistics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The bars that are not met; a statistic that does not exist meets no bar."""
    found = []
    for bar in bars:
        value = look_up(statistics, bar.statistic)
        low, high = bar.at_least, bar.at_most
        if value is None or (low is not None and value < low) or (high is not None and value > high):
            found.append({"statistic": bar.statistic, "value": value, "at_least": low, "at_most": high})
    return found


def gate_record(bars: Sequence[Bar], statistics: Mapping[str, Any]) -> dict[str, Any]:
    """What ``gate.json`` holds.

    The plan's bars decide: one missed makes the model red and it is not registered. Otherwise a house
    gate that is not green makes it amber: an approver must accept it in writing.
    """
    measured = gates(statistics)
    short = missed(bars, statistics)
    calm = all(gate.light in (GREEN, "not measured") for gate in measured)
    status = RED if short else GREEN if calm else AMBER
    return {
        "status": status,
        "bars": [bar.model_dump() for bar in bars],
        "missed": short,
        "gates": [asdict(gate) for gate in measured],
        "statistics": dict(statistics),
    }
