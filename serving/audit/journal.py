"""The one writer of the decision log: group commit on its own thread, readers beside it.

A caller awaits `Journal.append`; it returns after the record is on disk (commit before answer).
While one commit waits for the disk, further records gather and share the next one.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from eco_credit.core.errors import StorageUnavailable
from serving.audit.database import open_log
from serving.audit.record import GENESIS, TEXT_FIELDS, Entry, KeyConflict, Recorded, link
from serving.audit.tables import decisions

Clock = Callable[[], datetime]
_Job = tuple[Entry, "Future[Recorded]"]

# compiled once, and run as text: a commit then costs little more than SQLite itself asks for
_DIALECT = sqlite.dialect(paramstyle="qmark")
_LAST = sa.select(decisions.c.sequence, decisions.c.hash).order_by(decisions.c.sequence.desc()).limit(1)
_HEAD = str(_LAST.compile(dialect=_DIALECT, compile_kwargs={"literal_binds": True}))
_COLUMNS = tuple(column.name for column in decisions.c)
_INSERT = str(decisions.insert().compile(dialect=_DIALECT))

GROUP = 128
"""Most records in one commit."""


def utc_now() -> datetime:
    """The wall clock in UTC."""
    return datetime.now(UTC)


def recorded_of(row: Any, *, repeated: bool = False) -> Recorded:
    """Read one row of the table back into a record."""
    values = row._mapping
    entry = Entry(**{name: values[name] for name in (*TEXT_FIELDS, "request", "answer")})
    return Recorded(
        entry, values["sequence"], values["created_at"], values["previous_hash"], values["hash"], repeated=repeated
    )


def by_key(connection: sa.Connection, entry_route: str, key: str) -> Recorded | None:
    """The record made under an idempotency key on a route, if there is one."""
    where = sa.and_(decisions.c.route == entry_route, decisions.c.idempotency_key == key)
    row = connection.execute(sa.select(decisions).where(where)).first()
    return None if row is None else recorded_of(row, repeated=True)


def same_or_conflict(found: Recorded, request_hash: str) -> Recorded:
    """The record found under a key, if it answers the same request; else `KeyConflict`."""
    if found.entry.request_hash != request_hash:
        raise KeyConflict
    return found


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
        """Commit a group, then tell its callers: never the other way round."""
        # A caller that has gone away before its turn is not recorded; from here on it will be.
        jobs = [job for job in group if job[1].set_running_or_notify_cancel()]
        try:
            results = self._commit([entry for entry, _ in jobs])
        except Exception as error:
            refusal = StorageUnavailable("the record could not be stored", "记录未能落盘")
            refusal.__cause__ = error
            results = [refusal] * len(jobs)
        for (_, done), result in zip(jobs, results, strict=True):
            if isinstance(result, Recorded):
                done.set_result(result)
            else:
                done.set_exception(result)

    def _commit(self, entries: Sequence[Entry]) -> list[Recorded | Exception]:
        """Append entries in one transaction; a key conflict fails its own entry only."""
        results: list[Recorded | Exception] = []
        connection = self._connected()
        with connection.begin():
            sequence, previous = connection.exec_driver_sql(_HEAD).first() or (0, GENESIS)
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
        if self._connection is None or self._connection.closed or self._connection.invalidated:
            self._connection = self._writer.connect()
        return self._connection

    def _append_one(self, connection: sa.Connection, entry: Entry, head: tuple[int, str]) -> Recorded:
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
        connection.exec_driver_sql(_INSERT, row)
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
        """The earlier answer under an idempotency key, or None.

        Raises:
            KeyConflict: the key was used with another request.
        """
        found = self._select(sa.and_(decisions.c.route == route, decisions.c.idempotency_key == key))
        return same_or_conflict(replace(found[0], repeated=True), request_hash) if found else None

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
        return self._queue.qsize()

    @property
    def full(self) -> bool:
        """True when no further record can be taken on."""
        return self._queue.full()

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
            if self._connection is not None:
                self._connection.close()
            self._writer.dispose()
            self._reader.dispose()
