"""Ecosystem flows with a payer: the one part of a GEP account that adds to the value of a right.

What a right lets its holder sell by itself (timber, licensed water, energy) is already in the value by the norm's
method and is not added again. A flow somebody has contracted to pay for (certified carbon, compensation, operating
income) is capitalised over the life of the right, by the chance that the money comes in. All else is public benefit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.valuation.approach import VALUE, Approach, Figures, Step
from eco_credit.valuation.methods.annuity import annuity_factor
from eco_credit.valuation.parameter import Parameter

RULES = "valuation.gep_income"
PAID, YEARS = "gep_paid", "gep_years"
"""Facts: contracted flow, CNY/year, and years it is counted for."""
GEP_VALUE = "gep_value"
"""Figure: present value of the contracted flow, CNY."""

_PARAMETERS = (
    Parameter(PAID, "已签约生态服务年收入", "contracted flow in a year", "CNY/year",
              derive=lambda case: case.facts[PAID]),
    Parameter(YEARS, "计入年数", "years counted", "year", derive=lambda case: case.facts[YEARS]),
    Parameter("gep_collection", "回款概率", "chance that it is paid", "ratio", rule=f"{RULES}.collection", highest=1.0),
    Parameter("gep_rate", "生态收益折现率", "discount rate of the flow", "ratio", rule=f"{RULES}.discount_rate"),
)
_STEPS = (
    Step("right_value", "权利价值(不含生态收益)", "value of the right without paid flows", "CNY", when=PAID),
    Step(GEP_VALUE, "已签约生态收益现值", "present value of the contracted flow", "CNY",
         "V_g = s B [1 − (1+r)^−t] / r",
         "{gep_collection} × {gep_paid} × (1 − (1 + {gep_rate}) ^ (−{gep_years})) ÷ {gep_rate}", when=PAID),
    Step(VALUE, "评估价值", "appraised value", "CNY", "V = V_r + V_g", "{right_value} + {gep_value}", when=PAID),
)  # fmt: skip


@units(paid="CNY", collection="dimensionless", rate="dimensionless", years="dimensionless", returns="CNY")
def paid_flow_value(paid: Floats, collection: Floats, *, rate: Floats, years: Floats) -> Floats:
    """Present value of a contracted yearly flow: ``V = s B [1 - (1+r)^-t] / r``.

    Args:
        paid: B, contracted flow of a year, CNY.
        collection: s, chance that it is paid.
        rate: r per year.
        years: t.

    Returns:
        CNY.
    """
    return collection * paid * annuity_factor(rate, years)


def with_paid_flows(approach: Approach) -> Approach:
    """The same method with the contracted flows added to its value, unless it values such a payment itself."""

    def without(f: Figures) -> Figures:
        figures = approach.value(f)
        alone = np.maximum(0.0, figures[VALUE])
        return figures | {"right_value": alone, GEP_VALUE: np.zeros((1, 1)), VALUE: alone}

    def value(f: Figures) -> Figures:
        figures = without(f)
        if not np.any(f[PAID]):
            return figures
        paid = paid_flow_value(f[PAID], f["gep_collection"], rate=f["gep_rate"], years=f[YEARS])
        return figures | {GEP_VALUE: paid, VALUE: figures["right_value"] + paid}

    if not approach.adds_flows:
        return replace(approach, value=without)
    return replace(
        approach, parameters=(*approach.parameters, *_PARAMETERS), value=value, steps=(*approach.steps, *_STEPS)
    )
