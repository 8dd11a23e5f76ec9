"""Stress on one pledge: a price fall, a drought year, a fire; each a rule that says which drivers it moves."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.rulebook import Rule, RuleSet
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Kind
from eco_credit.valuation.scenarios import Stresses

RULES = "valuation.stress"
INSURED = ("fire",)
"""Scenarios a policy on the asset pays for."""


def stresses_of(kind: Kind, rules: RuleSet) -> Stresses:
    """The stress scenarios of a kind: name and the factor on each driver it moves.

    Args:
        kind: the kind.
        rules: rules of the day; each scenario is a table ``valuation.stress.<name>`` of driver to factor.
    """
    return rules.once(
        ("stresses", kind.stresses),
        lambda: tuple(
            (name, tuple((driver, float(factor)) for driver, factor in rules.table(f"{RULES}.{name}").items()))
            for name in kind.stresses
        ),
    )


def stress_rules(kind: Kind, rules: RuleSet) -> tuple[Rule, ...]:
    """The rules of the kind's stress scenarios, in order."""
    return tuple(rules.rule(f"{RULES}.{name}") for name in kind.stresses)


def with_insurance(kind: Kind, case: Case, appraisal: Appraisal) -> dict[str, Floats]:
    """Value under each stress, with what an insurer pays the lender for the loss: at most the loss itself.

    Returns:
        Scenario to CNY, shape (n,), between the stressed and the central value where the stress lowers the value.
    """
    found = {}
    for name, value in appraisal.stress.items():
        if name not in INSURED or kind.insured is None:
            found[name] = value
            continue
        loss = np.maximum(0.0, appraisal.central - value)
        # a policy for the whole asset pays the part of its sum that burnt
        burnt = np.where(appraisal.central > 0.0, loss / np.where(appraisal.central > 0.0, appraisal.central, 1.0), 0.0)
        found[name] = value + np.minimum(loss, kind.insured(case) * burnt)
    return found
