"""The one pipeline behind every door: appraise, estimate, score, decide, on columns.

One application is a table of one row. Every step is elementwise or sums in row order inside one
application, so a row's numbers do not depend on its neighbours, its place or the size of the chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from eco_credit.contracts import Applications
from eco_credit.core.numbers import (
    PROBABILITY_DECIMALS,
    Bools,
    Columns,
    Floats,
    finite,
    group_sums,
    is_yes,
    number,
    rounded,
    rows_of,
    take,
    text,
)
from eco_credit.registry import Package
from eco_credit.risk import CellEvidence, RiskEstimate, features, main_kind, regulatory_lgd
from eco_credit.rulebook import RuleSet
from eco_credit.scoring.decision import Decisions, Evidence, decide
from eco_credit.valuation import EMPTY, LenderBook, PledgeValues, appraise_pledges, kinds

_MONEY: dict[str, Callable[[PledgeValues], Floats]] = {
    "low": lambda v: v.low,
    "central": lambda v: v.central,
    "high": lambda v: v.high,
    "entitled": lambda v: v.entitled,
    "public_benefit": lambda v: v.public_benefit,
    "paid": lambda v: v.flows.paid,
    "from_flows": lambda v: v.check.from_flows,
    "by_flows": lambda v: v.check.by_flows,
    "lending_value": lambda v: v.lending_value,
    "recovery_low": lambda v: v.recovery_low,
    "recovery_central": lambda v: v.recovery_central,
    "recovery_high": lambda v: v.recovery_high,
}


@dataclass(frozen=True)
class Appraised:
    """The pledges of one kind with their values.

    Attributes:
        kind: name of the kind.
        table: pledge columns, with ``application_row`` and ``position``.
        rows: application row of each pledge, shape (pledges,).
        values: what the appraisal found.
    """

    kind: str
    table: Columns
    rows: np.typing.NDArray[np.intp]
    values: PledgeValues

    @cached_property
    def money(self) -> dict[str, Floats]:
        """Amounts as they are answered, rounded to 0.01 yuan, shape (pledges,) each."""
        return dict(zip(_MONEY, finite(rounded([read(self.values) for read in _MONEY.values()])), strict=True))

    @cached_property
    def amounts(self) -> list[dict[str, float]]:
        """`money` of each pledge by itself."""
        rows = np.array(list(self.money.values())).T.tolist()
        return [dict(zip(self.money, row, strict=True)) for row in rows]

    @cached_property
    def ratios(self) -> list[list[float]]:
        """Cap and haircuts of each pledge as they are answered, rounded to 1e-8."""
        found = rounded([self.values.cap, *(h.ratio for h in self.values.haircuts)], PROBABILITY_DECIMALS)
        rows: list[list[float]] = finite(found).T.tolist()
        return rows


@dataclass(frozen=True)
class Results:
    """All figures of a table of applications, one row per application unless said otherwise."""

    loans: Columns
    pledges: Mapping[str, Appraised]
    features: Columns
    evidence: Evidence
    estimate: RiskEstimate
    cell: CellEvidence
    decisions: Decisions
    regulatory_lgd: Floats


def appraise_applications(
    applications: Applications, rules: RuleSet, book: LenderBook = EMPTY
) -> dict[str, Appraised]:
    """Appraise every pledge of every application.

    Args:
        applications: validated applications as columns.
        rules: the rules of the day.
        book: what the lender holds already.

    Returns:
        Kind name to its appraised pledges, in the order of the kinds' register.
    """
    known = kinds()
    appraised: dict[str, Appraised] = {}
    for name, kind in known.items():
        table = applications.pledges.get(name)
        if table is None or rows_of(table) == 0:
            continue
        rows = number(table, "application_row").astype(np.intp)
        loans = _behind(applications.loans, rows)
        behind = loans | {"application_row": table["application_row"]}
        values = appraise_pledges(kind, table, loans=behind, rules=rules, book=book)
        appraised[name] = Appraised(name, table, rows, values)
    return appraised


def _behind(loans: Columns, rows: np.typing.NDArray[np.intp]) -> Columns:
    """The loan of each pledge; the table itself where every application has one pledge of the kind, in order."""
    if len(rows) == rows_of(loans) and np.array_equal(rows, np.arange(len(rows))):
        return loans
    return take(loans, rows)


def run(applications: Applications, rules: RuleSet, package: Package, book: LenderBook = EMPTY) -> Results:
    """Score applications: pledges, features, PD and LGD, decision.

    Args:
        applications: validated applications as columns.
        rules: the rules of the day they are scored for.
        package: a verified model package.
        book: what the lender holds already.

    Returns:
        Every figure behind the answers.
    """
    loans = applications.loans
    appraised = appraise_applications(applications, rules, book)
    table = features(loans, {name: (a.table, a.values) for name, a in appraised.items()}, rules)
    totals = _totals(appraised, rows_of(loans))
    exposure = number(loans, "amount_requested")
    estimate = package.bundle.estimate(table, collateral_value=totals["central"], exposure=exposure)
    cell = _cell(package, loans, table)
    evidence = Evidence(
        lending_value=totals["lending_value"],
        central=totals["central"],
        spread=_ratio(totals["high"] - totals["low"], totals["central"]),
        eligible=totals["eligible"],
        pd=estimate.pd,
        pd_low=estimate.pd_low,
        pd_high=estimate.pd_high,
        pd_with_margin=estimate.pd_with_margin,
        lgd=estimate.lgd,
        disagreement=estimate.disagreement,
        cell_loans=cell.loans,
        cell_defaults=cell.defaults,
        out_of_scope=estimate.out_of_scope,
    )
    decisions = decide(loans, evidence, _conditions(loans, appraised), rules)
    regulatory = regulatory_lgd(exposure, _by_capital_class(appraised, rows_of(loans)), rules)
    return Results(loans, appraised, table, evidence, estimate, cell, decisions, regulatory)


def _cell(package: Package, loans: Columns, table: Columns) -> CellEvidence:
    """What training saw of the kind and area of each application; NaN for a package without such a table."""
    cells = package.bundle.support.cells
    if cells is None:
        return CellEvidence(*np.full((3, rows_of(loans)), np.nan))
    return cells.of(main_kind(table), text(loans, "area_code"))


def _totals(appraised: Mapping[str, Appraised], applications: int) -> dict[str, Floats]:
    """Sums over the eligible pledges of each application: kinds in register order, rows in file order."""
    names = ("low", "central", "high", "lending_value")
    totals = np.zeros((1 + len(names), applications))
    for group in appraised.values():
        eligible = group.values.eligible
        amounts = np.array([np.ones(len(eligible)), *(getattr(group.values, name) for name in names)])
        totals += group_sums(np.where(eligible, amounts, 0.0), group.rows, applications)
    return dict(zip(("eligible", *names), totals, strict=True))


def _by_capital_class(appraised: Mapping[str, Appraised], applications: int) -> dict[str, Floats]:
    """Central value of the eligible pledges by the class the capital rules see, CNY, shape (applications,) each."""
    totals = np.zeros((2, applications))
    for group in appraised.values():
        v = group.values
        worth = np.where(v.eligible, v.central, 0.0)
        parts = np.array([np.where(v.receivable, worth, 0.0), np.where(v.receivable, 0.0, worth)])
        totals += group_sums(parts, group.rows, applications)
    return {"receivables": totals[0], "other_physical": totals[1]}


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.where(below > 0.0, above / np.where(below > 0.0, below, 1.0), np.nan)


def _conditions(loans: Columns, appraised: Mapping[str, Appraised]) -> dict[str, Bools]:
    """Condition code to applications: what the kinds ask of their pledges, and what all pledges need."""
    applications = rows_of(loans)
    found: dict[str, Bools] = {"revalue_yearly": np.ones(applications, dtype=bool)}
    for group in appraised.values():
        unregistered = ~is_yes(number(group.table, "registered"))
        for code, hit in (("register_charge", unregistered), *group.values.conditions):
            rows = found.setdefault(code, np.zeros(applications, dtype=bool))
            rows[group.rows[hit & group.values.eligible]] = True
    if "control_account" in found:
        found["control_account"] &= ~is_yes(number(loans, "control_account"))
    return found
