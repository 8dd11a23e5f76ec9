"""A rollback is one command and few operations, however long the history; the registry is not asked first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from package_samples import APPROVER, make_package

from eco_credit.core.errors import ModelNotServable
from eco_credit.registry import Store, load_package, rollback, served
from eco_credit.registry.promote import Approval, install

NAME = "eco-credit"
NO = Approval(APPROVER, "complaints from the branches")

COUNT = """
import os, sys
from pathlib import Path
from eco_credit.registry import Store, rollback, served
from eco_credit.registry.promote import Approval
home, counts, before = sys.argv[1], {"open": 0, "socket.connect": 0}, {}
store = Store(Path(home))
pointer = store.pointer_path("eco-credit")

def watch(event, arguments):
    if event == "socket.connect":
        # what the network is asked after the pointer moved cannot hold the rollback up
        before.setdefault("moved", b'"action":"rollback"' in pointer.read_bytes())
    if event == "open" and str(arguments[0]).startswith(home) and "mlflow" not in str(arguments[0]):
        counts["open"] += 1

sys.addaudithook(watch)
rollback(store, "eco-credit", Approval(sys.argv[2], "back"))
print(counts["open"], before.get("moved"), served(store, "eco-credit").version)
"""


def promoted(store: Store, root: Path, versions: int) -> None:
    for version in range(1, versions + 1):
        place = make_package(root / f"v{version}", store, slope=1.0 + version / 50)
        package = load_package(place, store.trusted(), False, version=str(version))
        install(store, package, Approval(APPROVER, f"version {version}"))


@pytest.fixture(autouse=True)
def away(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no registry at this address."""
    monkeypatch.setenv("ECO_CREDIT_MLFLOW_URI", "http://127.0.0.1:1")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")


def operations(home: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", COUNT, str(home), APPROVER], capture_output=True, text=True, check=True, timeout=120
    )
    count, moved, version = done.stdout.split()
    return int(count), moved, version


def test_a_rollback_opens_as_few_files_after_twelve_promotions_as_after_two(tmp_path: Path) -> None:
    counts = []
    for versions in (2, 12):
        store = Store(tmp_path / str(versions))
        store.enrol("li-trainer", "trainer")
        store.enrol(APPROVER, "approver")
        promoted(store, tmp_path / f"packages-{versions}", versions)
        count, moved, version = operations(store.home)
        # the pointer had moved before the first word to the registry, and serving follows it
        assert (moved, version) == ("True", str(versions - 1))
        counts.append(count)
    print(f"files opened by a rollback: {counts}")
    assert counts[0] == counts[1] <= 40


def test_a_second_rollback_goes_one_further_back_and_a_third_finds_nothing(store: Store, tmp_path: Path) -> None:
    promoted(store, tmp_path, 3)
    assert [rollback(store, NAME, NO).version for _ in range(2)] == [2, 1]
    assert served(store, NAME).version == "1"
    with pytest.raises(ModelNotServable, match="no earlier model"):
        rollback(store, NAME, NO)
    assert served(store, NAME).version == "1"


def test_what_was_rolled_back_from_is_not_what_the_next_rollback_returns_to(store: Store, tmp_path: Path) -> None:
    promoted(store, tmp_path, 3)
    rollback(store, NAME, NO)
    place = make_package(tmp_path / "v4", store, slope=1.9)
    install(store, load_package(place, store.trusted(), False, version="4"), Approval(APPROVER, "repaired"))
    # version 3 was taken out of service; what served between is version 2
    assert rollback(store, NAME, NO).version == 2


def test_a_rollback_to_a_package_that_was_altered_is_refused_and_changes_nothing(store: Store, tmp_path: Path) -> None:
    promoted(store, tmp_path, 2)
    first = load_package(tmp_path / "v1", store.trusted(), False)
    path = store.served_folder(NAME) / first.digest / "pd.json"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(ModelNotServable, match="altered"):
        rollback(store, NAME, NO)
    assert served(store, NAME).version == "2"


def test_a_rollback_needs_an_enrolled_approver_and_a_reason(store: Store, tmp_path: Path) -> None:
    promoted(store, tmp_path, 2)
    for approval in (Approval("li-trainer", "mine"), Approval(APPROVER, " ")):
        with pytest.raises(ModelNotServable):
            rollback(store, NAME, approval)
    assert served(store, NAME).version == "2"
