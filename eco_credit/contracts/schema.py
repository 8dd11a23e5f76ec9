"""JSON Schema (draft 2020-12) generated from contracts.

Identifier checks go out as ``format`` and the rules between fields as ``x-checks``: a validator that
knows neither keyword accepts what those would refuse.
"""

from __future__ import annotations

from typing import Any

from eco_credit.contracts.columns import CONTROL, DAY, SURROGATES
from eco_credit.contracts.field import Check, Contract, Field, Group
from eco_credit.contracts.load import contract

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NO_CONTROL = {"not": {"pattern": f"[{CONTROL}{SURROGATES}]"}}


def json_schema(source: Contract) -> dict[str, Any]:
    """The JSON Schema of one record of a contract; the kinds of a list member stand under ``$defs``.

    Example:
        >>> json_schema(contract("gep_flow"))["properties"]["value_cny"]["maximum"]
        1000000000000.0
    """
    parts: dict[str, Any] = {}
    head = {"$schema": DIALECT, "$id": f"urn:eco-credit:{source.name}:{source.version}", "title": source.label_en}
    return head | _record(source.root, parts) | ({"$defs": parts} if parts else {})


def _record(group: Group, parts: dict[str, Any]) -> dict[str, Any]:
    properties = {field.name: _field(field) for field in group.fields}
    properties |= {inner.name: _group(inner, parts, group.checks) for inner in group.groups}
    members: tuple[Field | Group, ...] = (*group.fields, *group.groups)
    schema = {"type": "object", "additionalProperties": False, "properties": properties,
              "required": [member.name for member in members if member.required]}
    return schema | ({"x-checks": [_check(check) for check in group.checks]} if group.checks else {})


def _group(group: Group, parts: dict[str, Any], checks: tuple[Check, ...]) -> dict[str, Any]:
    words = {"title": group.label_en, "x-label-zh": group.label_zh}
    if group.variants:
        parts |= {kind: _record(contract(kind).root, parts) for kind in group.variants}
        body: dict[str, Any] = {"oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in group.variants],
                                "discriminator": {"propertyName": "kind"}}
    else:
        body = _record(group, parts)
    if group.many:
        body = {"type": "array", "minItems": group.min_items, "maxItems": group.max_items, "items": body}
    return words | (body if group.required else {"anyOf": [body, {"type": "null"}]})


def _field(field: Field) -> dict[str, Any]:
    value = {"type": "array", "maxItems": 1000, "items": _value(field)} if field.many else _value(field)
    words = {"title": field.label_en, "description": field.description, "x-label-zh": field.label_zh,
             "x-unit": field.unit, "x-list": field.list}
    return {key: word for key, word in words.items() if word} | (
        value if field.required else {"anyOf": [value, {"type": "null"}]})


def _value(field: Field) -> dict[str, Any]:
    if field.codes is not None:
        return {"enum": list(field.codes)}
    if field.type == "date":
        return {"type": "string", "format": "date", "pattern": DAY, "maxLength": 10}
    if field.type != "text":
        limits = {"minimum": field.minimum, "exclusiveMinimum": field.exclusive_minimum, "maximum": field.maximum}
        return {"type": field.type} | {key: limit for key, limit in limits.items() if limit is not None}
    text = {"type": "string", "minLength": 1, "maxLength": field.max_length, "pattern": field.pattern,
            "format": field.format}
    return {key: limit for key, limit in text.items() if limit is not None} | NO_CONTROL


def _check(check: Check) -> dict[str, Any]:
    parts = {"rule": check.rule, "fields": list(check.fields), "limit": check.limit, "by": check.by,
             "formats": dict(check.formats), "group": check.group, "factor": check.factor, "tolerance": check.tolerance}
    return {name: part for name, part in parts.items() if part not in (None, {})}
