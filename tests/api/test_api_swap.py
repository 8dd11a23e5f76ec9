"""What goes into service: probed apart, swapped whole, never backwards without a record, back in one command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from api_service import Client
from small_store import add_model
from test_api_server import ROOT, free_port

from eco_credit.core.errors import ModelNotServable
from eco_credit.registry import Store, served
from eco_credit.registry.probe import Bounds, probe
from eco_credit.registry.promote import Approval, install, rollback
from eco_credit.registry.store import pointed
from eco_credit.rulebook import load
from serving.app import create_app
from serving.models import Champions
from serving.settings import Settings
from serving.shelf import Shelf

OVERLAY = (
    "credit.policy.pd_approve_max: {in_force: 2020-01-01, published: 2020-01-01, value: 0.01, ref: house-policy}\n"
)
EXAMPLE = (ROOT / "examples" / "forest_right.json").read_bytes()
BACK = Approval("A. Approver", "test of the way back")


def digest_of(store: Store) -> str:
    """Digest of what the pointer names."""
    return pointed(store, "eco-credit").digest


def test_a_sound_package_passes_the_probe(settings: Settings) -> None:
    store = add_model(settings.home)
    probe(store, "eco-credit", digest_of(store))


@pytest.mark.parametrize(
    ("bounds", "says"),
    [(Bounds(megabytes=1), "failed|signal"), (Bounds(seconds=0), "within 0 s")],
    ids=["memory", "time"],
)
def test_a_loader_that_dies_kills_only_the_probe(settings: Settings, bounds: Bounds, says: str) -> None:
    store = add_model(settings.home)
    with pytest.raises(ModelNotServable, match=says):
        probe(store, "eco-credit", digest_of(store), bounds)


def test_an_altered_package_is_refused_in_the_probe_and_the_last_good_one_stays(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    store = add_model(settings.home)
    champions = Champions(settings)
    assert champions.refresh() is True
    first = champions.current().package.digest
    add_model(settings.home, 2, base=0.5)
    file = store.served_folder("eco-credit") / digest_of(store) / "pd.json"
    file.write_bytes(file.read_bytes().replace(b"1", b"2", 1))
    assert champions.refresh() is False
    assert champions.current().package.digest == first
    assert (champions.alarm, champions.why) == ("model_not_servable", "pd.json has been altered")
    assert "pd.json has been altered" in caplog.text


def test_what_failed_is_tried_again_after_a_while(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    add_model(settings.home)
    asked: list[str] = []

    def busy(_: Store, name: str, digest: str) -> None:
        asked.append(name)
        if len(asked) == 1:
            raise ModelNotServable("the machine was busy")

    champions = Champions(settings, Shelf(probe=busy))
    assert [champions.refresh(), champions.refresh()] == [False, None]
    monkeypatch.setattr("serving.models.AGAIN_SECONDS", 0.0)
    assert champions.refresh() is True
    assert champions.alarm is None


def test_the_operator_is_told_by_figures_health_and_catalogue(settings: Settings) -> None:
    store = add_model(settings.home)
    with Client(create_app(settings)) as client:
        assert "eco_credit_model_alarm" in client.get("/metrics").text
        add_model(settings.home, 2, base=0.5)
        (store.served_folder("eco-credit") / digest_of(store) / "approver.sig.json").unlink()
        client.wait_for(lambda: client.get("/readyz").json()["alarm"] is not None)
        ready = client.get("/readyz")
        assert (ready.status_code, ready.json()["alarm"]) == (200, "model_not_servable")
        assert 'eco_credit_model_alarm{alias="champion"} 1.0' in client.get("/metrics").text
        listed = client.get("/v1/models").json()
        assert listed["models"][0]["version"] == "1"
        assert "approver signature is missing" in listed["why"]


def put_back(kept: Path, folder: Path) -> None:
    """Copy pointer and history of a backup over those of the store."""
    for file in kept.glob("champion*"):
        shutil.copy2(file, folder / file.name)


def test_an_older_history_copied_back_is_refused_unless_a_rollback_says_so(settings: Settings) -> None:
    store = add_model(settings.home)
    folder = store.served_folder("eco-credit")
    yesterday = settings.home / "backup"
    shutil.copytree(folder, yesterday)
    add_model(settings.home, 2, base=0.5)
    champions = Champions(settings)
    assert champions.refresh() is True
    shutil.copytree(folder, settings.home / "today")
    put_back(yesterday, folder)
    # the chain is sound in itself and its package good; only the mark knows that more had been in service
    assert pointed(store, "eco-credit").version == 1
    assert champions.refresh() is False
    assert champions.current().package.version == "2"
    assert "without a rollback record" in str(champions.why)
    restarted = Champions(settings)
    assert restarted.refresh() is False
    assert not restarted.ready
    put_back(settings.home / "today", folder)
    assert restarted.refresh() is True
    rollback(store, "eco-credit", BACK)
    assert restarted.refresh() is True
    assert restarted.current().package.version == "1"


def test_a_rollback_needs_no_probe_since_the_last_good_one_is_kept_hot(settings: Settings) -> None:
    store = add_model(settings.home)
    add_model(settings.home, 2, base=0.5)
    probed: list[str] = []
    champions = Champions(settings, Shelf(probe=lambda _, name, digest: probed.append(digest)))
    champions.refresh()
    champions.warm()
    assert len(probed) == 2
    rollback(store, "eco-credit", BACK)
    assert champions.refresh() is True
    assert champions.current().package.version == "1"
    assert len(probed) == 2


def test_no_answer_under_swaps_is_a_mixture(settings: Settings, tmp_path: Path) -> None:
    """Two models, each with a rulebook of its own, change places while scores are asked for."""
    overlay = tmp_path / "own.yaml"
    overlay.write_text(OVERLAY, encoding="utf-8")
    add_model(settings.home)
    one = Shelf(probe=lambda *_: None)(settings)
    add_model(settings.home, 2, base=0.5)
    other = Shelf(probe=lambda *_: None)(settings.model_copy(update={"overlay": overlay}))
    assert other.book.at("2026-11-20").overlay_digest != load().at("2026-11-20").overlay_digest
    turns = [one, other]
    swaps = 0

    def turn(_: Settings) -> object:
        nonlocal swaps
        swaps += 1
        return turns[swaps % 2]

    champions = Champions(settings, turn)  # type: ignore[arg-type]
    seen: dict[str, set[tuple[object, ...]]] = {}
    with Client(create_app(settings, champions=champions)) as client:
        ended = threading.Event()

        def swap() -> None:
            while not ended.is_set():
                champions._tried = None
                champions.refresh()
                time.sleep(0.0005)

        swapper = threading.Thread(target=swap)
        swapper.start()
        try:
            for _ in range(12):
                for answer in client.post_together("/v1/scores", [EXAMPLE] * 12):
                    body = answer.json()
                    behind = body["provenance"]
                    model = behind["models"][0]["digest"]
                    seen.setdefault(model, set()).add(
                        (behind["overlay_hash"], behind["rules_hash"], body["pd"]["value"], body["rate_floor"])
                    )
        finally:
            ended.set()
            swapper.join()
        for record in client.records():
            assert record.entry.model_digest == json.loads(record.entry.answer)["provenance"]["models"][0]["digest"]
    assert set(seen) == {one.package.digest, other.package.digest}
    assert all(len(made_with) == 1 for made_with in seen.values()), seen
    assert seen[one.package.digest].isdisjoint(seen[other.package.digest])
    assert swaps > 50


def test_a_rollback_is_answered_by_the_old_model_in_under_five_seconds(settings: Settings) -> None:
    """The command in one process, the service in another: from Enter to the first answer of the old model."""
    store = add_model(settings.home)
    add_model(settings.home, 2, base=0.5)
    newer = served(store, "eco-credit")
    port = free_port()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "ECO_CREDIT_HOME": str(settings.home)}
    command = [sys.executable, "-c", "from serving.cli import main; main()"]
    serve = subprocess.Popen([*command, "serve", "--port", str(port)], env=environment, stdout=subprocess.DEVNULL)
    taken: list[float] = []
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
            while len(taken) < 3 and not (taken and min(taken) < 5.0):  # the machine may be busy with other things
                if taken:
                    install(store, newer, BACK)
                wait_until(lambda: _version(http) == "2" and http.get("/v1/models").json()["fallback"] == "1")
                started = time.monotonic()
                back = [*command, "rollback", "eco-credit"]
                done = subprocess.Popen(back, env=environment, stdout=subprocess.DEVNULL)
                wait_until(lambda: _version(http) == "1")
                taken.append(time.monotonic() - started)
                assert done.wait(60) == 0
    finally:
        serve.terminate()
        serve.wait(30)
    print("from the command to the old model's answer, seconds:", taken)
    assert min(taken) < 5.0


def wait_until(ready: Callable[[], bool], seconds: float = 60.0) -> None:
    """Look again and again until something holds."""
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


def _version(http: httpx.Client) -> str:
    """Version that answers a score; waits for a service that is starting."""
    for _ in range(300):
        try:
            answer = http.post("/v1/scores", content=EXAMPLE, headers={"Content-Type": "application/json"})
        except httpx.TransportError:
            time.sleep(0.1)
            continue
        return str(answer.json()["provenance"]["models"][0]["version"])
    raise AssertionError("the service did not start")
