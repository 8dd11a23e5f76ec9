"""A process without MLflow lists what is registered and brings one version to be proposed; nothing is served by it."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from pathlib import Path

import pytest
from package_samples import APPROVER, TRAINER, make_package

from eco_credit.core.errors import ModelNotServable
from eco_credit.registry import Store, load_package, served
from eco_credit.registry.promote import Approval, install, promote
from eco_credit.registry.proposals import approve, proposals, propose, recorded_gate
from eco_credit.registry.registered import bring, brought, registered

registry = pytest.importorskip("eco_credit.registry.mlflow")
NAME = "eco-credit"
A, B = "li@bank-a", "wang@bank-a"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A store with versions 1, 2 and 3 registered; 2 is champion."""
    root = tmp_path_factory.mktemp("registered")
    store = Store(root / "home", clock=lambda: dt.datetime(2026, 11, 23, tzinfo=dt.UTC))
    store.enrol(TRAINER, "trainer")
    for person in (APPROVER, A, B):
        store.enrol(person, "approver")
    for version in (1, 2, 3):
        folder = make_package(root / f"v{version}", store, slope=1.0 + version / 10)
        registry.log_package(store, folder, metrics={"auc": 0.75}, params={"seed": 7})
    package = load_package(root / "v2", store.trusted(), False, version="2")
    install(store, package, Approval(APPROVER, "first"))
    return store


@pytest.fixture
def store(filled: Store, tmp_path: Path) -> Store:
    shutil.copytree(filled.home, tmp_path / "home", ignore=shutil.ignore_patterns("mlartifacts"))
    return Store(tmp_path / "home", clock=filled.clock)


def test_all_versions_are_listed_the_newest_first(store: Store) -> None:
    found = registered(store, NAME)
    assert [(one.version, one.trainer, one.gate, one.synthetic) for one in found] == [
        (version, TRAINER, "green", True) for version in (3, 2, 1)
    ]
    assert found[1].digest == served(store, NAME).digest
    assert registered(store, "another") == []


def test_a_store_that_never_registered_anything_is_empty_and_stays_so(tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    assert registered(Store(tmp_path / "bare"), NAME) == []
    assert list((tmp_path / "bare").iterdir()) == []


def test_a_registered_version_is_proposed_by_one_and_approved_by_another(store: Store) -> None:
    digest = bring(store, NAME, 3)
    assert served(store, NAME).version == "2"  # bringing serves nothing
    with pytest.raises(ModelNotServable):
        load_package(store.served_folder(NAME) / digest, store.trusted())  # and approves nothing
    asked = propose(store, NAME, digest, by=A, reason="better", version=3).asked
    assert recorded_gate(store, NAME, digest)["status"] == "green"
    with pytest.raises(ModelNotServable, match="proposed"):
        approve(store, NAME, asked.sequence, Approval(A, "mine"))
    pointer = approve(store, NAME, asked.sequence, Approval(B, "gates are green"))
    assert (pointer.version, pointer.approver, pointer.proposed_by) == (3, B, A)
    assert served(store, NAME).digest == digest and proposals(store, NAME)[0].state == "approve"


@pytest.mark.parametrize(("version", "words"), [(1, "only move forward"), (2, "in service already")])
def test_neither_the_champion_nor_what_came_before_it_is_proposed(store: Store, version: int, words: str) -> None:
    digest = bring(store, NAME, version)
    with pytest.raises(ModelNotServable, match=words):
        propose(store, NAME, digest, by=A, reason="back", version=version)


def test_a_version_nobody_registered_cannot_be_brought(store: Store) -> None:
    with pytest.raises(ModelNotServable, match="no such model"):
        bring(store, NAME, 9)


def test_a_package_whose_trainer_is_not_trusted_is_not_brought(store: Store) -> None:
    (store.keys / "trusted.json").unlink()
    with pytest.raises(ModelNotServable):
        bring(store, NAME, 3)
    assert not list(store.served_folder(NAME).glob(f"*{registered(store, NAME)[0].digest}*"))


def test_a_brought_package_that_was_altered_is_neither_proposed_nor_approved(store: Store) -> None:
    digest = bring(store, NAME, 3)
    asked = propose(store, NAME, digest, by=A, reason="better", version=3).asked
    model = store.served_folder(NAME) / digest / "pd.json"
    model.write_bytes(model.read_bytes().replace(b"slope", b"slopE"))
    with pytest.raises(ModelNotServable):
        approve(store, NAME, asked.sequence, Approval(B, "yes"))
    manifest = model.with_name("manifest.json")
    manifest.write_bytes(manifest.read_bytes() + b" ")
    with pytest.raises(ModelNotServable, match="not the registered one"):
        brought(store, NAME, digest)


def test_another_machine_that_has_brought_a_version_takes_its_promotion_over(store: Store, tmp_path: Path) -> None:
    promote(store, f"{NAME}/3", Approval(B, "better"))
    other = Store(tmp_path / "other", clock=store.clock)
    shutil.copytree(store.keys, other.keys)
    (other.home / "mlflow.db").symlink_to(store.home / "mlflow.db")
    digest = bring(other, NAME, 3)
    # the first promotion was never told to this registry: tell it now, then follow
    assert registry.reconcile(other, NAME) == "installed"
    assert served(other, NAME).digest == digest


def test_the_process_that_asks_does_not_import_mlflow() -> None:
    import subprocess

    modules = "eco_credit.registry.registered, eco_credit.registry.proposals"
    code = f"import sys, {modules}; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
