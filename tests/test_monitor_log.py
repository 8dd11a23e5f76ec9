"""The decision log as current data: what the service answered is what the look at the model sees."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer import Typer
from typer.testing import CliRunner

from eco_credit.core.errors import ContractError
from eco_credit.registry import Store, open_model
from serving.cli.demo import EXAMPLES, example_path
from training.cli import register
from training.monitor.decision_log import of_log
from training.monitor.run import Files, monitor

CHAMPION = "eco-credit@champion"


@pytest.fixture(scope="module")
def logged(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[dict[str, Any]]]:
    """A store whose service answered nine applications, one of them twice; a person decided on three."""
    from fastapi.testclient import TestClient

    from serving.app import create_app
    from serving.override import departs
    from serving.settings import Settings

    home = tmp_path_factory.mktemp("log") / "store"
    shutil.copytree(demo_home, home, ignore=shutil.ignore_patterns("decisions.db*"))
    answers = []
    app = create_app(Settings(home=home))
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000)) as client:
        for number in range(9):
            application = json.loads(example_path(EXAMPLES[number % 3]).read_text("utf-8"))
            application["application_id"] = f"L-{number}"
            application["borrower"]["area_code"] = "110101" if number < 2 else "999999"
            answers.append(client.post("/v1/scores", json=application).json())
        answers[8] = client.post("/v1/scores", json=application).json()
        for number, decided in enumerate(("decline", "approve", "approve")):
            path = f"/v1/decisions/{answers[number]['decision_id']}/outcome"
            for key, said in (("first", "refer"), ("second", decided)) if number == 2 else (("first", decided),):
                body = {"decided": said, "decided_by": "li", "reason": "seen the land"}
                if departs(body, answers[number]):
                    body["override_reason"] = "other_value_evidence"
                client.post(path, json=body, headers={"Idempotency-Key": f"{key}-{number}"}).raise_for_status()
    return home, answers


def test_a_log_is_read_as_it_was_answered(logged: tuple[Path, list[dict[str, Any]]]) -> None:
    home, answers = logged
    current = of_log(open_model(Store(home), CHAMPION), home)
    order = {name: row for row, name in enumerate(current.keys["decision_id"].tolist())}
    assert sorted(order) == sorted(answer["decision_id"] for answer in answers)
    for answer in answers:
        row = order[answer["decision_id"]]
        assert (current.pd[row], current.pd_low[row], current.pd_high[row]) == (
            answer["pd"]["value"], answer["pd"]["low"], answer["pd"]["high"],
        )  # fmt: skip
        assert (current.grade[row], current.recommendation[row]) == (answer["grade"], answer["recommendation"])
        assert current.kind is not None and current.kind[row] == answer["pledges"][0]["kind"]
        codes = {reason["code"] for reason in answer["reasons"]}
        assert {name: bool(current.layers[name][row]) for name in ("thin_cell", "disagreement", "wide")} == {
            "thin_cell": "P10" in codes, "disagreement": "P09" in codes, "wide": "P06" in codes,
        }  # fmt: skip
    assert current.layers["thin_cell"].sum() == 2
    assert current.left_out == {"other_model": 0, "answered_again": 1, "unreadable": 0}


def test_the_inputs_computed_from_the_requests_give_the_answered_pd_again(
    logged: tuple[Path, list[dict[str, Any]]],
) -> None:
    home, _ = logged
    package = open_model(Store(home), CHAMPION)
    current = of_log(package, home)
    encoded, _ = package.bundle.features.encode(current.inputs)
    again = package.bundle.pd.estimate(encoded).pd
    # answers are rounded to 1e-8
    assert np.abs(again - current.pd).max() <= 0.5e-8 + 1e-12


def test_departures_are_counted_from_the_log_itself_and_the_last_word_stands(
    logged: tuple[Path, list[dict[str, Any]]],
) -> None:
    home, answers = logged
    found = monitor(Store(home), CHAMPION, Files(home))
    said = [answers[0]["recommendation"], answers[1]["recommendation"], answers[2]["recommendation"]]
    departed = sum(a != b for a, b in zip(said, ("decline", "approve", "approve"), strict=True))
    assert (found["overrides"]["decided"], found["overrides"]["departed"]) == (3, departed)
    assert found["data"]["form"] == "log" and found["data"]["rows"] == 9
    assert len(found["features"]) == len(open_model(Store(home), CHAMPION).bundle.features.names)
    assert not any(answer["application_id"] in json.dumps(found) for answer in answers)


def test_the_command_takes_a_store_and_leaves_its_log_alone(logged: tuple[Path, list[dict[str, Any]]]) -> None:
    home, _ = logged
    before = rows(home)
    app = Typer()
    register(app)
    done = CliRunner().invoke(app, ["monitor", CHAMPION, str(home), "--home", str(home), "--lang", "en"])
    assert done.exit_code == 4 and "1 answered again later" in " ".join(done.stdout.split())
    assert rows(home) == before


def rows(home: Path) -> list[Any]:
    with closing(sqlite3.connect(Store(home).decisions)) as connection:
        return connection.execute("SELECT * FROM decisions ORDER BY sequence").fetchall()


def test_answers_of_another_model_and_erased_requests_are_counted_and_left_out(
    logged: tuple[Path, list[dict[str, Any]]], tmp_path: Path
) -> None:
    home, _ = logged
    package = open_model(Store(home), CHAMPION)
    (tmp_path / "other").mkdir()
    with closing(sqlite3.connect(Store(tmp_path / "other").decisions)) as made, made:
        with closing(sqlite3.connect(Store(home).decisions)) as source:
            (create,) = source.execute("SELECT sql FROM sqlite_master WHERE name = 'decisions'").fetchone()
        made.execute(create)
        for record in rows(home):
            made.execute(f"INSERT INTO decisions VALUES ({','.join('?' * len(record))})", record)
        made.execute("UPDATE decisions SET model_digest = 'another' WHERE application_id = 'L-3'")
        made.execute("UPDATE decisions SET request = x'' WHERE application_id = 'L-4'")
    current = of_log(package, tmp_path / "other")
    assert len(current) == 7 and current.left_out == {"other_model": 1, "answered_again": 1, "unreadable": 1}


def test_sealed_requests_are_looked_at_with_their_key_file_and_left_out_without_it(
    demo_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fastapi.testclient import TestClient

    from eco_credit.registry.subject_keys import new_key_file
    from serving.app import create_app
    from serving.settings import Settings

    home, keys = tmp_path / "store", tmp_path / "subject.key"
    shutil.copytree(demo_home, home, ignore=shutil.ignore_patterns("decisions.db*"))
    new_key_file(keys)
    app = create_app(Settings(home=home, subject_key_file=keys))
    with TestClient(app, base_url="http://127.0.0.1", client=("127.0.0.1", 50000)) as client:
        for name in EXAMPLES:
            answer = client.post("/v1/scores", json=json.loads(example_path(name).read_text("utf-8"))).json()
        body = {"decided": "refer", "decided_by": "li", "reason": "x", "override_reason": "lending_policy"}
        path = f"/v1/decisions/{answer['decision_id']}/outcome"
        if answer["recommendation"] == "refer":
            del body["override_reason"]
        client.post(path, json=body, headers={"Idempotency-Key": "o"}).raise_for_status()
    package = open_model(Store(home), CHAMPION)
    monkeypatch.delenv("ECO_CREDIT_SUBJECT_KEY_FILE", raising=False)
    assert of_log(package, home).left_out["unreadable"] == len(EXAMPLES)
    monkeypatch.setenv("ECO_CREDIT_SUBJECT_KEY_FILE", str(keys))
    current = of_log(package, home)
    assert (len(current), current.left_out["unreadable"]) == (len(EXAMPLES), 0)
    assert current.decided is not None and "refer" in current.decided.tolist()


def test_a_folder_without_a_log_is_refused_by_name(demo_home: Path, tmp_path: Path) -> None:
    package = open_model(Store(demo_home), CHAMPION)
    with pytest.raises(ContractError, match="no decision log"):
        of_log(package, tmp_path)
    Store(tmp_path).decisions.write_bytes(b"not a database at all, only words" * 40)
    with pytest.raises(ContractError, match="cannot be read"):
        of_log(package, tmp_path)
