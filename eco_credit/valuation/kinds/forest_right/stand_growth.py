"""What a growing stand will be: stock at the felling by the curve of its species, and how far the growth may be off."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats, where_known
from eco_credit.valuation.case import Case
from eco_credit.valuation.growth_curves import RULE as CURVE
from eco_credit.valuation.growth_curves import Curves, curves_of
from eco_credit.valuation.kinds.forest_right.facts import RULES
from eco_credit.valuation.parameter import NORMAL_ENDS


def curves(case: Case) -> Curves:
    """The growth curve of each pledge's species."""
    return curves_of(case.rules.table(CURVE), case.text("species"))


def mature_stock(case: Case) -> Floats:
    """Stock of the reference stand at the felling age, m3/ha: as stated, else by the curve, shape (n,)."""
    return where_known(case.number("reference_stock_harvest"), curves(case).stock(case.facts["felling_age"]))


def stock_then(case: Case) -> Floats:
    """Stock of the reference stand when it is felled or, if that is earlier, when the right ends, m3/ha, shape (n,)."""
    age, felling_age = case.facts["age"] + case.facts["felling_wait"], case.facts["felling_age"]
    by_curve = curves(case).stock(age)
    return np.where(age >= felling_age, where_known(case.number("reference_stock_harvest"), by_curve), by_curve)


def growth_ends(case: Case) -> tuple[Floats, Floats]:
    """How far the factor on the growth still to come may be below and above 1, shape (n,) each.

    ``exp(+-z s)``, s the standard deviation of ``ln[M(u) / M(n)]`` from the covariance of the curve, 0 where the stand
    is mature; z such that the factor has the 90 % range of the lognormal one.
    """
    age = case.facts["age"]
    sd = curves(case).ratio_sd(age, age + case.facts["felling_wait"])
    reach = NORMAL_ENDS * where_known(sd, case.rules.number(f"{RULES}.growth_spread"))
    return -np.expm1(-reach), np.expm1(reach)
