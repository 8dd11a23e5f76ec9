"""The one writer of the decision log: group commit on its own thread, readers beside it.

A caller awaits `Journal.append`; it returns after the record is on disk (commit before answer).
While one commit waits for the disk, further records gather and share the next one. Each tenant has
a chain of its own, and a transaction holds records of one tenant only.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from eco_credit.core.errors import StorageUnavailable
from serving.audit.database import Address, enter, open_log, reading, tenants_of
from serving.audit.listing import Listed, Wanted, listed
from serving.audit.record import ENTRY_FIELDS, GENESIS, Entry, KeyConflict, Recorded, link
from serving.audit.tables import chains, decisions

Clock = Callable[[], datetime]
_Job = tuple[Entry, "Future[Recorded]"]
_COLUMNS = tuple(column.name for column in decisions.c)

GROUP = 128
"""Most records in one commit."""


def utc_now() -> datetime:
    """The wall clock in UTC."""
    return datetime.now(UTC)


def recorded_of(row: Any, *, repeated: bool = False) -> Recorded:
    """Read one row of the table back into a record."""
    values = row._mapping
    entry = Entry(**{name: values[name] for name in ENTRY_FIELDS})
    return Recorded(
        entry, values["sequence"], values["created_at"], values["previous_hash"], values["hash"], repeated=repeated
    )


def _under(tenant: str, route: str, key: str) -> sa.ColumnElement[bool]:
    c = decisions.c
    return sa.and_(c.tenant == tenant, c.route == route, c.idempotency_key == key)


def by_key(connection: sa.Connection, entry: Entry, key: str) -> Recorded | None:
    """The record made under an idempotency key by the tenant and on the route of an entry, if there is one."""
    row = connection.execute(sa.select(decisions).where(_under(entry.tenant, entry.route, key))).first()
    return None if row is None else recorded_of(row, repeated=True)


def same_or_conflict(found: Recorded, request_hash: str) -> Recorded:
    """The record found under a key, if it answers the same request; else `KeyConflict`."""
    if found.entry.request_hash != request_hash:
        raise KeyConflict
    return found


class _Statements:
    """What a commit runs, compiled once and run as text: it then costs little more than the database itself asks."""

    def __init__(self, dialect: sa.Dialect) -> None:
        style = "qmark" if dialect.name == "sqlite" else "format"
        own: sa.Dialect = type(dialect)(paramstyle=style)  # type: ignore[call-arg]
        c = decisions.c
        last = sa.select(c.sequence, c.hash).where(c.tenant == sa.bindparam("tenant")).order_by(c.sequence.desc())
        self.head = str(last.compile(dialect=own)) + " LIMIT 1"
        self.insert = str(decisions.insert().compile(dialect=own))
        self.chain = str(chains.insert().compile(dialect=own))


class Journal:
    """The decision log of one store.

    All methods may be called from any thread; `append` belongs to an event loop.
    """

    def __init__(self, address: Address, *, clock: Clock = utc_now, waiting: int = 512) -> None:
        """Open or create the log at ``address``; at most ``waiting`` records wait for the disk.

        Raises:
            StorageUnavailable: the log cannot be opened.
        """
        self._writer, self._reader = open_log(address)
        self._statements = _Statements(self._writer.dialect)
        self._connection: sa.Connection | None = None
        self._clock = clock
        self._queue: queue.Queue[_Job | None] = queue.Queue(waiting)
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    # ---- writing -------------------------------------------------------------------------------

    async def append(self, entry: Entry) -> Recorded:
        """Record an entry; returns once it is durable.

        Returns:
            the record; with the same route, key and request as an earlier one, that earlier record.

        Raises:
            KeyConflict: the key was used with another request.
            StorageUnavailable: the log is closed, full or failing; nothing was recorded.
        """
        done: Future[Recorded] = Future()
        if self._closed:
            raise StorageUnavailable("the decision log is closed", "决策记录库已关闭")
        try:
            self._queue.put_nowait((entry, done))
        except queue.Full:
            raise StorageUnavailable("too many records wait for the disk", "等待落盘的记录过多") from None
        return await asyncio.wrap_future(done)

    def _run(self) -> None:
        last = False
        while not last and (first := self._queue.get()) is not None:
            group, last = self._gather(first)
            self._write(group)
        self._turn_away()

    def _turn_away(self) -> None:
        """Refuse what slipped into the queue while the log was closing."""
        while not self._queue.empty():
            job = self._queue.get()
            if job is not None and job[1].set_running_or_notify_cancel():
                job[1].set_exception(StorageUnavailable("the decision log is closed", "决策记录库已关闭"))

    def _gather(self, first: _Job) -> tuple[list[_Job], bool]:
        """The first job and all others waiting; True when the log is being closed."""
        group = [first]
        while len(group) < GROUP:
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                break
            if job is None:
                return group, True
            group.append(job)
        return group, False

    def _write(self, group: Sequence[_Job]) -> None:
        """Commit a group, tenant by tenant, then tell its callers: never the other way round."""
        # A caller that has gone away before its turn is not recorded; from here on it will be.
        jobs = [job for job in group if job[1].set_running_or_notify_cancel()]
        for tenant in dict.fromkeys(entry.tenant for entry, _ in jobs):
            self._write_one(tenant, [job for job in jobs if job[0].tenant == tenant])

    def _write_one(self, tenant: str, jobs: Sequence[_Job]) -> None:
        try:
            results = self._commit(tenant, [entry for entry, _ in jobs])
        except Exception as error:
            refusal = StorageUnavailable("the record could not be stored", "记录未能落盘")
            refusal.__cause__ = error
            results = [refusal] * len(jobs)
        for (_, done), result in zip(jobs, results, strict=True):
            if isinstance(result, Recorded):
                done.set_result(result)
            else:
                done.set_exception(result)

    def _commit(self, tenant: str, entries: Sequence[Entry]) -> list[Recorded | Exception]:
        """Append a tenant's entries in one transaction; a key conflict fails its own entry only."""
        results: list[Recorded | Exception] = []
        connection = self._connected()
        with connection.begin():
            enter(connection, tenant, writes=True)
            sequence, previous = connection.exec_driver_sql(self._statements.head, (tenant,)).first() or (0, GENESIS)
            if sequence == 0:
                connection.exec_driver_sql(self._statements.chain, (tenant,))
            for entry in entries:
                try:
                    result: Recorded | Exception = self._append_one(connection, entry, (sequence, previous))
                except KeyConflict as conflict:
                    result = conflict
                if isinstance(result, Recorded) and not result.repeated:
                    sequence, previous = result.sequence, result.hash
                results.append(result)
        return results

    def _connected(self) -> sa.Connection:
        """The writer's own connection: kept, because taking one from the pool costs as much as a small commit."""
        if self._connection is not None and self._connection.invalidated:
            self._connection.close()
        if self._connection is None or self._connection.closed:
            self._connection = self._writer.connect()
        return self._connection

    def _append_one(self, connection: sa.Connection, entry: Entry, head: tuple[int, str]) -> Recorded:
        if entry.idempotency_key is not None:
            found = by_key(connection, entry, entry.idempotency_key)
            if found is not None:
                return same_or_conflict(found, entry.request_hash)
        place: dict[str, Any] = {
            "sequence": head[0] + 1,
            "created_at": self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "previous_hash": head[1],
        }
        place["hash"] = link(entry, **place)
        row = tuple(place[name] if name in place else getattr(entry, name) for name in _COLUMNS)
        connection.exec_driver_sql(self._statements.insert, row)
        return Recorded(entry, **place)

    # ---- reading -------------------------------------------------------------------------------

    def find(self, tenant: str, decision_id: str) -> Recorded | None:
        """The tenant's record with this identifier, or None."""
        found = self._select(tenant, decisions.c.decision_id == decision_id)
        return found[0] if found else None

    def about(self, tenant: str, decision_id: str) -> list[Recorded]:
        """The tenant's records that refer to this one, oldest first."""
        return self._select(tenant, decisions.c.about == decision_id)

    def answered(self, tenant: str, route: str, key: str, *, request_hash: str) -> Recorded | None:
        """The earlier answer to a tenant under an idempotency key, or None.

        Raises:
            KeyConflict: the key was used with another request.
        """
        found = self._select(tenant, _under(tenant, route, key))
        return same_or_conflict(replace(found[0], repeated=True), request_hash) if found else None

    def page(self, tenant: str, wanted: Wanted) -> list[Listed]:
        """The tenant's answers that are wanted, the newest first, each with what people decided about it."""
        with reading(self._reader, tenant) as connection:
            return listed(connection, tenant, wanted)

    def records(self, tenant: str) -> list[Recorded]:
        """All records of a tenant in order; meant for tests and small logs."""
        return self._select(tenant, sa.true())

    def tenants(self) -> list[str]:
        """Tenants that have a chain."""
        return tenants_of(self._reader)

    def _select(self, tenant: str, where: sa.ColumnElement[bool]) -> list[Recorded]:
        query = sa.select(decisions).where(decisions.c.tenant == tenant, where).order_by(decisions.c.sequence)
        with reading(self._reader, tenant) as connection:
            return [recorded_of(row) for row in connection.execute(query)]

    # ---- state ---------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Records waiting for the disk."""
        return self._queue.qsize()

    @property
    def full(self) -> bool:
        """True when no further record can be taken on."""
        return self._queue.full()

    def writable(self) -> bool:
        """True when the write lock can be had; takes at most the busy timeout."""
        try:
            with self._writer.begin() as connection:
                connection.exec_driver_sql("SELECT 1")
                return not self._closed and self._thread.is_alive()
        except sa.exc.SQLAlchemyError:
            return False

    def sound(self) -> bool:
        """True when the last record of every chain fits its hash: what the next one would be chained to."""
        try:
            return all(self._sound(tenant) for tenant in self.tenants())
        except StorageUnavailable:
            return False

    def _sound(self, tenant: str) -> bool:
        query = sa.select(decisions).where(decisions.c.tenant == tenant).order_by(decisions.c.sequence.desc()).limit(1)
        with reading(self._reader, tenant) as connection:
            row = connection.execute(query).first()
        if row is None:
            return False  # a chain that is listed has a record
        found = recorded_of(row)
        own = link(
            found.entry, sequence=found.sequence, created_at=found.created_at, previous_hash=found.previous_hash
        )
        return own == found.hash

    def close(self) -> None:
        """Write what waits, then close the file."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
            self._thread.join()
            if self._connection is not None:
                self._connection.close()
            self._writer.dispose()
            self._reader.dispose()
