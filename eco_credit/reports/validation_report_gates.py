"""Gates and statistics as lines of a table, in whatever of the known shapes they come."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eco_credit.reports.formats import UNKNOWN, brief, number, percent
from eco_credit.reports.page import words

NOT_RUN = "not_run"
"""What a gate shows that was not measured."""
COLOURS = ("red", "amber", "green", NOT_RUN)
"""What a gate can show, the gravest first."""
_PARTS = ("value", "low", "high")


@dataclass(frozen=True, slots=True)
class GateLine:
    """One gate in words.

    Attributes:
        id: number of the gate.
        name: what it asks.
        statistic: the statistic it reads; may be empty.
        value: what was found.
        span: its interval; may be empty.
        rows: rows behind it; may be empty.
        limits: colour and its limit in words, for each limit given.
        colour: one of `COLOURS`.
        source: where the gate comes from; may be empty.
        note: what else there is to say; may be empty.
    """

    id: str
    name: str
    statistic: str
    value: str
    span: str
    rows: str
    limits: tuple[tuple[str, str], ...]
    colour: str
    source: str
    note: str


def gate_lines(gates: Any, lang: str) -> list[GateLine]:
    """Gates as lines.

    Args:
        gates: a list of mappings with ``id`` (or ``gate``), ``colour`` (or ``light``) and whatever else is known, or a
            mapping of number to colour; anything else has no lines.
        lang: ``zh`` or ``en``.
    """
    if isinstance(gates, Mapping):
        gates = [{"id": name, "colour": light} for name, light in gates.items()]
    if not isinstance(gates, Sequence) or isinstance(gates, str):
        return []
    return [_line(gate, lang) for gate in gates if isinstance(gate, Mapping)]


def _line(gate: Mapping[str, Any], lang: str) -> GateLine:
    code = str(gate.get("id") or gate.get("gate") or "")
    known = words("eco_credit.reports", lang)
    name = gate.get(f"name_{lang}") or known.get(f"validation.gate.{code}") or code
    limits = tuple((colour, said) for colour in ("green", "amber", "red") if (said := limit(gate.get(colour), lang)))
    return GateLine(
        id=code, name=str(name), statistic=str(gate.get("statistic") or ""), value=figure(gate.get("value")),
        span=_span(gate.get("low"), gate.get("high")), rows=_rows(gate.get("n")), limits=limits,
        colour=_colour(gate.get("colour", gate.get("light"))),
        source=_said(gate, "source", lang), note=_said(gate, "note", lang),
    )  # fmt: skip


def _colour(value: Any) -> str:
    found = str(value or "").strip().lower()
    return found if found in COLOURS else NOT_RUN


def _rows(value: Any) -> str:
    return "" if value is None else brief(value, 0)


def _span(low: Any, high: Any) -> str:
    return "" if low is None or high is None else f"{figure(low)} – {figure(high)}"


def _said(gate: Mapping[str, Any], key: str, lang: str) -> str:
    """A sentence of a gate: in the language where there is one, else as it is."""
    value = gate.get(f"{key}_{lang}") or gate.get(key) or ""
    return str(value.get(lang, "")) if isinstance(value, Mapping) else str(value)


def limit(value: Any, lang: str) -> str:
    """A limit in words: a sentence as it is, a pair as a range.

    Example:
        >>> limit([0.7, 1.0], "en"), limit("p >= .05", "en"), limit(None, "en")
        ('0.7 – 1', 'p >= .05', '')
    """
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return str(value.get(lang) or " – ".join(figure(value.get(end)) for end in ("low", "high")))
    if isinstance(value, list | tuple):
        return " – ".join(figure(end) for end in value)
    return figure(value) if isinstance(value, int | float) else str(value)


def upper(value: Any) -> float | None:
    """The upper end of a limit, whatever its shape; None where there is no number.

    Example:
        >>> upper("0 to 0.1"), upper([0.0, 0.25]), upper("< .10"), upper(None)
        (0.1, 0.25, 0.1, None)
    """
    found = re.findall(r"\d*\.?\d+(?:e-?\d+)?", limit(value, "en"))
    return float(found[-1]) if found else None


def counts(lines: Sequence[GateLine]) -> dict[str, int]:
    """How many gates show each colour."""
    return {colour: sum(line.colour == colour for line in lines) for colour in COLOURS}


def figure(value: Any) -> str:
    """A statistic in at most four decimals; a very small one by its power of ten.

    Example:
        >>> figure(0.92886), figure(3.55e-15), figure(0.0), figure(None), figure("p < .01")
        ('0.9289', '3.6e-15', '0', '—', 'p < .01')
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return UNKNOWN if value is None else str(value)
    if not math.isfinite(value):
        return UNKNOWN
    return f"{value:.1e}" if 0.0 < abs(value) < 5e-4 else brief(value)


def area(value: Any) -> str:
    """A statistic between 0 and 1 that is read as such (AUC, KS): three decimals."""
    return number(value, 3)


def with_span(interval: Any, *, rate: bool = False) -> str:
    """A statistic and its interval, such as ``0.929 (0.900 – 0.958)``; a rate in percent.

    Example:
        >>> with_span({"value": 0.02, "low": 0.01, "high": 0.03}, rate=True), with_span(None)
        ('2.00% (1.00% – 3.00%)', '—')
    """
    shown = percent if rate else area
    if not isinstance(interval, Mapping):
        return shown(interval)
    value, low, high = (shown(interval.get(part)) for part in _PARTS)
    return value if interval.get("low") is None else f"{value} ({low} – {high})"


@dataclass(frozen=True, slots=True)
class Table:
    """A table in words: its name (may be empty), heads and rows."""

    name: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables_of(found: Any, lang: str, name: str = "") -> list[Table]:
    """Any nested statistics as tables, for parts whose shape is not fixed here.

    Args:
        found: mappings, lists of mappings and numbers, nested.
        lang: ``zh`` or ``en``.
        name: name of what is passed.

    Returns:
        A table for each list of mappings, and one of names and values for the numbers of each mapping.
    """
    if isinstance(found, list | tuple):
        rows = [row for row in found if isinstance(row, Mapping)]
        heads = list(dict.fromkeys(key for row in rows for key in row))
        cells = tuple(tuple(_cell(row.get(head)) for head in heads) for row in rows)
        return [Table(name, tuple(word(head, lang) for head in heads), cells)] if rows else []
    if not isinstance(found, Mapping):
        return []
    plain = {key: value for key, value in found.items() if not _nested(value)}
    titles = (word("statistic", lang), word("value", lang))
    own = [Table(name, titles, tuple((word(key, lang), _cell(value)) for key, value in plain.items()))] if plain else []
    inner = [one for key, value in found.items() if _nested(value) for one in tables_of(value, lang, word(key, lang))]
    return own + inner


def _nested(value: Any) -> bool:
    if isinstance(value, Mapping):
        return "value" not in value
    return isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value)


def _cell(value: Any) -> str:
    if isinstance(value, Mapping):
        span = _span(value.get("low"), value.get("high"))
        return figure(value.get("value")) + (f" ({span})" if span else "")
    if isinstance(value, list | tuple):
        return ", ".join(figure(item) for item in value)
    return str(value) if isinstance(value, bool) else figure(value)


def word(key: str, lang: str) -> str:
    """Name of a statistic in words; without words of its own, its key."""
    return words("eco_credit.reports", lang).get(f"validation.word.{key}", str(key).replace("_", " "))
