"""Random rows of a contract: valid ones and mutations of them, for the agreement tests."""

from __future__ import annotations

import copy
import random
import re
from typing import Any

import pytest

from eco_credit.contracts import Contract, Field, example_application, read_application
from eco_credit.core.errors import ContractError

SAMPLES = ("A1", "999999", "0220", "2021", "CNY", "+", "林业")
IDENTIFIERS = {
    "uscc": ("91999999100000016F", "939999990000000197"),
    "folded": ("91999999100000016F", "939999990000000197", "N2999999000000019W", "999999190001010015"),
    "unit_code": ("999999001002JE00015L00000002",),
    "water_permit": ("D999999S2026-0001", "取水(某县)字〔2007〕第B00000001号"),
    "composition": ("8杉2阔", "10杉", "6杉4松+阔"),
    "holder": ("91999999100000016F", "999999190001010015"),
    "certificate": ("闽(2026)某县不动产权第0000001号", "某政林证字(2008)第1号"),
}
BAD_TEXTS = ("", "a\x00b", "a\nb", "林\u202e", "\ufeffa", "x" * 2000, "\ud800", "A1\n", "zz top", "１２", "-", "9" * 18)
BAD_DAYS = ("", "2026-02-30", "2026-2-3", "20260228", "1899-12-31", "2200-01-01", "２０２６-01-01", "2026-01-01 ",
            "2026-W01-1")
ANY = (None, True, 1, 1.5, "x", [], {}, [1, 2], -1, 10**400)


def valid_value(field: Field, rng: random.Random) -> Any:
    """A value the field accepts on its own."""
    if field.codes is not None:
        return rng.choice(field.codes)
    if field.type == "boolean":
        return rng.random() < 0.5
    if field.type == "date":
        return f"{rng.randint(1990, 2060)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
    if field.type == "text":
        if field.format:
            return rng.choice(IDENTIFIERS[field.format])
        return rng.choice([s for s in SAMPLES if not field.pattern or re.fullmatch(field.pattern, s)])
    low = field.minimum if field.minimum is not None else field.exclusive_minimum
    if field.type == "integer":
        return rng.choice([int(low) + 1, float(int(low) + 1), int(field.maximum)])
    return rng.choice([low + (field.maximum - low) * rng.random() * 1e-6 + 1e-9, field.maximum, 1])


def bad_value(field: Field, rng: random.Random) -> Any:
    """A value the field mostly refuses."""
    if rng.random() < 0.3:
        return rng.choice(ANY)
    if field.type == "date":
        return rng.choice(BAD_DAYS)
    if field.type == "text":
        return rng.choice(BAD_TEXTS)
    if field.type == "boolean":
        return rng.choice(["yes", 0, 1.0, "true"])
    edges = [1e300, -1e300, float("inf"), 0, 0.5, "1", field.maximum, field.maximum * 2 + 1]
    edges += [] if field.minimum is None else [field.minimum, field.minimum - 1]
    edges += [] if field.exclusive_minimum is None else [field.exclusive_minimum]
    return rng.choice(edges)


def random_row(contract: Contract, seed: int, mutations: int) -> dict[str, Any]:
    """A row of a flat contract by seed, with some fields mutated, dropped or added."""
    rng = random.Random(seed)
    kind = rng.choice(contract.field("kind").codes) if any(field.kinds for field in contract.fields) else None
    row = {}
    for field in contract.fields:
        wanted = field.required or kind in field.required_kinds or rng.random() < 0.3
        if wanted and (not field.kinds or kind in field.kinds):
            row[field.name] = valid_value(field, rng)
    if kind:
        row["kind"] = kind
    for _ in range(mutations):
        field = rng.choice(contract.fields)
        step = rng.random()
        if step < 0.15:
            row.pop(field.name, None)
        elif step < 0.2:
            row["not_a_field"] = 1
        elif step < 0.4:
            row[field.name] = valid_value(field, rng)
        else:
            row[field.name] = bad_value(field, rng)
    return row


def changed(change: dict[str, Any], kind: str = "forest_right") -> dict[str, Any]:
    """The example of a kind after changes given by dotted path; an ellipsis takes the field away."""
    application = copy.deepcopy(example_application(kind))
    for path, value in change.items():
        *steps, last = path.split(".")
        place: Any = application
        for step in steps:
            place = place[int(step)] if step.isdigit() else place[step]
        if value is ...:
            del place[last]
        else:
            place[last] = value
    return application


def broken(change: dict[str, Any], kind: str = "forest_right") -> set[tuple[str, str]]:
    """Field and rule of what is refused after the changes of `changed`."""
    with pytest.raises(ContractError) as refused:
        read_application(changed(change, kind))
    return {(violation.field, violation.rule) for violation in refused.value.violations}
