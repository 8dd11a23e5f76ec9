"""The check of one field while a form is being filled in: its own rules, and the rules it shares with others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eco_credit.contracts import contract, read_record
from eco_credit.contracts.checks import broken
from eco_credit.contracts.columns import column_of
from eco_credit.contracts.field import Check, Field, Group
from eco_credit.contracts.texts import sentences
from eco_credit.core.errors import ContractError, Violation
from serving.web.form import body_of, joined, shown_fields, value_of

_PATH = re.compile(r"(?:([a-z_]+)(?:\[(\d{1,3})\])?\.)?(?:([a-z_]+)\[(\d{1,3})\]\.)?([a-z][a-z0-9_]*)")


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a field stands: the record around it, the path of that record, and how to validate a part of it.

    Attributes:
        group: the record; its checks are the rules the field may share with others.
        prefix: path of the record, empty at the top.
        one: the field.
    """

    group: Group
    prefix: str
    one: Field

    @property
    def path(self) -> str:
        """Path of the field."""
        return joined(self.prefix, self.one.name)


def spot(kind: str, path: str) -> Spot | None:
    """Find a field of the form of a kind by its path.

    Returns:
        None when the form has no such field.

    Example:
        >>> spot("forest_right", "pledges[3].area").one.unit, spot("forest_right", "pledges[3].permit_no")
        ('ha', None)
    """
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    outer, place, inner, at, name = found.groups()
    group, prefix = contract("application").root, ""
    for step, number in ((outer, place), (inner, at)):
        if step is None:
            continue
        group_found = next((g for g in group.groups if g.name == step and g.many == (number is not None)), None)
        if group_found is None:
            return None
        group, prefix = body_of(group_found, kind), joined(prefix, step) + (f"[{number}]" if number else "")
    one = next((field for field in shown_fields(group) if field.name == name), None)
    return Spot(group, prefix, one) if one else None


def together(group: Group, name: str) -> tuple[tuple[str, ...], tuple[Check, ...]]:
    """The fields of a record that rules tie to one of them, directly or through others, and those rules."""
    checks = [check for check in group.checks if check.group is None and check.rule != "kind_columns"]
    names, tied = {name}, dict[int, Check]()
    grown = True
    while grown:
        grown = False
        for number, check in enumerate(checks):
            read = {*check.fields, *([check.by] if check.by else [])}
            if number not in tied and names & read:
                names, tied[number], grown = names | read, check, True
    ordered = tuple(field.name for field in group.fields if field.name in names)
    return ordered, tuple(tied[number] for number in sorted(tied))


def needed(kind: str, path: str) -> tuple[str, ...]:
    """Names a browser has to post so that a field can be checked: values and units of the fields tied to it."""
    found = spot(kind, path)
    if found is None:
        return ()
    names, _ = together(found.group, found.one.name)
    fields = {field.name: field for field in found.group.fields}
    paths = [(joined(found.prefix, name), fields[name]) for name in names]
    return tuple(name for where, one in paths for name in ((where, f"unit:{where}") if one.is_number else (where,)))


def check_field(kind: str, path: str, raw: Mapping[str, str]) -> dict[str, Violation | None]:
    """Check one field of a form, and what its change means for the fields tied to it.

    Args:
        kind: collateral kind.
        path: path of the field that was changed; the form has it.
        raw: posted names and texts, at least those of `needed`.

    Returns:
        Path to what is wrong there, None for nothing. A field that is still blank is spoken of only when it is
        the one that was changed.
    """
    here = spot(kind, path)
    if here is None:
        raise KeyError(path)
    names, checks = together(here.group, here.one.name)
    fields = {field.name: field for field in here.group.fields}
    values, said = dict[str, Any](), dict[str, Violation | None]()
    for name in names:
        where = Spot(here.group, here.prefix, fields[name])
        value = value_of(fields[name], where.path, raw)
        fault = value if isinstance(value, Violation) else _alone(kind, where, value)
        if value is not None or name == here.one.name:
            said[where.path] = fault
        values[name] = None if fault else value
    for check in checks:
        if any(said.get(joined(here.prefix, name)) for name in check.fields):
            continue
        for where_broken, violation in _between(check, here, values, fields).items():
            if where_broken in said:
                said[where_broken] = violation
    return said


def _alone(kind: str, where: Spot, value: Any) -> Violation | None:
    """What the contract says about one value on its own."""
    one = where.one
    if value is None:
        return Violation(where.path, "missing", *sentences("missing", one)) if one.required else None
    outer, inner = (step.partition("[")[0] for step in (where.prefix.partition(".")[::2]))
    part: dict[str, Any]
    if inner:
        name, part, path = kind, {"kind": kind, inner: [{one.name: value}]}, f"{inner}[0].{one.name}"
    elif where.prefix.endswith("]"):
        name, part, path = kind, {"kind": kind, one.name: value}, one.name
    else:
        name, part, path = "application", {outer: {one.name: value}} if outer else {one.name: value}, where.path
    try:
        read_record(name, part)
    except ContractError as error:
        found = next((v for v in error.violations if v.field == path or v.field.startswith(f"{path}[")), None)
        return Violation(where.path, found.rule, found.en, found.zh) if found else None
    return None


def _between(
    check: Check, here: Spot, values: Mapping[str, Any], fields: Mapping[str, Field]
) -> dict[str, Violation]:
    """What one rule between fields says, by path of the field it blames."""
    read = (*check.fields, *([check.by] if check.by else []))
    columns = {name: column_of(fields[name], [values.get(name)]) for name in read}
    found = {}
    for mask, name, rule in broken(check, columns, here.group.fields):
        if mask[0]:
            path = joined(here.prefix, name)
            found[path] = Violation(path, rule, *sentences(rule, fields.get(name)))
    return found
