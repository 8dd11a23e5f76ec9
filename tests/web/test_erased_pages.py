"""The desk says plainly that a borrower was erased, in both languages, and everything else goes on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from api_service import Client, Ticking, body_of
from small_store import add_model
from typer.testing import CliRunner

from eco_credit.contracts.examples import example_application as example
from eco_credit.registry.subject_keys import new_key_file
from serving.app import create_app
from serving.cli import build
from serving.settings import Settings


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    new_key_file(tmp_path / "subject.key")
    return tmp_path / "subject.key"


def test_pages_of_an_erased_decision_say_so_and_its_line_stays_on_the_list(tmp_path: Path, keys: Path) -> None:
    home = tmp_path / "home"
    add_model(home, 1)
    runner = CliRunner(env={"ECO_CREDIT_SUBJECT_KEY_FILE": str(keys), "ECO_CREDIT_ACCESS": "open"})
    application = example("water_right")
    number = application["borrower"]["id_no"]
    with Client(create_app(Settings(access="open", home=home, subject_key_file=keys), clock=Ticking())) as client:
        scored = client.post("/v1/scores", body_of(application)).json()
        decision_id = scored["decision_id"]
        outcome = {"decided": "refer", "decided_by": "li", "reason": "续议", "override_reason": "lending_policy"}
        if scored["recommendation"] == "refer":
            del outcome["override_reason"]
        assert client.post(f"/v1/decisions/{decision_id}/outcome", body_of(outcome)).status_code == 201
        pages = [f"/decisions/{decision_id}{end}" for end in ("", "/memo", "/sheet", "/sheet.pdf", "/appraisal")]
        assert {client.get(page).status_code for page in pages[:3]} == {200}
        memo = ["memo", decision_id, "--out", str(tmp_path / "m.html"), "--home", str(home), "--json"]
        assert runner.invoke(build(), memo).exit_code == 0
        words = [
            "audit",
            "erase",
            "--subject",
            number,
            "--reason",
            "unlawful",
            "--by",
            "li",
            "--home",
            str(home),
            "--json",
        ]
        done = runner.invoke(build(), words)
        assert json.loads(done.stdout)["sequences"] == [1, 2]
        for page in pages:
            zh, en = client.get(f"{page}?lang=zh"), client.get(f"{page}?lang=en")
            assert (zh.status_code, en.status_code) == (410, 410), page
            assert "个人信息已删除" in zh.text and "Personal data was erased" in en.text
        listed = client.get("/decisions?lang=zh")
        assert listed.status_code == 200 and application["application_id"] in listed.text
        line = client.get("/v1/decisions").json()["decisions"][0]
        assert (line["decision_id"], line["outcome"]["decided"], line["outcome"]["reason"]) == (
            decision_id,
            "refer",
            None,
        )
        checked = client.get(f"/audit?lang=zh&decision_id={decision_id}")
        assert checked.status_code == 200 and "个人信息已删除" in checked.text
        refused = runner.invoke(build(), memo)
        assert [one.rule for one in refused.exception.violations] == ["erased"]  # type: ignore[union-attr]
