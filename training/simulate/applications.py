"""Applications with pledges, appraised by the real appraisal, before anything is known of their fate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from eco_credit.contracts import Applications
from eco_credit.core.numbers import Columns, Floats, day, group_sum, number, rows_of, take
from eco_credit.risk import features
from eco_credit.rulebook import RuleSet, load
from eco_credit.valuation import PledgeValues, appraise_pledges, kinds
from training.simulate import pledges as make
from training.simulate.borrowers import borrowers, priced
from training.simulate.draw import Days, Draw, Words

MAKERS: dict[str, Callable[[Draw, Columns, int], Columns]] = {
    "forest_right": make.forest, "water_right": make.water, "order": make.order,
}  # fmt: skip
HIDDEN = ("region", "basin", "prior_share")
"""Columns the simulator knows and the application contract does not have."""


@dataclass(frozen=True)
class Book:
    """Simulated applications with what the pipeline finds out about them.

    Attributes:
        kind: main kind of pledge, shape (n,).
        loans: application columns, n rows, with ``region`` and ``basin``.
        pledges: kind to its pledge columns.
        values: kind to the appraisal of its pledges.
        features: model inputs, n rows, as the scoring pipeline computes them.
        optimism: hidden optimism of the outside appraisal, standard normal, shape (n,).
        value: central value of the eligible pledges, yuan, shape (n,).
    """

    kind: Words
    loans: Columns
    pledges: dict[str, Columns]
    values: dict[str, PledgeValues]
    features: Columns
    optimism: Floats
    value: Floats


def simulate_applications(rows: int, *, seed: int = 20_261_123, rules: RuleSet | None = None) -> Applications:
    """Make synthetic applications of the three kinds in the shape the pipeline scores.

    Args:
        rows: number of applications.
        seed: the same seed gives the same applications.
        rules: rules of the day; None reads those of the last year of origination.

    Returns:
        Applications that satisfy the application contract, marked synthetic.
    """
    made = simulate_book(Draw(np.random.default_rng([seed, 0]), rules or rules_of_today(), rows), 0)
    loans = {name: column for name, column in made.loans.items() if name not in HIDDEN}
    tables = {kind: {n: c for n, c in table.items() if n not in HIDDEN} for kind, table in made.pledges.items()}
    return Applications(loans, tables)


def rules_of_today() -> RuleSet:
    """The rules the whole synthetic history is made under: those in force on 2026-11-23.

    A synthetic past has no need of its own law; one set for all years keeps the tape a sample of
    what the current pipeline computes.
    """
    return load().at("2026-11-23")


def simulate_book(draw: Draw, first: int) -> Book:
    """Draw applications, appraise them, set amounts by the appraisal, appraise again with charges.

    Args:
        draw: source of random columns, one row per application.
        first: running number of the first application.
    """
    kind = draw.choice("simulate.loan.kind_share")
    loans = borrowers(draw, kind, first)
    tables = _pledge_tables(draw, kind, loans, first * 8)
    values = _appraised(tables, loans, draw.rules)
    optimism = draw.normal(1.0)
    for name, table in tables.items():
        _stated(draw, table, values[name].central, optimism, day(loans, "as_of"))
    values = _appraised(tables, loans, draw.rules)
    value = _eligible_value(tables, values, draw.rows)
    loans = priced(draw, loans, kind, {"central": value})
    inputs = features(loans, {name: (table, values[name]) for name, table in tables.items()}, draw.rules)
    return Book(kind, loans, tables, values, inputs, optimism, value)


def _pledge_tables(draw: Draw, kind: Words, loans: Columns, first: int) -> dict[str, Columns]:
    """Pledges by kind: the main ones, more orders of the same application, now and then a second kind."""
    other = draw.choice("simulate.loan.kind_share")
    second = draw.yes("simulate.loan.second_pledge") > 0.0
    count = draw.choice("simulate.order.count").astype(np.int64)
    tables: dict[str, Columns] = {}
    used = np.zeros(draw.rows)
    for name, maker in MAKERS.items():
        main = np.where(kind == name, count if name == "order" else 1, 0)
        repeats = main + np.where(second & (other == name), 1, 0)
        rows = np.repeat(np.arange(draw.rows), repeats)
        table = maker(Draw(draw.rng, draw.rules, len(rows)), take(loans, rows) | {"application_row": rows}, first)
        within = np.arange(len(rows)) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        tables[name] = table | {"application_row": rows.astype(np.float64), "position": used[rows] + within}
        used = used + repeats
        first += len(rows)
    return tables


def _appraised(tables: dict[str, Columns], loans: Columns, rules: RuleSet) -> dict[str, PledgeValues]:
    """The real appraisal of every table of pledges."""
    found = {}
    for name, kind in kinds().items():
        if name not in tables:
            continue
        rows = number(tables[name], "application_row").astype(np.intp)
        behind = take(loans, rows) | {"application_row": tables[name]["application_row"]}
        found[name] = appraise_pledges(kind, tables[name], loans=behind, rules=rules)
    return found


def _stated(draw: Draw, table: Columns, central: Floats, optimism: Floats, as_of: Days) -> None:
    """Add the value an outside appraiser states, and prior claims, to a table of pledges."""
    own = Draw(draw.rng, draw.rules, rows_of(table))
    rows = number(table, "application_row").astype(np.intp)
    spread = draw.rules.number("simulate.loan.stated_spread")
    ratio = draw.rules.number("simulate.loan.stated_optimism") * np.exp(spread * optimism[rows])
    stated = own.yes("simulate.loan.stated") > 0.0
    table["stated_value"] = np.where(stated & (central > 0.0), np.round(np.maximum(central * ratio, 100.0), -2), np.nan)
    seen = as_of[rows] + np.timedelta64(-60, "D")
    table["stated_on"] = np.where(np.isnan(table["stated_value"]), np.datetime64("NaT", "D"), seen)
    table["prior_claims"] = np.round(number(table, "prior_share") * central, -2)
    table["charge_rank"] = 1.0 + (number(table, "prior_claims") > 0.0)


def _eligible_value(tables: dict[str, Columns], values: dict[str, PledgeValues], rows: int) -> Floats:
    """Central value of the eligible pledges of each application, yuan."""
    total = np.zeros(rows)
    for name, table in tables.items():
        part = np.where(values[name].eligible, values[name].central, 0.0)
        total = total + group_sum(part, number(table, "application_row").astype(np.intp), rows)
    return total
