"""Proposals: one person asks for a promotion, another decides. Every act is kept and none is changed.

``served/<name>/proposals/proposals.jsonl`` holds one act a line, chained by digests as the pointers are. The acts
themselves are not signed: what moves a model is the approver's signed pointer, which names the proposer as well.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from eco_credit.core.canonical import canonical_json, digest, sha256
from eco_credit.core.errors import ModelNotServable
from eco_credit.registry.files import parse_json, write_durably
from eco_credit.registry.keys import APPROVER
from eco_credit.registry.package import MANIFEST, load_package, same_person
from eco_credit.registry.pointer import PROMOTE, Pointer, check_chain, lock_folder, read_history
from eco_credit.registry.promote import MOST_WORDS, Approval, install
from eco_credit.registry.registered import brought
from eco_credit.registry.store import CHALLENGER, CHAMPION, Store

PROPOSE, APPROVE, REFUSE = "propose", "approve", "refuse"
OPEN = "open"
CANDIDATES = (CHALLENGER, "shadow")
"""Aliases a promotion may be proposed from: what runs beside the champion and was signed twice."""
_TEXTS = ("act", "name", "digest", "by", "reason", "waiver", "at", "previous")
_NUMBERS = ("sequence", "proposal", "version", "champion")
Probe = Callable[[Store, str, str], None]


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the record.

    Attributes:
        act: ``propose``, ``approve`` or ``refuse``.
        sequence: 1, 2, 3, ... within the record of a name.
        proposal: number of the proposal: the sequence of its first act.
        name: registered model name.
        digest: digest of the package.
        version: its version in the registry.
        champion: number of the champion's pointer in force at that moment, 0 for none.
        by: who acted.
        reason: why, in their words.
        waiver: why red gates are accepted; empty for any other act.
        at: when, ISO in UTC; for people, never for order.
        previous: digest of the act before, empty for the first.
    """

    act: str
    sequence: int
    proposal: int
    name: str
    digest: str
    version: int
    champion: int
    by: str
    reason: str
    waiver: str
    at: str
    previous: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal and what became of it.

    Attributes:
        asked: the act that proposed it.
        state: ``open``, ``approve`` or ``refuse``.
        settled: the act that settled it; None while it is open, and where only the pointer tells of the approval.
    """

    asked: Act
    state: str
    settled: Act | None


def record_path(store: Store, name: str) -> Path:
    """File of the acts of a model name."""
    return store.served_folder(name) / "proposals" / "proposals.jsonl"


def read_acts(store: Store, name: str) -> list[Act]:
    """All acts in order, checked: form, sequence and chain.

    Raises:
        ModelNotServable: the record does not hold together.
    """
    path, previous, found = record_path(store, name), "", []
    for place, line in enumerate(path.read_bytes().splitlines() if path.is_file() else [], start=1):
        whole = parse_json(line, path.name)
        act = _act_of(whole)
        if (act.sequence, act.previous, act.name) != (place, previous, name):
            raise _broken()
        found.append(act)
        previous = digest(whole)
    return found


def _act_of(whole: Any) -> Act:
    sound = isinstance(whole, dict) and set(whole) == {*_TEXTS, *_NUMBERS}
    if not sound or not all(isinstance(whole[key], str) for key in _TEXTS):
        raise _broken()
    if not all(type(whole[key]) is int for key in _NUMBERS) or whole["act"] not in (PROPOSE, APPROVE, REFUSE):
        raise _broken()
    return Act(**whole)


def _broken() -> ModelNotServable:
    return ModelNotServable("the record of proposals does not hold together", "提议记录不连续")


def proposals(store: Store, name: str) -> list[Proposal]:
    """All proposals of a model name with their state, newest first.

    Raises:
        ModelNotServable: the record, or the champion's history, does not hold together.
    """
    return _proposals(read_acts(store, name), _champions(store, name))


def _champions(store: Store, name: str) -> list[Pointer]:
    trusted = store.trusted()
    return check_chain(read_history(store.pointer_path(name), trusted), trusted)


def _proposals(acts: list[Act], champions: list[Pointer]) -> list[Proposal]:
    settled = {act.proposal: act for act in acts if act.act != PROPOSE}
    found = []
    for act in (one for one in acts if one.act == PROPOSE):
        by = settled.get(act.sequence)
        # a crash between pointer and record: the signed pointer counts
        done = any(one.digest == act.digest and one.action == PROMOTE for one in champions[act.champion :])
        state = by.act if by is not None else APPROVE if done else OPEN
        found.append(Proposal(act, state, by))
    return found[::-1]


def candidates(store: Store, name: str) -> dict[str, Pointer]:
    """What may be proposed: digest to the pointer of challenger or shadow, where that is not the champion.

    Raises:
        ModelNotServable: a history does not hold together.
    """
    trusted, champions = store.trusted(), _champions(store, name)
    found: dict[str, Pointer] = {}
    for alias in CANDIDATES:
        chain = check_chain(read_history(store.pointer_path(name, alias), trusted), trusted)
        if chain and (not champions or chain[-1].digest != champions[-1].digest):
            found.setdefault(chain[-1].digest, chain[-1])
    return found


def recorded_gate(store: Store, name: str, package: str) -> dict[str, Any]:
    """The record of the gates in a served package: checked by digest, and read without parsing the models.

    Raises:
        ModelNotServable: there is no such package, or the record is not the one its manifest names.
    """
    folder = store.served_folder(name) / package
    try:
        manifest, gate = ((folder / file).read_bytes() for file in (MANIFEST, "gate.json"))
        listed = parse_json(manifest, MANIFEST)["files"]["gate.json"]["sha256"]
    except (OSError, KeyError, TypeError) as error:
        raise ModelNotServable("the package cannot be read", "模型包无法读取") from error
    found = parse_json(gate, "gate.json")
    if sha256(manifest) != package or sha256(gate) != listed or not isinstance(found, dict):
        raise ModelNotServable("gate.json has been altered", "gate.json 已被改动")
    return found


@contextmanager
def _locked(store: Store, name: str) -> Iterator[list[Act]]:
    """The record, which nobody else changes meanwhile."""
    folder = record_path(store, name).parent
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = lock_folder(folder)
    try:
        yield read_acts(store, name)
    finally:
        os.close(descriptor)


def _add(store: Store, acts: list[Act], told: Mapping[str, Any]) -> Act:
    """Add an act to the record; all or nothing, and durable when it returns."""
    place: dict[str, Any] = {"sequence": len(acts) + 1, "at": store.clock().isoformat(timespec="seconds")}
    place |= {"previous": digest(_plain(acts[-1])) if acts else ""}
    act = _act_of({"proposal": len(acts) + 1, "waiver": ""} | dict(told) | place)
    lines = b"".join(canonical_json(_plain(one)) + b"\n" for one in [*acts, act])
    write_durably(record_path(store, act.name), lines)
    return act


def _plain(act: Act) -> dict[str, Any]:
    return {key: getattr(act, key) for key in (*_TEXTS, *_NUMBERS)}


def _reason(text: str) -> str:
    if not text.strip():
        raise ModelNotServable("say why", "须写明理由")
    if len(text) > MOST_WORDS:
        raise ModelNotServable(f"the reason is longer than {MOST_WORDS} characters", "理由过长")
    return text.strip()


def propose(
    store: Store, name: str, package: str, *, by: str, reason: str, version: int | None = None
) -> Proposal:
    """Ask for a promotion to champion.

    Args:
        store: the store.
        name: registered model name.
        package: digest of the package.
        by: who asks.
        reason: why, in their words.
        version: number of a registered version that `bring` has brought; without it the package must be in force as
            challenger or shadow.

    Raises:
        ModelNotServable: there is no such candidate, it is or was the champion or comes before one, it is proposed
            already, or no reason is given.
    """
    reason = _reason(reason)
    with _locked(store, name) as acts:
        champions = _champions(store, name)
        number = _version(store, name, package, champions=champions, version=version)
        if any(one.state == OPEN and one.asked.digest == package for one in _proposals(acts, champions)):
            raise ModelNotServable("this package is proposed already", "该模型包已有待批提议")
        told = {"act": PROPOSE, "name": name, "digest": package, "version": number, "by": by}
        return Proposal(_add(store, acts, told | {"reason": reason, "champion": len(champions)}), OPEN, None)


def _version(store: Store, name: str, package: str, *, champions: list[Pointer], version: int | None) -> int:
    """Version of what is to be proposed: of the challenger, or the stated one of a package that was brought."""
    if version is None:
        pointer = candidates(store, name).get(package)
        if pointer is None:
            raise ModelNotServable("only the challenger can be proposed, not this package", "只能提议当前挑战者模型")
        return pointer.version
    brought(store, name, package)
    if champions and champions[-1].digest == package:
        raise ModelNotServable("this version is in service already", "该版本已在用")
    if version < newest_version(champions):
        raise ModelNotServable(
            "versions only move forward; take a version back with rollback", "版本只能向前，退回请用回退"
        )
    return version


def newest_version(champions: list[Pointer]) -> int:
    """The highest version that ever was champion, 0 for none; no earlier one can be promoted."""
    return max((one.version for one in champions), default=0)


def _asked(acts: list[Act], store: Store, name: str, number: int) -> Act:
    """The open proposal of a number."""
    found = [one for one in _proposals(acts, _champions(store, name)) if one.asked.sequence == number]
    if not found:
        raise ModelNotServable("there is no such proposal", "没有该提议")
    if found[0].state != OPEN:
        raise ModelNotServable("somebody else has settled this proposal", "该提议已由他人处理")
    return found[0].asked


def _second(asked: Act, approver: str) -> None:
    if same_person(asked.by, approver):
        raise ModelNotServable("whoever proposed a model cannot decide on it", "提议人不得审批自己的提议")


def refuse(store: Store, name: str, number: int, *, by: str, reason: str) -> Proposal:
    """Refuse a proposal; nothing moves.

    Raises:
        ModelNotServable: it is not open, its proposer asks, the person is no enrolled approver, or gives no reason.
    """
    reason = _reason(reason)
    store.signer(by, APPROVER)
    with _locked(store, name) as acts:
        asked = _asked(acts, store, name, number)
        _second(asked, by)
        return Proposal(asked, REFUSE, _add(store, acts, _settling(asked, REFUSE, by) | {"reason": reason}))


def _settling(asked: Act, act: str, by: str) -> dict[str, Any]:
    kept = {key: getattr(asked, key) for key in ("proposal", "name", "digest", "version", "champion")}
    return kept | {"act": act, "by": by}


def _probe(store: Store, name: str, package: str) -> None:
    from eco_credit.registry.probe import probe

    probe(store, name, package)


def approve(store: Store, name: str, number: int, approval: Approval, *, probe: Probe = _probe) -> Pointer:
    """Approve a proposal: probe and verify the package, sign it, and move the champion's pointer.

    Of two approvals at once one wins; the other is told that the proposal is settled. MLflow is not asked: its alias
    follows with ``reconcile``.

    Args:
        store: the store.
        name: registered model name.
        number: number of the proposal.
        approval: who approves and why, and the waiver of red gates.
        probe: looks at the package in a process of its own before this one parses it.

    Raises:
        GateNotMet: a gate is red and not waived in writing.
        ModelNotServable: it is not open, proposer or trainer approves, the person is not enrolled as approver, no
            reason is given, or the package is not in order.
    """
    _reason(approval.reason)
    asked = _asked(read_acts(store, name), store, name, number)
    _second(asked, approval.approver)
    store.signer(approval.approver, APPROVER)
    probe(store, name, asked.digest)
    with _locked(store, name) as acts:
        asked = _asked(acts, store, name, number)
        folder = store.served_folder(name) / asked.digest
        package = load_package(folder, store.trusted(), False, version=str(asked.version))  # it is signed below
        if package.digest != asked.digest:
            raise ModelNotServable("the package is not the one that was proposed", "模型包与提议的不一致")
        pointer = install(store, package, replace(approval, proposed_by=asked.by), alias=CHAMPION)
        told = {"reason": approval.reason.strip(), "waiver": approval.waiver.strip()}
        _add(store, acts, _settling(asked, APPROVE, approval.approver) | told)
    return pointer
