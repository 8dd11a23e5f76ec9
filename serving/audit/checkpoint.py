"""Signed checkpoints: what a chain looked like, kept where the database cannot reach.

::

    folder/<tenant>/00000001.json    {tenant, number, size, head, time, previous, signer, key_id, signature}

A chain proves that nothing before its head was changed, but not that its tail is still there: a cut log, and a
log restored from last week's copy, are sound chains. A checkpoint that has left the database shows both.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.errors import EcoCreditError, GateNotMet
from eco_credit.registry.files import IDENTIFIER, flush_folder, parse_json
from eco_credit.registry.keys import RECORDER, SigningKey, Trusted
from eco_credit.registry.signature import check_signed, signed
from serving.audit.database import Address, open_engine, reading, tenants_of
from serving.audit.record import GENESIS
from serving.audit.tables import decisions
from serving.audit.verify import walk

SIGNER = "decision log"
"""Whose key signs checkpoints: the service's own."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A chain as it stood at a moment.

    Attributes:
        tenant: whose chain.
        number: 1 for the tenant's first checkpoint.
        size: records in the chain.
        head: hash of the last of them.
        time: UTC time, ISO 8601.
        previous: SHA-256 of the file of the checkpoint before, or None.
    """

    tenant: str
    number: int
    size: int
    head: str
    time: str
    previous: str | None


def read_checkpoints(folder: Path, trusted: Trusted) -> dict[str, list[Checkpoint]]:
    """Read and check all checkpoints of a folder.

    Args:
        folder: where they were written.
        trusted: key id to trusted key.

    Returns:
        Tenant to its checkpoints, the oldest first.

    Raises:
        GateNotMet: one is missing from the row, not signed by a trusted key, or not what its successor points to.
    """
    if not folder.is_dir():
        raise GateNotMet("the folder of checkpoints is not there", "检查点目录不存在")
    tenants = sorted(path.name for path in folder.iterdir() if path.is_dir() and IDENTIFIER.fullmatch(path.name))
    return {tenant: _row(folder / tenant, tenant, trusted)[0] for tenant in tenants}


def _row(folder: Path, tenant: str, trusted: Trusted) -> tuple[list[Checkpoint], str | None]:
    """The checkpoints of one tenant, and the digest of the last file."""
    found: list[Checkpoint] = []
    previous: str | None = None
    for path in sorted(folder.glob("[0-9]*.json")) if folder.is_dir() else ():
        data = path.read_bytes()
        try:
            statement = check_signed(parse_json(data, path.name), RECORDER, trusted)
            one = Checkpoint(**{name: statement[name] for name in Checkpoint.__slots__})
        except (EcoCreditError, KeyError) as error:
            raise _broken(tenant, path.stem, getattr(error, "en", "is not well formed")) from error
        size = found[-1].size if found else 0
        if (one.tenant, one.number, one.previous) != (tenant, len(found) + 1, previous) or one.size < size:
            raise _broken(tenant, path.stem, "does not follow the one before")
        found.append(one)
        previous = sha256(data)
    return found, previous


def _broken(tenant: str, name: str, why: str) -> GateNotMet:
    return GateNotMet(f"checkpoint {tenant}/{name}: {why}", f"检查点 {tenant}/{name} 无效")


def known_heads(checkpoints: dict[str, list[Checkpoint]]) -> dict[str, dict[int, str]]:
    """What checkpoints say the log must hold: tenant, sequence number, hash."""
    return {tenant: {one.size: one.head for one in row if one.size > 0} for tenant, row in checkpoints.items()}


def write_checkpoints(
    address: Address, folder: Path, key: SigningKey, *, trusted: Trusted, clock: Callable[[], datetime]
) -> list[Checkpoint]:
    """Write a checkpoint of every chain that grew since its last one.

    Only what was walked is signed: the records since the last checkpoint, from the head it signed.

    Args:
        address: the decision log.
        folder: where to write; nothing there is ever overwritten.
        key: the service's key.
        trusted: key id to trusted key, to check the checkpoints before.
        clock: gives the UTC time.

    Returns:
        The checkpoints written.

    Raises:
        GateNotMet: a chain no longer holds what was signed, a record does not fit, or a checkpoint does not.
        StorageUnavailable: the log cannot be read.
        OSError: the folder cannot be written.
    """
    written = []
    engine = open_engine(address, writes=False)
    try:
        for tenant in tenants_of(engine):
            if not IDENTIFIER.fullmatch(tenant):
                raise GateNotMet("the log holds a tenant that cannot be one", "记录库中存在不合规的机构代码")
            row, previous = _row(folder / tenant, tenant, trusted)
            size, head = _walked(engine, tenant, row[-1] if row else None)
            if row and row[-1].size == size:
                continue
            time = clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            one = Checkpoint(tenant, len(row) + 1, size, head, time, previous)
            with suppress(FileExistsError):  # another process of the service was faster
                _write_new(folder / tenant / f"{one.number:08d}.json", signed(asdict(one), key))
                written.append(one)
    finally:
        engine.dispose()
    return written


def _walked(engine: sa.Engine, tenant: str, last: Checkpoint | None) -> tuple[int, str]:
    """Size and head of a chain, walked from the last checkpoint on."""
    start = (0, GENESIS) if last is None else (last.size, last.head)
    if last is not None and last.size > 0 and _hash_at(engine, tenant, last.size) != last.head:
        raise GateNotMet(
            f"the chain of {tenant} no longer holds record {last.size} as checkpoint {last.number} signed it",
            f"{tenant} 的记录链与检查点 {last.number} 不符",
        )
    verdict = walk(engine, tenant, {}, start=start)
    if verdict.first_bad is not None:
        raise GateNotMet(f"record {verdict.first_bad} of {tenant}: {verdict.why}", f"{tenant} 的记录链不完整")
    return verdict.records, verdict.head


def _hash_at(engine: sa.Engine, tenant: str, sequence: int) -> Any:
    c = decisions.c
    with reading(engine, tenant) as connection:
        return connection.execute(sa.select(c.hash).where(c.tenant == tenant, c.sequence == sequence)).scalar()


def _write_new(path: Path, statement: dict[str, Any]) -> None:
    """Write a file that was not there, whole and durable; two writers cannot both succeed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(canonical_json(statement))
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(0o444)
        path.hardlink_to(temporary)
    finally:
        Path(temporary).unlink(missing_ok=True)
    flush_folder(path.parent)
