"""Nobody sees or changes what another tenant has: a foreign record is a missing one, to the byte."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator

import httpx
import pytest
from api_service import body_of
from api_users import Bank

from serving.access import Role

EVERYTHING = tuple(Role)
MISSING = "d-" + "0" * 26
BY_ID = [
    ("GET", "/v1/decisions/{id}"),
    ("POST", "/v1/decisions/{id}/outcome"),
    ("GET", "/v1/audit/replay/{id}"),
    ("GET", "/decisions?decision_id={id}&lang=en"),
    ("GET", "/decisions/{id}?lang=zh"),
    ("GET", "/decisions/{id}/memo?lang=en"),
    ("GET", "/decisions/{id}/appraisal?lang=en"),
]
OUTCOME = {"decided": "approve", "decided_by": "u-1", "reason": "现场核查无误"}


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    with Bank(tmp_path_factory.mktemp("tenants") / "home", web=True) as one:
        yield one


@pytest.fixture(scope="module")
def ours(bank: Bank) -> str:
    """A key of the tenant that has records."""
    return bank.key(*EVERYTHING, tenant="bank-a", user="li")


@pytest.fixture(scope="module")
def theirs(bank: Bank) -> str:
    """A key of another tenant, whose user has the same name and every role."""
    return bank.key(*EVERYTHING, tenant="bank-b", user="li")


@pytest.fixture(scope="module")
def ids(bank: Bank, ours: str) -> dict[str, str]:
    """An answer and an outcome of the first tenant."""
    made = bank.post("/v1/scores", body_of({"amount": 4, "application_id": "a-1"}), ours, idempotency_key="k-1").json()
    sent = bank.post(f"/v1/decisions/{made['decision_id']}/outcome", body_of(OUTCOME), ours, idempotency_key="o-1")
    return {"score": made["decision_id"], "outcome": sent.json()["outcome_id"]}


def ask(bank: Bank, method: str, path: str, key: str, thing: str) -> httpx.Response:
    """A request about a thing, always with the same request number."""
    address = path.format(id=thing)
    if method == "GET":
        return bank.get(address, key, x_request_id="r")
    return bank.post(address, body_of(OUTCOME), key, x_request_id="r", idempotency_key=f"k-{thing}")


def told(answer: httpx.Response, thing: str) -> tuple[int, bytes, dict[str, str]]:
    """All a caller gets to know, with the identifier asked for taken out."""
    # what is left of the minute's requests differs from call to call, whatever is asked for
    told = {name: value for name, value in answer.headers.items() if not name.startswith("ratelimit-")}
    headers = {name: value.replace(thing, "?") for name, value in told.items()}
    return answer.status_code, answer.content.replace(thing.encode(), b"?"), headers


@pytest.mark.parametrize("kind", ["score", "outcome"])
@pytest.mark.parametrize(("method", "path"), BY_ID, ids=str)
def test_a_foreign_record_is_a_missing_one_to_the_byte(
    bank: Bank, theirs: str, ids: dict[str, str], method: str, path: str, kind: str
) -> None:
    missing = MISSING if kind == "score" else "o-" + MISSING[2:]
    foreign = told(ask(bank, method, path, theirs, ids[kind]), ids[kind])
    assert foreign[0] == 404
    assert foreign == told(ask(bank, method, path, theirs, missing), missing)


@pytest.mark.parametrize("path", ["/v1/decisions/{id}", "/decisions?decision_id={id}&lang=en"])
def test_the_owner_is_found_by_the_same_request(bank: Bank, ours: str, ids: dict[str, str], path: str) -> None:
    """The control: without it, a service that never finds anything would pass."""
    assert ask(bank, "GET", path, ours, ids["score"]).status_code in (200, 303)


def test_nothing_of_the_other_tenant_was_changed(bank: Bank, ours: str, theirs: str, ids: dict[str, str]) -> None:
    before = bank.get(f"/v1/decisions/{ids['score']}", ours).content
    for method, path in BY_ID:
        ask(bank, method, path, theirs, ids["score"])
    assert bank.get(f"/v1/decisions/{ids['score']}", ours).content == before


def test_a_list_holds_the_own_tenants_records_only(bank: Bank, ours: str, theirs: str, ids: dict[str, str]) -> None:
    own = bank.get("/v1/decisions", ours).json()["decisions"]
    assert ids["score"] in [line["decision_id"] for line in own]
    for query in ("", "?application_id=a-1", "?limit=1", "?after=99999"):
        assert ids["score"] not in bank.get(f"/v1/decisions{query}", theirs).text


def test_one_key_in_two_tenants_is_two_decisions(bank: Bank, ours: str, theirs: str, ids: dict[str, str]) -> None:
    raw = body_of({"amount": 4, "application_id": "a-1"})
    again = bank.post("/v1/scores", raw, ours, idempotency_key="k-1")
    other = bank.post("/v1/scores", raw, theirs, idempotency_key="k-1")
    assert (again.json()["decision_id"], again.headers["idempotent-replayed"]) == (ids["score"], "true")
    assert other.json()["decision_id"] != ids["score"] and "idempotent-replayed" not in other.headers
    # another body under that key is a conflict for its own tenant only
    third = bank.key(*EVERYTHING, tenant="bank-c")
    bodies = [bank.post("/v1/scores", body_of({"amount": 8}), one, idempotency_key="k-1") for one in (ours, third)]
    assert [answer.status_code for answer in bodies] == [409, 200]


def test_an_outcome_corrects_none_of_another_tenant(bank: Bank, theirs: str, ids: dict[str, str]) -> None:
    own = bank.post("/v1/scores", body_of({"amount": 6}), theirs, idempotency_key="k-9").json()["decision_id"]
    answers = [
        bank.post(f"/v1/decisions/{own}/outcome", body_of(OUTCOME | {"corrects": one}), theirs,
                  idempotency_key=f"c-{one}", x_request_id="r")
        for one in (ids["outcome"], "o-" + "1" * 26)
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [422, 422]
    assert answers[0].content == answers[1].content


@pytest.mark.parametrize("header", ["x_tenant", "x_tenant_id", "x_eco_credit_tenant", "x_forwarded_user", "forwarded"])
def test_no_header_names_the_tenant(bank: Bank, theirs: str, ids: dict[str, str], header: str) -> None:
    assert bank.get(f"/v1/decisions/{ids['score']}", theirs, **{header: "bank-a"}).status_code == 404


def test_no_query_and_no_body_names_the_tenant(bank: Bank, ours: str, theirs: str, ids: dict[str, str]) -> None:
    assert bank.get(f"/v1/decisions/{ids['score']}?tenant=bank-a", theirs).status_code == 404
    raw = body_of({"amount": 3, "tenant": "bank-a", "by_user": "root"})
    made = bank.post("/v1/scores", raw, theirs, idempotency_key="k-t").json()["decision_id"]
    assert bank.get(f"/v1/decisions/{made}", ours).status_code == 404
    (found,) = [r for r in bank.client.state.journal.records("bank-b") if r.entry.decision_id == made]
    assert (found.entry.tenant, found.entry.by_user) == ("bank-b", "li")


def test_a_new_key_of_the_same_tenant_sees_its_records(bank: Bank, ids: dict[str, str]) -> None:
    colleague = bank.key(Role.AUDITOR, tenant="bank-a", user="zhao")
    assert bank.get(f"/v1/decisions/{ids['score']}", colleague).status_code == 200


def test_a_foreign_record_takes_as_long_as_a_missing_one(bank: Bank, theirs: str, ids: dict[str, str]) -> None:
    spent: dict[str, list[float]] = {ids["score"]: [], MISSING: []}
    for _ in range(60):
        for thing, times in spent.items():
            began = time.perf_counter()
            assert bank.get(f"/v1/decisions/{thing}", theirs).status_code == 404
            times.append(time.perf_counter() - began)
    foreign, missing = (statistics.median(times) for times in spent.values())
    assert 0.5 < foreign / missing < 2.0
