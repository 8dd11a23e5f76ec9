"""From a posted form to an application, and from an application to the values of a form.

A form value is named by the path of its field, the same path the contract uses when it complains
(``pledges[0].area``). The unit chosen beside a number is posted as ``unit:<path>``, the number of
members of a list as ``count:<path>``. Blank means not known and is left out; it is never zero.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eco_credit.contracts import contract, pledge_kinds
from eco_credit.contracts.field import Field, Group
from eco_credit.core.errors import Violation
from serving.web.paper import read_number, unit_named, units_of, write_number

MAX_MEMBERS = 20
"""Members of one list that the page offers; more go in by file or API."""

_SEPARATORS = re.compile(r"[,，、;；\s]+")
_MEMBER = re.compile(r"[a-z_]+\[\d{1,3}\]")
_YES_NO = {"yes": True, "no": False}

Raw = dict[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read from a form: the application and what could not be read."""

    application: dict[str, Any]
    violations: list[Violation]


def joined(prefix: str, name: str) -> str:
    """Path of a member of the record at ``prefix``."""
    return f"{prefix}.{name}" if prefix else name


def body_of(group: Group, kind: str) -> Group:
    """The record the members of a group hold: the kind's own contract where members follow kinds."""
    return contract(kind).root if group.variants else group


def kind_at(kind: str, path: str, raw: Mapping[str, str]) -> str:
    """The kind of the pledge a path leads into: the one the form says of it, else the kind of the form.

    Example:
        >>> said = {"pledges[1].kind": "order", "pledges[2].kind": "gold"}
        >>> [kind_at("water_right", f"pledges[{place}].area", said) for place in (0, 1, 2)]
        ['water_right', 'order', 'water_right']
    """
    found = _MEMBER.match(path)
    said = raw.get(f"{found[0]}.kind", "") if found else ""
    return said if said in pledge_kinds() else kind


def shown_fields(group: Group) -> tuple[Field, ...]:
    """The fields a person fills in; the kind is known from the form's address."""
    return tuple(one for one in group.fields if one.name != "kind")


def count_of(group: Group, path: str, raw: Mapping[str, str]) -> int:
    """How many members of a list the form shows; at least what the contract asks for, and one pledge."""
    least = max(group.min_items, 1 if group.variants else 0)
    text = raw.get(f"count:{path}", "")
    asked = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else least
    return max(least, min(asked, MAX_MEMBERS, group.max_items))


def _unreadable(path: str, rule: str) -> Violation:
    """What to say when a text is not of the field's type."""
    said = {
        "number": ("must be a number", "须为数字"),
        "integer": ("must be a whole number", "须为整数"),
        "characters": ("holds control characters", "含控制字符"),
    }
    return Violation(path, rule, *said[rule])


def _numeric(one: Field, path: str, raw: Mapping[str, str]) -> float | int | Violation:
    """A number in the stored unit."""
    value = read_number(raw[path], unit_named(one, raw.get(f"unit:{path}", "")))
    if value is None:
        return _unreadable(path, "number")
    if one.type == "integer":
        return int(value) if value.is_integer() else _unreadable(path, "integer")
    return value


def _text(one: Field, path: str, text: str) -> Any:
    """Text, or a list of texts, without the characters that never belong on paper."""
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in text):
        return _unreadable(path, "characters")
    return [part for part in _SEPARATORS.split(text) if part] if one.many else text


def value_of(one: Field, path: str, raw: Mapping[str, str]) -> Any:
    """The value of one field, a violation, or None when it was left blank."""
    text = raw.get(path, "").strip()
    if not text:
        return None
    if one.type == "boolean":
        return _YES_NO.get(text)
    if one.is_number and not one.many:
        return _numeric(one, path, raw)
    return _text(one, path, text)


@dataclass(frozen=True, slots=True)
class _Reader:
    """Walks the application contract and collects what the form says."""

    kind: str
    raw: Mapping[str, str]
    violations: list[Violation]

    def record(self, group: Group, prefix: str) -> dict[str, Any]:
        """One record with its own fields and the records within."""
        found: dict[str, Any] = {}
        for one in shown_fields(group):
            path = joined(prefix, one.name)
            value = value_of(one, path, self.raw)
            if isinstance(value, Violation):
                self.violations.append(value)
            elif value is not None:
                found[one.name] = value
        for inner in group.groups:
            part = self.inner(inner, joined(prefix, inner.name))
            if part or inner.required:
                found[inner.name] = part
        return found

    def inner(self, group: Group, path: str) -> Any:
        """An inner record, or the list of its members; empty members of an optional list are left out."""
        if not group.many:
            return self.record(body_of(group, self.kind), path)
        places = [f"{path}[{place}]" for place in range(count_of(group, path, self.raw))]
        kinds = [kind_at(self.kind, place, self.raw) for place in places]
        rows = [self.record(body_of(group, kind), place) for place, kind in zip(places, kinds, strict=True)]
        stamps = [{"kind": kind} if group.variants else {} for kind in kinds]
        return [stamp | row for stamp, row in zip(stamps, rows, strict=True) if row or group.required]


def read_form(kind: str, raw: Mapping[str, str]) -> Reading:
    """Read a posted form.

    Args:
        kind: collateral kind, name of its contract.
        raw: posted names and texts.

    Returns:
        The application in stored units and the texts that could not be read, by field path. Nothing is
        checked against the contract yet, except that a number is a number.
    """
    reader = _Reader(kind, raw, [])
    application = reader.record(contract("application").root, "")
    return Reading(application, reader.violations)


def _written(one: Field, path: str, value: Any) -> Raw:
    """Form values of one field."""
    if isinstance(value, bool):
        return {path: "yes" if value else "no"}
    if isinstance(value, list):
        return {path: ", ".join(map(str, value))}
    if one.is_number and isinstance(value, int | float):
        unit = units_of(one)[0]
        return {path: write_number(value, unit), f"unit:{path}": unit.key}
    return {path: str(value)}


def write_form(kind: str, application: Mapping[str, Any]) -> Raw:
    """The form values that show an application, numbers in the units of paper.

    Args:
        kind: collateral kind.
        application: nested application in stored units.

    Returns:
        Names and texts as a browser would post them.
    """
    return _shown(contract("application").root, "", application, kind)


def _shown(group: Group, prefix: str, record: Mapping[str, Any], kind: str) -> Raw:
    """Form values of one record and of the records within."""
    raw: Raw = {}
    for one in shown_fields(group):
        if record.get(one.name) is not None:
            raw |= _written(one, joined(prefix, one.name), record[one.name])
    for inner in group.groups:
        path = joined(prefix, inner.name)
        if not inner.many:
            raw |= _shown(body_of(inner, kind), path, record.get(inner.name, {}), kind)
            continue
        rows = record.get(inner.name, [])
        raw[f"count:{path}"] = str(len(rows))
        for place, row in enumerate(rows):
            own = str(row.get("kind", kind)) if inner.variants else kind
            raw |= {f"{path}[{place}].kind": own} if own != kind else {}
            raw |= _shown(body_of(inner, own), f"{path}[{place}]", row, own)
    return raw
