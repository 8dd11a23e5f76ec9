"""Many answers of the real pipeline, recorded as the service records them, then computed again from the log alone."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from small_store import add_model

from eco_credit.contracts.examples import example_application
from eco_credit.core.canonical import canonical_json, sha256
from eco_credit.core.provenance import code_version
from serving.audit import Entry, Journal, derived
from serving.audit.database import open_engine
from serving.audit.environment import environment
from serving.audit.stream import scores
from serving.models import Triple, load_triple
from serving.pipeline import Answer, Ask, House
from serving.replay import Replayer
from serving.settings import Settings
from serving.subject_keys import vault_of

KINDS = ("forest_right", "water_right", "order")
_GROUP = 1024


def asks(count: int, seed: int, triple: Triple) -> Iterator[Ask]:
    """Applications of all kinds, of many days and amounts."""
    chance = random.Random(seed)
    for i in range(count):
        raw = example_application(KINDS[i % 3])
        raw["as_of"] = f"2026-{1 + chance.randrange(11):02d}-{1 + chance.randrange(2):02d}"
        raw["loan"]["amount_requested"] *= chance.uniform(0.2, 3.0)
        raw["borrower"]["net_cash_in_year"] *= chance.uniform(0.1, 5.0)
        yield Ask(raw, triple, f"d-{i:026x}")


def entry_of_answer(ask: Ask, answer: Answer) -> Entry:
    request = canonical_json(dict(ask.raw))
    return Entry(
        tenant="demo", by_user="u", by_roles="loan_officer", decision_id=ask.decision_id, kind="score", about=None,
        application_id=answer.application_id, route="POST /v1/scores", idempotency_key=None, request=request,
        request_hash=sha256(request), answer=canonical_json(answer.body), model_digest=answer.model_digest,
        rules_hash=answer.rules_hash, contract=answer.contract, code_version=code_version(),
        features=answer.features, environment=environment(), **derived(answer.body),
    )  # fmt: skip


def fill(settings: Settings, count: int, seed: int) -> int:
    """Record answers; of each group, some were computed alone and some together with others."""
    house, triple, refused = House(), load_triple(settings), 0
    journal = Journal(settings.decisions_path, waiting=2 * _GROUP)

    async def store(entries: list[Entry]) -> None:
        await asyncio.gather(*(journal.append(entry) for entry in entries))

    group: list[Ask] = []
    for i, ask in enumerate(asks(count, seed, triple), start=1):
        group.append(ask)
        if len(group) == _GROUP or i == count:
            answers = house.score(group[:1]) + house.score(group[1:4]) + house.score(group[4:])
            found = [entry_of_answer(a, b) for a, b in zip(group, answers, strict=True) if isinstance(b, Answer)]
            refused += len(group) - len(found)
            asyncio.run(store(found))
            group = []
    journal.close()
    return refused


def replay_many(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Record so many answers, then replay them.

    Returns:
        How many came out the same to the byte, and how long it took, seconds.
    """
    settings = Settings(home=folder / "home")
    add_model(settings.home)
    started = time.monotonic()
    refused = fill(settings, count, seed)
    filled = time.monotonic()
    engine = open_engine(settings.decisions_path, writes=False)
    differing, done = [], 0
    for result in Replayer(settings.home).replay(scores(engine, "demo", vault_of(settings, engine))):
        done += 1
        if result.differs and len(differing) < 10:
            differing.append(result.as_dict())
    engine.dispose()
    took = {"fill_seconds": round(filled - started, 1), "replay_seconds": round(time.monotonic() - filled, 1)}
    return {"replayed": done, "refused": refused, "differing": differing, "seed": seed, **took}
