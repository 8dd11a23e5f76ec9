"""Deleting the key of a person in one transaction with the record that says so, and wrapping keys anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from eco_credit.core.errors import StorageUnavailable
from eco_credit.registry.sealed import MARK, beginning
from eco_credit.registry.subject_keys import KeyFile, Wrapped
from serving.audit.database import Address, open_engine, reading, tenants_of
from serving.audit.journal import add
from serving.audit.postgres import ERASER, bind_by
from serving.audit.record import GENESIS, Entry, Recorded, recorded_of
from serving.audit.statements import Statements
from serving.audit.tables import decisions, subject_keys
from serving.audit.vault import Execute, Vault

PAGE = 500


@dataclass(frozen=True, slots=True)
class Held:
    """What a log holds about a person.

    Attributes:
        key: the person's data key; None when there is none.
        records: the person's sealed records, opened, in order.
        plain: sequence numbers of records about this person that are not sealed, and that no key can erase.
    """

    key: Wrapped | None
    records: Sequence[Recorded]
    plain: tuple[int, ...]

    def with_later(self, later: Held) -> Held:
        """With what has come since.

        Raises:
            StorageUnavailable: the key is another than it was.
        """
        if self.key is not None and (later.key is None or later.key.key_id != self.key.key_id):
            raise StorageUnavailable("the person was erased meanwhile", "该主体已被他人删除")
        return Held(later.key, [*self.records, *later.records], (*self.plain, *later.plain))


Asked = Callable[[Held], Entry | None]
"""Looks at what is held and gives the record of the erasure; None erases nothing."""


@contextmanager
def _opened(address: Address) -> Iterator[sa.Engine]:
    """The log in the role that may erase; in SQLite what is deleted or replaced is overwritten, not only let go of."""
    engine = open_engine(address, writes=True, role=ERASER)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA secure_delete = ON"))
    try:
        yield engine
    except sa.exc.SQLAlchemyError as error:
        raise StorageUnavailable("the decision log cannot be written in this role", "无权写入决策记录库") from error
    finally:
        engine.dispose()


@contextmanager
def _turn(engine: sa.Engine, tenant: str) -> Iterator[sa.Connection]:
    """A transaction that has its turn at the tenant's chain."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            bind_by(connection.exec_driver_sql, tenant, writes=True)
        yield connection


def erase(
    address: Address, vault: Vault, tenant: str, subject: str, *, asked: Asked, clock: Callable[[], datetime]
) -> Recorded | None:
    """Delete the key of a person and record it.

    Args:
        address: the log.
        vault: for this log, with its key file.
        tenant: whose records.
        subject: who is erased, as folded by the contract.
        asked: decides on what is held; it may refuse by raising.
        clock: gives the UTC time.

    Returns:
        The record of the erasure, the last of its chain; None when nothing was erased.

    Raises:
        StorageUnavailable: the log cannot be written, or the role may not erase.
    """
    before, last = _read(address, vault, tenant, subject)
    now = clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    with _opened(address) as engine, _turn(engine, tenant) as connection:
        execute = connection.exec_driver_sql
        held = before.with_later(_held(connection, vault, tenant, subject, places=(last, None)))
        entry = asked(held)
        if entry is None or held.key is None:
            return None
        head = execute(vault.statements.head, (tenant,)).fetchone() or (0, GENESIS)
        made = add(execute, vault.statements, entry, (head[0], head[1]), now=now, shown=entry)
        k = subject_keys.c
        gone = connection.execute(subject_keys.delete().where(k.tenant == tenant, k.key_id == held.key.key_id))
        if gone.rowcount != 1:
            raise StorageUnavailable("the key was not deleted", "密钥未能删除")
    return made


def _read(address: Address, vault: Vault, tenant: str, subject: str) -> tuple[Held, int]:
    """What is held, and up to which place: read beforehand, since it takes a while and nobody should wait for it."""
    engine = open_engine(address, writes=False, role=ERASER)
    try:
        with reading(engine, tenant) as connection:
            c = decisions.c
            last = connection.execute(sa.select(sa.func.max(c.sequence)).where(c.tenant == tenant)).scalar() or 0
            return _held(connection, vault, tenant, subject, places=(0, last)), last
    finally:
        engine.dispose()


def _held(
    connection: sa.Connection, vault: Vault, tenant: str, subject: str, *, places: tuple[int, int | None]
) -> Held:
    """The sealed records of a person behind a place and up to another, opened, and the places of those in plain."""
    from eco_credit.contracts import subject_of
    from eco_credit.registry.files import parse_json

    execute: Execute = connection.exec_driver_sql
    key, c = vault.key_of(execute, tenant, subject), decisions.c
    here = [c.tenant == tenant, c.sequence > places[0]]
    if places[1] is not None:
        here.append(c.sequence <= places[1])
    found: list[Recorded] = []
    if key is not None:
        begins = beginning(key.key_id)
        own = sa.select(decisions).where(*here, sa.func.substr(c.request, 1, len(begins)) == begins)
        rows = connection.execute(own.order_by(c.sequence)).all()
        found = [vault.open(execute, recorded_of(row)) for row in rows]
    bare = sa.select(c.sequence, c.decision_id, c.request).where(
        *here, c.kind == "score", sa.func.substr(c.request, 1, len(MARK)) != MARK
    )
    plain = {
        row.decision_id: row.sequence
        for row in connection.execute(bare.order_by(c.sequence))
        if subject_of("application", parse_json(bytes(row.request), "request")) == subject
    }
    about = sa.select(c.sequence).where(c.tenant == tenant, c.about.in_(list(plain)))
    return Held(key, found, tuple(sorted([*plain.values(), *connection.execute(about).scalars()])))


def forget_deleted(address: Address) -> bool:
    """Let no copy of a deleted key lie in SQLite's write-ahead log.

    Returns:
        True when it was emptied; False while a reader held it, or where the database keeps its own (PostgreSQL).
    """
    if isinstance(address, str):
        return False
    engine = open_engine(address, writes=True)
    try:
        raw = engine.raw_connection()
        try:
            busy, *_ = raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()  # type: ignore[union-attr]
        finally:
            raw.close()
        return bool(busy == 0)
    finally:
        engine.dispose()


def wrap_anew(address: Address, keys: KeyFile) -> int:
    """Wrap every data key under the current key-encryption key; what they seal stays as it is.

    Returns:
        How many were wrapped anew.

    Raises:
        StorageUnavailable: a key cannot be unwrapped with this file, or the log cannot be written.
    """
    engine = open_engine(address, writes=False, role=ERASER)
    try:
        tenants = tenants_of(engine)
    finally:
        engine.dispose()
    return sum(_wrap_tenant(address, keys, tenant) for tenant in tenants)


def _wrap_tenant(address: Address, keys: KeyFile, tenant: str) -> int:
    done, after = 0, ""
    with _opened(address) as engine:
        while True:
            with _turn(engine, tenant) as connection:  # a page a turn: those who record wait for no more
                page = _wrap_page(connection, keys, tenant, after)
            if not page:
                return done
            done, after = done + len(page), page[-1]


def _wrap_page(connection: sa.Connection, keys: KeyFile, tenant: str, after: str) -> list[str]:
    """Wrap the next keys anew; their identifiers."""
    k = subject_keys.c
    query = sa.select(k.tenant, k.key_id, k.kek_id, k.wrapped).where(
        k.tenant == tenant, k.kek_id != keys.current, k.key_id > after
    )
    rows = connection.execute(query.order_by(k.key_id).limit(PAGE)).all()
    for row in rows:
        again = keys.wrap(keys.unwrap(Wrapped(*row[:3], bytes(row[3]))), tenant, row.key_id)
        change: dict[str, Any] = {"kek_id": again.kek_id, "wrapped": again.wrapped}
        connection.execute(subject_keys.update().where(k.tenant == tenant, k.key_id == row.key_id).values(change))
    return [row.key_id for row in rows]


def count_keys(address: Address) -> dict[str, int]:
    """How many data keys each key-encryption key of a log wraps."""
    engine = open_engine(address, writes=False, role=ERASER)
    found: dict[str, int] = {}
    try:
        for tenant in tenants_of(engine):
            k = subject_keys.c
            query = sa.select(k.kek_id, sa.func.count()).where(k.tenant == tenant).group_by(k.kek_id)
            with reading(engine, tenant) as connection:
                for kek_id, count in connection.execute(query):
                    found[kek_id] = found.get(kek_id, 0) + count
    finally:
        engine.dispose()
    return found


def statements_of(address: Address) -> Statements:
    """Statements for the database of a log."""
    engine = open_engine(address, writes=False)
    try:
        return Statements(engine.dialect)
    finally:
        engine.dispose()
