"""A log moves whole, in order and unchanged, or not at all."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from audit_samples import append, entry_of, make_log

from eco_credit.core.errors import GateNotMet, StorageUnavailable
from serving.audit import Journal
from serving.audit.copying import PAGE, copy_log
from serving.audit.verify import verify_all


def test_every_chain_arrives_as_long_as_it_was_with_the_same_head(tmp_path: Path, database: str) -> None:
    source = tmp_path / "decisions.db"
    make_log(source, "east", "west", records=PAGE // 100 + 3)
    before = verify_all(source)
    told: list[tuple[str, int]] = []
    after = copy_log(source, database, told=lambda tenant, records: told.append((tenant, records)))
    assert after == before == verify_all(database)
    assert told == [("east", 8), ("west", 8)]
    # the service goes on where the old log ended, and still knows its keys
    journal = Journal(database)
    try:
        (again,) = append(journal, entry_of("d-east-2", "east", key="k-2"))
        assert again.repeated and again.sequence == 3
        (following,) = append(journal, entry_of("d-new", "east"))
        assert (following.sequence, following.previous_hash) == (9, before["east"].head)
    finally:
        journal.close()


def test_a_target_that_holds_records_is_left_alone(tmp_path: Path, database: str) -> None:
    source = tmp_path / "decisions.db"
    make_log(source, "east")
    make_log(database, "other", records=1)
    with pytest.raises(StorageUnavailable, match="holds records already"):
        copy_log(source, database)
    assert set(verify_all(database)) == {"other"}


def test_a_log_that_does_not_hold_is_not_moved(tmp_path: Path, database: str) -> None:
    source = tmp_path / "decisions.db"
    make_log(source, "east")
    with sqlite3.connect(source) as raw:
        raw.execute("DROP TRIGGER decisions_no_update")
        raw.execute("UPDATE decisions SET recommendation = 'approve' WHERE sequence = 2")
    with pytest.raises(GateNotMet, match="east"):
        copy_log(source, database)
