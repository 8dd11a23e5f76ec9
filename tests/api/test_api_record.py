"""The decision log behind the API: recorded before answered, once per key, never changed."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from api_service import Client, body_of, plain_client
from audit_samples import entry_of

from eco_credit.core.canonical import canonical_json
from eco_credit.core.errors import StorageUnavailable
from serving.audit.journal import Journal
from serving.audit.record import GENESIS, TEXT_FIELDS
from serving.settings import Settings

BODY = body_of({"application_id": "a-7", "amount": 10})


def test_the_stored_answer_is_the_answer_sent_byte_for_byte(plain: Client) -> None:
    sent = plain.post("/v1/scores", BODY)
    assert sent.status_code == 200
    record = plain.records()[0]
    assert record.entry.answer == sent.content
    shown = plain.get(sent.headers["location"])
    assert sent.content in shown.content
    # other tasks of the service look at the clock, too, and each look moves it by a second
    assert re.fullmatch(r"2026-11-23T01:02:\d\d\.000000Z", shown.json()["created_at"])


def test_an_answer_is_on_disk_before_it_is_sent(settings: Settings) -> None:
    with plain_client(settings) as client:
        decision_id = client.post("/v1/scores", BODY).json()["decision_id"]
        other = sqlite3.connect(settings.decisions_path)
        assert other.execute("select decision_id from decisions").fetchall() == [(decision_id,)]
        other.close()


def test_when_the_record_cannot_be_written_nothing_is_answered(
    plain: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise sa.exc.OperationalError("insert", {}, Exception("disk I/O error"))

    monkeypatch.setattr(plain.state.journal, "_append_one", broken)
    refused = plain.post("/v1/scores", BODY)
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/storage_unavailable")
    assert refused.headers["retry-after"] == "5"
    assert "max_loan" not in refused.text
    monkeypatch.undo()
    assert plain.records() == []
    assert plain.post("/v1/scores", BODY).status_code == 200


def test_a_fault_after_some_of_a_group_leaves_none_of_it(plain: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail the n-th insert of five sent together: whoever got an answer is recorded, nobody else is."""
    write = plain.state.journal._append_one
    for nth in range(1, 6):
        calls = iter(range(1, 100))

        def faulty(*arguments: Any, calls: Iterator[int] = calls, nth: int = nth) -> Any:
            if next(calls) == nth:
                raise sa.exc.OperationalError("insert", {}, Exception("disk full"))
            return write(*arguments)

        monkeypatch.setattr(plain.state.journal, "_append_one", faulty)
        before = {r.entry.decision_id for r in plain.records()}
        answers = plain.post_together("/v1/scores", [BODY] * 5)
        answered = {a.json()["decision_id"] for a in answers if a.status_code == 200}
        assert len(answered) < 5
        assert {r.entry.decision_id for r in plain.records()} - before == answered


def test_the_same_key_and_body_give_the_stored_answer_again(plain: Client) -> None:
    first = plain.post("/v1/scores", BODY, idempotency_key="k-1")
    again = plain.post("/v1/scores", b'{ "amount": 10, "application_id": "a-7" }', idempotency_key="k-1")
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len(plain.records()) == 1


def test_the_same_key_with_another_body_is_a_conflict(plain: Client) -> None:
    plain.post("/v1/scores", BODY, idempotency_key="k-1")
    other = plain.post("/v1/scores", body_of({"amount": 11}), idempotency_key="k-1")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/idempotency_conflict")
    assert len(plain.records()) == 1


def test_a_key_holds_across_a_restart_and_another_model(settings: Settings) -> None:
    with plain_client(settings) as client:
        first = client.post("/v1/scores", BODY, idempotency_key="k-1")
    with plain_client(settings, version="2") as client:
        assert client.post("/v1/scores", BODY, idempotency_key="k-1").content == first.content


def test_many_at_once_with_one_key_make_one_decision(plain: Client) -> None:
    answers = plain.post_together("/v1/scores", [BODY] * 20, idempotency_key="k-1")
    assert {a.status_code for a in answers} == {200}
    assert len({a.content for a in answers}) == 1
    assert len(plain.records()) == 1


def test_without_a_key_each_request_is_a_decision_of_its_own(plain: Client) -> None:
    assert plain.post("/v1/scores", BODY).content != plain.post("/v1/scores", BODY).content
    assert [r.sequence for r in plain.records()] == [1, 2]


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 129, "k;1"])
def test_a_key_that_is_not_plain_is_refused(plain: Client, key: str) -> None:
    refused = plain.post("/v1/scores", BODY, idempotency_key=key)
    assert refused.status_code == 400
    assert refused.json()["errors"][0] | {"message": ""} == {
        "field": "Idempotency-Key", "rule": "pattern", "message": ""
    }
    assert plain.records() == []


def test_a_model_that_is_not_synthetic_asks_for_a_key(settings: Settings) -> None:
    with plain_client(settings, synthetic=False) as client:
        refused = client.post("/v1/scores", BODY)
        assert (refused.status_code, refused.json()["errors"][0]["rule"]) == (400, "required")
        assert client.post("/v1/scores", BODY, idempotency_key="k").status_code == 200


@pytest.mark.parametrize(
    "statement",
    [
        "update decisions set answer = x'7b7d'",
        "delete from decisions",
        "insert or replace into decisions select * from decisions",
        "insert or replace into decisions select tenant, 99, format, 'd-other', kind, about, application_id, by_user,"
        " by_roles, route, idempotency_key, as_of, recommendation, grade, pledge_kinds, request_hash, model_digest,"
        " rules_hash, contract, code_version, features, environment, created_at, previous_hash, hash, request, answer"
        " from decisions",
        "delete from chains",
    ],
)
def test_the_database_itself_refuses_to_change_a_record(settings: Settings, statement: str) -> None:
    with plain_client(settings) as client:
        client.post("/v1/scores", BODY, idempotency_key="k-1")
    # A connection of its own, without any of our settings.
    connection = sqlite3.connect(settings.decisions_path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)
    assert connection.execute("select count(*) from decisions").fetchone() == (1,)
    connection.close()


def test_every_connection_is_set_for_durability(settings: Settings) -> None:
    with plain_client(settings) as client:
        for engine in (client.state.journal._writer, client.state.journal._reader):
            with engine.connect() as connection:
                found = {
                    name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                    for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "recursive_triggers")
                }
            # synchronous 2 is FULL.
            assert found == {
                "journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000,
                "recursive_triggers": 1,
            }


def test_each_record_is_chained_to_the_one_before(plain: Client) -> None:
    for amount in (1, 2.5, 3):
        decision_id = plain.post("/v1/scores", body_of({"amount": amount})).json()["decision_id"]
    outcome = {"decided": "approve", "decided_by": "u-1", "reason": "现场核查无误"}
    plain.post(f"/v1/decisions/{decision_id}/outcome", body_of(outcome))
    previous, last = GENESIS, 0
    for record in plain.records():
        # The link is worked out here anew: SHA-256(previous || canonical JSON of the record).
        body = {name: getattr(record.entry, name) for name in TEXT_FIELDS}
        body |= {"sequence": record.sequence, "created_at": record.created_at}
        body |= {
            "request_sha256": hashlib.sha256(record.entry.request).hexdigest(),
            "answer_sha256": hashlib.sha256(record.entry.answer).hexdigest(),
        }
        assert record.previous_hash == previous
        assert record.hash == hashlib.sha256(previous.encode() + canonical_json(body)).hexdigest()
        assert record.sequence == last + 1
        previous, last = record.hash, record.sequence
    assert last == 4


def test_the_log_is_readable_by_its_owner_only(settings: Settings) -> None:
    with plain_client(settings):
        assert settings.decisions_path.stat().st_mode & 0o077 == 0
        assert settings.home.stat().st_mode & 0o077 == 0


def test_the_migrated_table_is_the_table_of_today(settings: Settings) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from serving.audit.tables import metadata

    with plain_client(settings) as client, client.state.journal._reader.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_two_journals_on_one_file_share_one_chain(tmp_path: Path) -> None:
    journals = [Journal(tmp_path / "decisions.db") for _ in range(2)]
    barrier = threading.Barrier(2)

    def write(place: int) -> None:
        barrier.wait()
        for i in range(20):
            asyncio.run(journals[place].append(entry_of(f"d-{place}-{i}")))

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(write, range(2)))
    records = journals[0].records("demo")
    assert [r.sequence for r in records] == list(range(1, 41))
    assert all(b.previous_hash == a.hash for a, b in pairwise(records))
    for journal in journals:
        journal.close()


def test_what_one_turn_of_the_loop_appends_is_one_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, sizes = Journal(tmp_path / "decisions.db"), []
    commit = journal._commit

    def counted(tenant: str, entries: Any) -> Any:
        sizes.append(len(entries))
        return commit(tenant, entries)

    monkeypatch.setattr(journal, "_commit", counted)

    async def append_all() -> list[int]:
        found = await asyncio.gather(*(journal.append(entry_of(f"d-{i}")) for i in range(5)))
        return [record.sequence for record in found]

    assert asyncio.run(append_all()) == [1, 2, 3, 4, 5]
    assert sizes == [5] and journal.waiting == 0
    journal.close()


def test_a_caller_that_has_gone_away_before_its_turn_is_not_recorded(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "decisions.db")

    async def leave() -> None:
        gone = asyncio.create_task(journal.append(entry_of("d-gone")))
        await asyncio.sleep(0)  # it has appended, nothing is handed over yet
        gone.cancel()
        await journal.append(entry_of("d-stays"))

    asyncio.run(leave())
    assert [record.entry.decision_id for record in journal.records("demo")] == ["d-stays"]
    journal.close()


def test_a_log_that_closes_before_the_turn_ends_leaves_nobody_waiting(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "decisions.db")

    async def close_between() -> None:
        late = asyncio.create_task(journal.append(entry_of("d-late")))
        await asyncio.sleep(0)  # it has appended, nothing is handed over yet
        journal.close()
        with pytest.raises(StorageUnavailable):
            await asyncio.wait_for(late, 10)

    asyncio.run(close_between())
    again = Journal(tmp_path / "decisions.db")
    assert again.records("demo") == []
    again.close()


def test_when_too_many_wait_for_the_disk_the_next_is_turned_away(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "decisions.db", waiting=2)

    async def append_all() -> list[Any]:
        appended = (journal.append(entry_of(f"d-{i}")) for i in range(3))
        return await asyncio.gather(*appended, return_exceptions=True)

    first, second, third = asyncio.run(append_all())
    assert (first.sequence, second.sequence) == (1, 2)
    assert isinstance(third, StorageUnavailable)
    assert not journal.full
    journal.close()


def test_a_persons_decision_is_a_new_record_that_points_to_the_answer(plain: Client) -> None:
    scored = plain.post("/v1/scores", BODY)
    decision_id = scored.json()["decision_id"]
    outcome = {"decided": "decline", "decided_by": "u-1", "reason": "用途不符"}
    sent = plain.post(f"/v1/decisions/{decision_id}/outcome", body_of(outcome), idempotency_key="o")
    assert sent.status_code == 201
    second = {**outcome, "decided": "refer", "corrects": sent.json()["outcome_id"]}
    assert plain.post(f"/v1/decisions/{decision_id}/outcome", body_of(second)).status_code == 201
    shown = plain.get(f"/v1/decisions/{decision_id}").json()
    assert [o["decided"] for o in shown["outcomes"]] == ["decline", "refer"]
    assert shown["answer"] == scored.json()
    assert [(r.entry.kind, r.entry.about) for r in plain.records()] == [
        ("score", None), ("outcome", decision_id), ("outcome", decision_id)
    ]


def test_an_outcome_key_belongs_to_one_decision(plain: Client) -> None:
    first, second = (plain.post("/v1/scores", BODY).json()["decision_id"] for _ in range(2))
    raw = body_of({"decided": "approve", "decided_by": "u-1", "reason": "同意"})
    assert plain.post(f"/v1/decisions/{first}/outcome", raw, idempotency_key="k").status_code == 201
    assert plain.post(f"/v1/decisions/{first}/outcome", raw, idempotency_key="k").status_code == 201
    assert plain.post(f"/v1/decisions/{second}/outcome", raw, idempotency_key="k").status_code == 409
    assert len(plain.records()) == 3


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"decided": "approved"}, "decided", "code"),
        ({"decided_by": ""}, "decided_by", "min_length"),
        ({"reason": None}, "reason", "missing"),
        ({"reason": 5}, "reason", "type"),
        ({"corrects": "o-" + "0" * 26}, "corrects", "reference"),
        ({"decision_id": "d-" + "0" * 26}, "decision_id", "extra"),
        ({"amount": -1}, "amount", "minimum"),
        ({"amount": "5"}, "amount", "type"),
        ({"annual_rate": 4.5}, "annual_rate", "maximum"),
        ({"approved_by": "x"}, "approved_by", "extra"),
    ],
)
def test_an_outcome_that_breaks_a_rule_is_refused(
    plain: Client, change: dict[str, Any], field: str, rule: str
) -> None:
    decision_id = plain.post("/v1/scores", BODY).json()["decision_id"]
    outcome = {"decided": "approve", "decided_by": "u-1", "reason": "同意"} | change
    refused = plain.post(f"/v1/decisions/{decision_id}/outcome", body_of(outcome))
    assert refused.status_code == 422
    assert [(e["field"], e["rule"]) for e in refused.json()["errors"]] == [(field, rule)]
    assert len(plain.records()) == 1


@pytest.mark.parametrize("decision_id", ["d-" + "0" * 26, "x", "d-..%2F..", "o-" + "0" * 26])
def test_a_decision_that_is_not_there_is_not_found(plain: Client, decision_id: str) -> None:
    assert plain.get(f"/v1/decisions/{decision_id}").status_code == 404
    raw = body_of({"decided": "approve", "decided_by": "u-1", "reason": "同意"})
    assert plain.post(f"/v1/decisions/{decision_id}/outcome", raw).status_code == 404


def test_an_outcome_is_not_a_decision_to_decide_on(plain: Client) -> None:
    decision_id = plain.post("/v1/scores", BODY).json()["decision_id"]
    raw = body_of({"decided": "approve", "decided_by": "u-1", "reason": "同意"})
    outcome_id = plain.post(f"/v1/decisions/{decision_id}/outcome", raw).json()["outcome_id"]
    assert plain.get(f"/v1/decisions/{outcome_id}").status_code == 404
    assert plain.post(f"/v1/decisions/{outcome_id}/outcome", raw).status_code == 404


def test_a_refused_request_is_recorded_nowhere(plain: Client) -> None:
    assert plain.post("/v1/scores", b"{}", idempotency_key="k").status_code == 422
    assert plain.records() == []
    # The key is still free: a refusal is not a decision.
    assert plain.post("/v1/scores", BODY, idempotency_key="k").status_code == 200


def test_what_waits_is_written_when_the_service_stops(settings: Settings) -> None:
    with plain_client(settings) as client:
        answers = client.post_together("/v1/scores", [BODY] * 30)
    rows = sqlite3.connect(settings.decisions_path).execute("select answer from decisions")
    stored = {json.loads(row[0])["decision_id"] for row in rows}
    assert stored == {a.json()["decision_id"] for a in answers}
