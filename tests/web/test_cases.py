"""The list of decisions, the person's decision and the auditor's page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from serving.app import create_app
from serving.settings import Settings
from serving.web.cases import LINES, wanted_of

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def desk(demo_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    home = tmp_path_factory.mktemp("cases")
    for part in ("keys", "served", "demo.json"):
        (home / part).symlink_to(demo_home / part)
    with TestClient(create_app(Settings(home=home)), base_url="http://127.0.0.1", client=("127.0.0.1", 1)) as client:
        yield client


def decided(desk: TestClient, kind: str, **changed: Any) -> dict[str, Any]:
    raw = json.loads((EXAMPLES / f"{kind}.json").read_text(encoding="utf-8")) | changed
    reply = desk.post("/v1/scores", json=raw)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def listed(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', text)


def test_the_list_shows_the_newest_first_and_leads_to_the_next_page(desk: TestClient) -> None:
    for number in range(LINES + 2):
        decided(desk, "order", application_id=f"LIST-{number:02}")
    first = desk.get("/decisions?lang=en&text=LIST-").text
    assert listed(first) == [f"LIST-{number:02}" for number in reversed(range(2, LINES + 2))]
    following = re.search(r'rel="next" href="([^"]+)"', first)
    assert following is not None
    assert listed(desk.get(following[1].replace("&amp;", "&")).text) == ["LIST-01", "LIST-00"]


def test_filters_choose_by_kind_recommendation_and_day_and_stay_in_the_form(desk: TestClient) -> None:
    decided(desk, "water_right", application_id="ONLY-WATER")
    text = desk.get("/decisions?lang=en&kind=water_right&since=2026-01-01&until=2026-12-31").text
    assert "ONLY-WATER" in listed(text) and not any(one.startswith("LIST-") for one in listed(text))
    assert '<option value="water_right" selected>' in text and 'value="2026-01-01"' in text
    assert listed(desk.get("/decisions?lang=en&until=1999-01-01").text) == []


def test_a_filter_that_cannot_be_read_is_named_and_nothing_is_listed(desk: TestClient) -> None:
    page = desk.get("/decisions?lang=en&since=2026-02-30&kind=gold")
    assert page.status_code == 422 and 'aria-invalid="true"' in page.text and listed(page.text) == []
    assert wanted_of({"after": "0"})[1] == ["after"]
    assert wanted_of({"after": "12", "kind": ""})[0].after == 12


def test_a_decision_number_in_the_search_leads_to_the_decision(desk: TestClient) -> None:
    found = decided(desk, "order")
    page = desk.get(f"/decisions?text={found['decision_id']}&lang=en")
    assert page.url.path == f"/decisions/{found['decision_id']}"


def test_a_persons_decision_is_recorded_beside_the_recommendation(desk: TestClient) -> None:
    found = decided(desk, "forest_right", application_id="BY-PERSON")
    here = f"/decisions/{found['decision_id']}"
    said = {"decided": found["recommendation"], "amount": "150", "annual_rate": "4.8", "reason": "as recommended",
            "decided_by": "S-17"}  # fmt: skip
    page = desk.post(f"{here}/outcome?lang=en", data=said)
    assert page.url.path == here and page.status_code == 200
    assert "S-17" in page.text and "1,500,000.00 CNY" in page.text and "4.80%" in page.text
    (record,) = desk.get(f"/v1/decisions/{found['decision_id']}").json()["outcomes"]
    assert (record["amount"], record["annual_rate"]) == (1_500_000.0, 0.048)
    assert "BY-PERSON" in listed(desk.get("/decisions?lang=en&text=BY-PERSON").text)
    # the same form sent twice is one record
    desk.post(f"{here}/outcome?lang=en", data=said)
    assert len(desk.get(f"/v1/decisions/{found['decision_id']}").json()["outcomes"]) == 1


def test_an_override_without_a_coded_reason_is_refused_with_its_field(desk: TestClient) -> None:
    found = decided(desk, "forest_right")
    assert found["recommendation"] != "decline"
    here = f"/decisions/{found['decision_id']}/outcome?lang=en"
    said = {"decided": "decline", "reason": "no", "decided_by": "S-17"}
    refused = desk.post(here, data=said)
    assert refused.status_code == 422 and "not recorded" in refused.text
    # nothing typed is lost: the form stands below with everything in it, the wrong field marked
    assert re.search(r'<option value="decline" selected>', refused.text) and 'value="S-17"' in refused.text
    assert ">Refer to a person</option>" in refused.text  # worded as the recommendation is
    assert ">no</textarea>" in refused.text and 'id="o-override_reason-said"' in refused.text
    assert desk.get(f"/v1/decisions/{found['decision_id']}").json()["outcomes"] == []
    taken = desk.post(here, data=said | {"override_reason": "outside_model"})
    assert taken.status_code == 200 and "outside what the model was made for" in taken.text


def test_a_form_from_another_site_records_nothing(desk: TestClient) -> None:
    found = decided(desk, "order")
    said = {"decided": found["recommendation"], "reason": "x", "decided_by": "S"}
    reply = desk.post(f"/decisions/{found['decision_id']}/outcome", data=said, headers={"Sec-Fetch-Site": "cross-site"})
    assert reply.status_code == 403
    assert desk.get(f"/v1/decisions/{found['decision_id']}").json()["outcomes"] == []


def test_the_auditor_sees_a_whole_chain_and_the_same_bytes_again(desk: TestClient) -> None:
    found = decided(desk, "order")
    page = desk.get(f"/audit?lang=en&decision_id={found['decision_id']}").text
    assert "The chain is whole" in page and "is the same to the byte" in page
    assert desk.get("/audit?lang=en&decision_id=d-" + "0" * 26).status_code == 404


def test_the_menu_names_the_rooms_and_marks_where_one_is(desk: TestClient) -> None:
    page = desk.get("/decisions?lang=en").text
    menu = page[page.index('class="menu"') :][:700]
    assert all(f'href="{path}?lang=en"' in menu for path in ("/", "/decisions", "/audit"))
    assert 'href="/decisions?lang=en" aria-current="page"' in menu
