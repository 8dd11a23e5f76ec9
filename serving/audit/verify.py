"""The verifier of the decision log: small, apart from the writer, and it names the first bad record."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from eco_credit.registry.sealed import key_id_of
from serving.audit.database import Address, open_engine, reading, tenants_of
from serving.audit.record import FIRST_TENANT, GENESIS, Entry, Recorded, derived, link, recorded_of
from serving.audit.tables import decisions


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the verifier found in one chain.

    Attributes:
        records: records read and found sound, in order from the first.
        head: hash of the last sound record.
        first_bad: sequence number of the first record that does not fit, or None.
        why: what does not fit, or None.
        sealed: records among them whose personal part is sealed under the key of a person.
    """

    records: int
    head: str
    first_bad: int | None = None
    why: str | None = None
    sealed: int = 0


def verify(address: Address, tenant: str = FIRST_TENANT, known: Mapping[int, str] | None = None) -> Verdict:
    """Walk a tenant's chain from the first record: sequence without gap, link to the record before, own hash.

    Args:
        address: the log.
        tenant: whose chain.
        known: hashes that certain records had, by sequence number: what checkpoints outside the log say.

    Returns:
        The verdict. A chain alone cannot show that its last records were cut off; ``known`` can.

    Raises:
        StorageUnavailable: the log cannot be read.
    """
    engine = open_engine(address, writes=False)
    try:
        return walk(engine, tenant, known or {})
    finally:
        engine.dispose()


def verify_all(address: Address, known: Mapping[str, Mapping[int, str]] | None = None) -> dict[str, Verdict]:
    """The verdict on every chain of a log, and on every chain that ``known`` (by tenant) says there was.

    Raises:
        StorageUnavailable: the log cannot be read.
    """
    known = known or {}
    engine = open_engine(address, writes=False)
    try:
        tenants = sorted({*tenants_of(engine), *known})
        return {tenant: walk(engine, tenant, known.get(tenant, {})) for tenant in tenants}
    finally:
        engine.dispose()


def walk(
    engine: sa.Engine, tenant: str, known: Mapping[int, str], *, start: tuple[int, str] = (0, GENESIS)
) -> Verdict:
    """`verify` on an open log, from a place and the hash there on."""
    (records, head), written, sealed = start, 1, 0
    with reading(engine, tenant) as connection:
        c = decisions.c
        query = sa.select(decisions).where(c.tenant == tenant, c.sequence > records).order_by(c.sequence)
        for row in connection.execution_options(stream_results=True, max_row_buffer=500).execute(query):
            found = recorded_of(row)
            why = _defect(found, records + 1, head) or _told(found, known, written)
            if why is not None:
                return Verdict(records, head, records + 1, why, sealed)
            sealed += key_id_of(found.entry.request) is not None
            records, head, written = records + 1, found.hash, found.entry.format
    missing = [size for size in known if size > records]
    if missing:
        why = f"the chain ends at {records}, but a checkpoint counts {max(missing)} records"
        return Verdict(records, head, records + 1, why, sealed)
    return Verdict(records, head, sealed=sealed)


def before_last(engine: sa.Engine, tenant: str, last: int) -> tuple[int, str]:
    """Place and hash of the record before the ``last`` ones: where to start to check only those."""
    c = decisions.c
    with reading(engine, tenant) as connection:
        size = connection.execute(sa.select(sa.func.max(c.sequence)).where(c.tenant == tenant)).scalar() or 0
        place = max(size - last, 0)
        found = connection.execute(sa.select(c.hash).where(c.tenant == tenant, c.sequence == place)).scalar()
    return place, found or GENESIS


def _defect(found: Recorded, expected: int, head: str) -> str | None:
    if found.sequence != expected:
        return f"record {expected} is missing"
    if found.previous_hash != head:
        return "it does not point to the record before"
    try:
        own = link(found.entry, sequence=found.sequence, created_at=found.created_at, previous_hash=head)
        fits = own == found.hash and _old_is_plain(found.entry)
    except (TypeError, ValueError, KeyError, AttributeError):  # a column that holds what it cannot hold
        fits = False
    return None if fits else "its content does not match its hash"


def _old_is_plain(entry: Entry) -> bool:
    """True unless a record of format 1 was given what its hash does not cover."""
    if entry.format != 1:
        return True
    empty = (entry.by_user, entry.by_roles, entry.features, entry.environment) == ("", "", "", "")
    copies = derived(json.loads(entry.answer))
    return empty and entry.tenant == FIRST_TENANT and all(getattr(entry, n) == value for n, value in copies.items())


def _told(found: Recorded, known: Mapping[int, str], written: int) -> str | None:
    if found.entry.format < written:
        return "it is of an older format than the record before"
    if known.get(found.sequence, found.hash) != found.hash:
        return "its hash is not the one a checkpoint signed: it, or one before it, was written anew"
    return None
