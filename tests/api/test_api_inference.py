"""The Open Inference Protocol gives the figures of the score route, and nothing is decided by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from api_service import Client, Ticking, body_of
from small_store import add_model
from test_api_server import ROOT

from eco_credit.contracts import flatten, read_application
from eco_credit.core.numbers import number
from eco_credit.registry import Store, served
from eco_credit.rulebook import load
from eco_credit.scoring import score_applications
from serving.app import create_app
from serving.settings import Settings

MODEL = "/v2/models/eco-credit"
KINDS = ("forest_right", "water_right", "order")
FIGURES = ("pd", "pd_low", "pd_high", "lgd", "lgd_low", "lgd_high", "expected_loss_rate", "score", "grade")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a promoted model."""
    made = tmp_path_factory.mktemp("infer") / "home"
    add_model(made)
    return made


@pytest.fixture(scope="module")
def real(home: Path) -> Iterator[Client]:
    """The real service on that store."""
    with Client(create_app(Settings(access="open", home=home, web=False), clock=Ticking())) as client:
        yield client


def example(kind: str) -> dict[str, Any]:
    """A shipped example application."""
    data: dict[str, Any] = json.loads((ROOT / "examples" / f"{kind}.json").read_text("utf-8"))
    return data


def features_of(home: Path, kinds: tuple[str, ...]) -> dict[str, list[Any]]:
    """Columns the pipeline hands to the model for these examples, one after another."""
    package = served(Store(home), "eco-credit")
    table: dict[str, list[Any]] = {}
    for kind in kinds:
        data = read_application(example(kind))
        results = score_applications(flatten([data]), load().at(data["as_of"]), package).results
        row = {name: results.features[name][0] for name in package.bundle.features.names}
        exposure = number(results.loans, "amount_requested")
        given = {"collateral_value": results.evidence.central[0], "exposure": exposure[0]}
        for name, cell in (row | given).items():
            text = cell is None or isinstance(cell, str)
            table.setdefault(name, []).append(cell if text else None if np.isnan(cell) else float(cell))
    return table


def request_of(client: Client, columns: dict[str, list[Any]], **more: Any) -> dict[str, Any]:
    """An inference request in the datatypes the metadata names."""
    kinds = {item["name"]: item["datatype"] for item in client.get(MODEL).json()["inputs"]}
    tensors = [
        {"name": name, "shape": [len(data)], "datatype": kinds[name], "data": data} for name, data in columns.items()
    ]
    return {"inputs": tensors} | more


def outputs_of(answer: Any) -> dict[str, list[Any]]:
    """Outputs by name."""
    assert answer.status_code == 200, answer.text
    return {item["name"]: item["data"] for item in answer.json()["outputs"]}


def test_the_same_features_give_the_same_figures_as_the_score_route(real: Client, home: Path) -> None:
    found = outputs_of(real.post(f"{MODEL}/infer", body_of(request_of(real, features_of(home, KINDS)))))
    for place, kind in enumerate(KINDS):
        answer = real.post("/v1/scores", body_of(example(kind))).json()
        flat = {name: answer[name] for name in ("score", "grade", "expected_loss_rate")}
        for name in ("pd", "lgd"):
            part = answer[name]
            flat |= {name: part["value"], f"{name}_low": part["low"], f"{name}_high": part["high"]}
        assert {name: found[name][place] for name in FIGURES} == flat
        assert found["pd"][place] is not None


def test_one_row_is_that_row_among_many_and_nothing_is_recorded(real: Client, home: Path) -> None:
    before = len(real.records())
    many = outputs_of(real.post(f"{MODEL}/infer", body_of(request_of(real, features_of(home, KINDS)))))
    for place, kind in enumerate(KINDS):
        alone = outputs_of(real.post(f"{MODEL}/infer", body_of(request_of(real, features_of(home, (kind,))))))
        assert {name: data[place] for name, data in many.items()} == {name: data[0] for name, data in alone.items()}
    assert len(real.records()) == before


def test_metadata_and_health_say_what_is_there(real: Client, home: Path) -> None:
    package = served(Store(home), "eco-credit")
    told = real.get(MODEL).json()
    assert (told["name"], told["versions"]) == ("eco-credit", ["1"])
    assert [item["name"] for item in told["inputs"]] == [*package.bundle.features.names, "collateral_value", "exposure"]
    assert {item["datatype"] for item in told["inputs"]} <= {"FP64", "BYTES"}
    assert real.get("/v2").json()["name"] == "eco_credit"
    assert real.get("/v2/health/live").json() == {"live": True}
    assert real.get("/v2/health/ready").json() == {"ready": True}
    assert real.get(f"{MODEL}/ready").json() == {"name": "eco-credit", "ready": True}
    for path in ("/v2/models/other", "/v2/models/other/ready"):
        assert real.get(path).status_code == 404
    assert real.post("/v2/models/other/infer", b"{}").status_code == 404


def test_id_and_chosen_outputs_come_back(real: Client, home: Path) -> None:
    asked = request_of(real, features_of(home, ("order",)), id="q-1", outputs=[{"name": "lgd"}, {"name": "pd"}])
    answer = real.post(f"{MODEL}/infer", body_of(asked)).json()
    assert answer["id"] == "q-1"
    assert [item["name"] for item in answer["outputs"]] == ["lgd", "pd"]


def spoil(request: dict[str, Any], how: str) -> dict[str, Any]:
    """Break one rule of a good request."""
    first = request["inputs"][0]
    if how == "missing":
        del request["inputs"][-1]
    elif how == "distinct":
        request["inputs"].append(first)
    elif how == "output":
        request["outputs"] = [{"name": "secret"}]
    else:
        first |= {
            "extra": {"name": "nonsense"},
            "datatype": {"datatype": "BYTES" if first["datatype"] == "FP64" else "FP64"},
            "shape": {"shape": [7]},
            "empty": {"data": [], "shape": [0]},
            "type": {"data": [True]},
        }[how]
    return request


@pytest.mark.parametrize(
    "how", ["missing", "distinct", "output", "extra", "datatype", "shape", "empty", "type"]
)
def test_a_request_that_is_not_as_the_metadata_says_is_refused_by_rule(real: Client, home: Path, how: str) -> None:
    refused = real.post(f"{MODEL}/infer", body_of(spoil(request_of(real, features_of(home, ("order",))), how)))
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/contract")


def test_without_a_model_the_protocol_says_not_ready(settings: Settings) -> None:
    with Client(create_app(settings)) as client:
        assert client.get("/v2/health/live").status_code == 200
        assert (client.get("/v2/health/ready").status_code, client.get(MODEL).status_code) == (503, 503)
