"""The one writer of the decision log: group commit on its own thread, readers beside it.

A caller awaits `Journal.append`; it returns after the record is on disk (commit before answer).
While one commit waits for the disk, further records gather and share the next one. What is appended in one turn of
the event loop is handed over at once, and told of at once: waking a thread costs more than a small record.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from eco_credit.core.errors import StorageUnavailable
from serving.audit.database import BEGIN_WRITE, open_log
from serving.audit.record import GENESIS, TEXT_FIELDS, Entry, KeyConflict, Recorded, link
from serving.audit.tables import decisions

Clock = Callable[[], datetime]
_Job = tuple[Entry, "asyncio.Future[Recorded]"]
_Jobs = tuple[asyncio.AbstractEventLoop, list[_Job]]
"""Jobs of one turn of the loop whose callers wait for them."""

# compiled once, and run as text: a commit then costs little more than SQLite itself asks for
_DIALECT = sqlite.dialect(paramstyle="qmark")
_LAST = sa.select(decisions.c.sequence, decisions.c.hash).order_by(decisions.c.sequence.desc()).limit(1)
_HEAD = str(_LAST.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))
_COLUMNS = tuple(column.name for column in decisions.c)
_INSERT = str(decisions.insert().compile(dialect=_DIALECT))
_KEYED = sa.select(decisions).where(
    decisions.c.route == sa.bindparam("route"), decisions.c.idempotency_key == sa.bindparam("key")
)
_BY_KEY = str(_KEYED.compile(dialect=_DIALECT))

GROUP = 128
"""Records after which no further turn of the loop joins a commit."""


def utc_now() -> datetime:
    """The wall clock in UTC."""
    return datetime.now(UTC)


def recorded_of(row: Any) -> Recorded:
    """Read one row of the table back into a record."""
    return _recorded(row._mapping)


def _recorded(values: Any, *, repeated: bool = False) -> Recorded:
    entry = Entry(**{name: values[name] for name in (*TEXT_FIELDS, "request", "answer")})
    return Recorded(
        entry, values["sequence"], values["created_at"], values["previous_hash"], values["hash"], repeated=repeated
    )


def by_key(connection: sqlite3.Connection, entry_route: str, key: str) -> Recorded | None:
    """The record made under an idempotency key on a route, if there is one."""
    row = connection.execute(_BY_KEY, (entry_route, key)).fetchone()
    return None if row is None else _recorded(dict(zip(_COLUMNS, row, strict=True)), repeated=True)


def same_or_conflict(found: Recorded, request_hash: str) -> Recorded:
    """The record found under a key, if it answers the same request; else `KeyConflict`."""
    if found.entry.request_hash != request_hash:
        raise KeyConflict
    return found


def _closed() -> StorageUnavailable:
    return StorageUnavailable("the decision log is closed", "决策记录库已关闭")


def _driver(held: sa.PoolProxiedConnection) -> sqlite3.Connection:
    """The driver's own connection under one of the pool."""
    driver: sqlite3.Connection | None = held.driver_connection
    if driver is None:
        raise _closed()
    return driver


def _hand_out(jobs: Sequence[_Job], results: Sequence[Recorded | Exception]) -> None:
    """Give each caller that still waits its record, or why there is none."""
    for (_, done), result in zip(jobs, results, strict=True):
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

    def __init__(self, path: Path, *, clock: Clock = utc_now, waiting: int = 512) -> None:
        """Open or create the log at ``path``; at most ``waiting`` records wait for the disk.

        Raises:
            StorageUnavailable: the file cannot be opened.
        """
        self._writer, self._reader = open_log(path)
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

    # ---- writing -------------------------------------------------------------------------------

    async def append(self, entry: Entry) -> Recorded:
        """Record an entry; returns once it is durable.

        Returns:
            the record; with the same route, key and request as an earlier one, that earlier record.

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
        jobs.append((entry, done))
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
        """Commit a group, then tell its callers: never the other way round."""
        # A caller that has gone away before its turn is not recorded; from here on it will be.
        live = [(loop, [job for job in jobs if not job[1].cancelled()]) for loop, jobs in turns]
        entries = [entry for _, jobs in live for entry, _ in jobs]
        try:
            results = self._commit(entries)
        except Exception as error:
            refusal = StorageUnavailable("the record could not be stored", "记录未能落盘")
            refusal.__cause__ = error
            results = [refusal] * len(entries)
        self._settled += sum(len(jobs) for _, jobs in turns)
        for turn in live:
            self._tell(turn, results[: len(turn[1])])
            results = results[len(turn[1]) :]

    def _tell(self, jobs: _Jobs, results: Sequence[Recorded | Exception]) -> None:
        """Let the loop of these jobs hand out their results."""
        with suppress(RuntimeError):  # a loop that has ended waits for nothing
            jobs[0].call_soon_threadsafe(_hand_out, jobs[1], results)

    def _commit(self, entries: Sequence[Entry]) -> list[Recorded | Exception]:
        """Append entries in one transaction; a key conflict fails its own entry only."""
        results: list[Recorded | Exception] = []
        connection = self._connected()
        connection.execute(BEGIN_WRITE)
        try:
            sequence, previous = connection.execute(_HEAD).fetchone() or (0, GENESIS)
            for entry in entries:
                try:
                    result: Recorded | Exception = self._append_one(connection, entry, (sequence, previous))
                except KeyConflict as conflict:
                    result = conflict
                if isinstance(result, Recorded) and not result.repeated:
                    sequence, previous = result.sequence, result.hash
                results.append(result)
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.rollback()
        return results

    def _connected(self) -> sqlite3.Connection:
        """The driver's own connection: the pool and the layers above the driver cost as much as a small commit."""
        if self._held is None:
            self._held = self._writer.raw_connection()
        return _driver(self._held)

    def _append_one(self, connection: sqlite3.Connection, entry: Entry, head: tuple[int, str]) -> Recorded:
        if entry.idempotency_key is not None:
            found = by_key(connection, entry.route, entry.idempotency_key)
            if found is not None:
                return same_or_conflict(found, entry.request_hash)
        place: dict[str, Any] = {
            "sequence": head[0] + 1,
            "created_at": self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "previous_hash": head[1],
        }
        place["hash"] = link(entry, **place)
        row = tuple(place[name] if name in place else getattr(entry, name) for name in _COLUMNS)
        connection.execute(_INSERT, row)
        return Recorded(entry, **place)

    # ---- reading -------------------------------------------------------------------------------

    def find(self, decision_id: str) -> Recorded | None:
        """The record with this identifier, or None."""
        found = self._select(decisions.c.decision_id == decision_id)
        return found[0] if found else None

    def about(self, decision_id: str) -> list[Recorded]:
        """Records that refer to this one, oldest first."""
        return self._select(decisions.c.about == decision_id)

    def answered(self, route: str, key: str, *, request_hash: str) -> Recorded | None:
        """The earlier answer under an idempotency key, or None: one look into an index, cheap enough for a loop.

        Raises:
            KeyConflict: the key was used with another request.
            StorageUnavailable: the log cannot be read.
        """
        try:
            with self._asking:
                if self._asked is None:
                    self._asked = self._reader.raw_connection()
                found = by_key(_driver(self._asked), route, key)
        except (sqlite3.Error, sa.exc.SQLAlchemyError) as error:
            raise StorageUnavailable("the decision log cannot be read", "决策记录库无法读取") from error
        return None if found is None else same_or_conflict(found, request_hash)

    def records(self) -> list[Recorded]:
        """All records in order; meant for tests and small logs."""
        return self._select(sa.true())

    def _select(self, where: sa.ColumnElement[bool]) -> list[Recorded]:
        query = sa.select(decisions).where(where).order_by(decisions.c.sequence)
        try:
            with self._reader.connect() as connection:
                return [recorded_of(row) for row in connection.execute(query)]
        except sa.exc.SQLAlchemyError as error:
            raise StorageUnavailable("the decision log cannot be read", "决策记录库无法读取") from error

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
            with self._writer.begin():
                return not self._closed and self._thread.is_alive()
        except sa.exc.SQLAlchemyError:
            return False

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
