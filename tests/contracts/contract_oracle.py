"""A JSON Schema validator that knows our formats and rules between fields, written on its own."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

from eco_credit.contracts import Contract, json_schema
from eco_credit.core.identifiers import FORMATS

CHECKER = FormatChecker(formats=())


@CHECKER.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(dt.date.fromisoformat(value))


for _name, _format in FORMATS.items():
    CHECKER.checks(_name)(lambda value, f=_format: not isinstance(value, str) or f.check(value).valid)


def _keeps(check: dict[str, Any], row: dict[str, Any], kinds: dict[str, Any]) -> bool:
    """One rule between fields, on plain values; values of a wrong type are none of its business."""
    values = [row.get(name) for name in check["fields"]]
    rule = check["rule"]
    if rule in ("not_after", "at_most"):
        return None in values or type(values[0]) is bool or not values[0] > values[1]
    if rule == "sum_at_most":
        return sum(v for v in values if v is not None) <= check["limit"] + 1e-9
    if rule == "at_most_times":
        return None in values or values[0] <= values[1] * (check["factor"] * (1 + check["tolerance"]))
    if rule == "sum_at_most_field":
        *parts, whole = values
        return whole is None or sum(v for v in parts if v is not None) <= whole * (1 + 1e-9)
    if rule == "required_with":
        return values[1] is None or values[0] is not None
    if rule == "identifier":
        form = check["formats"].get(row.get(check["by"]))
        return form is None or values[0] is None or FORMATS[form].check(values[0]).valid
    if rule == "kind_columns":
        kind = row.get("kind")
        needed = all(row.get(n) is not None for n, (_, required) in kinds.items() if kind in required)
        foreign = any(row.get(n) is not None for n, (own, _) in kinds.items() if own and kind not in own)
        return needed and not foreign
    return rule == "unique"


@cache
def validator(contract: Contract) -> jsonschema.protocols.Validator:
    """Validator of one record: the schema, our formats, and ``x-checks`` once the schema itself holds."""
    whole = json_schema(contract)
    kinds = {field.name: (field.kinds, field.required_kinds) for field in contract.fields}

    made: dict[int, Draft202012Validator] = {}

    def schema_alone(plain: dict[str, Any]) -> Draft202012Validator:
        key = id(plain["properties"])
        if key not in made:
            made[key] = Draft202012Validator(plain | {"$defs": whole.get("$defs", {})}, format_checker=CHECKER)
        return made[key]

    def rules(_: Any, checks: list[dict[str, Any]], row: Any, schema: dict[str, Any]) -> Iterator[ValidationError]:
        plain = {key: part for key, part in schema.items() if key != "x-checks"}
        if not isinstance(row, dict) or not schema_alone(plain).is_valid(row):
            return
        for check in checks:
            if "group" in check:
                ids = [member[check["fields"][0]] for member in row[check["group"]]]
                if len(set(ids)) < len(ids):
                    yield ValidationError(check["rule"])
            elif not _keeps(check, row, kinds):
                yield ValidationError(check["rule"])

    return extend(Draft202012Validator, {"x-checks": rules})(whole, format_checker=CHECKER)


def json_accepts(contract: Contract, row: Any) -> bool:
    """True when the row can be written as JSON and the validator accepts it."""
    try:
        json.dumps(row, allow_nan=False)
    except ValueError:
        return False
    return validator(contract).is_valid(row)
