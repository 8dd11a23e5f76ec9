"""Four eyes: a second person promotes a model, and can take it back.

The approver's signature goes into the served copy of the package, a signed pointer says what is
served, and MLflow's alias follows. Serving reads the pointer; MLflow is lineage, not the trust boundary.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.errors import GateNotMet, ModelNotServable
from eco_credit.registry.files import write_durably
from eco_credit.registry.folder import open_model
from eco_credit.registry.keys import APPROVER, SigningKey
from eco_credit.registry.package import MANIFEST, Package, load_package, same_person, write_folder
from eco_credit.registry.pointer import (
    PROMOTE,
    ROLLBACK,
    Pointer,
    check_chain,
    earlier,
    lock_folder,
    next_pointer,
    read_history,
    signed_pointer,
    write_pointer,
)
from eco_credit.registry.signature import SIGNATURE_FILES, signed
from eco_credit.registry.store import ALIASES, CHAMPION, Store

log = logging.getLogger("eco_credit.registry")
MOST_WORDS = 1_000
"""Longest reason and waiver together, characters: a pointer must fit into a tag of the registry."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's act: who, and why.

    Attributes:
        approver: name of the person; a key of theirs must be enrolled as approver.
        reason: why, in their words; not empty. It also accepts amber gates, which are recorded by number.
        waiver: why red gates are accepted, in their words; without it a model with a red gate is not promoted.
        proposed_by: who proposed the promotion, where somebody did; must be another person.
        seen: number of the pointer a rollback was decided about; None for whichever is in force.
    """

    approver: str
    reason: str
    waiver: str = ""
    proposed_by: str = ""
    seen: int | None = None


def promote(
    store: Store, model: str, approval: Approval, *, alias: str = CHAMPION, contract: str | None = None
) -> Pointer:
    """Promote a registered model.

    Args:
        store: the store.
        model: ``name@alias`` or ``name/version`` in the registry.
        approval: who approves and why.
        alias: ``champion``, ``challenger`` or ``shadow``.
        contract: as in `load_package`.

    Returns:
        The new pointer, after it is durable. MLflow's alias follows it; should the registry fail at that moment,
        the promotion stands, a warning says so, and ``reconcile`` lets the alias follow later.

    Raises:
        GateNotMet: a gate of the training is red and not waived in writing, or the gates are not on record.
        ModelNotServable: the package is not in order, the approver trained it or is not enrolled, no reason is given,
            or a newer version was promoted before (take back with `rollback`).
    """
    package = open_model(store, model, contract=contract)
    if not package.version.isdigit():
        raise ModelNotServable("register the package before it is promoted", "请先登记模型再批准")
    pointer = install(store, package, approval, alias=alias)
    _tell_registry(store, pointer)
    return pointer


def _tell_registry(store: Store, pointer: Pointer) -> None:
    """Let MLflow follow. The act stands already, so a registry that is away is a warning, not a failure."""
    from eco_credit.registry.mlflow import follow

    try:
        follow(store, pointer)
    except ModelNotServable as error:
        log.warning("%s %s %s/%d stands; %s", pointer.action, pointer.alias, pointer.name, pointer.version, error.en)


def install(store: Store, package: Package, approval: Approval, *, alias: str = CHAMPION) -> Pointer:
    """The local half of a promotion: sign, copy, point. Arguments and errors as in `promote`."""
    _check_act(package, approval, alias)
    key = store.signer(approval.approver, APPROVER)
    folder = store.served_folder(package.name)
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = lock_folder(folder)
    try:
        path = store.pointer_path(package.name, alias)
        before = read_history(path, store.trusted())
        newest = max((item.version for item in check_chain(before, store.trusted())), default=0)
        if int(package.version) < newest:
            raise ModelNotServable(
                "versions only move forward; take a version back with rollback", "版本只能向前，退回请用回退命令"
            )
        _copy(folder / package.digest, package, key)
        load_package(folder / package.digest, store.trusted(), contract=package.manifest["contract"]["digest"])
        act = _act(store, approval) | {"name": package.name, "alias": alias, "action": PROMOTE}
        act |= {"proposer": package.trainer, "waived": open_gates(package.gate)}
        pointer = next_pointer(before, digest=package.digest, version=int(package.version), **act)
        write_pointer(path, signed_pointer(pointer, key), before)
    finally:
        os.close(descriptor)
    return pointer


def rollback(
    store: Store, name: str, approval: Approval, *, alias: str = CHAMPION, contract: str | None = None
) -> Pointer:
    """Serve again what was served before the model in service, and let MLflow's alias follow.

    Arguments, result and errors as in `take_back`.
    """
    pointer = take_back(store, name, approval, alias=alias, contract=contract)
    _tell_registry(store, pointer)
    return pointer


def take_back(
    store: Store, name: str, approval: Approval, *, alias: str = CHAMPION, contract: str | None = None
) -> Pointer:
    """The local half of a rollback: point to what was served before, and write down that this was meant.

    Args:
        store: the store.
        name: registered model name.
        approval: who decides and why.
        alias: which pointer to move.
        contract: as in `load_package`; the earlier package must still be good for it.

    Returns:
        The new pointer.

    Raises:
        ModelNotServable: there is nothing earlier, the earlier package is not in order any more, or another pointer
            than the one decided about is in force by now.
    """
    _check_reason(approval)
    key = store.signer(approval.approver, APPROVER)
    descriptor = lock_folder(store.served_folder(name)) if store.served_folder(name).is_dir() else None
    try:
        path = store.pointer_path(name, alias)
        before = read_history(path, store.trusted())
        if approval.seen not in (None, len(before)):
            raise ModelNotServable("another model went into service meanwhile", "在用模型已变更，请重新查看后再决定")
        target = earlier(check_chain(before, store.trusted()))
        if target is None:
            raise ModelNotServable("no earlier model was in service", "没有更早的在用模型可回退")
        package = load_package(store.served_folder(name) / target.digest, store.trusted(), contract=contract)
        act = _act(store, approval) | {"name": name, "alias": alias, "action": ROLLBACK}
        act |= {"proposer": package.trainer, "waived": open_gates(package.gate)}
        pointer = next_pointer(before, digest=target.digest, version=target.version, **act)
        write_pointer(path, signed_pointer(pointer, key), before)
    finally:
        if descriptor is not None:
            os.close(descriptor)
    return pointer


def open_gates(gate: Mapping[str, Any]) -> str:
    """Gates of a record that are amber or red, by number, and the statistics of missed bars; comma-separated.

    Example:
        >>> open_gates({"gates": [{"gate": "G1a", "light": "green"}, {"gate": "G2a", "light": "amber"}]})
        'G2a'
    """
    lit = [str(item["gate"]) for item in gate.get("gates", ()) if item["light"] in ("amber", "red")]
    return ",".join([*lit, *(str(bar["statistic"]) for bar in gate.get("missed", ()))])


def red_gates(gate: Mapping[str, Any]) -> list[str]:
    """Gates of a record that are red, by number, and the statistics of missed bars where the whole is red.

    Example:
        >>> red_gates({"gates": [{"gate": "G1a", "light": "red"}, {"gate": "G2a", "light": "amber"}]})
        ['G1a']
    """
    lit = [str(item["gate"]) for item in gate.get("gates", ()) if item["light"] == "red"]
    return [*lit, *(str(bar["statistic"]) for bar in gate.get("missed", ()))] if gate.get("status") == "red" else lit


def _act(store: Store, approval: Approval) -> dict[str, Any]:
    at = store.clock().isoformat(timespec="seconds")
    told = {"approver": approval.approver, "reason": approval.reason, "waiver": approval.waiver.strip()}
    return told | {"at": at, "proposed_by": approval.proposed_by}


def _check_reason(approval: Approval) -> None:
    if not approval.reason.strip():
        raise ModelNotServable("an approval needs a reason", "批准须写明理由")
    if len(approval.reason) + len(approval.waiver) > MOST_WORDS:
        raise ModelNotServable(f"reason and waiver are longer than {MOST_WORDS} characters", "理由过长")


def _check_act(package: Package, approval: Approval, alias: str) -> None:
    _check_reason(approval)
    if alias not in ALIASES:
        raise ModelNotServable(f"the alias must be one of {', '.join(ALIASES)}", "别名不在允许范围")
    if not package.trainer or same_person(package.trainer, approval.approver):
        raise ModelNotServable("whoever trained a model cannot approve it", "训练人不得批准自己的模型")
    if approval.proposed_by and same_person(approval.proposed_by, approval.approver):
        raise ModelNotServable("whoever proposed a model cannot approve it", "提议人不得批准自己提议的模型")
    status, red = package.gate.get("status"), red_gates(package.gate)
    if status not in ("green", "amber", "red"):
        raise GateNotMet(f"the gates of this model are {status or 'not recorded'}", "模型准入门槛没有记录")
    if (red or status == "red") and not approval.waiver.strip():
        named = ", ".join(red) or "the record"
        en = f"red and not waived: {named}; say in a waiver (--waive) why the model may serve, or train anew"
        raise GateNotMet(en, f"红色门槛未经书面豁免：{named}；请以 --waive 写明理由，或重新训练")


def _copy(folder: Path, package: Package, key: SigningKey) -> None:
    """The served copy: the verified bytes and the approver's signature over the manifest."""
    statement = signed({"role": APPROVER, "manifest_sha256": sha256(package.files[MANIFEST])}, key)
    name, data = SIGNATURE_FILES[APPROVER], canonical_json(statement)
    if folder.exists():
        write_durably(folder / name, data)
    else:
        write_folder(folder, {**package.files, name: data})
