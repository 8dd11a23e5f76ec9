"""Limits of the gates as the rulebook has them, and the colour of one figure by them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from eco_credit.rulebook import RuleSet, load

GREEN, AMBER, RED, NOT_RUN = "green", "amber", "red", "not run"
WORST = (GREEN, AMBER, RED)
RULES = "risk.gates"
RULES_DAY = "2026-11-23"
"""Day of the limits where none is given; the day plans are trained by."""
INFINITE = float("inf")


def limits_of_today() -> RuleSet:
    """The shipped rules of `RULES_DAY`."""
    return load().at(RULES_DAY)


@cache
def gate_table() -> Mapping[str, Mapping[str, Any]]:
    """The gates in order: id to words, headline figure, parts and source."""
    text = (resources.files("training") / "gate_table.yaml").read_text(encoding="utf-8")
    table: Mapping[str, Mapping[str, Any]] = yaml.safe_load(text)
    return table


def look_up(statistics: Mapping[str, Any], path: str) -> float | None:
    """A statistic by dotted path; None where there is none.

    Example:
        >>> look_up({"pd": {"auc": {"low": 0.7}}}, "pd.auc.low")
        0.7
    """
    value = found_at(statistics, path)
    plain = isinstance(value, int | float) and not isinstance(value, bool) and value == value  # NaN is no figure
    return float(value) if plain else None


def found_at(statistics: Mapping[str, Any], path: str) -> Any:
    """Whatever stands at a dotted path; None where there is nothing."""
    value: Any = statistics
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


@dataclass(frozen=True, slots=True)
class Limits:
    """Ends of green and amber, both inclusive; ``amber`` is None where what is not green is red."""

    green: tuple[float, float]
    amber: tuple[float, float] | None

    @classmethod
    def of(cls, rules: RuleSet, rule: str) -> Limits:
        """Limits of a rule ``risk.gates.<rule>``: a table of ``green_low``, ``green_high`` and the same of amber."""
        table = rules.table(f"{RULES}.{rule}")
        amber = (float(table.get("amber_low", -INFINITE)), float(table.get("amber_high", INFINITE)))
        green = (float(table.get("green_low", -INFINITE)), float(table.get("green_high", INFINITE)))
        return cls(green, amber if {"amber_low", "amber_high"} & set(table) else None)

    def colour(self, value: float) -> str:
        """Green, amber or red; a value that is no number is red.

        Example:
            >>> [Limits((0.7, INFINITE), (0.65, INFINITE)).colour(v) for v in (0.7, 0.66, 0.5, float("nan"))]
            ['green', 'amber', 'red', 'red']
        """
        if self.green[0] <= value <= self.green[1]:
            return GREEN
        return AMBER if self.amber is not None and self.amber[0] <= value <= self.amber[1] else RED

    @property
    def words(self) -> tuple[str, str]:
        """Green and amber in signs, e.g. ``>= 0.7`` and ``>= 0.65``; ``-`` for no amber."""
        return span(*self.green), "-" if self.amber is None else span(*self.amber)


def span(low: float, high: float) -> str:
    """A range in signs.

    Example:
        >>> span(0.8, 1.2), span(0.7, INFINITE), span(-INFINITE, 0.03), span(0.0, 0.0)
        ('0.8 to 1.2', '>= 0.7', '<= 0.03', '0')
    """
    if low == high:
        return f"{low:g}"
    if high == INFINITE:
        return f">= {low:g}" if low > -INFINITE else "any"
    return f"<= {high:g}" if low == -INFINITE else f"{low:g} to {high:g}"


def worst(colours: list[str]) -> str:
    """The worst of some colours, green among none.

    Example:
        >>> worst(["green", "red", "amber"]), worst([])
        ('red', 'green')
    """
    return max(colours, key=WORST.index, default=GREEN)
