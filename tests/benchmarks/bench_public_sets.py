"""Ranking of the table model, the forest and the scorecard on real public loans that are not part of this repository.

Guaranteed loans: the shipped plan as it is, approvals 1990 to 2003 against January 2004 to February 2006, without Term.
Home equity (HMEQ): ten folds, shuffled, no dates. Tree counts are fixed beforehand; a fold is only ever predicted.

    python tests/benchmarks/bench_public_sets.py FOLDER [--sets guaranteed,home_equity]

FOLDER holds ``sba_loans/sba_loans_dev.parquet`` and ``hmeq_home_equity/hmeq.csv.gz``.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.contracts import contract
from eco_credit.core.numbers import Columns, Floats
from training.benchmark_model import fit_scorecard
from training.challengers import compare, fit_rivals, forest_parameters
from training.datasets import Input, Tape, load_tape
from training.fit_pd import as_tables, fit_pd, fixed, parameters
from training.metrics import ranking
from training.plan import Challengers, ForestFit, PdFit, plan_file, read_plan
from training.split import split

FOLDS, SEED = 10, 20_261_123
SIGNS = {"Derogatories": 1, "Delinquencies": 1, "Inquiries": 1, "DEBTINC": 1, "CLAGE": -1}
"""Economic priors; everything else is free."""
TABLES = PdFit(rounds=1_500, learning_rate=0.1, min_rows=10, l2=1.0, max_bin=255, feature_fraction=0.8)
FOREST = ForestFit(rounds=1_500, learning_rate=0.1, min_rows=10, l2=1.0, max_bin=255, feature_fraction=0.8)


def guaranteed_loans(folder: Path) -> dict[str, Any]:
    """Out-of-time figures of every shape, as the shipped plan gives them."""
    plan = read_plan(plan_file("guaranteed-loan"))
    plan = plan.model_copy(update={"challengers": Challengers(shapes=("mains", "forest"))})
    tape = load_tape(plan, folder / "sba_loans" / "sba_loans_dev.parquet")
    windows = split(tape.origination, tape.borrower, plan.split)
    fitted = fit_pd(tape, windows, plan.pd, seed=plan.seed)
    card = fit_scorecard(tape, windows.in_time, binning=plan.challengers.binning)
    rivals = fit_rivals(tape, windows, plan, plan.pd, card=card)
    found = compare(tape, windows, fitted.table.score(tape.columns), rivals, least=0.01)
    return {
        "windows": windows.counts(),
        "auc": {name: _rounded(shape["auc"]) for name, shape in found["shapes"].items()},
        "gains": {f"{v['complex']} over {v['simple']}": _rounded(v["gain"]) for v in found["verdicts"]},
        "preferred": {f"{v['complex']} or {v['simple']}": v["preferred"] for v in found["verdicts"]},
    }


def home_equity(folder: Path) -> dict[str, Any]:
    """AUC over ten folds of table model, forest and scorecard: mean over folds, and of all held-out scores together."""
    found: dict[str, Any] = {}
    for name, signs in (("signed", SIGNS), ("free", {})):
        tape = home_equity_tape(folder, signs)
        order = np.random.default_rng(SEED).permutation(len(tape.target))
        held: dict[str, Floats] = {shape: np.zeros(len(order)) for shape in ("tables", "forest", "scorecard")}
        areas: dict[str, list[float]] = {shape: [] for shape in held}
        for fold in range(FOLDS):
            out, rows = np.sort(order[fold::FOLDS]), np.sort(np.concatenate(_others(order, fold)))
            for shape, score in _fold_scores(tape, rows, out).items():
                held[shape][out] = score
                areas[shape].append(ranking.auc(tape.target[out], score).value)
        found[name] = {
            shape: {
                "mean_of_folds": round(float(np.mean(areas[shape])), 4),
                "sd_of_folds": round(float(np.std(areas[shape])), 4),
                "all_held_out": _rounded(ranking.auc(tape.target, held[shape]).as_dict()),
            }
            for shape in held
        }
    return found


def _others(order: Any, fold: int) -> list[Any]:
    return [order[other::FOLDS] for other in range(FOLDS) if other != fold]


def _fold_scores(tape: Tape, rows: Any, out: Any) -> dict[str, Floats]:
    signs = [item.monotone for item in tape.inputs]
    booster = fixed(tape, rows, parameters(TABLES, signs, SEED), rounds=TABLES.rounds)
    forest = fixed(tape, rows, forest_parameters(FOREST, signs, SEED), rounds=FOREST.rounds)
    return {
        "tables": as_tables(booster, tape, rows).table.score(tape.part(out)),
        "forest": np.asarray(forest.predict(tape.matrix(out), raw_score=True)),
        "scorecard": fit_scorecard(tape, rows).logit(tape.part(out)),
    }


def home_equity_tape(folder: Path, signs: dict[str, int]) -> Tape:
    """The file as a tape; words become one flag per level, blanks are unknown."""
    with gzip.open(folder / "hmeq_home_equity" / "hmeq.csv.gz", "rt", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    columns: Columns = {}
    for name in rows[0]:
        cells = [row[name].strip() for row in rows]
        if name in ("Reason", "Job"):
            for level in sorted(set(cells) - {"", "NA"}):
                columns[f"{name}_{level}"] = np.array([float(cell == level) for cell in cells])
        else:
            columns[name] = np.array([float(cell) if cell not in ("", "NA") else np.nan for cell in cells])
    target = columns.pop("Default")
    inputs = tuple(Input(name, "count", signs.get(name, 0), 0, "loan", name, name) for name in columns)
    day = np.full(len(target), np.datetime64("2000-01-01"))
    return Tape(inputs, columns, target, np.ones(len(target)), day, np.arange(len(target)).astype(object), {}, {},
                contract("loan_tape"), "", False, 0)  # fmt: skip


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


SETS = {"guaranteed": guaranteed_loans, "home_equity": home_equity}


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", default=",".join(SETS))
    options = parser.parse_args()
    print(json.dumps({name: SETS[name](options.folder) for name in options.sets.split(",")}, indent=1))


if __name__ == "__main__":
    main()
