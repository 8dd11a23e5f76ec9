"""Simulated worlds of which everything is known: what a lender has seen, and how every workout ended."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from eco_credit.core.numbers import Columns
from eco_credit.rulebook import RuleSet, load
from training.datasets import Tape, load_tape
from training.plan import Plan, plan_file, read_plan
from training.simulate import simulate_tape
from training.split import Windows, split

LOANS = 30_000
SEEDS = (201, 202, 203, 204)
"""Worlds not looked at when the width for small kinds was chosen."""
END = "simulate.workout.observed_to"


def plan() -> Plan:
    """The shipped full plan."""
    return read_plan(plan_file("eco-credit"))


@lru_cache(maxsize=8)
def world(seed: int) -> tuple[Tape, Windows, Columns]:
    """The tape a lender sees, its windows, and the same loans' ``lvr`` and ``lgd`` when every workout has ended."""
    seen = simulate_tape(LOANS, seed=seed, rules=rules())
    known = simulate_tape(LOANS, seed=seed, rules=watched_for_ever())
    tape = load_tape(plan(), seen)
    windows = split(tape.origination, tape.borrower, plan().split)
    same = np.array_equal(seen["loan_id"], known["loan_id"]) and np.array_equal(seen["exposure"], known["exposure"])
    if not same:
        raise ValueError("the two tapes are not of the same loans")
    return tape, windows, {name: known[name] for name in ("lvr", "lgd")}


def rules() -> RuleSet:
    return load().at("2026-11-23")


def watched_for_ever() -> RuleSet:
    """The same rules with the day of observation far away."""
    day = rules()
    late = replace(day.rule(END), value="2090-01-01")
    return replace(day, rules=MappingProxyType({**day.rules, END: late}))
