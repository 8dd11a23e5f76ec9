"""Gates: limits from the rulebook, never green without evidence, and what evaluation lays before them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_plan import SMALL
from typer import Typer
from typer.testing import CliRunner

from eco_credit.core.numbers import Columns
from eco_credit.registry import Store, load_package, promote
from eco_credit.registry.promote import Approval
from eco_credit.rulebook import load
from training.assess import assess
from training.cli import register
from training.datasets import Tape, load_tape
from training.evaluate import estimate, evaluate, reference_of
from training.evidence import Beside, data_evidence, initial_evidence, kinds_of, people
from training.gate_judges import JUDGES
from training.gate_limits import RULES, RULES_DAY, gate_table
from training.gates import Gate, gate_record, gates
from training.metrics.grades import concentration, migration
from training.metrics.ranking import Interval
from training.metrics.shadow import shadow
from training.plan import Plan, plan_of
from training.refit import refitter
from training.refit_reasons import Refits, refit_reasons
from training.simulate import simulate_tape
from training.simulate.tape import write_tape
from training.split import split
from training.train import Setting, Trained, train
from training.walk_forward import FOLDS, Folded, cross_validated, in_period, out_of_fold

IDS = [
    "G0", "G1a", "G1b", "G1c", "G1d", "G1e", "G2a", "G2b", "G2c", "G2d", "G2e", "G2f", "G3", "G4", "G4b", "G5a", "G5b",
    "G5c", "G6a", "G6b", "G6c", "G7", "G8", "G9", "G10", "G11", "G12",
]  # fmt: skip
KEYS = {
    "id", "name_zh", "name_en", "statistic", "value", "low", "high", "n", "green", "amber", "red", "colour", "source",
    "note",
}  # fmt: skip
ROOM = Path(__file__).parents[2] / "training"


def by_id(statistics: dict[str, Any]) -> dict[str, Gate]:
    return {gate.id: gate for gate in gates(statistics)}


def put(path: str, value: Any) -> dict[str, Any]:
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def grade(code: str, p: float, *, rate: float = 0.02, size: float = 400.0, holm: float | None = None) -> dict[str, Any]:
    return {"grade": code, "jeffreys": p, "holm": p if holm is None else holm, "default_rate": rate, "size": size}


def test_without_evidence_no_gate_is_run_and_each_says_what_it_lacks() -> None:
    found = gates({})
    assert [gate.id for gate in found] == IDS
    assert {gate.colour for gate in found} == {"not run"}
    assert all(gate.note.startswith("not given: ") for gate in found)


def test_every_gate_is_plain_data_with_words_and_limits() -> None:
    for gate in gates({}):
        plain = gate.as_dict()
        assert set(plain) == KEYS | {"gate", "light"}
        assert plain["gate"] == plain["id"] and plain["light"] == plain["colour"]
        assert all(plain[key] for key in ("name_zh", "name_en", "green", "amber", "red", "source"))
    json.dumps(gate_record([], {}), allow_nan=False)


def test_every_limit_of_the_rulebook_is_read_by_a_gate_and_every_judge_stands_in_the_table() -> None:
    text = "".join((ROOM / name).read_text(encoding="utf-8") for name in ("gate_table.yaml", "gate_judges.py"))
    names = [rule.name.removeprefix(f"{RULES}.") for rule in load().at(RULES_DAY).under(f"{RULES}.")]
    assert len(names) > 40
    assert [name for name in names if f'"{name}"' not in text and f"rule: {name}," not in text] == []
    assert {entry["judge"] for entry in gate_table().values() if "judge" in entry} == set(JUDGES)


SIMPLE = [
    ("G1a", "pd.auc.low", {0.70: "green", 0.69: "amber", 0.65: "amber", 0.64: "red"}),
    ("G1b", "initial.auc_fell", {0.05: "green", 0.049: "amber", 0.009: "red"}),
    ("G1c", "cross_validation.overfit.value", {-0.2: "green", 0.03: "green", 0.04: "amber", 0.06: "red"}),
    ("G1c", "overfit", {0.03: "green", 0.05: "amber", 0.051: "red"}),
    ("G1e", "benchmark.difference.value", {0.01: "green", 0.0: "amber", -0.001: "red"}),
    ("G2a", "pd.jeffreys", {0.05: "green", 0.01: "amber", 0.0099: "red"}),
    ("G2d", "pd.spiegelhalter", {-1.9: "green", 2.0: "amber", -2.5: "amber", 2.6: "red"}),
    ("G2e", "pd.ece_to_rate", {0.15: "green", 0.3: "amber", 0.31: "red"}),
    ("G2f", "in_period.slope.value", {0.89: "amber", 0.9: "green", 1.1: "green", 1.2: "amber", 1.21: "red"}),
    ("G4", "proof.violations", {0: "green", 1: "red"}),
    ("G4b", "unsigned.gain.value", {-0.01: "green", 0.01: "green", 0.011: "amber"}),
    ("G12", "people.missing", {0: "green", 1: "red"}),
]


@pytest.mark.parametrize(("gate", "path", "colours"), SIMPLE)
def test_a_gate_of_one_figure_changes_colour_at_its_limits(gate: str, path: str, colours: dict[float, str]) -> None:
    assert {value: by_id(put(path, value))[gate].colour for value in colours} == colours


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0))
@settings(max_examples=30, deadline=None)
def test_a_higher_lower_bound_of_the_auc_never_gives_a_worse_colour(one: float, two: float) -> None:
    order = ["red", "amber", "green"]
    low, high = sorted((one, two))
    colour = lambda value: order.index(by_id(put("pd.auc.low", value))["G1a"].colour)
    assert colour(low) <= colour(high)


def test_a_figure_that_is_no_number_is_not_run() -> None:
    assert by_id(put("pd.spiegelhalter", float("nan")))["G2d"].colour == "not run"


def test_a_missing_part_keeps_a_gate_from_green_and_a_bad_part_still_shows() -> None:
    build = {"one_row": 0.0, "rank": 0}
    assert by_id({"build": build})["G10"].colour == "not run"
    assert by_id({"build": build | {"refit_same": 1}, "collapse_error": 1e-14})["G10"].colour == "green"
    assert by_id({"build": build | {"rank": 3}})["G10"].colour == "red"
    assert "a refit with the same data and seed" in by_id({"build": build})["G10"].note


def test_an_intercept_off_zero_is_amber_and_a_slope_far_off_is_red() -> None:
    cox = lambda slope, off: by_id({"pd": {"cox": {"slope": {"value": slope}, "intercept_off": off}}})["G2c"].colour
    assert [cox(1.0, 0.0), cox(1.0, 0.2), cox(1.25, 0.0), cox(1.4, 0.0)] == ["green", "amber", "amber", "red"]


@pytest.mark.parametrize(
    ("superior", "difference", "error", "losses", "colour"),
    [
        (0.01, 0.02, 0.008, 2, "green"),  # superior
        (0.5, 0.0, 0.002, 0, "green"),  # z = 0.005 / 0.002 = 2.5: no worse, neither loss worse
        (0.5, 0.0, 0.002, 1, "amber"),  # the same with one loss worse
        (0.5, 0.0, 0.005, 0, "red"),  # z = 1: could be worse by the margin
        (0.9, -0.02, 0.005, 0, "red"),
    ],
)
def test_a_challenger_passes_when_superior_or_no_worse(
    superior: float, difference: float, error: float, losses: int, colour: str
) -> None:
    laid = {"superior": superior, "auc": {"value": difference}, "auc_error": error, "worse_losses": losses}
    assert by_id({"champion": laid})["G1d"].colour == colour


def test_grades_are_judged_after_holm_and_by_their_share() -> None:
    good = [grade(code, 0.5) for code in "ABCDEFGHIJ"]
    colour = lambda *low: by_id({"pd": {"grades": [*low, *good[len(low) :]]}})["G2b"].colour
    assert colour() == "green"
    assert colour(grade("A", 0.03, holm=0.3)) == "green"  # one of ten, explained by ten looks
    assert colour(grade("A", 0.001, holm=0.01)) == "amber"
    assert colour(grade("A", 0.03, holm=0.3), grade("B", 0.03, holm=0.3)) == "amber"
    assert colour(*[grade(code, 0.03, holm=0.3) for code in "ABC"]) == "red"


def test_the_order_of_grades_by_inversions_crowding_and_extremes() -> None:
    def colour(rates: list[float], **more: Any) -> str:
        rows = [grade(code, 0.5, rate=rate) for code, rate in zip("ABC", rates, strict=True)]
        state = {"concentration": {"index": 0.1}, "extreme": 0} | more
        return by_id({"pd": {"grades": rows}, "grades": state, "initial": more.get("initial", {})})["G3"].colour

    assert colour([0.01, 0.02, 0.04]) == "green"
    assert colour([0.02, 0.01, 0.04]) == "amber"  # 8 against 4 of 400: p 0.19
    assert colour([0.08, 0.01, 0.02]) == "red"  # 32 against 4 of 400
    assert colour([0.03, 0.02, 0.01]) == "red"  # two inversions
    assert colour([0.01, 0.02, 0.04], concentration={"index": 0.3}) == "red"
    assert colour([0.01, 0.02, 0.04], extreme=1) == "red"
    assert colour([0.01, 0.02, 0.04], initial={"concentration_rose": 0.01}) == "red"


def test_a_shift_within_chance_is_not_red() -> None:
    shift = lambda value, limit: by_id({"stability": {"score": {"value": value, "limit": limit}}})["G5a"].colour
    assert [shift(0.05, 0.01), shift(0.2, 0.01), shift(0.3, 0.01), shift(0.3, 0.4)] == [
        "green",
        "amber",
        "red",
        "amber",
    ]


def test_an_input_that_moved_is_red_only_among_the_most_used() -> None:
    inputs = {f"x{k}": {"value": 0.01} for k in range(12)} | {"moved": {"value": 0.5}}
    colour = lambda used: by_id({"stability": {"inputs": inputs, "most_used": used}})["G5b"].colour
    names = [f"x{k}" for k in range(12)]
    assert colour([*names, "moved"]) == "amber" and colour(["moved", *names]) == "red"
    assert by_id({"stability": {"inputs": inputs}})["G5b"].colour == "red"  # without a ranking every input counts


def test_walk_forward_needs_four_origins() -> None:
    walk = lambda folds, sd, worst: by_id({"walk_forward": {"folds": [{}] * folds, "sd": sd, "worst": worst}})["G5c"]
    assert walk(3, 0.01, 0.7).colour == "not run" and "3 origins" in walk(3, 0.01, 0.7).note
    found = [walk(4, sd, worst).colour for sd, worst in ((0.01, 0.7), (0.04, 0.7), (0.01, 0.5), (0.06, 0.7))]
    assert found == ["green", "amber", "amber", "red"]


def test_the_worst_kind_decides_the_back_test_and_small_kinds_are_only_named() -> None:
    kinds = {"forest": {"rows": 40, "p_value": 0.02}, "water": {"rows": 2, "p_value": None}}
    found = by_id({"lgd": {"underestimated": 0.5, "by_kind": kinds}})["G6a"]
    assert found.colour == "amber" and "water (2)" in found.note
    assert by_id({"lgd": {"underestimated": 0.5}})["G6a"].colour == "green"


def test_ranking_of_lgd_passes_by_two_of_three() -> None:
    def colour(area: float, rank: float | None, error: float) -> str:
        lgd = {"gauc": {"value": area}, "spearman": rank, "mae": {"value": error}, "mae_of_segment": 0.2}
        return by_id({"lgd": lgd})["G6b"].colour

    assert [colour(0.7, 0.3, 0.1), colour(0.7, None, 0.1), colour(0.5, 0.1, 0.1)] == ["green", "amber", "red"]


def test_the_value_floor_by_breaches_band_and_loss() -> None:
    def colour(p: float, band: float, ours: float) -> str:
        lgd = {"floor_breaches": {"p_value": p}, "band_coverage": {"value": band}}
        return by_id({"lgd": lgd | {"floor_pinball": ours, "fixed_pinball": 0.02}})["G7"].colour

    found = [colour(0.5, 0.9, 0.01), colour(0.5, 0.7, 0.01), colour(0.5, 0.9, 0.03), colour(0.001, 0.9, 0.01)]
    assert found == ["green", "amber", "amber", "red"]


def test_a_given_haircut_and_the_band_of_the_value_come_before_their_stand_ins() -> None:
    lgd = {"floor_breaches": {"p_value": 0.5}, "floor_pinball": 0.03, "fixed_pinball": 0.02, "haircut_pinball": 0.05}
    lgd |= {"band_coverage": {"value": 0.6}, "value_band_coverage": {"value": 0.9}}
    found = by_id({"lgd": lgd})["G7"]
    assert found.colour == "green" and "the fixed haircut 0.0500" in found.note


def test_fairness_is_amber_at_worst() -> None:
    fair = lambda air, gap: by_id({"fairness": {"air": {"value": air}, "gap_size": gap}})["G9"].colour
    assert [fair(0.9, 0.05), fair(0.1, 0.05), fair(0.9, 0.9)] == ["green", "amber", "amber"]


def test_a_shadow_run_is_long_enough_no_worse_and_quick() -> None:
    def colour(**more: Any) -> str:
        return by_id({"shadow": {"cases": 600, "worse": 0.4, "latency_p99": 5.0} | more})["G11"].colour

    assert colour() == "green" and colour(cases=50) == "amber" and colour(cases=50, days=31) == "green"
    assert colour(worse=0.01) == colour(latency_p99=900.0) == "red"
    assert colour(worse=None) == "amber" and colour(latency_p99=None) == "not run"


def test_an_institution_tightens_a_limit_by_its_overlay(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "risk.gates.auc_floor: {in_force: 2026-01-01, published: 2026-01-01, ref: own, "
        "value: {green_low: 0.8, amber_low: 0.75}}\n"
    )
    rules = load(tmp_path / "own.yaml").at(RULES_DAY)
    found = next(gate for gate in gates(put("pd.auc.low", 0.72), rules) if gate.id == "G1a")
    assert found.colour == "red" and found.green == ">= 0.8"


def test_the_record_lists_what_is_red_and_what_was_not_run() -> None:
    record = gate_record([], put("pd.auc.low", 0.5))
    assert record["red_gates"] == ["G1a"] and "G12" in record["not_run"] and record["status"] == "amber"


@pytest.mark.parametrize(
    ("change", "lacking"),
    [
        ({}, []),
        ({"approver": " L i "}, ["a second person"]),
        ({"reason": " "}, ["a reason"]),
        ({"at": ""}, ["a date"]),
        ({"proposer": ""}, ["a proposer"]),
    ],
)
def test_four_eyes_are_two_named_people_with_reason_and_date(change: dict[str, str], lacking: list[str]) -> None:
    act = {"proposer": "Li", "approver": "Wang", "reason": "read", "at": "2026-11-23"} | change
    found = people(act["proposer"], act["approver"], reason=act["reason"], at=act["at"], accepted=["G1a"])
    assert found["lacking"] == lacking and found["missing"] == len(lacking) and found["waivers"] == ["G1a"]


# evaluation of a trained package


@pytest.fixture(scope="module")
def read(plan: Plan, tape: Columns) -> Tape:
    return load_tape(plan, tape)


def test_rows_are_mature_when_their_year_ended_before_the_day_of_extraction(read: Tape) -> None:
    rows = np.arange(len(read.target))
    late = read.origination.max()
    evidence = lambda day: data_evidence(read, rows, as_of=day, months=12)
    assert evidence(late + np.timedelta64(400, "D"))["immature"] == 0.0
    share = evidence(np.datetime64("2020-06-15"))["immature"]
    assert share == pytest.approx((read.origination > np.datetime64("2019-06-15")).mean())
    assert "immature" not in data_evidence(read, rows, as_of=None, months=12)
    assert evidence(late)["strongest_auc"] < 0.95 and evidence(late)["late_inputs"] == 0


def test_with_everything_laid_beside_it_every_gate_but_the_training_ones_is_run(
    plan: Plan, read: Tape, trained: Trained, store: Store
) -> None:
    bundle = load_package(trained.folder, store.trusted(), require_approval=False).bundle
    rows = np.arange(len(read.target))
    found = estimate(bundle, read, rows)
    groups = np.where(rows % 3 == 0, "east", "west").astype(object)
    beside = Beside(
        initial=trained.gate["statistics"], champion=found.pd, as_of=np.datetime64("2030-01-01"), groups=groups,
        approved=found.pd < 0.1, downturn=np.minimum(found.lgd + 0.2, 1.0), refits=Interval(0.8, 0.7, 0.9),
        haircut=0.5, migration=migration(found.grade, found.grade, order=bundle.scale.grades).as_dict(),
        refit_same=True, people=people("a", "b", reason="read", at="2026-11-23"),
        shadow=shadow(found.pd, found.pd, cut=0.1, y=read.target, latency=np.ones(9)),
    )  # fmt: skip
    result = evaluate(bundle, read, rows, reference=reference_of(bundle, read, rows), beside=beside)
    judged = by_id(result | {"collapse_error": 0.0})
    assert {name for name, gate in judged.items() if gate.colour == "not run"} == {"G1c", "G1e", "G2f", "G4b", "G5c"}
    # with itself beside it: no worse, same order, same population
    assert judged["G1d"].colour == judged["G5a"].colour == judged["G8"].colour == judged["G10"].colour == "green"
    assert judged["G5a"].value == pytest.approx(0.0, abs=1e-12) and judged["G0"].colour == "green"
    assert judged["G11"].colour == "amber" and "outcomes not yet known" in judged["G11"].note  # nothing was swapped
    assert result["migration"]["stayed"] == 1.0 and result["lgd"]["haircut_pinball"] > 0.0
    assert 0.6 < result["lgd"]["value_band_coverage"]["value"] <= 1.0
    assert result["champion"]["rows"] == int((~found.refused).sum())
    assert result["pd"]["ece_share"]["low"] <= result["pd"]["ece_to_rate"] <= result["pd"]["ece_share"]["high"]
    assert set(result["lgd"]["by_kind"]) == set(kinds_of(bundle, read.part(rows))) == {"forest", "water", "order"}


def test_an_evaluation_twice_is_the_same_to_the_bit(read: Tape, trained: Trained, store: Store) -> None:
    bundle = load_package(trained.folder, store.trusted(), require_approval=False).bundle
    rows = np.arange(800)
    assert repr(evaluate(bundle, read, rows)) == repr(evaluate(bundle, read, rows))


def test_tests_against_the_first_validation_use_what_it_kept() -> None:
    now = {"auc": {"value": 0.7, "low": 0.65, "high": 0.75}, "concentration": concentration([4, 3, 3]).as_dict()}
    assert initial_evidence(now, {"pd": {}}) == {}
    before = {"grades": {"auc": {"value": 0.7}, "concentration": concentration([4, 3, 3]).as_dict()}}
    assert initial_evidence(now, before) == {"auc": 0.7, "auc_fell": 0.5, "concentration_rose": 0.5}


def test_out_of_fold_ranking_flatters_less_than_the_rows_fitted_on(plan: Plan, read: Tape, trained: Trained) -> None:
    rows = split(read.origination, read.borrower, plan.split).in_time
    rounds = trained.gate["statistics"]["rounds"]
    again = refitter(read, "tables", grown=(plan.pd, rounds, 1))
    found = cross_validated(read, rows, out_of_fold(read, rows, again, seed=1))
    assert found == cross_validated(read, rows, out_of_fold(read, rows, again, seed=1))
    assert 0.5 < found["auc"]["low"] < found["auc"]["value"] < trained.gate["statistics"]["in_time_auc"]


def test_in_period_slope_is_one_for_scores_that_tell_the_truth_whatever_their_scale(read: Tape) -> None:
    rng, rows = np.random.default_rng(5), np.arange(4_000)
    z = rng.normal(-2.0, 1.0, 4_000)
    told = replace(read, target=np.zeros_like(read.target))
    told.target[rows] = (rng.random(4_000) < 1.0 / (1.0 + np.exp(-z))).astype(float)
    for scale in (0.5, 1.0, 2.0):  # Platt's line takes the scale back, the raw logit shows it
        found = in_period(told, rows, Folded(rows % FOLDS, scale * z))
        assert found["slope"]["low"] < 1.0 < found["slope"]["high"]
        assert found["raw"]["slope"]["low"] < 1.0 / scale < found["raw"]["slope"]["high"]
    assert in_period(told, rows, None) == {}


def test_reasons_over_refits_overlap_in_part_and_the_same_each_time(
    plan: Plan, read: Tape, trained: Trained, store: Store
) -> None:
    bundle = load_package(trained.folder, store.trusted(), require_approval=False).bundle
    windows = split(read.origination, read.borrower, plan.split)
    again = refitter(read, "tables", grown=(plan.pd, 20, 1))
    measure = lambda: refit_reasons(
        bundle, read, (windows.in_time, windows.evaluate), again=again, resampled=Refits(refits=2)
    )
    assert 0.2 < measure().value < 1.0 and measure() == measure()


def test_a_new_challenger_is_compared_with_the_champion_in_service_and_the_champion_shows_its_people(
    tape: Columns, tmp_path: Path
) -> None:
    store = Store(tmp_path / "home")
    first = train(plan_of(SMALL), tape, Setting(store))
    second = train(plan_of(SMALL | {"seed": 7}), tape, Setting(store, register=False))
    store.enrol("reviewer", "approver")
    promote(store, "small/1", Approval("reviewer", "read and accepted", "a test lends nothing"))
    write_tape(simulate_tape(1_500, seed=21), tmp_path / "new.parquet")
    found = assess(store, str(second.folder), tmp_path / "new.parquet")
    assert found["gates"]["G1d"] in ("green", "amber", "red") and found["gates"]["G12"] == "not run"
    assert found["statistics"]["champion"]["rows"] > 1_000
    run, app = CliRunner(), Typer()
    register(app)
    words = ["evaluate", "small@champion", str(tmp_path / "new.parquet"), "--home", str(tmp_path / "home"), "--json"]
    answer = run.invoke(app, words)
    told = json.loads(answer.stdout)
    assert answer.exit_code == 0 and told["gates"]["G12"] == "green" and told["gates"]["G1d"] == "not run"
    assert [gate["id"] for gate in told["gate_table"]] == IDS
    assert told["statistics"]["people"]["waivers"] == [
        gate["id"] for gate in first.gate["gates"] if gate["colour"] in ("amber", "red")
    ]
