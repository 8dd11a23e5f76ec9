"""From a table of pledges of one kind to everything the later rooms read about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Columns, Floats, where_known
from eco_credit.rulebook import RuleSet
from eco_credit.valuation.appraisal import Appraisal, Step
from eco_credit.valuation.entitlement import Exclusion, entitlement
from eco_credit.valuation.haircut import HaircutColumn, haircut_columns
from eco_credit.valuation.kind import Case, Gate, Kind, Remark
from eco_credit.valuation.lending_value import lending_value
from eco_credit.valuation.recovery import recovery

Marks = tuple[tuple[str, Bools], ...]
"""Codes with the pledges they hold for, each shape (n,)."""


@dataclass(frozen=True)
class PledgeValues:
    """What was found about n pledges of one kind; no array holds NaN except steps and features.

    Attributes:
        eligible: True where no gate is hit.
        gates: reason code and pledges refused by it, one entry per code, in the kind's order.
        low, central, high: appraised value, CNY.
        approach: code of the method used.
        steps: steps behind the central value.
        haircuts: in the order they are taken.
        cap: loan-to-value ceiling, ratio.
        cap_rule: rule the ceiling is read from.
        lending_value: CNY; 0 where not eligible.
        recovery_low, recovery_central, recovery_high: CNY of today after time, cost and prior claims; 0 where
            not eligible.
        entitled: part of the GEP flows the holder may sell, CNY/year.
        public_benefit: the rest of the flows, CNY/year; information only, added to nothing.
        entitlement_notes: why each service is not counted, for the services of this kind.
        reasons: favourable and adverse codes.
        conditions: conditions asked for.
        features: inputs of the models by their names in the loan tape.
        right_months: months the right still runs from the day of application; 0 where it has ended or is unknown.
    """

    eligible: Bools
    gates: Marks
    low: Floats
    central: Floats
    high: Floats
    approach: npt.NDArray[np.object_]
    steps: tuple[Step, ...]
    haircuts: tuple[HaircutColumn, ...]
    cap: Floats
    cap_rule: str
    lending_value: Floats
    recovery_low: Floats
    recovery_central: Floats
    recovery_high: Floats
    entitled: Floats
    public_benefit: Floats
    entitlement_notes: tuple[Exclusion, ...]
    reasons: Marks
    conditions: Marks
    features: Columns
    right_months: Floats


def appraise_pledges(kind: Kind, pledges: Columns, *, loans: Columns, rules: RuleSet) -> PledgeValues:
    """Appraise pledges of one kind.

    Args:
        kind: the kind of collateral.
        pledges: columns of its contract, n rows.
        loans: columns of the loan behind each pledge, n rows: ``as_of``, ``term_months`` and
            ``application_row`` (which pledges belong together).
        rules: rules in force on the day.

    Returns:
        The values. A row's figures depend on its own fields, and for orders on the other orders of
        the same application; never on the rest of the table.

    Raises:
        RuleNotInForce: a rule is missing on that day.
    """
    case = Case(pledges, loans, rules, kind.facts(pledges, loans, rules))
    appraisal = kind.appraise(case)
    gates = _gates(kind.gates, case, appraisal)
    eligible = ~np.logical_or.reduce([hit for _, hit in gates])
    haircuts = haircut_columns(kind.haircuts, case, appraisal)
    prior = where_known(case.number("prior_claims"), 0.0)
    ratios, cap = [h.ratio for h in haircuts], kind.cap(case, appraisal)
    lent = lending_value(appraisal.central, ratios, cap=cap, prior_claims=prior)
    recovered = np.where(eligible, recovery(kind, appraisal.central, prior_claims=prior, rules=rules), 0.0)
    entitled, public, notes = entitlement(kind, case)
    return PledgeValues(
        eligible, gates, appraisal.low, appraisal.central, appraisal.high, appraisal.approach, appraisal.steps,
        haircuts, cap, f"{kind.rules}.ltv", np.where(eligible, lent, 0.0), recovered[0], recovered[1], recovered[2],
        entitled, public, notes,
        _marks(kind.reasons, case, appraisal), _marks(kind.conditions, case, appraisal),
        kind.features(case, appraisal), np.maximum(0.0, where_known(kind.right_months(case), 0.0)),
    )


def _gates(gates: tuple[Gate, ...], case: Case, appraisal: Appraisal) -> Marks:
    """Test the gates; gates that share a code become one entry."""
    found: dict[str, Bools] = {"D02": ~appraisal.known}
    for gate in gates:
        hit = gate.hit(case, appraisal)
        found[gate.code] = found[gate.code] | hit if gate.code in found else hit
    return tuple(found.items())


def _marks(remarks: tuple[Remark, ...], case: Case, appraisal: Appraisal) -> Marks:
    return tuple((remark.code, remark.holds(case, appraisal)) for remark in remarks)
