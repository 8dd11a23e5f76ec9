"""The pointer to what is served: signed by the approver, chained to every pointer before it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from eco_credit.core.canonical import canonical_json, digest
from eco_credit.core.errors import ModelNotServable
from eco_credit.registry.files import parse_json, write_durably
from eco_credit.registry.keys import APPROVER, SigningKey, Trusted
from eco_credit.registry.signature import check_signed, signed

PROMOTE = "promote"
ROLLBACK = "rollback"
LATER = ("proposer", "waived", "waiver", "proposed_by")
"""Fields a pointer of an older store may not have."""


@dataclass(frozen=True, slots=True)
class Pointer:
    """One act of promotion or rollback.

    Attributes:
        name: registered model name.
        alias: ``champion``, ``challenger`` or ``shadow``.
        action: ``promote`` or ``rollback``.
        sequence: 1, 2, 3, ... within name and alias.
        digest: digest of the package.
        version: its version in the registry.
        approver: who approved.
        reason: why, in the approver's words.
        at: when, ISO in UTC; for people, never for order.
        previous: digest of the pointer before, empty for the first.
        proposer: who trained the package and signed it first.
        waived: gates that were not green, by number, separated by commas; empty when all were green.
        waiver: why they are accepted, in the approver's words; empty where ``reason`` says it all.
        proposed_by: who proposed the promotion on the desk; empty where it was done without a proposal.
    """

    name: str
    alias: str
    action: str
    sequence: int
    digest: str
    version: int
    approver: str
    reason: str
    at: str
    previous: str
    proposer: str = ""
    waived: str = ""
    waiver: str = ""
    proposed_by: str = ""


def signed_pointer(pointer: Pointer, key: SigningKey) -> dict[str, Any]:
    """The pointer as it is stored: with the approver's signature."""
    return signed(asdict(pointer), key)


def read_pointer(whole: Any, trusted: Trusted) -> Pointer:
    """Check the signature of a stored pointer and read it.

    Raises:
        ModelNotServable: it is not signed by a trusted approver, or not well formed.
    """
    statement = check_signed(whole, APPROVER, trusted)
    values = {name: statement.get(name, "" if name in LATER else None) for name in Pointer.__slots__}
    numbers = ("sequence", "version")
    sound = all(isinstance(value, int if name in numbers else str) for name, value in values.items())
    if not sound or values["action"] not in (PROMOTE, ROLLBACK) or values["approver"] != statement["signer"]:
        raise ModelNotServable("the pointer to the served model is not well formed", "在用模型指针格式无效")
    return Pointer(**values)  # type: ignore[arg-type]


def history_path(path: Path) -> Path:
    """The history file beside a pointer file."""
    return path.with_suffix(".history.jsonl")


def read_history(path: Path, trusted: Trusted) -> list[dict[str, Any]]:
    """All stored pointers of a name and alias, checked: signatures, sequence, chain, versions.

    A pointer whose history line was not yet written (a crash in between) counts as the last one.

    Args:
        path: pointer file.
        trusted: key id to trusted key.

    Returns:
        Stored pointers in order; empty when nothing was promoted.

    Raises:
        ModelNotServable: the chain does not hold, or an older version came back without a rollback.
    """
    lines = history_path(path).read_bytes().splitlines() if history_path(path).is_file() else []
    stored = [parse_json(line, "history") for line in lines]
    current = parse_json(path.read_bytes(), path.name) if path.is_file() else None
    if current is None and stored:
        raise _broken()
    if current is not None and (not stored or stored[-1] != current):
        stored.append(current)
    check_chain(stored, trusted)
    return stored


def check_chain(stored: Sequence[Any], trusted: Trusted) -> list[Pointer]:
    """Check stored pointers as a whole: signatures, sequence, links, and versions that only move forward.

    Raises:
        ModelNotServable: the chain does not hold, or an older version came back without a rollback.
    """
    pointers = [read_pointer(item, trusted) for item in stored]
    newest, previous = 0, ""
    for place, (pointer, whole) in enumerate(zip(pointers, stored, strict=True), start=1):
        if pointer.sequence != place or pointer.previous != previous:
            raise _broken()
        if pointer.action == PROMOTE and pointer.version < newest:
            raise ModelNotServable("an older version is served without a rollback record", "旧版本在用但无回退记录")
        newest, previous = max(newest, pointer.version), digest(whole)
    return pointers


def earlier(pointers: Sequence[Pointer]) -> Pointer | None:
    """What a rollback goes back to: the last that was in force with a version below the one in force; None if none."""
    older = [pointer for pointer in pointers if pointer.version < pointers[-1].version]
    return older[-1] if older else None


def _broken() -> ModelNotServable:
    return ModelNotServable("the history of promotions does not hold together", "模型批准历史不连续")


def check_pointer(path: Path, name: str, alias: str, trusted: Trusted) -> Pointer:
    """The pointer in force, after checking it and its history.

    Raises:
        ModelNotServable: nothing was promoted, or the chain does not hold.
    """
    stored = read_history(path, trusted)
    if not stored:
        raise ModelNotServable(
            f"no {alias} of {name} was promoted in this store: run `eco-credit demo`, or train and promote a model",
            f"该存储中没有 {name} 的在用模型：请先运行 eco-credit demo，或训练并批准模型",
        )
    pointer = read_pointer(stored[-1], trusted)
    if (pointer.name, pointer.alias) != (name, alias):
        raise _broken()
    return pointer


def write_pointer(path: Path, stored: dict[str, Any], before: Sequence[dict[str, Any]]) -> None:
    """Replace the pointer in one step, then add it to the history (completing the history first if need be).

    Args:
        path: pointer file.
        stored: the new signed pointer.
        before: all pointers before it, from `read_history`.
    """
    write_durably(path, canonical_json(stored))
    lines = b"".join(canonical_json(item) + b"\n" for item in (*before, stored))
    write_durably(history_path(path), lines)


def next_pointer(before: Sequence[dict[str, Any]], **act: Any) -> Pointer:
    """The pointer that follows a history; ``act`` holds every field but sequence and previous."""
    return Pointer(**act, sequence=len(before) + 1, previous=digest(before[-1]) if before else "")


def lock_folder(folder: Path) -> int:
    """Take the lock of a served folder, waiting for whoever holds it; close the descriptor to let go."""
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    if os.name == "posix":
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor
