"""With a key file no byte of the store tells of a person; without one it does."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_service import Client, Ticking, body_of
from small_store import add_model

from eco_credit.contracts.examples import example_application as example
from eco_credit.core.errors import StorageUnavailable
from eco_credit.registry.sealed import key_id_of
from eco_credit.registry.subject_keys import LOOK_SECONDS, KeySource, new_key_file
from serving.app import create_app
from serving.audit import Journal
from serving.audit.verify import verify
from serving.settings import Settings

NAME, NUMBER, PHONE = "欧阳金丝雀", "110101199003070732", "13900139001"
CANARIES = (NAME, NUMBER, PHONE)


def application(number: str = NUMBER) -> dict[str, Any]:
    """An application of a person whose name, number and phone would be known again."""
    found = example("forest_right")
    found["borrower"] |= {
        "borrower_name": NAME, "borrower_kind": "farmer", "id_type": "resident_id", "id_no": number,
        "address": f"某村 电话{PHONE}",
    }  # fmt: skip
    return found


OUTCOME = {
    "decided": "refer",
    "decided_by": "li",
    "override_reason": "lending_policy",
    "reason": f"{NAME} {PHONE} 续议",
}


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "apart" / "subject.key"
    path.parent.mkdir()
    new_key_file(path)
    return path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    add_model(tmp_path / "home", 1)
    return tmp_path / "home"


def served(home: Path, keys: Path | None, **settings: Any) -> Client:
    given = Settings(access="open", home=home, web=False, subject_key_file=keys, **settings)
    return Client(create_app(given, clock=Ticking()))


def decide_all(client: Client) -> str:
    """Score, decide, read; the identifier of the decision."""
    decision_id = client.post("/v1/scores", body_of(application()), idempotency_key="k").json()["decision_id"]
    sent = client.post(f"/v1/decisions/{decision_id}/outcome", body_of(OUTCOME), idempotency_key="o")
    assert sent.status_code == 201, sent.text
    return str(decision_id)


def traces(*folders: Path) -> set[str]:
    """Canaries that stand in any file of the folders, as text, as JSON escapes or in UTF-16."""
    found = set()
    for path in (path for folder in folders for path in folder.rglob("*") if path.is_file()):
        data = path.read_bytes()
        for canary in CANARIES:
            forms = (canary.encode(), json.dumps(canary)[1:-1].encode(), canary.encode("utf-16-le"))
            found |= {canary} if any(form in data for form in forms) else set()
    return found


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    caplog.set_level(logging.DEBUG)
    yield caplog


def test_no_file_log_or_metric_tells_of_a_person_and_without_a_key_file_the_log_does(
    home: Path, keys: Path, tmp_path: Path, lines: pytest.LogCaptureFixture
) -> None:
    signed = tmp_path / "checkpoints"
    with served(home, keys, checkpoints=signed) as client:
        decide_all(client)
        assert traces(home) == set(), "database and write-ahead log while it runs"
        assert not any(canary in client.get("/metrics").text for canary in CANARIES)
        client.post("/v1/scores", body_of({**application(), "as_of": NAME}))
        assert client.get("/readyz").json()["personal_data"] == "sealed"
    assert list(signed.rglob("*.json"))
    assert traces(home, signed) == set()
    assert not any(canary in lines.text for canary in CANARIES)


def test_the_control_without_a_key_file_finds_every_canary_in_the_store(home: Path) -> None:
    with served(home, None) as client:
        decide_all(client)
        assert client.get("/readyz").json()["personal_data"] == "plain"
    assert traces(home) == set(CANARIES)


def test_what_is_sealed_is_read_as_it_was_sent(home: Path, keys: Path) -> None:
    with served(home, keys) as client:
        sent = client.post("/v1/scores", body_of(application()), idempotency_key="k")
        decision_id = sent.json()["decision_id"]
        said = client.post(f"/v1/decisions/{decision_id}/outcome", body_of(OUTCOME)).json()
        again = client.post("/v1/scores", body_of(application()), idempotency_key="k")
        assert (again.content, again.headers["idempotent-replayed"]) == (sent.content, "true")
        assert (
            client.post("/v1/scores", body_of(application("110101199003071532")), idempotency_key="k").status_code
            == 409
        )
        shown = client.get(f"/v1/decisions/{decision_id}").json()
        assert shown["answer"] == sent.json() and shown["erased"] is False
        assert shown["outcomes"][0]["reason"] == OUTCOME["reason"]
        assert client.get("/v1/decisions").json()["decisions"][0]["outcome"] == said
        assert client.get(f"/v1/audit/replay/{decision_id}").json()["same"] is True
        scored, decided = client.state.journal.records("demo")
        assert json.loads(scored.entry.request) == application()
        assert json.loads(decided.entry.request) == OUTCOME
    assert (verify(home / "decisions.db").records, verify(home / "decisions.db").first_bad) == (2, None)


def test_the_answer_is_the_same_to_the_byte_with_and_without_a_key_file(home: Path, keys: Path, tmp_path: Path) -> None:
    add_model(tmp_path / "other", 1)
    bodies = []
    for place, key in ((home, keys), (tmp_path / "other", None)):
        with served(place, key) as client:
            answer = client.post("/v1/scores", body_of(application())).json()
            bodies.append({name: value for name, value in answer.items() if name != "decision_id"})
    assert bodies[0] == bodies[1]


def test_one_person_has_one_key_in_a_tenant_and_another_person_another(home: Path, keys: Path) -> None:
    with served(home, keys) as client:
        decide_all(client)
        client.post("/v1/scores", body_of(application(f" {NUMBER}")))
        client.post("/v1/scores", body_of(application("110101199003071532")))
    with sqlite3.connect(home / "decisions.db") as raw:
        held = [key_id_of(row[0]) for row in raw.execute("select request from decisions order by sequence")]
        table = {row[0] for row in raw.execute("select key_id from subject_keys")}
    assert held[0] == held[1] == held[2] != held[3]
    assert table == set(held)


def test_digests_that_could_be_tried_out_are_not_kept_in_the_clear(home: Path, keys: Path) -> None:
    with served(home, keys) as client:
        answer = client.post("/v1/scores", body_of(application())).json()
        (record,) = client.state.journal.records("demo")
    data = (home / "decisions.db").read_bytes()
    for digest in (answer["provenance"]["input_hash"], record.entry.request_hash, record.entry.features):
        assert len(digest) == 64 and digest.encode() not in data


def test_a_log_that_seals_is_not_gone_on_with_in_plain(home: Path, keys: Path) -> None:
    with served(home, keys) as client:
        decide_all(client)
    with pytest.raises(StorageUnavailable, match="ECO_CREDIT_SUBJECT_KEY_FILE"):
        Journal(home / "decisions.db")


def test_a_log_of_before_goes_on_sealed_and_its_old_records_stay(home: Path, keys: Path) -> None:
    with served(home, None) as client:
        first = decide_all(client)
        before = [record.hash for record in client.state.journal.records("demo")]
    with served(home, keys) as client:
        client.post("/v1/scores", body_of(application()))
        again = client.post("/v1/scores", body_of(application()), idempotency_key="k")
        assert again.json()["decision_id"] == first
        client.post(f"/v1/decisions/{first}/outcome", body_of(OUTCOME))
        records = client.state.journal.records("demo")
    assert [record.hash for record in records[:2]] == before
    assert verify(home / "decisions.db").records == 4
    with sqlite3.connect(home / "decisions.db") as raw:
        sealed = [
            key_id_of(row[0]) is not None for row in raw.execute("select request from decisions order by sequence")
        ]
    assert sealed == [False, False, True, False], "what is about a plain record adds nothing by being sealed"


def test_a_key_file_without_the_key_is_an_answer_503_and_nothing_is_shown(
    home: Path, keys: Path, tmp_path: Path
) -> None:
    with served(home, keys) as client:
        decision_id = decide_all(client)
        other = tmp_path / "apart" / "other.key"
        new_key_file(other)
        other.replace(keys)
        client.wait(2 * LOOK_SECONDS)
        refused = client.get(f"/v1/decisions/{decision_id}")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/storage_unavailable")
    assert KeySource(keys).now() is not None
