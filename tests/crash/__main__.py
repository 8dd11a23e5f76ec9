"""``python -m tests.crash NAME [--count N] [--seed S]``: the long runs; the tests run the same with small counts."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), *(str(HERE.parent / room) for room in ("audit", "api", "risk")), str(HERE.parents[1])]
COUNTS = {"kill-sqlite": 200, "kill-postgres": 50, "power": 1_000, "power-normal": 200, "race": 1_000, "tamper": 10_000,
          "replay": 100_000, "kill-sealed": 200, "nth-call": 10_000}  # fmt: skip


def run(name: str, count: int, seed: int, folder: Path) -> dict[str, object]:
    from kills import kill_postgres, kill_sealed, kill_sqlite
    from nth_call import fail_each
    from power import cut_power
    from races import race
    from replays import replay_many
    from tamper import tamper

    if name == "kill-postgres":
        return kill_postgres(count, seed)
    if name == "race":
        return race(folder / "decisions.db", count)
    if name.startswith("power"):
        return cut_power(folder, count, seed, normal=name.endswith("normal"))
    runs = {"kill-sqlite": kill_sqlite, "kill-sealed": kill_sealed, "tamper": tamper, "replay": replay_many}
    return (runs | {"nth-call": fail_each})[name](folder, count, seed)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("name", choices=sorted(COUNTS))
    parser.add_argument("--count", type=int)
    parser.add_argument("--seed", type=int, default=20_261_125)
    given = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        found = run(given.name, given.count or COUNTS[given.name], given.seed, Path(folder))
    print(json.dumps({"run": given.name, **found, "seconds": round(time.monotonic() - started)}))


if __name__ == "__main__":
    main()
