"""A search goes on where it stopped, gives the same answer each time, and stays inside the in-time window."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from small_plan import SMALL

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns
from eco_credit.registry import Store
from training import tune as tuning
from training.datasets import Tape, load_tape
from training.plan import Plan, plan_of
from training.search_lock import SearchRunning, only_search
from training.split import Windows, split
from training.train import Setting, train
from training.tune import objective, tune

ROOT = Path(__file__).parents[2]
SEARCH = {"trials": 4, "folds": 2, "max_bin": [7, 15], "min_rows": [20, 80]}
TINY = SMALL | {"pd": SMALL["pd"] | {"rounds": 12}, "tune": SEARCH}  # type: ignore[operator]


@pytest.fixture(scope="module")
def searched() -> Plan:
    pytest.importorskip("optuna", reason="needs the extra train")
    return plan_of(TINY)


@pytest.fixture(scope="module")
def read(tape: Columns) -> tuple[Tape, Windows]:
    loans = load_tape(plan_of(SMALL), tape)
    return loans, split(loans.origination, loans.borrower, plan_of(SMALL).split)


class Stopped(Exception):
    pass


def test_a_stopped_search_goes_on_and_ends_where_an_unbroken_one_does(
    searched: Plan, read: tuple[Tape, Windows], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loans, windows = read
    unbroken = tune(loans, windows.in_time, searched, folder=tmp_path / "one")
    calls, measured = [], tuning.fold_losses

    def cut_off(*args: object, **named: object) -> object:
        calls.append(1)
        if len(calls) == 3:
            raise Stopped
        return measured(*args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(tuning, "fold_losses", cut_off)
    with pytest.raises(Stopped):
        tune(loans, windows.in_time, searched, folder=tmp_path / "two")
    told: list[str] = []
    resumed = tune(loans, windows.in_time, searched, folder=tmp_path / "two", say=told.append)
    assert told[0] == "tune: going on after 2 of 4 trials" and len(calls) == 5  # 2 kept, 1 lost, 2 more
    assert resumed.record == unbroken.record and resumed.fit == unbroken.fit
    assert unbroken.record["trials"] == len(unbroken.record["tried"]) == 4


def test_two_searches_of_one_plan_do_not_run_at_once_and_the_lock_is_named(
    searched: Plan, read: tuple[Tape, Windows], tmp_path: Path
) -> None:
    loans, windows = read
    import optuna

    lock = tmp_path / f"{tuning.identity(loans, searched, optuna.__version__)}.lock"
    with only_search(lock), pytest.raises(SearchRunning, match="wait for it or stop it") as caught:
        tune(loans, windows.in_time, searched, folder=tmp_path)
    assert str(lock) in caught.value.en and str(lock) in caught.value.zh
    another = plan_of(TINY | {"seed": 5})
    with only_search(lock):  # another seed is another search
        assert tune(loans, windows.in_time, another, folder=tmp_path).record["trials"] == 4
    assert tune(loans, windows.in_time, searched, folder=tmp_path).record["trials"] == 4


def test_a_search_that_was_killed_holds_no_lock(tmp_path: Path) -> None:
    lock = tmp_path / "search.lock"
    code = (
        "import sys, time; from pathlib import Path; from training.search_lock import only_search\n"
        "with only_search(Path(sys.argv[1])):\n    print('held', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE, cwd=ROOT) as other:
        assert other.stdout is not None and other.stdout.readline().strip() == b"held"
        with pytest.raises(SearchRunning), only_search(lock):
            pass
        other.kill()
    with only_search(lock):
        assert lock.is_file()


def test_the_first_trial_is_the_plans_own_and_the_best_is_no_worse(
    searched: Plan, read: tuple[Tape, Windows], tmp_path: Path
) -> None:
    loans, windows = read
    found = tune(loans, windows.in_time, searched, folder=tmp_path).record
    first = found["tried"][0]
    assert {name: first["parameters"][name] for name in ("l2", "max_bin")} == {"l2": 5.0, "max_bin": 15}
    assert found["best"]["value"] == min(t["value"] for t in found["tried"]) <= found["first"]
    folds = np.array(first["folds"])  # mean + 0.5 SD of the two folds, by hand
    assert first["value"] == pytest.approx(folds.mean() + 0.5 * abs(folds[0] - folds[1]) / 2, abs=1e-12)


def test_rows_out_of_time_do_not_move_a_search(searched: Plan, read: tuple[Tape, Windows], tmp_path: Path) -> None:
    from dataclasses import replace

    loans, windows = read
    later = np.concatenate([windows.calibrate, windows.evaluate])
    target = loans.target.copy()
    target[later] = 1.0 - target[later]
    one = plan_of(TINY | {"tune": SEARCH | {"trials": 2}})
    found = [
        tune(rows, windows.in_time, one, folder=tmp_path / name).record["tried"]
        for name, rows in (("as it was", loans), ("turned", replace(loans, target=target)))
    ]
    assert found[0] == found[1]


def test_a_tuned_package_is_the_same_from_a_fresh_store_and_says_how_many_trials_it_took(
    searched: Plan, tape: Columns, tmp_path: Path
) -> None:
    done = [train(searched, tape, Setting(Store(tmp_path / home), register=False)) for home in "ab"]
    assert done[0].digest == done[1].digest
    record = json.loads((done[0].folder / "tuning.json").read_text())
    told = done[0].gate["statistics"]["tuning"]
    assert record["trials"] == told["trials"] == 4 and told["best"] == record["best"]
    assert "optuna" in json.loads((done[0].folder / "manifest.json").read_text())["libraries"]


def test_folds_without_defaults_are_refused_in_one_sentence(searched: Plan, read: tuple[Tape, Windows]) -> None:
    loans, windows = read
    paid = windows.in_time[loans.target[windows.in_time] < 0.5]
    with pytest.raises(ContractError, match="five defaults"):
        tune(loans, paid, searched, folder=Path("unused"))


@pytest.mark.parametrize(
    "field",
    [
        {"trials": -1}, {"folds": 1}, {"learning_rate": [0.2, 0.1]}, {"learning_rate": [0.0, 0.1]}, {"depth": [2, 3]},
        {"depth": []}, {"max_bin": [31, 999]}, {"feature_fraction": [0.5, 1.5]}, {"trails": 3},
    ],
)  # fmt: skip
def test_a_search_the_model_could_not_follow_is_refused_by_name(field: dict[str, object]) -> None:
    with pytest.raises(ContractError, match=rf"tune\.{next(iter(field))}"):
        plan_of(SMALL | {"tune": field})


def test_an_unsteady_set_of_parameters_loses_to_a_steady_one_of_the_same_mean() -> None:
    steady, unsteady = np.array([[0.4], [0.4]]), np.array([[0.2], [0.6]])
    assert objective(steady, 0.5)[0] == 0.4 and objective(unsteady, 0.5)[0] == pytest.approx(0.4 + 0.5 * 0.2)


def test_without_the_extra_a_search_names_it(
    read: tuple[Tape, Windows], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "optuna", None)  # what Python itself does for a module that may not be imported
    loans, windows = read
    with pytest.raises(ContractError, match=r"eco-credit\[train\]"):
        tune(loans, windows.in_time, plan_of(TINY), folder=tmp_path)
