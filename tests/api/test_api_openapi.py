"""The committed API description is the one the code gives."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from serving.openapi import text

COMMITTED = Path(__file__).parents[2] / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The description as the code gives it."""
    made: dict[str, Any] = json.loads(text())
    return made


def test_the_committed_description_is_up_to_date() -> None:
    assert COMMITTED.read_text("utf-8") == text(), "run: python -m serving.openapi docs/openapi.json"


def test_it_is_openapi_3_1_and_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    names = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(document)))
    assert names <= set(document["components"]["schemas"])
    assert not re.search(r'"#/\$defs/', json.dumps(document))


def test_it_names_every_route_of_the_versioned_api(document: dict[str, Any]) -> None:
    assert {f"{method.upper()} {path}" for path, found in document["paths"].items() for method in found} >= {
        "POST /v1/scores", "GET /v1/decisions/{decision_id}", "POST /v1/decisions/{decision_id}/outcome",
        "POST /v1/appraisals", "POST /v1/appraisals/report",
        "POST /v1/gep/accounts", "GET /v1/models", "GET /v1/contracts/{name}", "GET /v1/rules",
        "GET /v1/models/shadow", "GET /v2", "GET /v2/health/live", "GET /v2/health/ready",
        "GET /v2/models/{name}", "GET /v2/models/{name}/ready", "POST /v2/models/{name}/infer",
        "GET /livez", "GET /readyz", "GET /metrics",
    }


def test_every_route_of_the_versioned_api_tells_its_problems(document: dict[str, Any]) -> None:
    for path, found in document["paths"].items():
        for operation in found.values():
            assert ("default" in operation["responses"]) == path.startswith(("/v1/", "/v2"))
            assert "422" not in operation["responses"]


def test_every_route_of_the_versioned_api_names_its_key_and_its_permission(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    for path, found in document["paths"].items():
        for operation in found.values():
            guarded = path.startswith(("/v1/", "/v2")) and "/health/" not in path
            assert operation.get("security") == ([{"bearer": []}] if guarded else None)
            assert ("x-permission" in operation) == guarded


def test_no_field_takes_an_address_to_call(document: dict[str, Any]) -> None:
    """The scorer calls nobody: no field of a request is a URL."""
    application = json.dumps(document["components"]["schemas"]["Application"])
    assert '"format": "uri"' not in application
    assert "callbacks" not in json.dumps(document["paths"])
