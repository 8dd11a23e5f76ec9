"""Pydantic models generated from contracts: strict, closed, bounded."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, Literal, Union

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    StringConstraints,
    create_model,
    model_validator,
)
from pydantic import Field as Limits
from pydantic_core import PydanticCustomError

from eco_credit.contracts.checks import broken, settler
from eco_credit.contracts.columns import DAY, PLAIN_TEXT, column_of, is_day
from eco_credit.contracts.field import Check, Field, Group
from eco_credit.contracts.load import contract
from eco_credit.core.identifiers import FORMATS
from eco_credit.core.numbers import Columns

CONFIG = ConfigDict(
    extra="forbid", strict=True, allow_inf_nan=False, hide_input_in_errors=True, protected_namespaces=()
)


@cache
def record_model(name: str) -> type[BaseModel]:
    """The model of one record of a contract; nested groups become nested models.

    Args:
        name: name of a contract.

    Returns:
        A pydantic model class: unknown fields, wrong types, NaN, infinity, control characters and
        values outside bounds and closed lists are refused.

    Example:
        >>> record_model("gep_flow")(service="carbon", value_cny=120.0).service
        'carbon'
    """
    return _model(contract(name).root, name)


def application_model() -> type[BaseModel]:
    """The model of a nested application with all known kinds of pledge, told apart by ``kind``."""
    return record_model("application")


def _model(group: Group, name: str) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for field in group.fields:
        kind = Annotated[list[_type(field)], Limits(max_length=1000)] if field.many else _type(field)  # type: ignore[misc]
        fields[field.name] = _member(kind, field.required, title=field.label_en, extra=_extra(field))
    for inner in group.groups:
        kind, extra = _inner(inner, name, group.checks), {"x-label-zh": inner.label_zh}
        fields[inner.name] = _member(kind, inner.required, title=inner.label_en, extra=extra)
    title = "".join(part.title() for part in name.split("_"))
    own = tuple(check for check in group.checks if check.group is None)
    rows: dict[str, Any] = {"row_checks": model_validator(mode="after")(_row_checks(own, group.fields))} if own else {}
    return create_model(title, __config__=CONFIG, __validators__=rows, **fields)


def _member(kind: Any, required: bool, *, title: str, extra: dict[str, Any]) -> tuple[Any, Any]:
    if required:
        return kind, Limits(title=title, json_schema_extra=extra)
    return kind | None, Limits(default=None, title=title, json_schema_extra=extra)


def _extra(field: Field) -> dict[str, Any]:
    """What a form or a reader of the OpenAPI file needs beside type and bounds."""
    words = {"description": field.description, "x-unit": field.unit, "x-label-zh": field.label_zh, "x-list": field.list}
    return {key: value for key, value in words.items() if value}


def _inner(group: Group, name: str, checks: tuple[Check, ...]) -> Any:
    if group.variants:
        members = tuple(record_model(variant) for variant in group.variants)
        kind: Any = Annotated[Union[members], Discriminator("kind")] if len(members) > 1 else members[0]  # noqa: UP007
    else:
        kind = _model(group, f"{name}_{group.name}")
    if not group.many:
        return kind
    unique = [AfterValidator(_unique(check.fields[0])) for check in checks if check.group == group.name]
    return Annotated[list[kind], Limits(min_length=group.min_items, max_length=group.max_items), *unique]


def _type(field: Field) -> Any:
    if field.codes is not None:
        return Literal[field.codes]
    if field.type == "boolean":
        return bool
    if field.is_number:
        limits = Limits(ge=field.minimum, gt=field.exclusive_minimum, le=field.maximum)
        return Annotated[int, limits, BeforeValidator(_whole)] if field.type == "integer" else Annotated[float, limits]
    if field.type == "date":
        return Annotated[str, StringConstraints(pattern=DAY, max_length=10), AfterValidator(_day)]
    text = StringConstraints(min_length=1, max_length=field.max_length, pattern=field.pattern or PLAIN_TEXT)
    return Annotated[str, text, AfterValidator(_identifier(field.format))] if field.format else Annotated[str, text]


def _whole(value: Any) -> Any:
    """36.0 is the whole number 36 in JSON; a column of numbers holds it so too."""
    return int(value) if type(value) is float and value.is_integer() else value


def _day(text: str) -> str:
    if not is_day(text):
        raise PydanticCustomError("date", "not a calendar day")
    return text


def _identifier(name: str) -> Callable[[str], str]:
    check = FORMATS[name].check

    def checked(text: str) -> str:
        if not check(text).valid:
            raise PydanticCustomError("identifier", "form or check character is wrong")
        return text

    return checked


def _unique(name: str) -> Callable[[list[Any]], list[Any]]:
    def checked(members: list[Any]) -> list[Any]:
        if len({getattr(member, name) for member in members}) < len(members):
            raise PydanticCustomError("unique", "two members share {field}", {"field": name})
        return members

    return checked


def _row_checks(checks: tuple[Check, ...], fields: tuple[Field, ...]) -> Callable[[Any], Any]:
    """Run the rules between fields on one record, as columns of one row."""
    narrow = all(check.rule != "kind_columns" for check in checks)
    if not narrow:
        read = fields
    else:
        names = {name for check in checks for name in (*check.fields, check.by)}
        read = tuple(field for field in fields if field.name in names)

    settlers = tuple((check, settler(check)) for check in checks)

    def checked(record: Any) -> Any:
        get = vars(record).get
        open_checks = [check for check, holds in settlers if not holds(get)]
        if not open_checks:
            return record
        asked = {name for check in open_checks for name in (*check.fields, check.by)} if narrow else None
        columns: Columns = {
            field.name: column_of(field, [getattr(record, field.name)])
            for field in read
            if asked is None or field.name in asked
        }
        for check in open_checks:
            for mask, name, rule in broken(check, columns, fields):
                if mask[0]:
                    raise PydanticCustomError(rule, "rule between fields is broken", {"field": name})
        return record

    return checked
