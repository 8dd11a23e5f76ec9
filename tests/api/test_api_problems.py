"""Problem documents, headers, limits: what every answer has and what no answer shows."""

from __future__ import annotations

import json
import logging
import re
import threading
from collections.abc import Sequence
from typing import Any

import pytest
from api_service import Client, Plain, body_of, plain_client

from eco_credit.core.errors import (
    ConservationError,
    ContractError,
    EcoCreditError,
    ModelNotServable,
    RuleNotInForce,
    StorageUnavailable,
    Violation,
)
from serving.pipeline import Answer, Ask
from serving.problems import PROBLEMS, from_error, safe_path
from serving.settings import Settings

SECRET = "330102199001011234"


class Failing(Plain):
    """A pipeline that raises what the test hands it, with a value of a case in its text."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def score(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
        """Raise."""
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (ContractError([Violation("a", "maximum", "too large", "过大")]), 422, "contract"),
        (RuleNotInForce("rule x is not in force"), 422, "rule_not_in_force"),
        (ModelNotServable(SECRET), 503, "model_not_servable"),
        (StorageUnavailable(SECRET), 503, "storage_unavailable"),
        (ConservationError(SECRET), 500, "conservation"),
        (EcoCreditError(SECRET), 500, "internal"),
        (ZeroDivisionError(SECRET), 500, "internal"),
        (MemoryError(), 500, "internal"),
    ],
)
def test_each_error_is_its_own_problem_and_tells_no_secret(
    settings: Settings, caplog: pytest.LogCaptureFixture, error: Exception, status: int, code: str
) -> None:
    with plain_client(settings, Failing(error)) as client, caplog.at_level(logging.DEBUG):
        refused = client.post("/v1/scores", b"{}", x_request_id="r-1")
        assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
        body = refused.json()
        assert (body["type"], body["status"], body["request_id"]) == (f"/problems/{code}", status, "r-1")
        assert client.get(body["type"]).json()["status"] == status
        assert ("retry-after" in refused.headers) == (status == 503)
        assert SECRET not in refused.text + caplog.text
        assert "Traceback" not in refused.text + caplog.text
        assert client.records() == []


def test_a_failure_can_be_found_in_the_log_by_its_request(settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    with plain_client(settings, Failing(ZeroDivisionError(SECRET))) as client:
        client.post("/v1/scores", b"{}", x_request_id="r-1")
    line = json.loads(caplog.messages[-1])
    assert (line["error"], line["request_id"], line["route"]) == ("ZeroDivisionError", "r-1", "/v1/scores")


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB,zh;q=0.5", "en"), ("zh;q=0.2,en;q=0.7", "en"),
        ("fr,zh;q=0.1", "zh"), ("*", "en"), ("zh;q=nonsense", "zh"), (",;q=;;", "en"),
    ],
)
def test_title_and_messages_follow_the_language_asked_for(plain: Client, accept: str, language: str) -> None:
    refused = plain.post("/v1/scores", b"{}", accept_language=accept)
    assert refused.json()["title"] == getattr(PROBLEMS["contract"], language)
    assert refused.headers["content-language"] == language
    assert refused.json()["errors"][0]["message"] == {"en": "must be given", "zh": "必填"}[language]


def test_every_problem_type_has_both_titles_and_an_error_status() -> None:
    for kind in PROBLEMS.values():
        assert kind.en.isascii()
        assert not kind.zh.isascii()
        assert 400 <= kind.status < 600


@pytest.mark.parametrize(
    "kind", [ContractError, RuleNotInForce, ModelNotServable, StorageUnavailable, ConservationError]
)
def test_every_error_of_the_house_that_a_route_can_raise_has_a_problem_type(kind: type[EcoCreditError]) -> None:
    assert kind.code in PROBLEMS


def test_parts_of_a_path_that_are_no_plain_names_are_not_shown() -> None:
    error = ContractError([Violation("pledges[0].林权证号", "extra", "remove", "删除")])
    assert from_error(error).violations[0].rule == "extra"
    assert safe_path("pledges[0].林权证号") == "pledges[0].?"
    assert safe_path("") == "$"


def test_paths_and_methods_that_are_not_there_are_problems_too(plain: Client) -> None:
    missing, wrong = plain.get("/v1/nothing"), plain.get("/v1/scores")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/not_found")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "/problems/method_not_allowed")
    assert wrong.headers["allow"] == "POST"
    assert plain.get("/problems/nothing").status_code == 404


def test_a_query_that_is_no_day_is_refused_by_name(plain: Client) -> None:
    refused = plain.get("/v1/rules?day=yesterday")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "query.day"
    assert "yesterday" not in refused.text


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/json; charset=gbk", "application/xml"]
)
def test_a_body_of_another_type_is_refused(plain: Client, kind: str) -> None:
    refused = plain.post("/v1/scores", body_of({"amount": 1}), content_type=kind)
    assert (refused.status_code, refused.json()["type"]) == (415, "/problems/media_type")
    assert plain.records() == []


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_the_usual_spellings_of_the_type_are_taken(plain: Client, kind: str) -> None:
    assert plain.post("/v1/scores", body_of({"amount": 1}), content_type=kind).status_code == 200


def test_a_compressed_body_is_refused(plain: Client) -> None:
    assert plain.post("/v1/scores", b"\x1f\x8b", content_encoding="gzip").status_code == 415


def test_every_answer_carries_a_request_id_and_the_strict_headers(plain: Client) -> None:
    for path in ("/livez", "/readyz", "/metrics", "/v1/models", "/v1/nothing", "/problems/contract"):
        headers = plain.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy and "http" not in policy and "*" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert len(headers["x-request-id"]) == 32


@pytest.mark.parametrize(
    ("given", "kept"), [("abc-1.2_3", True), ("a b", False), ("x" * 65, False), ("<script>", False)]
)
def test_only_a_plain_request_id_is_taken_over(plain: Client, given: str, kept: bool) -> None:
    assert (plain.get("/livez", x_request_id=given).headers["x-request-id"] == given) is kept


def test_the_demo_store_is_named_on_every_answer(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.delenv("ECO_CREDIT_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = Settings(access="open", web=False)
    assert settings.demo and settings.home == tmp_path / ".eco-credit"
    with plain_client(settings, synthetic=False) as client:
        for path in ("/livez", "/v1/nothing", "/v1/models"):
            assert client.get(path).headers["x-eco-credit-demo"] == "true"


def test_a_synthetic_model_is_named_even_in_a_configured_store(settings: Settings) -> None:
    with plain_client(settings, synthetic=True) as client:
        assert client.get("/livez").headers["x-eco-credit-demo"] == "true"
    with plain_client(settings, synthetic=False) as client:
        assert "x-eco-credit-demo" not in client.get("/livez").headers


def test_too_many_requests_at_once_are_turned_away_cheaply(settings: Settings) -> None:
    release = threading.Event()

    class Held(Plain):
        """A pipeline that waits for the test."""

        def score(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
            """Wait, then answer; released when the last request has come in."""
            release.wait(5)
            return super().score(asks)

    tight = settings.model_copy(update={"max_in_flight": 3})
    with plain_client(tight, Held()) as client:
        threading.Timer(0.3, release.set).start()
        answers = client.post_together("/v1/scores", [body_of({"amount": 1})] * 8)
        codes = sorted(a.status_code for a in answers)
        assert codes == [200] * 3 + [503] * 5
        assert all(a.headers["retry-after"] == "1" for a in answers if a.status_code == 503)
        assert len(client.records()) == 3


def test_an_answer_that_takes_too_long_is_given_up(settings: Settings) -> None:
    release = threading.Event()

    class Stuck(Plain):
        """A pipeline that hangs."""

        def score(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
            """Wait for the end of the test."""
            release.wait(5)
            return super().score(asks)

    with plain_client(settings.model_copy(update={"answer_timeout": 0.1}), Stuck()) as client:
        # more pledges than are scored on the event loop: the work is on a thread and can be given up
        refused = client.post("/v1/scores", body_of({"amount": 1, "pledges": [{}] * 21}))
        release.set()
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/overloaded")
        assert client.get("/livez").status_code == 200
        assert client.records() == []


def test_metrics_name_routes_and_no_identifiers(plain: Client) -> None:
    decision_id = plain.post("/v1/scores", body_of({"amount": 1, "application_id": SECRET})).json()["decision_id"]
    plain.get(f"/v1/decisions/{decision_id}")
    plain.get(f"/v1/{SECRET}")
    text = plain.get("/metrics").text
    assert 'eco_credit_requests_total{method="GET",route="/v1/decisions/{decision_id}",status="200"} 1.0' in text
    assert 'eco_credit_decisions_total{recommendation="refer"} 1.0' in text
    told, refused = (float(re.search(rf"^{name} (\S+)$", text, re.M)[1])
                     for name in ("eco_credit_pd_count", "eco_credit_model_refusals_total"))
    assert told + refused == 1.0  # one answer: a PD in the histogram, or none given
    assert SECRET not in text and decision_id not in text


def test_the_service_is_ready_only_when_it_can_record(settings: Settings) -> None:
    with plain_client(settings) as client:
        assert client.get("/readyz").json()["checks"] == {
            "model": True, "journal": True, "queue": True, "book": True, "running": True
        }
        client.state.journal._closed = True
        refused = client.get("/readyz")
        assert (refused.status_code, refused.json()["checks"]["journal"]) == (503, False)
        assert client.get("/livez").status_code == 200
        client.state.journal._closed = False
