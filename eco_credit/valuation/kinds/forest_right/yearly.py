"""Methods for forests with yearly or periodic income: economic forest, bamboo, selection forest, compensation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eco_credit.core.numbers import Floats, where_known
from eco_credit.valuation.approach import VALUE, Approach, Cash, CashFlow, Figures, Step
from eco_credit.valuation.case import Case
from eco_credit.valuation.kinds.forest_right.facts import RULES
from eco_credit.valuation.kinds.forest_right.inputs import (
    ANNUAL_COST,
    AREA,
    STOCK,
    TIMBER,
    fact,
    income,
    net_per_cubic_metre,
    one,
    rate,
)
from eco_credit.valuation.kinds.forest_right.timber import NORM
from eco_credit.valuation.methods.forest import compensation_value
from eco_credit.valuation.methods.forest_income import (
    bamboo_value,
    periodic_value,
    selection_cycle,
    two_stage_value,
    yield_value,
)
from eco_credit.valuation.methods.land import for_term
from eco_credit.valuation.parameter import Parameter

_ANNUAL = income("annual_income", "年净收入", "net income of a year")
_ECONOMIC = rate("investment_rate_economic")
_RIGHT = fact("right_years", "权利剩余年限", "years of the right left", "year")


def _incomes_left(case: Case) -> Floats:
    """Incomes still to come: ``u - n + g``, no more than the right has years; the life's end must be stated."""
    left = case.number("economic_life") - case.facts["age"] + one(case, "timing_lag")
    return np.maximum(0.0, np.minimum(left, case.facts["right_years"]))


_LEFT = Parameter("incomes_left", "剩余收益次数", "incomes still to come", "year", derive=_incomes_left)


def _economic(f: Figures) -> Figures:
    per_hectare = yield_value(f["annual_income"], quality=1.0, rate=f["rate"], years=f["incomes_left"])
    return {"per_hectare": per_hectare, VALUE: f["area"] * per_hectare}


def _annuity_text(value: str, years: str) -> str:
    return f"{value} × (1 − (1 + {{rate}}) ^ (−{years})) ÷ {{rate}}"


def _yearly(income: str, years: str) -> Cash:
    """A net income at the end of every year."""

    def cash(f: Mapping[str, float]) -> list[CashFlow]:
        return [CashFlow(1.0, f["area"] * f[income], "年净收入", "net income of a year", f[years])]

    return cash


_PER_HECTARE = ("right_value", "评估值", "value", "CNY", "E = A e", "max(0, {area} × {per_hectare})")

ECONOMIC = Approach(
    "economic", "经济林盛产期收益法", "economic forest at peak yield", NORM,
    (AREA, _ANNUAL, _LEFT, _ECONOMIC), _economic,
    (Step("per_hectare", "每公顷收益现值", "present value per hectare", "CNY/ha", "A [(1+P)^t − 1] / [P (1+P)^t]",
          _annuity_text("{annual_income}", "{incomes_left}")),
     Step(*_PER_HECTARE)),
    _yearly("annual_income", "incomes_left"),
)  # fmt: skip


def _to_peak(case: Case) -> Floats:
    return np.maximum(0.0, case.number("peak_from") - case.facts["age"])


def _initial(f: Figures) -> Figures:
    per_hectare = two_stage_value(
        f["annual_income"], f["peak_income"], rate=f["rate"], years_to_peak=f["to_peak"],
        years_of_peak=np.maximum(0.0, f["incomes_left"] - f["to_peak"]),
    )
    return {"peak_years": np.maximum(0.0, f["incomes_left"] - f["to_peak"]), "per_hectare": per_hectare,
            VALUE: f["area"] * per_hectare}  # fmt: skip


def _two_stages(f: Mapping[str, float]) -> list[CashFlow]:
    return [
        CashFlow(1.0, f["area"] * f["annual_income"], "始产期年净收入", "net income before the peak", f["to_peak"]),
        CashFlow(1.0 + f["to_peak"], f["area"] * f["peak_income"], "盛产期年净收入", "net income at the peak",
                 f["peak_years"]),
    ]  # fmt: skip


ECONOMIC_INITIAL = Approach(
    "economic_initial", "经济林始产期两阶段收益法", "economic forest of first yields, two stages", NORM,
    (AREA, _ANNUAL, income("peak_income", "盛产期年净收入", "net income of a year at the peak"),
     Parameter("to_peak", "距盛产期年数", "years to the peak", "year", derive=_to_peak), _LEFT, _ECONOMIC),
    _initial,
    (Step("peak_years", "盛产期年数", "years of the peak", "year", "t = u − n − g",
          "max(0, {incomes_left} − {to_peak})"),
     Step("per_hectare", "每公顷收益现值", "present value per hectare", "CNY/ha",
          "A₁ a(P, g) + A₂ a(P, t) (1+P)^−g",
          _annuity_text("{annual_income}", "{to_peak}") + " + " + _annuity_text("{peak_income}", "{peak_years}")
          + " × (1 + {rate}) ^ (−{to_peak})"),
     Step(*_PER_HECTARE)),
    _two_stages,
)  # fmt: skip


def _decline(f: Figures) -> Figures:
    yields = yield_value(f["annual_income"], quality=1.0, rate=f["rate"], years=f["incomes_left"])
    per_hectare = yields + f["residual_value"]
    return {"yields": yields, "per_hectare": per_hectare, VALUE: f["area"] * per_hectare}


def _last_yields(f: Mapping[str, float]) -> list[CashFlow]:
    return [
        CashFlow(0.0, f["area"] * f["residual_value"], "剩余价值", "residual value"),
        CashFlow(1.0, f["area"] * f["annual_income"], "年净收入", "net income of a year", f["incomes_left"]),
    ]


ECONOMIC_DECLINE = Approach(
    "economic_decline", "经济林衰产期剩余价值法", "economic forest in decline, residual value", NORM,
    (AREA,
     Parameter("annual_income", "年净收入", "net income of a year", "CNY/ha/year", spread=f"{RULES}.income_spread",
               derive=lambda case: where_known(case.number("annual_income"), 0.0), driver="income"),
     Parameter("residual_value", "剩余价值", "residual value", "CNY/ha", field="residual_value",
               spread=f"{RULES}.income_spread", driver="residual"),
     Parameter("incomes_left", "剩余收益次数", "incomes still to come", "year",
               derive=lambda case: where_known(_incomes_left(case), 0.0)),
     _ECONOMIC),
    _decline,
    (Step("yields", "剩余收益现值", "present value of the last yields", "CNY/ha", "A a(P, t)",
          _annuity_text("{annual_income}", "{incomes_left}")),
     Step("per_hectare", "每公顷价值", "value per hectare", "CNY/ha", "A a(P, t) + R", "{yields} + {residual_value}"),
     Step(*_PER_HECTARE)),
    _last_yields,
)  # fmt: skip


def _bamboo(f: Figures) -> Figures:
    per_hectare = bamboo_value(
        f["income_on_year"], f["income_off_year"], rate=f["rate"], years=f["right_years"]
    )
    mean = 0.5 * (f["income_on_year"] + f["income_off_year"])
    return {"mean_income": mean, "per_hectare": per_hectare, VALUE: f["area"] * per_hectare}


def _of_year(name: str, zh: str, en: str) -> Parameter:
    """Income of an on or off year; the yearly net income where it is not stated apart."""
    return Parameter(
        name, zh, en, "CNY/ha/year", spread=f"{RULES}.income_spread", driver="income",
        derive=lambda case: where_known(case.number(name), case.number("annual_income")),
    )


BAMBOO = Approach(
    "bamboo", "竹林年金资本化法", "bamboo, annuity of on and off years", NORM,
    (AREA, _of_year("income_on_year", "大年净收入", "net income of an on year"),
     _of_year("income_off_year", "小年净收入", "net income of an off year"), _RIGHT,
     rate("investment_rate_bamboo")),
    _bamboo,
    (Step("mean_income", "大小年平均净收入", "mean of on and off years", "CNY/ha/year", "A = (A₁ + A₂) / 2",
          "({income_on_year} + {income_off_year}) ÷ 2"),
     Step("per_hectare", "每公顷收益现值", "present value per hectare", "CNY/ha", "A/P [1 − (1+P)^−T]",
          _annuity_text("{mean_income}", "{right_years}")),
     Step(*_PER_HECTARE)),
    _yearly("mean_income", "right_years"),
)  # fmt: skip


def _annuity(f: Figures) -> Figures:
    per_hectare = for_term(f["annual_income"] / f["rate"], rate=f["rate"], years=f["right_years"])
    return {"per_hectare": per_hectare, VALUE: f["area"] * per_hectare}


ANNUITY = Approach(
    "annuity", "年金资本化法", "annuity capitalisation", NORM, (AREA, _ANNUAL, _RIGHT, rate()), _annuity,
    (Step("per_hectare", "每公顷收益现值", "present value per hectare", "CNY/ha", "A/P [1 − (1+P)^−T]",
          _annuity_text("{annual_income}", "{right_years}")),
     Step(*_PER_HECTARE)),
    _yearly("annual_income", "right_years"),
)  # fmt: skip


def _net_income(f: Figures) -> Figures:
    years = np.minimum(f["felling_wait"] + f["lag"], f["right_years"])
    per_hectare = yield_value(f["annual_income"], quality=1.0, rate=f["rate"], years=years)
    return {"income_years": years, "per_hectare": per_hectare, VALUE: f["area"] * per_hectare}


NET_INCOME = Approach(
    "net_income", "收益净现值法", "net present value of yearly incomes", NORM,
    (AREA, _ANNUAL, fact("felling_wait", "距主伐年数", "years to the felling", "year"), _RIGHT,
     Parameter("lag", "收入滞后年数", "years the income comes late", "year",
               derive=lambda case: one(case, "timing_lag")), rate()),
    _net_income,
    (Step("income_years", "收益年数", "years of income", "year", "min(u − n + g, T)",
          "min({felling_wait} + {lag}, {right_years})"),
     Step("per_hectare", "每公顷收益现值", "present value per hectare", "CNY/ha", "Σ A (1+P)^−(t−n+1)",
          _annuity_text("{annual_income}", "{income_years}")),
     Step(*_PER_HECTARE)),
    _yearly("annual_income", "income_years"),
)  # fmt: skip


def _cycle(case: Case) -> Floats:
    """Years between two cuts: as stated, else as the stock needs to grow back."""
    grown = selection_cycle(_intensity(case), one(case, "selection_growth"))
    return where_known(case.number("cutting_cycle"), grown)


def _intensity(case: Case) -> Floats:
    return where_known(case.number("selection_intensity"), case.rules.number(f"{RULES}.selection_intensity"))


def _wait(case: Case) -> Floats:
    """Years to the next cut: the cycle less the years since the last one; the whole cycle where that is unknown."""
    return np.maximum(0.0, _cycle(case) - where_known(case.number("years_since_cut"), 0.0))


def _periodic(f: Figures) -> Figures:
    cut = net_per_cubic_metre(f) * f["stock"] * f["intensity"]
    forever = periodic_value(cut, f["annual_cost"], rate=f["rate"], cycle=f["cycle"], wait=f["wait"])
    per_hectare = for_term(forever, rate=f["rate"], years=f["right_years"])
    return {"cut_income": cut, "forever": forever, "per_hectare": per_hectare, VALUE: f["area"] * per_hectare}


def _cuts(f: Mapping[str, float]) -> list[CashFlow]:
    cuts = np.arange(f["wait"], f["right_years"] + 1e-9, f["cycle"]) if f["cycle"] > 0.0 else np.zeros(0)
    every = CashFlow(1.0, -f["area"] * f["annual_cost"], "年管护与地租", "tending and rent of a year", f["right_years"])
    cut = f["area"] * f["cut_income"]
    return [every, *(CashFlow(float(year), cut, "择伐净收入", "net income of a cut") for year in cuts)]


PERIODIC = Approach(
    "periodic", "周期收益资本化法", "periodic income of a selection forest", NORM,
    (AREA, STOCK, *TIMBER, ANNUAL_COST, rate(),
     Parameter("intensity", "择伐强度", "intensity of the cut", "ratio", derive=_intensity),
     Parameter("cycle", "择伐周期", "years between two cuts", "year", derive=_cycle),
     Parameter("wait", "距下次择伐年数", "years to the next cut", "year", derive=_wait), _RIGHT),
    _periodic,
    (Step("cut_income", "每次择伐净收入", "net income of one cut", "CNY/ha", "A_u = w M S"),
     Step("forever", "永续价值", "value for ever", "CNY/ha", "A_u (1+P)^(u−w) / [(1+P)^u − 1] − V / P",
          "{cut_income} × (1 + {rate}) ^ ({cycle} − {wait}) ÷ ((1 + {rate}) ^ {cycle} − 1) − {annual_cost} ÷ {rate}"),
     Step("per_hectare", "有限年期价值", "value for the term of the right", "CNY/ha", "E [1 − (1+P)^−T]",
          "{forever} × (1 − (1 + {rate}) ^ (−{right_years}))"),
     Step(*_PER_HECTARE)),
    _cuts,
)  # fmt: skip

COMPENSATION = Approach(
    "compensation", "补偿收益倍数法", "multiple of compensation income", "forest-compensation-pledge",
    (Parameter("compensation", "上年补偿收入", "compensation of the last year", "CNY/year",
               derive=lambda case: where_known(case.number("compensation_paid"), 0.0)),
     Parameter("multiple", "倍数", "multiple", "year", rule=f"{RULES}.compensation_multiple")),
    lambda f: {VALUE: compensation_value(f["compensation"], f["multiple"])},
    (Step("compensation", "上年补偿收入", "compensation of the last year", "CNY/year"),
     Step("right_value", "补偿收益价值", "value of the compensation", "CNY", "E = m D",
          "{multiple} × {compensation}")),
    adds_flows=False,
)  # fmt: skip
