"""Parcels on the page of a decision: drawn, measured beside the certificate, and never scored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.app import create_app
from serving.settings import Settings

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "forest_right.json"
# two parcels of 0.01 by 0.005 degrees at 28 N: 983 m by 554 m, about 54.5 ha each
NEAR = [[119.0, 28.0], [119.01, 28.0], [119.01, 28.005], [119.0, 28.005], [119.0, 28.0]]
FAR = [[x + 0.012, y] for x, y in NEAR]


@pytest.fixture(scope="module")
def desk(demo_home: Path) -> Iterator[TestClient]:
    with TestClient(create_app(Settings(home=demo_home)), base_url="http://127.0.0.1") as client:
        yield client


def decided(desk: TestClient, outline: str | None) -> tuple[dict[str, Any], str]:
    raw = json.loads(EXAMPLE.read_text(encoding="utf-8"))
    if outline is not None:
        raw["pledges"][0]["outline_wgs84"] = outline
    reply = desk.post("/v1/scores", json=raw)
    assert reply.status_code == 200, reply.text
    return reply.json(), desk.get(f"/decisions/{reply.json()['decision_id']}?lang=en").text


def test_parcels_are_drawn_and_measured_beside_the_certificate(desk: TestClient) -> None:
    both = json.dumps({"type": "MultiPolygon", "coordinates": [[NEAR], [FAR]]})
    _, text = decided(desk, both)
    shown = text[text.index('id="parcels-1"') :][:6000]
    assert shown.count("fill-rule") == 2
    assert "54.5" in shown and "109." in shown and "100.00" in shown  # each, together, on the certificate
    assert "longitude" not in shown


def test_an_outline_changes_no_number_of_the_answer(desk: TestClient) -> None:
    without, page = decided(desk, None)
    within, _ = decided(desk, json.dumps({"type": "Polygon", "coordinates": [NEAR]}))
    assert 'id="parcels-1"' not in page
    assert {k: v for k, v in within.items() if k not in ("decision_id", "provenance")} == {
        k: v for k, v in without.items() if k not in ("decision_id", "provenance")
    }


@pytest.mark.parametrize("text", ["{", '{"type":"Polygon","coordinates":[[[1,2]]]}', '<script>alert(1)</script>'])
def test_what_cannot_be_drawn_is_said_and_not_repeated(desk: TestClient, text: str) -> None:
    _, page = decided(desk, text)
    assert "nothing is drawn" in page and "alert(1)" not in page
