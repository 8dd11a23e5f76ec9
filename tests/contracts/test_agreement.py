"""One contract, one verdict: pydantic, pandera, JSON Schema and the column check agree on every row."""

from __future__ import annotations

import copy
import random
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pandera.errors
import pytest
from contract_oracle import json_accepts, validator
from contract_rows import bad_value, random_row, valid_value
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from eco_credit.contracts import (
    Contract,
    application_model,
    check_columns,
    column_of,
    contract,
    contract_names,
    example_application,
    frame_of_columns,
    pandera_schema,
    pledge_kinds,
    record_model,
    to_flat,
)
from eco_credit.contracts.columns import is_day, is_number

PLAIN = [name for name in contract_names() if contract(name).plain]
schema_of = cache(lambda name: pandera_schema(contract(name)))


def model_accepts(name: str, row: Any) -> bool:
    try:
        record_model(name).model_validate(row)
    except ValidationError:
        return False
    return True


def as_columns(source: Contract, row: dict[str, Any]) -> dict[str, np.ndarray]:
    """The row as a table of one row; a cell of the wrong type makes an object column."""
    tests = {"text": lambda v: isinstance(v, str), "date": lambda v: isinstance(v, str) and is_day(v),
             "boolean": lambda v: isinstance(v, bool)}
    fields = {field.name: field for field in source.fields}
    columns = {}
    for name, value in row.items():
        field = fields.get(name)
        fits = field is not None and (value is None or tests.get(field.type, is_number)(value))
        columns[name] = column_of(field, [value]) if fits else np.fromiter([value], dtype=object, count=1)
    return columns


def frame_accepts(source: Contract, columns: dict[str, np.ndarray]) -> bool:
    parts = {}
    for name, column in columns.items():
        try:
            parts[name] = frame_of_columns({name: column}, source)[name]
        except (TypeError, ValueError, OverflowError):
            parts[name] = pd.Series(column.astype(object), dtype=object)
    try:
        schema_of(source.name).validate(pd.DataFrame(parts), lazy=True)
    except (pandera.errors.SchemaError, pandera.errors.SchemaErrors):
        return False
    return True


def verdicts(source: Contract, row: dict[str, Any]) -> dict[str, bool]:
    columns = as_columns(source, row)
    return {
        "pydantic": model_accepts(source.name, row),
        "json schema": json_accepts(source, row),
        "columns": not check_columns(source, columns),
        "pandera": frame_accepts(source, columns),
    }


@pytest.mark.parametrize("name", PLAIN)
@given(seed=st.integers(0, 2**32 - 1), mutations=st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_all_validators_give_one_verdict_on_a_random_row(name: str, seed: int, mutations: int) -> None:
    row = random_row(contract(name), seed, mutations)
    found = verdicts(contract(name), row)
    assert len(set(found.values())) == 1, (found, row)


@pytest.mark.parametrize("name", PLAIN)
def test_random_rows_are_both_accepted_and_refused(name: str) -> None:
    seen = {model_accepts(name, random_row(contract(name), seed, seed % 3)) for seed in range(150)}
    assert seen == {True, False}


@pytest.mark.parametrize("name", PLAIN)
def test_every_single_bad_value_of_every_field_gets_one_verdict(name: str) -> None:
    source = contract(name)
    base = next(row for seed in range(500) if model_accepts(name, row := random_row(source, seed, 0)))
    rng = random.Random(7)
    for field in source.fields:
        row = base | {field.name: bad_value(field, rng)}
        found = verdicts(source, row)
        assert len(set(found.values())) == 1, (found, field.name, row[field.name])


NEAR = st.sampled_from([0.5, 0.99, 1.0 - 1e-12, 1.0, 1.0 + 1e-12, 1.005, 1.01, 1.010001, 1.02, 2.0])
"""Around the bound itself and around the one part in a hundred that papers may round away."""


@given(kind=st.sampled_from(pledge_kinds()), pick=st.integers(0, 99), near=NEAR, whole=st.floats(1.0, 1e5))
@settings(max_examples=150, deadline=None)
def test_numbers_around_the_bound_of_a_rule_get_one_verdict(kind: str, pick: int, near: float, whole: float) -> None:
    bounds = [c for c in contract(kind).checks if c.rule in ("at_most", "at_most_times", "sum_at_most_field")]
    check = bounds[pick % len(bounds)]
    *parts, last = check.fields
    row = to_row(kind) | {last: whole} | {name: whole * (check.factor or 1.0) * near / len(parts) for name in parts}
    found = verdicts(contract("batch_input"), row)
    assert len(set(found.values())) == 1, (found, check, near, whole)
    assert found["columns"] or near > 1.0


def to_row(kind: str) -> dict[str, Any]:
    """The first pledge of an example as one flat row, its numbers far from the bounds of the rules."""
    application = copy.deepcopy(example_application(kind))
    far = {"water_right": {"transferable_volume": 0.0, "annual_volume": 1.0}, "order": {"deposit": 0.0}}
    pledge = application["pledges"][0] | far.get(kind, {})
    for name in ("gep_flows", "daily_max", "flow_max"):
        pledge.pop(name, None)
    return _flat(application, pledge)


@given(kind=st.sampled_from(pledge_kinds()), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_a_nested_application_and_its_flat_rows_get_one_verdict(kind: str, seed: int) -> None:
    rng = random.Random(seed)
    application = copy.deepcopy(example_application(kind))
    for pledge in application["pledges"]:
        pledge.pop("gep_flows", None)
    source = contract(kind) if rng.random() < 0.5 else contract("application")
    fixed = ("kind", "application_id")
    field = rng.choice([f for f in source.fields if f.group != "gep_flows" and f.name not in fixed])
    place = application["pledges"][0] if source.name == kind else application.get(field.group, application)
    place[field.name] = valid_value(field, rng) if rng.random() < 0.3 else bad_value(field, rng)
    nested = True
    try:
        application_model().model_validate(application)
    except ValidationError:
        nested = False
    assert json_accepts(contract("application"), application) == nested
    rows = [as_columns(contract("batch_input"), _flat(application, pledge)) for pledge in application["pledges"]]
    assert all(not check_columns(contract("batch_input"), row) for row in rows) == nested


def _flat(application: dict[str, Any], pledge: dict[str, Any]) -> dict[str, Any]:
    names = {f.name: f.column for f in contract(pledge["kind"]).fields if not f.group}
    loan = {f.column: application["loan"].get(f.name) for f in contract("application").fields if f.group == "loan"}
    groups = {group.name for group in contract("application").root.groups}
    top = {k: v for k, v in application.items() if k not in groups}
    return top | application["borrower"] | loan | {names[k]: v for k, v in pledge.items()}


@pytest.mark.parametrize("kind", pledge_kinds())
def test_the_examples_are_accepted_by_every_validator(kind: str) -> None:
    application = example_application(kind)
    application_model().model_validate(application)
    assert validator(contract("application")).is_valid(application)
    columns = to_flat([application])
    assert check_columns(contract("batch_input"), columns) == []
    schema_of("batch_input").validate(frame_of_columns(columns, contract("batch_input")))


def test_the_column_check_of_many_rows_is_that_of_each_row_alone() -> None:
    source = contract("gep_flow")
    rows = [row for seed in range(200) if "not_a_field" not in (row := random_row(source, seed, seed % 4))]
    columns = {f.name: np.fromiter([r.get(f.name) for r in rows], dtype=object, count=len(rows)) for f in source.fields}
    refused = np.zeros(len(rows), dtype=bool)
    for entry in check_columns(source, columns):
        refused |= entry.rows
    assert refused.tolist() == [not model_accepts("gep_flow", row) for row in rows]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_refused_by_the_model(value: float) -> None:
    assert not model_accepts("gep_flow", {"service": "carbon", "value_cny": value})


def test_a_record_that_is_no_record_is_refused() -> None:
    assert not any(model_accepts("application", value) for value in (None, [], "x", 1, {"pledges": {}}))
