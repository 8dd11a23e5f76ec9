"""Which method values a water right: the one stated if its figures are there, else the best evidence there is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eco_credit.core.numbers import Bools
from eco_credit.valuation.approach import Approach
from eco_credit.valuation.case import Case, Indices
from eco_credit.valuation.kinds.water_right.facts import RULES, with_works
from eco_credit.valuation.kinds.water_right.hydropower import HYDROPOWER
from eco_credit.valuation.kinds.water_right.inputs import yearly_cash
from eco_credit.valuation.kinds.water_right.margin import (
    AVOIDED_SHORTAGE,
    INCOME,
    INCOME_ESTIMATE,
    LEASE,
    TARIFF_MARGIN,
)
from eco_credit.valuation.kinds.water_right.market import COMPARISON, CONVERSION_COST, converted_volume

_METHODS = (
    HYDROPOWER, COMPARISON, TARIFF_MARGIN, AVOIDED_SHORTAGE, LEASE, INCOME, CONVERSION_COST, INCOME_ESTIMATE,
)  # fmt: skip
APPROACHES: tuple[Approach, ...] = tuple(replace(method, cash=yearly_cash) for method in _METHODS)
_PLACE = {approach.code: place for place, approach in enumerate(APPROACHES)}


def choose(case: Case) -> Indices:
    """Place of each pledge's method among `APPROACHES`, shape (n,)."""
    chosen = np.full(case.rows, _PLACE["income_estimate"], dtype=np.intp)
    # the strongest evidence is written last
    usable = {code: can_use(case, code) for code in _PLACE}
    for code in reversed(case.rules[f"{RULES}.method_order"]):
        chosen[usable[code]] = _PLACE[code]
    stated = np.array([_PLACE.get(code, -1) for code in case.text("water_method")], dtype=np.intp)
    fits = np.array(list(usable.values()))[stated, np.arange(case.rows)]
    return np.where((stated >= 0) & fits, stated, chosen)


def can_use(case: Case, code: str) -> Bools:
    """True where the figures a method needs are stated, shape (n,)."""
    known = case.known
    if code == "hydropower":
        return with_works(case) & known("feed_in_price") & (known("head") | known("energy"))
    if code == "comparison":
        return _deal_known(case)
    if code == "conversion_cost":
        serves = np.greater(case.number("conversion_years"), 0.0) & np.greater(converted_volume(case), 0.0)
        return known("conversion_cost") & serves
    fields = {
        "tariff_margin": ("tariff", "water_cost"), "avoided_shortage": ("shortage_cost", "water_cost"),
        "lease": ("lease_price",), "income": ("unit_margin",),
    }.get(code, ())  # fmt: skip
    usable = np.ones(case.rows, dtype=bool)
    for field in fields:
        usable &= known(field)
    return usable


def _deal_known(case: Case) -> Bools:
    """A deal price counts when its basis says how many years it buys."""
    lump_for_years = case.is_one_of("deal_basis", ["lump_sum"]) & (
        case.yes("deal_perpetual") | np.greater(case.number("deal_years"), 0.0)
    )
    return case.known("deal_price") & (case.is_one_of("deal_basis", ["per_year"]) | lump_for_years)


def states_a_method_without_its_figures(case: Case) -> Bools:
    """True where the appraiser names a method of the kind whose figures are not stated."""
    missing = np.zeros(case.rows, dtype=bool)
    for code in _PLACE:
        missing |= case.is_one_of("water_method", [code]) & ~can_use(case, code)
    return missing
