"""One retraining: same input, same package; what is served is what was fitted; bars are bars."""

from __future__ import annotations

import json
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
from small_plan import SMALL
from typer import Typer
from typer.testing import CliRunner

from eco_credit.core.errors import GateNotMet
from eco_credit.core.numbers import Columns
from eco_credit.registry import Store, load_package
from training.assess import assess
from training.benchmark_model import fit_scorecard
from training.cli import register
from training.datasets import load_tape
from training.fit_pd import fit_pd
from training.gates import gate_record, look_up, missed
from training.metrics.ranking import auc
from training.plan import Bar, Plan, plan_of, read_plan
from training.refit import refitter
from training.split import split
from training.train import Setting, Trained, train
from training.walk_forward import walk_forward

PLANS = Path(__file__).parents[2] / "training" / "plans"
app = Typer()
register(app)


def test_the_same_plan_data_and_seed_give_the_same_package(
    plan: Plan, tape: Columns, trained: Trained, tmp_path: Path
) -> None:
    again = train(plan, tape, Setting(Store(tmp_path), register=False))
    assert again.digest == trained.digest
    assert again.folder != trained.folder


def test_another_seed_gives_another_package(tape: Columns, trained: Trained, tmp_path: Path) -> None:
    other = train(plan_of(SMALL | {"seed": 7}), tape, Setting(Store(tmp_path), register=False))
    assert other.digest != trained.digest


def test_a_trained_package_verifies_and_is_marked_synthetic(trained: Trained, store: Store) -> None:
    package = load_package(trained.folder, store.trusted(), require_approval=False)
    assert package.synthetic and package.trainer == "trainer" and package.digest == trained.digest
    assert "synthetic" in (trained.folder / "card.md").read_text()


def test_the_served_pd_is_the_calibrated_booster(plan: Plan, tape: Columns, trained: Trained, store: Store) -> None:
    bundle = load_package(trained.folder, store.trusted(), require_approval=False).bundle
    read = load_tape(plan, tape)
    rows = np.arange(500)
    booster = lgb.Booster(model_file=str(trained.folder / "pd.lightgbm.txt"))
    raw = booster.predict(read.matrix(rows), raw_score=True)
    z = bundle.pd.table.score(read.part(rows))
    assert np.abs(z - raw).max() < 1e-12
    found = bundle.estimate(read.part(rows), collateral_value=np.full(500, 1e6), exposure=np.full(500, 5e5))
    line = bundle.pd.platt.intercept + bundle.pd.platt.slope * raw
    expected = np.clip(1.0 / (1.0 + np.exp(-line)), plan.pd.floor, plan.pd.ceiling)
    assert np.abs(found.pd - expected)[~found.refused].max() < 1e-12


def test_the_pd_and_the_value_quantiles_never_move_against_a_sign(trained: Trained) -> None:
    found = trained.gate["statistics"]
    assert found["proof"]["violations"] == 0 and found["proof"]["steps"] > 15
    assert all(proof["violations"] == 0 for proof in found["lgd_proofs"].values())


def test_most_rows_of_the_population_are_neither_refused_nor_referred(trained: Trained) -> None:
    support = trained.gate["statistics"]["support"]
    assert support["refused"] < 0.04 and support["referred"] < 0.15


def test_walk_forward_folds_look_only_ahead_and_do_not_depend_on_the_workers(plan: Plan, tape: Columns) -> None:
    read = load_tape(plan, tape)
    rows = split(read.origination, read.borrower, plan.split).in_time
    again = refitter(read, "tables", grown=(plan.pd, 15, 1))
    found = walk_forward(read, rows, again, origins=3)
    starts = [fold["from"] for fold in found["folds"]]
    assert starts == sorted(starts) and len(starts) == 3
    assert found["worst"] <= found["mean"] and found == walk_forward(read, rows, again, origins=3)
    assert walk_forward(read, rows, again, origins=0) == {}


def test_a_missed_bar_writes_the_package_but_signs_and_registers_nothing(tape: Columns, tmp_path: Path) -> None:
    greedy = plan_of(SMALL | {"bars": [{"statistic": "pd.auc.value", "at_least": 0.999}]})
    with pytest.raises(GateNotMet, match=r"pd\.auc\.value"):
        train(greedy, tape, Setting(Store(tmp_path)))
    folder = next((tmp_path / "packages" / "small").iterdir())
    assert json.loads((folder / "gate.json").read_text())["status"] == "red"
    assert not (folder / "trainer.sig.json").exists() and not (tmp_path / "mlflow.db").exists()


def test_a_bar_on_a_statistic_that_does_not_exist_is_not_met() -> None:
    assert missed([Bar(statistic="pd.magic", at_least=0.0)], {"pd": {}})[0]["value"] is None


def test_a_house_gate_that_is_not_green_makes_the_record_amber() -> None:
    assert gate_record([], {"pd": {"auc": {"low": 0.66}}})["status"] == "amber"
    assert gate_record([], {"pd": {"auc": {"low": 0.75}}})["status"] == "green"
    assert look_up({"a": {"b": True}}, "a.b") is None


def test_evaluating_on_another_tape_reports_intervals(trained: Trained, store: Store, tmp_path: Path) -> None:
    from training.simulate import simulate_tape
    from training.simulate.tape import write_tape

    write_tape(simulate_tape(1_200, seed=21), tmp_path / "new.parquet")
    found = assess(store, str(trained.folder), tmp_path / "new.parquet")
    area = found["statistics"]["pd"]["auc"]
    assert area["low"] < area["value"] < area["high"] and area["value"] > 0.6
    assert found["statistics"]["stability"]["score"]["value"] < 0.25
    assert found["missed"] == []


def test_the_guaranteed_loan_plan_beats_its_scorecard_out_of_time(guaranteed_loans: Path) -> None:
    plan = read_plan(PLANS / "guaranteed-loan.yaml")
    plan = plan.model_copy(update={"pd": plan.pd.model_copy(update={"rounds": 120})})
    tape = load_tape(plan, guaranteed_loans)
    windows = split(tape.origination, tape.borrower, plan.split)
    fitted = fit_pd(tape, windows, plan.pd, seed=plan.seed)
    rows = windows.evaluate
    y, w = tape.target[rows], tape.weight[rows]
    area = auc(y, fitted.table.score(tape.part(rows)), w)
    assert fitted.proof.violations == 0 and fitted.collapse_error < 1e-12
    assert area.low > 0.60
    card = fit_scorecard(tape, windows.in_time, binning="own")
    assert area.value > auc(y, card.logit(tape.part(rows)), w).value


def test_commands_run_the_road_from_plan_to_promotion_and_back(tape: Columns, tmp_path: Path) -> None:
    import yaml

    from training.simulate.tape import write_tape

    write_tape(tape, tmp_path / "tape.parquet")
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(SMALL))
    home = ["--home", str(tmp_path / "home"), "--json"]
    run = CliRunner()
    made = run.invoke(app, ["train", str(tmp_path / "plan.yaml"), "--data", str(tmp_path / "tape.parquet"), *home])
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["version"] == 1
    Store(tmp_path / "home").enrol("reviewer", "approver")
    act = ["--approver", "reviewer", "--reason", "read and accepted", *home]
    bare = run.invoke(app, ["promote", "small@challenger", "--as", "champion", *act])
    assert bare.exit_code != 0 and "--waive" in bare.stdout  # house gates of so small a tape are red
    waived = ["--waive", "a test lends nothing"]
    moved = run.invoke(app, ["promote", "small@challenger", "--as", "champion", *act, *waived])
    assert moved.exit_code == 0 and json.loads(moved.stdout)["version"] == 1
    own = run.invoke(app, ["promote", "small/1", "--approver", "trainer", "--reason", "mine", *home])
    assert own.exit_code == 1 and json.loads(own.stdout)["error"] == "model_not_servable"
    for words in (["rollback", "small", *act], ["rollback", "small", *home]):
        back = run.invoke(app, words)
        assert back.exit_code == 1 and "no earlier model" in back.stdout


def test_commands_answer_with_the_exit_codes_of_the_house(tmp_path: Path) -> None:
    run = CliRunner()
    assert run.invoke(app, ["simulate", str(tmp_path / "x.txt")]).exit_code == 2
    assert run.invoke(app, ["train", str(tmp_path / "missing.yaml")]).exit_code == 2
    (tmp_path / "bad.yaml").write_text("name: bad\nabout: x\n")
    refused = run.invoke(app, ["train", str(tmp_path / "bad.yaml"), "--json", "--home", str(tmp_path)])
    assert refused.exit_code == 3 and json.loads(refused.stdout)["error"] == "contract"
    written = run.invoke(app, ["simulate", str(tmp_path / "t.csv"), "--loans", "40", "--seed", "1", "--json"])
    assert written.exit_code == 0 and json.loads(written.stdout)["synthetic"] is True


def test_a_bar_that_is_missed_exits_with_four(tape: Columns, tmp_path: Path) -> None:
    import yaml

    from training.simulate.tape import write_tape

    write_tape(tape, tmp_path / "tape.parquet")
    greedy = SMALL | {"bars": [{"statistic": "pd.ks", "at_least": 0.99}]}
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(greedy))
    files = [str(tmp_path / "plan.yaml"), "--data", str(tmp_path / "tape.parquet")]
    run = CliRunner().invoke(app, ["train", *files, "--home", str(tmp_path), "--json"])
    assert run.exit_code == 4 and json.loads(run.stdout)["error"] == "gate_not_met"
