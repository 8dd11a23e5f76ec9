"""The right to write one run: a lock on this machine, a lease for the others, a token that only grows.

A worker that slept past its lease may wake up when another has taken over. It then holds an older token, is refused
before it writes (``lease_lost``), and what it still managed to append is not counted, because each line of the journal
carries the token it was written under.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from serving.batch.rules import refusal
from serving.batch.whole import sync

SECONDS = 300.0
"""How long a lease lasts after its last renewal; a chunk takes far less."""


@dataclass
class Lease:
    """A lease on one folder.

    Attributes:
        folder: what is leased.
        now: seconds since the epoch.
        host: name of this machine.
        token: number of this holding, larger than that of every holding before it.
    """

    folder: Path
    now: Callable[[], float] = time.time
    host: str = field(default_factory=socket.gethostname)
    token: int = 0
    _lock: IO[str] | None = field(default=None, repr=False)

    @property
    def path(self) -> Path:
        """Where the holder is written down."""
        return self.folder / "lease.json"

    def take(self) -> None:
        """Take the lease: at once when its holder died on this machine, after its time when on another.

        Raises:
            ContractError: somebody else holds it (``busy``).
        """
        self._lock = (self.folder / "lock").open("w")
        try:
            import fcntl

            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:  # no such lock on this system: the lease alone must do
            pass
        except OSError:
            self._let_go()
            raise refusal(self.folder.name, "busy") from None
        held = self._read()
        if held["host"] != self.host and held["until"] > self.now():
            self._let_go()
            raise refusal(self.folder.name, "busy")
        self.token = int(held["token"]) + 1
        try:
            self._write(self.now() + SECONDS)
        except OSError:
            self._let_go()
            raise

    def free(self) -> bool:
        """True when nobody holds the lease now; nothing is taken."""
        held = self._read()
        if held["host"] != self.host and held["until"] > self.now():
            return False
        try:
            import fcntl

            with (self.folder / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except ImportError:
            return bool(held["until"] <= self.now())
        except OSError:
            return False
        return True

    @property
    def ours(self) -> bool:
        """True as long as no other holder has taken over."""
        return bool(self._read()["token"] == self.token)

    def renew(self) -> None:
        """Make sure that the lease is still ours, and extend it.

        Raises:
            ContractError: another holder has taken over (``lease_lost``).
        """
        if not self.ours:
            raise refusal(self.folder.name, "lease_lost")
        self._write(self.now() + SECONDS)

    def release(self) -> None:
        """Give the lease back; the token stays, so that the next one is larger."""
        if self._lock is not None and self.path.is_file() and self.ours:
            with suppress(OSError):  # a lease that cannot be given back runs out by itself
                self._write(0.0)
        self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return {"token": int(found["token"]), "host": str(found["host"]), "until": float(found["until"])}
        except (OSError, ValueError, KeyError, TypeError):
            return {"token": 0, "host": self.host, "until": 0.0}

    def _write(self, until: float) -> None:
        beside = self.path.with_name(f"lease.{os.getpid()}.part")
        beside.write_text(json.dumps({"token": self.token, "host": self.host, "until": until}), encoding="utf-8")
        sync(beside)
        beside.replace(self.path)
