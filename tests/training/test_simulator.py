"""The simulator: marked, reproducible, by contract, and with a truth that behaves."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from eco_credit.contracts import applications_from_columns, check_columns, contract
from eco_credit.core.identifiers import FORMATS
from eco_credit.core.numbers import Columns, rows_of
from training.datasets import columns_digest, read_columns
from training.simulate import simulate_applications, simulate_tape
from training.simulate.applications import rules_of_today, simulate_book
from training.simulate.draw import Draw, credit_codes
from training.simulate.flat import flat_rows
from training.simulate.tape import write_tape
from training.simulate.truth import default_logit, true_pd
from training.simulate.workout import true_lgd


def test_every_row_of_a_tape_is_marked_synthetic(tape: Columns) -> None:
    assert rows_of(tape) == 5_000
    assert (tape["synthetic"] == 1.0).all()


def test_every_simulated_application_is_marked_synthetic() -> None:
    made = simulate_applications(50, seed=3)
    assert (made.loans["synthetic"] == 1.0).all()
    assert {kind for kind, table in made.pledges.items() if rows_of(table)} == {"forest_right", "water_right", "order"}


def test_the_same_seed_gives_the_same_tape_and_another_seed_another() -> None:
    first, again, other = simulate_tape(300, seed=5), simulate_tape(300, seed=5), simulate_tape(300, seed=6)
    assert columns_digest(first) == columns_digest(again) != columns_digest(other)


def test_a_tape_satisfies_its_contract(tape: Columns) -> None:
    assert check_columns(contract("loan_tape"), tape) == []
    assert list(tape) == [field.name for field in contract("loan_tape").fields]


def test_simulated_applications_satisfy_the_application_contract() -> None:
    made = simulate_applications(60, seed=8)
    flat = flat_rows(made)
    assert check_columns(contract("batch_input"), flat) == []
    back = applications_from_columns(flat)
    assert rows_of(back.loans) == 60
    for kind, table in made.pledges.items():
        assert (back.pledges[kind]["pledge_id"] == table["pledge_id"]).all()
    assert back.loans["purpose"][0] == "模拟用途" and back.pledges["water_right"]["purpose"][0] in (
        "irrigation", "industry", "thermal_power",
    )  # fmt: skip


def test_a_written_tape_reads_back_the_same(tmp_path: Path) -> None:
    made = simulate_tape(60, seed=9)
    for name in ("tape.parquet", "tape.csv"):
        write_tape(made, tmp_path / name)
        back = read_columns(tmp_path / name, contract("loan_tape"))
        assert columns_digest(back) == columns_digest(made), name


def test_default_rates_lie_in_the_stated_ranges(tape: Columns) -> None:
    # yearly PD: forest 1-3 %, water 0.7-2 %, order 1-4 %; kinds mix and shocks move a few years
    for kind, low, high in (("forest_right", 0.008, 0.035), ("water_right", 0.005, 0.035), ("order", 0.01, 0.065)):
        mean = tape["true_pd"][tape["kind"] == kind].astype(float).mean()
        assert low < mean < high, kind


def test_the_true_pd_is_calibrated_to_what_happens_over_many_worlds() -> None:
    worlds = [simulate_tape(700, seed=seed) for seed in range(12)]
    happened = np.concatenate([w["default_12m"] for w in worlds]).astype(float)
    expected = np.concatenate([w["true_pd"] for w in worlds]).astype(float)
    # 8 400 loans of about 3 %: standard error 0.0019 without common shocks, about 0.004 with them
    assert happened.mean() == pytest.approx(expected.mean(), abs=0.010)


def test_a_worse_loan_has_a_higher_true_pd() -> None:
    rules = rules_of_today()
    book = simulate_book(Draw(np.random.default_rng(2), rules, 300), 0)
    before = default_logit(book, rules)
    steps = {"ltv": 0.1, "overdue_max_24m": 1.0, "dscr": -0.1, "term_cover": -0.1, "order_dilution": 0.02}
    for name, step in steps.items():
        worse = dataclasses.replace(book, features=book.features | {name: book.features[name] + step})
        assert (default_logit(worse, rules) >= before - 1e-12).all(), name


def test_truths_are_probabilities_and_ratios() -> None:
    rules = rules_of_today()
    book = simulate_book(Draw(np.random.default_rng(4), rules, 200), 0)
    for truth in (true_pd(book, rules), true_lgd(book, rules)):
        assert ((truth > 0.0) & (truth < 1.0) | (book.value <= 0.0)).all()


def test_workouts_not_over_by_the_day_of_observation_are_unknown(tape: Columns) -> None:
    bad = tape["default_12m"] == 1.0
    end = np.datetime64(rules_of_today()["simulate.workout.observed_to"])
    months = (end - tape["default_on"][bad]).astype(float) / 30.4375
    known = ~np.isnan(tape["months_to_resolution"][bad].astype(float))
    assert (tape["months_to_resolution"][bad][known] <= months[known]).all()
    assert np.isnan(tape["lgd"][bad][~known].astype(float)).all() and 0 < (~known).sum() < known.sum()
    assert np.isnan(tape["lgd"][~bad].astype(float)).all()


def test_made_up_credit_codes_have_right_check_symbols() -> None:
    codes = credit_codes(np.array(["331100", "640100"], dtype=object), np.array([7, 99_999]))
    assert [FORMATS["uscc"].check(code).valid for code in codes] == [True, True]
    assert all("5YN" in code for code in codes)


def test_no_loan_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        simulate_tape(0)
