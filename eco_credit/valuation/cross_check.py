"""The value by the norm's method against the value of the flows the right lets its holder sell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Bools, Floats, where_known
from eco_credit.core.units import MONTHS_PER_YEAR
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.entitlement import Entitled
from eco_credit.valuation.methods.annuity import finite_value
from eco_credit.valuation.paid_flows import GEP_VALUE

RULES = "valuation.gep_income"


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """What GEP flows have to do with the value of n rights.

    Attributes:
        from_flows: part of the appraised value that comes from contracted flows, CNY, shape (n,).
        by_flows: what the flows the holder may sell are worth over the life of the right, CNY, shape (n,);
            information, added to nothing.
        ratio: appraised value over ``by_flows``; 0 where no flow is known.
        factor: ratio above which, or below the inverse of which, the two are said to differ.
        differs: True where both are known and differ by more than the factor, shape (n,).
    """

    from_flows: Floats
    by_flows: Floats
    ratio: Floats
    factor: float
    differs: Bools


def cross_check(case: Case, appraisal: Appraisal, entitled: Entitled, right_months: Floats) -> CrossCheck:
    """Compare the appraisal with the capitalised flows.

    ``by_flows = B [1 - (1+r)^-T] / r + paid part``, B what the right lets its holder sell in a year, T the life of
    the right, r the rule ``valuation.gep_income.discount_rate``.

    Args:
        case: n pledges.
        appraisal: their appraisal.
        entitled: parts of their flows.
        right_months: life of the right, months, shape (n,).

    Returns:
        The comparison.
    """
    rate = np.array([case.rules.number(f"{RULES}.discount_rate")])
    paid = where_known(appraisal.figure(GEP_VALUE), 0.0)
    by_flows = finite_value(entitled.by_right, rate, right_months / MONTHS_PER_YEAR) + paid
    known = (by_flows > 0.0) & (appraisal.central > 0.0)
    ratio = np.where(known, appraisal.central / np.where(known, by_flows, 1.0), 0.0)
    factor = case.rules.number(f"{RULES}.cross_check_factor")
    differs = known & ((ratio > factor) | (ratio * factor < 1.0))
    return CrossCheck(paid, by_flows, ratio, factor, differs)
