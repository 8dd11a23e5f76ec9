"""Signs that the data contradict are found by fitting without them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_plan import SMALL

from eco_credit.core.numbers import Columns
from eco_credit.rulebook import load
from training.datasets import load_tape
from training.fitting import Work, fit
from training.plan import plan_of
from training.split import split
from training.unsigned import cost_of_signs, released


def worked(tape: Columns, *, turned: tuple[str, ...] = (), shape: str = "tables") -> Work:
    """A fit of the small plan with some signs turned round against the simulator's truth."""
    plan = plan_of(SMALL | {"champion": {"shape": shape, "reason": "test"}})
    read = load_tape(plan, tape)
    inputs = tuple(replace(i, monotone=-i.monotone) if i.name in turned else i for i in read.inputs)
    read = replace(read, inputs=inputs)
    return fit(plan, read, split(read.origination, read.borrower, plan.split), load().at("2026-11-23"))


@pytest.fixture(scope="module")
def wrong(tape: Columns) -> dict[str, Any]:
    return cost_of_signs(worked(tape, turned=("dscr",)))


def test_a_sign_turned_against_the_truth_costs_most_and_the_model_without_signs_gains(wrong: dict[str, Any]) -> None:
    assert wrong["broken"][0]["name"] == "dscr" and wrong["broken"][0]["gain"]["value"] > 0.02
    assert wrong["gain"]["value"] > load().at("2026-11-23").table("risk.gates.unsigned_gain")["green_high"]


def test_right_signs_cost_less_than_a_wrong_one(tape: Columns, wrong: dict[str, Any]) -> None:
    right = cost_of_signs(worked(tape))
    assert right["gain"]["value"] < wrong["gain"]["value"]
    assert "dscr" not in [one["name"] for one in right["broken"] if one["gain"]["low"] > 0.0]
    signed = sum(item.monotone != 0 for item in load_tape(plan_of(SMALL), tape).inputs)
    assert right["kept"] + len(right["broken"]) == signed


def test_only_boosted_tables_have_signs_to_release(tape: Columns) -> None:
    assert cost_of_signs(worked(tape, shape="scorecard")) == {}


def test_releasing_a_sign_leaves_rows_and_other_signs_alone(tape: Columns) -> None:
    read = load_tape(plan_of(SMALL), tape)
    free = released(read, {"dscr"})
    assert np.array_equal(free.target, read.target) and free.names == read.names
    assert [i.name for i, j in zip(read.inputs, free.inputs, strict=True) if i.monotone != j.monotone] == ["dscr"]
