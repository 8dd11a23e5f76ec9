"""Cutting the power under a SQLite log: the writes of a real run, replayed up to a moment, the unsynced ones at chance.

A kill leaves what was written in the memory of the system, which still reaches the disk. A power cut does not. So a
real writer runs under strace, which tells every write, truncation and sync of the log's files and every answer in one
order. For a cut, what had been synced is on the disk; of what was written since, each sector of 512 bytes has reached
the disk or not, as chance has it; answers given before the cut were given. What cannot be seen this way: a disk that
says it has synced and has not.
"""

from __future__ import annotations

import random
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from told import Told, environment, faults, writer_command

from serving.audit import Journal

_SECTOR = 512
_CALLS = "openat,pwrite64,write,fsync,fdatasync,ftruncate,unlink,close"
_LINE = re.compile(r"^(\d+) +(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+)")
Event = tuple[str, str, Any]


def record(folder: Path, *, clients: int, count: int, normal: bool) -> tuple[list[Event], dict[str, bytes]]:
    """Run a writer under strace; returns its events in order, and the files as they were before."""
    address = folder / "decisions.db"
    Journal(address).close()
    before = {path.name: path.read_bytes() for path in folder.glob("decisions.db*") if not path.name.endswith("-shm")}
    trace = folder / "trace"
    words = ["strace", "-f", "-q", "-xx", "-s", "1000000", "-e", f"trace={_CALLS}", "-e", "signal=none",
             "-o", str(trace)]  # fmt: skip
    command = writer_command(address, "p", clients, count, "--open", *(["--normal"] if normal else []))
    subprocess.run(
        [*words, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=environment(), check=True,
        timeout=300,
    )  # fmt: skip
    return list(events(trace)), before


def events(trace: Path) -> Iterator[Event]:
    """What happened to the log's files and what was answered, in the order it was done."""
    names: dict[str, str] = {}
    for call, arguments, result in calls(trace):
        first = arguments.split(",", 1)[0]
        if call == "openat":
            path = text_of(arguments).decode(errors="replace")
            names[result] = Path(path).name if Path(path).name.startswith("decisions.db") else ""
        elif call == "close":
            names.pop(first, None)
        elif call == "write" and first == "1":
            yield "said", "", text_of(arguments).decode()
        elif call == "unlink":
            yield "gone", Path(text_of(arguments).decode(errors="replace")).name, None
        elif (name := names.get(first)) and not name.endswith("-shm"):
            if call == "pwrite64":
                yield "write", name, (int(arguments.rsplit(",", 1)[1]), text_of(arguments))
            elif call == "ftruncate":
                yield "size", name, int(arguments.rsplit(",", 1)[1])
            elif call in ("fsync", "fdatasync"):
                yield "sync", name, None


def calls(trace: Path) -> Iterator[tuple[str, str, str]]:
    """Calls in order: one that another thread interrupted counts where it ends, but what was said where it begins."""
    open_calls: dict[str, str] = {}
    for line in trace.read_text(errors="replace").splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        thread, text = found.groups()
        if text.endswith("<unfinished ...>"):
            begun = text.removesuffix("<unfinished ...>").rstrip()
            if begun.startswith("write(1,"):
                yield "write", begun.removeprefix("write("), "0"
            else:
                open_calls[thread] = begun
            continue
        if text.startswith("<... "):
            text = open_calls.pop(thread, "") + text.partition("resumed>")[2]
        call = _CALL.match(text)
        if call is not None and not call[3].startswith("-"):
            yield call[1], call[2], call[3]


def text_of(arguments: str) -> bytes:
    """The string of a call, which strace writes in hexadecimal."""
    return bytes.fromhex(arguments.partition('"')[2].partition('"')[0].replace("\\x", ""))


@dataclass
class Disk:
    """One file: what is on the disk for certain, and what was done to it since."""

    durable: bytes = b""
    since: list[tuple[str, Any]] = field(default_factory=list)

    def synced(self) -> None:
        self.durable, self.since = self.after(lambda _: True), []

    def after(self, reached: Any) -> bytes:
        """The file when of what was done since the last sync only some has reached the disk."""
        data = bytearray(self.durable)
        for what, value in self.since:
            if what == "size":
                if reached(0):
                    del data[value:]
                    data.extend(bytes(value - len(data)))
                continue
            offset, written = value
            for start in range(0, len(written), _SECTOR):
                part, place = written[start : start + _SECTOR], offset + start
                if reached(place):
                    data.extend(bytes(max(place - len(data), 0)))
                    data[place : place + len(part)] = part
        return bytes(data)


def cut(
    history: list[Event], before: dict[str, bytes], moment: int, chance: random.Random
) -> tuple[dict[str, bytes], Told]:
    """The files after a cut at a moment, and what had been answered by then."""
    files, told = {name: Disk(data) for name, data in before.items()}, Told()
    for what, name, value in history[:moment]:
        if what == "said":
            told.read(value.splitlines())
        elif what == "gone":
            files.pop(name, None)
        elif what == "sync":
            files.setdefault(name, Disk()).synced()
        else:
            files.setdefault(name, Disk()).since.append((what, value))
    share = chance.choice((0.0, 0.5, 0.9, 1.0))
    return {name: disk.after(lambda _: chance.random() < share) for name, disk in files.items()}, told


def cut_power(
    folder: Path, cuts: int, seed: int, *, normal: bool = False, clients: int = 4, count: int = 100
) -> dict[str, Any]:
    """Cut the power at moments of chance in one recorded run, and look what each cut leaves.

    Args:
        folder: an empty folder.
        cuts: how many cuts.
        seed: seeds moments and what reaches the disk.
        normal: the control: ``synchronous=NORMAL``.
        clients: clients of the run.
        count: records of each client.
    """
    chance = random.Random(seed)
    history, before = record(folder, clients=clients, count=count, normal=normal)
    first = next(i for i, event in enumerate(history) if event[2] == "ready\n")
    answers = sum(event[0] == "said" and event[2].startswith("ack") for event in history)
    syncs = [event[1] for event in history if event[0] == "sync"]
    total = {"cuts": cuts, "seed": seed, "answers_in_run": answers, "syncs_in_run": len(syncs)}
    # the log itself is synced only when the write-ahead file is carried over into it
    total["carried_over"] = syncs.count("decisions.db")
    total |= dict.fromkeys(("bad_cuts", "lost", "doubled", "chain", "unreadable"), 0)
    place = folder / "after"
    for _ in range(cuts):
        files, told = cut(history, before, chance.randint(first, len(history)), chance)
        place.mkdir(exist_ok=True)
        for path in place.iterdir():
            path.unlink()
        for name, data in files.items():
            (place / name).write_bytes(data)
        try:
            found = faults(place / "decisions.db", told)
        except Exception:  # a file that cannot even be opened has lost everything
            found, total["unreadable"] = {"lost": list(told.shown)}, total["unreadable"] + 1
        for what in ("lost", "doubled", "chain"):
            total[what] += len(found.get(what, ()))
        total["bad_cuts"] += any(found.values())
    return total
