"""Checkpoints outside the database show what a chain cannot: a cut tail, an old copy, a chain written anew."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
from audit_samples import append, entry_of, make_log, postgres
from typer.testing import CliRunner

from eco_credit.core.errors import ContractError, GateNotMet
from eco_credit.registry import Store
from serving.audit import Journal
from serving.audit.checkpoint import read_checkpoints
from serving.audit.record import GENESIS, link
from serving.audit.verify import verify_all
from serving.checkpoints import checkpoint_now, heads
from serving.cli import audit
from serving.settings import Settings

MOMENT = datetime(2026, 11, 25, 20, 0, tzinfo=UTC)


def audited(*words: str) -> tuple[int, dict[str, Any]]:
    app = typer.Typer()
    audit.register(app)
    done = CliRunner().invoke(app, ["audit", *words, "--json"])
    return done.exit_code, json.loads(done.stdout) if done.stdout else {"error": done.exception}


def signed_log(tmp_path: Path, *, hours: int = 2) -> tuple[Settings, Path]:
    """A log of two tenants that grew by three records and a checkpoint every hour."""
    settings, folder = Settings(home=tmp_path / "home"), tmp_path / "outside"
    for hour in range(hours):
        journal = Journal(settings.decisions_path)
        for tenant in ("bank-a", "bank-b"):
            append(journal, *(entry_of(f"d-{tenant}-{hour}-{i}", tenant) for i in range(3)))
        journal.close()
        written = checkpoint_now(settings, folder, clock=lambda hour=hour: MOMENT + timedelta(hours=hour))
        assert [(c.tenant, c.number, c.size) for c in written] == [
            (tenant, hour + 1, 3 * hour + 3) for tenant in ("bank-a", "bank-b")
        ]
    return settings, folder


def look(settings: Settings, folder: Path) -> tuple[int, str | None, int | None]:
    code, found = audited("verify", "--home", str(settings.home), "--checkpoints", str(folder))
    return code, found["tenant"], found["first_bad"]


def edit(path: Path, *statements: str) -> None:
    raw = sqlite3.connect(path)
    for trigger in ("no_update", "no_delete", "no_replace"):
        raw.execute(f"drop trigger if exists decisions_{trigger}")
    for statement in statements:
        raw.execute(statement)
    raw.commit()
    raw.close()


def write_anew(path: Path, tenant: str, first: int) -> None:
    """What somebody with the database but without the key can do: change a record and all hashes after it."""
    journal = Journal(path)
    records = journal.records(tenant)
    journal.close()
    previous, changes = GENESIS, []
    for record in records:
        entry = replace(record.entry, grade="1") if record.sequence == first else record.entry
        place = {"sequence": record.sequence, "created_at": record.created_at, "previous_hash": previous}
        own = link(entry, **place)  # type: ignore[arg-type]
        changes.append(
            f"update decisions set grade = '{entry.grade}', previous_hash = '{previous}', hash = '{own}'"
            f" where tenant = '{tenant}' and sequence = {record.sequence}"
        )
        previous = own
    edit(path, *changes)


def test_a_sound_log_fits_its_checkpoints(tmp_path: Path) -> None:
    settings, folder = signed_log(tmp_path)
    assert look(settings, folder) == (0, None, None)
    code, found = audited("verify", "--home", str(settings.home), "--checkpoints", str(folder), "--tenant", "bank-b")
    assert (code, found["records"], list(found["tenants"]), found["checkpoints"]) == (0, 6, ["bank-b"], 4)
    statement = json.loads((folder / "bank-a" / "00000002.json").read_bytes())
    assert statement["time"] == "2026-11-25T21:00:00Z" and statement["size"] == 6
    assert {"tenant", "head", "previous", "signer", "key_id", "signature"} <= statement.keys()


def test_nothing_is_written_when_nothing_was_recorded(tmp_path: Path) -> None:
    settings, folder = signed_log(tmp_path)
    assert checkpoint_now(settings, folder, clock=lambda: MOMENT) == []


@pytest.mark.parametrize(
    ("harm", "first_bad"),
    [
        (lambda path: edit(path, "delete from decisions where tenant = 'bank-a' and sequence > 4"), 5),
        (lambda path: edit(path, "delete from decisions where tenant = 'bank-a'"), 1),
        (lambda path: edit(path, "delete from decisions where tenant = 'bank-a'", "drop table chains",
                           "create table chains (tenant text)"), 1),
        (lambda path: write_anew(path, "bank-a", 6), 6),
        # the hash of record 3 was signed, so a chain written anew from 2 on is found there
        (lambda path: write_anew(path, "bank-a", 2), 3),
    ],
)  # fmt: skip
def test_what_a_chain_alone_does_not_show_is_found_by_the_checkpoints(
    tmp_path: Path, harm: Callable[[Path], None], first_bad: int
) -> None:
    settings, folder = signed_log(tmp_path)
    harm(settings.decisions_path)
    control = verify_all(settings.decisions_path)
    assert [v.first_bad for v in control.values() if v.first_bad is not None] == [], "the chain alone looks sound"
    assert look(settings, folder) == (4, "bank-a", first_bad)


def test_an_old_copy_of_the_file_is_found_also_once_it_has_grown_again(tmp_path: Path) -> None:
    settings, folder = signed_log(tmp_path, hours=1)
    shutil.copy(settings.decisions_path, tmp_path / "copy.db")
    journal = Journal(settings.decisions_path)
    append(journal, *(entry_of(f"d-lost-{i}", "bank-a") for i in range(3)))
    journal.close()
    checkpoint_now(settings, folder, clock=lambda: MOMENT)
    for end in ("", "-wal", "-shm"):
        Path(f"{settings.decisions_path}{end}").unlink(missing_ok=True)
    shutil.copy(tmp_path / "copy.db", settings.decisions_path)
    assert look(settings, folder) == (4, "bank-a", 4)
    journal = Journal(settings.decisions_path)
    append(journal, *(entry_of(f"d-new-{i}", "bank-a") for i in range(9)))
    journal.close()
    assert verify_all(settings.decisions_path)["bank-a"].first_bad is None
    assert look(settings, folder) == (4, "bank-a", 6)
    with pytest.raises(GateNotMet, match="no longer holds record 6"):
        checkpoint_now(settings, folder, clock=lambda: MOMENT)


@pytest.mark.parametrize("harm", ["size", "head", "time", "tenant", "signature", "signer", "previous"])
def test_a_checkpoint_that_was_changed_is_found(tmp_path: Path, harm: str) -> None:
    settings, folder = signed_log(tmp_path)
    path = folder / "bank-a" / "00000001.json"
    path.chmod(0o600)
    statement = json.loads(path.read_bytes())
    statement[harm] = 2 if harm == "size" else "ab" * 32
    path.write_text(json.dumps(statement))
    with pytest.raises(GateNotMet, match="checkpoint bank-a/00000001"):
        heads(folder, Store(settings.home).trusted())


def test_a_checkpoint_taken_out_of_the_row_or_signed_by_nobody_is_found(tmp_path: Path) -> None:
    settings, folder = signed_log(tmp_path, hours=3)
    trusted = Store(settings.home).trusted()
    with pytest.raises(GateNotMet, match="not trusted"):
        read_checkpoints(folder, {})
    (folder / "bank-a" / "00000002.json").unlink()
    with pytest.raises(GateNotMet, match="bank-a/00000003: does not follow"):
        read_checkpoints(folder, trusted)


def test_a_record_that_does_not_fit_is_not_signed(tmp_path: Path) -> None:
    settings, folder = signed_log(tmp_path, hours=1)
    journal = Journal(settings.decisions_path)
    append(journal, entry_of("d-x", "bank-a"), entry_of("d-y", "bank-a"))
    journal.close()
    edit(settings.decisions_path, "update decisions set grade = '1' where decision_id = 'd-x'")
    code, _ = audited("checkpoint", "--home", str(settings.home), "--out", str(folder))
    assert code != 0 and len(list((folder / "bank-a").iterdir())) == 1


def test_a_folder_inside_the_store_is_refused(tmp_path: Path) -> None:
    make_log(tmp_path / "home" / "decisions.db", "demo")
    with pytest.raises(ContractError, match="outside the store"):
        checkpoint_now(Settings(home=tmp_path / "home"), tmp_path / "home" / "x", clock=lambda: MOMENT)


def test_the_running_service_writes_checkpoints_and_one_when_it_stops(tmp_path: Path) -> None:
    from api_service import body_of, plain_client

    folder = tmp_path / "outside"
    settings = Settings(access="open", home=tmp_path / "home", web=False, checkpoints=folder, checkpoint_seconds=0.1)
    with plain_client(settings) as client:
        client.post("/v1/scores", body_of({"amount": 1}))
        client.wait(0.6)
        assert [p.name for p in (folder / "demo").iterdir()] == ["00000001.json"]
        client.post("/v1/scores", body_of({"amount": 2}))
        assert client.state.checkpoint_alarm is None
    row = read_checkpoints(folder, Store(settings.home).trusted())["demo"]
    assert row[-1].size == 2


def test_a_folder_that_cannot_be_written_is_an_alarm_and_not_the_end_of_the_service(tmp_path: Path) -> None:
    from api_service import body_of, plain_client

    (tmp_path / "outside").write_text("a file")
    settings = Settings(access="open", home=tmp_path / "home", web=False, checkpoints=tmp_path / "outside",
                        checkpoint_seconds=0.1)  # fmt: skip
    with plain_client(settings) as client:
        assert client.post("/v1/scores", body_of({"amount": 1})).status_code == 200
        client.wait(0.5)
        assert client.get("/readyz").json()["checkpoint_alarm"] is not None


def test_checkpoints_of_a_database_are_the_same_files(tmp_path: Path) -> None:
    with postgres() as server:
        settings = Settings(home=tmp_path / "home", database_url=server.get_uri())
        make_log(server.get_uri(), "bank-a")
        (one,) = checkpoint_now(settings, tmp_path / "outside", clock=lambda: MOMENT)
        assert (one.tenant, one.size) == ("bank-a", 3)
        known = heads(tmp_path / "outside", Store(settings.home).trusted())
        assert verify_all(server.get_uri(), known)["bank-a"].first_bad is None
        assert verify_all(server.get_uri(), {"bank-z": {1: "0"}})["bank-z"].first_bad == 1
