"""The one writer of the decision log: group commit on its own thread, readers beside it.

A caller awaits `Journal.append`; it returns after the record is on disk (commit before answer).
While one commit waits for the disk, further records gather and share the next one. What is appended in one turn of
the event loop is handed over at once, and told of at once: waking a thread costs more than a small record. Each
tenant has a chain of its own, and a transaction holds records of one tenant only.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from eco_credit.core.errors import StorageUnavailable
from serving.audit.database import Address, open_log, reading, tenants_of
from serving.audit.listing import Listed, Wanted, listed
from serving.audit.record import GENESIS, Entry, KeyConflict, Recorded, link, recorded, recorded_of
from serving.audit.statements import Statements
from serving.audit.tables import decisions
from serving.audit.vault import Execute, Vault, refuse_sealed

if TYPE_CHECKING:
    from eco_credit.registry.subject_keys import KeySource

Clock = Callable[[], datetime]
_Job = tuple[Entry, "str | None", "asyncio.Future[Recorded]"]
"""A record, who it is about, and who waits for it."""
_About = tuple[Entry, "str | None"]
_Jobs = tuple[asyncio.AbstractEventLoop, list[_Job]]
"""Jobs of one turn of the loop whose callers wait for them."""

_COLUMNS = tuple(column.name for column in decisions.c)

GROUP = 128
"""Records after which no further turn of the loop joins a commit."""


def utc_now() -> datetime:
    """The wall clock in UTC."""
    return datetime.now(UTC)


def _under(tenant: str, route: str, key: str) -> sa.ColumnElement[bool]:
    c = decisions.c
    return sa.and_(c.tenant == tenant, c.route == route, c.idempotency_key == key)


def same_or_conflict(found: Recorded, request_hash: str) -> Recorded:
    """The record found under a key, if it answers the same request; else `KeyConflict`."""
    if found.entry.request_hash != request_hash:
        raise KeyConflict
    return found


def add(
    execute: Execute, statements: Statements, entry: Entry, head: tuple[int, str], *, now: str, shown: Entry
) -> Recorded:
    """Add a record behind the head of its chain, in the transaction of its tenant.

    Args:
        execute: runs a statement of the transaction.
        statements: for its database.
        entry: the record as it is stored.
        head: place and hash of the record before.
        now: UTC time, ISO 8601.
        shown: the record as it is given back, in plain.
    """
    place: dict[str, Any] = {"sequence": head[0] + 1, "created_at": now, "previous_hash": head[1]}
    place["hash"] = link(entry, **place)
    execute(statements.insert, tuple(place[name] if name in place else getattr(entry, name) for name in _COLUMNS))
    return Recorded(shown, **place)


def _closed() -> StorageUnavailable:
    return StorageUnavailable("the decision log is closed", "决策记录库已关闭")


def _hand_out(jobs: Sequence[_Job], results: Sequence[Recorded | Exception]) -> None:
    """Give each caller that still waits its record, or why there is none."""
    for (*_, done), result in zip(jobs, results, strict=True):
        if done.done():
            continue
        if isinstance(result, Recorded):
            done.set_result(result)
        else:
            done.set_exception(result)


class Journal:
    """The decision log of one store.

    All methods may be called from any thread; `append` belongs to an event loop.
    """

    def __init__(
        self, address: Address, *, clock: Clock = utc_now, waiting: int = 512, keys: KeySource | None = None
    ) -> None:
        """Open or create the log at ``address``; at most ``waiting`` records wait for the disk.

        With ``keys`` what is about a person is sealed under a key of that person.

        Raises:
            StorageUnavailable: the log cannot be opened, or holds sealed records and no ``keys`` are given.
        """
        self._writer, self._reader = open_log(address)
        self._statements = Statements(self._writer.dialect)
        self._vault = Vault(self._statements, keys)
        if keys is None:
            refuse_sealed(self._reader)
        self._held: sa.PoolProxiedConnection | None = None
        self._asked: sa.PoolProxiedConnection | None = None
        self._asking = threading.Lock()
        self._clock = clock
        self._most = waiting
        self._turn: dict[asyncio.AbstractEventLoop, list[_Job]] = {}
        self._queue: queue.SimpleQueue[_Jobs | None] = queue.SimpleQueue()
        # each written by one side only: the loop that appends, the thread that commits
        self._taken, self._settled = 0, 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    @property
    def seals(self) -> bool:
        """True when what is about a person is sealed."""
        return self._vault.source is not None

    # ---- writing -------------------------------------------------------------------------------

    async def append(self, entry: Entry, *, subject: str | None = None) -> Recorded:
        """Record an entry; returns once it is durable.

        Args:
            entry: the record in plain.
            subject: who it is about; a record about another record is about the same person.

        Returns:
            the record, in plain; with the same route, key and request as an earlier one, that earlier record.

        Raises:
            KeyConflict: the key was used with another request.
            StorageUnavailable: the log is closed, full or failing; nothing was recorded.
        """
        if self._closed:
            raise _closed()
        if self.full:
            raise StorageUnavailable("too many records wait for the disk", "等待落盘的记录过多")
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Recorded] = loop.create_future()
        self._taken += 1
        jobs = self._turn.setdefault(loop, [])
        jobs.append((entry, subject, done))
        if len(jobs) == 1:
            loop.call_soon(self._hand_over, loop)
        return await done

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the writer what this turn of the loop appended."""
        self._queue.put((loop, self._turn.pop(loop)))
        if not self._thread.is_alive():  # the log was closed within this turn of the loop
            self._turn_away()

    def _run(self) -> None:
        last = False
        while not last and (first := self._queue.get()) is not None:
            turns, last = self._gather(first)
            self._write(turns)
        self._turn_away()

    def _turn_away(self) -> None:
        """Refuse what slipped into the queue while the log was closing."""
        while not self._queue.empty():
            jobs = self._queue.get()
            if jobs is not None:
                self._tell(jobs, [_closed()] * len(jobs[1]))

    def _gather(self, first: _Jobs) -> tuple[list[_Jobs], bool]:
        """The first jobs and all others waiting; True when the log is being closed."""
        turns, records = [first], len(first[1])
        while records < GROUP:
            try:
                jobs = self._queue.get_nowait()
            except queue.Empty:
                break
            if jobs is None:
                return turns, True
            turns.append(jobs)
            records += len(jobs[1])
        return turns, False

    def _write(self, turns: Sequence[_Jobs]) -> None:
        """Commit a group, tenant by tenant, then tell its callers: never the other way round."""
        # A caller that has gone away before its turn is not recorded; from here on it will be.
        live = [(loop, [job for job in jobs if not job[2].cancelled()]) for loop, jobs in turns]
        results = self._written([(entry, subject) for _, jobs in live for entry, subject, _ in jobs])
        self._settled += sum(len(jobs) for _, jobs in turns)
        for turn in live:
            self._tell(turn, results[: len(turn[1])])
            results = results[len(turn[1]) :]

    def _tell(self, jobs: _Jobs, results: Sequence[Recorded | Exception]) -> None:
        """Let the loop of these jobs hand out their results."""
        with suppress(RuntimeError):  # a loop that has ended waits for nothing
            jobs[0].call_soon_threadsafe(_hand_out, jobs[1], results)

    def _written(self, entries: Sequence[_About]) -> list[Recorded | Exception]:
        """What became of each entry; a fault in one tenant's transaction is that tenant's alone."""
        results: dict[int, Recorded | Exception] = {}
        for tenant in dict.fromkeys(entry.tenant for entry, _ in entries):
            places = [place for place, (entry, _) in enumerate(entries) if entry.tenant == tenant]
            try:
                found = self._commit(tenant, [entries[place] for place in places])
            except Exception as error:
                refusal = StorageUnavailable("the record could not be stored", "记录未能落盘")
                refusal.__cause__ = error
                found = [refusal] * len(places)
            results |= dict(zip(places, found, strict=True))
        return [results[place] for place in range(len(entries))]

    def _commit(self, tenant: str, entries: Sequence[_About]) -> list[Recorded | Exception]:
        """Append a tenant's entries in one transaction; a key conflict fails its own entry only."""
        results: list[Recorded | Exception] = []
        connection, statements = self._connected(), self._statements
        try:
            statements.begin(connection, tenant)
            sequence, previous = connection.execute(statements.head, (tenant,)).fetchone() or (0, GENESIS)
            if sequence == 0:
                connection.execute(statements.chain, (tenant,))
            for entry, subject in entries:
                try:
                    result: Recorded | Exception = self._append_one(connection, entry, (sequence, previous), subject)
                except KeyConflict as conflict:
                    result = conflict
                if isinstance(result, Recorded) and not result.repeated:
                    sequence, previous = result.sequence, result.hash
                results.append(result)
            connection.commit()
        except BaseException:
            self._take_back(connection)
            raise
        return results

    def _take_back(self, connection: Any) -> None:
        """End a transaction that failed; a connection that cannot even do that is not used again."""
        try:
            connection.rollback()
        except Exception:
            if self._held is not None:
                self._held.invalidate()
            self._held = None

    def _connected(self) -> Any:
        """The driver's own connection: the pool and the layers above the driver cost as much as a small commit."""
        if self._held is None:
            self._held = self._writer.raw_connection()
        return self._held.driver_connection

    def _append_one(
        self, connection: Any, entry: Entry, head: tuple[int, str], subject: str | None = None
    ) -> Recorded:
        if entry.idempotency_key is not None:
            found = self._by_key(connection, entry.tenant, entry.route, entry.idempotency_key)
            if found is not None:
                return same_or_conflict(found, entry.request_hash)
        now = self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        stored = self._vault.seal(connection.execute, entry, subject, now=now)
        return add(connection.execute, self._statements, stored, head, now=now, shown=entry)

    def _by_key(self, connection: Any, tenant: str, route: str, key: str) -> Recorded | None:
        """The record a tenant made under an idempotency key on a route, if there is one."""
        row = connection.execute(self._statements.by_key, (tenant, route, key)).fetchone()
        if row is None:
            return None
        return self._vault.open(connection.execute, recorded(dict(zip(_COLUMNS, row, strict=True)), repeated=True))

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
        if self.near:
            one = self._look(tenant, route, key)
        else:
            found = self._select(tenant, _under(tenant, route, key))
            one = replace(found[0], repeated=True) if found else None
        return None if one is None else same_or_conflict(one, request_hash)

    @property
    def near(self) -> bool:
        """True when a look at one record is one into a file, cheap enough for an event loop."""
        return bool(self._reader.dialect.name == "sqlite")

    def _look(self, tenant: str, route: str, key: str) -> Recorded | None:
        """Look a key up by one statement of the driver."""
        try:
            with self._asking:
                if self._asked is None:
                    self._asked = self._reader.raw_connection()
                return self._by_key(self._asked.driver_connection, tenant, route, key)
        except (self._statements.fault, sa.exc.SQLAlchemyError) as error:
            raise StorageUnavailable("the decision log cannot be read", "决策记录库无法读取") from error

    def page(self, tenant: str, wanted: Wanted) -> list[Listed]:
        """The tenant's answers that are wanted, the newest first, each with what people decided about it."""
        with reading(self._reader, tenant) as connection:
            return listed(connection, tenant, wanted, self._vault)

    def records(self, tenant: str) -> list[Recorded]:
        """All records of a tenant in order; meant for tests and small logs."""
        return self._select(tenant, sa.true())

    def tenants(self) -> list[str]:
        """Tenants that have a chain."""
        return tenants_of(self._reader)

    def _select(self, tenant: str, where: sa.ColumnElement[bool]) -> list[Recorded]:
        query = sa.select(decisions).where(decisions.c.tenant == tenant, where).order_by(decisions.c.sequence)
        with reading(self._reader, tenant) as connection:
            rows = connection.execute(query).all()
            return [self._vault.open(connection.exec_driver_sql, recorded_of(row)) for row in rows]

    # ---- state ---------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Records waiting for the disk."""
        return self._taken - self._settled

    @property
    def full(self) -> bool:
        """True when no further record can be taken on."""
        return self.waiting >= self._most

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
            for held in (self._held, self._asked):
                if held is not None:
                    held.close()
            self._writer.dispose()
            self._reader.dispose()
