"""Sentences of the monitoring report: what a trigger found, in words of zh and en."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eco_credit.reports.formats import UNKNOWN, number, percent
from eco_credit.reports.page import translator

PERCENTS = frozenset({"share", "expected", "move", "rate", "predicted"})
"""Values read in percent."""
PERCENT_BARS = frozenset({"price", "overrides"})
"""Triggers whose bar is read in percent."""
PLAIN = frozenset({"count", "moved", "decided", "quarters", "vintage", "since", "until"})
"""Values shown as they are."""
MOST_NAMES = 6
"""Most names listed in a sentence."""


def sentence(name: str, lang: str, trigger: Mapping[str, Any] | None = None) -> str:
    """What a trigger says; without one, the sentence ``name`` itself.

    Args:
        name: name of the trigger, or of a sentence without values.
        lang: ``zh`` or ``en``.
        trigger: plain data with ``light`` and ``values``.

    Returns:
        One sentence. A grey trigger says what it would need.

    Raises:
        KeyError: the sentence or the language is unknown.

    Example:
        >>> sentence("price", "en", {"light": "grey", "values": {}})
        'Give a price index with --prices.'
    """
    t = translator(lang)
    if trigger is None:
        return t(f"monitor.{name}")
    if trigger["light"] == "grey":
        return t(f"monitor.grey.{name}")
    values = dict(trigger["values"])
    plain = {key: _shown(name, key, value, lang) for key, value in values.items()}
    said = t(f"monitor.say.{name}", **plain)
    if name == "performance" and values["matured_drop"] is not None:
        said += t("monitor.say.confirmed", **plain)
    return said


def _shown(name: str, key: str, value: Any, lang: str) -> str:
    if key == "names":
        return listed(value, lang)
    if key in PLAIN:
        return UNKNOWN if value is None else str(value)
    if key in PERCENTS or (key == "bar" and name in PERCENT_BARS):
        return percent(value)
    shown = number(value, 3)
    return shown if shown.strip("-0.") else shown.removeprefix("-")  # a hair below zero is shown as zero


def listed(names: list[str], lang: str) -> str:
    """Names in a row, the first six of many; a dash for none.

    Example:
        >>> listed(["ltv", "dscr"], "zh"), listed([], "en")
        ('ltv、dscr', '—')
    """
    join = "、" if lang == "zh" else ", "
    return (join.join(names[:MOST_NAMES]) + (" …" if len(names) > MOST_NAMES else "")) or UNKNOWN
