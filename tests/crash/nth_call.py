"""The n-th call fails: every call of a small run on the log's files is made to fail once, in a run of its own.

A first run under strace counts the calls on the log and its write-ahead file. Then, for each call and each way to fail,
a writer runs in which just that call gives an error (a full or broken disk) or kills the process. A second writer asks
again for what was not answered. In the end everything that was shown is there once, and everybody has been answered.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from told import Told, environment, faults, writer_command

from serving.audit import Journal

FAILURES = {
    "openat": ("error=EACCES", "error=EMFILE", "signal=SIGKILL"),
    "pread64": ("error=EIO", "signal=SIGKILL"),
    "pwrite64": ("error=EIO", "error=ENOSPC", "signal=SIGKILL"),
    "fdatasync": ("error=EIO", "error=ENOSPC", "signal=SIGKILL"),
}
_CALL = re.compile(r"^\d+ +(\w+)\(", re.MULTILINE)
_SECONDS = 60
Fault = tuple[str, int, str]
"""A call, which time it is made, and what becomes of it."""


def writer(address: Path, run: str, told: Told, *strace: str, count: int = 0, more: Iterable[str] = ()) -> None:
    """A writer's life, under strace if there are words for it; ``told`` learns what it said."""
    command = writer_command(address, run, 1, count, "--open", *more)
    files = [word for name in (address, f"{address}-wal") for word in ("-P", str(name))]
    if strace:
        command = ["strace", "-f", "-q", "-e", "signal=none", *files, *strace, *command]
    done = subprocess.run(
        command, input="\n".join(told.pending), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        env=environment(), timeout=_SECONDS, check=False,
    )  # fmt: skip
    told.read(done.stdout.splitlines())


def counted(folder: Path, count: int) -> Counter[str]:
    """How often each call is made on the log's files in a run in which nothing fails."""
    trace, address = folder / "trace", folder / "decisions.db"
    Journal(address).close()
    writer(address, "p", Told(), "-e", f"trace={','.join(FAILURES)}", "-o", str(trace), count=count)
    return Counter(_CALL.findall(trace.read_text(errors="replace")))


def after(folder: Path, fault: Fault, count: int, more: Iterable[str]) -> dict[str, Any]:
    """What is left of the promises after a run with one fault and a run without."""
    call, place, failure = fault
    address, told = folder / "decisions.db", Told()
    Journal(address).close()
    inject = ("-e", f"trace={call}", "-e", f"inject={call}:{failure}:when={place}", "-o", "/dev/null")
    writer(address, "p", told, *inject, count=count, more=more)
    unanswered = len(told.pending)
    writer(address, "q", told)
    return faults(address, told) | {"unanswered": told.pending, "failed": unanswered or len(told.asked) < count}


def fail_each(folder: Path, most: int, seed: int, *, count: int = 4, more: Iterable[str] = ()) -> dict[str, Any]:
    """Let every call fail in every way, or ``most`` of these faults chosen by chance.

    Args:
        folder: an empty folder.
        most: at most so many faults.
        seed: seeds the choice.
        count: records of a run.
        more: words for the writer: ``--early`` is the control.
    """
    first = folder / "first"
    first.mkdir()
    calls = counted(first, count)
    every = [(call, n, how) for call, ways in FAILURES.items() for n in range(1, calls[call] + 1) for how in ways]
    chosen = random.Random(seed).sample(every, min(most, len(every)))
    total: dict[str, Any] = {"calls": dict(calls), "possible": len(every), "faults": len(chosen), "seed": seed}
    total |= {"runs_that_failed": 0, **{name: [] for name in ("lost", "doubled", "changed", "chain", "unanswered")}}
    for number, fault in enumerate(chosen):
        place = folder / str(number)
        place.mkdir()
        found = after(place, fault, count, more)
        total["runs_that_failed"] += bool(found.pop("failed"))
        for name, broken in found.items():
            total[name] += [f"{fault}: {one}" for one in broken]
    return total
