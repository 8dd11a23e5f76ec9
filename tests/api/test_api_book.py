"""The lender's book in the service: read at start, used in every answer, and nothing is decided without it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from api_service import Client, Ticking, body_of
from small_store import add_model
from typer.testing import CliRunner

from eco_credit.contracts import frame_of_columns, read_application, to_flat
from eco_credit.core.canonical import digest
from eco_credit.scoring import doors
from serving.app import create_app
from serving.book import read_book
from serving.cli import audit
from serving.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "examples"
KINDS = ("forest_right", "water_right", "order")


def example(kind: str) -> dict[str, Any]:
    """A shipped example application."""
    data: dict[str, Any] = json.loads((EXAMPLES / f"{kind}.json").read_text("utf-8"))
    return data


def write(path: Path, holder: str = "HELD") -> Path:
    """A book in which another application holds what the examples pledge."""
    frame = frame_of_columns(to_flat([read_application(example(kind)) for kind in KINDS]))
    frame["application_id"], frame["lending_value"] = holder, 1e6
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a promoted model."""
    made = tmp_path_factory.mktemp("real") / "home"
    add_model(made)
    return made


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("book") / "book.csv")


@pytest.fixture(scope="module")
def served(home: Path, book: Path) -> Iterator[Client]:
    """The real service with a book."""
    with Client(create_app(Settings(access="open", home=home, book=book), clock=Ticking())) as client:
        yield client


def gates(pledge: dict[str, Any]) -> list[str]:
    return [reason["code"] for reason in pledge["ineligible_reasons"]]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_pledged_already_is_refused_as_python_refuses_it(
    served: Client, home: Path, book: Path, kind: str
) -> None:
    answer = served.post("/v1/scores", body_of(example(kind)))
    assert answer.status_code == 200, answer.text
    expected = doors.score(example(kind), home=home, book=read_book(book))
    assert answer.json() == expected | {"decision_id": answer.json()["decision_id"]}
    assert "K01" in gates(answer.json()["pledges"][0]) and answer.json()["recommendation"] == "decline"
    assert answer.json()["provenance"]["book_hash"] == read_book(book).digest
    reason = next(r for r in answer.json()["pledges"][0]["ineligible_reasons"] if r["code"] == "K01")
    assert reason["en"] == "The same thing is pledged already"


@pytest.mark.parametrize("kind", KINDS)
def test_an_appraisal_is_made_beside_the_book_too(served: Client, book: Path, kind: str) -> None:
    held, raw = read_book(book), example(kind)
    whole = served.post("/v1/appraisals", body_of(raw)).json()
    alone = {"as_of": raw["as_of"], "term_months": raw["loan"]["term_months"], "pledge": raw["pledges"][0]}
    single = served.post("/v1/appraisals", body_of(alone)).json()
    assert whole["pledges"] == doors.appraise_application(raw, book=held)
    by_python = doors.appraise(raw["pledges"][0], as_of=raw["as_of"], term_months=alone["term_months"], book=held)
    assert single["pledges"] == [by_python]
    for answer in (whole, single):
        assert "K01" in gates(answer["pledges"][0]) and answer["provenance"]["book_hash"] == held.digest


def test_an_application_of_the_book_is_not_held_against_itself(home: Path, tmp_path: Path) -> None:
    raw = example("water_right")
    own = write(tmp_path / "own.csv", raw["application_id"])
    with Client(create_app(Settings(access="open", home=home, book=own), clock=Ticking())) as client:
        answer = client.post("/v1/scores", body_of(raw)).json()
    assert "K01" not in gates(answer["pledges"][0])
    cut = next(h["ratio"] for h in answer["pledges"][0]["haircuts"] if h["name"] == "concentration")
    assert cut == 0.15, "all of the book of its kind lies in its group: 0.25 * (1 - 0.3) is above the cap of 0.15"


def test_without_a_book_the_digest_is_null_and_the_old_decision_id_stays(home: Path, book: Path) -> None:
    plain = doors.score(example("order"), home=home)
    beside = doors.score(example("order"), home=home, book=read_book(book))
    behind = plain["provenance"]
    assert behind["book_hash"] is None
    made_of = [behind["input_hash"], behind["rules_hash"], behind["models"][0]["digest"]]
    assert plain["decision_id"] == "d-" + digest(made_of)[:26]
    assert beside["decision_id"] == "d-" + digest([*made_of, read_book(book).digest])[:26]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, "absent.csv: no_such_file"),
        ("application_id,kind,permit_no\nH1,water_right,D999999S2026-0001\nH2,water_right,secret-7\n",
         "row 2, permit_no: identifier"),
        ("name,place\nx,y\n", "header_not_found"),
    ],
)  # fmt: skip
def test_a_book_that_cannot_be_read_stops_decisions_and_readiness_says_why(
    home: Path, tmp_path: Path, text: str | None, told: str
) -> None:
    path = tmp_path / ("absent.csv" if text is None else "book.csv")
    if text is not None:
        path.write_text(text, encoding="utf-8")
    with Client(create_app(Settings(access="open", home=home, book=path), clock=Ticking())) as client:
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["checks"]["book"], ready.json()["alarm"]) == (503, False, None)
        assert told in ready.json()["book_alarm"]
        assert str(tmp_path) not in ready.text and "secret" not in ready.text
        before = len(client.records())
        for route in ("/v1/scores", "/v1/appraisals"):
            refused = client.post(route, body_of(example("order")))
            assert (refused.status_code, refused.json()["type"]) == (503, "/problems/book_unavailable")
            assert refused.headers["retry-after"] == "60"
        assert client.get("/livez").status_code == 200
        assert len(client.records()) == before


def test_a_service_with_a_book_is_ready(served: Client) -> None:
    ready = served.get("/readyz").json()
    assert ready["ready"] and ready["checks"]["book"] and ready["book_alarm"] is None


def test_the_setting_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch, book: Path) -> None:
    monkeypatch.setenv("ECO_CREDIT_BOOK", str(book))
    assert Settings().book == book


def replayed(*words: str) -> tuple[int, dict[str, Any]]:
    app = typer.Typer()
    audit.register(app)
    done = CliRunner().invoke(app, ["audit", "replay", *words, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_a_replay_finds_the_book_it_was_answered_with_and_names_the_digest_when_it_is_another(
    tmp_path: Path, book: Path
) -> None:
    add_model(tmp_path)
    with Client(create_app(Settings(access="open", home=tmp_path, book=book), clock=Ticking())) as client:
        answer = client.post("/v1/scores", body_of(example("water_right"))).json()
    made, held = answer["decision_id"], answer["provenance"]["book_hash"]
    where = ("--home", str(tmp_path))
    same = {"replayed": 1, "same": 1, "erased": 0, "differing": []}
    assert replayed(made, *where, "--book", str(book)) == (0, same)
    assert replayed(made, *where) == (0, same), "the service keeps the books it answers with"
    code, other = replayed("--all", *where, "--book", str(write(tmp_path / "other.csv", "OTHER")))
    (found,) = other["differing"]
    assert (code, found["decision_id"], found["differs"], found["digests"]) == (4, made, ["provenance"], ["book"]), (
        "the same things held by somebody else: the same figures, but not the same book"
    )
    assert found["values"]["book"]["recorded"] == held != found["values"]["book"]["now"]
    for kept in (tmp_path / "kept" / "book").iterdir():
        kept.unlink()
    code, without = replayed(made, *where)
    assert code == 4 and without["differing"][0]["digests"] == ["book", "features"]
    assert {"provenance", "pledges", "recommendation"} <= set(without["differing"][0]["differs"])
