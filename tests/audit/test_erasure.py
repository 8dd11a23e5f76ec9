"""Deleting the key of a person: what it read is gone for good, the chain stays whole, and the log says who did it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from api_service import Client, body_of
from test_sealed_log import CANARIES, NUMBER, OUTCOME, application, decide_all, home, keys, served, traces
from typer.testing import CliRunner

from eco_credit.contracts import code_list
from eco_credit.core.errors import EcoCreditError
from eco_credit.registry.sealed import Part, Place, key_id_of, unseal
from eco_credit.registry.subject_keys import Wrapped, read_key_file
from eco_credit.rulebook import load
from serving.audit.sqlite import open_sqlite
from serving.audit.verify import verify
from serving.cli import build
from serving.cli.output import exit_code

__all__ = ["home", "keys"]
OTHER = "110101199003071532"
RUN = CliRunner()


def run(home: Path, keys: Path, *words: str, text: str | None = None) -> tuple[int, Any]:
    """One command of ``audit``: its exit code and what it says."""
    env = {"ECO_CREDIT_SUBJECT_KEY_FILE": str(keys), "ECO_CREDIT_ACCESS": "open"}
    done = RUN.invoke(build(), ["audit", *words, "--home", str(home), "--json"], env=env, input=text)
    lines = done.stdout.strip().splitlines()
    if isinstance(done.exception, EcoCreditError):
        return exit_code(done.exception), done.exception
    return done.exit_code, json.loads(lines[-1])


def erase(home: Path, keys: Path, *more: str, reason: str = "unlawful", subject: str = NUMBER) -> tuple[int, Any]:
    return run(home, keys, "erase", "--subject", subject, "--reason", reason, "--by", "li", *more)


def stolen(home: Path, keys: Path) -> list[bytes]:
    """All that the database and the key file open together."""
    found, file = [], read_key_file(keys)
    with sqlite3.connect(home / "decisions.db") as raw:
        held = {
            row[1]: Wrapped(*row) for row in raw.execute("select tenant, key_id, kek_id, wrapped from subject_keys")
        }
        for tenant, name, kind, request, answer in raw.execute(
            "select tenant, decision_id, kind, request, answer from decisions"
        ):
            found.append(answer)
            key = held.get(key_id_of(request) or "")
            if key is not None:
                found.append(unseal(file.cipher(key), Place(tenant, name, kind), Part(request, answer, "", "")).request)
    return found


def known(parts: list[bytes]) -> set[str]:
    return {canary for canary in CANARIES if any(canary.encode() in part for part in parts)}


def filled(client: Client) -> tuple[str, str]:
    """Two records of one person and one of another."""
    mine = decide_all(client)
    other = application(OTHER)
    other["borrower"] |= {"borrower_name": "某人", "address": "某地"}
    return mine, str(client.post("/v1/scores", body_of(other)).json()["decision_id"])


def test_what_was_erased_is_read_by_nobody_and_everything_else_as_before(home: Path, keys: Path) -> None:
    with served(home, keys) as client:
        mine, other = filled(client)
        assert known(stolen(home, keys)) == set(CANARIES), "the control: with the key it opens"
        wrapped = sqlite3.connect(home / "decisions.db").execute("select wrapped from subject_keys").fetchall()
        before = client.get(f"/v1/decisions/{mine}")
        code, said = erase(home, keys)
        assert (code, said["erased"], said["sequences"]) == (0, True, [1, 2])
        assert known(stolen(home, keys)) == set() and traces(home) == set()

        shown = client.get(f"/v1/decisions/{mine}", if_none_match=before.headers["etag"])
        assert shown.status_code == 200, "what a reader had kept is not called fresh"
        body = shown.json()
        assert (body["erased"], body["request_hash"], body["answer"]["provenance"]["input_hash"]) == (True, "", None)
        assert (body["outcomes"][0]["decided"], body["outcomes"][0]["reason"]) == ("refer", None)
        whole = before.json()["answer"]
        whole["provenance"]["input_hash"] = None
        assert body["answer"] == whole
        refused = client.post(f"/v1/decisions/{mine}/outcome", body_of(OUTCOME))
        assert (refused.status_code, refused.json()["type"]) == (410, "/problems/erased")
        assert client.post("/v1/scores", body_of(application()), idempotency_key="k").status_code == 409
        assert client.get(f"/v1/decisions/{other}").json()["erased"] is False
        assert client.get(f"/v1/audit/replay/{other}").json()["same"] is True
        told = client.get(f"/v1/audit/replay/{mine}").json()
        assert (told["same"], told["erased"], told["differs"]) == (False, True, [])
        again = client.post("/v1/scores", body_of(application())).json()["decision_id"]
        assert client.get(f"/v1/decisions/{again}").json()["erased"] is False, "who comes back gets a new key"
        assert client.get(f"/v1/decisions/{mine}").json()["erased"] is True
    files = b"".join(path.read_bytes() for path in home.glob("decisions.db*"))
    # the key of the other is the control: it is still there
    assert [row[0] in files for row in wrapped] in ([False, True], [True, False])
    verdict = verify(home / "decisions.db")
    assert (verdict.records, verdict.first_bad) == (5, None)


def test_the_chain_says_who_erased_which_records_and_why_and_not_whom(home: Path, keys: Path) -> None:
    with served(home, keys) as client:
        filled(client)
    name = read_key_file(keys).name_of("demo", NUMBER).encode()
    assert name in (home / "decisions.db").read_bytes(), "the control: with the key file the person can be looked up"
    code, said = erase(home, keys, "--second", "wang", "--reference", "GH-2026-7")
    assert code == 0
    assert not any(name in path.read_bytes() for path in home.glob("decisions.db*")), "nobody can confirm a guess"
    with sqlite3.connect(home / "decisions.db") as raw:
        kind, by, request, answer = raw.execute(
            "select kind, by_user, request, answer from decisions order by sequence desc limit 1"
        ).fetchone()
    wanted = {"reason": "unlawful", "by": "li", "second": "wang", "reference": "GH-2026-7"}
    assert (kind, by, json.loads(request)) == ("erasure", "li", wanted)
    held = json.loads(answer)
    assert (held["sequences"], held["erasure_id"]) == ([1, 2], said["erasure_id"])
    assert NUMBER not in answer.decode() + request.decode()


def test_replay_counts_what_was_erased_and_does_not_fail_for_it(home: Path, keys: Path) -> None:
    with served(home, keys) as client:
        filled(client)
    assert run(home, keys, "replay", "--all")[1] == {"replayed": 2, "same": 2, "erased": 0, "differing": []}
    erase(home, keys)
    assert run(home, keys, "replay", "--all") == (0, {"replayed": 2, "same": 1, "erased": 1, "differing": []})
    code, report = run(home, keys, "verify")
    assert (code, report["records"], report["first_bad"]) == (0, 4, None)


def test_while_the_period_runs_only_a_reason_of_the_rulebook_erases(home: Path, keys: Path) -> None:
    with served(home, keys) as client:
        filled(client)
        # as_of 2026-11-23 and 36 months, ten years after that
        assert application()["loan"]["term_months"] == 36
    for reason in ("purpose_over", "period_over", "consent_withdrawn"):
        assert erase(home, keys, reason=reason)[0] == 4
        code, said = erase(home, keys, "--dry-run", reason=reason)
        assert (code, said["may"], said["kept_until"], said["erased"]) == (0, False, "2039-11-23", False)
    assert erase(home, keys, "--ended-on", "2016-11-01", reason="period_over")[1]["kept_until"] == "2026-11-01"
    assert verify(home / "decisions.db").records == 4


def test_what_is_recorded_while_the_log_is_looked_through_is_erased_too(
    home: Path, keys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from serving.audit import erasing

    read = erasing._read
    with served(home, keys) as client:
        filled(client)

        def slow(*arguments: Any) -> Any:
            found = read(*arguments)
            client.post("/v1/scores", body_of(application()))
            return found

        monkeypatch.setattr(erasing, "_read", slow)
        code, said = erase(home, keys)
    assert (code, said["sequences"], said["sequence"]) == (0, [1, 2, 4], 5)
    assert known(stolen(home, keys)) == set()


def test_a_dry_run_changes_nothing(home: Path, keys: Path) -> None:
    with served(home, keys) as client:
        filled(client)
    before = (home / "decisions.db").read_bytes()
    code, said = erase(home, keys, "--dry-run")
    assert (code, said["may"], said["erased"], said["sequences"]) == (0, True, False, [1, 2])
    assert (home / "decisions.db").read_bytes() == before
    assert known(stolen(home, keys)) == set(CANARIES)


def test_records_of_before_sealing_are_named_since_no_key_erases_them(home: Path, keys: Path) -> None:
    with served(home, None) as client:
        decide_all(client)
    with served(home, keys) as client:
        client.post("/v1/scores", body_of(application()))
    code, said = erase(home, keys)
    assert (code, said["sequences"], said["plain_sequences"]) == (0, [3], [1, 2])


def test_the_reasons_of_the_rulebook_are_codes_of_the_list() -> None:
    within = set(load().at("2026-11-23")["credit.personal.erase_within"])
    assert within and within < set(code_list("erasure_reason").codes)


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (["--subject", OTHER, "--reason", "unlawful", "--by", "li"], "unknown"),
        (["--subject", " ", "--reason", "unlawful", "--by", "li"], "missing"),
        (["--subject", NUMBER, "--reason", "because", "--by", "li"], "code"),
        (["--subject", NUMBER, "--reason", "unlawful", "--by", "Li Lei"], "pattern"),
        (["--subject", NUMBER, "--reason", "unlawful", "--by", "li", "--second", "li"], "four_eyes"),
        (["--subject", NUMBER, "--reason", "unlawful", "--by", "li", "--reference", "王某"], "pattern"),
        (["--subject", NUMBER, "--reason", "unlawful", "--by", "li", "--ended-on", "yesterday"], "date"),
    ],
)
def test_an_order_that_breaks_a_rule_erases_nothing(home: Path, keys: Path, words: list[str], rule: str) -> None:
    with served(home, keys) as client:
        decide_all(client)
    _, error = run(home, keys, "erase", *words)
    assert [one.rule for one in error.violations] == [rule]
    assert known(stolen(home, keys)) == set(CANARIES)


def test_where_callers_are_known_a_second_person_must_agree(home: Path, keys: Path) -> None:
    with served(home, keys) as client:
        decide_all(client)
    env = {"ECO_CREDIT_SUBJECT_KEY_FILE": str(keys), "ECO_CREDIT_ACCESS": "keys"}
    words = ["audit", "erase", "--subject", "-", "--reason", "unlawful", "--by", "li", "--home", str(home), "--json"]
    alone = RUN.invoke(build(), words, env=env, input=NUMBER + "\n")
    assert alone.exception is not None and alone.exception.violations[0].rule == "four_eyes"
    two = RUN.invoke(build(), [*words, "--second", "wang"], env=env, input=NUMBER + "\n")
    assert two.exit_code == 0 and json.loads(two.stdout)["erased"] is True


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("delete from subject_keys", "goes only with the record"),
        ("update subject_keys set subject = 'x'", "only wrapped anew"),
        ("insert or replace into subject_keys select * from subject_keys", "never replaced"),
    ],
)
def test_the_database_keeps_keys_and_records_together(home: Path, keys: Path, statement: str, why: str) -> None:
    with served(home, keys) as client:
        decide_all(client)
    with sqlite3.connect(home / "decisions.db") as raw, pytest.raises(sqlite3.IntegrityError, match=why):
        raw.execute(statement)


def test_a_fault_on_the_way_leaves_key_and_record(home: Path, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The record stands before the key goes, in one transaction: a kill between them leaves both or neither."""
    import sqlalchemy as sa

    with served(home, keys) as client:
        decide_all(client)
    engine = open_sqlite(home / "decisions.db", writes=True)
    with engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER broken BEFORE DELETE ON subject_keys BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
    engine.dispose()
    code, error = erase(home, keys)
    assert code == 1 and isinstance(error.__cause__, sa.exc.SQLAlchemyError)
    assert verify(home / "decisions.db").records == 2
    assert known(stolen(home, keys)) == set(CANARIES)


# ---- changing the key-encryption key -----------------------------------------------------------


def test_a_new_wrapping_key_opens_all_and_after_forgetting_the_old_one_opens_nothing(home: Path, keys: Path) -> None:
    old = read_key_file(keys)
    copy = keys.with_name("old.key")
    with served(home, keys) as client:
        mine, _ = filled(client)
        database = home / "decisions.db"
        backup = [
            Wrapped(*row)
            for row in sqlite3.connect(database).execute("select tenant, key_id, kek_id, wrapped from subject_keys")
        ]
        code, said = run(home, keys, "keys", "rotate")
        assert (code, said["wrapped_anew"]) == (0, 2)
        assert client.get(f"/v1/decisions/{mine}").json()["erased"] is False, "the service reads the file again"
        third = application("91999999100000016F")
        third["borrower"]["id_type"] = "uscc"
        assert client.post("/v1/scores", body_of(third)).status_code == 200
        code, said = run(home, keys, "keys", "forget")
        assert (code, said["forgotten"]) == (0, [old.current])
        assert client.get(f"/v1/decisions/{mine}").json()["outcomes"][0]["reason"] == OUTCOME["reason"]
    assert verify(database).first_bad is None
    now = read_key_file(keys)
    assert now.names == old.names and set(now.keys) == {now.current} != {old.current}
    for one in backup:  # a backup of the key table is of no use without the forgotten key
        assert old.unwrap(one)
        with pytest.raises(Exception, match="does not hold the key"):
            now.unwrap(one)
    assert not copy.exists()


def test_a_key_that_is_still_needed_is_not_forgotten(home: Path, keys: Path) -> None:
    with served(home, keys) as client:
        decide_all(client)
    with sqlite3.connect(home / "decisions.db") as raw:  # a writer that undoes what is wrapped anew
        raw.execute("CREATE TRIGGER stuck BEFORE UPDATE ON subject_keys BEGIN SELECT RAISE(IGNORE); END")
    assert run(home, keys, "keys", "rotate")[0] == 0
    code, error = run(home, keys, "keys", "forget")
    assert code == 4 and "still wrapped under" in error.en
    assert len(read_key_file(keys).keys) == 2
