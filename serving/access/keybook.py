"""Where keys and logins are kept: ``users.db`` of the store, or a PostgreSQL database by URL."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from eco_credit.core.errors import StorageUnavailable
from serving.access import guests
from serving.access.guests import MOST_SESSIONS, Guest
from serving.access.keys import Key, digest_of, new_key, roles_of, written
from serving.access.principal import Principal
from serving.access.roles import Role
from serving.access.tables import ends, keys, sessions, uses
from serving.migrations import Migrations

if TYPE_CHECKING:
    from serving.settings import Settings

MIGRATIONS = Migrations(Path(__file__).parent / "migrations", version_table="access_version")
_BUSY_MS = 5000
_MIGRATING = 0x0EC2
TRUSTED_SECONDS = 2.0
"""A server cannot be asked on every request; what was read of it counts for so long."""
_SETTLED_NS = 100_000_000
"""A file changed less long ago than this may change again without another time stamp."""


def moment_of(text: str) -> datetime:
    """A stored moment."""
    return datetime.fromisoformat(text)


def _prepare(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # `_begin` decides which lock is taken
    # One file without a log beside it: its time stamp tells readers that something changed.
    for pragma in (f"busy_timeout={_BUSY_MS}", "journal_mode=DELETE", "synchronous=EXTRA", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: sa.Connection) -> None:
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _file_engine(path: Path) -> sa.Engine:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)), poolclass=sa.pool.NullPool)
    sa.event.listen(engine, "connect", _prepare)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _server_engine(address: str) -> sa.Engine:
    url = sa.make_url(address).set(drivername="postgresql+psycopg")
    connecting = {"connect_timeout": 5, "options": "-c statement_timeout=15s -c lock_timeout=5s"}
    return sa.create_engine(
        url, pool_size=2, max_overflow=2, pool_timeout=5, pool_pre_ping=True, connect_args=connecting
    )


def _migrate(engine: sa.Engine) -> None:
    """Bring the tables to their newest form; of two services that start at once one waits for the other."""
    with engine.execution_options(writes=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
        if not MIGRATIONS.all_run(connection):
            MIGRATIONS.run(connection)


class SqlKeyBook:
    """A key book in an SQL database; rows about keys are only added. Any thread may use it."""

    def __init__(self, address: Path | str, *, trusted: float = TRUSTED_SECONDS) -> None:
        """Name the place: path of an SQLite file, or address of a PostgreSQL database; nothing is opened yet.

        Args:
            address: where the book is.
            trusted: how long what was read from a server counts, seconds.
        """
        self._trusted = trusted
        self._path = address if isinstance(address, Path) else None
        self._address = address
        self._lock = threading.Lock()
        self._engine: sa.Engine | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._read_at = float("-inf")

    def _opened(self) -> sa.Engine:
        """The engine, with the newest tables."""
        with self._lock:
            if self._engine is None:
                engine = (
                    _file_engine(self._address) if isinstance(self._address, Path) else _server_engine(self._address)
                )
                _migrate(engine)
                self._engine = engine
            return self._engine

    def _do(self, work: Any, *, writes: bool = False) -> Any:
        """Run ``work(connection)`` in one transaction.

        Raises:
            StorageUnavailable: the database cannot be opened, read or written.
        """
        try:
            with self._opened().execution_options(writes=writes).begin() as connection:
                return work(connection)
        except (OSError, ImportError, sa.exc.SQLAlchemyError) as error:
            raise StorageUnavailable("the key book cannot be used", "密钥库无法使用") from error

    # ---- reading -------------------------------------------------------------------------------

    def _stat(self) -> tuple[int, int, int] | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def fresh(self) -> bool:
        """True when the file has not changed since it was read; for a server, when that is less than 2 s ago."""
        if self._path is None:
            return time.monotonic() - self._read_at < self._trusted
        return self._stamp is not None and self._stat() == self._stamp

    def read(self) -> Mapping[str, Key]:
        """All keys by identifier.

        Raises:
            StorageUnavailable: they cannot be read.
        """
        self._do(lambda connection: None)  # opening may change the file
        stamp, began = self._stat(), time.monotonic()
        found: dict[str, Key] = self._do(_keys)
        settled = stamp is not None and abs(time.time_ns() - stamp[1]) > _SETTLED_NS
        self._stamp, self._read_at = (stamp if settled else None), began
        return found

    # ---- keys ----------------------------------------------------------------------------------

    def add(
        self, user: str, *, tenant: str, roles: Iterable[Role], now: datetime, expires: datetime | None = None
    ) -> tuple[Key, str]:
        """Make a key.

        Returns:
            what is kept, and the key itself, which is kept nowhere.
        """
        key_id, text = new_key()
        why = None if expires is None else "expires"
        made = Key(key_id, digest_of(text), tenant, user, frozenset(roles), now, expires, why)
        self._do(lambda connection: connection.execute(keys.insert().values(_row(made))), writes=True)
        return made, text

    def end(self, key_id: str, *, why: str, at: datetime, now: datetime) -> None:
        """Note that a key ends at a moment; an earlier end stands."""
        row = {"key_id": key_id, "why": why, "ends_at": written(at), "noted_at": written(now)}
        self._do(lambda connection: connection.execute(ends.insert().values(row)), writes=True)

    def rotate(self, old: Key, *, until: datetime, now: datetime) -> tuple[Key, str]:
        """Make a key like an older one, which is taken until a moment; both or neither.

        Returns:
            what is kept of the new key, and the new key itself.
        """
        key_id, text = new_key()
        expires = old.ends_at if old.why == "expires" else None
        why = None if expires is None else "expires"
        made = Key(key_id, digest_of(text), old.tenant, old.user, old.roles, now, expires, why)
        end = {"key_id": old.key_id, "why": "rotated", "ends_at": written(until), "noted_at": written(now)}

        def both(connection: sa.Connection) -> None:
            connection.execute(keys.insert().values(_row(made)))
            connection.execute(ends.insert().values(end))

        self._do(both, writes=True)
        return made, text

    # ---- logins on the web page ----------------------------------------------------------------

    def open_session(self, token: str, key_id: str, *, now: datetime, until: datetime) -> None:
        """Keep a login, by the digest of its token; logins that have ended, and the oldest of too many, go."""
        row = {"digest": digest_of(token), "key_id": key_id, "made_at": written(now), "ends_at": written(until)}
        mine = sa.select(sessions.c.digest).where(sessions.c.key_id == key_id)
        kept = mine.order_by(sessions.c.made_at.desc()).limit(MOST_SESSIONS - 1)

        def work(connection: sa.Connection) -> None:
            connection.execute(sessions.delete().where(sessions.c.ends_at <= row["made_at"]))
            too_many = sa.and_(sessions.c.key_id == key_id, sessions.c.digest.not_in(kept))
            connection.execute(sessions.delete().where(too_many))
            connection.execute(sessions.insert().values(row))

        self._do(work, writes=True)

    def open_guest(self, token: str, by: Principal, *, issuer: str, now: datetime, until: datetime) -> None:
        """Keep a login that the login service vouched for, by the digest of its token."""
        self._do(lambda connection: guests.add(connection, token, by, issuer, (now, until)), writes=True)

    def session(self, token: str, now: datetime) -> str | None:
        """Identifier of the key a login was made with, or None when it has ended or never was."""
        found = self.visitor(token, now, None)
        return found if isinstance(found, str) else None

    def visitor(self, token: str, now: datetime, issuer: str | None) -> str | Principal | None:
        """Identifier of the key a login was made with, or the guest of the issuer, or None when it has ended."""
        found: str | Principal | None = self._do(lambda c: guests.visitor(c, token, now, issuer))
        return found

    def close_session(self, token: str) -> bool:
        """End a login; True when it was a guest's."""
        return bool(self._do(lambda connection: guests.close(connection, token), writes=True))

    def use_state(self, state: str, *, now: datetime, until: datetime) -> bool:
        """Note that a state came back from the login service; False when it did before, of two at once for one."""
        try:
            return bool(self._do(lambda connection: guests.use_state(connection, state, now, until), writes=True))
        except StorageUnavailable as error:
            if isinstance(error.__cause__, sa.exc.IntegrityError):
                return False
            raise

    def guests(self, tenant: str, now: datetime) -> list[Guest]:
        """Logins of a tenant's guests that last, the newest first."""
        found: list[Guest] = self._do(lambda connection: guests.of_tenant(connection, tenant, now))
        return found

    def end_guest(self, tenant: str, guest_id: str) -> bool:
        """End a login of a tenant's guest; False when there is none."""
        return bool(self._do(lambda connection: guests.end(connection, tenant, guest_id), writes=True))

    # ---- uses ----------------------------------------------------------------------------------

    def note_uses(self, used: Mapping[str, datetime]) -> None:
        """Keep when keys were last used; an earlier moment than the one kept changes nothing."""

        def work(connection: sa.Connection) -> None:
            for key_id, moment in sorted(used.items()):
                row = {"key_id": key_id, "used_at": written(moment)}
                mine = uses.update().where(uses.c.key_id == key_id)
                newer = sa.case((uses.c.used_at < row["used_at"], row["used_at"]), else_=uses.c.used_at)
                if connection.execute(mine.values(used_at=newer)).rowcount == 0:
                    connection.execute(uses.insert().values(row))

        self._do(work, writes=True)

    def uses(self) -> Mapping[str, datetime]:
        """About when keys were last used, as far as it was noted."""
        rows = self._do(lambda connection: connection.execute(sa.select(uses)).all())
        return {row.key_id: moment_of(row.used_at) for row in rows}

    def close(self) -> None:
        """Give up what is open; a later use opens it again."""
        with self._lock:
            if self._engine is not None:
                self._engine.dispose()
                self._engine = None


def book_of(settings: Settings) -> SqlKeyBook:
    """The key book of a store: beside the decisions where these are in PostgreSQL, else ``users.db``."""
    address = settings.decisions_address
    return SqlKeyBook(address if isinstance(address, str) else settings.home / "users.db")


def _row(key: Key) -> dict[str, str | None]:
    return {
        "key_id": key.key_id,
        "digest": key.digest,
        "tenant": key.tenant,
        "user_name": key.user,
        "roles": ",".join(sorted(key.roles)),
        "made_at": written(key.made_at),
        "expires_at": None if key.ends_at is None else written(key.ends_at),
    }


def _keys(connection: sa.Connection) -> dict[str, Key]:
    """Read keys with the earliest of their ends."""
    ended: dict[str, list[tuple[str, str]]] = {}
    for key_id, ends_at, why in connection.execute(sa.select(ends.c.key_id, ends.c.ends_at, ends.c.why)):
        ended.setdefault(key_id, []).append((ends_at, why))
    found = {}
    for row in connection.execute(sa.select(keys).order_by(keys.c.made_at, keys.c.key_id)):
        expiry = [(row.expires_at, "expires")] if row.expires_at else []
        end, why = min(expiry + ended.get(row.key_id, []), default=(None, None))
        found[row.key_id] = Key(
            row.key_id,
            row.digest,
            row.tenant,
            row.user_name,
            roles_of(row.roles.split(",")),
            moment_of(row.made_at),
            None if end is None else moment_of(end),
            why,
        )
    return found
