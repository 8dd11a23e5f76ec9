"""Methods that count what a stand has cost: replacement cost and historical cost, for young stands."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats, where_known
from eco_credit.valuation.approach import VALUE, Approach, Figures, Step
from eco_credit.valuation.case import Case
from eco_credit.valuation.kinds.forest_right.facts import RULES
from eco_credit.valuation.kinds.forest_right.inputs import ANNUAL_COST, AREA, height_factor, rate, young_quality
from eco_credit.valuation.kinds.forest_right.timber import NORM
from eco_credit.valuation.methods.forest import replacement_cost
from eco_credit.valuation.methods.forest_income import historical_cost
from eco_credit.valuation.parameter import Parameter

YEARS_OF_COST = 3
"""Years of establishment whose cost the rulebook lists; later years carry the annual cost alone."""


def cost_of_year(i: int) -> Parameter:
    """Cost of establishment in year i: its labour days times the wage where both are stated (序列需工数法)."""
    days = "work_days" if i == 1 else f"work_days_{i}"

    def derive(case: Case) -> Floats:
        listed = np.full(case.rows, float(case.rules[f"{RULES}.establishment_costs"][i - 1]))
        return where_known(case.number(days) * case.number("day_wage"), listed)

    return Parameter(
        f"cost_{i}", f"第{i}年造林成本", f"establishment cost of year {i}", "CNY/ha", derive=derive,
        spread=f"{RULES}.establishment_spread", driver="establishment",
    )


_YOUNG_AGE = Parameter(
    "age", "林龄", "stand age", "year", derive=lambda case: np.maximum(case.facts["age"], 1.0)
)
_QUALITY = (
    Parameter("survival", "成活系数 K1", "survival factor K1", "ratio", derive=young_quality,
              rule=f"{RULES}.survival_estimate"),
    Parameter("height", "树高系数 K2", "height factor K2", "ratio", derive=height_factor,
              rule=f"{RULES}.height_estimate"),
)  # fmt: skip


def _replacement(f: Figures) -> Figures:
    quality = f["survival"] * f["height"]
    costs = [f[f"cost_{i}"] for i in range(1, YEARS_OF_COST + 1)]
    full = replacement_cost(costs, f["annual_cost"], age=f["age"], quality=np.ones((1, 1)), rate=f["rate"])
    return {"quality": quality, "full_cost": full, VALUE: f["area"] * quality * full}


REPLACEMENT = Approach(
    "replacement_cost", "重置成本法", "replacement cost", NORM,
    (_YOUNG_AGE, AREA, *(cost_of_year(i) for i in range(1, YEARS_OF_COST + 1)), ANNUAL_COST, *_QUALITY, rate()),
    _replacement,
    (Step("age", "林龄", "stand age", "year"),
     Step("quality", "林分质量系数 K", "quality factor K", "ratio", "K = K₁ K₂", "{survival} × {height}"),
     Step("full_cost", "每公顷重置全价", "full replacement cost per hectare", "CNY/ha",
          "Σ C_i (1+P)^(n−i+1)"),
     Step("right_value", "重置成本", "replacement cost", "CNY", "E = A K c", "{area} × {quality} × {full_cost}")),
)  # fmt: skip


def _historical(f: Figures) -> Figures:
    quality = f["survival"] * f["height"]
    per_hectare = historical_cost(
        f["historic_cost"], index=f["cost_index"], quality=quality, rate=f["rate"], years=f["age"]
    )
    return {"quality": quality, "per_hectare": per_hectare, VALUE: f["area"] * per_hectare}


HISTORICAL = Approach(
    "historical_cost", "历史成本调整法", "historical cost adjusted", NORM,
    (_YOUNG_AGE, AREA,
     Parameter("historic_cost", "造林历史成本", "cost as booked at planting", "CNY/ha", field="historic_cost",
               spread=f"{RULES}.cost_spread", driver="establishment"),
     Parameter("cost_index", "价格指数 B/B_i", "price index now over then", "ratio", field="historic_cost_index"),
     *_QUALITY, rate()),
    _historical,
    (Step("age", "林龄", "stand age", "year"),
     Step("quality", "林分质量系数 K", "quality factor K", "ratio", "K = K₁ K₂", "{survival} × {height}"),
     Step("per_hectare", "每公顷调整成本", "adjusted cost per hectare", "CNY/ha", "K C (B/B_i) (1+P)^n",
          "{quality} × {historic_cost} × {cost_index} × (1 + {rate}) ^ {age}"),
     Step("right_value", "历史成本调整值", "adjusted historical cost", "CNY", "E = A e", "{area} × {per_hectare}")),
)  # fmt: skip
