"""The loan tape: granted loans with features known at origination, outcomes and the hidden truth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from eco_credit.core.numbers import Columns, Floats, number, rows_of, take
from eco_credit.risk.calibration import sigmoid
from eco_credit.rulebook import RuleSet
from training.simulate.applications import Book, rules_of_today, simulate_book
from training.simulate.draw import Draw
from training.simulate.truth import default_logit, shock_logit, true_pd
from training.simulate.workout import true_lgd, worked_out
from training.simulate.world import World, make_world, meet

BATCH = 8_192


def simulate_tape(loans: int, *, seed: int = 20_261_123, rules: RuleSet | None = None) -> Columns:
    """Make a synthetic loan tape by the contract ``loan_tape``.

    Args:
        loans: number of loans; applications without an eligible pledge are not granted and left out.
        seed: the same seed gives the same tape.
        rules: rules of the day.

    Returns:
        Columns in the order of the contract, one row per loan, ``synthetic`` true in every row.

    Raises:
        ValueError: fewer than one loan asked for.
    """
    if loans < 1:
        raise ValueError("at least one loan")
    rules = rules or rules_of_today()
    world = make_world(np.random.default_rng([seed, 1]), rules)
    parts = list(_until(loans, seed, rules, world))
    tape = {name: np.concatenate([part[name] for part in parts])[:loans] for name in parts[0]}
    return in_contract_order(tape)


def _until(loans: int, seed: int, rules: RuleSet, world: World) -> Iterator[Columns]:
    """Batches of granted loans until there are enough; each batch has its own generator."""
    found = drawn = batch = 0
    while found < loans:
        batch += 1
        rows = min(BATCH, max(256, int(1.25 * (loans - found))))
        draw = Draw(np.random.default_rng([seed, 2, batch]), rules, rows)
        part = _loans_of(draw, simulate_book(draw, drawn), world)
        drawn += rows
        found += rows_of(part)
        yield part


def _loans_of(draw: Draw, book: Book, world: World) -> Columns:
    """Give every granted loan its fate; rows without eligible value are dropped."""
    rules, rng = draw.rules, draw.rng
    shocks = meet(world, book.loans, book.features, rules=rules)
    happened = sigmoid(default_logit(book, rules) + shock_logit(book, shocks, rules))
    default = (rng.random(draw.rows) < happened).astype(np.float64)
    wait = rng.integers(30, 366, draw.rows)
    fate = _observed(book, default, wait, worked_out(rng, book, shocks, rules=rules), rules)
    amount = number(book.loans, "amount_requested")
    identity: Columns = {
        "loan_id": book.loans["application_id"],
        "borrower_id": book.loans["id_no"],
        "origination": book.loans["as_of"],
        "region": book.loans["region"],
        "area_code": book.loans["area_code"],
        "basin": book.loans["basin"],
        "kind": book.kind,
        "exposure": amount,
        "collateral_value": book.value,
    }
    truth: Columns = {"true_pd": true_pd(book, rules), "true_lgd": true_lgd(book, rules)}
    constant: Columns = {"sample_weight": np.ones(draw.rows), "synthetic": np.ones(draw.rows)}
    # means of ratios can pass 1 by a last bit; the contract's bounds are exact
    inputs = {name: np.round(number(book.features, name), 12) for name in book.features}
    return take(identity | inputs | fate | constant | truth, np.flatnonzero(book.value > 0.0))


def _observed(book: Book, default: Floats, wait: np.ndarray, fate: Columns, rules: RuleSet) -> Columns:
    """What the lender has seen by the day of observation: unresolved workouts stay unknown."""
    end = np.datetime64(rules["simulate.workout.observed_to"], "D")
    on = book.loans["as_of"].astype("datetime64[D]") + wait.astype("timedelta64[D]")
    bad = default > 0.0
    elapsed = (end - on).astype(np.float64) / 30.4375
    resolved = bad & (number(fate, "months") <= elapsed)
    seen = {name: np.where(resolved, number(fate, name), np.nan) for name in ("cured", "lvr", "lgd")}
    return seen | {
        "default_12m": default,
        "default_on": np.where(bad, on, np.datetime64("NaT")),
        "months_to_resolution": np.where(resolved, number(fate, "months"), np.nan),
    }


def in_contract_order(tape: Columns) -> Columns:
    """The columns the contract names, in its order."""
    from eco_credit.contracts import contract

    return {field.name: tape[field.name] for field in contract("loan_tape").fields if field.name in tape}


def write_tape(tape: Columns, path: Path) -> None:
    """Write a tape as Parquet or CSV by the ending of the file name.

    Raises:
        ValueError: another ending.
    """
    import pandas as pd

    frame = pd.DataFrame({name: _plain(column) for name, column in tape.items()})
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    elif path.suffix == ".csv":
        frame.to_csv(path, index=False)
    else:
        raise ValueError(f"the file name must end in .parquet or .csv, not {path.suffix!r}")


def _plain(column: np.ndarray) -> np.ndarray:
    return column.astype("datetime64[s]") if column.dtype.kind == "M" else column
