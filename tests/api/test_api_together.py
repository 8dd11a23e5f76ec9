"""Requests that come in together: scored in one pass, each with the answer it gets alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from api_service import Client, Plain, body_of, plain_client, triple_of
from small_store import add_model

import serving.pipeline
from eco_credit.core.errors import ContractError
from serving.app import create_app
from serving.pipeline import Answer, Ask, House
from serving.settings import Settings
from serving.together import GROUP, PATIENCE, QUIET_TURNS, Together

EXAMPLES = Path(__file__).parents[2] / "examples"


class Counting(Plain):
    """The simple pipeline; it remembers how many came to each pass."""

    def __init__(self) -> None:
        self.passes: list[int] = []

    def score(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
        """Count, then answer."""
        self.passes.append(len(asks))
        return super().score(asks)


def test_requests_of_one_turn_share_a_pass_and_a_crowd_takes_several(settings: Settings) -> None:
    counting = Counting()
    with plain_client(settings, counting) as client:
        answers = client.post_together("/v1/scores", [body_of({"amount": n}) for n in range(GROUP + 3)])
        assert [a.json()["max_loan"] for a in answers] == [n / 2 for n in range(GROUP + 3)]
        assert max(counting.passes) <= GROUP and len(counting.passes) < GROUP + 3
        assert sum(counting.passes) == GROUP + 3 == len(client.records())


def test_a_refused_application_does_not_spoil_its_pass(settings: Settings) -> None:
    with plain_client(settings) as client:
        answers = client.post_together("/v1/scores", [body_of({"amount": 2}), body_of({}), body_of({"amount": 4})])
        assert [a.status_code for a in answers] == [200, 422, 200]
        assert [answers[0].json()["max_loan"], answers[2].json()["max_loan"]] == [1.0, 2.0]


def test_a_pipeline_that_breaks_leaves_nobody_waiting(settings: Settings) -> None:
    class Broken(Plain):
        """A pipeline with a fault."""

        def score(self, asks: Sequence[Ask]) -> list[Answer | Exception]:
            """Break."""
            raise ZeroDivisionError

    with plain_client(settings, Broken()) as client:
        answers = client.post_together("/v1/scores", [body_of({"amount": 1})] * 3)
        assert [a.status_code for a in answers] == [500] * 3 and client.records() == []


def example(kind: str) -> dict[str, Any]:
    """A shipped example application."""
    data: dict[str, Any] = json.loads((EXAMPLES / f"{kind}.json").read_text("utf-8"))
    return data


def test_applications_scored_together_get_the_bytes_they_get_alone(tmp_path: Path) -> None:
    add_model(tmp_path / "home")
    bodies = [body_of(example(kind)) for kind in ("forest_right", "water_right", "order")] * 2
    with Client(create_app(Settings(access="open", home=tmp_path / "home", web=False))) as client:
        together = [a.json() for a in client.post_together("/v1/scores", bodies)]
        alone = [client.post("/v1/scores", body).json() for body in bodies]
    for answer in (*together, *alone):
        del answer["decision_id"]
    assert [json.dumps(a) for a in together] == [json.dumps(a) for a in alone]


def test_when_a_pass_breaks_each_application_is_scored_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def breaks_for_many(group: Sequence[serving.pipeline._Read]) -> list[Answer]:
        sizes.append(len(group))
        if len(group) > 1 or group[0].ask.decision_id == "d-2":
            raise ContractError([])
        return [Answer({}, group[0].ask.decision_id, "", "", "")]

    monkeypatch.setattr(serving.pipeline, "_pass", breaks_for_many)
    triple = triple_of()
    found = House().score([Ask(example("order"), triple, f"d-{n}") for n in (1, 2, 3)])
    assert sizes == [3, 1, 1, 1]
    assert isinstance(found[1], ContractError)
    assert [f.application_id for f in (found[0], found[2]) if isinstance(f, Answer)] == ["d-1", "d-3"]


def ask_of(amount: float) -> Ask:
    """An application of the simple pipeline."""
    return Ask({"amount": amount}, triple_of(), "d-1")


async def turns(count: int) -> None:
    """Let the event loop turn some times."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_who_is_alone_is_scored_after_a_few_turns_of_the_loop() -> None:
    async def alone() -> list[int]:
        counting = Counting()
        waiting = asyncio.create_task(Together(counting).score(ask_of(1)))
        await turns(QUIET_TURNS + 3)
        assert waiting.done()
        return counting.passes

    assert asyncio.run(alone()) == [1]


def test_who_comes_while_one_record_is_written_does_not_wait_for_it() -> None:
    async def second() -> list[int]:
        counting = Counting()
        together = Together(counting)
        with together.recording():
            await together.score(ask_of(1))
        return counting.passes

    assert asyncio.run(second()) == [1]


def test_who_comes_while_several_records_are_written_is_scored_in_one_pass_after_them() -> None:
    async def meanwhile() -> list[int]:
        counting = Counting()
        together = Together(counting)
        with together.recording(), together.recording():
            waiting = []
            for amount in range(4):
                waiting.append(asyncio.create_task(together.score(ask_of(amount))))
                await turns(QUIET_TURNS + 3)
            assert counting.passes == []
        await asyncio.gather(*waiting)
        return counting.passes

    assert asyncio.run(meanwhile()) == [4]


def test_a_crowd_does_not_wait_for_records() -> None:
    async def crowd() -> list[int]:
        counting = Counting()
        together = Together(counting)
        with together.recording(), together.recording():
            await asyncio.gather(*(together.score(ask_of(amount)) for amount in range(GROUP)))
        return counting.passes

    assert asyncio.run(crowd()) == [GROUP]


def test_records_that_never_come_hold_nobody_for_long() -> None:
    async def stuck() -> float:
        together = Together(Counting())
        begun = asyncio.get_running_loop().time()
        with together.recording(), together.recording():
            await asyncio.wait_for(together.score(ask_of(1)), 100 * PATIENCE)
            return asyncio.get_running_loop().time() - begun

    assert asyncio.run(stuck()) >= 0.9 * PATIENCE
