"""Watching a model: simulated loans only. What moved is seen, what did not is not, and nobody immature is counted."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer import Typer
from typer.testing import CliRunner

from eco_credit.contracts import columns_of_frame, contract
from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns
from eco_credit.registry import Store, open_model
from eco_credit.reports.monitor_kept import keep_look, kept_looks, read_look
from eco_credit.reports.monitor_report import monitor_report
from eco_credit.risk.calibration import sigmoid
from eco_credit.rulebook import load
from training.cli import register
from training.metrics.ranking import auc
from training.metrics.stability import Kept, psi_against
from training.monitor.book import price_moves
from training.monitor.cbpe import expected_auc, expected_rate, grouped_auc
from training.monitor.current import Current
from training.monitor.drift import packaged
from training.monitor.ledger import by_vintage, early_defaults, join, months_after, overrides, read_outcomes, whole
from training.monitor.prometheus import prometheus_text
from training.monitor.reading import of_result, read_current
from training.monitor.run import Files, monitor
from training.monitor.segments import by_kind
from training.monitor.triggers import (
    calibration_trigger,
    law_trigger,
    override_trigger,
    performance_trigger,
    price_trigger,
    scope_trigger,
    shifted,
)
from training.plan import plan_of
from training.simulate import simulate_tape
from training.simulate.tape import write_tape
from training.train import Trained

RULES = load().at("2026-11-23")
app = Typer()
register(app)
days = st.dates(pd.Timestamp("2015-01-01").date(), pd.Timestamp("2030-12-31").date())


def day(*texts: str | None) -> Any:
    return np.array(["NaT" if text is None else text for text in texts], "datetime64[D]")


def words(*cells: str | None) -> Any:
    return np.array(cells, dtype=object)


def predictions(opened: Any, p: Any, **changed: Any) -> Current:
    """Loans L0, L1, ... with a PD each."""
    p = np.asarray(p, np.float64)
    rows = len(p)
    plain: dict[str, Any] = {
        "form": "tape", "keys": {"loan_id": words(*(f"L{i}" for i in range(rows)))}, "opened": opened,
        "weight": np.ones(rows), "pd": p, "pd_low": p, "pd_high": p, "logit": np.log(p / (1.0 - p)),
        "grade": words(*["B1"] * rows), "inputs": {}, "layers": {}, "recommendation": words(*[None] * rows),
        "kinds": None, "groups": {}, "amount": np.ones(rows), "digest": "0" * 64, "synthetic": True,
    }  # fmt: skip
    return Current(**plain | changed)


def outcomes(keys: Any, as_of: Any, default_on: Any, **more: Any) -> Columns:
    return {"loan_id": keys, "as_of": as_of, "default_on": default_on} | more


# --- performance without labels


def draws(p: Any, repeats: int, seed: int = 5) -> Any:
    """Realised AUCs of the rows when each defaults with its own probability."""
    rng = np.random.default_rng(seed)
    return np.array([auc((rng.random(len(p)) < p).astype(float), p).value for _ in range(repeats)])


def test_the_expected_auc_is_the_mean_realised_auc_of_calibrated_scores() -> None:
    p = sigmoid(np.random.default_rng(1).normal(-3.0, 1.2, 4_000))
    found, real = expected_auc(p), draws(p, 300)
    error = real.std(ddof=1) / math.sqrt(len(real))  # Monte Carlo error of the mean
    assert abs(found.value - real.mean()) < 4.0 * error < 0.005
    inside = np.mean((real >= found.low) & (real <= found.high))
    assert 0.90 <= inside <= 1.0


def test_the_expected_rate_is_the_mean_realised_rate_of_calibrated_scores() -> None:
    p = sigmoid(np.random.default_rng(2).normal(-3.0, 1.2, 2_000))
    rng = np.random.default_rng(3)
    real = np.array([(rng.random(len(p)) < p).mean() for _ in range(400)])
    found = expected_rate(p)
    assert abs(found.value - real.mean()) < 4.0 * real.std() / 20.0
    # 95 % of the realised rates, give or take four binomial errors of 400 draws: 0.95 +- 0.044
    assert abs(np.mean((real >= found.low) & (real <= found.high)) - 0.95) < 0.044


def test_the_estimate_does_not_see_a_changed_relation_between_borrower_and_default() -> None:
    """The caveat printed beside it, shown: same scores, other truth, same estimate, wrong by a mile."""
    rng = np.random.default_rng(4)
    z = rng.normal(-3.0, 1.2, 20_000)
    p = sigmoid(z)
    more = rng.random(len(p)) < sigmoid(0.3 * (z + 3.0) - 2.0)  # flatter and higher than the PD says
    real, found = auc(more.astype(float), p), expected_auc(p)
    assert real.value < found.low - 0.1
    assert more.mean() > expected_rate(p).high + 0.03


@given(st.lists(st.floats(0.01, 0.99), min_size=2, max_size=12))
def test_the_closed_form_is_the_sum_over_pairs(ps: list[float]) -> None:
    pairs = [(a, b) for i, a in enumerate(ps) for j, b in enumerate(ps) if i != j]
    over = sum(a * (1.0 - b) * (1.0 if a > b else 0.5 if a == b else 0.0) for a, b in pairs)
    whole_sum = sum(a * (1.0 - b) for a, b in pairs)
    assert expected_auc(np.array(ps)).value == pytest.approx(over / whole_sum, rel=1e-9)


def test_scores_that_are_all_alike_promise_an_even_chance_and_no_rows_promise_nothing() -> None:
    assert expected_auc(np.full(50, 0.1)).value == pytest.approx(0.5)
    assert grouped_auc(np.array([0.1]), np.array([50.0])) == pytest.approx(0.5)
    with pytest.raises(ValueError):
        expected_auc(np.array([0.1]))


# --- stability


def test_the_stability_index_is_its_closed_form_with_its_limit() -> None:
    reference = Kept(np.array([1.0]), np.array([0.5, 0.5, 0.0]), 200.0)
    found = psi_against(reference, np.array([0.0] * 20 + [2.0] * 80))
    # (0.2 - 0.5) ln(0.2 / 0.5) + (0.8 - 0.5) ln(0.8 / 0.5) = 0.274887 + 0.141001
    assert found.value == pytest.approx(0.415888, abs=1e-6)
    # chi2(1; 0.95) = 3.841459, times 1/200 + 1/100
    assert found.limit == pytest.approx(3.841459 * 0.015, abs=1e-6)


def test_a_shift_counts_only_above_the_bar_and_above_chance() -> None:
    assert [shifted(psi, 0.01, RULES) for psi in (0.05, 0.10, 0.11, 0.25, 0.26)] == [
        "green", "green", "amber", "amber", "red",
    ]  # fmt: skip
    assert shifted(0.9, 1.0, RULES) == "green"


# --- the ledger


@given(opened=days, seen=days, months=st.sampled_from([6, 12, 24]))
def test_a_loan_is_mature_only_when_it_was_seen_for_the_whole_horizon(opened: Any, seen: Any, months: int) -> None:
    whole_horizon = (pd.Timestamp(opened) + pd.DateOffset(months=months)).date()  # pandas clips to the month's end too
    found = join(predictions(day(str(opened)), [0.1]), outcomes(words("L0"), day(str(seen)), day(None)))
    assert bool(found.matured(months)[0]) == (seen >= whole_horizon)


def test_a_young_default_is_not_counted_before_its_loan_has_matured() -> None:
    current = predictions(day("2024-01-10", "2024-02-10"), [0.1, 0.1])
    bad = day("2024-03-01", "2024-03-01")
    early = join(current, outcomes(words("L0", "L1"), day("2025-01-09", "2025-01-09"), bad))
    row = by_vintage(current, early, 12)[0]
    assert (row["matured"], row["immature"], row["defaults"], row["default_rate"]) == (0, 2, None, None)
    later = join(current, outcomes(words("L0", "L1"), day("2025-01-10", "2025-01-10"), bad))
    row = by_vintage(current, later, 12)[0]
    assert (row["matured"], row["immature"], row["defaults"], row["default_rate"]) == (1, 1, 1, 1.0)


@given(st.integers(0, 2**32 - 1))
def test_no_immature_loan_ever_moves_a_rate(seed: int) -> None:
    rng = np.random.default_rng(seed)
    opened = np.datetime64("2023-01-01") + rng.integers(0, 700, 40).astype("timedelta64[D]")
    seen = opened + rng.integers(0, 700, 40).astype("timedelta64[D]")
    on = opened + ((seen - opened) * rng.random(40)).astype("timedelta64[D]")
    bad = np.where(rng.random(40) < 0.4, on, day(None))
    keys, p = words(*(f"L{i}" for i in range(40))), rng.uniform(0.01, 0.5, 40)
    current = predictions(opened, p)
    full = by_vintage(current, join(current, outcomes(keys, seen, bad)), 12)
    ripe = seen >= months_after(opened, 12)
    if not ripe.any():
        return
    alone = by_vintage(current, join(current, outcomes(keys[ripe], seen[ripe], bad[ripe])), 12)
    rates = {row["vintage"]: (row["defaults"], row["default_rate"], row["low"], row["predicted"]) for row in full}
    assert all(rates[r["vintage"]] == (r["defaults"], r["default_rate"], r["low"], r["predicted"]) for r in alone)
    assert sum(row["matured"] for row in full) == int(ripe.sum())


def test_a_default_after_the_horizon_is_none_within_it() -> None:
    current = predictions(day("2023-01-10", "2023-01-10"), [0.1, 0.1])
    bad = day("2024-01-10", "2024-01-11")
    found = join(current, outcomes(words("L0", "L1"), day("2025-01-01", "2025-01-01"), bad))
    assert found.defaulted(12).tolist() == [1.0, 0.0]


def test_the_latest_day_stands_and_a_default_stays_on_record() -> None:
    current = predictions(day("2023-01-10"), [0.1])
    found = join(
        current,
        outcomes(words("L0", "L0"), day("2024-06-30", "2023-06-30"), day(None, "2023-05-01")),
    )
    assert (str(found.seen[0]), str(found.default_on[0])) == ("2024-06-30", "2023-05-01")


def test_the_interval_of_a_vintage_is_jeffreys() -> None:
    # Beta(1/2 + 2, 8 + 1/2) quantiles for 2 of 10: 0.044 and 0.503 (Brown, Cai and DasGupta 2001, table for Jeffreys)
    current = predictions(day(*["2023-01-10"] * 10), [0.2] * 10)
    bad = day("2023-05-01", "2023-06-01", *[None] * 8)
    found = join(current, outcomes(current.keys["loan_id"], day(*["2024-06-30"] * 10), bad))
    row = by_vintage(current, found, 12)[0]
    assert (row["vintage"], row["defaults"], row["default_rate"]) == ("2023Q1", 2, 0.2)
    assert (row["low"], row["high"]) == (pytest.approx(0.044, abs=1e-3), pytest.approx(0.503, abs=1e-3))
    assert row["predicted"] == pytest.approx(0.2)


def test_refused_loans_and_strangers_are_told_apart_from_predictions() -> None:
    current = dataclasses.replace(predictions(day(*["2023-01-10"] * 3), [0.1] * 3), pd=np.array([0.1, np.nan, 0.2]))
    found = join(current, outcomes(words("L0", "L1", "X"), day(*["2025-01-01"] * 3), day(None, "2023-02-01", None)))
    row = whole(current, found, 12)
    assert (row["matured"], row["not_scored"], row["defaults"]) == (2, 1, 0)
    assert (row["unmatched"], row["without_outcome"], row["key"]) == (1, 1, "loan_id")


def test_maturity_counts_from_payout_where_the_outcomes_say_when() -> None:
    current = predictions(day("2023-01-10"), [0.1])
    seen = outcomes(words("L0"), day("2024-01-31"), day(None), origination=day("2023-03-01"))
    assert not join(current, seen).matured(12)[0]


def test_outcomes_that_contradict_themselves_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.csv"
    file.write_text("loan_id,as_of,default_on\nL0,2024-01-01,\nL0,2024-01-01,2024-02-01\n")
    with pytest.raises(ContractError) as late:
        read_outcomes(file)
    assert (late.value.violations[0].field, late.value.violations[0].row) == ("default_on", 2)
    before = outcomes(words("L0"), day("2024-01-01"), day("2022-12-01"))
    with pytest.raises(ContractError):
        join(predictions(day("2023-01-10"), [0.1]), before)
    with pytest.raises(ContractError):
        join(predictions(day("2023-01-10"), [0.1]), {"application_id": words("L0"), "as_of": day("2024-01-01")})


def test_early_signs_are_counted_between_month_three_and_six_of_loans_seen_that_long() -> None:
    current = predictions(day(*["2024-01-10"] * 5), [0.1] * 5)
    due = day("2024-04-09", "2024-04-10", "2024-07-10", "2024-07-11", "2024-05-01")
    seen = day(*["2024-12-31"] * 4, "2024-07-09")
    found = join(current, outcomes(current.keys["loan_id"], seen, day(*[None] * 5), overdue_30_on=due))
    assert early_defaults(found, 3, 6) == [{"vintage": "2024Q1", "seen": 4, "early": 2}]


def test_departures_are_counted_where_both_sides_are_known() -> None:
    said = words("approve", "refer", "decline", None)
    current = dataclasses.replace(predictions(day(*["2024-01-10"] * 4), [0.1] * 4), recommendation=said)
    decided = words("approve", "approve", None, "decline")
    seen = day(*["2024-02-01"] * 4)
    told = outcomes(current.keys["loan_id"], seen, day(*[None] * 4), decided=decided)
    found = overrides(current, join(current, told))
    mix = {"approve>approve": 1, "refer>approve": 1}
    assert found == {"decided": 2, "departed": 1, "share": 0.5, "mix": mix}


# --- triggers


def quarters(*p: tuple[str, float]) -> list[dict[str, Any]]:
    return [{"vintage": name, "jeffreys": value, "default_rate": 0.1, "predicted": 0.05} for name, value in p]


def test_one_low_quarter_is_amber_and_two_running_are_red() -> None:
    lights = {
        "green": quarters(("2024Q1", 0.01), ("2024Q2", 0.3)),
        "amber": quarters(("2024Q1", 0.3), ("2024Q2", 0.01)),
        "red": quarters(("2024Q4", 0.04), ("2025Q1", 0.04)),
        "grey": [{"vintage": "2025Q1", "jeffreys": None}],
    }
    assert {light: calibration_trigger(rows, RULES).light for light, rows in lights.items()} == {n: n for n in lights}
    assert calibration_trigger(quarters(("2024Q1", 0.01), ("2024Q3", 0.01)), RULES).light == "amber"


def test_an_estimated_fall_is_amber_until_matured_loans_confirm_it() -> None:
    bad, fine = {"value": 0.7, "low": 0.65, "high": 0.75}, {"value": 0.79, "low": 0.75, "high": 0.83}
    lights = [performance_trigger((now, 0.8), 0.8, real, RULES).light
              for now, real in ((0.79, None), (0.7, None), (0.7, fine), (0.7, bad), (0.79, bad))]  # fmt: skip
    assert lights == ["green", "amber", "amber", "red", "amber"]


def test_the_scope_trigger_needs_a_doubling_that_chance_does_not_explain() -> None:
    def light(share: float, size: float, expected: float | None = 0.05) -> str:
        layer = {"layer": "out_of_scope", "share": share, "expected": expected}
        return scope_trigger({"layers": [layer], "size": size}, RULES).light

    assert [light(0.10, 2_000), light(0.08, 2_000), light(0.05, 2_000), light(0.10, 20)] == [
        "red", "amber", "green", "green",
    ]  # fmt: skip
    assert light(0.1, 2_000, None) == "grey"


def test_prices_fire_at_a_fifth_either_way_and_overrides_at_their_bars() -> None:
    def price(move: float | None) -> str:
        return price_trigger([{"move": move, "since": "2024-01-01", "until": "2025-01-01"}], RULES).light

    assert [price(m) for m in (0.19, 0.2, -0.2, -0.19, None)] == ["green", "red", "red", "green", "grey"]
    told = [override_trigger({"share": s, "decided": 100}, RULES).light for s in (0.10, 0.11, 0.16)]
    assert told == ["green", "amber", "red"]


def test_a_price_index_is_read_on_the_median_day(tmp_path: Path) -> None:
    file = tmp_path / "index.csv"
    file.write_text("day,index\n2024-01-01,100\n2024-06-01,120\n2025-01-01,90\n")
    current = predictions(day("2024-01-15", "2024-06-15", "2024-12-15"), [0.1] * 3)
    moved = price_moves(current, file)  # 90 / 120 - 1
    assert moved == [{"kind": None, "since": "2024-06-15", "until": "2025-01-01", "move": -0.25}]
    file.write_text("day,index\n2024-01-01,0\n")
    with pytest.raises(ContractError):
        price_moves(current, file)


def test_a_changed_norm_is_named() -> None:
    assert law_trigger(RULES, RULES).light == "green"
    name, rule = next((n, r) for n, r in RULES.rules.items() if r.authority == "statute")
    other = dataclasses.replace(RULES, rules=dict(RULES.rules) | {name: dataclasses.replace(rule, value="other")})
    found = law_trigger(other, RULES)
    assert (found.light, found.values["names"]) == ("amber", [name])


# --- the whole


@pytest.fixture(scope="module")
def now(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Other loans of the same simulated world, marked synthetic in every row."""
    file = tmp_path_factory.mktemp("tapes") / "now.parquet"
    write_tape(simulate_tape(2_000, seed=12), file)
    return file


@pytest.fixture(scope="module")
def shifted_file(now: Path) -> Path:
    """The same loans, only with far more debt and weaker cover: a changed mix of borrowers."""
    frame = pd.read_parquet(now)
    frame["dscr"] = frame["dscr"] * 0.4
    frame["debt_to_cash"] = frame["debt_to_cash"] * 2.5
    file = now.with_name("shifted.parquet")
    frame.to_parquet(file)
    return file


@pytest.fixture(scope="module")
def outcome_file(now: Path) -> Path:
    frame = pd.read_parquet(now)
    frame = frame[frame["origination"] <= pd.Timestamp("2025-06-30")]
    bad = frame["default_on"].where(frame["default_on"] <= pd.Timestamp("2025-06-30"))
    seen = pd.DataFrame({"loan_id": frame["loan_id"], "as_of": pd.Timestamp("2025-06-30"), "default_on": bad})
    file = now.with_name("outcomes.parquet")
    seen.to_parquet(file)
    return file


def run(store: Store, trained: Trained, *arguments: object) -> Any:
    return CliRunner().invoke(app, ["monitor", str(trained.folder), *map(str, arguments), "--home", str(store.home)])


def lights(found: dict[str, Any]) -> dict[str, str]:
    return {row["name"]: row["light"] for row in found["triggers"]}


def test_the_same_population_fires_nothing_against_what_the_package_stores(
    store: Store, trained: Trained, now: Path
) -> None:
    found = monitor(store, str(trained.folder), Files(now))
    assert found["fired"] == [] and found["synthetic"]
    told = lights(found)
    assert (told["score"], told["features"], told["scope"], told["grades"]) == ("green",) * 4
    assert told["calibration"] == told["price"] == "grey" and told["kinds"] == "green"
    assert {found["reference"]["from"][part] for part in ("score", "width", "kinds", "layers")} == {"package"}
    # 1 % and 5 % by construction of the joint test; binomial errors of 2 000 rows are 0.2 and 0.5 points
    share = {row["layer"]: row["share"] for row in found["scope"]["layers"]}
    assert share["novel"] < 0.02 and 0.03 < share["odd"] < 0.07


def test_a_shifted_tape_fires_with_exit_code_four_and_everything_is_still_written(
    store: Store, trained: Trained, shifted_file: Path, tmp_path: Path
) -> None:
    page, prom = tmp_path / "r.html", tmp_path / "m.prom"
    done = run(store, trained, shifted_file, "--report", page, "--metrics", prom, "--json")
    assert done.exit_code == 4
    found = json.loads(done.stdout)
    assert "score" in found["fired"] and found["light"] == "red"
    assert found["score"]["value"] > 0.25 > found["score"]["limit"]
    assert {row["name"] for row in found["features"] if row["light"] != "green"} >= {"dscr", "debt_to_cash"}
    assert page.read_text("utf-8").startswith("<!doctype html>")
    assert b'eco_credit_monitor_trigger{model="small",trigger="score"' in prom.read_bytes()


def test_the_command_ends_with_zero_when_nothing_is_red_and_prints_the_caveat(
    store: Store, trained: Trained, now: Path
) -> None:
    done = run(store, trained, now, "--lang", "en", "--keep")
    assert done.exit_code == 0 and len(kept_looks(store, "small")) == 1
    assert "Valid only without concept drift" in " ".join(done.stdout.split())
    assert run(store, trained, now, "--lang", "fr").exit_code == 2


def test_with_a_reference_and_outcomes_every_part_is_told(
    store: Store, trained: Trained, now: Path, outcome_file: Path, tape: Columns, tmp_path: Path
) -> None:
    past = tmp_path / "past.parquet"
    write_tape(tape, past)
    found = monitor(store, str(trained.folder), Files(now, reference=past, outcomes=outcome_file))
    told = lights(found)
    # what is kept for the desk holds every part of it
    kept = read_look(store, found["model"]["name"], keep_look(store, found).stem)
    assert monitor_report(kept) == monitor_report(json.loads(canonical_json(found)))
    assert (told["score"], told["features"], told["kinds"], told["scope"]) == ("green",) * 4
    assert found["width"]["expected"] is not None and set(found["reference"]["from"].values()) == {"file"}
    ledger, frame = found["ledger"], pd.read_parquet(now)
    # seen on 2025-06-30: mature when paid out by 2024-06-30
    assert ledger["matured"] == int((frame["origination"] <= pd.Timestamp("2024-06-30")).sum())
    young = [row["vintage"] for row in found["vintages"] if row["matured"] == 0]
    assert young == ["2024Q3", "2024Q4", "2025Q1", "2025Q2"]
    assert sum(row["defaults"] or 0 for row in found["vintages"]) == ledger["defaults"] > 0
    assert ledger["low"] < ledger["default_rate"] < ledger["high"]


def test_the_same_files_give_the_same_bytes(
    store: Store, trained: Trained, now: Path, outcome_file: Path, tmp_path: Path
) -> None:
    def once(name: str) -> tuple[bytes, ...]:
        page, prom = tmp_path / f"{name}.html", tmp_path / f"{name}.prom"
        done = run(store, trained, now, "--outcomes", outcome_file, "--report", page, "--metrics", prom, "--json")
        return done.stdout.encode(), page.read_bytes(), prom.read_bytes()

    assert once("a") == once("b")


def test_no_output_names_a_loan_a_borrower_or_a_place(
    store: Store, trained: Trained, now: Path, outcome_file: Path, tmp_path: Path
) -> None:
    page = tmp_path / "page.html"
    done = run(store, trained, now, "--outcomes", outcome_file, "--report", page, "--json")
    written = done.stdout + page.read_text("utf-8") + prometheus_text(json.loads(done.stdout)).decode()
    frame = pd.read_parquet(now)
    named = {str(value) for column in ("loan_id", "borrower_id", "region", "basin") for value in frame[column].unique()}
    assert [name for name in sorted(named) if f'"{name}"' in written or f">{name}<" in written] == []


def result_file(path: Path, rows: int = 60) -> Path:
    """A batch result of simulated applications with two pledges each; every tenth without a PD."""
    rng = np.random.default_rng(9)
    p = np.where(np.arange(rows) % 10 == 0, np.nan, sigmoid(rng.normal(-3.5, 0.6, rows)))
    one = pd.DataFrame({
        "application_id": [f"A-{i}" for i in range(rows)], "kind": "forest_right", "as_of": pd.Timestamp("2026-01-05"),
        "eligible": True, "lending_value": 1e5,
        "pd": p, "pd_low": p * 0.8, "pd_high": p * 1.2, "grade": np.where(np.isnan(p), None, "B2"),
        "recommendation": np.where(np.isnan(p), "refer", "approve"), "out_of_scope": np.isnan(p), "max_loan": 1e5,
        "synthetic_model": True,
    })  # fmt: skip
    both = pd.concat([one.assign(pledge_id="P1", row=1), one.assign(pledge_id="P2", row=2, eligible=False)])
    both.to_parquet(path)
    return path


def test_grades_are_compared_with_the_gate_by_rows_whatever_the_weights(
    store: Store, trained: Trained, now: Path, tmp_path: Path
) -> None:
    """The gate record counts rows; weighing only one side would show a shift where there is none."""
    file = tmp_path / "weighted.parquet"
    frame = pd.read_parquet(now)
    frame["sample_weight"] = np.where(frame["dscr"] > frame["dscr"].median(), 9.0, 1.0)
    frame.to_parquet(file)
    plain, weighed = (monitor(store, str(trained.folder), Files(path)) for path in (now, file))
    assert plain["grades"] == weighed["grades"] and plain["score"] != weighed["score"]


def test_the_package_alone_tells_of_width_kinds_and_the_layers_of_the_policy(
    store: Store, trained: Trained, now: Path
) -> None:
    found = monitor(store, str(trained.folder), Files(now))
    frame = pd.read_parquet(now)
    assert found["width"]["expected"] > 0.0 and found["width"]["psi"]["value"] < 0.1
    assert {row["kind"]: row["rows"] for row in found["kinds"]} == frame["kind"].value_counts().to_dict()
    assert sum(row["expected"] for row in found["kinds"]) == pytest.approx(1.0, abs=1e-12)
    layers = {row["layer"]: row for row in found["scope"]["layers"]}
    cells = json.loads((trained.folder / "support.json").read_text())["cells"]["kinds"]
    seen = [cells[kind]["areas"].get(area[:4], {"loans": 0, "defaults": 0})
            for kind, area in zip(frame["kind"], frame["area_code"], strict=True)]  # fmt: skip
    thin = np.array([cell["loans"] < 30 or cell["defaults"] < 5 for cell in seen])
    # a loan without a PD is refused before it is asked how many like it were seen
    assert thin.sum() - layers["novel"]["rows"] <= layers["thin_cell"]["rows"] <= thin.sum()
    assert 0.0 < layers["thin_cell"]["expected"] < 1.0 and layers["disagreement"]["expected"] is not None


def test_the_limit_of_the_width_is_the_rule_of_the_policy(
    store: Store, trained: Trained, now: Path, tmp_path: Path
) -> None:
    package, overlay = open_model(store, str(trained.folder)), tmp_path / "bank.yaml"
    current = read_current(package, plan_of(json.loads(package.files["plan.json"])), now)
    assert current.layers["wide"].tolist() == over(current, 0.05).tolist()
    named = "credit.policy.pd_width_refer_max"
    overlay.write_text(f"{named}: {{in_force: 2020-01-01, published: 2020-01-01, value: 0.002, ref: house-policy}}")
    rules, frame = load(overlay).at("2026-11-23"), pd.read_parquet(result_file(tmp_path / "results.parquet"))
    strict = of_result(columns_of_frame(contract("batch_output"), frame), rules)
    assert strict.layers["wide"].tolist() == over(strict, 0.002).tolist()
    # the ranges of the file are 0.4 PD wide, never as wide as the PD
    assert not strict.layers["wide"].any()
    low = frame.assign(pd_low=0.0, pd_high=frame["pd"] * 1.5)
    made_for = contract("batch_output")
    tight, loose = (of_result(columns_of_frame(made_for, low), r).layers["wide"] for r in (rules, RULES))
    assert loose.sum() < tight.sum() == 54


def over(current: Current, least: float) -> Any:
    """Rows whose range is wider than a limit and than their PD."""
    width = current.pd_high - current.pd_low
    return (width > least) & (width > current.pd)


def test_a_package_of_before_keeps_neither_width_nor_kinds_and_says_so(store: Store, trained: Trained) -> None:
    package = open_model(store, str(trained.folder))
    kept = json.loads(package.files["population.json"])
    old = {name: kept[name] for name in ("score", "inputs")}
    reference = packaged(dataclasses.replace(package, files={**package.files, "population.json": json.dumps(old)}))
    assert (reference.width, reference.mix, reference.kinds) == (None, None, None)
    assert {reference.notes[part] for part in ("width", "kinds", "layers")} == {"none"}


def test_each_kind_promises_by_its_own_rows_and_a_small_one_promises_nothing() -> None:
    rng = np.random.default_rng(3)
    p = sigmoid(rng.normal(-3.0, 1.0, 250))
    kind = words(*["order"] * 200, *["water_right"] * 50)
    found = by_kind(predictions(day(*["2025-01-01"] * 250), p, groups={"kind": kind}), 100)
    assert found[0] == {"kind": "order", "rows": 200, "auc": expected_auc(p[:200]).as_dict(),
                        "default_rate": expected_rate(p[:200]).as_dict()}  # fmt: skip
    assert found[1] == {"kind": "water_right", "rows": 50, "auc": None, "default_rate": None}
    assert by_kind(predictions(day("2025-01-01"), [0.1]), 1) == []


def test_a_result_file_tells_of_thin_cells_and_disagreement_as_it_answered(
    store: Store, trained: Trained, tmp_path: Path
) -> None:
    file = result_file(tmp_path / "results.parquet")
    frame = pd.read_parquet(file)
    number = frame["application_id"].str[2:].astype(int)
    frame["cell_loans"], frame["cell_defaults"] = np.where(number < 15, 29.0, 400.0), 5.0
    # a logit is a factor e of the odds: 1.01 logits apart for the first 25, 0.99 for the others
    odds = frame["pd"] / (1.0 - frame["pd"]) * np.exp(np.where(number < 25, 1.01, 0.99))
    frame["pd_benchmark"] = odds / (1.0 + odds)
    frame["reason_1"] = np.where(number == 59, "P09", None)  # told by its code, whatever the rounded PDs say
    frame["appraisal_central"] = np.where(frame["pledge_id"] == "P2", 3e5, 1e5)
    frame.loc[frame["pledge_id"] == "P2", "kind"] = "order"
    frame.to_parquet(file)
    found = monitor(store, str(trained.folder), Files(file))
    rows = {row["layer"]: row["rows"] for row in found["scope"]["layers"]}
    assert rows["thin_cell"] == sum(1 for i in range(15) if i % 10)
    assert rows["disagreement"] == sum(1 for i in range(25) if i % 10) + 1
    assert [(row["kind"], row["rows"]) for row in found["kinds"] if row["rows"]] == [("order", 60)]


def test_a_batch_result_counts_applications_not_pledges(store: Store, trained: Trained, tmp_path: Path) -> None:
    found = monitor(store, str(trained.folder), Files(result_file(tmp_path / "results.parquet")))
    assert (found["data"]["form"], found["data"]["rows"], found["features"]) == ("result", 60, [])
    rows = {row["layer"]: row["rows"] for row in found["scope"]["layers"]}
    assert rows == {"ineligible": 0, "novel": 6, "out_of_scope": 6, "wide": 0}
    assert found["scope"]["recommendations"] == {"approve": 0.9, "refer": 0.1, "decline": 0.0}
    assert lights(found)["features"] == "grey"


def test_a_file_in_which_nobody_has_a_pd_is_still_reported(store: Store, trained: Trained, tmp_path: Path) -> None:
    file, page = result_file(tmp_path / "results.parquet"), tmp_path / "page.html"
    frame = pd.read_parquet(file)
    frame[["pd", "pd_low", "pd_high"]] = np.nan
    frame.assign(grade=None).to_parquet(file)
    done = run(store, trained, file, "--report", page, "--metrics", tmp_path / "m.prom", "--json")
    found = json.loads(done.stdout)
    assert done.exit_code == 4 and found["fired"] == ["scope"] and lights(found)["score"] == "grey"
    assert found["estimated"]["auc"] is None and page.is_file()


def test_a_kind_of_pledge_the_reference_lacks_is_found_behind_the_first_pledge(
    store: Store, trained: Trained, tmp_path: Path
) -> None:
    past, file = result_file(tmp_path / "past.parquet"), result_file(tmp_path / "now.parquet")
    frame = pd.read_parquet(file)
    frame.loc[frame["pledge_id"] == "P2", "kind"] = "order"
    frame.to_parquet(file)
    found = monitor(store, str(trained.folder), Files(file, reference=past))
    assert found["fired"] == ["kinds"]
    assert next(row for row in found["triggers"] if row["name"] == "kinds")["values"]["names"] == ["order"]


def test_departures_from_a_batch_result_are_judged(store: Store, trained: Trained, tmp_path: Path) -> None:
    results, outcome = result_file(tmp_path / "results.parquet"), tmp_path / "decided.csv"
    lines = [f"A-{i},2026-02-01,{'decline' if i % 4 == 1 else 'approve'}" for i in range(60) if i % 10]
    outcome.write_text("\n".join(["application_id,as_of,decided", *lines]))
    found = monitor(store, str(trained.folder), Files(results, outcomes=outcome))
    assert found["overrides"]["departed"] == sum(1 for i in range(60) if i % 10 and i % 4 == 1)
    assert "overrides" in found["fired"]


def test_a_text_file_says_the_same_as_its_parquet_twin(
    store: Store, trained: Trained, now: Path, tmp_path: Path
) -> None:
    text = tmp_path / "now.csv"
    pd.read_parquet(now).to_csv(text, index=False)
    one, other = (monitor(store, str(trained.folder), Files(file)) for file in (now, text))
    assert one["score"] == other["score"] and one["features"] == other["features"] and one["scope"] == other["scope"]


def test_files_that_break_their_contract_are_refused_with_three(
    store: Store, trained: Trained, now: Path, tmp_path: Path
) -> None:
    twice = tmp_path / "twice.parquet"
    frame = pd.read_parquet(now)
    pd.concat([frame, frame.head(1)]).to_parquet(twice)
    assert run(store, trained, twice).exit_code == 3
    other = tmp_path / "now.txt"
    other.write_text("x")
    assert run(store, trained, other).exit_code == 3
    frame.drop(columns=["exposure"]).to_parquet(twice)
    assert run(store, trained, twice).exit_code == 3
