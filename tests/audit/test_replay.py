"""A recorded answer is computed again to the same bytes: also by a retired model, another overlay or book."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from api_service import Client, Ticking, body_of
from small_store import add_model
from test_checkpoints import audited

from eco_credit.contracts.examples import example_application as example
from eco_credit.core.canonical import canonical_json
from serving.app import create_app
from serving.audit import Journal, Recorded
from serving.replay import GROUP, Replayer
from serving.settings import Settings

KINDS = ("forest_right", "water_right", "order")


def served(home: Path, **settings: Any) -> Client:
    return Client(create_app(Settings(access="open", home=home, web=False, **settings), clock=Ticking()))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A store whose log holds answers of two models, and of an overlay that is gone since."""
    home, overlay = tmp_path / "home", tmp_path / "overlay.yaml"
    overlay.write_text(
        "valuation.disposal.first_auction_floor:"
        " {in_force: 2020-01-01, published: 2020-01-01, value: 0.6, ref: house}\n"
    )
    add_model(home, 1)
    with served(home) as client:
        for kind in KINDS:
            assert client.post("/v1/scores", body_of(example(kind))).status_code == 200
    add_model(home, 2, base=0.4)
    with served(home, overlay=overlay) as client:
        for kind in KINDS:
            for day in ("2026-03-02", "2026-05-04"):
                assert client.post("/v1/scores", body_of({**example(kind), "as_of": day})).status_code == 200
    overlay.unlink()
    yield home


def records(home: Path) -> list[Recorded]:
    journal = Journal(home / "decisions.db")
    try:
        return [r for r in journal.records("demo") if r.entry.kind == "score"]
    finally:
        journal.close()


def test_answers_of_retired_models_and_lost_overlays_replay_to_the_same_bytes(home: Path) -> None:
    code, found = audited("replay", "--all", "--home", str(home))
    assert (code, found) == (0, {"replayed": 9, "same": 9, "erased": 0, "differing": []})
    assert len({r.entry.model_digest for r in records(home)}) == 2
    assert len({json.loads(r.entry.answer)["provenance"]["overlay_hash"] for r in records(home)}) == 2


def test_many_records_replay_in_groups_in_the_order_they_came(home: Path) -> None:
    stored = records(home)
    many = [replace(stored[i % 9], sequence=i) for i in range(2 * GROUP + 5)]
    results = list(Replayer(home).replay(iter(many)))
    assert [r.sequence for r in results] == list(range(2 * GROUP + 5))
    assert {r.differs for r in results} == {()}


def test_a_record_that_was_changed_is_told_by_the_part_that_differs_and_spoils_no_other(home: Path) -> None:
    stored = records(home)
    answer = json.loads(stored[4].entry.answer)
    stored[4] = replace(stored[4], entry=replace(stored[4].entry, answer=canonical_json(answer | {"max_loan": 1.0})))
    results = list(Replayer(home).replay(stored))
    assert [bool(r.differs) for r in results] == [i == 4 for i in range(9)]
    assert (results[4].differs, results[4].digests) == (("max_loan",), {})


def test_a_request_that_was_changed_is_told_by_its_digest(home: Path) -> None:
    stored = records(home)[:3]
    request = json.loads(stored[1].entry.request)
    request["loan"]["amount_requested"] += 1.0
    stored[1] = replace(stored[1], entry=replace(stored[1].entry, request=canonical_json(request)))
    results = list(Replayer(home).replay(stored))
    assert "input" in results[1].digests and "provenance" in results[1].differs
    stored[1] = replace(stored[1], entry=replace(stored[1].entry, request=b'{"loan": 1}'))
    results = list(Replayer(home).replay(stored))
    assert [r.differs for r in results] == [(), ("refused",), ()] and results[1].why == "contract"


def test_a_package_that_is_gone_or_altered_is_told(home: Path) -> None:
    first, last = records(home)[0].entry.model_digest, records(home)[-1].entry.model_digest
    shutil.rmtree(home / "served" / "eco-credit" / first)
    altered = home / "served" / "eco-credit" / last / "pd.json"
    altered.chmod(0o600)
    altered.write_bytes(altered.read_bytes() + b" ")
    code, found = audited("replay", "--all", "--home", str(home))
    assert (code, found["replayed"], found["same"]) == (4, 9, 0)
    assert {d["digests"][0] for d in found["differing"]} == {"model"}
    assert found["differing"][0]["why"] == "the store no longer holds this model package"


def test_another_version_of_the_software_is_told_by_its_digest(home: Path) -> None:
    record = records(home)[0]
    answer = json.loads(record.entry.answer)
    answer["provenance"]["code_version"] = "0.0.9"
    (result,) = Replayer(home).replay([replace(record, entry=replace(record.entry, answer=canonical_json(answer)))])
    assert result.digests["code"][0] == "0.0.9" and result.differs == ("provenance",)


def test_an_unknown_decision_is_refused_and_one_is_replayed_by_name(home: Path) -> None:
    one = records(home)[5].entry.decision_id
    assert audited("replay", one, "--home", str(home))[1] == {"replayed": 1, "same": 1, "erased": 0, "differing": []}
    assert audited("replay", one, "--home", str(home), "--tenant", "bank-z")[0] != 0
    assert audited("replay", "d-" + "0" * 26, "--home", str(home))[0] != 0


def test_the_auditor_checks_the_chain_and_replays_through_the_service(home: Path) -> None:
    with served(home) as client:
        one = records(home)[0].entry.decision_id
        again = client.get(f"/v1/audit/replay/{one}").json()
        assert (again["decision_id"], again["same"], again["differs"]) == (one, True, [])
        assert client.get("/v1/audit/replay/d-" + "0" * 26).status_code == 404
        chain = client.get("/v1/audit/chain").json()
        assert (chain["tenant"], chain["records"], chain["checked_from"]) == ("demo", 9, 1)
        assert (chain["first_bad"], chain["why"], chain["checkpoints"]) == (None, None, None)
        assert client.get("/v1/audit/chain?last=2").json()["checked_from"] == 8
        assert client.get("/v1/audit/chain?last=0").status_code == 422
