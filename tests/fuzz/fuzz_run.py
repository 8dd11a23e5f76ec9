"""Send many spoiled requests to the service in process and count what comes back; no answer may be a fault of its own.

    python tests/fuzz/fuzz_run.py --requests 200000 [--seed 1] [--home STORE]

Prints progress to stderr and a table to stdout; exits 1 when any request was answered by 5xx or not at all, and shows
how to send it again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from fuzz_mutations import written
from fuzz_service import JSON, PLAIN, Maker, Sent, Tally, seeds, send

from serving.app import create_app
from serving.settings import Settings

AT_ONCE = 16
SHOWN = 20


async def decided(app: Any) -> list[str]:
    """Score each good application once; the identifiers are used in later requests."""
    service, found = app.state.service, []
    for raw in seeds().values():
        status, why = await send(app, Sent("POST", "/v1/scores", b"", written(raw), (*PLAIN, (b"content-type", JSON))))
        if status != 200:
            raise SystemExit(f"a good application was answered by {status} {why}: is a model served from this store?")
        found.append(service.journal.records("demo")[-1].entry.decision_id)
    return found


async def fuzz(app: Any, requests: int, seed: int, *, told: bool = False) -> Tally:
    """Send ``requests`` spoiled requests, sixteen at once.

    Returns:
        The tally; the same for the same seed and application, but for the order of what runs at once.
    """
    tally = Tally()
    async with app.router.lifespan_context(app):
        make = Maker(seed, await decided(app))
        started = time.monotonic()
        for done in range(0, requests, AT_ONCE):
            group = [make() for _ in range(min(AT_ONCE, requests - done))]
            answers = await asyncio.gather(*(send(app, one) for one in group))
            for sent, (status, why) in zip(group, answers, strict=True):
                tally.count(sent, status, why)
            if told and done % (AT_ONCE * 200) == 0 and done:
                rate = done / (time.monotonic() - started)
                sys.stderr.write(f"\r{done:,} of {requests:,}, {rate:,.0f} a second, {len(tally.faults)} faults ")
    return tally


def store_for(folder: Path) -> Path:
    """A store with the small hand-made model."""
    sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("api", "risk")]
    from small_store import add_model

    add_model(folder)
    return folder


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--home", type=Path, help="store to serve from; a small hand-made model when not given")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = asked.home or store_for(Path(scratch) / "store")
        app = create_app(Settings(home=home, access="open"))
        tally = asyncio.run(fuzz(app, asked.requests, asked.seed, told=True))
    sys.stderr.write("\n")
    shown = {"requests": sum(tally.statuses.values()), "seed": asked.seed, "faults": len(tally.faults)}
    print(json.dumps(shown | {"statuses": dict(sorted(tally.statuses.items()))}))
    for sent, why in tally.faults[:SHOWN]:
        print(f"{why}: {sent.method} {sent.path!r} {sent.query!r} {sent.headers!r} {sent.body[:300]!r}")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
