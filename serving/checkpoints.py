"""Checkpoints of the decision log with the keys of a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from eco_credit.core.errors import ContractError, Violation
from serving.settings import Settings

if TYPE_CHECKING:
    from eco_credit.registry.keys import Trusted
    from serving.audit.checkpoint import Checkpoint


def outside(folder: Path, home: Path) -> Path:
    """A folder for checkpoints, if it is not inside the store: who can change the log could change them too.

    Raises:
        ContractError: it is inside.
    """
    if folder.resolve().is_relative_to(home.resolve()):
        en, zh = "name a folder outside the store", "请指定存储目录以外的目录"
        raise ContractError([Violation("--out", "outside", en, zh)])
    return folder


def checkpoint_now(
    settings: Settings, folder: Path | None = None, *, clock: Callable[[], datetime]
) -> list[Checkpoint]:
    """Write a checkpoint of every chain that grew, signed by the service's key, which is made when it is missing.

    Args:
        settings: names the store, the log, and the folder when ``folder`` is None.
        folder: where to write.
        clock: gives the UTC time.

    Raises:
        ContractError: no folder is named, or it lies inside the store.
        GateNotMet, StorageUnavailable, OSError: as `serving.audit.checkpoint.write_checkpoints`.
    """
    from eco_credit.registry import Store
    from eco_credit.registry.keys import RECORDER
    from serving.audit.checkpoint import SIGNER, write_checkpoints

    target = folder or settings.checkpoints
    if target is None:
        en, zh = "name a folder, or set ECO_CREDIT_CHECKPOINTS", "请指定目录或设置 ECO_CREDIT_CHECKPOINTS"
        raise ContractError([Violation("--out", "missing", en, zh)])
    store = Store(settings.home)
    key = store.enrol(SIGNER, RECORDER)
    where = outside(target, settings.home)
    return write_checkpoints(settings.decisions_address, where, key, trusted=store.trusted(), clock=clock)


def heads(folder: Path, trusted: Trusted) -> Mapping[str, Mapping[int, str]]:
    """What the checkpoints of a folder say the log must hold: tenant, sequence number, hash.

    Raises:
        GateNotMet: a checkpoint is missing, not signed by a trusted key, or out of its row.
    """
    from serving.audit.checkpoint import known_heads, read_checkpoints

    return known_heads(read_checkpoints(folder, trusted))
