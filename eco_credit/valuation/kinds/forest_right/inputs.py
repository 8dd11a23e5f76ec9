"""The parameters the forest methods share."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats, where_known
from eco_credit.valuation.approach import Figures
from eco_credit.valuation.case import Case
from eco_credit.valuation.kinds.forest_right.facts import RULES, is_object
from eco_credit.valuation.kinds.forest_right.stand_growth import growth_ends
from eco_credit.valuation.methods.forest import quality_ratio, stumpage, survival_factor, timber_revenue
from eco_credit.valuation.parameter import Parameter


def _rule(name: str) -> str:
    return f"{RULES}.{name}"


def fact(name: str, zh: str, en: str, unit: str) -> Parameter:
    """A figure the kind has worked out; certain."""
    return Parameter(name, zh, en, unit, derive=lambda case: case.facts[name])


def rate(name: str = "investment_rate") -> Parameter:
    """The real rate of return P, by the rule for this sort of forest or land."""
    return Parameter("rate", "投资收益率 P", "real rate of return P", "ratio", rule=_rule(name), lowest=0.001)


def income(name: str, zh: str, en: str, field: str | None = None) -> Parameter:
    """A stated net income of one year and hectare; all incomes move together."""
    return Parameter(name, zh, en, "CNY/ha/year", field=field or name, spread=_rule("income_spread"), driver="income")


AREA = Parameter(
    "area", "计价面积", "area valued", "ha",
    derive=lambda case: where_known(case.number("effective_area"), case.number("area")),
)
STOCK = Parameter(
    "stock", "每公顷蓄积", "standing stock", "m3/ha", field="stock_per_area", spread=_rule("stock_spread"),
    driver="stock",
)
TIMBER = (
    Parameter("log_price", "规格材价格", "price of logs", "CNY/m3", field="log_price", rule=_rule("log_price"),
              spread=_rule("price_spread"), table_spread=_rule("estimate_spread"), driver="price"),
    Parameter("composite_price", "非规格材价格", "price of composite timber", "CNY/m3", field="composite_price",
              rule=_rule("composite_price"), spread=_rule("price_spread"), table_spread=_rule("estimate_spread"),
              driver="price"),
    Parameter("log_outturn", "规格材出材率", "outturn of logs", "ratio", field="log_outturn",
              rule=_rule("log_outturn"), table_spread=_rule("estimate_spread"),
              driver="outturn", highest=1.0),
    Parameter("composite_outturn", "非规格材出材率", "outturn of composite timber", "ratio",
              field="composite_outturn", rule=_rule("composite_outturn"),
              table_spread=_rule("estimate_spread"), driver="outturn", highest=1.0),
    Parameter("cost", "每立方米出材经营成本", "cost of felling and selling", "CNY/m3", field="operating_cost",
              rule=_rule("operating_cost"), spread=_rule("cost_spread"), driver="cost"),
    Parameter("tax", "销售税费率", "taxes and fees on sales", "ratio", field="sales_tax", rule=_rule("sales_tax"),
              highest=1.0),
    Parameter("profit_rate", "正常利润率", "normal profit", "ratio", rule=_rule("profit_rate"), driver="profit"),
    Parameter("tax_share", "利润基数含税费", "taxes in the base of the profit", "ratio",
              derive=lambda case: one(case, "profit_tax_share")),
)  # fmt: skip
GROWTH = Parameter(
    "growth", "生长系数", "factor on the growth still to come", "ratio", derive=lambda case: np.ones(1),
    ends=growth_ends,
)
ANNUAL_COST = Parameter(
    "annual_cost", "年管护与地租", "tending and rent of a year", "CNY/ha/year", rule=_rule("annual_cost"),
)
LAND = (
    Parameter("land_rent", "林地年租金", "rent of the land", "CNY/ha/year",
              derive=lambda case: np.where(is_object(case, "stand_and_land"),
                                           where_known(case.number("land_rent"), 0.0), 0.0)),
    Parameter("land_rate", "林地收益率", "rate of return on land", "ratio", rule=_rule("investment_rate_land"),
              driver="land_rate", lowest=0.001),
    fact("right_years", "权利剩余年限", "years of the right left", "year"),
)  # fmt: skip


def one(case: Case, name: str) -> Floats:
    """A number of the rulebook as a column of one."""
    return np.array([case.rules.number(_rule(name))])


def young_quality(case: Case) -> Floats:
    """K1 of a young stand, from survival by the local planting standard; NaN where survival is not stated."""
    survival = case.number("survival")
    standard = where_known(case.number("survival_standard"), case.rules.number(_rule("survival_standard")))
    factor = survival_factor(survival, standard=standard, failed=case.rules.number(_rule("survival_failed")))
    return np.where(np.isnan(survival), np.nan, factor)


def height_factor(case: Case) -> Floats:
    """K2 of a young stand: mean height over the reference height of its age; NaN where not measured."""
    reference = where_known(
        case.number("reference_height"), case.facts["height_growth"] * np.maximum(case.facts["age"], 1.0)
    )
    return _measured(case, "mean_height", reference)


def diameter_factor(case: Case) -> Floats:
    """K2 of a grown stand: mean over reference diameter; 1 where one of them is not stated."""
    return where_known(_measured(case, "dbh", case.number("reference_dbh")), 1.0)


def _measured(case: Case, field: str, reference: Floats) -> Floats:
    actual = case.number(field)
    factor = quality_ratio(actual, reference, highest=case.rules.number(_rule("quality_highest")))
    return np.where(np.isnan(actual) | np.isnan(reference), np.nan, factor)


def net_per_cubic_metre(f: Figures) -> Floats:
    """Net income from one m3 of standing stock, CNY: sales less costs, taxes and normal profit."""
    one_m3 = np.ones((1, 1))
    revenue = timber_revenue(
        one_m3, f["log_outturn"], log_price=f["log_price"], composite_outturn=f["composite_outturn"],
        composite_price=f["composite_price"],
    )
    return stumpage(
        revenue, (f["log_outturn"] + f["composite_outturn"]) * f["cost"],
        tax_rate=f["tax"], profit_rate=f["profit_rate"], tax_share=f["tax_share"],
    )
