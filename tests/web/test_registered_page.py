"""A risk modeller proposes any registered version on the desk; another person looks at it and approves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from small_store import register, write_model
from test_models_page import GATE, Desk, said_in
from test_pages import Checked

from eco_credit.registry.proposals import proposals
from serving.access import Role

NAME = "eco-credit"
GATED: dict[str, Any] = GATE | {"gates": [one | {"statistic": one["gate"]} for one in GATE["gates"]]}  # type: ignore
pytest.importorskip("eco_credit.registry.mlflow")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The champion is registered as version 1, a package that was never promoted as version 2."""
    with Desk(tmp_path_factory.mktemp("registered") / "home") as one:
        register(one.store.home, one.store.home / "written" / "1")
        register(one.store.home, write_model(one.store.home, 3, base=0.7, gate=GATED))
        one.store.enrol("wang@bank-a", "approver")
        yield one


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_registered_version_is_listed_and_what_serves_already_is_not_offered(desk: Desk, lang: str) -> None:
    page = desk.get(f"/models/registered?lang={lang}")
    assert page.status_code == 200 and Checked(page.text).faults == []
    assert '<option value="2">' in page.text and '<option value="1">' not in page.text
    assert {"zh": "在用", "en": "in service"}[lang] in said_in(page)
    seen = desk.get(f"/models/registered?lang={lang}", "wang", Role.APPROVER).text
    assert "<option" not in seen and "T. Trainer" in seen


def test_a_registered_version_is_proposed_looked_at_and_approved(desk: Desk) -> None:
    said = {"version": "2", "reason": "better out of time"}
    blank = desk.post("/models/propose?lang=en", said | {"reason": " "}, "li", Role.RISK_MODELLER)
    assert blank.status_code == 409 and proposals(desk.store, NAME) == []
    asked = desk.post("/models/propose?lang=en", said, "li", Role.RISK_MODELLER)
    assert (asked.status_code, asked.headers["location"]) == (303, "/models?lang=en&done=proposed")
    assert desk.champion() == "1"
    page = desk.get("/models?lang=en", "wang", Role.APPROVER)
    assert "/models/proposals/1?lang=en" in page.text and "G2e" in page.text
    paper = desk.get("/models/proposals/1?lang=zh", "wang", Role.APPROVER)
    assert paper.status_code == 200 and Checked(paper.text).faults == [] and "0.10% – 1.20%" in paper.text
    for number in ("2", "0", "x", "..%2F1"):
        assert desk.get(f"/models/proposals/{number}").status_code == 404
    waiting = desk.get("/models/registered?lang=en")
    assert "<option" not in waiting.text and "proposed and open" in said_in(waiting)
    again = desk.post("/models/propose?lang=en", said, "li", Role.RISK_MODELLER)
    assert again.status_code == 409 and "proposed already" in again.text
    assert desk.decide(waiver="").status_code == 409  # a red gate needs its waiver, as ever
    assert desk.decide().headers["location"].endswith("done=approved")
    desk.client.wait_for(lambda: desk.champion() == "2", 20.0)


@pytest.mark.parametrize("version", ["9", "0", "x", "-1", "1"])
def test_a_version_that_is_not_there_or_comes_before_is_not_proposed(desk: Desk, version: str) -> None:
    before = len(proposals(desk.store, NAME))
    said = {"version": version, "reason": "x"}
    assert desk.post("/models/propose?lang=en", said, "li", Role.RISK_MODELLER).status_code == 409
    assert len(proposals(desk.store, NAME)) == before


def test_who_may_not_see_models_sees_no_versions(desk: Desk) -> None:
    for path in ("/models/registered", "/models/proposals/1"):
        assert desk.get(path, "chen", Role.LOAN_OFFICER).status_code == 403


def test_a_registry_that_is_away_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECO_CREDIT_MLFLOW_URI", "http://127.0.0.1:9")
    page = desk.get("/models/registered?lang=zh")
    assert page.status_code == 503 and "登记库" in page.text and "Traceback" not in page.text
