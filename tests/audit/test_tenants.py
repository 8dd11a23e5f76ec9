"""Each tenant has a chain, keys and records of its own, in SQLite and in PostgreSQL alike."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from audit_samples import append, entry_of, make_log

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.errors import StorageUnavailable
from serving.audit import Journal, KeyConflict
from serving.audit.database import open_engine
from serving.audit.listing import Wanted, chosen
from serving.audit.record import GENESIS, TEXT_FIELDS, link
from serving.audit.verify import verify, verify_all

Address = Path | str


def test_each_tenant_has_a_chain_of_its_own_and_reads_nobody_elses(address: Address) -> None:
    journal = Journal(address)
    mixed = [entry_of(f"d-{i}-{tenant}", tenant) for i in range(5) for tenant in ("bank-a", "bank-b")]
    append(journal, *mixed)
    for tenant in ("bank-a", "bank-b"):
        records = journal.records(tenant)
        assert [r.sequence for r in records] == [1, 2, 3, 4, 5]
        assert {r.entry.tenant for r in records} == {tenant}
        assert records[0].previous_hash == GENESIS
        assert all(b.previous_hash == a.hash for a, b in pairwise(records))
    assert journal.find("bank-a", "d-1-bank-a") is not None
    assert journal.find("bank-b", "d-1-bank-a") is None
    assert journal.about("bank-b", "d-1-bank-a") == []
    assert journal.records("nobody") == []
    assert journal.tenants() == ["bank-a", "bank-b"]
    journal.close()
    assert {t: v.records for t, v in verify_all(address).items()} == {"bank-a": 5, "bank-b": 5}


def test_a_key_is_one_tenants_own(address: Address) -> None:
    journal = Journal(address)
    (one,) = append(journal, entry_of("d-1", "bank-a", key="k"))
    (other,) = append(journal, entry_of("d-2", "bank-b", key="k"))
    assert not other.repeated and other.sequence == 1
    (again,) = append(journal, entry_of("d-3", "bank-a", key="k", request_hash=one.entry.request_hash))
    assert again.repeated and again.entry.decision_id == "d-1"
    with pytest.raises(KeyConflict):
        append(journal, entry_of("d-4", "bank-a", key="k", request_hash="other"))
    assert journal.answered("bank-c", "POST /v1/scores", "k", request_hash="x") is None
    journal.close()


def test_who_asked_and_the_tenant_are_part_of_the_hash(address: Address) -> None:
    journal = Journal(address)
    (record,) = append(journal, entry_of())
    journal.close()
    # worked out here anew: SHA-256(previous || canonical JSON), request and answer by their own SHA-256
    body = {name: getattr(record.entry, name) for name in TEXT_FIELDS}
    assert {"tenant", "by_user", "by_roles", "features", "environment", "format"} <= set(body)
    body |= {"sequence": 1, "created_at": record.created_at}
    body |= {"request_sha256": sha256(record.entry.request), "answer_sha256": sha256(record.entry.answer)}
    assert record.hash == sha256(GENESIS.encode() + canonical_json(body))
    place = {"sequence": 1, "created_at": record.created_at, "previous_hash": GENESIS}
    for name in TEXT_FIELDS:
        assert link(replace(record.entry, **{name: "another"}), **place) != record.hash  # type: ignore[arg-type]


def test_two_journals_on_one_log_do_not_fork_a_chain(address: Address) -> None:
    journals = [Journal(address) for _ in range(2)]
    barrier = threading.Barrier(2)

    def write(place: int) -> None:
        barrier.wait()
        for i in range(15):
            append(journals[place], *(entry_of(f"d-{place}-{i}-{tenant}", tenant) for tenant in ("bank-a", "bank-b")))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(2)))
    for journal in journals:
        journal.close()
    assert {(v.records, v.first_bad) for v in verify_all(address).values()} == {(30, None)}


def test_a_fault_in_one_tenants_transaction_leaves_the_others_alone(
    address: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(address)
    write = journal._append_one

    def faulty(connection: sa.Connection, entry: object, head: tuple[int, str]) -> object:
        if getattr(entry, "tenant", "") == "bank-a":
            raise sa.exc.OperationalError("insert", {}, Exception("disk full"))
        return write(connection, entry, head)  # type: ignore[arg-type]

    monkeypatch.setattr(journal, "_append_one", faulty)
    with pytest.raises(StorageUnavailable):
        append(journal, entry_of("d-1", "bank-a"), entry_of("d-2", "bank-b"))
    monkeypatch.undo()
    append(journal, entry_of("d-3", "bank-a"), entry_of("d-4", "bank-b"))
    assert [r.entry.decision_id for r in journal.records("bank-a")] == ["d-3"]
    assert "d-4" in [r.entry.decision_id for r in journal.records("bank-b")]
    journal.close()


def test_the_migrated_tables_are_the_tables_of_today(address: Address) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from serving.audit.tables import metadata

    make_log(address, "bank-a")
    engine = open_engine(address, writes=False)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_a_list_is_chosen_by_its_index_alone_newest_first_and_page_by_page(address: Address) -> None:
    journal = Journal(address)
    for i in range(12):
        day = f"2026-03-{i + 1:02d}"
        kinds = "forest_right order" if i % 3 == 0 else "water_right"
        append(journal, entry_of(f"d-{i}", "bank-a", as_of=day, pledge_kinds=kinds,
                                 recommendation=("approve", "refer")[i % 2]))  # fmt: skip
    append(journal, entry_of("d-x", "bank-b"))
    append(journal, entry_of("o-1", "bank-a", kind="outcome", about="d-3", answer=b'{"decided":"decline"}'))

    def numbers(**wanted: object) -> list[str]:
        return [line.decision_id for line in journal.page("bank-a", Wanted(**wanted))]  # type: ignore[arg-type]

    assert numbers() == [f"d-{i}" for i in range(11, -1, -1)]
    first = journal.page("bank-a", Wanted(limit=5))
    second = journal.page("bank-a", Wanted(limit=5, after=first[-1].sequence))
    assert [line.decision_id for line in (*first, *second)] == [f"d-{i}" for i in range(11, 1, -1)]
    assert numbers(recommendation="approve", since="2026-03-03", until="2026-03-08") == ["d-6", "d-4", "d-2"]
    assert numbers(kind="order") == ["d-9", "d-6", "d-3", "d-0"]
    assert numbers(kind="right") == numbers(kind="forest_right order ") == []
    assert numbers(text="a-d-1") == ["d-11", "d-10", "d-1"]
    assert numbers(text="A-D-1") == numbers(text="a_d") == numbers(text="%") == []
    assert [line.outcomes for line in journal.page("bank-a", Wanted(text="a-d-3"))] == [(b'{"decided":"decline"}',)]
    if journal._reader.dialect.name == "sqlite":
        query = chosen("bank-a", Wanted(recommendation="approve", kind="order", text="a", since="2026-01-01"))
        text = str(query.compile(journal._reader, compile_kwargs={"literal_binds": True}))
        with journal._reader.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").fetchall()
        assert ["USING COVERING INDEX decisions_listing" in str(step) for step in plan] == [True]
    journal.close()


def test_a_longer_log_does_not_make_a_record_dearer(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "decisions.db"
    make_log(path, "bank-a", records=400)
    raw, steps = sqlite3.connect(path), [0]

    def work_of_one(sequence: int) -> int:
        """Steps of SQLite's machine to add a copy of the first record."""
        steps[0] = 0
        raw.set_progress_handler(lambda: steps.__setitem__(0, steps[0] + 1), 1)
        columns = [row[1] for row in raw.execute("pragma table_info(decisions)")]
        changed = {"sequence": str(sequence), "decision_id": f"'d-{sequence}'", "idempotency_key": f"'x-{sequence}'"}
        chosen = ", ".join(changed.get(column, column) for column in columns)
        raw.execute(f"insert into decisions select {chosen} from decisions where sequence = 1 and tenant = 'bank-a'")
        raw.set_progress_handler(None, 1)
        return steps[0]

    # 400 records: a walk through them would take thousands of steps
    assert work_of_one(401) < 1000
    raw.close()


def test_a_service_whose_chain_ends_unsound_is_not_ready(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "decisions.db"
    make_log(path, "bank-a", "bank-b")
    journal = Journal(path)
    assert journal.sound()
    raw = sqlite3.connect(path)
    raw.execute("drop trigger decisions_no_update")
    raw.execute("update decisions set grade = '1' where tenant = 'bank-b' and sequence = 3")
    raw.commit()
    raw.close()
    assert journal.writable() and not journal.sound()
    journal.close()


def test_the_verifier_names_the_first_record_of_the_right_tenant(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "decisions.db"
    make_log(path, "bank-a", "bank-b", records=5)
    raw = sqlite3.connect(path)
    raw.execute("drop trigger decisions_no_update")
    raw.execute("update decisions set by_user = 'another' where tenant = 'bank-b' and sequence = 3")
    raw.commit()
    raw.close()
    found = verify_all(path)
    assert (found["bank-a"].first_bad, found["bank-b"].first_bad) == (None, 3)
    assert found["bank-b"].why == "its content does not match its hash" and found["bank-b"].records == 2
    assert verify(path, "bank-a").records == 5
