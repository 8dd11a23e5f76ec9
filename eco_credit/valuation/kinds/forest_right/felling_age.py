"""Check values for a felling age: the rotations the economics of the stand would choose."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.valuation.approach import CheckValue
from eco_credit.valuation.case import Case
from eco_credit.valuation.kinds.forest_right.facts import RULES
from eco_credit.valuation.kinds.forest_right.inputs import TIMBER, net_per_cubic_metre, one
from eco_credit.valuation.kinds.forest_right.stand_growth import curves
from eco_credit.valuation.methods.rotation import Economics, Rotation, optimum_rotation
from eco_credit.valuation.parameter import span_of

_AGES = np.arange(3.0, 121.0)
"""Felling ages compared, years."""


def rotation(case: Case) -> Rotation:
    """Optimum rotation of each pledge's species at the prices, costs and rate of its appraisal.

    Args:
        case: n forest pledges.

    Returns:
        Faustmann's rotation and, for comparison, those of forest rent and of mean increment.
    """
    net = net_per_cubic_metre({p.name: span_of(p, case).central for p in TIMBER})
    terms = Economics(
        net_price=net, establishment=float(np.sum(case.rules[f"{RULES}.establishment_costs"])),
        annual_cost=one(case, "tending_cost"), rate=one(case, "investment_rate"),
    )
    stock = curves(case).stock(_AGES[:, None] + np.zeros((1, case.rows)))
    return optimum_rotation(_AGES, stock, economics=terms, stated_age=case.facts["felling_age"])


def _inside(found: Rotation) -> Floats:
    """The best age, unknown where it lies at the edge of the ages compared."""
    return np.where(found.at_edge, np.nan, found.age)


CHECKS = (
    CheckValue("optimum_rotation", "最优轮伐期(Faustmann, 校核)", "optimum rotation (Faustmann), a check", "year",
               lambda case: _inside(rotation(case)), beside="felling_age"),
    CheckValue("forest_rent_age", "森林纯收益最大轮伐期(校核)", "rotation of the highest forest rent, a check", "year",
               lambda case: rotation(case).forest_rent_age, beside="felling_age"),
    CheckValue("loss_of_age", "主伐龄偏离最优的地价损失", "land value lost by the felling age", "CNY/ha",
               lambda case: rotation(case).loss),
)  # fmt: skip
