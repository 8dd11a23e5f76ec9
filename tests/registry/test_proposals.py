"""Four eyes: one proposes, another approves; of two approvals one wins; every act stays on record."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from package_samples import APPROVER, TRAINER, make_package

from eco_credit.core.errors import EcoCreditError, GateNotMet, ModelNotServable
from eco_credit.registry import Store, load_package, served
from eco_credit.registry.package import same_person
from eco_credit.registry.pointer import check_chain, history_path, read_history
from eco_credit.registry.promote import Approval, install, take_back
from eco_credit.registry.proposals import approve, candidates, proposals, propose, read_acts, record_path, refuse

NAME = "eco-credit"
A, B, C = "li@bank-a", "wang@bank-a", "zhao@bank-a"


def unprobed(*_: Any) -> None:
    """The child process is tested by the service; here it would only take time."""


def added(store: Store, root: Path, version: int, alias: str, status: str = "green") -> str:
    """A package in force under an alias; its digest."""
    place = make_package(root / f"{alias}-{version}", store, slope=1.0 + version / 50, status=status)
    package = load_package(place, store.trusted(), False, version=str(version))
    waiver = "" if status == "green" else "as a challenger it lends nothing"
    return install(store, package, Approval(APPROVER, "test", waiver), alias=alias).digest


@pytest.fixture
def challenger(store: Store, tmp_path: Path) -> str:
    added(store, tmp_path, 1, "champion")
    for person in (A, B, C):
        store.enrol(person, "approver")
    return added(store, tmp_path, 2, "challenger")


def ask(store: Store, package: str, by: str = A) -> int:
    return propose(store, NAME, package, by=by, reason="better out of time").asked.sequence


def test_a_proposal_approved_by_another_person_is_served_and_the_pointer_names_both(
    store: Store, challenger: str
) -> None:
    number = ask(store, challenger)
    pointer = approve(store, NAME, number, Approval(B, "gates are green"), probe=unprobed)
    assert (served(store, NAME).digest, pointer.approver, pointer.proposed_by) == (challenger, B, A)
    (found,) = proposals(store, NAME)
    assert found.state == "approve" and found.settled is not None and found.settled.by == B
    assert candidates(store, NAME) == {}


@pytest.mark.parametrize("by", [A, "Li@BANK-A", " ｌｉ@bank-a", "li"])
def test_who_proposed_neither_approves_nor_refuses(store: Store, challenger: str, by: str) -> None:
    number = ask(store, challenger)
    store.enrol(by, "approver")
    with pytest.raises(ModelNotServable, match="proposed"):
        approve(store, NAME, number, Approval(by, "mine"), probe=unprobed)
    with pytest.raises(ModelNotServable, match="proposed"):
        refuse(store, NAME, number, by=by, reason="mine")
    assert [one.state for one in proposals(store, NAME)] == ["open"]
    assert served(store, NAME).version == "1"


@pytest.mark.parametrize("by", [TRAINER, f"{TRAINER}@bank-a"])
def test_who_trained_does_not_approve_what_another_proposed(store: Store, challenger: str, by: str) -> None:
    number = ask(store, challenger)
    store.enrol(by, "approver")
    with pytest.raises(ModelNotServable, match="trained"):
        approve(store, NAME, number, Approval(by, "mine"), probe=unprobed)
    assert served(store, NAME).version == "1"


def test_the_signed_act_itself_refuses_an_approver_who_proposed(store: Store, tmp_path: Path, challenger: str) -> None:
    package = load_package(store.served_folder(NAME) / challenger, store.trusted(), version="2")
    with pytest.raises(ModelNotServable, match="proposed"):
        install(store, package, Approval(B, "mine", proposed_by=B))


def test_an_approver_needs_a_key_and_a_reason(store: Store, challenger: str) -> None:
    number = ask(store, challenger)
    for approval in (Approval("nobody@bank-a", "good"), Approval(B, " "), Approval(TRAINER, "good")):
        with pytest.raises(ModelNotServable):
            approve(store, NAME, number, approval, probe=unprobed)
    assert len(read_acts(store, NAME)) == 1


def test_a_red_gate_needs_a_waiver(store: Store, tmp_path: Path, challenger: str) -> None:
    number = ask(store, added(store, tmp_path, 3, "challenger", status="red"))
    with pytest.raises(GateNotMet):
        approve(store, NAME, number, Approval(B, "good"), probe=unprobed)
    pointer = approve(store, NAME, number, Approval(B, "good", "small sample, watched monthly"), probe=unprobed)
    assert pointer.waiver == "small sample, watched monthly"


def test_a_package_that_dies_in_the_probe_does_not_move_the_pointer(store: Store, challenger: str) -> None:
    number = ask(store, challenger)
    (store.served_folder(NAME) / challenger / "lgd.json").write_bytes(b"{}")
    with pytest.raises(ModelNotServable, match="altered"):
        approve(store, NAME, number, Approval(B, "good"))
    assert (served(store, NAME).version, proposals(store, NAME)[0].state) == ("1", "open")


def test_of_two_approvals_at_once_one_wins(store: Store, challenger: str) -> None:
    number, meet = ask(store, challenger), threading.Barrier(2)
    won: list[str] = []
    lost: list[str] = []

    def decide(by: str) -> None:
        try:
            won.append(approve(store, NAME, number, Approval(by, "good"), probe=lambda *_: meet.wait(20)).approver)
        except EcoCreditError as error:
            lost.append(error.en)

    threads = [threading.Thread(target=decide, args=(by,)) for by in (B, C)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1 and lost == ["somebody else has settled this proposal"]
    pointers = check_chain(read_history(store.pointer_path(NAME), store.trusted()), store.trusted())
    assert [one.version for one in pointers] == [1, 2] and pointers[-1].approver == won[0]
    assert [act.act for act in read_acts(store, NAME)] == ["propose", "approve"]


def test_what_was_refused_stays_refused_and_may_be_proposed_anew(store: Store, challenger: str) -> None:
    number = ask(store, challenger)
    refuse(store, NAME, number, by=B, reason="the water cell is thin")
    with pytest.raises(ModelNotServable, match="settled"):
        approve(store, NAME, number, Approval(B, "after all"), probe=unprobed)
    assert ask(store, challenger) == 3
    assert [one.state for one in proposals(store, NAME)] == ["open", "refuse"]


def test_only_the_challenger_is_proposed_and_only_once(store: Store, challenger: str) -> None:
    with pytest.raises(ModelNotServable, match="challenger"):
        ask(store, served(store, NAME).digest)
    with pytest.raises(ModelNotServable, match="challenger"):
        ask(store, "../" + challenger)
    with pytest.raises(ModelNotServable, match="say why"):
        propose(store, NAME, challenger, by=A, reason=" ")
    ask(store, challenger)
    with pytest.raises(ModelNotServable, match="already"):
        ask(store, challenger, by=B)


def test_a_crash_after_the_pointer_leaves_the_proposal_settled(store: Store, challenger: str) -> None:
    number = ask(store, challenger)
    before = record_path(store, NAME).read_bytes()
    approve(store, NAME, number, Approval(B, "good"), probe=unprobed)
    record_path(store, NAME).write_bytes(before)
    assert [one.state for one in proposals(store, NAME)] == ["approve"]
    with pytest.raises(ModelNotServable, match="settled"):
        approve(store, NAME, number, Approval(C, "good"), probe=unprobed)


@pytest.mark.parametrize("change", [b'"by":"x@bank-a"', b'"by":1'])
def test_an_altered_record_is_refused(store: Store, challenger: str, change: bytes) -> None:
    refuse(store, NAME, ask(store, challenger), by=B, reason="no")
    path = record_path(store, NAME)
    path.write_bytes(path.read_bytes().replace(b'"by":"li@bank-a"', change))
    with pytest.raises(ModelNotServable, match="hold together"):
        proposals(store, NAME)


def test_a_rollback_is_of_the_pointer_that_was_seen(store: Store, challenger: str) -> None:
    approve(store, NAME, ask(store, challenger), Approval(B, "good"), probe=unprobed)
    with pytest.raises(ModelNotServable, match="meanwhile"):
        take_back(store, NAME, Approval(B, "complaints", seen=1))
    assert take_back(store, NAME, Approval(B, "complaints", seen=2)).version == 1
    with pytest.raises(ModelNotServable, match="meanwhile"):
        take_back(store, NAME, Approval(B, "complaints", seen=2))
    assert history_path(store.pointer_path(NAME)).read_bytes().count(b"\n") == 3


def test_a_name_without_tenant_is_the_same_person_in_every_tenant() -> None:
    assert same_person("li", A) and same_person(A, "LI") and not same_person(A, "li@bank-b")
    assert not same_person("l", A) and not same_person("", A)
