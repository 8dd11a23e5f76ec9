"""Sixty-four clients that ask for the same keys at once: one decision each."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from told import Told, environment, faults

from serving.audit import Journal

_RACER = """
import asyncio, sys
from writer import address_of, say
from audit_samples import entry_of
from serving.audit import Journal
address, name, clients, keys, keyed = sys.argv[1:]
journal = Journal(address_of(address), waiting=4096)

async def client(number):
    for i in range(int(keys)):
        key = f"k-{i}" if keyed == "1" else None
        entry = entry_of(f"d-{name}-{number}-{i}", "bank-a", key=key, request=b"{}", request_hash="h")
        found = await journal.append(entry)
        say("ack", f"k-{i}", found.entry.decision_id, found.sequence)

async def all_of_them():
    await asyncio.gather(*(client(n) for n in range(int(clients))))

sys.stdin.read()
asyncio.run(all_of_them())
journal.close()
"""


def race(
    address: Path | str, keys: int, *, clients: int = 64, processes: int = 2, keyed: bool = True
) -> dict[str, Any]:
    """Let the clients, in so many processes, hand in every key together.

    Args:
        address: an empty log.
        keys: how many keys.
        clients: how many clients.
        processes: over how many processes they are spread.
        keyed: False is the control: the same requests without their keys.
    """
    import sys

    Journal(address).close()
    here = str(Path(__file__).parent)
    paths = environment()
    words = [str(clients // processes), str(keys), "1" if keyed else "0"]
    children = [
        subprocess.Popen(
            [sys.executable, "-c", _RACER, str(address), f"p{n}", *words], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env=paths | {"PYTHONPATH": paths["PYTHONPATH"] + ":" + here},
        )
        for n in range(processes)
    ]  # fmt: skip
    told, answers = Told(), 0
    for child in children:
        if child.stdin is not None:
            child.stdin.close()
            child.stdin = None
    for child in children:
        lines = child.communicate(timeout=3_000)[0].splitlines()
        answers += len(lines)
        told.read(lines)
        if child.returncode != 0:
            raise RuntimeError("a client failed")
    journal = Journal(address)
    records = len(journal.records("bank-a"))
    journal.close()
    found = faults(address, told) if keyed else {}
    return {"keys": keys, "clients": clients, "answers": answers, "decisions": records,
            "keys_with_more_than_one": len(set(told.changed))} | found  # fmt: skip
