"""A short run of the fuzzer; the long one is ``python tests/fuzz/fuzz_run.py --requests 200000``."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from fuzz_mutations import places, spoiled_bytes, spoiled_tree
from fuzz_run import fuzz, store_for
from fuzz_service import Maker, Sent, Tally, seeds, send

from serving.access import public
from serving.app import create_app
from serving.envelope import Envelope
from serving.settings import Settings

SEED = int(os.environ.get("ECO_CREDIT_FUZZ_SEED", "20261125"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return store_for(tmp_path_factory.mktemp("fuzz") / "store")


def run(home: Path, requests: int, seed: int = SEED) -> Tally:
    return asyncio.run(fuzz(create_app(Settings(home=home, access="open")), requests, seed))


def test_no_spoiled_request_is_answered_by_a_fault_of_the_service(home: Path) -> None:
    tally = run(home, 2_000)
    assert not tally.faults, f"seed {SEED}: {tally.faults[:3]}"
    assert sum(tally.statuses.values()) == 2_000
    # the requests reach every depth: accepted, refused by the parser, by the contract, by the router
    assert all(tally.statuses[status] > 20 for status in (200, 400, 404, 422)), tally.statuses


def test_the_fuzzer_finds_a_fault_that_is_there(home: Path) -> None:
    app = create_app(Settings(home=home, access="open"))

    @public
    async def broken() -> None:
        raise RuntimeError("a fault")

    app.add_api_route("/broken", broken)
    status, _ = asyncio.run(send(app, Sent("GET", "/broken")))
    tally = Tally()
    tally.count(Sent("GET", "/broken"), status)
    assert status == 500 and len(tally.faults) == 1


def test_without_the_check_of_the_query_the_fuzzer_would_have_found_it(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unchecked(self: Envelope, scope: object, receive: object, send: object) -> None:
        await self.app(scope, receive, send)  # type: ignore[arg-type]

    monkeypatch.setattr(Envelope, "_answer", unchecked)
    app = create_app(Settings(home=home, access="open"))
    status, why = asyncio.run(send(app, Sent("GET", "/", b"\xff")))
    assert (status, why) == (None, "UnicodeDecodeError")


def test_the_same_seed_makes_the_same_requests() -> None:
    first, second = Maker(3, ["d-1"]), Maker(3, ["d-1"])
    assert [first() for _ in range(300)] == [second() for _ in range(300)]
    assert len({first().body for _ in range(300)}) > 100


def test_spoiling_leaves_the_good_application_as_it_was() -> None:
    good, before = seeds()["order"], seeds()["order"]
    chance = Maker(1, ["d"]).chance
    spoiled = [spoiled_tree(good, chance) for _ in range(200)]
    assert good == before and sum(one != before for one in spoiled) > 150
    assert len(list(places(good))) > 40
    assert any(spoiled_bytes(b"{}", chance) != b"{}" for _ in range(10))
