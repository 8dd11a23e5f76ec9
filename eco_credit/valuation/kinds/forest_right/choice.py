"""Which method values a forest pledge: by what is pledged, the class of stand and its age group.

The table of methods by age group is a rule, so a lender may choose another; a method the appraiser states is taken
where the rule allows it for the group, and refused (F19) where it does not.
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Bools
from eco_credit.valuation.approach import Approach
from eco_credit.valuation.case import Case, Indices
from eco_credit.valuation.kinds.forest_right.cost import HISTORICAL, REPLACEMENT
from eco_credit.valuation.kinds.forest_right.facts import CLASSES, RULES
from eco_credit.valuation.kinds.forest_right.land_right import LAND_ANNUITY, LAND_COST, LAND_EXPECTATION, with_land
from eco_credit.valuation.kinds.forest_right.timber import COMPARISON, HARVEST, RESIDUAL, RESIDUAL_WITH_REGENERATION
from eco_credit.valuation.kinds.forest_right.yearly import (
    ANNUITY,
    BAMBOO,
    COMPENSATION,
    ECONOMIC,
    ECONOMIC_DECLINE,
    ECONOMIC_INITIAL,
    NET_INCOME,
    PERIODIC,
)

_STAND = (
    RESIDUAL, HARVEST, REPLACEMENT, COMPARISON, RESIDUAL_WITH_REGENERATION, NET_INCOME, ANNUITY, HISTORICAL, PERIODIC,
    BAMBOO, ECONOMIC, ECONOMIC_INITIAL, ECONOMIC_DECLINE,
)  # fmt: skip
APPROACHES: tuple[Approach, ...] = (
    *(with_land(approach) for approach in _STAND), LAND_EXPECTATION, LAND_ANNUITY, LAND_COST, COMPENSATION,
)  # fmt: skip
_PLACE = {approach.code: place for place, approach in enumerate(APPROACHES)}


def choose(case: Case) -> Indices:
    """Place of each pledge's method among `APPROACHES`, shape (n,)."""
    rule = f"{RULES}.method_default"
    table = case.rules.once(rule, lambda: np.array([_PLACE[case.rules.table(rule)[name]] for name in CLASSES], np.intp))
    default = table[_class(case)]
    unrented = np.equal(default, _PLACE["land_annuity"]) & ~case.known("land_rent")
    default = np.where(unrented, _PLACE["land_expectation"], default)
    stated = _stated(case)
    return np.where((stated >= 0) & _fits(case, stated), stated, default)


def states_a_method_that_does_not_fit(case: Case) -> Bools:
    """True where the appraiser's method is not among those the rulebook allows for the pledge's class, shape (n,)."""
    stated = _stated(case)
    return (stated >= 0) & ~_fits(case, stated)


def _class(case: Case) -> Indices:
    return case.facts["class"].astype(np.intp)


def _stated(case: Case) -> Indices:
    """Place of the method the appraiser states; -1 where none is."""
    return np.array([_PLACE.get(code, -1) for code in case.text("forest_method")], dtype=np.intp)


def _fits(case: Case, stated: Indices) -> Bools:
    rule = f"{RULES}.method_allowed"
    table = case.rules.table(rule)
    allowed = case.rules.once(rule, lambda: np.array([[code in table[name] for name in CLASSES] for code in _PLACE]))
    fits: Bools = allowed[stated, _class(case)]
    return fits
