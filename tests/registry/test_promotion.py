"""Promotion by a second person, rollback, and serving without MLflow."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from package_samples import APPROVER, TRAINER, make_package, meta, package_files

from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import GateNotMet, ModelNotServable
from eco_credit.registry import Package, Store, load_package, served, sign, write_package
from eco_credit.registry.folder import ModelName, read_model_name
from eco_credit.registry.pointer import Pointer, history_path
from eco_credit.registry.promote import Approval, install
from eco_credit.registry.signature import signed

YES = Approval(APPROVER, "beats the scorecard on every gate")
NAME = "eco-credit"


def package(store: Store, folder: Path, version: int, slope: float = 1.1, status: str = "green") -> Package:
    place = make_package(folder / f"v{version}", store, slope=slope, status=status)
    return load_package(place, store.trusted(), False, version=str(version))


def test_what_a_second_person_promoted_is_served(store: Store, tmp_path: Path) -> None:
    first = package(store, tmp_path, 1)
    install(store, first, YES)
    found = served(store, NAME)
    assert (found.version, found.digest, found.approver) == ("1", first.digest, APPROVER)
    assert store.has_champion(NAME) and not store.has_champion("other")


def test_nothing_promoted_nothing_served(store: Store) -> None:
    with pytest.raises(ModelNotServable):
        served(store, NAME)


@pytest.mark.parametrize(
    ("approval", "word"),
    [
        (Approval(TRAINER, "mine"), "trained"),
        (Approval(" Li-Trainer ", "mine"), "trained"),
        (Approval(APPROVER, "  "), "reason"),
        (Approval("nobody", "because"), "key"),
    ],
)
def test_an_act_without_four_eyes_is_refused(store: Store, tmp_path: Path, approval: Approval, word: str) -> None:
    with pytest.raises(ModelNotServable, match=word):
        install(store, package(store, tmp_path, 1), approval)
    assert not store.has_champion(NAME)


@pytest.mark.parametrize("status", ["red", "unknown"])
def test_a_model_that_missed_its_gates_is_not_promoted(store: Store, tmp_path: Path, status: str) -> None:
    with pytest.raises(GateNotMet):
        install(store, package(store, tmp_path, 1, status=status), YES)


def gated(store: Store, folder: Path, status: str, light: str) -> Package:
    gate = {"status": status, "gates": [{"gate": "G1a", "light": "green"}, {"gate": "G2a", "light": light}]}
    files = package_files() | {"gate.json": canonical_json(gate | {"missed": [{"statistic": "pd.ks"}]})}
    write_package(folder, files, meta())
    sign(folder, "trainer", store.signer(TRAINER, "trainer"))
    return load_package(folder, store.trusted(), False, version="1")


def test_amber_gates_are_accepted_by_the_reason_and_named_in_the_record(store: Store, tmp_path: Path) -> None:
    pointer = install(store, gated(store, tmp_path / "p", "amber", "amber"), YES)
    assert (pointer.proposer, pointer.approver, pointer.waived) == (TRAINER, APPROVER, "G2a,pd.ks")


def test_red_gates_are_promoted_only_with_a_waiver_in_writing(store: Store, tmp_path: Path) -> None:
    package = gated(store, tmp_path / "p", "red", "red")
    for waiver in ("", "   "):
        with pytest.raises(GateNotMet):
            install(store, package, Approval(APPROVER, "we need it", waiver))
    pointer = install(store, package, Approval(APPROVER, "pilot", "pilot of 20 loans, decided by the board"))
    assert (pointer.waived, pointer.waiver) == ("G2a,pd.ks", "pilot of 20 loans, decided by the board")
    assert json.loads(store.pointer_path(NAME).read_bytes())["waiver"] == pointer.waiver


def test_a_red_house_gate_needs_a_waiver_although_every_bar_of_the_plan_is_met(store: Store, tmp_path: Path) -> None:
    lit = [{"gate": "G2a", "light": "red"}, {"gate": "G2c", "light": "amber"}]
    gate = {"status": "amber", "missed": [], "gates": lit}
    write_package(tmp_path / "p", package_files() | {"gate.json": canonical_json(gate)}, meta())
    sign(tmp_path / "p", "trainer", store.signer(TRAINER, "trainer"))
    package = load_package(tmp_path / "p", store.trusted(), False, version="1")
    with pytest.raises(GateNotMet, match="not waived: G2a;"):
        install(store, package, YES)
    assert install(store, package, Approval(APPROVER, "pilot", "board, 20 loans")).waived == "G2a,G2c"


def test_a_waiver_does_not_stand_for_gates_nobody_recorded(store: Store, tmp_path: Path) -> None:
    with pytest.raises(GateNotMet):
        install(store, package(store, tmp_path, 1, status="unknown"), Approval(APPROVER, "yes", "waived"))


def test_a_pointer_of_an_older_store_is_still_read(store: Store, tmp_path: Path) -> None:
    install(store, package(store, tmp_path, 1), YES)
    path = store.pointer_path(NAME)
    old = {k: v for k, v in json.loads(path.read_bytes()).items() if k not in ("proposer", "waived", "waiver")}
    statement = {k: v for k, v in old.items() if k not in ("signature", "signer", "key_id")}
    path.write_bytes(canonical_json(signed(statement, store.signer(APPROVER, "approver"))))
    history_path(path).unlink()
    assert served(store, NAME).version == "1"


def test_a_reason_too_long_for_the_record_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ModelNotServable, match="longer"):
        install(store, package(store, tmp_path, 1), Approval(APPROVER, "x" * 1_001))


def test_versions_only_move_forward(store: Store, tmp_path: Path) -> None:
    one, two = package(store, tmp_path, 1), package(store, tmp_path, 2, slope=1.2)
    install(store, two, YES)
    with pytest.raises(ModelNotServable, match="forward"):
        install(store, one, YES)
    assert served(store, NAME).version == "2"


def test_an_old_pointer_put_back_by_hand_is_refused(store: Store, tmp_path: Path) -> None:
    path = store.pointer_path(NAME)
    install(store, package(store, tmp_path, 1), YES)
    old = path.read_bytes()
    install(store, package(store, tmp_path, 2, slope=1.2), YES)
    path.write_bytes(old)
    with pytest.raises(ModelNotServable):
        served(store, NAME)


@pytest.mark.parametrize("field", ["digest", "version", "approver", "reason", "alias", "sequence", "signature"])
def test_an_altered_pointer_is_refused(store: Store, tmp_path: Path, field: str) -> None:
    install(store, package(store, tmp_path, 1), YES)
    path = store.pointer_path(NAME)
    data = json.loads(path.read_bytes())
    data[field] = 9 if isinstance(data[field], int) else data[field][::-1]
    path.write_text(json.dumps(data))
    history_path(path).unlink()
    with pytest.raises(ModelNotServable):
        served(store, NAME)


def test_a_crash_between_pointer_and_history_loses_nothing(store: Store, tmp_path: Path) -> None:
    install(store, package(store, tmp_path, 1), YES)
    path = store.pointer_path(NAME)
    before = history_path(path).read_bytes()
    install(store, package(store, tmp_path, 2, slope=1.2), YES)
    history_path(path).write_bytes(before)
    assert served(store, NAME).version == "2"
    install(store, package(store, tmp_path, 3, slope=1.3), YES)
    assert len(history_path(path).read_bytes().splitlines()) == 3
    assert served(store, NAME).version == "3"


def test_a_cut_history_is_refused(store: Store, tmp_path: Path) -> None:
    for version in (1, 2, 3):
        install(store, package(store, tmp_path, version, slope=1.0 + version / 10), YES)
    history = history_path(store.pointer_path(NAME))
    history.write_bytes(b"".join(history.read_bytes().splitlines(keepends=True)[:1]))
    with pytest.raises(ModelNotServable):
        served(store, NAME)


def test_a_pointer_of_another_alias_does_not_serve_as_champion(store: Store, tmp_path: Path) -> None:
    install(store, package(store, tmp_path, 1), YES, alias="challenger")
    store.pointer_path(NAME).write_bytes(store.pointer_path(NAME, "challenger").read_bytes())
    with pytest.raises(ModelNotServable):
        served(store, NAME)


def test_a_served_file_altered_after_promotion_is_refused(store: Store, tmp_path: Path) -> None:
    first = package(store, tmp_path, 1)
    install(store, first, YES)
    path = store.served_folder(NAME) / first.digest / "scale.json"
    path.write_bytes(path.read_bytes().replace(b"600", b"700"))
    with pytest.raises(ModelNotServable):
        served(store, NAME)


def test_model_names_are_read_and_paths_are_not_names() -> None:
    assert read_model_name("eco-credit@champion") == ModelName("eco-credit", alias="champion")
    assert read_model_name("eco-credit/12") == ModelName("eco-credit", version=12)
    assert read_model_name("./eco-credit/12") is None and read_model_name("a/b/3") is None
    for text in ("../x@champion", "Eco@champion", "a@b/c", "@champion"):
        with pytest.raises(ModelNotServable):
            read_model_name(text)


def test_serving_a_promoted_model_imports_no_mlflow(store: Store, tmp_path: Path) -> None:
    install(store, package(store, tmp_path, 1), YES)
    code = (
        "import sys, pathlib; from eco_credit.registry import Store, served;"
        "served(Store(pathlib.Path(sys.argv[1])), 'eco-credit');"
        "sys.exit(1 if {'mlflow', 'pandas', 'lightgbm', 'sklearn'} & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(store.home)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_pointer_tells_who_what_why_and_when(store: Store, tmp_path: Path) -> None:
    first = package(store, tmp_path, 1)
    pointer = install(store, first, YES)
    assert pointer == Pointer(
        name=NAME,
        alias="champion",
        action="promote",
        sequence=1,
        digest=first.digest,
        version=1,
        approver=APPROVER,
        reason=YES.reason,
        at="2026-11-23T00:00:00+00:00",
        previous="",
        proposer=TRAINER,
        waived="",
        waiver="",
    )


def test_the_store_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ECO_CREDIT_HOME", str(tmp_path))
    assert Store.default() == Store(tmp_path)
    assert not Store.default().is_demo
    Store.default().mark_demo()
    assert Store.default().is_demo
    monkeypatch.delenv("ECO_CREDIT_HOME")
    assert Store.default().home == Path.home() / ".eco-credit"
