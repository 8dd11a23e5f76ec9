"""The whole way with the real pipeline and a small signed model: answers, refusals, catalogue."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from api_service import Client, Ticking, body_of
from appraisal_details import without_details
from small_store import add_model

from eco_credit.core.canonical import canonical_json, digest
from eco_credit.registry import served
from eco_credit.rulebook import load
from eco_credit.scoring import doors
from serving.app import create_app
from serving.settings import Settings

EXAMPLES = Path(__file__).parents[2] / "examples"
KINDS = ("forest_right", "water_right", "order")


def example(kind: str = "forest_right") -> dict[str, Any]:
    """A shipped example application."""
    data: dict[str, Any] = json.loads((EXAMPLES / f"{kind}.json").read_text("utf-8"))
    return data


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a promoted model."""
    made = tmp_path_factory.mktemp("real") / "home"
    add_model(made)
    return made


@pytest.fixture(scope="module")
def real(home: Path) -> Iterator[Client]:
    """The real service on that store."""
    with Client(create_app(Settings(access="open", home=home), clock=Ticking())) as client:
        yield client


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_scored_as_python_scores_it_and_recorded(real: Client, home: Path, kind: str) -> None:
    answer = real.post("/v1/scores", body_of(example(kind)))
    assert answer.status_code == 200, answer.text
    expected = doors.score(example(kind), home=home)
    assert answer.json() == expected | {"decision_id": answer.json()["decision_id"]}
    assert answer.content == canonical_json(answer.json())
    record = real.records()[-1]
    assert record.entry.answer == answer.content
    assert json.loads(record.entry.request) == example(kind)
    assert record.entry.model_digest == answer.json()["provenance"]["models"][0]["digest"]
    assert record.entry.rules_hash == load().at(example(kind)["as_of"]).digest


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_has_the_shape_the_api_description_promises(real: Client, kind: str) -> None:
    document = real.get("/openapi.json").json()
    schema = {"$ref": "#/components/schemas/ScoreAnswer", "components": document["components"]}
    jsonschema.validate(real.post("/v1/scores", body_of(example(kind))).json(), schema)
    request = {"$ref": "#/components/schemas/Application", "components": document["components"]}
    jsonschema.validate(example(kind), request)


def changed(change: Callable[[dict[str, Any]], Any]) -> bytes:
    """The forest example after a change."""
    data = example()
    change(data)
    return body_of(data)


def replaced(old: bytes, new: bytes) -> bytes:
    """The text of the forest example with one piece replaced."""
    raw = body_of(example())
    assert raw.count(old) == 1, raw.count(old)
    return raw.replace(old, new)


def pledge(data: dict[str, Any]) -> dict[str, Any]:
    """The one pledge of the example."""
    first: dict[str, Any] = data["pledges"][0]
    return first


AREA = b'"area": 100.0'
BAD: list[tuple[str, bytes, int, str, str]] = [
    ("an area that is not a number", replaced(AREA, b'"area": NaN'), 400, "pledges[0].area", "not_finite"),
    ("an infinite area", replaced(AREA, b'"area": -Infinity'), 400, "pledges[0].area", "not_finite"),
    ("an area of 1e999", replaced(AREA, b'"area": 1e999'), 400, "pledges[0].area", "not_finite"),
    ("a huge integer", replaced(AREA, b'"area": 1' + b"0" * 400), 400, "pledges[0].area", "integer_64_bit"),
    ("an area given twice", replaced(AREA, AREA + b', "area": 1'), 400, "pledges[0].area", "duplicate_key"),
    ("a NUL in a name", replaced("杉木".encode(), b"\\u0000"), 400, "pledges[0].species_text", "text_characters"),
    ("an empty body", b"", 400, "$", "empty"),
    ("a list", b"[]", 400, "$", "object"),
    ("an area in mu", changed(lambda d: pledge(d).update(area_mu=1500.0)), 422, "pledges[0].area_mu", "extra"),
    ("an amount with its unit", changed(lambda d: d["loan"].update(amount_requested="200万元")), 422,
     "loan.amount_requested", "type"),
    ("a number as text", changed(lambda d: pledge(d).update(area="100")), 422, "pledges[0].area", "type"),
    ("yes as a number", changed(lambda d: pledge(d).update(area=True)), 422, "pledges[0].area", "type"),
    ("a negative area", changed(lambda d: pledge(d).update(area=-1.0)), 422, "pledges[0].area", "exclusive_minimum"),
    ("an unknown kind", changed(lambda d: pledge(d).update(kind="castle")), 422, "pledges[0].kind", "kind"),
    ("no kind", changed(lambda d: pledge(d).pop("kind")), 422, "pledges[0].kind", "kind"),
    ("no end of the right", changed(lambda d: pledge(d).pop("contract_to")), 422, "pledges[0].contract_to", "missing"),
    ("no certificate", changed(lambda d: pledge(d).pop("certificate_no")), 422, "pledges[0].certificate_no", "missing"),
    ("no pledge", changed(lambda d: d.update(pledges=[])), 422, "pledges", "min_items"),
    ("no loan", changed(lambda d: d.pop("loan")), 422, "loan", "missing"),
    ("percent for a ratio", changed(lambda d: d["loan"].update(annual_rate=4.6)), 422, "loan.annual_rate", "maximum"),
    ("a day that is none", changed(lambda d: d.update(as_of="2026-02-30")), 422, "as_of", "date"),
    ("half a month", changed(lambda d: d["loan"].update(term_months=12.5)), 422, "loan.term_months", "integer"),
    ("a wrong check character", changed(lambda d: d["borrower"].update(id_no="939999990000000190")), 422,
     "borrower.id_no", "identifier"),
    ("a day before any rule", changed(lambda d: d.update(as_of="1950-01-01")), 422, "as_of", "rule_not_in_force"),
    ("an empty object", b"{}", 422, "application_id", "missing"),
]


@pytest.mark.parametrize(("raw", "status", "field", "rule"), [c[1:] for c in BAD], ids=[c[0] for c in BAD])
@pytest.mark.parametrize("path", ["/v1/scores", "/v1/appraisals"])
def test_a_bad_application_is_refused_by_field_and_rule_and_recorded_nowhere(
    real: Client, path: str, raw: bytes, status: int, field: str, rule: str
) -> None:
    before = len(real.records())
    refused = real.post(path, raw, accept_language="zh")
    assert refused.status_code == status, refused.text
    assert (field, rule) in [(e["field"], e["rule"]) for e in refused.json()["errors"]]
    assert len(real.records()) == before


def test_a_refusal_never_repeats_the_value(real: Client) -> None:
    secret = "330102199001011234"
    raw = changed(lambda d: d["borrower"].update(id_no=secret, borrower_kind=secret, years_in_trade=secret))
    refused = real.post("/v1/scores", raw)
    assert refused.status_code == 422
    assert secret not in refused.text


def test_a_right_that_ends_before_the_loan_is_not_an_error_but_not_eligible(real: Client) -> None:
    answer = real.post("/v1/scores", changed(lambda d: pledge(d).update(contract_to="2028-01-01")))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert body["pledges"][0]["eligible"] is False
    assert body["pledges"][0]["ineligible_reasons"]
    assert body["pledges"][0]["lending_value"] == 0.0
    assert body["recommendation"] in ("refer", "decline")


def test_one_pledge_alone_is_appraised_as_within_its_application(real: Client) -> None:
    data = example()
    whole = real.post("/v1/appraisals", body_of(data))
    alone = {"as_of": data["as_of"], "term_months": data["loan"]["term_months"], "pledge": pledge(data)}
    single = real.post("/v1/appraisals", body_of(alone))
    assert (whole.status_code, single.status_code) == (200, 200)
    assert single.json()["pledges"] == whole.json()["pledges"]
    assert single.json()["provenance"]["rules_hash"] == whole.json()["provenance"]["rules_hash"]
    scored = real.post("/v1/scores", body_of(data)).json()
    assert scored["pledges"] == [without_details(pledge) for pledge in whole.json()["pledges"]]


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"as_of": 5}, "as_of", "date"),
        ({"term_months": 0}, "term_months", "minimum"),
        ({"pledge": 1}, "pledge", "type"),
        ({"price": 1}, "price", "extra"),
    ],
)
def test_one_pledge_in_a_wrong_frame_is_refused(real: Client, change: Any, field: str, rule: str) -> None:
    alone = {"as_of": "2026-11-23", "term_months": 12, "pledge": pledge(example())} | change
    refused = real.post("/v1/appraisals", body_of(alone))
    assert refused.status_code == 422
    assert (field, rule) in [(e["field"], e["rule"]) for e in refused.json()["errors"]]


def test_a_fault_inside_one_pledge_is_named_by_the_callers_path(real: Client) -> None:
    alone = {"as_of": "2026-11-23", "pledge": pledge(example()) | {"area": -1.0}}
    refused = real.post("/v1/appraisals", body_of(alone))
    assert [e["field"] for e in refused.json()["errors"]] == ["pledge.area"]


def test_a_gep_account_values_its_rows(real: Client) -> None:
    row = {"service": "water_retention", "physical": 2.0, "physical_unit": "1e4 m3"}
    row |= {"price": 6.0, "price_unit": "CNY/m3"}
    made = real.post("/v1/gep/accounts", body_of({"norm": "norm-2022", "rows": [row]}))
    assert made.status_code == 200, made.text
    # 2 x 10 000 m3 x 6 CNY/m3 = 120 000 CNY a year.
    assert made.json()["total_cny"] == 120_000.0
    assert made.json()["rules_day"] == "2026-11-23"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"rows": []}, "rows"),
        ({"rows": [1]}, "rows[0]"),
        ({"norm": "norm-2022"}, "rows"),
        ({"rows": [{"service": "no_such_service", "value_cny": 1.0}]}, "service"),
        ({"rows": [{"service": "carbon", "value_cny": 1.0}], "area": 3}, "area"),
        ({"rows": [{"service": "carbon", "value_cny": 1.0}], "norm": "no-such-norm"}, "norm"),
        ({"rows": [{"service": "carbon", "value_cny": "much"}]}, "value_cny"),
        ({"rows": [{"service": "carbon", "value_cny": [1]}]}, "value_cny"),
        ({"rows": [{"service": {"a": 1}, "value_cny": 1.0}]}, "service"),
    ],
)
def test_a_gep_account_that_breaks_a_rule_is_refused_by_name(real: Client, body: Any, field: str) -> None:
    refused = real.post("/v1/gep/accounts", body_of(body))
    assert refused.status_code == 422, refused.text
    assert field in [e["field"] for e in refused.json()["errors"]]


def test_the_model_in_service_is_shown_with_its_digest(real: Client, home: Path) -> None:
    from eco_credit.registry import Store

    shown = real.get("/v1/models").json()["models"][0]
    package = served(Store(home), "eco-credit")
    assert (shown["name"], shown["version"], shown["digest"]) == ("eco-credit", "1", package.digest)
    assert shown["synthetic"] is True


def test_an_altered_package_is_not_served_and_the_last_good_one_stays(tmp_path: Path) -> None:
    home = tmp_path / "home"
    store = add_model(home)
    with Client(create_app(Settings(access="open", home=home, refresh_seconds=0.05, web=False))) as client:
        first = client.get("/v1/models").json()["models"][0]["digest"]
        add_model(home, 2, base=0.5)
        client.wait_for(lambda: client.state.champions.current().package.version == "2")
        second = client.get("/v1/models").json()["models"][0]["digest"]
        assert first != second
        # A third promotion whose files are then edited on disk: refused, the second stays.
        before = client.state.champions.current()
        add_model(home, 3, base=1.0)
        newest = max((home / "served" / "eco-credit").glob("*/pd.json"), key=lambda path: path.stat().st_mtime_ns)
        newest.chmod(0o644)
        newest.write_bytes(newest.read_bytes().replace(b"intercept", b"Intercept"))
        client.state.champions._pointer = None
        client.wait_for(lambda: client.state.champions.alarm is not None)
        assert client.state.champions.alarm == "model_not_servable"
        assert client.state.champions.current().package.digest in (second, before.package.digest)
        assert client.get("/readyz").json()["alarm"] == "model_not_servable"
        assert client.post("/v1/scores", body_of(example())).status_code == 200
    assert store.has_champion("eco-credit")


@pytest.mark.parametrize("name", ["application", "forest_right", "water_right", "order"])
def test_a_contract_is_shown_as_json_schema_with_labels(real: Client, name: str) -> None:
    from eco_credit.contracts import contract

    shown = real.get(f"/v1/contracts/{name}").json()
    jsonschema.Draft202012Validator.check_schema(shown["schema"])
    assert shown["digest"] == contract(name).digest
    assert all(field["label_zh"] and field["label_en"] and field["unit"] for field in shown["fields"])


@pytest.mark.parametrize("name", ["nothing", "..", "%2e%2e%2fapplication", "application.yaml"])
def test_a_contract_that_is_not_there_is_not_found(real: Client, name: str) -> None:
    assert real.get(f"/v1/contracts/{name}").status_code == 404


def test_rules_are_shown_as_they_stand_on_a_day(real: Client) -> None:
    shown = real.get("/v1/rules?day=2026-11-23&prefix=valuation.forest").json()
    rules = load().at("2026-11-23")
    assert shown["rules_hash"] == rules.digest
    assert shown["rules"]
    for rule in shown["rules"]:
        assert rule["name"].startswith("valuation.forest")
        assert digest(rule["value"]) == digest(rules[rule["name"]])
    # Without a day it is the day of the service's clock.
    assert real.get("/v1/rules?prefix=none").json()["day"] == "2026-11-23"


def test_the_page_and_the_api_are_one_application(real: Client) -> None:
    page = real.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["x-eco-credit-demo"] == "true"
    assert "unsafe" not in page.headers["content-security-policy"]
