"""A log written before there were tenants stays readable and verifiable, and goes on."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa
from audit_samples import append, entry_of, make_log

from eco_credit.core.errors import StorageUnavailable
from serving.audit import Journal
from serving.audit.database import MIGRATIONS
from serving.audit.journal import add
from serving.audit.sqlite import open_sqlite, private
from serving.audit.statements import Statements
from serving.audit.tables import decisions
from serving.audit.verify import verify

OLD = (
    "decision_id", "kind", "about", "application_id", "route", "idempotency_key", "request_hash", "model_digest",
    "rules_hash", "contract", "code_version",
)  # fmt: skip


def old_log(path: Path, records: int = 4) -> list[str]:
    """A log of revision 0001, hashed here by the rule of that time; the last record is a person's decision."""
    private(path)
    engine = open_sqlite(path, writes=True)
    with engine.begin() as connection:
        MIGRATIONS.run(connection, "0001")
    engine.dispose()
    raw, previous, hashes = sqlite3.connect(path), "0" * 64, []
    for sequence in range(1, records + 1):
        last = sequence == records
        row = {name: f"{name}-{sequence}" for name in OLD}
        row |= {"kind": "outcome" if last else "score", "about": "decision_id-1" if last else None}
        answer = {"decided": "decline"} if last else {
            "recommendation": "refer", "grade": None, "as_of": "2025-12-31",
            "pledges": [{"kind": "water_right"}, {"kind": "order"}, {"kind": "order"}],
        }  # fmt: skip
        request, answered, at = b"{}", json.dumps(answer).encode(), "2026-01-01T00:00:00.000000Z"
        body = row | {"sequence": sequence, "created_at": at}
        body |= {"request_sha256": hashlib.sha256(request).hexdigest()}
        body |= {"answer_sha256": hashlib.sha256(answered).hexdigest()}
        text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        own = hashlib.sha256(previous.encode() + text.encode()).hexdigest()
        whole = row | {"sequence": sequence, "created_at": at, "request": request, "answer": answered}
        whole |= {"previous_hash": previous, "hash": own}
        raw.execute(
            f"insert into decisions ({','.join(whole)}) values ({','.join('?' * len(whole))})", list(whole.values())
        )
        hashes.append(own)
        previous = own
    raw.commit()
    raw.close()
    return hashes


def test_old_records_keep_their_hashes_and_the_chain_goes_on_from_them(tmp_path: Path) -> None:
    path = tmp_path / "decisions.db"
    hashes = old_log(path)
    journal = Journal(path)
    records = journal.records("demo")
    assert [r.hash for r in records] == hashes
    assert [r.entry.format for r in records] == [1] * 4
    assert (records[0].entry.recommendation, records[0].entry.pledge_kinds) == ("refer", "order water_right")
    assert (records[3].entry.recommendation, records[3].entry.about) == ("decline", "decision_id-1")
    assert journal.tenants() == ["demo"]
    (added,) = append(journal, entry_of())
    assert (added.sequence, added.previous_hash, added.entry.format) == (5, hashes[-1], 2)
    journal.close()
    assert (verify(path).records, verify(path).first_bad) == (5, None)


@pytest.mark.parametrize(
    "change",
    ["by_user = 'x'", "by_roles = 'auditor'", "features = 'x'", "as_of = '2026-01-01'", "recommendation = 'approve'",
     "grade = '1'", "pledge_kinds = 'order'", "tenant = 'bank'", "format = 2", "answer = 'text'", "request = null"],
)  # fmt: skip
def test_what_the_hash_of_an_old_record_does_not_cover_cannot_be_added_to_it(tmp_path: Path, change: str) -> None:
    path = tmp_path / "decisions.db"
    old_log(path)
    Journal(path).close()
    raw = sqlite3.connect(path)
    raw.execute("drop trigger decisions_no_update")
    raw.execute("pragma ignore_check_constraints = on")
    try:
        raw.execute(f"update decisions set {change} where sequence = 2")
    except sqlite3.IntegrityError:
        return  # the table itself does not take it
    raw.commit()
    raw.close()
    assert verify(path).first_bad == 2


def test_a_record_may_not_fall_back_to_the_older_format(tmp_path: Path) -> None:
    path = tmp_path / "decisions.db"
    journal = Journal(path)
    append(journal, entry_of("d-1"), entry_of("d-2", by_user="", by_roles="", features="", environment="", format=1))
    journal.close()
    verdict = verify(path)
    assert (verdict.first_bad, verdict.why) == (2, "it is of an older format than the record before")


def test_a_log_of_a_newer_version_is_refused_with_a_sentence_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "decisions.db"
    make_log(path, "demo", records=1)
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StorageUnavailable, match="newer version"):
        Journal(path)
    with sqlite3.connect(path) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


def test_a_log_of_before_there_were_erasures_takes_one_after_and_no_row_has_moved(tmp_path: Path) -> None:
    path = tmp_path / "decisions.db"
    private(path)
    engine = open_sqlite(path, writes=True)
    with engine.begin() as connection:
        MIGRATIONS.run(connection, "0002")
    entry = entry_of("e-1", kind="erasure", request=b"{}")
    columns = [column.name for column in decisions.c]
    with engine.begin() as connection:
        statements = Statements(engine.dialect)
        connection.exec_driver_sql(statements.chain, ("demo",))
        previous = "0" * 64
        for place in range(1, 30):
            head = (place - 1, previous)
            one = entry_of(f"d-{place}", features="f" * 2_000)
            previous = add(connection.exec_driver_sql, statements, one, head, now="n", shown=one).hash
        before = connection.exec_driver_sql(f"select rowid, {','.join(columns)} from decisions").fetchall()
    with pytest.raises(sa.exc.IntegrityError, match="decisions_kind"), engine.begin() as connection:
        add(connection.exec_driver_sql, statements, entry, (29, previous), now="n", shown=entry)
    with engine.begin() as connection:
        MIGRATIONS.run(connection)
    engine.dispose()
    raw = sqlite3.connect(path)
    assert raw.execute(f"select rowid, {','.join(columns)} from decisions").fetchall() == before
    assert raw.execute("pragma integrity_check").fetchall() == [("ok",)]
    names = {row[0] for row in raw.execute("select name from sqlite_master where tbl_name = 'decisions'")}
    assert {
        "decisions_listing",
        "decisions_about",
        "decisions_no_update",
        "decisions_no_delete",
        "decisions_no_replace",
    } <= names
    raw.close()
    journal = Journal(path)
    (added,) = append(journal, entry)
    with pytest.raises(StorageUnavailable):
        append(journal, entry_of("x-1", kind="other"))
    journal.close()
    assert (added.sequence, verify(path).records, verify(path).first_bad) == (30, 30, None)
