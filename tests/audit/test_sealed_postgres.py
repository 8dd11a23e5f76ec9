"""Sealed records in PostgreSQL: who may touch a key, erasing, and moving a sealed log there."""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from audit_samples import append, entry_of
from test_sealed_log import CANARIES, NAME, NUMBER, application

from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.errors import StorageUnavailable
from eco_credit.registry.subject_keys import KeySource, new_key_file
from serving.audit import Entry, Journal
from serving.audit.copying import copy_log
from serving.audit.erasing import count_keys, wrap_anew
from serving.audit.verify import verify_all
from serving.erasure import Order, erase_person
from serving.settings import Settings

psycopg = pytest.importorskip("psycopg", reason="needs the extra postgres")
NOW = dt.datetime(2026, 11, 25, 4, 0, tzinfo=dt.UTC)
SAID = {"reason": "unlawful", "by": "li", "second": "wang"}


def about(name: str, tenant: str = "bank-a", **changed: Any) -> Entry:
    """A record about the person of the canaries."""
    request = canonical_json(application())
    return entry_of(name, tenant, request=request, request_hash=sha256(request), **changed)


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    new_key_file(tmp_path / "subject.key")
    return tmp_path / "subject.key"


def make(address: Path | str, keys: Path | None) -> None:
    """Two tenants with records about the same person, and a person's decision."""
    journal = Journal(address, keys=None if keys is None else KeySource(keys))

    async def fill() -> None:
        for tenant in ("bank-a", "bank-b"):
            await journal.append(about(f"d-{tenant}", tenant), subject=NUMBER)
        said = canonical_json({"decided": "refer", "decided_by": "li", "reason": NAME})
        outcome = about("o-1", kind="outcome", about="d-bank-a", answer=said, recommendation="refer")
        await journal.append(dataclasses.replace(outcome, request=said))

    import asyncio

    try:
        asyncio.run(fill())
    finally:
        journal.close()


def settings(address: Path | str, keys: Path, home: Path) -> Settings:
    where = {"home": home} if isinstance(address, Path) else {"home": home, "database_url": address}
    return Settings(access="keys", subject_key_file=keys, **where)


def columns(database: str) -> bytes:
    """Every value of every row of the log, as bytes."""
    with psycopg.connect(database) as connection:
        found = []
        for table in ("decisions", "subject_keys", "chains"):
            for row in connection.execute(f"select * from {table}").fetchall():
                found += [bytes(v) if isinstance(v, bytes) else str(v).encode() for v in row]
    return b"\n".join(found)


def known(data: bytes) -> set[str]:
    return {canary for canary in CANARIES if canary.encode() in data}


def test_no_column_tells_of_a_person_and_without_a_key_file_one_does(database: str, keys: Path) -> None:
    make(database, keys)
    assert known(columns(database)) == set()


def test_the_control_in_plain(database: str) -> None:
    make(database, None)
    assert known(columns(database)) == set(CANARIES)


def test_the_service_may_add_keys_and_neither_change_nor_delete_one(database: str, keys: Path) -> None:
    make(database, keys)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SET ROLE eco_credit_writer")
        assert connection.execute("SELECT count(*) FROM subject_keys").fetchone() == (0,), "bound to nobody"
        connection.execute("SELECT set_config('app.tenant', 'bank-a', false)")
        assert connection.execute("SELECT tenant FROM subject_keys").fetchall() == [("bank-a",)]
        for statement in ("DELETE FROM subject_keys", "UPDATE subject_keys SET wrapped = ''", "TRUNCATE subject_keys"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_the_role_that_erases_cannot_change_a_record_nor_take_a_key_without_its_record(
    database: str, keys: Path
) -> None:
    make(database, keys)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SET ROLE eco_credit_eraser")
        connection.execute("SELECT set_config('app.tenant', 'bank-a', false)")
        for statement in (
            "DELETE FROM decisions",
            "UPDATE decisions SET grade = '1'",
            "UPDATE subject_keys SET subject = ''",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)
        with pytest.raises(psycopg.errors.IntegrityError, match="goes only with the record"):
            connection.execute("DELETE FROM subject_keys")
        connection.execute("RESET ROLE")
        with pytest.raises(psycopg.errors.IntegrityError, match="only wrapped anew"):
            connection.execute("UPDATE subject_keys SET subject = 'x'")


def test_a_person_is_erased_in_one_tenant_and_stays_in_the_other(
    address: Path | str, keys: Path, tmp_path: Path
) -> None:
    make(address, keys)
    given = settings(address, keys, tmp_path)
    found = erase_person(given, Order("bank-a", NUMBER, SAID), clock=lambda: NOW)
    assert (found["erased"], found["sequences"], found["sequence"]) == (True, [1, 2], 3)
    assert found["write_ahead_log_emptied"] is isinstance(address, Path)
    journal = Journal(address, keys=KeySource(keys))
    try:
        first, second, last = journal.records("bank-a")
        assert (first.erased, second.erased, last.entry.kind) == (True, True, "erasure")
        assert NAME.encode() not in second.entry.answer
        (other,) = journal.records("bank-b")
        assert NAME.encode() in other.entry.request and not other.erased
        (again,) = append(journal, about("d-again"))
        assert again.sequence == 4
        with pytest.raises(StorageUnavailable) as refused:
            append(journal, about("o-2", kind="outcome", about="d-bank-a"))
        assert "erased" in str(refused.value.__cause__)
    finally:
        journal.close()
    assert {tenant: verdict.first_bad for tenant, verdict in verify_all(address).items()} == {
        "bank-a": None,
        "bank-b": None,
    }


def test_a_login_that_may_only_erase_erases_and_wraps_anew_and_the_services_login_does_not(
    database: str, keys: Path, tmp_path: Path
) -> None:
    make(database, keys)
    with psycopg.connect(database, autocommit=True) as connection:
        for login, role in (("dpo", "eco_credit_eraser"), ("desk", "eco_credit_writer")):
            connection.execute(f"DROP ROLE IF EXISTS {login}")
            connection.execute(f"CREATE ROLE {login} LOGIN IN ROLE {role}")
    as_login = {name: str(sa.make_url(database).set(username=name).render_as_string(False)) for name in ("dpo", "desk")}
    order = Order("bank-a", NUMBER, SAID)
    with pytest.raises(StorageUnavailable):
        erase_person(settings(as_login["desk"], keys, tmp_path), order, clock=lambda: NOW)
    turned = KeySource(keys).now().rotated()
    turned.write(keys)
    assert (wrap_anew(as_login["dpo"], turned), count_keys(as_login["dpo"])) == (2, {turned.current: 2})
    assert erase_person(settings(as_login["dpo"], keys, tmp_path), order, clock=lambda: NOW)["sequences"] == [1, 2]


def test_keys_are_wrapped_anew_in_every_tenant(address: Path | str, keys: Path) -> None:
    make(address, keys)
    before = KeySource(keys).now()
    turned = before.rotated()
    assert count_keys(address) == {before.current: 2}
    assert wrap_anew(address, turned) == 2
    assert count_keys(address) == {turned.current: 2}
    turned.only_current().write(keys)
    journal = Journal(address, keys=KeySource(keys))
    try:
        assert all(not record.erased and NAME.encode() in record.entry.request for record in journal.records("bank-a"))
    finally:
        journal.close()


def test_a_sealed_log_moves_with_its_keys(database: str, keys: Path, tmp_path: Path) -> None:
    source = tmp_path / "decisions.db"
    make(source, keys)
    before = verify_all(source)
    assert copy_log(source, database) == before and before["bank-a"].sealed == 2
    journal = Journal(database, keys=KeySource(keys))
    try:
        assert [NAME.encode() in record.entry.request for record in journal.records("bank-a")] == [True, True]
        (added,) = append(journal, about("d-new"))
        assert added.sequence == 3
    finally:
        journal.close()
    found = erase_person(settings(database, keys, tmp_path), Order("bank-a", NUMBER, SAID), clock=lambda: NOW)
    assert found["sequences"] == [1, 2] and found["plain_sequences"] == [3]
    assert known(columns(database).split(b"d-new")[0]) <= set(CANARIES)
