"""Pledges appraised per CPU second, ranges, drivers and stress included: columns in one pass against loops, one run.

Three loops over the same pledges: ``objects`` builds one object per pledge and works the method's formula scenario by
scenario on plain numbers; ``rows`` calls the column code for one row at a time; ``central`` is ``objects`` for the
central scenario alone, without any range.

    python tests/benchmarks/bench_appraisal.py [--pledges 1000000] [--loop 200]
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
DAY = "2026-11-23"
SIMULATED = 30_000


def pledges(count: int) -> dict[str, tuple[Any, Any]]:
    """Simulated pledges of all kinds, repeated until there are so many: kind to its columns and their loans."""
    from eco_credit.core.numbers import number, rows_of, take
    from training.simulate import simulate_applications

    made = simulate_applications(SIMULATED, seed=20_261_125)
    whole = sum(rows_of(table) for table in made.pledges.values())
    found = {}
    for kind, table in made.pledges.items():
        wanted = round(count * rows_of(table) / whole)
        place = np.arange(wanted) % rows_of(table)
        loans = take(made.loans, number(table, "application_row").astype(np.intp))
        copied, behind = take(table, place), take(loans, place)
        # every copy of the table is of other applications
        shift = (np.arange(wanted) // rows_of(table)) * float(SIMULATED)
        behind["application_row"] = copied["application_row"] = number(table, "application_row")[place] + shift
        found[kind] = (copied, behind)
    return found


@dataclass
class One:
    """One pledge as an object: its method, the low, central and high value of each parameter, its rules."""

    approach: Any
    spans: dict[str, tuple[float, float, float]]
    plan: Any

    def value(self, scenario: int) -> float:
        """Value in one scenario, on plain numbers."""
        figures = {}
        for parameter in self.approach.parameters:
            low, central, high = self.spans[parameter.name]
            name = parameter.moved_by
            if name in self.plan.up:
                up, down = self.plan.up[name][scenario, 0], self.plan.down[name][scenario, 0]
                central = central + (high - central) * up - (central - low) * down
                if name in self.plan.shock:
                    central = central * self.plan.shock[name][scenario, 0]
            if parameter.lowest is not None:
                central = max(central, parameter.lowest)
            if parameter.highest is not None:
                central = min(central, parameter.highest)
            figures[parameter.name] = np.float64(central)
        return max(0.0, float(np.ravel(self.approach.value(figures)["value"])[0]))

    def ranged(self) -> tuple[float, float, float]:
        """Low, central and high value, worked scenario by scenario."""
        rows = self.plan.joint.stop + len(self.plan.stress)
        values = [self.value(scenario) for scenario in range(rows)]
        joint = sorted(values[self.plan.joint])
        return joint[6], values[0], joint[114]


def objects(kind: Any, table: Any, loans: Any, rules: Any) -> list[One]:
    """Every pledge of a table as an object."""
    from eco_credit.valuation import appraise_pledges
    from eco_credit.valuation.scenarios import layout
    from eco_credit.valuation.stress import stresses_of

    made = []
    for part in appraise_pledges(kind, table, loans=loans, rules=rules).appraisal.parts:
        plan = layout(part.approach.drivers, stresses_of(kind, rules))
        for at in range(len(part.rows)):
            spans = {
                name: tuple(float(c[at if len(c) > 1 else 0]) for c in (span.low, span.central, span.high))
                for name, span in part.spans.items()
            }
            made.append(One(part.approach, spans, plan))
    return made


def timed(work: Callable[[], Any]) -> float:
    """CPU seconds of a piece of work."""
    before = time.process_time()
    work()
    return time.process_time() - before


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pledges", type=int, default=1_000_000)
    parser.add_argument("--loop", type=int, default=200, help="pledges of each kind the loops take")
    options = parser.parse_args()
    from eco_credit.core.numbers import rows_of, take
    from eco_credit.rulebook import load
    from eco_credit.valuation import appraise_pledges, kinds

    rules, tables = load().at(DAY), pledges(options.pledges)
    count = sum(rows_of(table) for table, _ in tables.values())

    def columns() -> None:
        for kind, (table, loans) in tables.items():
            appraise_pledges(kinds()[kind], table, loans=loans, rules=rules)

    some = np.arange(options.loop)
    few = {kind: (take(table, some), take(loans, some)) for kind, (table, loans) in tables.items()}
    for kind, (table, loans) in few.items():
        appraise_pledges(kinds()[kind], table, loans=loans, rules=rules)
    share = {kind: rows_of(table) / count for kind, (table, _) in tables.items()}
    spent: dict[str, float] = {"columns": timed(columns) / count}
    spent |= dict.fromkeys(("objects", "rows", "central"), 0.0)
    for kind, (table, loans) in few.items():
        made, one = objects(kinds()[kind], table, loans, rules), kinds()[kind]
        spent["objects"] += share[kind] * timed(lambda made=made: [pledge.ranged() for pledge in made]) / len(made)
        spent["central"] += share[kind] * timed(lambda made=made: [pledge.value(0) for pledge in made]) / len(made)
        single = [(take(table, some[i : i + 1]), take(loans, some[i : i + 1])) for i in range(options.loop)]
        spent["rows"] += share[kind] * timed(
            lambda single=single, one=one: [appraise_pledges(one, t, loans=behind, rules=rules) for t, behind in single]
        ) / options.loop
    loops = ("objects", "rows", "central")
    print(json.dumps({
        "pledges": count,
        "share": {kind: round(part, 3) for kind, part in share.items()},
        "microseconds_per_pledge": {name: round(1e6 * seconds, 2) for name, seconds in spent.items()},
        "times_the_columns": {name: round(spent[name] / spent["columns"], 1) for name in loops},
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }, indent=1))


if __name__ == "__main__":
    main()
