"""CPU of one application in each stage of the pipeline: alone, and as one of a group scored together.

Thread CPU time, the groups taken in turns so that a slow spell of the machine meets all of them; medians.

    python tests/benchmarks/bench_pipeline.py --home DIR [--example forest_right] [--groups 1,8,64] [--turns 30]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eco_credit.contracts import flatten, read_application
from eco_credit.core.canonical import canonical_json
from eco_credit.registry import Package
from eco_credit.rulebook import load
from eco_credit.scoring import score_applications
from eco_credit.scoring.doors import served_package

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def stages(raw: dict[str, Any], package: Package, rows: int) -> dict[str, float]:
    """Milliseconds of thread CPU per application in each stage, for a group of so many."""
    spent: dict[str, float] = {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        before = time.thread_time()
        found = work()
        spent[name] = 1000.0 * (time.thread_time() - before) / rows
        return found

    rules = load().at(raw["as_of"])
    read = timed("read", lambda: [read_application(raw) for _ in range(rows)])
    columns = timed("flatten", lambda: flatten(read))
    scored = timed("score", lambda: score_applications(columns, rules, package))
    answers = timed("answer", lambda: [scored.answer(row, input_hash="0" * 64) for row in range(rows)])
    timed("write", lambda: [canonical_json(answer) for answer in answers])
    return spent | {"all": sum(spent.values())}


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--example", default="forest_right")
    parser.add_argument("--groups", default="1,8,64")
    parser.add_argument("--turns", type=int, default=30)
    options = parser.parse_args()
    raw = json.loads((EXAMPLES / f"{options.example}.json").read_text(encoding="utf-8"))
    package, groups = served_package(options.home), [int(rows) for rows in options.groups.split(",")]
    found: dict[int, list[dict[str, float]]] = {rows: [] for rows in groups}
    for turn in range(options.turns + 1):
        for rows in groups:
            spent = stages(raw, package, rows)
            if turn:  # the first turn warms up
                found[rows].append(spent)
    medians = {
        rows: {name: statistics.median(turn[name] for turn in turns) for name in turns[0]}
        for rows, turns in found.items()
    }
    alone = medians[groups[0]]["all"]
    print(
        json.dumps(
            {
                f"group_of_{rows}": {name: round(value, 4) for name, value in spent.items()}
                | {"to_first_group": round(spent["all"] / alone, 3)}
                for rows, spent in medians.items()
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
