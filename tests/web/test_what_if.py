"""What would change the answer: one thing moved, the model asked again, nothing recorded."""

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
from serving.web.what_if import PROMISES, changes, kept, trial
from serving.web.what_if_view import asked, news

HERE = ("127.0.0.1", 50000)
"""A caller at this machine: an open service knows no other."""

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def application(kind: str, **loan: Any) -> dict[str, Any]:
    raw: dict[str, Any] = json.loads((EXAMPLES / f"{kind}.json").read_text(encoding="utf-8"))
    raw["loan"] |= loan
    return raw


def answer(raw: dict[str, Any], max_loan: float) -> dict[str, Any]:
    return {"max_loan": max_loan, "pledges": [{"appraisal": {"central": 3_000_000.0}} for _ in raw["pledges"]]}


@pytest.fixture(scope="module")
def desk(demo_home: Path) -> Iterator[TestClient]:
    app = create_app(Settings(home=demo_home))
    with TestClient(app, base_url="http://127.0.0.1", client=HERE) as client:
        yield client


def decided(desk: TestClient, raw: dict[str, Any]) -> dict[str, Any]:
    reply = desk.post("/v1/scores", json=raw)
    assert reply.status_code == 200, reply.text
    found: dict[str, Any] = reply.json()
    return found


def page(desk: TestClient, found: dict[str, Any], query: str = "") -> str:
    reply = desk.get(f"/decisions/{found['decision_id']}?lang=en{query}")
    assert reply.status_code == 200
    return reply.text


def rows(text: str) -> dict[str, str]:
    table = text[text.index('id="what-if"') :]
    found = re.findall(r'<th scope="row">(.*?)</th>(.*?)</tr>', table, re.S)
    return {label: re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", cells)).strip() for label, cells in found}


def test_each_change_moves_one_thing_and_the_first_moves_nothing() -> None:
    raw = application("forest_right", amount_requested=1_000_000.0, term_months=24)
    found = changes(raw, answer(raw, 600_000.0))
    assert [(one.name, one.application["loan"]["amount_requested"], one.application["loan"]["term_months"])
            for one in found[:4]] == [
        ("same", 1_000_000.0, 24), ("amount", 600_000.0, 24), ("term", 1_000_000.0, 12), ("term", 1_000_000.0, 36),
    ]  # fmt: skip
    assert found[0].application == raw


def test_a_promise_already_kept_is_not_offered() -> None:
    raw = application("order")
    assert "confirmation" not in [one.name for one in changes(raw, answer(raw, 1.0))]
    raw["pledges"][0] |= {"buyer_confirmed": False, "confirm_channel": "none"}
    (offered,) = [one for one in changes(raw, answer(raw, 1.0)) if one.name == "confirmation"]
    assert offered.application["pledges"][0]["buyer_confirmed"] is True
    assert raw["pledges"][0]["buyer_confirmed"] is False  # the recorded application is not touched


def test_a_policy_outlasts_the_loan_and_covers_the_value() -> None:
    raw = application("forest_right", term_months=24)
    raw["pledges"][0] |= {"insured": False, "insured_sum": 1.0, "insured_to": "2026-12-31", "area": 100.0}
    pledge = kept(raw, answer(raw, 1.0), "insurance")["pledges"][0]
    assert pledge["insured"] is True and pledge["beneficiary_is_bank"] is True
    assert pledge["insured_to"] > "2028-11-23"
    assert pledge["insured_sum"] == 30_000.0  # 3,000,000 CNY / 100 ha


def test_the_trial_moves_all_that_was_asked_for() -> None:
    raw = application("order")
    tried = trial(raw, answer(raw, 1.0), amount=5.0, term=3, promises={"registration", "no such"})
    assert (tried.application["loan"]["amount_requested"], tried.application["loan"]["term_months"]) == (5.0, 3)


def test_amounts_are_asked_for_in_ten_thousand_yuan_and_nonsense_is_named() -> None:
    assert asked({"amount_wan": "12.5", "term_months": "24", "insurance": "1"}) == (125_000.0, 24, {"insurance"}, [])
    assert asked({"amount_wan": "-1", "term_months": "1e3"}) == (None, None, set(), ["amount_wan", "term_months"])
    assert asked({"amount_wan": "0"})[3] == ["amount_wan"]
    assert set(PROMISES) == {"insurance", "confirmation", "registration", "clear", "buy_back"}


def test_an_unconfirmed_order_is_declined_and_confirmation_would_change_that(desk: TestClient) -> None:
    raw = application("order")
    raw["pledges"][0] |= {"buyer_confirmed": False, "confirm_channel": "none"}
    found = decided(desk, raw)
    assert found["recommendation"] == "decline"
    shown = rows(page(desk, found))
    assert shown["Nothing"].startswith("Decline")
    assert "better" in shown["Written confirmation of the buyer"]
    assert "worse" not in shown["Nothing"]


def test_a_disputed_right_is_declined_and_a_clear_title_would_change_that(desk: TestClient) -> None:
    raw = application("forest_right")
    raw["pledges"][0] |= {"disputed": True, "collective_vote": False}
    found = decided(desk, raw)
    assert found["recommendation"] == "decline"
    shown = rows(page(desk, found))
    assert "better" in next(cells for label, cells in shown.items() if label.startswith("No dispute"))


def test_a_worse_recommendation_says_what_speaks_against_the_change() -> None:
    reasons = [{"code": "P09", "sign": "adverse", "en": "They disagree"}, {"code": "C07", "sign": "favourable"}]
    base = {"recommendation": "approve", "reasons": [{"code": "C01", "sign": "adverse"}]}
    changed = {"recommendation": "refer", "reasons": [*reasons, *base["reasons"]]}
    assert news(changed, base, "en") == ["They disagree"]
    assert news(changed | {"recommendation": "approve"}, base, "en") == []
    assert news(None, base, "en") == news(changed, None, "en") == []


def test_the_table_gives_the_numbers_of_the_service_and_records_nothing(desk: TestClient) -> None:
    raw = application("forest_right")
    found = decided(desk, raw)
    before = desk.app.state.service.journal.records("demo")  # type: ignore[attr-defined]
    shown = rows(page(desk, found, "&amount_wan=120&term_months=12"))
    assert len(desk.app.state.service.journal.records("demo")) == len(before)  # type: ignore[attr-defined]
    again = decided(desk, application("forest_right", amount_requested=1_200_000.0, term_months=12))
    trial_row = next(cells for label, cells in shown.items() if label.startswith("Your trial"))
    assert f"{again['max_loan']:,.2f} CNY" in trial_row
    assert f"{100 * again['pd']['value']:.2f}%" in trial_row
    assert f"{found['max_loan']:,.2f} CNY" in shown["Nothing"]


def test_the_page_says_which_bound_sets_the_limit_and_which_rules_applied(desk: TestClient) -> None:
    text = page(desk, decided(desk, application("forest_right")))
    bounds = text[text.index('id="bounds-title"') :][:1500]
    assert bounds.count(">sets the limit<") == 1
    assert "valuation.price_risk.timber_haircut" in text[text.index('id="applied-title"') :]
    assert "valuation.forest.profit_rate" in text[text.index('id="assumed-title"') :]


def test_a_trial_that_breaks_the_contract_says_so_and_keeps_the_page(desk: TestClient) -> None:
    found = decided(desk, application("forest_right"))
    shown = rows(page(desk, found, "&term_months=999"))
    assert "The data contract refuses this" in next(v for k, v in shown.items() if k.startswith("Your trial"))
