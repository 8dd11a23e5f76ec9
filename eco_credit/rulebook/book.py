"""The rulebook: dated values with authority and reference, read as of a day and as known on a day.

A rule is never overwritten. It has a history of ``{in_force, published, value, ref}``; the value of
a day is the last one in force on that day that had been published by the day of knowledge.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import yaml

from eco_credit.core.canonical import digest
from eco_credit.core.dates import day_of
from eco_credit.core.errors import RuleNotInForce

T = TypeVar("T")


def _read_yaml(text: str) -> Any:
    """Read YAML with the safe loader, the C one where it is built in: the book has hundreds of rules."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)) or {}  # noqa: S506


@dataclass(frozen=True, slots=True)
class Version:
    """One value of a rule: when it came into force, when it was published, where it stands."""

    in_force: dt.date
    published: dt.date
    value: Any
    ref: str
    article: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One rule with its whole history, as written in the YAML."""

    name: str
    about: str
    zh: str
    unit: str
    authority: str
    history: tuple[Version, ...]
    range: tuple[float, float] | None = None
    study: str | None = None
    verify: bool = False
    value_unit: str | None = None

    def version(self, day: dt.date, known: dt.date) -> Version | None:
        """The value in force on a day, among those published by the day of knowledge."""
        candidates = [v for v in self.history if v.in_force <= day and v.published <= known]
        return max(candidates, key=lambda v: (v.in_force, v.published), default=None)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as it stands on one day."""

    name: str
    about: str
    zh: str
    unit: str
    authority: str
    value: Any
    ref: str
    article: str | None
    range: tuple[float, float] | None
    verify: bool


@dataclass(frozen=True)
class RuleSet:
    """All rules in force on one day; frozen.

    Attributes:
        day: the day the rules are read for.
        known: only what was published by this day counts.
        rules: name to rule.
        digest: SHA-256 over names and values, overlay included.
        overlay_digest: SHA-256 of the lender's overlay, or None.
    """

    day: dt.date
    known: dt.date
    rules: Mapping[str, Rule]
    digest: str
    overlay_digest: str | None
    missing: Mapping[str, str] = field(default_factory=dict)
    _made: dict[Any, Any] = field(default_factory=dict, compare=False, repr=False)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is made of the rules alone, made at the first call and kept with them.

        Args:
            key: name of what is made, the same for the same thing.
            make: makes it; the caller must not change what comes back.
        """
        if key not in self._made:
            self._made[key] = make()
        made: T = self._made[key]
        return made

    def rule(self, name: str) -> Rule:
        """One rule by name.

        Raises:
            RuleNotInForce: the rulebook has no such rule, or none for this day.
        """
        try:
            return self.rules[name]
        except KeyError:
            why = self.missing.get(name, "is not in the rulebook")
            raise RuleNotInForce(f"rule {name} {why} on {self.day}", f"{self.day} 没有生效的规则 {name}") from None

    def __getitem__(self, name: str) -> Any:
        """Value of a rule in its declared unit."""
        return self.rule(name).value

    def number(self, name: str) -> float:
        """Value of a rule as a number in its declared unit."""
        return float(self.rule(name).value)

    def table(self, name: str) -> Mapping[str, Any]:
        """Value of a rule that is a mapping."""
        value = self.rule(name).value
        if not isinstance(value, Mapping):
            raise RuleNotInForce(f"rule {name} is not a table")
        return value

    def span(self, name: str) -> tuple[float, float, float]:
        """Low, central and high value of a numeric rule; all equal when it has no range."""
        rule = self.rule(name)
        central = float(rule.value)
        low, high = rule.range if rule.range is not None else (central, central)
        return low, central, high

    def under(self, prefix: str) -> list[Rule]:
        """Rules whose name starts with a prefix, in name order."""
        return [self.rules[name] for name in sorted(self.rules) if name.startswith(prefix)]


@dataclass(frozen=True)
class Book:
    """All rules of all days, with an optional overlay of the lender's own values."""

    entries: Mapping[str, Entry]
    overlay_digest: str | None = None
    _read: dict[tuple[dt.date, dt.date], RuleSet] = field(default_factory=dict, compare=False, repr=False)

    def at(self, day: str | dt.date, *, known: str | dt.date | None = None) -> RuleSet:
        """Read the rules of a day.

        Args:
            day: the day the rules must be in force on.
            known: the day of knowledge; values published later are not seen. Today's reader leaves
                it out and sees everything published by ``day`` or in force on it.

        Returns:
            The frozen rule set.

        Example:
            >>> load().at("2026-11-23").number("valuation.disposal.first_auction_floor")
            0.7
        """
        asked = day_of(day)
        knowledge = day_of(known) if known is not None else dt.date.max
        key = (asked, knowledge)
        if key not in self._read:
            if len(self._read) > 512:
                self._read.clear()
            self._read[key] = self._at(asked, knowledge)
        return self._read[key]

    def _at(self, day: dt.date, known: dt.date) -> RuleSet:
        rules: dict[str, Rule] = {}
        missing: dict[str, str] = {}
        for name, entry in self.entries.items():
            version = entry.version(day, known)
            if version is None:
                missing[name] = "was not in force or not yet published"
                continue
            rules[name] = Rule(
                name,
                entry.about,
                entry.zh,
                entry.unit,
                entry.authority,
                version.value,
                version.ref,
                version.article,
                entry.range,
                entry.verify,
            )
        content = digest({name: [rule.value, rule.range] for name, rule in rules.items()})
        return RuleSet(day, known, MappingProxyType(rules), content, self.overlay_digest, MappingProxyType(missing))


def _day(value: Any) -> dt.date:
    return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))


def entry_of(name: str, raw: Mapping[str, Any]) -> Entry:
    """Read one YAML entry into an `Entry`. The lint checks what this takes for granted."""
    span = raw.get("range")
    history = tuple(
        Version(_day(v["in_force"]), _day(v["published"]), v["value"], str(v["ref"]), v.get("article"))
        for v in raw["history"]
    )
    return Entry(
        name,
        raw["about"],
        raw.get("zh", ""),
        raw["unit"],
        raw["authority"],
        history,
        (float(span[0]), float(span[1])) if span is not None else None,
        raw.get("study"),
        bool(raw.get("verify", False)),
        raw.get("value_unit"),
    )


def raw_entries() -> dict[str, dict[str, Any]]:
    """All entries of the shipped YAML files: name ``<area>.<topic>.<key>`` to raw mapping."""
    root = resources.files("eco_credit.rulebook") / "rules"
    found: dict[str, dict[str, Any]] = {}
    for area in sorted((a for a in root.iterdir() if a.is_dir()), key=lambda a: a.name):
        for topic in sorted((t for t in area.iterdir() if t.name.endswith(".yaml")), key=lambda t: t.name):
            data = _read_yaml(topic.read_text(encoding="utf-8"))
            for key, raw in data.items():
                found[f"{area.name}.{topic.name.removesuffix('.yaml')}.{key}"] = raw
    return found


def _overlay(entries: dict[str, Entry], path: Path) -> str:
    """Lay a lender's own values over the shipped ones; returns the digest of the overlay file."""
    try:
        return _laid_over(entries, path)
    except (OSError, yaml.YAMLError, ValueError, TypeError, KeyError, AttributeError) as error:
        form, why = "{in_force, published, value, ref}", type(error).__name__
        raise RuleNotInForce(
            f"overlay {path.name} cannot be read: write rule: {form} ({why})",
            f"覆盖文件 {path.name} 无法读取，格式为 规则名: {form}（{why}）",
        ) from None


def _laid_over(entries: dict[str, Entry], path: Path) -> str:
    data = _read_yaml(path.read_text(encoding="utf-8"))
    for name, raw in data.items():
        shipped = entries.get(name)
        if shipped is None:
            raise RuleNotInForce(f"overlay {path.name} names an unknown rule: {name}", f"覆盖文件含未知规则：{name}")
        version = Version(
            _day(raw["in_force"]), _day(raw["published"]), raw["value"], str(raw["ref"]), raw.get("article")
        )
        if _is_number(version.value) != _is_number(shipped.history[0].value):
            raise TypeError(name)
        later = tuple(v for v in shipped.history if v.in_force != version.in_force)
        entries[name] = Entry(
            name,
            shipped.about,
            shipped.zh,
            shipped.unit,
            raw.get("authority", "house"),
            (*later, version),
            tuple(raw["range"]) if "range" in raw else shipped.range,
            shipped.study,
            shipped.verify,
            shipped.value_unit,
        )
    return digest({name: [str(raw["in_force"]), raw["value"]] for name, raw in data.items()})


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@cache
def load(overlay: Path | None = None) -> Book:
    """Load the shipped rulebook, with a lender's overlay when a path is given.

    Args:
        overlay: YAML file ``{rule name: {in_force, published, value, ref}}``.

    Returns:
        The book; loading the same path again returns the same object.

    Raises:
        RuleNotInForce: the overlay cannot be read, or names a rule that the shipped book does not have.
    """
    entries = {name: entry_of(name, raw) for name, raw in raw_entries().items()}
    overlay_digest = _overlay(entries, overlay) if overlay is not None else None
    return Book(MappingProxyType(entries), overlay_digest)
