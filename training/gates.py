"""Bars of the plan and gates of the house: from statistics to green, amber, red or not run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from eco_credit.rulebook import RuleSet
from training.gate_judges import JUDGES, Verdict
from training.gate_limits import (
    AMBER,
    GREEN,
    NOT_RUN,
    RED,
    Limits,
    found_at,
    gate_table,
    limits_of_today,
    look_up,
    worst,
)
from training.plan import Bar

__all__ = ["AMBER", "GREEN", "NOT_RUN", "RED", "Gate", "gate_record", "gates", "look_up", "missed"]


@dataclass(frozen=True, slots=True)
class Gate:
    """One gate with what was found.

    Attributes:
        id: number of the gate in the modelling notes.
        name_zh, name_en: what it is about.
        statistic: dotted path of the headline figure.
        value: that figure; None where it could not be computed.
        low, high: its 95 % interval, where it has one.
        n: rows behind it, where they are counted.
        green, amber, red: the limits in words.
        colour: ``green``, ``amber``, ``red`` or ``not run``.
        source: where the test comes from.
        note: what was found in detail, or what was missing.
    """

    id: str
    name_zh: str
    name_en: str
    statistic: str
    value: float | None
    low: float | None
    high: float | None
    n: int | None
    green: str
    amber: str
    red: str
    colour: str
    source: str
    note: str

    @property
    def gate(self) -> str:
        """The number, by its older name."""
        return self.id

    @property
    def light(self) -> str:
        """The colour, by its older name."""
        return self.colour

    def as_dict(self) -> dict[str, Any]:
        """Plain data, with the older names ``gate`` and ``light`` beside the new ones."""
        return asdict(self) | {"gate": self.id, "light": self.colour}


def gates(statistics: Mapping[str, Any], rules: RuleSet | None = None) -> list[Gate]:
    """All gates with their colour.

    Args:
        statistics: what `training.evaluate.evaluate` found, with whatever the caller laid beside it.
        rules: rules of the limits; None takes the shipped ones.

    Returns:
        One gate per row of the table, in its order. A gate without what it needs is ``not run``, never green.
    """
    read = limits_of_today() if rules is None else rules
    return [_gate(name, entry, statistics, read) for name, entry in gate_table().items()]


def _gate(name: str, entry: Mapping[str, Any], statistics: Mapping[str, Any], rules: RuleSet) -> Gate:
    judge = entry.get("judge")
    verdict = JUDGES[judge](statistics, rules) if judge else _by_parts(entry["parts"], statistics, rules)
    note = verdict.note
    if verdict.colour == NOT_RUN and not note:
        note = f"not given: {entry['needs']}"
    value, low, high = _headline(found_at(statistics, entry["shows"]))
    rows = look_up(statistics, entry["count"]) if entry.get("count") else None
    green, amber, red = verdict.words
    return Gate(
        id=name, name_zh=entry["zh"], name_en=entry["en"], statistic=entry["shows"], value=value, low=low, high=high,
        n=None if rows is None else int(rows), green=green, amber=amber, red=red, colour=verdict.colour,
        source=entry["source"], note=note,
    )  # fmt: skip


def _headline(found: Any) -> tuple[float | None, float | None, float | None]:
    """Figure and interval from a number or from ``{value, low, high}``."""
    if isinstance(found, Mapping):
        value, low, high = (look_up(found, key) for key in ("value", "low", "high"))
        return value, low, high
    return look_up({"value": found}, "value"), None, None


def _by_parts(parts: Sequence[Mapping[str, Any]], statistics: Mapping[str, Any], rules: RuleSet) -> Verdict:
    """The worst part decides; a missing part leaves a gate that would be green not run."""
    colours, lacking, greens, ambers, notes = [], [], [], [], []
    for part in parts:
        limits, value = Limits.of(rules, part["rule"]), look_up(statistics, part["statistic"])
        short = part["statistic"] + " " if len(parts) > 1 else ""
        greens.append(short + limits.words[0])
        if limits.amber is not None:
            ambers.append(short + limits.words[1])
        if value is None:
            lacking.append(part["needs"])
            continue
        colours.append(limits.colour(value))
        notes.append(f"{part['statistic']} {value:.4g}")
    words = ("; ".join(greens), "; ".join(ambers) or "-", "else")
    told = [", ".join(notes)] if len(parts) > 1 and notes else []
    if lacking:
        told.append("not given: " + ", ".join(dict.fromkeys(lacking)))
    found = worst(colours)
    return Verdict(NOT_RUN if lacking and found == GREEN else found, "; ".join(told), words)


def missed(bars: Sequence[Bar], statistics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The bars that are not met; a statistic that does not exist meets no bar."""
    found = []
    for bar in bars:
        value = look_up(statistics, bar.statistic)
        low, high = bar.at_least, bar.at_most
        if value is None or (low is not None and value < low) or (high is not None and value > high):
            found.append({"statistic": bar.statistic, "value": value, "at_least": low, "at_most": high})
    return found


def gate_record(bars: Sequence[Bar], statistics: Mapping[str, Any], rules: RuleSet | None = None) -> dict[str, Any]:
    """What ``gate.json`` holds.

    The plan's bars decide: one missed makes the model red and it is not registered. Otherwise a house
    gate that is amber or red makes it amber: an approver must accept it in writing. Gates that were not run are
    listed under ``not_run`` for the approver to see; those that are red under ``red_gates``.
    """
    measured = gates(statistics, rules)
    short = missed(bars, statistics)
    calm = all(gate.colour in (GREEN, NOT_RUN) for gate in measured)
    status = RED if short else GREEN if calm else AMBER
    return {
        "status": status,
        "bars": [bar.model_dump() for bar in bars],
        "missed": short,
        "gates": [gate.as_dict() for gate in measured],
        "red_gates": [gate.id for gate in measured if gate.colour == RED],
        "not_run": [gate.id for gate in measured if gate.colour == NOT_RUN],
        "statistics": dict(statistics),
    }
