"""What a training lays beside its model: the gates it can run, and what the rows trained on tell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_plan import SMALL

from eco_credit.core.numbers import Columns
from eco_credit.registry import Store, load_package
from eco_credit.rulebook import load
from training.censoring import censoring_weights
from training.datasets import load_tape
from training.evaluate import estimate
from training.gates import look_up
from training.plan import Plan, plan_of
from training.split import split
from training.train import Setting, Trained, train

ASKED = SMALL | {
    "data": {"extracted": "2026-10-31"},
    "evidence": {"refits": 3, "rebuild": True},
}


@pytest.fixture(scope="module")
def asked(tape: Columns, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return train(plan_of(ASKED), tape, Setting(Store(tmp_path_factory.mktemp("asked")), register=False))


def colours(trained: Trained) -> dict[str, str]:
    return {row["gate"]: row["light"] for row in trained.gate["gates"]}


def test_a_plan_that_asks_for_proof_runs_the_gates_on_data_reasons_and_build(asked: Trained, trained: Trained) -> None:
    plain, proven = colours(trained), colours(asked)
    assert all(plain[gate] == "not run" and proven[gate] != "not run" for gate in ("G0", "G8", "G10"))
    assert look_up(asked.gate["statistics"], "build.refit_same") == 1.0
    overlap = asked.gate["statistics"]["reasons"]["refits"]
    assert 0.0 < overlap["low"] <= overlap["value"] <= overlap["high"] <= 1.0


def test_a_loan_younger_than_the_horizon_on_the_day_of_extraction_is_immature(tape: Columns, tmp_path: Path) -> None:
    early = plan_of(ASKED | {"data": {"extracted": "2025-06-30"}, "evidence": {}})
    gate = train(early, tape, Setting(Store(tmp_path), register=False)).gate
    read = load_tape(early, tape)
    rows = split(read.origination, read.borrower, early.split).evaluate
    young = float(np.mean(read.origination[rows] > np.datetime64("2024-06-30")))
    assert 0.0 < young == pytest.approx(gate["statistics"]["data"]["immature"])
    assert {row["gate"]: row["light"] for row in gate["gates"]}["G0"] == "red"


def test_overfit_is_judged_out_of_fold(trained: Trained) -> None:
    found = trained.gate["statistics"]
    honest = found["cross_validation"]
    assert honest["overfit"]["value"] == pytest.approx(honest["auc"]["value"] - found["pd"]["auc"]["value"])
    assert honest["auc"]["value"] < found["in_time_auc"]  # the rows fitted on flatter
    assert next(row for row in trained.gate["gates"] if row["gate"] == "G1c")["note"] == "in-time AUC out of fold"


def test_the_downturn_loses_more_than_the_long_run(trained: Trained) -> None:
    for pool in trained.gate["statistics"]["lgd_downturn"].values():
        assert pool["long_run"] <= pool["upper"] and pool["downturn"] >= max(pool["long_run"], pool["stressed"])
    assert colours(trained)["G6c"] != "not run"


def test_the_card_says_what_the_number_of_defaults_allows(plan: Plan, tape: Columns, trained: Trained) -> None:
    tier = trained.gate["statistics"]["tier"]
    read = load_tape(plan, tape)
    windows = split(read.origination, read.borrower, plan.split)
    past, later = read.target[np.concatenate([windows.in_time, windows.calibrate])], read.target[windows.evaluate]
    rules = load().at("2026-11-23")
    enough = past.sum() >= rules.number("risk.low_default.full")
    seen = later.sum() >= rules.number("risk.low_default.full_out_of_time")
    assert tier["name"] == ("full" if enough and seen else "logistic")
    said = (trained.folder / "card.md").read_text()
    assert f"Defaults allow: {tier['champion']}" in said and "Served: tables" in said
    assert (tier["forced"] == "richer") == (tier["name"] != "full") and ("must accept" in said) == bool(tier["forced"])


def test_resolved_defaults_of_the_window_stand_for_those_still_in_workout(
    plan: Plan, tape: Columns, trained: Trained, store: Store
) -> None:
    read = load_tape(plan, tape)
    rows = split(read.origination, read.borrower, plan.split).evaluate
    lgd = read.outcome["lgd"].astype(np.float64)[rows]
    known = ~np.isnan(lgd) & (read.target[rows] > 0.0)
    weight = (read.weight * censoring_weights(read, rows))[rows]
    told = trained.gate["statistics"]["lgd"]
    assert weight[known].max() > 1.0  # some workouts of the window are not over
    bundle = load_package(trained.folder, store.trusted(), require_approval=False).bundle
    known &= ~estimate(bundle, read, rows).refused
    mean, plain = (float(np.average(lgd[known], weights=w[known])) for w in (weight, read.weight[rows]))
    assert told["rows"] == known.sum() and told["realised"]["value"] == pytest.approx(mean)
    assert abs(mean - plain) > 1e-4  # the weights tell
