"""The whole way on a real SQLite MLflow: log, register, promote, roll back, reconcile."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import numpy as np
import pytest
from package_samples import APPROVER, TRAINER, make_package
from risk_samples import sample_rows

from eco_credit.core.errors import ModelNotServable
from eco_credit.registry import Store, open_model, promote, rollback, served
from eco_credit.registry.promote import Approval

registry = pytest.importorskip("eco_credit.registry.mlflow")

NAME = "eco-credit"
YES = Approval(APPROVER, "better on every gate")
NO = Approval(APPROVER, "complaints from the branches")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with versions 1 and 2 registered and nothing promoted."""
    root = tmp_path_factory.mktemp("registry")
    store = Store(root / "home", clock=lambda: dt.datetime(2026, 11, 23, tzinfo=dt.UTC))
    store.enrol(TRAINER, "trainer")
    store.enrol(APPROVER, "approver")
    for version, slope in ((1, 1.1), (2, 1.2)):
        folder = make_package(root / f"v{version}", store, slope=slope)
        assert registry.log_package(store, folder, metrics={"auc": 0.75}, params={"seed": 7}) == version
    return store


@pytest.fixture
def store(filled: Store, tmp_path: Path) -> Store:
    """A copy of the filled store that a test may change: keys and registry rows; artefacts are shared."""
    shutil.copytree(filled.home, tmp_path / "home", ignore=shutil.ignore_patterns("mlartifacts"))
    return Store(tmp_path / "home", clock=filled.clock)


def test_a_logged_package_is_challenger_and_comes_back_whole(store: Store, filled: Store) -> None:
    package = open_model(store, f"{NAME}@challenger")
    assert (package.version, package.trainer, package.approver) == ("2", TRAINER, "")
    assert open_model(store, f"{NAME}/1").digest != package.digest
    rows = registry.list_models(store)
    assert [(row["version"], row["aliases"], row["gate"]) for row in rows] == [
        (2, ["challenger"], "green"),
        (1, [], "green"),
    ]
    with pytest.raises(ModelNotServable):
        open_model(store, f"{NAME}@champion")


def test_promote_and_roll_back(store: Store) -> None:
    promote(store, f"{NAME}/1", YES)
    assert served(store, NAME).version == "1"
    promote(store, f"{NAME}@challenger", YES)
    assert served(store, NAME).version == "2"
    assert open_model(store, f"{NAME}@champion").version == "2"
    assert registry.reconcile(store, NAME) == "same"

    pointer = rollback(store, NAME, NO)
    assert (pointer.action, pointer.version, pointer.sequence) == ("rollback", 1, 3)
    assert served(store, NAME).version == "1"
    assert open_model(store, f"{NAME}@champion").version == "1"
    with pytest.raises(ModelNotServable, match="earlier"):
        rollback(store, NAME, NO)
    # the newer version may come back: it is no older than what was served
    promote(store, f"{NAME}/2", YES)
    assert served(store, NAME).version == "2"


def test_an_alias_moved_without_an_approval_is_not_followed(store: Store) -> None:
    promote(store, f"{NAME}/1", YES)
    registry.client_of(store).set_registered_model_alias(NAME, "champion", "2")
    with pytest.raises(ModelNotServable, match="approval"):
        registry.reconcile(store, NAME)
    assert served(store, NAME).version == "1"


def test_an_alias_that_lags_behind_the_pointer_is_moved_to_it(store: Store) -> None:
    promote(store, f"{NAME}/1", YES)
    promote(store, f"{NAME}/2", YES)
    registry.client_of(store).set_registered_model_alias(NAME, "champion", "1")
    assert registry.reconcile(store, NAME) == "followed"
    assert open_model(store, f"{NAME}@champion").version == "2"


def test_a_promotion_on_another_machine_is_taken_over(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    promote(store, f"{NAME}/1", YES)
    other = Store(tmp_path / "other")
    other.keys.mkdir(parents=True)
    shutil.copy(store.keys / "trusted.json", other.keys)
    monkeypatch.setenv("ECO_CREDIT_MLFLOW_URI", store.mlflow_uri)
    assert registry.reconcile(other, NAME) == "installed"
    assert served(other, NAME).digest == served(store, NAME).digest
    assert registry.reconcile(other, NAME) == "same"


def test_an_artefact_altered_in_the_registry_is_refused(store: Store, filled: Store, tmp_path: Path) -> None:
    path = next(filled.artifacts.rglob("support.json"))
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"0.1", b"0.9"))
    try:
        broken = 0
        for version in (1, 2):
            try:
                promote(store, f"{NAME}/{version}", YES)
            except ModelNotServable:
                broken += 1
    finally:
        path.write_bytes(whole)
    assert broken == 1


def test_the_pyfunc_gives_what_the_bundle_gives_without_pickle(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    import mlflow
    import pandas as pd

    monkeypatch.setenv("MLFLOW_ALLOW_PICKLE_DESERIALIZATION", "false")
    registry.client_of(store)
    model = mlflow.pyfunc.load_model(f"models:/{NAME}/1")
    rows, value = sample_rows(), np.full(5, 100.0)
    table = model.predict(pd.DataFrame(rows | {"collateral_value": value, "exposure": value}))
    own = open_model(store, f"{NAME}/1").bundle.estimate(rows, collateral_value=value, exposure=value)
    assert table["pd"].to_numpy().tobytes() == own.pd.tobytes()
    assert table["grade"].tolist() == own.grade.tolist()


def test_the_command_says_by_its_exit_code_whether_all_agrees(store: Store) -> None:
    assert registry.main(["reconcile", str(store.home), NAME]) == 3
    promote(store, f"{NAME}/1", YES)
    assert registry.main(["reconcile", str(store.home), NAME]) == 0
    assert registry.main(["resolve"]) == 2
