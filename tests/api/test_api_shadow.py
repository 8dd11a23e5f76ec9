"""The challenger scores beside the champion: recorded apart, never in an answer, never in its way."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_service import Client, Ticking, body_of
from small_store import add_model
from test_api_server import ROOT

from eco_credit.registry import Store, served
from eco_credit.scoring import doors
from serving.app import create_app
from serving.settings import Settings
from serving.shadow import shadow_path, summary
from serving.shadow.table import COLUMNS, add_rows, open_shadow, read_rows

KINDS = ("forest_right", "water_right", "order")


def example(kind: str) -> dict[str, Any]:
    """A shipped example application."""
    data: dict[str, Any] = json.loads((ROOT / "examples" / f"{kind}.json").read_text("utf-8"))
    return data


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A store with a champion, and a challenger of higher PD."""
    made = tmp_path / "home"
    add_model(made)
    add_model(made, 2, base=0.5, alias="challenger")
    return made


@pytest.fixture
def both(home: Path) -> Iterator[Client]:
    """The real service once the challenger is there."""
    settings = Settings(access="open", home=home, web=False, refresh_seconds=0.05)
    with Client(create_app(settings, clock=Ticking())) as client:
        client.wait_for(lambda: client.state.challengers.ready)
        yield client


def test_both_models_are_listed_the_champion_first(both: Client, home: Path) -> None:
    listed = both.get("/v1/models").json()
    assert [(one["alias"], one["version"]) for one in listed["models"]] == [("champion", "1"), ("challenger", "2")]
    assert listed["challenger_alarm"] is None


def test_the_challengers_answer_is_recorded_beside_and_is_what_it_would_have_said(both: Client, home: Path) -> None:
    answers = [both.post("/v1/scores", body_of(example(kind))).json() for kind in KINDS]
    path = shadow_path(home)
    both.wait_for(lambda: path.is_file() and len(read_rows(path, "1", (), 10)) == len(KINDS))
    champion, challenger = (served(Store(home), "eco-credit", alias) for alias in ("champion", "challenger"))
    rows = {row["decision_id"]: row for row in read_rows(path, "1", (), 10)}
    for kind, answer in zip(KINDS, answers, strict=True):
        row, beside = rows[answer["decision_id"]], doors.score(example(kind), package=challenger)
        assert (row["champion"], row["challenger"]) == (champion.digest, challenger.digest)
        assert (row["champion_pd"], row["challenger_pd"]) == (answer["pd"]["value"], beside["pd"]["value"])
        assert (row["champion_lgd"], row["challenger_lgd"]) == (answer["lgd"]["value"], beside["lgd"]["value"])
        for word in ("grade", "recommendation"):
            assert (row[f"champion_{word}"], row[f"challenger_{word}"]) == (answer[word], beside[word])
        assert row["champion_pd"] != row["challenger_pd"]
        # never in the answer, never in the log
        assert answer == doors.score(example(kind), package=champion) | {"decision_id": answer["decision_id"]}
    assert challenger.digest not in "".join(record.entry.answer.decode() for record in both.records())
    told = both.get("/v1/models/shadow").json()
    assert (told["rows"], told["failed"], told["pd"]["rows"]) == (3, 0, 3)
    assert told["pd"]["difference"]["least"] > 0.0


def test_a_full_queue_drops_and_counts_and_the_answer_comes_all_the_same(home: Path) -> None:
    settings = Settings(access="open", home=home, web=False, refresh_seconds=0.05, shadow_queue=1)
    with Client(create_app(settings, clock=Ticking())) as client:
        client.wait_for(lambda: client.state.challengers.ready)
        # the process needs a second to load: nothing is taken off the queue meanwhile
        client.state.shadow._thread = "not started"
        answers = client.post_together("/v1/scores", [body_of(example("order"))] * 5)
        client.state.shadow._thread = None
        assert [answer.status_code for answer in answers] == [200] * 5
        assert 'eco_credit_shadow_total{outcome="dropped"} 4.0' in client.get("/metrics").text


def test_a_challenger_whose_process_dies_harms_no_answer(both: Client, home: Path) -> None:
    assert both.post("/v1/scores", body_of(example("order"))).status_code == 200
    both.wait_for(lambda: both.state.shadow._child is not None)
    both.state.shadow._child.kill()
    for _ in range(5):
        assert both.post("/v1/scores", body_of(example("order"))).status_code == 200
        both.wait(0.05)
    both.wait_for(lambda: 'outcome="dropped"' in both.get("/metrics").text)


def test_a_challenger_that_is_not_in_order_is_named_and_the_champion_answers(tmp_path: Path) -> None:
    home = tmp_path / "home"
    add_model(home)
    store = add_model(home, 2, base=0.5, alias="challenger")
    pointer = json.loads(store.pointer_path("eco-credit", "challenger").read_bytes())
    (store.served_folder("eco-credit") / pointer["digest"] / "lgd.json").write_bytes(b"{}")
    settings = Settings(access="open", home=home, web=False, refresh_seconds=0.05)
    with Client(create_app(settings)) as client:
        client.wait_for(lambda: client.get("/v1/models").json()["challenger_alarm"] == "model_not_servable")
        assert client.get("/v1/models").json()["challenger_why"] == "lgd.json has been altered"
        assert 'eco_credit_model_alarm{alias="challenger"} 1.0' in client.get("/metrics").text
        assert client.get("/readyz").status_code == 200
        assert client.post("/v1/scores", body_of(example("order"))).status_code == 200


def row(number: int, tenant: str = "demo", **figures: Any) -> tuple[Any, ...]:
    """A row of the file with these figures."""
    plain = {"decision_id": f"d-{number}", "challenger": "b", "champion": "a", "tenant": tenant, "created_at": "t"}
    return tuple((plain | figures).get(name) for name in COLUMNS)


def test_the_summary_counts_differences_and_moves(tmp_path: Path) -> None:
    path = shadow_path(tmp_path)
    assert summary(path)["rows"] == 0
    connection = open_shadow(path)
    # differences 0.01, 0.02, 0.03, 0.04: the median by observed values is the second, 0.02; their mean is 0.025
    add_rows(connection, [
        row(i, champion_pd=0.01, challenger_pd=0.01 + i / 100, champion_grade="A", challenger_grade=grade)
        for i, grade in enumerate("AABB", start=1)
    ])  # fmt: skip
    add_rows(connection, [row(5, error="internal"), row(6, tenant="other", champion_pd=0.1, challenger_pd=0.9)])
    connection.close()
    told = summary(path, "demo")
    assert (told["rows"], told["failed"]) == (5, 1)
    assert (told["pd"]["rows"], told["pd"]["difference"]["p50"], told["pd"]["mean_absolute"]) == (4, 0.02, 0.025)
    assert told["grade"] == {"rows": 4, "same": 2, "from_to": {"A": {"A": 2, "B": 2}}}
    assert summary(path)["rows"] == 6
    assert summary(path, "nobody")["rows"] == 0


def test_the_command_tells_the_same_as_json(tmp_path: Path) -> None:
    connection = open_shadow(shadow_path(tmp_path))
    add_rows(connection, [row(1, champion_pd=0.01, challenger_pd=0.02)])
    connection.close()
    done = subprocess.run(
        [sys.executable, "-c", "from serving.cli import main; main()", "shadow", "--home", str(tmp_path), "--json"],
        capture_output=True, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert json.loads(done.stdout) == summary(shadow_path(tmp_path))
