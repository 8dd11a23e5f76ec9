"""PostgreSQL holds the service to reading and adding its own tenant's records, whatever statement it is given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from audit_samples import append, entry_of, make_log

from eco_credit.core.errors import StorageUnavailable
from serving.audit import Journal
from serving.audit.verify import verify_all
from serving.settings import Settings

psycopg = pytest.importorskip("psycopg", reason="needs the extra postgres")


@pytest.fixture
def owner(database: str) -> Iterator[Any]:
    """A connection of the superuser to a log of two tenants."""
    make_log(database, "bank-a", "bank-b")
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


@pytest.fixture
def writer(owner: Any) -> Any:
    """The same connection in the role of the service, bound to one tenant."""
    owner.execute("SET ROLE eco_credit_writer")
    owner.execute("SELECT set_config('app.tenant', 'bank-a', false)")
    return owner


def tenants(connection: Any) -> set[str]:
    return {row[0] for row in connection.execute("SELECT tenant FROM decisions").fetchall()}


def test_row_security_shows_the_own_tenant_and_without_it_the_other_is_seen(owner: Any) -> None:
    owner.execute("SET ROLE eco_credit_writer")
    assert tenants(owner) == set(), "bound to nobody"
    owner.execute("SELECT set_config('app.tenant', 'bank-a', false)")
    assert tenants(owner) == {"bank-a"}
    owner.execute("RESET ROLE")
    owner.execute("ALTER TABLE decisions DISABLE ROW LEVEL SECURITY")
    owner.execute("SET ROLE eco_credit_writer")
    assert tenants(owner) == {"bank-a", "bank-b"}, "the control: this is what row security is for"


def test_a_record_of_another_tenant_is_not_taken(writer: Any) -> None:
    copy = "INSERT INTO decisions SELECT (jsonb_populate_record(d, '{\"tenant\": \"bank-b\", \"sequence\": 9}')).*"
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"):
        writer.execute(f"{copy} FROM decisions d WHERE sequence = 1")


@pytest.mark.parametrize(
    "statement",
    ["UPDATE decisions SET answer = 'x'", "DELETE FROM decisions", "TRUNCATE decisions", "DELETE FROM chains",
     "DROP TABLE decisions", "ALTER TABLE decisions DISABLE TRIGGER ALL",
     "ALTER TABLE decisions DISABLE ROW LEVEL SECURITY", "CREATE TABLE other (x int)"],
)  # fmt: skip
def test_the_role_of_the_service_may_only_read_and_insert(writer: Any, statement: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        writer.execute(statement)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE decisions SET answer = 'x'", "DELETE FROM decisions", "TRUNCATE decisions", "TRUNCATE chains",
     "SET session_replication_role = replica; DELETE FROM decisions"],
)  # fmt: skip
def test_even_the_owner_is_refused_by_the_triggers(owner: Any, statement: str) -> None:
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation, match="append-only"):
        owner.execute(statement)


def test_a_service_that_logs_in_with_the_plain_role_can_work_but_not_migrate(owner: Any, database: str) -> None:
    owner.execute("CREATE ROLE plain LOGIN IN ROLE eco_credit_writer")
    address = database.replace("postgres:@", "plain:@")
    assert address != database
    journal = Journal(address)
    (added,) = append(journal, entry_of("d-9", "bank-a"))
    assert added.sequence == 4
    journal.close()
    assert {v.records for v in verify_all(address).values()} == {3, 4}
    with psycopg.connect(database, autocommit=True) as other:
        other.execute("DROP OWNED BY plain")
    owner.execute("DROP ROLE plain")


def test_every_connection_of_the_service_commits_before_it_answers(database: str) -> None:
    journal = Journal(database)
    for engine in (journal._writer, journal._reader):
        with engine.connect() as connection:
            asked = [connection.exec_driver_sql(f"SHOW {name}").scalar() for name in ("synchronous_commit", "role")]
        assert asked == ["on", "eco_credit_writer"]
    journal.close()


def test_a_server_that_comes_back_is_used_again(database: str, owner: Any) -> None:
    journal = Journal(database)
    append(journal, entry_of("d-10", "bank-a"))
    owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    with pytest.raises(StorageUnavailable):
        append(journal, entry_of("d-11", "bank-a"))
    (added,) = append(journal, entry_of("d-12", "bank-a"))
    assert added.sequence == 5 and journal.writable()
    journal.close()


def test_the_address_comes_from_a_file_and_its_password_is_shown_nowhere(tmp_path: Path) -> None:
    secret = "postgresql://eco:Canary-9182@nowhere.invalid/log"
    file = tmp_path / "url"
    file.write_text(secret + "\n")
    assert Settings(database_url_file=file).decisions_address == secret
    with pytest.raises(StorageUnavailable, match="cannot be read"):
        _ = Settings(database_url_file=tmp_path / "none").decisions_address
    given = Settings(database_url=secret)  # type: ignore[arg-type]
    assert given.decisions_address == secret and "Canary" not in repr(given)
    for address in ("mysql://eco:Canary-9182@host/log", "Canary-9182"):
        with pytest.raises(StorageUnavailable) as refused:
            Journal(address)
        assert "Canary" not in str(refused.value)
