"""Records that are in order, read without making models of them.

Nearly every record is in order. A validator made of the same contract, of plain dictionaries and with nothing in it
that explains, takes those and gives just what the model would; it turns away whatever is not plainly right, and the
model (`eco_credit.contracts.models`) then says what is wrong with it, or that nothing is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from pydantic_core import PydanticCustomError, SchemaValidator
from pydantic_core import core_schema as core

from eco_credit.contracts.checks import settler
from eco_credit.contracts.columns import PLAIN_TEXT, is_day
from eco_credit.contracts.field import Check, Field, Group
from eco_credit.contracts.load import contract
from eco_credit.core.identifiers import FORMATS

MOST_MEMBERS = 1000
"""Longest list of plain values, as in the model."""
_Test = Callable[[Any], bool]


@cache
def quick_reader(name: str) -> SchemaValidator:
    """The validator of one record of a contract that is in order.

    Args:
        name: name of a contract.

    Returns:
        A validator of plain data: what it returns equals what the model of the contract reads, unknown fields left
        out. It refuses more than the model does: a field that is given as blank, a whole number written as 36.0.

    Example:
        >>> quick_reader("gep_flow").validate_python({"service": "carbon", "value_cny": 5})
        {'service': 'carbon', 'value_cny': 5.0}
    """
    return SchemaValidator(_record(contract(name).root))


def _record(group: Group) -> core.CoreSchema:
    fields = {field.name: core.typed_dict_field(_values(field), required=field.required) for field in group.fields}
    for inner in group.groups:
        fields[inner.name] = core.typed_dict_field(_inner(inner, group.checks), required=inner.required)
    own = [check for check in group.checks if check.group is None]
    schema = core.typed_dict_schema(fields, extra_behavior="forbid", strict=True)
    return _tested(schema, _in_order(own)) if own else schema


def _inner(group: Group, checks: tuple[Check, ...]) -> core.CoreSchema:
    if group.variants:
        kinds = {variant: _record(contract(variant).root) for variant in group.variants}
        schema: core.CoreSchema = core.tagged_union_schema(kinds, "kind")
    else:
        schema = _record(group)
    if not group.many:
        return schema
    members: core.CoreSchema = core.list_schema(
        schema, min_length=group.min_items, max_length=group.max_items, strict=True
    )
    for check in checks:
        if check.group == group.name:
            members = _tested(members, _all_differ(check.fields[0]))
    return members


def _values(field: Field) -> core.CoreSchema:
    return core.list_schema(_value(field), max_length=MOST_MEMBERS, strict=True) if field.many else _value(field)


def _value(field: Field) -> core.CoreSchema:
    if field.codes is not None:
        return core.literal_schema(list(field.codes))
    if field.type == "boolean":
        return core.bool_schema(strict=True)
    if field.is_number:
        return _number(field)
    if field.type == "date":
        return _tested(core.str_schema(max_length=10, strict=True), _is_day)
    pattern = field.pattern or PLAIN_TEXT
    text = core.str_schema(min_length=1, max_length=field.max_length, pattern=pattern, strict=True)
    return text if field.format is None else _tested(text, _has_form(field.format))


def _number(field: Field) -> core.CoreSchema:
    least, above, most = field.minimum, field.exclusive_minimum, field.maximum
    if field.type == "number":
        return core.float_schema(ge=least, gt=above, le=most, strict=True, allow_inf_nan=False)
    return core.int_schema(
        ge=None if least is None else math.ceil(least),
        gt=None if above is None else math.floor(above),
        le=None if most is None else math.floor(most),
        strict=True,
    )


_is_day = lru_cache(4096)(is_day)


def _tested(schema: core.CoreSchema, test: _Test) -> core.CoreSchema:
    def checked(value: Any) -> Any:
        if not test(value):
            raise PydanticCustomError("doubt", "to be read by the model")
        return value

    return core.no_info_after_validator_function(checked, schema)


def _has_form(name: str) -> _Test:
    check = FORMATS[name].check
    return lambda text: check(text).valid


def _all_differ(name: str) -> _Test:
    return lambda members: len({member[name] for member in members}) == len(members)


def _in_order(checks: list[Check]) -> Callable[[Mapping[str, Any]], bool]:
    settlers = tuple(settler(check) for check in checks)

    def holds(record: Mapping[str, Any]) -> bool:
        get = record.get
        return all(settled(get) for settled in settlers)

    return holds
