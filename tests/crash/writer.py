"""A process that records decisions for several clients until it is killed, and says what it asked and what it got.

``python writer.py ADDRESS RUN CLIENTS COUNT [--normal|--early] [--keys=FILE]``; standard input: keys that were asked
and not answered before.
Lines on standard output: ``ask KEY`` before a record is handed in, ``ack KEY DECISION SEQUENCE`` once it is durable.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path

from audit_samples import entry_of

from eco_credit.core.errors import StorageUnavailable
from eco_credit.registry.subject_keys import KeySource
from serving.audit import Journal, KeyConflict, sqlite

TENANTS = ("bank-a", "bank-b")
EARLY = "--early"
_PLACES = itertools.count(1)


def say(*words: object) -> None:
    """One line, whole, straight to the pipe: a kill must not leave it in a buffer."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def address_of(text: str) -> Path | str:
    return text if "://" in text else Path(text)


def tenant_of(key: str) -> str:
    return TENANTS[len(key) % 2]


async def ask(journal: Journal, run: str, key: str) -> bool:
    """Hand in one record under a key; each try carries an identifier of its own, as the service does it."""
    say("ask", key)
    if EARLY in sys.argv:  # the control: who asks is answered before the record is durable
        say("ack", key, f"d-{run}-{key}", next(_PLACES))
    entry = entry_of(f"d-{run}-{key}", tenant_of(key), key=key, request=b"{}", request_hash=key, features="f" * 2_000)
    try:
        found = await journal.append(entry, subject=f"s-{key[-2:]}")
    except (StorageUnavailable, KeyConflict):
        return False
    if EARLY not in sys.argv:
        say("ack", key, found.entry.decision_id, found.sequence)
    return True


async def client(journal: Journal, run: str, number: int, keys: list[str], count: int) -> None:
    for key in keys:
        if not await ask(journal, run, key):
            return
    for i in range(count):
        if not await ask(journal, run, f"{run}-{number}-{i}"):
            return


async def work(journal: Journal, run: str, clients: int, count: int) -> None:
    pending = sys.stdin.read().split()
    say("ready")
    await asyncio.gather(*(client(journal, run, n, pending[n::clients], count) for n in range(clients)))


def main() -> None:
    address, run, clients, count, *more = sys.argv[1:]
    if "--normal" in more:  # the control: commits are answered before they are on disk
        sqlite._PRAGMAS = tuple(p.replace("synchronous=FULL", "synchronous=NORMAL") for p in sqlite._PRAGMAS)
    named = [word.removeprefix("--keys=") for word in more if word.startswith("--keys=")]
    journal = Journal(address_of(address), keys=KeySource(Path(named[0])) if named else None)
    asyncio.run(work(journal, run, int(clients), int(count)))
    say("done")
    if "--open" not in more:
        journal.close()


if __name__ == "__main__":
    main()
