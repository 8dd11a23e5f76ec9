"""The quick reading of records in order: never laxer than the model, and never with another result."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

import pytest
from contract_rows import bad_value, random_row, valid_value
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from eco_credit.contracts import contract, contract_names, example_application, pledge_kinds, record_model
from eco_credit.contracts.quick import quick_reader

_REFUSED = object()


def read(name: str, value: Any, *, quick: bool) -> Any:
    try:
        if quick:
            return quick_reader(name).validate_python(value)
        return record_model(name).model_validate(value).model_dump(exclude_none=True)
    except ValidationError:
        return _REFUSED


def agree(name: str, value: Any) -> None:
    """What the quick reading takes, the model reads to the same: ``repr`` tells 1 from 1.0 and shows the order."""
    found = read(name, value, quick=True)
    if found is not _REFUSED:
        assert repr(found) == repr(read(name, value, quick=False))


@pytest.mark.parametrize("name", contract_names())
@given(seed=st.integers(0, 2**32 - 1), mutations=st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_a_random_row_that_is_taken_is_read_as_the_model_reads_it(name: str, seed: int, mutations: int) -> None:
    agree(name, random_row(contract(name), seed, mutations))


def records_in(value: Any) -> Iterator[dict[str, Any]]:
    """The record and all records inside it."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from records_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from records_in(inner)


@given(kind=st.sampled_from(pledge_kinds()), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=200, deadline=None)
def test_a_nested_application_that_is_taken_is_read_as_the_model_reads_it(kind: str, seed: int) -> None:
    rng = random.Random(seed)
    application = copy.deepcopy(example_application(kind))
    for _ in range(rng.randint(1, 3)):
        record = rng.choice(list(records_in(application)))
        step, field = rng.random(), rng.choice(contract(kind).root.fields + contract("application").fields)
        if step < 0.2:
            record["not_a_field"] = 1
        elif step < 0.4 and record:
            record.pop(rng.choice(list(record)))
        elif step < 0.5 and record:
            record[rng.choice(list(record))] = None
        else:
            record[field.name] = valid_value(field, rng) if step < 0.7 else bad_value(field, rng)
    agree("application", application)


@pytest.mark.parametrize("kind", pledge_kinds())
def test_a_field_nobody_knows_is_never_taken_in_whatever_record_it_stands(kind: str) -> None:
    application = copy.deepcopy(example_application(kind))
    for record in records_in(application):
        record["not_a_field"] = 1
        assert read("application", application, quick=True) is _REFUSED
        del record["not_a_field"]
    assert read("application", application, quick=True) is not _REFUSED


@pytest.mark.parametrize("name", [name for name in contract_names() if contract(name).plain])
def test_rows_in_order_are_mostly_taken(name: str) -> None:
    rows = [
        row for seed in range(60) if read(name, row := random_row(contract(name), seed, 0), quick=False) is not _REFUSED
    ]
    taken = sum(read(name, row, quick=True) is not _REFUSED for row in rows)
    wide = any(check.rule in ("kind_columns", "unique") for check in contract(name).checks)
    assert (taken == 0) if wide else (taken > 0)
