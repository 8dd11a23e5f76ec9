"""From a table of pledges of one kind to everything the later rooms read about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Columns, Floats, where_known
from eco_credit.core.units import MONTHS_PER_YEAR
from eco_credit.rulebook import Rule, RuleSet
from eco_credit.valuation.appraisal import Appraisal, appraise_by
from eco_credit.valuation.approach import Approach
from eco_credit.valuation.book import EMPTY, LenderBook, taken_already
from eco_credit.valuation.case import Case
from eco_credit.valuation.cross_check import CrossCheck, cross_check
from eco_credit.valuation.entitlement import Entitled, entitlement
from eco_credit.valuation.haircut import HaircutColumn, concentration, haircut_columns
from eco_credit.valuation.kind import Flag, Gate, Kind, Remark
from eco_credit.valuation.lending_value import lending_value
from eco_credit.valuation.paid_flows import GEP_VALUE, PAID, YEARS, with_paid_flows
from eco_credit.valuation.recovery import ForcedSale, forced_sale, recovery
from eco_credit.valuation.revaluation import Revaluation, revaluation
from eco_credit.valuation.stress import stress_rules, stresses_of, with_insurance

Marks = tuple[tuple[str, Bools], ...]
"""Codes with the pledges they hold for, each shape (n,)."""
UNKNOWN = Gate(
    "D02", "估值所需字段缺失", "a field the method needs is missing", lambda _, value: ~value.known, "house-policy"
)
"""The gate every kind has: a right that cannot be valued is not lent on."""


@dataclass(frozen=True)
class PledgeValues:
    """What was found about n pledges of one kind; no array of it holds NaN except features.

    Attributes:
        eligible: True where no gate is hit.
        tests: every gate with the pledges it refuses, in the kind's order.
        flags: every check between figures with the pledges it was raised for.
        appraisal: value, range, methods, steps, drivers, stress.
        haircuts: in the order they are taken.
        cap: loan-to-value ceiling, ratio.
        cap_rule: rule the ceiling is read from.
        lending_value: CNY; 0 where not eligible.
        stress: stress scenario to value under it, insurance paid included, CNY.
        stressed: stress scenario to lending value under it, CNY.
        stress_rules: rule of each scenario.
        sale: what the law says of a forced sale.
        recovery_low, recovery_central, recovery_high: CNY of today after time, cost and prior claims; 0 where
            not eligible.
        flows: parts of the GEP flows, CNY/year.
        check: the value by the norm against the value of the flows.
        revaluation: when the pledge is to be valued again.
        reasons: favourable and adverse codes.
        conditions: conditions asked for.
        receivable: True where the capital rules see a receivable, False where they see other physical collateral.
        features: inputs of the models by their names in the loan tape.
        right_months: months the right still runs from the day of application; 0 where it has ended or is unknown.
    """

    eligible: Bools
    tests: tuple[tuple[Gate, Bools], ...]
    flags: tuple[tuple[Flag, Bools], ...]
    appraisal: Appraisal
    haircuts: tuple[HaircutColumn, ...]
    cap: Floats
    cap_rule: str
    lending_value: Floats
    stress: Mapping[str, Floats]
    stressed: Mapping[str, Floats]
    stress_rules: tuple[Rule, ...]
    sale: ForcedSale
    recovery_low: Floats
    recovery_central: Floats
    recovery_high: Floats
    flows: Entitled
    check: CrossCheck
    revaluation: Revaluation
    reasons: Marks
    conditions: Marks
    receivable: Bools
    features: Columns
    right_months: Floats

    @property
    def low(self) -> Floats:
        """Low end of the range, CNY, shape (n,)."""
        return self.appraisal.low

    @property
    def central(self) -> Floats:
        """Appraised value, CNY, shape (n,)."""
        return self.appraisal.central

    @property
    def high(self) -> Floats:
        """High end of the range, CNY, shape (n,)."""
        return self.appraisal.high

    @property
    def approach(self) -> npt.NDArray[np.object_]:
        """Code of the method used, shape (n,)."""
        return self.appraisal.approach

    @property
    def entitled(self) -> Floats:
        """What the holder may sell of the GEP flows, CNY/year, shape (n,)."""
        return self.flows.sold

    @property
    def public_benefit(self) -> Floats:
        """The rest of the flows, CNY/year: information only, added to nothing, shape (n,)."""
        return self.flows.public

    @cached_property
    def gates(self) -> Marks:
        """Reason codes of the gates with the pledges they refuse; gates that share a code are one entry."""
        found: dict[str, Bools] = {}
        for gate, hit in self.tests:
            found[gate.code] = found[gate.code] | hit if gate.code in found else hit
        return tuple(found.items())


def appraise_pledges(
    kind: Kind, pledges: Columns, *, loans: Columns, rules: RuleSet, book: LenderBook = EMPTY
) -> PledgeValues:
    """Appraise pledges of one kind.

    Args:
        kind: the kind of collateral.
        pledges: columns of its contract, n rows.
        loans: columns of the loan behind each pledge, n rows: ``as_of``, ``term_months`` and
            ``application_row`` (which pledges belong together).
        rules: rules in force on the day.
        book: what the lender holds already.

    Returns:
        The values. A row's figures depend on its own fields, on the book, and on the other pledges of the same
        application; never on the rest of the table.

    Raises:
        RuleNotInForce: a rule is missing on that day.
    """
    case = Case(pledges, loans, rules, kind.facts(pledges, loans, rules))
    right_months = np.maximum(0.0, where_known(kind.right_months(case), 0.0))
    flows = entitlement(kind, case)
    longest = rules.number("valuation.gep_income.years")
    case.facts[PAID], case.facts[YEARS] = flows.paid, np.minimum(right_months / MONTHS_PER_YEAR, longest)
    appraisal = appraise_by(
        methods(kind), kind.choose(case), case,
        stresses=stresses_of(kind, rules), tail=rules.number("valuation.range.tail"), keep=(GEP_VALUE, *kind.keep),
    )
    tests = _tests(kind, case, appraisal, book)
    eligible = ~np.logical_or.reduce([hit for _, hit in tests])
    haircuts = (*haircut_columns(kind.haircuts, case, appraisal), concentration(kind, case, book))
    prior = where_known(case.number("prior_claims"), 0.0)
    ratios, cap = [h.ratio for h in haircuts], kind.cap(case, appraisal)
    stress = with_insurance(kind, case, appraisal)
    worth = np.array([appraisal.central, *stress.values()])
    lent, *under_stress = np.where(eligible, lending_value(worth, ratios, cap=cap, prior_claims=prior), 0.0)
    recovered = np.where(eligible, recovery(kind, appraisal.central, prior_claims=prior, rules=rules), 0.0)
    return PledgeValues(
        eligible, tests, tuple((flag, flag.raised(case)) for flag in kind.flags), appraisal,
        haircuts, cap, f"{kind.rules}.ltv", lent,
        stress, dict(zip(stress, under_stress, strict=True)), stress_rules(kind, rules),
        forced_sale(kind, appraisal.central, rules),
        recovered[0], recovered[1], recovered[2],
        flows, cross_check(case, appraisal, flows, right_months), revaluation(kind, case),
        _marks(kind.reasons, case, appraisal), _marks(kind.conditions, case, appraisal),
        kind.receivable(case) if kind.receivable else np.zeros(case.rows, dtype=bool),
        kind.features(case, appraisal), right_months,
    )


@cache
def methods(kind: Kind) -> tuple[Approach, ...]:
    """The methods of a kind, each with the contracted flows of the pledge added to its value."""
    return tuple(with_paid_flows(approach) for approach in kind.approaches)


def _tests(kind: Kind, case: Case, value: Appraisal, book: LenderBook) -> tuple[tuple[Gate, Bools], ...]:
    """Every gate of the kind, and those all kinds share: a missing field, a pledge that is taken already."""
    taken = Gate("K01", "押品重复", "pledged already", lambda *_: taken_already(kind, case, book),
                 "collateral-guideline-2017")
    return tuple((gate, gate.hit(case, value)) for gate in (UNKNOWN, *kind.gates, taken))


def _marks(remarks: tuple[Remark, ...], case: Case, appraisal: Appraisal) -> Marks:
    return tuple((remark.code, remark.holds(case, appraisal)) for remark in remarks)
