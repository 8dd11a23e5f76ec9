"""Read ODCS files into contracts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from eco_credit.contracts import compose, files
from eco_credit.contracts.field import Check, Contract, Field, FieldType, Group
from eco_credit.contracts.lists import code_list
from eco_credit.core.canonical import digest

TYPES: dict[str, FieldType] = {
    "number": "number", "integer": "integer", "string": "text", "date": "date", "boolean": "boolean",
}
"""ODCS logical types and ours."""
_COPIED = (
    "unit", "unit_on_paper", "label_on_certificate", "known_at", "monotone", "monotone_lvr", "privacy",
    "personal", "source", "family", "topic",
)


def contract_names() -> tuple[str, ...]:
    """Names of all contracts, sorted; outside packages included.

    Example:
        >>> "forest_right" in contract_names()
        True
    """
    return files.names()


@cache
def contract(name: str) -> Contract:
    """Load a contract by name.

    Args:
        name: such as ``forest_right``.

    Returns:
        The contract, frozen; the same object on every call.

    Raises:
        KeyError: there is no such contract.

    Example:
        >>> contract("forest_right").field("area").unit
        'ha'
    """
    data = files.read_yaml(files.find(name))
    custom = _custom(data)
    return Contract(
        name=name,
        version=data["version"],
        digest=digest(_material(name)),
        description=data["description"]["purpose"].strip(),
        label_zh=custom["label.zh"],
        label_en=custom["label.en"],
        root=_root(name, data, custom),
        subject=tuple(custom["subject"].split(".")) if "subject" in custom else None,
    )


@cache
def pledge_kinds() -> tuple[str, ...]:
    """Names of the collateral kinds: those the application lists, then those of outside packages.

    Example:
        >>> pledge_kinds()
        ('forest_right', 'water_right', 'order')
    """
    listed = tuple(_custom(files.read_yaml(files.find("application")))["kinds"])
    outside = (name for name in files.names() if name not in listed)
    return listed + tuple(
        name for name in outside if _custom(files.read_yaml(files.find(name))).get("pledge_kind")
    )


def _custom(element: Mapping[str, Any]) -> dict[str, Any]:
    return {item["property"]: item["value"] for item in element.get("customProperties", ())}


def _root(name: str, data: Mapping[str, Any], custom: Mapping[str, Any]) -> Group:
    """The record of a contract: what it includes, then its own properties."""
    own = _group(name, data["schema"][0], path="")
    for included in reversed(custom.get("includes", ())):
        base = contract(included).root
        own = replace(own, fields=base.fields + own.fields, groups=base.groups + own.groups)
    if custom.get("pledge_kind"):
        fields = (replace(f, codes=(name,)) if f.name == "kind" else f for f in own.fields)
        own = replace(own, fields=tuple(fields))
    checks = tuple(_check(item) for item in custom.get("checks", ()))
    own = replace(own, name=name, checks=checks)
    if "compose" in custom:
        kinds = {kind: contract(kind) for kind in pledge_kinds()}
        return compose.flat(own, contract(custom["compose"]), contract("pledge"), kinds=kinds)
    return own


def _group(name: str, element: Mapping[str, Any], *, path: str) -> Group:
    """A group from an ODCS object; ``path`` is its own dotted path, empty at the top."""
    fields: list[Field] = []
    groups: list[Group] = []
    for prop in element.get("properties", ()):
        if prop["logicalType"] in TYPES or prop.get("items", {}).get("logicalType") in TYPES:
            fields.extend(_fields(prop, group=path))
        else:
            groups.append(_inner(prop, path=f"{path}.{prop['name']}" if path else prop["name"]))
    return Group(name=name, fields=tuple(fields), groups=tuple(groups))


def _inner(prop: Mapping[str, Any], *, path: str) -> Group:
    """A nested record or a list of records: written out, another contract, or one of the kinds."""
    custom, options, many = _custom(prop), prop.get("logicalTypeOptions", {}), prop["logicalType"] == "array"
    if "contract" in custom:
        body = _moved(contract(custom["contract"]).root, path)
    else:
        body = _group(prop["name"], prop["items"] if many else prop, path=path)
    return replace(
        body,
        name=prop["name"],
        label_zh=custom["label.zh"],
        label_en=custom["label.en"],
        required=bool(prop.get("required", False)),
        many=many,
        min_items=options.get("minItems", 0),
        max_items=options.get("maxItems", 1000),
        variants=pledge_kinds() if custom.get("variants") == "kinds" else (),
        checks=body.checks + tuple(_check(item) for item in custom.get("checks", ())),
    )


def _moved(group: Group, path: str) -> Group:
    """A record put at a path inside another."""
    fields = tuple(replace(f, group=f"{path}.{f.group}" if f.group else path) for f in group.fields)
    return replace(group, fields=fields, groups=tuple(_moved(inner, path) for inner in group.groups))


def _fields(prop: Mapping[str, Any], *, group: str) -> Sequence[Field]:
    """One field, or one per code where the property is declared for each code of a list."""
    many = prop["logicalType"] == "array"
    field = _field(prop, prop["items"] if many else prop, group=group)
    field = replace(field, many=many)
    list_id = _custom(prop).get("for_each")
    if list_id is None:
        return (field,)
    codes = code_list(list_id)
    return [
        replace(
            field,
            name=field.name.replace("CODE", code),
            column=field.column.replace("CODE", code),
            label_zh=field.label_zh.replace("CODE", text["zh"]),
            label_en=field.label_en.replace("CODE", text["en"]),
        )
        for code, text in codes.texts.items()
    ]


def _field(prop: Mapping[str, Any], value: Mapping[str, Any], *, group: str) -> Field:
    custom, options = _custom(prop), value.get("logicalTypeOptions", {})
    codes = code_list(custom["list"]) if "list" in custom else None
    copied = {key: custom[key] for key in _COPIED if key in custom}
    of_kinds = pledge_kinds() if custom.get("variants") == "kinds" else None
    return Field(
        name=prop["name"],
        column=str(custom.get("column", prop["name"])),
        type=TYPES[value["logicalType"]],
        required=bool(prop.get("required", False)),
        description=prop["description"],
        minimum=_bound(options.get("minimum"), prop["name"]),
        maximum=_bound(options.get("maximum"), prop["name"]),
        exclusive_minimum=_bound(options.get("exclusiveMinimum"), prop["name"]),
        codes=codes.codes if codes and codes.closed else of_kinds,
        pattern=options.get("pattern"),
        format=options.get("format") if value["logicalType"] == "string" else None,
        max_length=options.get("maxLength", 120),
        label_zh=custom["label.zh"],
        label_en=custom["label.en"],
        help_zh=custom.get("help.zh"),
        help_en=custom.get("help.en"),
        list=codes.title if codes else None,
        list_id=codes.id if codes else None,
        synonyms=tuple(custom.get("synonyms", ())),
        group=group,
        kinds=tuple(custom.get("kinds", ())),
        required_kinds=tuple(custom.get("required_kinds", ())),
        **copied,
    )


def _bound(value: Any, name: str) -> float | None:
    """A bound as a number; YAML reads ``1.0e9`` as text, which must not pass as no bound."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"bound of {name} is not a number")
    return float(value)


def _check(item: Mapping[str, Any]) -> Check:
    fields = item.get("fields") or [item["field"]]
    formats = tuple(item.get("formats", {}).items())
    return Check(rule=item["rule"], fields=tuple(fields), limit=item.get("limit"), by=item.get("by"),
                 formats=formats, group=item.get("group"), factor=item.get("factor"), tolerance=item.get("tolerance"))


def _material(name: str) -> dict[str, Any]:
    """Everything a contract is made of, by file name: what its digest covers."""
    data = files.read_yaml(files.find(name))
    custom = _custom(data)
    material: dict[str, Any] = {name: data}
    mentioned = _mentioned(data, "list", "for_each", "contract")
    for list_id in sorted(mentioned["list"] | mentioned["for_each"]):
        material[f"lists/{list_id}"] = files.read_yaml(files.find(list_id, folder="lists"))
    others = {*custom.get("includes", ()), *mentioned["contract"]}
    if "compose" in custom or custom.get("kinds"):
        others |= {*pledge_kinds(), custom.get("compose", "pledge")}
    for other in sorted(others):
        material |= _material(other)
    return material


def _mentioned(data: Mapping[str, Any], *keys: str) -> dict[str, set[str]]:
    """Values of some custom properties anywhere in a contract."""
    found: dict[str, set[str]] = {key: set() for key in keys}
    left: list[Any] = [data]
    while left:
        element = left.pop()
        if isinstance(element, list):
            left += element
        elif isinstance(element, dict):
            if element.get("property") in found:
                found[element["property"]].add(element["value"])
            left += element.values()
    return found
