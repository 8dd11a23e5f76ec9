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
from eco_credit.registry import Store, load_package, open_model, promote, rollback, served
from eco_credit.registry.promote import Approval, install

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


def test_an_alias_moved_to_a_version_nobody_approved_is_not_followed(store: Store) -> None:
    promote(store, f"{NAME}/1", YES)
    registry.client_of(store).set_registered_model_alias(NAME, "champion", "2")
    with pytest.raises(ModelNotServable, match="approval"):
        registry.reconcile(store, NAME)
    with pytest.raises(ModelNotServable, match="approval"):
        open_model(store, f"{NAME}@champion")
    assert served(store, NAME).version == "1"


def test_an_alias_moved_back_by_hand_to_an_approved_version_is_no_rollback(store: Store) -> None:
    promote(store, f"{NAME}/1", YES)
    promote(store, f"{NAME}/2", YES)
    registry.client_of(store).set_registered_model_alias(NAME, "champion", "1")
    for ask in (lambda: registry.reconcile(store, NAME), lambda: open_model(store, f"{NAME}@champion")):
        with pytest.raises(ModelNotServable, match="approval"):
            ask()
    assert served(store, NAME).version == "2"
    # the same on a machine that has no pointer of its own: the registry's signed history decides
    other = another_machine(store)
    for ask in (lambda: registry.reconcile(other, NAME), lambda: open_model(other, f"{NAME}@champion")):
        with pytest.raises(ModelNotServable, match="approval"):
            ask()
    assert not other.has_champion(NAME)
    # an act by a person puts it right
    assert rollback(store, NAME, NO).version == 1
    assert registry.reconcile(store, NAME) == "same"


def test_serving_says_that_the_alias_was_moved_and_keeps_what_was_approved(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    from serving.models import Champions, Triple, reconcile
    from serving.settings import Settings

    promote(store, f"{NAME}/1", YES)
    settings = Settings(home=store.home, model_name=NAME)
    assert reconcile(settings)
    registry.client_of(store).set_registered_model_alias(NAME, "champion", "2")
    with caplog.at_level("ERROR", logger="eco_credit.serving"):
        assert not reconcile(settings)
    assert "without an approval" in caplog.text

    def load(found: Settings) -> Triple:
        return Triple(served(Store(found.home), NAME), None, "")  # type: ignore[arg-type]

    champions = Champions(settings, load)
    assert champions.refresh() and champions.current().package.version == "1"


def test_an_act_while_the_registry_is_away_stands_and_the_alias_follows_later(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    promote(store, f"{NAME}/1", YES)
    promote(store, f"{NAME}/2", YES)
    with monkeypatch.context() as away:
        away.setenv("ECO_CREDIT_MLFLOW_URI", "http://127.0.0.1:1")
        away.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        assert rollback(store, NAME, NO).version == 1
        assert "reconcile" in caplog.text
    assert served(store, NAME).version == "1"
    with pytest.raises(ModelNotServable, match="approval"):
        open_model(store, f"{NAME}@champion")
    assert registry.reconcile(store, NAME) == "followed"
    assert open_model(store, f"{NAME}@champion").version == "1"
    assert registry.reconcile(store, NAME) == "same"


def another_machine(store: Store) -> Store:
    """A store that shares the registry and the list of trusted keys, and nothing else."""
    other = Store(store.home.parent / "other")
    other.keys.mkdir(parents=True)
    shutil.copy(store.keys / "trusted.json", other.keys)
    other.home.joinpath("mlflow.db").symlink_to(store.home / "mlflow.db")
    return other


def test_a_machine_that_joins_late_takes_over_the_whole_history_and_can_roll_back(store: Store) -> None:
    promote(store, f"{NAME}/1", YES)
    promote(store, f"{NAME}/2", YES)
    other = another_machine(store)
    assert registry.reconcile(other, NAME) == "installed"
    assert (served(other, NAME).version, registry.reconcile(other, NAME)) == ("2", "same")
    shutil.copytree(store.keys, other.keys, dirs_exist_ok=True)
    assert rollback(other, NAME, NO).sequence == 3
    assert served(other, NAME).version == "1"
    assert registry.reconcile(store, NAME) == "installed"
    assert served(store, NAME).version == "1"


def test_two_histories_of_promotion_are_not_reconciled(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    promote(store, f"{NAME}/1", YES)
    other = another_machine(store)
    assert registry.reconcile(other, NAME) == "installed"
    shutil.copytree(store.keys, other.keys, dirs_exist_ok=True)
    promote(store, f"{NAME}/2", Approval(APPROVER, "here"))
    with monkeypatch.context() as away:
        away.setenv("ECO_CREDIT_MLFLOW_URI", "http://127.0.0.1:1")
        away.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        package = load_package(store.served_folder(NAME) / served(store, NAME).digest, other.trusted(), version="2")
        install(other, package, Approval(APPROVER, "there"))
    with pytest.raises(ModelNotServable, match="different histories"):
        registry.reconcile(other, NAME)


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
