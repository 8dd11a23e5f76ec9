"""Changing one thing in a log, ten thousand times: the verifier finds each, a reader that does not verify none."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from audit_samples import append, entry_of

from serving.audit import Journal
from serving.audit.verify import walk

TENANTS = ("bank-a", "bank-b")
RECORDS = 12


def make(folder: Path) -> sqlite3.Connection:
    """A log of two tenants in memory, without the triggers that refuse every change."""
    path = folder / "decisions.db"
    journal = Journal(path)
    for tenant in TENANTS:
        append(journal, *(
            entry_of(f"d-{tenant}-{i}", tenant, key=f"k-{i}" if i % 2 else None, grade=str(i % 5) if i % 3 else None)
            for i in range(RECORDS - 2)
        ))  # fmt: skip
        append(journal, *(
            entry_of(f"o-{tenant}-{i}", tenant, kind="outcome", about=f"d-{tenant}-{i}", answer=b'{"decided":"refer"}')
            for i in range(2)
        ))  # fmt: skip
    journal.close()
    raw = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
    on_disk = sqlite3.connect(path)
    on_disk.backup(raw)
    on_disk.close()
    for trigger in ("no_update", "no_delete", "no_replace"):
        raw.execute(f"drop trigger decisions_{trigger}")
    raw.execute("pragma ignore_check_constraints = on")
    return raw


class Held:
    """The connection as the verifier gets it: it cannot take back what was changed."""

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def rollback(self) -> None:
        """Nothing."""


def changed(value: Any, other: Any, chance: random.Random) -> Any:
    """Another value for a field: one bit or letter, a neighbour's value, nothing, or one more."""
    if isinstance(value, int):
        return value + chance.choice((-1, 1, 10, 1 << 40))
    way = chance.randrange(4)
    if way == 0 or not value:
        return other if other != value else "x"
    if way == 1:
        return value[:-1]
    place = chance.randrange(len(value))
    if isinstance(value, bytes):
        return value[:place] + bytes([value[place] ^ (1 << chance.randrange(8))]) + value[place + 1 :]
    letter = chr(ord(value[place]) ^ (1 << chance.randrange(5)))
    return value[:place] + (letter if letter.isprintable() else "?") + value[place + 1 :]


def change_one(raw: sqlite3.Connection, columns: list[str], chance: random.Random) -> str | None:
    """Change one field of one record, or take a record away, or swap two; None when nothing is another now."""
    tenant, place = chance.choice(TENANTS), chance.randint(1, RECORDS)
    here = (tenant, place)
    way = chance.randrange(20)
    if way == 0 and place < RECORDS:
        raw.execute("delete from decisions where tenant = ? and sequence = ?", here)
        return "deleted"
    if way == 1 and place < RECORDS:
        for old, new in ((place, 999), (place + 1, place), (999, place + 1)):
            raw.execute("update decisions set sequence = ? where tenant = ? and sequence = ?", (new, tenant, old))
        return "swapped"
    column = chance.choice(columns)
    read = f'select "{column}" from decisions where tenant = ? and sequence = ?'
    value = raw.execute(read, here).fetchone()[0]
    other = raw.execute(read, (tenant, chance.randint(1, RECORDS))).fetchone()[0]
    try:
        write = f'update decisions set "{column}" = ? where tenant = ? and sequence = ?'
        raw.execute(write, (changed(value, other, chance), *here))
    except sqlite3.IntegrityError:
        return None  # the table does not take it
    if column in ("tenant", "sequence"):
        return column
    return None if raw.execute(read, here).fetchone()[0] == value else column


def tamper(folder: Path, mutations: int, seed: int) -> dict[str, Any]:
    """Change one thing at a time and let the verifier look.

    Returns:
        How many were found, which were not, and of how many a reader without the verifier would have noticed.
    """
    chance, raw = random.Random(seed), make(folder)
    engine = sa.create_engine("sqlite://", creator=lambda: Held(raw), poolclass=sa.StaticPool)
    columns = [row[1] for row in raw.execute("pragma table_info(decisions)")]
    # the last record of a chain can be taken away unseen: that is what a checkpoint is for
    heads = {tenant: {RECORDS: walk(engine, tenant, {}).head} for tenant in TENANTS}
    done, found, by_reading, missed = 0, 0, 0, []
    fields: set[str] = set()
    while done < mutations:
        raw.execute("begin")
        what = change_one(raw, columns, chance)
        if what is not None:
            done += 1
            fields.add(what)
            by_reading += not reads_plainly(raw)
            bad = any(walk(engine, tenant, heads[tenant]).first_bad is not None for tenant in TENANTS)
            found += bad
            missed += [] if bad else [what]
        if raw.in_transaction:
            raw.execute("rollback")
    return {"mutations": done, "seed": seed, "found": found, "missed": missed, "fields": len(fields),
            "noticed_without_verifier": by_reading}  # fmt: skip


def reads_plainly(raw: sqlite3.Connection) -> bool:
    """The control: a reader that takes what is there, and sees every record it can name."""
    return len(raw.execute("select decision_id, answer from decisions").fetchall()) == RECORDS * len(TENANTS)
