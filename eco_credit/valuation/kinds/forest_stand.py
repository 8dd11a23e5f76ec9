"""Appraisal of a forest stand: the method follows the age group.

Young stands at replacement cost, middle-aged and near-mature ones at harvest present value, mature ones
at residual value, public-welfare forest at a multiple of its compensation income. The pledge is the
standing timber; bare land is not added. No felling delay enters here: quota and permit are a haircut.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Bools, Floats, where_known
from eco_credit.valuation.appraisal import Appraisal, Figures, Span, Step, around, given_or, one_at_a_time, ranged
from eco_credit.valuation.kind import Case
from eco_credit.valuation.methods.forest import (
    compensation_value,
    harvest_present_value,
    quality_ratio,
    reference_stock,
    replacement_cost,
    stumpage,
    survival_factor,
    timber_revenue,
)

RULES = "valuation.forest"
APPROACHES = {
    "residual": ("木材市场价倒算法", "residual (market price less costs and profit)"),
    "harvest_present_value": ("收获现值法", "harvest present value"),
    "replacement_cost": ("重置成本法", "replacement cost"),
    "compensation": ("补偿收益倍数法", "multiple of compensation income"),
}


def appraise(case: Case) -> Appraisal:
    """Appraise forest pledges by the method of their age group.

    Args:
        case: pledges of the contract ``forest_right`` with the facts of the kind, n rows.

    Returns:
        The appraisal, CNY.
    """
    method = _methods(case)
    scenarios = one_at_a_time(_spans(case), case.rows)
    values = _values(case, scenarios)
    per_hectare = np.where(
        method.young, values.replacement, np.where(method.growing, values.harvest, values.residual)
    )
    compensation = compensation_value(where_known(case.number("compensation_paid"), 0.0), scenarios["multiple"])
    whole = np.where(method.public, compensation, np.maximum(0.0, case.number("area") * per_hectare))
    known = ~np.isnan(whole[0])
    low, central, high = ranged(where_known(whole, 0.0))
    return Appraisal(low, central, high, method.codes(), _steps(case, method, values), known)


@dataclass(frozen=True, slots=True)
class _Methods:
    """Which rows take which method; the rest takes the residual method."""

    public: Bools
    young: Bools
    growing: Bools

    def codes(self) -> np.typing.NDArray[np.object_]:
        codes = np.full(len(self.public), "residual", dtype=object)
        codes[self.growing] = "harvest_present_value"
        codes[self.young] = "replacement_cost"
        codes[self.public] = "compensation"
        return codes


def _methods(case: Case) -> _Methods:
    group, public = case.facts["group"], np.equal(case.facts["public"], 1.0)
    return _Methods(public, np.equal(group, 0.0) & ~public, np.greater(group, 0.0) & np.less(group, 3.0) & ~public)


def _rule(case: Case, name: str) -> float:
    return case.rules.number(f"{RULES}.{name}")


def _span(case: Case, name: str) -> Span:
    return Span(*case.rules.span(f"{RULES}.{name}"))


def _around_one(spread: Floats | float) -> Span:
    return Span(1.0 - spread, 1.0, 1.0 + spread)


def _spans(case: Case) -> dict[str, Span]:
    """Uncertain parameters: as stated with a spread, or the rulebook's estimate with its range."""
    guess = _rule(case, "estimate_spread")
    price = np.where(_stated(case, "log_price", "composite_price"), _rule(case, "price_spread"), guess)
    outturn = np.where(_stated(case, "log_outturn", "composite_outturn"), 0.0, guess)
    cost = given_or(case.number("operating_cost"), _span(case, "operating_cost"), _rule(case, "cost_spread"))
    return {
        "price": _around_one(price),
        "outturn": _around_one(outturn),
        "stock": around(case.number("stock_per_area"), _rule(case, "stock_spread")),
        "cost": cost,
        "tax": given_or(case.number("sales_tax"), _span(case, "sales_tax"), 0.0),
        "profit": _span(case, "profit_rate"),
        "rate": _span(case, "investment_rate"),
        "growth": _around_one(_rule(case, "growth_spread")),
        "annual_cost": _span(case, "annual_cost"),
        "establishment": _around_one(_rule(case, "establishment_spread")),
        "survival": given_or(case.number("survival"), _span(case, "survival_estimate"), 0.0),
        "multiple": _multiple(case),
        "height": given_or(_height_factor(case, case.facts["age"]), _span(case, "height_estimate"), 0.0),
    }


def _multiple(case: Case) -> Span:
    """Multiple of compensation income: the careful local rule, up to the highest one met."""
    multiple, highest = (case.rules.number(f"{RULES}.compensation_multiple{end}") for end in ("", "_high"))
    return Span(multiple, multiple, max(multiple, highest))


def _stated(case: Case, *names: str) -> Bools:
    """True where all the fields named are stated."""
    stated = np.ones(case.rows, dtype=bool)
    for name in names:
        stated = stated & ~np.isnan(case.number(name))
    return stated


def _height_factor(case: Case, age: Floats) -> Floats:
    """K2 of a young stand: mean height over the reference height of its age; NaN where not measured."""
    height = case.number("mean_height")
    reference = case.facts["height_growth"] * np.maximum(age, 1.0)
    factor = quality_ratio(height, reference, highest=case.rules.number(f"{RULES}.quality_highest"))
    return np.where(np.isnan(height), np.nan, factor)


@dataclass(frozen=True, slots=True)
class _Values:
    """Values per hectare by each method and the figures on the way, shape (scenarios, n)."""

    revenue: Floats
    operating: Floats
    residual: Floats
    harvest: Floats
    replacement: Floats
    quality: Floats
    young_quality: Floats
    felling_income: Floats


def _values(case: Case, s: Figures) -> _Values:
    rules, f = case.rules, case.facts
    per_m3 = _revenue_per_cubic_metre(case, s)
    cost_per_m3 = _outturn(case, s) * s["cost"]
    revenue, operating = s["stock"] * per_m3, s["stock"] * cost_per_m3
    net_per_m3 = stumpage(per_m3, cost_per_m3, tax_rate=s["tax"], profit_rate=s["profit"])
    level, slope = f["growth_level"], f["growth_slope"]
    stock_at = {moment: reference_stock(f[moment], level=level, slope=slope) for moment in ("age", "age_mature")}
    highest = rules.number(f"{RULES}.quality_highest")
    quality = quality_ratio(s["stock"], stock_at["age"], highest=highest)
    felling_income = net_per_m3 * stock_at["age_mature"] * s["growth"]
    years = f["age_mature"] - f["age"]
    young = survival_factor(
        s["survival"], standard=rules.number(f"{RULES}.survival_standard"),
        failed=rules.number(f"{RULES}.survival_failed"),
    ) * s["height"]
    return _Values(
        revenue, operating,
        stumpage(revenue, operating, tax_rate=s["tax"], profit_rate=s["profit"]),
        harvest_present_value(felling_income, s["annual_cost"], quality=quality, rate=s["rate"], years=years),
        replacement_cost(
            [c * s["establishment"] for c in rules[f"{RULES}.establishment_costs"]], s["annual_cost"],
            age=np.maximum(f["age"], 1.0), quality=young, rate=s["rate"],
        ),
        quality, young, felling_income,
    )


def _outturn(case: Case, s: Figures) -> Floats:
    """Outturn of logs and composite timber together, part of the standing volume."""
    return (_stated_or_usual(case, "log_outturn") + _stated_or_usual(case, "composite_outturn")) * s["outturn"]


def _stated_or_usual(case: Case, name: str) -> Floats:
    return where_known(case.number(name), case.facts[name])


def _revenue_per_cubic_metre(case: Case, s: Figures) -> Floats:
    """Sales from one m3 of standing volume, CNY/m3."""
    return timber_revenue(
        s["price"] * s["outturn"], _stated_or_usual(case, "log_outturn"), log_price=_stated_or_usual(case, "log_price"),
        composite_outturn=_stated_or_usual(case, "composite_outturn"),
        composite_price=_stated_or_usual(case, "composite_price"),
    )


def _steps(case: Case, method: _Methods, values: _Values) -> tuple[Step, ...]:
    """Steps of the central case; whole-pledge amounts, NaN where the method does not use them."""
    area = case.number("area")
    residual = ~(method.public | method.young | method.growing)
    costs = values.operating[0] + _tax(case) * values.revenue[0]
    return (
        Step("age", "林龄", "stand age", "year", case.facts["age"]),
        Step("revenue", "木材销售收入", "sales of timber", "CNY", _on(residual, area * values.revenue[0])),
        Step("costs", "经营成本与税费", "operating cost and taxes", "CNY", _on(residual, area * costs)),
        Step("profit", "正常利润", "normal profit", "CNY",
             _on(residual, area * costs * case.rules.number(f"{RULES}.profit_rate"))),
        Step("residual_value", "倒算价值", "residual value", "CNY", _on(residual, area * values.residual[0])),
        Step("quality", "林分质量系数 K", "quality factor K", "ratio",
             _on(method.growing | method.young, np.where(method.young, values.young_quality[0], values.quality[0]))),
        Step("felling_income", "主伐时每公顷净收入", "net income at felling per hectare", "CNY/ha",
             _on(method.growing, values.felling_income[0])),
        Step("years_to_felling", "距主伐年数", "years to felling", "year",
             _on(method.growing, case.facts["age_mature"] - case.facts["age"])),
        Step("harvest_value", "收获现值", "harvest present value", "CNY",
             _on(method.growing, area * values.harvest[0])),
        Step("replacement_value", "重置成本", "replacement cost", "CNY",
             _on(method.young, area * values.replacement[0])),
        Step("compensation", "上年补偿收入", "compensation of the last year", "CNY/year",
             _on(method.public, case.number("compensation_paid"))),
    )


def _on(rows: Bools, amount: Floats) -> Floats:
    return np.where(rows, amount, np.nan)


def _tax(case: Case) -> Floats:
    return where_known(case.number("sales_tax"), case.rules.number(f"{RULES}.sales_tax"))
