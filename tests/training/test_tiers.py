"""The number of defaults decides which shape is served, and every shape is a package like any other."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from small_plan import SMALL

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns
from eco_credit.registry import Store
from eco_credit.registry.package import load_package
from eco_credit.risk.monotone import monotone_violations
from eco_credit.rulebook import load
from training.datasets import Tape, load_tape
from training.evaluate import estimate
from training.expert import anchored, expert_order
from training.low_default import anchored_grades
from training.plan import Champion, plan_of
from training.split import split
from training.tiers import choose
from training.train import Setting, Trained, train

RULES = load().at("2026-11-23")
FREE: dict[str, Any] = SMALL | {"champion": {}}
SERVED = {"scorecard": 97, "prior": 40, "bound": 10, "nothing": 0}
"""Shape (``nothing``: an expert's order without one default) and defaults kept of the 97 in time and calibration."""


def with_defaults(tape: Columns, count: int) -> Columns:
    """The tape with all defaults but the first ones of the windows before the last made loans that paid."""
    made = {name: column.copy() for name, column in tape.items()}
    read = load_tape(plan_of(SMALL), tape)
    windows = split(read.origination, read.borrower, plan_of(SMALL).split)
    past = np.concatenate([windows.in_time, windows.calibrate])
    bad = past[read.target[past] > 0.0]
    keep = set(bad[np.linspace(0, len(bad) - 1, count).astype(int)].tolist())
    paid = np.array([row for row in np.flatnonzero(read.target > 0.0) if row not in keep], np.intp)
    paid = paid if count < len(bad) else paid[:0]
    made["default_12m"][paid] = 0.0
    for name in ("cured", "lgd", "lvr", "months_to_resolution"):
        made[name][paid] = np.nan
    for name in ("default_on", "resolved_on"):
        if name in made:
            made[name][paid] = np.datetime64("NaT") if made[name].dtype.kind == "M" else None
    return made


@pytest.fixture(scope="module", params=list(SERVED))
def made(request: pytest.FixtureRequest, tape: Columns, tmp_path_factory: pytest.TempPathFactory) -> Any:
    store = Store(tmp_path_factory.mktemp("home"))
    loans = with_defaults(tape, SERVED[request.param])
    done = train(plan_of(FREE), loans, Setting(store, register=False))
    return request.param, done, load_package(done.folder, store.trusted(), require_approval=False), loans


def read_of(loans: Columns) -> Tape:
    return load_tape(plan_of(FREE), loans)


def test_the_shape_served_is_that_of_the_tier_and_says_so_everywhere(made: tuple[str, Trained, Any, Columns]) -> None:
    name, done, package, _ = made
    tier = done.gate["statistics"]["tier"]
    shape = "bound" if name == "nothing" else name
    assert (tier["shape"], tier["forced"], round(tier["defaults"])) == (shape, None, SERVED[name])
    stored = json.loads(package.files["pd.json"])
    assert stored["tier"] == tier and not stored["table"]["pairs"]
    assert (stored["benchmark"] is None) == (shape != "scorecard")
    assert f"Served: {shape}" in (done.folder / "card.md").read_text()
    assert ("expert-anchored" in (done.folder / "card.md").read_text()) == (shape == "bound")


def test_every_shape_keeps_its_signs_and_gives_contributions_that_add_up(
    made: tuple[str, Trained, Any, Columns]
) -> None:
    _, _, package, loans = made
    bundle = package.bundle
    found = estimate(bundle, read_of(loans), np.arange(300))
    scored = ~found.refused
    assert scored.sum() > 200 and ((found.pd[scored] > 0.0) & (found.pd[scored] < 1.0)).all()
    for feature in bundle.features.features:
        if feature.monotone:
            assert not monotone_violations(bundle.pd.table, feature.name, feature.monotone)
    profile = bundle.pd.estimate(bundle.reference.columns()).logit
    peers = bundle.reference.of(bundle.features.encode(read_of(loans).part(np.arange(300)))[0])
    total = np.sum(list(found.contributions.values()), axis=0)
    assert np.abs(total - (found.logit - profile[peers]))[scored].max() < 1e-9


def test_few_defaults_leave_few_inputs(made: tuple[str, Trained, Any, Columns]) -> None:
    name, _, package, _ = made
    if name == "prior":
        assert 1 <= len(package.bundle.pd.table.names) <= RULES.number("risk.low_default.prior_inputs")


def test_an_experts_order_serves_the_upper_bound_and_no_estimate(made: tuple[str, Trained, Any, Columns]) -> None:
    name, done, package, loans = made
    if name not in ("bound", "nothing"):
        return
    read, anchor = read_of(loans), done.gate["statistics"]["anchor"]
    windows = split(read.origination, read.borrower, plan_of(FREE).split)
    past = np.concatenate([windows.in_time, windows.calibrate])
    pd = package.bundle.pd.estimate(read.part(past)).pd
    assert float(pd.mean()) == pytest.approx(anchor["level"], rel=1e-4)  # a few stand on the floor
    assert anchor["level"] > anchor["rate"] and anchor["bayes"] > anchor["rate"]
    counts = [[one[key] for one in anchor["grades"]] for key in ("defaults", "rows", "bound")]
    assert counts[2] == pytest.approx(anchored_grades(counts[0], counts[1], RULES).tolist())
    assert sum(counts[0]) == pytest.approx(SERVED[name]) and sum(counts[1]) == pytest.approx(len(past))
    assert package.bundle.lgd.mode == "direct"  # under 30 resolved defaults: the supervisory value
    assert estimate(package.bundle, read, past[:50]).lgd[0] == RULES.number("risk.regulatory.lgd_unsecured")


def test_an_experts_order_does_not_look_at_outcomes(tape: Columns) -> None:
    read = load_tape(plan_of(FREE), tape)
    rows = np.arange(2_000)
    turned = Tape(**{**read.__dict__, "target": 1.0 - read.target})
    first, second = expert_order(read, rows), expert_order(turned, rows)
    assert [main.tolist() for main in first.mains] == [main.tolist() for main in second.mains]


def test_the_level_rises_with_each_default_seen() -> None:
    score, one = np.linspace(-1.0, 1.0, 500), np.ones(500)
    outcomes = [np.where(np.arange(500) >= 500 - count, 1.0, 0.0) for count in (0, 2, 6)]
    levels = [anchored(score, y, one, RULES) for y in outcomes]
    assert levels[0].level < levels[1].level < levels[2].level
    assert all(made.slope > 0.0 and made.level > made.rate for made in levels)


@pytest.mark.parametrize("shape", ["bound", "prior"])
def test_a_simpler_shape_may_always_be_asked_for(tape: Columns, shape: str) -> None:
    read = load_tape(plan_of(FREE), tape)
    windows = split(read.origination, read.borrower, plan_of(FREE).split)
    found = choose(Champion(shape=shape), read, windows, RULES)  # type: ignore[arg-type]
    assert (found.shape, found.forced) == (shape, "simpler")


def test_a_richer_shape_needs_a_reason_in_the_plan(tape: Columns) -> None:
    read = load_tape(plan_of(FREE), tape)
    windows = split(read.origination, read.borrower, plan_of(FREE).split)
    with pytest.raises(ContractError, match="say why"):
        choose(Champion(shape="tables", reason="  "), read, windows, RULES)
    found = choose(Champion(shape="tables", reason="pooled with a sister bank"), read, windows, RULES)
    assert (found.shape, found.forced, found.as_dict()["reason"]) == ("tables", "richer", "pooled with a sister bank")
