"""Margins of conservatism come from the evidence of the training and from what the risk team states."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from small_plan import SMALL

from eco_credit.core.numbers import Columns
from eco_credit.registry import Store
from eco_credit.rulebook import RuleSet, load
from training.datasets import Tape, load_tape
from training.low_default import upper_bound
from training.moc import pd_margins
from training.plan import plan_of
from training.split import Windows, split
from training.train import Setting, Trained, train

STATED: list[dict[str, Any]] = [
    {"name": "thin-water", "category": "A", "parameter": "pd", "addition": 0.002, "about": "两年水权违约样本缺失",
     "stated_by": "风险部", "stated_on": "2026-03-01"},
    {"name": "auction-cost", "category": "A", "parameter": "lgd", "addition": 0.02, "about": "cost of sale not kept",
     "stated_by": "风险部", "stated_on": "2026-03-01"},
]  # fmt: skip


@pytest.fixture(scope="module")
def day() -> RuleSet:
    return load().at("2026-11-23")


@pytest.fixture(scope="module")
def read(tape: Columns) -> Tape:
    return load_tape(plan_of(SMALL), tape)


@pytest.fixture(scope="module")
def windows(read: Tape) -> Windows:
    return split(read.origination, read.borrower, plan_of(SMALL).split)


def found(read: Tape, windows: Windows, pd: float, day: RuleSet) -> dict[str, dict[str, float]]:
    flat = np.full(len(read.target), pd)
    level = (windows.calibrate, None)
    return pd_margins(flat, read, windows, level=level, stated=plan_of(SMALL).deficiencies, rules=day).as_json()


def test_estimation_error_is_the_way_to_the_upper_bound_of_the_rate_the_level_rests_on(
    read: Tape, windows: Windows, day: RuleSet
) -> None:
    rows, bad = len(windows.calibrate), float(read.target[windows.calibrate].sum())
    part = upper_bound(bad, rows, day.number("risk.margins.confidence")) / (bad / rows) - 1.0
    assert found(read, windows, 0.02, day)["relative"]["c"] == pytest.approx(part)


def test_a_rate_out_of_time_that_chance_explains_adds_nothing(read: Tape, windows: Windows, day: RuleSet) -> None:
    rate = float(read.target[windows.evaluate].mean())
    assert found(read, windows, rate, day)["relative"]["b"] == 0.0
    assert found(read, windows, rate / 3.0, day)["relative"]["b"] > 0.5


def test_loans_without_outcome_count_as_if_at_the_upper_bound(read: Tape, windows: Windows, day: RuleSet) -> None:
    known = replace(read, unlabelled=0)
    half = replace(read, unlabelled=len(read.target))
    assert found(known, windows, 0.02, day)["relative"]["a"] == 0.0
    told = found(half, windows, 0.02, day)["relative"]
    assert told["a"] == pytest.approx(0.5 * told["c"])  # half of all loans, each at the bound


def test_stated_deficiencies_and_measured_margins_stand_in_package_record_and_card(
    tape: Columns, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Store(tmp_path_factory.mktemp("home"))
    done: Trained = train(plan_of(SMALL | {"deficiencies": STATED}), tape, Setting(store, register=False))
    told = done.gate["statistics"]["margins"]
    stored = json.loads((done.folder / "pd.json").read_text())["margin"]
    assert stored["absolute"] == {"a": 0.002, "b": 0.0, "c": 0.0} and stored["relative"]["c"] > 0.0
    assert {kind: told["pd"][kind] for kind in ("absolute", "relative")} == stored
    assert told["lgd"]["a"] == 0.02 and told["lgd"]["c"] > 0.0
    assert "thin-water" in (done.folder / "card.md").read_text()
