"""Contracts as JSON Schema with labels, for the API and its description."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from typing import Any

from serving.problems import Problem

_LABELS = (
    "label_zh", "label_en", "label_on_certificate", "unit", "unit_on_paper", "list", "known_at", "privacy", "personal",
    "source",
)


@cache
def application_schemas() -> dict[str, Any]:
    """The nested application as schemas for ``#/components/schemas``, its root named ``Application``."""
    text = json.dumps(schema_of("application")).replace("#/$defs/", "#/components/schemas/")
    root = json.loads(text)
    parts: dict[str, Any] = root.pop("$defs", {})
    root.pop("$schema", None)
    root.pop("$id", None)
    return parts | {"Application": root}


def outcome_schema() -> dict[str, Any]:
    """A person's decision as it is sent: the contract without the answer's number, which is in the path."""
    schema = schema_of("decision_outcome")
    for name in ("$schema", "$id"):
        schema.pop(name, None)
    schema["properties"].pop("decision_id")
    schema["required"].remove("decision_id")
    return schema


def schema_of(name: str) -> dict[str, Any]:
    """JSON Schema of a contract, as the contracts room writes it."""
    from eco_credit.contracts import contract, json_schema

    return json_schema(contract(name))


def contract_document(name: str) -> dict[str, Any]:
    """A contract: identity, JSON Schema, and what stands on paper about each field.

    Raises:
        Problem: ``not_found`` when there is no such contract.
    """
    from eco_credit.contracts import contract, contract_names

    if name not in contract_names():
        raise Problem("not_found")
    found = contract(name)
    fields = [
        {"name": f.name, "group": f.group, "required": f.required} | {key: asdict(f)[key] for key in _LABELS}
        for f in found.fields
    ]
    return {
        "name": found.name,
        "version": found.version,
        "digest": found.digest,
        "label_zh": found.label_zh,
        "label_en": found.label_en,
        "schema": schema_of(name),
        "fields": fields,
    }
