"""The flat form of a nested contract: one row per pledge, the loan repeated on each row."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from eco_credit.contracts.field import Check, Contract, Field, Group


def flat(own: Group, application: Contract, pledge: Contract, *, kinds: Mapping[str, Contract]) -> Group:
    """Compose the flat record from an application, the fields all pledges share and the kinds.

    Args:
        own: the columns that only the flat form has.
        application: the nested contract whose leaf fields come first.
        pledge: the fields every kind starts with.
        kinds: kind name to contract.

    Returns:
        One record of plain fields named by their columns. A kind's field is required only in rows
        of that kind, and must be blank in rows of another.

    Raises:
        ValueError: two fields with different rules claim one column.
    """
    shared = {field.name for field in pledge.root.fields}
    fields: dict[str, Field] = {}
    for field in (*application.fields, *pledge.root.fields):
        _add(fields, replace(field, codes=tuple(kinds)) if field.name == "kind" else field)
    for kind, contract in kinds.items():
        for field in contract.root.fields:
            if field.name not in shared:
                _add(fields, _of_kind(field, kind))
    for field in own.fields:
        _add(fields, field)
    named = tuple(replace(field, name=field.column, group="") for field in fields.values())
    return replace(own, fields=named, groups=(), checks=_checks(application, kinds, own=own))


def _of_kind(field: Field, kind: str) -> Field:
    return replace(field, required=False, kinds=(kind,), required_kinds=(kind,) if field.required else ())


def _add(fields: dict[str, Field], field: Field) -> None:
    """Add a field, or join it with one of the same column and the same rules."""
    known = fields.get(field.column)
    if known is None:
        fields[field.column] = field
        return
    if not known.kinds or not field.kinds or _rules(known) != _rules(field):
        raise ValueError(f"two different fields claim the column {field.column}")
    fields[field.column] = replace(
        known, kinds=known.kinds + field.kinds, required_kinds=known.required_kinds + field.required_kinds
    )


def _rules(field: Field) -> tuple[object, ...]:
    return (field.type, field.unit, field.minimum, field.maximum, field.exclusive_minimum, field.codes, field.format)


def _checks(application: Contract, kinds: Mapping[str, Contract], *, own: Group) -> tuple[Check, ...]:
    """The checks of all parts, their fields renamed to columns."""
    checks: list[Check] = []
    for check in _all_checks(application.root):
        within = ("application_id", *check.fields)
        checks.append(check if check.group is None else replace(check, group=None, fields=within))
    for contract in kinds.values():
        names = {field.name: field.column for field in contract.root.fields}
        for check in contract.checks:
            columns = tuple(names[name] for name in check.fields)
            checks.append(replace(check, fields=columns, by=names.get(check.by or "")))
    # every kind repeats the rules on the fields all pledges share; one of each is enough in one row
    return (*own.checks, *dict.fromkeys(checks))


def _all_checks(group: Group) -> Iterable[Check]:
    yield from group.checks
    for inner in group.groups:
        yield from _all_checks(inner)
