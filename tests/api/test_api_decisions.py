"""Lists of recorded answers, their versions, tenants apart, and decisions that depart from the recommendation."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from api_service import Client, Plain, body_of, plain_client

from serving.access import DEMO, Principal, Role
from serving.pipeline import Answer, Ask
from serving.settings import Settings


class Recommending(Plain):
    """Recommends what the application says, on its day, for its kinds of pledge."""

    def one(self, ask: Ask) -> Answer | Exception:
        """The answer, with what a list is chosen by."""
        answer = super().one(ask)
        if isinstance(answer, Exception):
            return answer
        raw = ask.raw
        kinds = [{"kind": kind} for kind in raw.get("kinds", ["order"])]
        more = {"as_of": raw.get("as_of", "2026-03-01"), "recommendation": raw.get("recommendation", "refer"),
                "pledges": kinds, "application_id": answer.application_id, "grade": "5", "score": 500.0,
                "rate_floor": 0.05}  # fmt: skip
        return replace(answer, body=answer.body | more)


@pytest.fixture
def desk(settings: Settings) -> Iterator[Client]:
    with plain_client(settings, Recommending()) as client:
        yield client


def scored(client: Client, **fields: Any) -> str:
    return str(client.post("/v1/scores", body_of({"amount": 10} | fields)).json()["decision_id"])


def decided(client: Client, decision_id: str, **fields: Any) -> Any:
    whole = {"decided": "approve", "decided_by": "u-1", "reason": "同意"} | fields
    return client.post(f"/v1/decisions/{decision_id}/outcome", body_of(whole))


def as_caller(client: Client, monkeypatch: pytest.MonkeyPatch, tenant: str, user: str, *roles: Role) -> None:
    caller = Principal(tenant, user, frozenset(roles or DEMO.roles))

    async def known(_: Any) -> Principal:
        return caller

    monkeypatch.setattr(client.state.gate, "principal", known)


def test_a_list_shows_the_newest_first_and_links_to_the_page_that_follows(desk: Client) -> None:
    made = [scored(desk, application_id=f"a-{i}") for i in range(5)]
    first = desk.get("/v1/decisions?limit=2&kind=order")
    assert [line["decision_id"] for line in first.json()["decisions"]] == [made[4], made[3]]
    assert first.headers["link"] == '</v1/decisions?limit=2&kind=order&after=4>; rel="next"'
    seen = first.json()["decisions"]
    while following := first.headers.get("link"):
        first = desk.get(following[1 : following.index(">")])
        seen += first.json()["decisions"]
    assert [line["decision_id"] for line in seen] == made[::-1]
    line = seen[-1]
    assert (line["application_id"], line["recommendation"], line["max_loan"], line["score"], line["outcome"]) == (
        "a-0", "refer", 5.0, 500.0, None
    )


def test_a_list_is_narrowed_by_recommendation_kind_day_and_number(desk: Client) -> None:
    a = scored(desk, application_id="a-1", recommendation="approve", as_of="2026-01-05", kinds=["forest_right"])
    b = scored(desk, application_id="a-12", recommendation="decline", as_of="2026-02-05")
    both = ["order", "forest_right"]
    c = scored(desk, application_id="b-1", recommendation="approve", as_of="2026-03-05", kinds=both)

    def found(query: str) -> list[str]:
        return [line["decision_id"] for line in desk.get(f"/v1/decisions?{query}").json()["decisions"]]

    assert found("") == [c, b, a]
    assert found("recommendation=approve") == [c, a]
    assert found("kind=forest_right") == [c, a]
    assert found("since=2026-01-06&until=2026-02-28") == [b]
    assert found("application_id=a-1") == [b, a]
    assert found("recommendation=approve&kind=order&application_id=a") == []
    numbers = ("limit=0", "limit=201", "after=0", f"after={2**63}")
    for wrong in (*numbers, "recommendation=yes", "kind=X", "application_id=%00", "since=2026-02-30", "until=x"):
        assert desk.get(f"/v1/decisions?{wrong}").status_code == 422, wrong


def test_a_record_has_a_version_that_changes_with_an_outcome(desk: Client) -> None:
    path = f"/v1/decisions/{scored(desk)}"
    etag = desk.get(path).headers["etag"]
    again = desk.get(path, if_none_match=f'"x", W/{etag}')
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert desk.get(path, if_none_match='"another"').status_code == 200
    assert decided(desk, path.rpartition("/")[2]).status_code == 201
    changed = desk.get(path, if_none_match=etag)
    assert changed.status_code == 200 and changed.headers["etag"] != etag
    assert desk.get("/v1/decisions").json()["decisions"][0]["outcome"]["decided"] == "approve"


def test_another_tenants_decision_is_not_found_in_any_way(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    as_caller(desk, monkeypatch, "bank-a", "u-a")
    ours = scored(desk)
    as_caller(desk, monkeypatch, "bank-b", "u-b")
    missing = desk.get("/v1/decisions/d-" + "0" * 26)
    for found in (desk.get(f"/v1/decisions/{ours}"), desk.get(f"/v1/audit/replay/{ours}"), decided(desk, ours)):
        assert (found.status_code, found.json() | {"request_id": ""}) == (404, missing.json() | {"request_id": ""})
    assert desk.get("/v1/decisions").json() == {"decisions": [], "next": None}
    assert desk.get("/v1/audit/chain").json()["records"] == 0
    # the same key is another key here
    first = desk.post("/v1/scores", body_of({"amount": 1}), idempotency_key="k")
    as_caller(desk, monkeypatch, "bank-a", "u-a")
    other = desk.post("/v1/scores", body_of({"amount": 2}), idempotency_key="k")
    assert (first.status_code, other.status_code) == (200, 200)
    assert "idempotent-replayed" not in other.headers


def test_who_asked_and_who_decided_stand_in_the_record(desk: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    as_caller(desk, monkeypatch, "bank-a", "u-officer", Role.LOAN_OFFICER)
    one = scored(desk)
    as_caller(desk, monkeypatch, "bank-a", "u-approver", Role.APPROVER, Role.AUDITOR)
    assert decided(desk, one, decided_by="committee 7").status_code == 201
    shown = desk.get(f"/v1/decisions/{one}").json()
    assert (shown["recorded_by"], shown["roles"]) == ("u-officer", ["loan_officer"])
    (outcome,) = shown["outcomes"]
    assert (outcome["recorded_by"], outcome["roles"]) == ("u-approver", ["approver", "auditor"])
    assert outcome["decided_by"] == "committee 7"
    stored = desk.state.journal.records("bank-a")[-1].entry
    assert (stored.by_user, stored.by_roles, stored.about) == ("u-approver", "approver auditor", one)


OVERRIDES = [
    ({"recommendation": "decline"}, {"decided": "approve"}),
    ({"recommendation": "approve"}, {"decided": "decline"}),
    ({"recommendation": "approve"}, {"decided": "refer"}),
    ({"recommendation": "approve"}, {"amount": 5.01}),
    ({"recommendation": "refer"}, {"annual_rate": 0.049}),
]


@pytest.mark.parametrize(("answer", "outcome"), OVERRIDES)
def test_an_override_without_a_coded_reason_is_refused(
    desk: Client, answer: dict[str, Any], outcome: dict[str, Any]
) -> None:
    one = scored(desk, **answer)
    refused = decided(desk, one, **outcome)
    assert refused.status_code == 422
    assert [(e["field"], e["rule"]) for e in refused.json()["errors"]] == [("override_reason", "missing")]
    assert decided(desk, one, **outcome, override_reason="because").json()["errors"][0]["rule"] == "code"
    given = decided(desk, one, **outcome, override_reason="other_value_evidence")
    assert given.status_code == 201 and given.json()["override_reason"] == "other_value_evidence"
    assert len(desk.records()) == 2


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"recommendation": "approve"}, {"amount": 5.0, "annual_rate": 0.05}),
        ({"recommendation": "decline"}, {"decided": "decline"}),
        ({"recommendation": "refer"}, {"decided": "decline"}),
        ({"recommendation": "refer"}, {"decided": "approve"}),
        # what is not granted cannot be too much
        ({"recommendation": "decline"}, {"decided": "decline", "amount": 99.0}),
    ],
)
def test_a_decision_that_follows_the_recommendation_takes_no_coded_reason(
    desk: Client, answer: dict[str, Any], outcome: dict[str, Any]
) -> None:
    one = scored(desk, **answer)
    refused = decided(desk, one, **outcome, override_reason="other")
    assert refused.json()["errors"][0]["rule"] == "no_override"
    assert decided(desk, one, **outcome).status_code == 201


def test_what_loosens_the_recommendation_needs_a_second_person(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with plain_client(settings.model_copy(update={"access": "keys"}), Recommending()) as desk:
        as_caller(desk, monkeypatch, "bank-a", "u-officer")
        one = scored(desk, recommendation="decline")
        loosened = {"decided": "approve", "override_reason": "further_security"}
        refused = decided(desk, one, **loosened, decided_by="somebody else")
        assert [(e["field"], e["rule"]) for e in refused.json()["errors"]] == [("decided_by", "four_eyes")]
        assert decided(desk, one, decided="decline").status_code == 201
        as_caller(desk, monkeypatch, "bank-a", "u-approver")
        assert decided(desk, one, **loosened).status_code == 201
        assert json.loads(desk.state.journal.records("bank-a")[-1].entry.answer)["decided"] == "approve"
