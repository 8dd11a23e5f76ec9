"""What writers were told, over all their lives, and whether the log keeps it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from eco_credit.registry.subject_keys import KeySource
from serving.audit import Journal
from serving.audit.verify import verify_all

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@dataclass
class Told:
    """Keys asked for, and the decision each client was shown."""

    asked: set[str] = field(default_factory=set)
    shown: dict[str, tuple[str, int]] = field(default_factory=dict)
    changed: list[str] = field(default_factory=list)

    def read(self, lines: Iterable[str]) -> None:
        for line in lines:
            words = line.split()
            if words[:1] == ["ask"] and len(words) == 2:
                self.asked.add(words[1])
            elif words[:1] == ["ack"] and len(words) == 4:
                shown = (words[2], int(words[3]))
                if self.shown.setdefault(words[1], shown) != shown:
                    self.changed.append(words[1])

    @property
    def pending(self) -> list[str]:
        return sorted(self.asked - self.shown.keys())


def faults(address: Path | str, told: Told, keys: Path | None = None) -> dict[str, list[str]]:
    """Promises that the log does not keep: shown and lost or altered, recorded twice, a chain that does not hold.

    A sealed record whose key is not there is lost as well.
    """
    found = {t: v for t, v in verify_all(address).items() if v.first_bad is not None}
    journal = Journal(address, keys=None if keys is None else KeySource(keys))
    try:
        records = [record for tenant in journal.tenants() for record in journal.records(tenant)]
    finally:
        journal.close()
    read = [record for record in records if not record.erased and record.entry.request == b"{}"]
    stored = {record.entry.idempotency_key: (record.entry.decision_id, record.sequence) for record in read}
    return {
        "lost": [key for key, shown in told.shown.items() if stored.get(key) != shown],
        "doubled": [] if len(stored) == len(records) else ["more records than keys"],
        "changed": told.changed,
        "chain": [f"{tenant}: {verdict.why}" for tenant, verdict in found.items()],
    }


def writer_command(address: Path | str, run: str, clients: int, count: int, *more: str) -> list[str]:
    return [sys.executable, str(HERE / "writer.py"), str(address), run, str(clients), str(count), *more]


def environment() -> dict[str, str]:
    paths = [str(ROOT), str(ROOT / "tests" / "audit")]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}


def start(address: Path | str, run: str, told: Told, *, clients: int = 6, count: int = 100_000,
          more: tuple[str, ...] = ()) -> subprocess.Popen[str]:  # fmt: skip
    """A writer that first asks again for what was asked and not answered."""
    child = subprocess.Popen(
        writer_command(address, run, clients, count, *more), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True, env=environment(), start_new_session=True,
    )  # fmt: skip
    if child.stdin is None:
        raise RuntimeError("no pipe to the writer")
    child.stdin.write("\n".join(told.pending))
    child.stdin.close()
    child.stdin = None
    return child
