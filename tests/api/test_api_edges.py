"""The edges of the interface: tags, pages, limits per caller, spans."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from api_service import Client, Plain, Ticking, body_of, triple_of
from small_store import add_model

from eco_credit.core.canonical import sha256
from eco_credit.core.errors import EcoCreditError
from serving.access import Principal, Role
from serving.app import create_app
from serving.models import Champions
from serving.problems import Problem
from serving.settings import Settings

TAGGED = ("/v1/models", "/v1/contracts/application", "/v1/rules?prefix=credit.", "/openapi.json")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The real service with a promoted model."""
    home = tmp_path_factory.mktemp("edges") / "home"
    add_model(home)
    with Client(create_app(Settings(access="open", home=home, web=False), clock=Ticking())) as client:
        yield client


# ---- tags --------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", TAGGED)
def test_a_catalogue_answer_has_its_digest_as_tag_and_is_not_sent_twice(real: Client, path: str) -> None:
    first = real.get(path)
    tag = first.headers["ETag"]
    assert (first.status_code, tag) == (200, f'"{sha256(first.content)}"')
    assert first.headers["Cache-Control"] == "private, no-cache"
    for asked in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = real.get(path, if_none_match=asked)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert real.get(path, if_none_match='"other"').content == first.content


def test_another_rule_day_or_filter_is_another_tag(real: Client) -> None:
    asked = ("/v1/rules", "/v1/rules?prefix=credit.", "/v1/rules?day=2026-01-01")
    assert len({real.get(path).headers["ETag"] for path in asked}) == 3


# ---- pages -------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_walk_through_the_pages_gives_each_rule_once_in_order(real: Client, size: int) -> None:
    whole = real.get("/v1/rules?prefix=credit.").json()
    walked, path = [], f"/v1/rules?prefix=credit.&limit={size}"
    while path:
        page = real.get(path)
        assert len(page.json()["rules"]) <= size
        walked += page.json()["rules"]
        path = page.links.get("next", {}).get("url", "")
    assert walked == whole["rules"]
    assert len(walked) > 10


def test_the_link_keeps_the_day_it_began_on(real: Client) -> None:
    page = real.get("/v1/rules?limit=1")
    assert f"day={page.json()['day']}" in page.links["next"]["url"]


def test_without_a_limit_all_rules_come_as_before(real: Client) -> None:
    page = real.get("/v1/rules")
    assert "Link" not in page.headers
    assert len(page.json()["rules"]) > 100


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after=" + "a" * 101])
def test_a_page_that_cannot_be_is_refused(real: Client, query: str) -> None:
    assert real.get(f"/v1/rules?{query}").status_code == 422


# ---- limits per caller -------------------------------------------------------------------------


def limited(home: Path, *, access: str = "open") -> Client:
    """A service that lets each caller ask three times a minute."""
    settings = Settings(access=access, home=home, web=False, rate_per_minute=3)
    champions = Champions(settings, lambda _: triple_of(synthetic=access == "open"))
    return Client(create_app(settings, pipeline=Plain(), champions=champions, clock=Ticking()))


def test_the_fourth_request_of_a_minute_is_refused_before_its_body_is_read(tmp_path: Path) -> None:
    with limited(tmp_path / "home") as client:
        for left in (2, 1, 0):
            answer = client.post("/v1/scores", body_of({"amount": 4}))
            assert (answer.status_code, answer.headers["RateLimit-Limit"]) == (200, "3")
            assert answer.headers["RateLimit-Remaining"] == str(left)
            assert 1 <= int(answer.headers["RateLimit-Reset"]) <= 120
        refused = client.post("/v1/scores", b"not even JSON")
        assert (refused.status_code, refused.json()["type"]) == (429, "/problems/rate_limited")
        assert int(refused.headers["Retry-After"]) == int(refused.headers["RateLimit-Reset"]) >= 1
        assert len(client.records()) == 3
        # who looks after the service is never turned away
        assert [client.get(path).status_code for path in ("/livez", "/readyz", "/metrics")] == [200] * 3


def test_each_caller_has_a_count_of_his_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with limited(tmp_path / "home", access="keys") as client:

        async def principal(connection: object) -> Principal:
            name = connection.headers.get("x-name")  # type: ignore[attr-defined]
            if name is None:
                raise Problem("unauthenticated")
            return Principal("bank", name, frozenset({Role.LOAN_OFFICER}))

        monkeypatch.setattr(client.state.gate, "principal", principal)
        assert [client.get("/v1/contracts/order", x_name="a").status_code for _ in range(4)] == [200, 200, 200, 429]
        assert client.get("/v1/contracts/order", x_name="b").status_code == 200
        strangers = [client.get("/v1/contracts/order").status_code for _ in range(62)]
        assert strangers == [401] * 60 + [429] * 2
        # a crowd of strangers at one address does not keep out who is known
        assert client.get("/v1/contracts/order", x_name="b").status_code == 200


def test_an_open_service_has_no_limit_unless_one_is_set(settings: Settings) -> None:
    with Client(create_app(settings)) as client:
        assert client.state.rates.per_minute == 0
        assert "RateLimit-Limit" not in client.get("/v1/rules").headers
    with Client(create_app(Settings(home=settings.home, access="keys", web=False))) as client:
        assert client.state.rates.per_minute == 600


# ---- spans -------------------------------------------------------------------------------------


def test_a_span_names_route_status_and_request_and_no_value(settings: Settings) -> None:
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    from serving import tracing

    exporter = memory.InMemorySpanExporter()
    champions = Champions(settings, lambda _: triple_of())
    with Client(create_app(settings, pipeline=Plain(), champions=champions, clock=Ticking())) as client:
        client.state.trace_to(tracing.in_memory(exporter))
        made = client.post("/v1/scores", body_of({"amount": 4, "application_id": "canary"}), x_request_id="r-1")
        client.get(f"/v1/decisions/{made.json()['decision_id']}", x_request_id="r-2")
        client.get("/v1/decisions/canary?canary=1", x_request_id="r-3")
        client.get("/canary", x_request_id="r-4")
        spans = exporter.get_finished_spans()
    told = [(span.name, dict(span.attributes)) for span in spans]
    of = "/v1/decisions/{decision_id}"
    assert [(name, one["http.response.status_code"], one["request.id"]) for name, one in told] == [
        ("POST /v1/scores", 200, "r-1"),
        (f"GET {of}", 200, "r-2"),
        (f"GET {of}", 404, "r-3"),
        ("GET unmatched", 404, "r-4"),
    ]
    for span in spans:
        assert set(span.attributes) == {"http.request.method", "http.route", "http.response.status_code", "request.id"}
        assert "canary" not in span.to_json()
        assert span.end_time >= span.start_time


def test_spans_go_to_the_collector_that_is_named_and_nowhere_else(settings: Settings) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    came: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as collector:
        threading.Thread(target=collector.serve_forever, daemon=True).start()
        told = settings.model_copy(update={"otel": f"http://127.0.0.1:{collector.server_port}/v1/traces"})
        champions = Champions(told, lambda _: triple_of())
        with Client(create_app(told, pipeline=Plain(), champions=champions)) as client:
            client.post("/v1/scores", body_of({"amount": 4, "application_id": "canary"}), x_request_id="r-1")
        collector.shutdown()
    assert [path for path, _ in came] == ["/v1/traces"]
    assert b"POST /v1/scores" in came[0][1]
    assert b"canary" not in came[0][1]


def test_spans_without_the_extra_are_refused_at_start(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    with pytest.raises(EcoCreditError, match="extra otel"):
        create_app(settings.model_copy(update={"otel": "http://127.0.0.1:4318/v1/traces"}))


@pytest.mark.parametrize("endpoint", ["file:///etc/passwd", "127.0.0.1:4318", "http://a b", "http://user:pw@host/x"])
def test_an_endpoint_for_spans_is_an_address_without_secrets(endpoint: str) -> None:
    with pytest.raises(ValueError, match="otel"):
        Settings(otel=endpoint)
