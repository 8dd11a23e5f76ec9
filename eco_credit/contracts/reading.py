"""Read nested records through their contract, and say what is wrong in two languages."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import ValidationError

from eco_credit.contracts.field import Field, Group
from eco_credit.contracts.load import contract, pledge_kinds
from eco_credit.contracts.models import record_model
from eco_credit.contracts.quick import quick_reader
from eco_credit.contracts.texts import SENTENCES, sentences
from eco_credit.core.errors import ContractError, Violation

MOST_VIOLATIONS = 100
"""At most so many violations are listed; one more says that there are others."""
_RULES = {
    "missing": "missing", "extra_forbidden": "extra", "literal_error": "code", "finite_number": "finite",
    "string_too_long": "max_length", "string_too_short": "min_length", "string_unicode": "characters",
    "greater_than": "exclusive_minimum", "greater_than_equal": "minimum", "less_than_equal": "maximum",
    "too_short": "min_items", "too_long": "max_items", "union_tag_invalid": "kind", "union_tag_not_found": "kind",
    "int_parsing_size": "maximum",
}
_OF_BLANK = ("literal_error", "int_type", "float_type", "string_type", "bool_type", "list_type", "model_type")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


def read_application(data: Any) -> dict[str, Any]:
    """Validate a nested application.

    Args:
        data: what the caller sent, decoded from JSON.

    Returns:
        The application as plain data: fields that are unknown are left out, the rest is as given.

    Raises:
        ContractError: one violation per broken rule, with path, rule id and what to do.
    """
    return read_record("application", data)


def read_record(name: str, data: Any) -> dict[str, Any]:
    """Validate one record of any contract; see `read_application`.

    Example:
        >>> read_record("gep_flow", {"service": "carbon", "value_cny": 5, "norm": None})
        {'service': 'carbon', 'value_cny': 5.0}
    """
    try:
        found: dict[str, Any] = quick_reader(name).validate_python(data)
        return found
    except ValidationError:
        pass  # the model says what is wrong, or that nothing is
    try:
        return record_model(name).model_validate(data).model_dump(exclude_none=True)
    except ValidationError as error:
        raise ContractError(violations(name, error)) from None


def violations(name: str, error: ValidationError) -> list[Violation]:
    """Put pydantic's errors into the stable rules and words of this project.

    Args:
        name: contract the record was read by.
        error: what the model of that contract raised.

    Returns:
        At most `MOST_VIOLATIONS` + 1 violations, in the order of the fields.
    """
    found = error.errors(include_url=False)
    listed = [_violation(name, item) for item in found[:MOST_VIOLATIONS]]
    if len(found) > MOST_VIOLATIONS:
        listed.append(Violation("", "more", *sentences("more")))
    return listed


def _violation(name: str, item: Any) -> Violation:
    kinds = pledge_kinds()
    place = [part for part in item["loc"] if part not in kinds or isinstance(part, int)]
    place += [item["ctx"]["field"]] if "field" in item.get("ctx", {}) else []
    field = _field_at(name, tuple(part for part in item["loc"] if isinstance(part, str)), place)
    rule = _rule(item, field)
    if rule == "kind":
        place.append("kind")
    return Violation(path_of(place), rule, *sentences(rule, field))


def _rule(item: Any, field: Field | None) -> str:
    """The stable rule of an error; the value is looked at to tell blank and fraction, never shown."""
    kind = item["type"]
    if item["input"] is None and kind in _OF_BLANK:
        return "missing"
    if kind == "int_type" and type(item["input"]) is float:
        return "integer"
    if kind == "string_pattern_mismatch" and field is not None:
        return "date" if field.type == "date" else "pattern" if field.pattern else "characters"
    return _RULES.get(kind, kind if kind in SENTENCES else "type")


def path_of(place: Sequence[Any]) -> str:
    """Path of a field such as ``pledges[0].area``; a name we do not know is shown only if plain."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (part if _NAME.fullmatch(str(part)) else "?")
    return text


def _field_at(name: str, place: tuple[str, ...], shown: Sequence[Any]) -> Field | None:
    leaf = shown[-1] if shown else None
    fields = _fields_by_path(name)
    if isinstance(leaf, int) and len(shown) > 1:
        leaf = shown[-2]
    groups = tuple(part for part in place if part != leaf)
    return fields.get((*groups, str(leaf)))


@cache
def _fields_by_path(name: str) -> dict[tuple[str, ...], Field]:
    found: dict[tuple[str, ...], Field] = {}
    _collect(contract(name).root, (), found)
    return found


def _collect(group: Group, place: tuple[str, ...], found: dict[tuple[str, ...], Field]) -> None:
    found.update({(*place, field.name): field for field in group.fields})
    for inner in group.groups:
        _collect(inner, (*place, inner.name), found)
        for variant in inner.variants:
            _collect(contract(variant).root, (*place, inner.name, variant), found)
