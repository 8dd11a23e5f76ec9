"""Methods for bare forest land: land expectation value, annuity of the rent, cost price."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from eco_credit.valuation.approach import VALUE, Approach, CashFlow, Figures, Step
from eco_credit.valuation.kinds.forest_right.cost import YEARS_OF_COST, cost_of_year
from eco_credit.valuation.kinds.forest_right.facts import RULES
from eco_credit.valuation.kinds.forest_right.felling_age import CHECKS
from eco_credit.valuation.kinds.forest_right.inputs import AREA, GROWTH, LAND, TIMBER, fact, net_per_cubic_metre, rate
from eco_credit.valuation.kinds.forest_right.stand_growth import mature_stock
from eco_credit.valuation.kinds.forest_right.timber import NORM
from eco_credit.valuation.methods.annuity import annuity_factor
from eco_credit.valuation.methods.land import for_term, land_cost_price, land_expectation_by_norm
from eco_credit.valuation.parameter import Parameter

_RENT = Parameter(
    "rent", "林地年租金", "rent of the land", "CNY/ha/year", field="land_rent", spread=f"{RULES}.income_spread",
)
_TENDING = Parameter(
    "tending", "年管护费", "tending of a year", "CNY/ha/year", rule=f"{RULES}.tending_cost", driver="annual_cost"
)
_RIGHT = fact("right_years", "权利剩余年限", "years of the right left", "year")
_LAND_RATE = rate("investment_rate_land")


def _annuity(f: Figures) -> Figures:
    per_hectare = for_term(f["rent"] / f["rate"], rate=f["rate"], years=f["right_years"])
    return {"per_hectare": per_hectare, VALUE: f["area"] * per_hectare}


LAND_ANNUITY = Approach(
    "land_annuity", "林地年金资本化法", "annuity of the land rent", NORM, (AREA, _RENT, _RIGHT, _LAND_RATE), _annuity,
    (Step("per_hectare", "每公顷林地价值", "value of a hectare of land", "CNY/ha", "A/P [1 − (1+P)^−T]",
          "{rent} × (1 − (1 + {rate}) ^ (−{right_years})) ÷ {rate}"),
     Step("right_value", "林地评估值", "value of the land", "CNY", "E = A e", "{area} × {per_hectare}")),
    lambda f: [CashFlow(1.0, f["area"] * f["rent"], "林地年租金", "rent of a year", f["right_years"])],
)  # fmt: skip


def _expectation(f: Figures) -> Figures:
    income = net_per_cubic_metre(f) * f["mature_stock"] * f["growth"]
    forever = land_expectation_by_norm(
        income, [f[f"cost_{i}"] for i in range(1, YEARS_OF_COST + 1)], annual_cost=f["tending"], rate=f["rate"],
        rotation=f["felling_age"],
    )
    per_hectare = for_term(forever, rate=f["rate"], years=f["right_years"])
    return {"felling_income": income, "forever": forever, "per_hectare": per_hectare, VALUE: f["area"] * per_hectare}


LAND_EXPECTATION = Approach(
    "land_expectation", "林地期望价法", "land expectation value", NORM,
    (AREA, *TIMBER, *(cost_of_year(i) for i in range(1, YEARS_OF_COST + 1)), _TENDING, rate(),
     Parameter("mature_stock", "标准林分主伐时蓄积", "stock of the reference stand at the felling age", "m3/ha",
               derive=mature_stock),
     GROWTH,
     fact("felling_age", "轮伐期", "rotation", "year"), _RIGHT),
    _expectation,
    (Step("felling_income", "主伐时每公顷净收入", "net income at felling per hectare", "CNY/ha", "A_u = a M_u"),
     Step("forever", "永续地价", "value of the land for ever", "CNY/ha",
          "[A_u − Σ C_i (1+P)^(u−i+1)] / [(1+P)^u − 1] − V / P"),
     Step("per_hectare", "有限年期地价", "value for the term of the right", "CNY/ha", "B [1 − (1+P)^−T]",
          "{forever} × (1 − (1 + {rate}) ^ (−{right_years}))"),
     Step("right_value", "林地评估值", "value of the land", "CNY", "E = A e", "max(0, {area} × {per_hectare})")),
    checks=CHECKS,
)  # fmt: skip


def _cost(f: Figures) -> Figures:
    per_hectare = land_cost_price(f["historic_cost"], f["tending"], rate=f["rate"], years=f["age"])
    return {"per_hectare": per_hectare, VALUE: f["area"] * per_hectare}


LAND_COST = Approach(
    "land_cost", "林地费用价法", "cost price of the land", NORM,
    (AREA,
     Parameter("historic_cost", "取得成本", "price paid for the land", "CNY/ha", field="historic_cost",
               spread=f"{RULES}.cost_spread", driver="establishment"),
     _TENDING, fact("age", "取得后年数", "years since the purchase", "year"), _LAND_RATE),
    _cost,
    (Step("per_hectare", "每公顷林地费用价", "cost price per hectare", "CNY/ha", "A₀ (1+P)^n + Σ M (1+P)^(n−i+1)"),
     Step("right_value", "林地评估值", "value of the land", "CNY", "E = A e", "{area} × {per_hectare}")),
)  # fmt: skip


def with_land(approach: Approach) -> Approach:
    """A method for a stand with the right to its land added, where both are pledged and the rent is known."""

    def value(f: Figures) -> Figures:
        figures = approach.value(f)
        standing = np.maximum(0.0, figures[VALUE])
        if not np.any(f["land_rent"]):
            return figures | {"stand_value": standing, "land_value": f["land_rent"], VALUE: standing}
        land = f["area"] * f["land_rent"] * annuity_factor(f["land_rate"], f["right_years"])
        return figures | {"stand_value": standing, "land_value": land, VALUE: standing + land}

    own = {p.name for p in approach.parameters}
    added = tuple(p for p in LAND if p.name not in own)
    steps = (
        Step("land_value", "林地价值", "value of the land", "CNY", "A R [1 − (1+P)^−T] / P",
             "{area} × {land_rent} × (1 − (1 + {land_rate}) ^ (−{right_years})) ÷ {land_rate}", when="land_rent"),
        Step("right_value", "林木与林地合计", "stand and land", "CNY", "E + B", "{stand_value} + {land_value}",
             when="land_rent"),
    )  # fmt: skip
    # the stand's own closing step would show the sum of both
    steps_of_stand = tuple(
        replace(step, figure="stand_value" if step.figure == "right_value" else step.figure) for step in approach.steps
    )
    return replace(
        approach, parameters=(*approach.parameters, *added), value=value, steps=(*steps_of_stand, *steps)
    )
