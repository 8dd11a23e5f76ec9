"""Every example of the API description runs as it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_service import Client, Ticking, body_of
from api_users import Bank
from test_api_inference import KINDS, features_of, request_of

from serving.access import Role
from serving.app import create_app
from serving.settings import Settings

DESCRIBED: dict[str, Any] = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text("utf-8"))
POSTS = [path for path, found in DESCRIBED["paths"].items() if "requestBody" in found.get("post", {})]


@pytest.fixture(scope="module")
def demo(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The service on the demo's model, with a decision log of its own."""
    home = tmp_path_factory.mktemp("examples") / "home"
    home.mkdir()
    for name in ("served", "keys"):
        (home / name).symlink_to(demo_home / name)
    with Client(create_app(Settings(access="open", home=home, web=False), clock=Ticking())) as client:
        yield client


def examples_of(path: str) -> dict[str, Any]:
    """Examples of the body of a POST route, by name."""
    content: dict[str, Any] = DESCRIBED["paths"][path]["post"]["requestBody"]["content"]
    body: dict[str, Any] = content.get("application/json") or content["text/csv"]
    return {name: one["value"] for name, one in body["examples"].items()}


@pytest.mark.parametrize("path", [path for path in POSTS if not path.startswith("/v1/users/")])
def test_every_example_of_a_post_route_is_answered(demo: Client, path: str) -> None:
    made = demo.post("/v1/scores", body_of(examples_of("/v1/scores")["order"])).json()["decision_id"]
    at = path.replace("{decision_id}", made).replace("{name}", "eco-credit")
    assert "{" not in at, "say in this test what stands for the new parameter"
    found = examples_of(path)
    assert found
    for name, body in found.items():
        media = "text/csv" if isinstance(body, str) else "application/json"
        raw = body.encode() if isinstance(body, str) else body_of(body)
        answer = demo.post(at, raw, content_type=media, idempotency_key=f"example.{name}")
        assert answer.status_code in (200, 201, 202), (path, name, answer.text)


@pytest.mark.parametrize("path", [path for path in POSTS if path.startswith("/v1/users/")])
def test_every_example_of_keeping_keys_is_answered_where_people_log_in(tmp_path: Path, path: str) -> None:
    with Bank(tmp_path / "home") as bank:
        admin, old = bank.key(Role.ADMIN, user="zhou"), bank.key(Role.AUDITOR)
        found = examples_of(path)
        assert found
        for body in found.values():
            answer = bank.post(path.replace("{key_id}", old.split("_")[1]), body_of(body), admin)
            assert answer.status_code == 201, answer.text
            assert bank.get("/v1/models", answer.json()["key"]).status_code == 200


def test_the_example_of_features_is_what_the_pipeline_makes_of_the_applications(demo: Client) -> None:
    made = request_of(demo, features_of(demo.state.settings.home, KINDS))
    assert examples_of("/v2/models/{name}/infer")["features"] == made, "write examples/features.json anew"
