"""API keys: shown once, kept as a digest, ended at once, read again when changed."""

from __future__ import annotations

import base64
import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import sqlalchemy as sa
from api_service import body_of
from api_users import Bank

from eco_credit.core.errors import StorageUnavailable
from serving.access import Principal, Role
from serving.access.keybook import MIGRATIONS, MOST_SESSIONS, SqlKeyBook
from serving.access.tables import keys, metadata

OFFICER = Role.LOAN_OFFICER
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[Bank]:
    with Bank(tmp_path / "home") as one:
        yield one


@pytest.fixture
def book(tmp_path: Path) -> SqlKeyBook:
    return SqlKeyBook(tmp_path / "users.db")


def test_a_key_lets_its_user_in_and_nothing_else_does(bank: Bank) -> None:
    key = bank.key(OFFICER)
    assert bank.get("/v1/rules?prefix=none", key).status_code != 401
    assert bank.post("/v1/scores", body_of({"amount": 4}), key, idempotency_key="k").status_code == 200
    wrong = key[:-1] + ("A" if key[-1] != "A" else "B")
    for other in (None, wrong, key + "x", key.upper(), "eck_", "x" * 9000, key.replace("eck_", "eck_0", 1)):
        refused = bank.get("/v1/models", other)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer"), other


def test_only_the_bearer_scheme_given_once_counts(bank: Bank) -> None:
    key = bank.key(OFFICER)
    assert bank.client.get("/v1/models", authorization=f"bearer {key}").status_code == 200
    for header in (f"Basic {base64.b64encode(key.encode()).decode()}", key, f"Bearer{key}"):
        assert bank.client.get("/v1/models", authorization=header).status_code == 401
    assert bank.client.get("/v1/models?key=" + key).status_code == 401


def test_every_refusal_is_the_same_bytes_whatever_was_wrong(bank: Bank) -> None:
    key = bank.key(OFFICER, user="gone")
    known = key.split("_")[1]
    bank.book.end(known, why="revoked", at=bank.now, now=bank.now)
    tried = [None, key, f"eck_{known}_{'A' * 43}", f"eck_{'0' * 16}_{'A' * 43}", "a.b.c", "nonsense"]
    answers = [bank.get("/v1/models", one, x_request_id="r") for one in tried]
    assert {(a.status_code, a.content) for a in answers} == {(401, answers[0].content)}


def test_a_key_holds_256_random_bits_and_its_identifier_can_be_shown(book: SqlKeyBook) -> None:
    made = [book.add("li", tenant="bank", roles=[OFFICER], now=NOW) for _ in range(5)]
    for kept, text in made:
        found = re.fullmatch(r"eck_([0-9a-f]{16})_([A-Za-z0-9_-]{43})", text)
        assert found is not None and found[1] == kept.key_id
        assert len(base64.urlsafe_b64decode(found[2] + "=")) == 32
    assert len({text for _, text in made}) == 5


def test_the_file_holds_the_digest_of_a_key_and_never_the_key(book: SqlKeyBook, tmp_path: Path) -> None:
    kept, text = book.add("li", tenant="bank", roles=[OFFICER], now=NOW)
    assert kept.digest == sha256(text.encode()).hexdigest()
    for file in tmp_path.iterdir():
        assert text.split("_", 2)[2].encode() not in file.read_bytes()
    assert (tmp_path / "users.db").stat().st_mode & 0o077 == 0


def test_a_key_ends_with_its_day(bank: Bank) -> None:
    key = bank.key(OFFICER, hours=1)
    assert bank.get("/v1/models", key).status_code == 200
    bank.client.state.clock.now += timedelta(hours=1)
    assert bank.get("/v1/models", key).status_code == 401


def test_a_revoked_key_is_refused_by_the_next_request(bank: Bank) -> None:
    key = bank.key(OFFICER)
    assert bank.get("/v1/models", key).status_code == 200
    bank.book.end(key.split("_")[1], why="revoked", at=bank.now, now=bank.now)
    assert bank.get("/v1/models", key).status_code == 401


def test_a_rotated_key_is_taken_through_its_grace_and_the_new_one_at_once(bank: Bank) -> None:
    old = bank.key(OFFICER, hours=100)
    kept = bank.book.read()[old.split("_")[1]]
    made, new = bank.book.rotate(kept, until=bank.now + timedelta(hours=2), now=bank.now)
    assert (made.user, made.tenant, made.roles, made.ends_at) == (kept.user, kept.tenant, kept.roles, kept.ends_at)
    assert [bank.get("/v1/models", one).status_code for one in (old, new)] == [200, 200]
    bank.client.state.clock.now += timedelta(hours=2)
    assert [bank.get("/v1/models", one).status_code for one in (old, new)] == [401, 200]


def test_the_earliest_end_stands(book: SqlKeyBook) -> None:
    kept, _ = book.add("li", tenant="bank", roles=[OFFICER], now=NOW, expires=NOW + timedelta(days=9))
    book.end(kept.key_id, why="rotated", at=NOW + timedelta(days=1), now=NOW)
    book.end(kept.key_id, why="revoked", at=NOW, now=NOW)
    found = book.read()[kept.key_id]
    assert (found.ends_at, found.why, found.live(NOW)) == (NOW, "revoked", False)


@pytest.mark.parametrize("table", ["access_keys", "access_ends"])
@pytest.mark.parametrize("change", ["UPDATE {} SET key_id = 'x'", "DELETE FROM {}"])
def test_no_key_and_no_end_can_be_changed_or_taken_away(
    book: SqlKeyBook, tmp_path: Path, table: str, change: str
) -> None:
    kept, _ = book.add("li", tenant="bank", roles=[OFFICER], now=NOW)
    book.end(kept.key_id, why="revoked", at=NOW, now=NOW)
    connection = sqlite3.connect(tmp_path / "users.db")
    with pytest.raises(sqlite3.DatabaseError, match="append-only"):
        connection.execute(change.format(table))
    connection.close()


def test_the_migrations_make_the_tables_of_today(book: SqlKeyBook, tmp_path: Path) -> None:
    book.read()
    made = sa.inspect(sa.create_engine(f"sqlite:///{tmp_path / 'users.db'}"))
    for table in metadata.sorted_tables:
        found = {c["name"]: (c["nullable"], str(c["type"])) for c in made.get_columns(table.name)}
        assert found == {c.name: (c.nullable, str(c.type)) for c in table.columns}
    assert {"access_version"} < set(made.get_table_names())


def test_a_role_that_is_no_longer_known_counts_for_nothing(book: SqlKeyBook, tmp_path: Path) -> None:
    kept, _ = book.add("li", tenant="bank", roles=[OFFICER], now=NOW)
    with sqlite3.connect(tmp_path / "users.db") as connection:
        connection.execute(
            "INSERT INTO access_keys SELECT 'other', digest, tenant, user_name, 'root,auditor', made_at, NULL"
            " FROM access_keys"
        )
    assert book.read()["other"].roles == {Role.AUDITOR}
    assert book.read()[kept.key_id].roles == {OFFICER}


def test_a_change_by_another_process_is_seen(bank: Bank) -> None:
    key = bank.key(OFFICER)
    assert bank.get("/v1/models", key).status_code == 200
    key_id = key.split("_")[1]
    done = users("revoke", key_id, home=bank.home)
    assert done.returncode == 0, done.stderr
    bank.client.state.clock.now = datetime.now(UTC)  # the command looks at the real clock
    assert bank.get("/v1/models", key).status_code == 401


def test_many_changes_in_one_moment_are_all_seen(book: SqlKeyBook, tmp_path: Path) -> None:
    """Two changes may leave the same time stamp; what was read just after a change is not trusted yet."""
    reader = SqlKeyBook(tmp_path / "users.db")
    for number in range(1, 30):
        book.add(f"u{number}", tenant="bank", roles=[OFFICER], now=NOW)
        if not reader.fresh():
            found = reader.read()
        assert len(found) == number


def test_what_was_read_is_kept_until_the_file_changes(book: SqlKeyBook, tmp_path: Path) -> None:
    book.add("li", tenant="bank", roles=[OFFICER], now=NOW)
    old = NOW.timestamp()
    os.utime(tmp_path / "users.db", (old, old))
    book.read()
    assert book.fresh() and book.fresh()
    book.add("wang", tenant="bank", roles=[OFFICER], now=NOW)
    assert not book.fresh()


def test_a_damaged_file_lets_nobody_in_and_says_so_without_a_reason(bank: Bank) -> None:
    key = bank.key(OFFICER)
    assert bank.get("/v1/models", key).status_code == 200
    (bank.home / "users.db").write_bytes(b"not a database" * 1000)
    refused = bank.get("/v1/models", key)
    assert (refused.status_code, refused.json()["type"]) == (503, "/problems/storage_unavailable")
    assert bank.client.get("/livez").status_code == 200


ADD_FOREVER = """
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from serving.access import Principal, Role
from serving.access.keybook import SqlKeyBook
book = SqlKeyBook(Path(sys.argv[1]))
for number in range(10_000):
    kept, text = book.add(f"{sys.argv[2]}{number}", tenant="bank", roles=[Role.AUDITOR], now=datetime.now(UTC))
    print(kept.key_id, flush=True)
    time.sleep(0.02)  # SQLite lets writers in in no order: one that never rests would keep the other out
"""


def test_two_processes_add_keys_and_a_kill_loses_none_that_was_shown(tmp_path: Path) -> None:
    home = tmp_path / "users.db"
    command = [sys.executable, "-c", ADD_FOREVER, str(home)]
    made = [subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True, cwd=ROOT) for name in "ab"]
    shown: list[str] = []
    for process in made:
        assert process.stdout is not None
        shown += [process.stdout.readline().strip() for _ in range(5)]
    for process in made:
        process.kill()
        rest, _ = process.communicate()
        shown += [line for line in rest.splitlines() if len(line) == 16]
    kept = SqlKeyBook(home).read()
    assert len(shown) >= 10
    assert set(shown) <= set(kept)
    # At most one key of each process was kept without being shown.
    assert len(kept) - len(set(shown)) <= 2


def test_a_book_that_cannot_be_opened_is_storage_trouble(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageUnavailable):
        SqlKeyBook(tmp_path / "file" / "users.db").read()


def test_logins_of_one_key_are_bounded_and_the_oldest_goes(book: SqlKeyBook) -> None:
    kept, _ = book.add("li", tenant="bank", roles=[OFFICER], now=NOW)
    later = NOW + timedelta(hours=1)
    for number in range(MOST_SESSIONS + 3):
        book.open_session(f"s{number}", kept.key_id, now=NOW + timedelta(seconds=number), until=later)
    alive = [n for n in range(MOST_SESSIONS + 3) if book.session(f"s{n}", NOW) == kept.key_id]
    assert alive == list(range(3, MOST_SESSIONS + 3))
    assert book.session("s9", later) is None
    book.close_session("s9")
    assert book.session("s9", NOW) is None


def test_refused_keys_of_one_peer_are_bounded_and_known_ones_pass(tmp_path: Path) -> None:
    with Bank(tmp_path / "home", failed_logins_per_minute=5) as bank:
        known, fresh = bank.key(OFFICER), bank.key(OFFICER)
        assert bank.get("/v1/models", known).status_code == 200
        codes = [bank.get("/v1/models", f"eck_{'0' * 16}_{n:043d}").status_code for n in range(8)]
        assert codes == [401] * 5 + [429] * 3
        waiting = bank.get("/v1/models", fresh)
        assert (waiting.status_code, waiting.headers["retry-after"]) == (429, "60")
        assert bank.get("/v1/models", known).status_code == 200
        assert bank.get("/v1/models").status_code == 401  # nothing was tried, nothing is counted



def users(*words: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run ``eco-credit users`` on a store."""
    program = "import sys; from serving.cli import main; sys.argv[0] = 'eco-credit'; main()"
    command = [sys.executable, "-c", program, "users", *words, "--home", str(home), "--json"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def test_guests_states_and_uses_are_kept_and_end_in_their_time(book: SqlKeyBook) -> None:
    by, until = Principal("bank-g", "chen", frozenset({Role.AUDITOR, OFFICER})), NOW + timedelta(hours=1)
    book.open_guest("g", by, issuer="i", now=NOW, until=until)
    assert book.visitor("g", NOW, "i") == by
    assert [book.visitor("g", *other) for other in ((until, "i"), (NOW, "other"), (NOW, None))] == [None] * 3
    assert book.use_state("s", now=NOW, until=until) and not book.use_state("s", now=NOW, until=until)
    kept, _ = book.add("li", tenant="bank", roles=[OFFICER], now=NOW)
    for hours in (0, 2, 1):
        book.note_uses({kept.key_id: NOW + timedelta(hours=hours)})
    assert book.uses() == {kept.key_id: NOW + timedelta(hours=2)}


def test_a_book_of_the_version_before_is_brought_up_with_its_keys(book: SqlKeyBook, tmp_path: Path) -> None:
    with sa.create_engine(f"sqlite:///{tmp_path / 'users.db'}").begin() as connection:
        MIGRATIONS.run(connection, "0001")
        connection.execute(keys.insert().values(
            key_id="0" * 16, digest="d", tenant="bank", user_name="li", roles="auditor",
            made_at="2026-01-01T00:00:00Z", expires_at=None,
        ))  # fmt: skip
    assert book.read()["0" * 16].user == "li"
    assert book.guests("bank", NOW) == [] and book.uses() == {}
