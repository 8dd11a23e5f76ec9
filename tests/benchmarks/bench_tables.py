"""The table model against the very booster it was made from: scoring with reasons, one row alone, and training.

One run, one thread, CPU time of that thread, medians of interleaved turns; the ratios are the result. Made-up rows of
40 inputs, 16 of which tell something, a tenth of the cells unknown in every other input. Training compares a booster
of depth 2 with the same booster collapsed, purified, proved and checked.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python tests/benchmarks/bench_tables.py [--rows 100000]
        [--trees 600] [--train-rows 1000000] [--train-trees 300]
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from eco_credit.contracts import contract
from training.datasets import Input, Tape
from training.fit_pd import as_tables, fixed, parameters
from training.plan import PdFit

FEATURES, TELLING, SEED = 40, 16, 7
FIT = PdFit(depth=2, learning_rate=0.05, min_rows=50, max_bin=63)
ONE_ROW_TURNS = 2_000


def made_up(rows: int) -> Tape:
    """A tape of noise with a pattern: mains, pairs and unknown cells."""
    rng = np.random.default_rng(SEED)
    columns = {f"x{i:02d}": rng.normal(size=rows) for i in range(FEATURES)}
    x = list(columns.values())
    z = sum(0.4 / (1 + i % 5) * x[i] for i in range(TELLING)) + 0.4 * x[0] * x[1] - 0.3 * x[2] * (x[3] > 0)
    target = (rng.random(rows) < 1.0 / (1.0 + np.exp(2.5 - z))).astype(float)
    for values in x[::2]:
        values[rng.random(rows) < 0.1] = np.nan
    inputs = tuple(Input(name, "ratio", 1 if i % 3 == 0 else 0, 0, "loan", name, name)
                   for i, name in enumerate(columns))  # fmt: skip
    day, who = np.full(rows, np.datetime64("2020-01-01")), np.zeros(rows, object)
    return Tape(inputs, columns, target, np.ones(rows), day, who, {}, {}, contract("loan_tape"), "", True, 0)


def timed(work: dict[str, Callable[[], Any]], turns: int) -> dict[str, float]:
    """Median seconds of each work; the works take turns, the first turn warms up."""
    spent: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(turns + 1):
        for name, run in work.items():
            before = time.thread_time()
            run()
            if turn:
                spent[name].append(time.thread_time() - before)
    return {name: statistics.median(seconds) for name, seconds in spent.items()}


def scoring(rows: int, trees: int) -> dict[str, Any]:
    """Batch and one row: tables with every contribution against pred_contrib and the bare score of the booster."""
    tape = made_up(rows)
    every = np.arange(rows)
    chosen = parameters(FIT, [item.monotone for item in tape.inputs], SEED)
    booster = fixed(tape, every[: min(rows, 50_000)], chosen, rounds=trees)
    table = as_tables(booster, tape, every[:1_000]).table
    matrix = tape.matrix(every)
    one, alone = {name: column[:1] for name, column in tape.columns.items()}, matrix[:1]
    score, parts = table.parts(tape.columns)
    raw = booster.predict(matrix, raw_score=True, num_threads=1)
    batch = timed(
        {
            "tables": lambda: table.parts(tape.columns),
            "pred_contrib": lambda: booster.predict(matrix, pred_contrib=True, num_threads=1),
            "bare": lambda: booster.predict(matrix, raw_score=True, num_threads=1),
        },
        turns=3,
    )
    single = timed(
        {
            "tables": lambda: table.parts(one),
            "pred_contrib": lambda: booster.predict(alone, pred_contrib=True, num_threads=1),
        },
        turns=ONE_ROW_TURNS,
    )
    return {
        "rows": rows, "trees": trees, "pairs": len(table.pairs),
        "largest_difference_to_booster": float(np.abs(score - raw).max()),
        "contributions_add_up_to": float(np.abs(table.intercept + parts.sum(axis=0) - score).max()),
        "microseconds_per_row": {name: round(1e6 * s / rows, 3) for name, s in batch.items()},
        "microseconds_one_row": {name: round(1e6 * s, 1) for name, s in single.items()},
        "pred_contrib_over_tables_batch": round(batch["pred_contrib"] / batch["tables"], 1),
        "bare_over_tables_batch": round(batch["bare"] / batch["tables"], 2),
        "tables_over_pred_contrib_one_row": round(single["tables"] / single["pred_contrib"], 3),
    }  # fmt: skip


def training(rows: int, trees: int, turns: int) -> dict[str, Any]:
    """Booster alone against booster with collapse, purification, proof and check."""
    tape = made_up(rows)
    every = np.arange(rows)
    chosen = parameters(FIT, [item.monotone for item in tape.inputs], SEED)
    spent: dict[str, list[float]] = {"plain": [], "tables": []}
    for turn in range(turns):
        for name in ("plain", "tables") if turn % 2 == 0 else ("tables", "plain"):
            before = time.thread_time()
            booster = fixed(tape, every, chosen, rounds=trees)
            if name == "tables":
                as_tables(booster, tape, every)
            spent[name].append(time.thread_time() - before)
    medians = {name: statistics.median(seconds) for name, seconds in spent.items()}
    return {
        "rows": rows, "trees": trees, "features": FEATURES,
        "seconds": {name: round(value, 2) for name, value in medians.items()},
        "tables_over_plain": round(medians["tables"] / medians["plain"], 3),
    }  # fmt: skip


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--trees", type=int, default=600)
    parser.add_argument("--train-rows", type=int, default=1_000_000)
    parser.add_argument("--train-trees", type=int, default=300)
    parser.add_argument("--train-turns", type=int, default=2)
    options = parser.parse_args()
    found = {"scoring": scoring(options.rows, options.trees)}
    if options.train_rows:
        found["training"] = training(options.train_rows, options.train_trees, options.train_turns)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
