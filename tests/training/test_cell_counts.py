"""What a package keeps for thin cells: honest counts of its training window, and a margin that knows the spread."""

from __future__ import annotations

import json

import numpy as np
import pytest
from small_plan import SMALL

from eco_credit.core.numbers import Columns, text
from eco_credit.risk.cells import Cells
from eco_credit.rulebook import RuleSet, load
from training.cell_counts import cells_json, margin_over
from training.datasets import load_tape
from training.plan import Plan, plan_of
from training.split import split
from training.train import Trained

RULES: RuleSet = load().at("2026-11-23")


def test_every_loan_of_the_training_window_is_counted_once_in_its_cell(trained: Trained, tape: Columns) -> None:
    kept = json.loads((trained.folder / "support.json").read_text())["cells"]
    window = (tape["origination"] >= np.datetime64("2014-01-01")) & (tape["origination"] < np.datetime64("2021-07-01"))
    assert kept["area_digits"] == 4
    assert sum(kind["loans"] for kind in kept["kinds"].values()) == trained.counts["train"] + trained.counts["stop"]
    for kind, found in kept["kinds"].items():
        assert found["loans"] == sum(cell["loans"] for cell in found["areas"].values())
        for area, cell in found["areas"].items():
            rows = window & (tape["kind"] == kind) & (text(tape, "area_code").astype("U4") == area)
            # the split may leave out loans of borrowers who stand in a later window; it never adds one
            assert cell["loans"] <= rows.sum() and cell["defaults"] <= tape["default_12m"][rows].sum()


def test_a_tape_without_areas_counts_by_kind_and_one_without_kinds_counts_nothing(tape: Columns, plan: Plan) -> None:
    bare = {name: column for name, column in tape.items() if name != "area_code"}
    read = load_tape(plan, bare)
    rows = split(read.origination, read.borrower, plan.split).in_time
    kept = cells_json(plan, read, rows, RULES)
    assert kept is not None and kept["area_digits"] is None
    assert all(kind["areas"] == {} and kind["loans"] > 0.0 for kind in kept["kinds"].values())
    Cells.parse(kept, "cells")
    read.places.clear()
    assert cells_json(plan, read, rows, RULES) is None


@pytest.mark.parametrize("digits", [2, 4, 6])
def test_what_training_writes_is_what_scoring_reads(digits: int, tape: Columns) -> None:
    wanted = plan_of(SMALL | {"data": {"area_digits": digits}})
    read = load_tape(wanted, tape)
    rows = split(read.origination, read.borrower, wanted.split).in_time
    cells = Cells.parse(cells_json(wanted, read, rows, RULES), "cells")
    found = cells.of(read.places["kind"][rows], read.places["area_code"][rows])
    assert found.loans.min() >= 1.0
    # one over the size of its cell, summed over all loans, is the number of cells
    assert (1.0 / found.loans).sum() == pytest.approx(int((cells.counts[0, :-1, :-1] > 0.0).sum()), abs=1e-9)


def test_the_margin_by_hand_where_groups_lie_apart() -> None:
    # 1,000 loans each, 10 and 50 defaults: r = 0.03, r (1 - r) = 0.0291, Q = 2 * 1000 * 0.02^2 / 0.0291 = 27.4914
    # tau^2 = (27.4914 - 1) * 0.0291 / (2000 - 1000) = 7.709e-4; z = 1.281552
    # m = 1.281552 * sqrt(7.709e-4 + 0.0291 / 2000) / 0.03 = 1.281552 * 0.0280263 / 0.03
    found = margin_over(np.array([[1000.0, 10.0], [1000.0, 50.0]]), RULES)
    assert found == pytest.approx(1.19723, abs=2e-5)


def test_groups_that_differ_only_by_chance_leave_the_error_of_the_pool() -> None:
    # equal rates: tau^2 = 0; m = 1.281552 * sqrt(0.03 * 0.97 / 4000) / 0.03
    found = margin_over(np.full((4, 2), [1000.0, 30.0]), RULES)
    assert found == pytest.approx(1.281552 * np.sqrt(0.03 * 0.97 / 4000.0) / 0.03, rel=1e-6)
    assert margin_over(np.array([[50.0, 0.0]]), RULES) == 1.0


def test_the_margin_covers_an_unseen_group_about_as_often_as_its_confidence_says() -> None:
    rng = np.random.default_rng(5)
    inside = 0
    for _ in range(400):
        rates = np.clip(rng.normal(0.04, 0.012, 31), 0.001, 1.0)
        counts = np.column_stack([np.full(30, 400.0), rng.binomial(400, rates[:30])])
        pooled = counts[:, 1].sum() / counts[:, 0].sum()
        inside += rates[30] <= pooled * (1.0 + margin_over(counts, RULES))
    # 90 % one-sided; four standard errors of 400 draws are 0.06
    assert abs(inside / 400.0 - 0.9) < 0.06
