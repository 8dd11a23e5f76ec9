"""Methods for a stand that is felled once: residual value, market comparison, harvest present value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eco_credit.core.numbers import Floats, where_known
from eco_credit.valuation.approach import VALUE, Approach, CashFlow, Figures, Step
from eco_credit.valuation.case import Case
from eco_credit.valuation.kinds.forest_right.facts import RULES
from eco_credit.valuation.kinds.forest_right.felling_age import CHECKS
from eco_credit.valuation.kinds.forest_right.inputs import (
    ANNUAL_COST,
    AREA,
    GROWTH,
    STOCK,
    TIMBER,
    diameter_factor,
    fact,
    net_per_cubic_metre,
    one,
    rate,
)
from eco_credit.valuation.kinds.forest_right.stand_growth import mature_stock, stock_then
from eco_credit.valuation.methods.forest import (
    harvest_present_value,
    quality_ratio,
    stumpage,
    timber_revenue,
    with_thinning,
)
from eco_credit.valuation.methods.forest_income import liquidation_factor
from eco_credit.valuation.parameter import Parameter

NORM = "lyt2407-2015"


def _residual(f: Figures) -> Figures:
    volume = f["area"] * f["stock"]
    revenue = timber_revenue(
        volume, f["log_outturn"], log_price=f["log_price"], composite_outturn=f["composite_outturn"],
        composite_price=f["composite_price"],
    )
    operating = volume * (f["log_outturn"] + f["composite_outturn"]) * f["cost"]
    taxes = f["tax"] * revenue
    standing = stumpage(
        revenue, operating, tax_rate=f["tax"], profit_rate=f["profit_rate"], tax_share=f["tax_share"]
    )
    costs = operating + taxes
    found = {"volume": volume, "revenue": revenue, "operating": operating, "taxes": taxes, "costs": costs,
             "profit": f["profit_rate"] * (operating + f["tax_share"] * taxes), "standing": standing}  # fmt: skip
    if np.isnan(f["annual_cut"]).all():
        return found | {"cut_factor": np.ones((1, 1)), VALUE: standing}
    factor = liquidation_factor(volume, f["annual_cut"], rate=f["rate"])
    return found | {"cut_factor": factor, VALUE: standing * factor}


_VOLUME = Step("volume", "总蓄积", "standing stock of the parcel", "m3", "M = A m", "{area} × {stock}")
_RESIDUAL_STEPS = (
    Step("age", "林龄", "stand age", "year"),
    _VOLUME,
    Step("revenue", "木材销售收入", "sales of timber", "CNY", "W = M (f₁ p₁ + f₂ p₂)",
         "{volume} × ({log_outturn} × {log_price} + {composite_outturn} × {composite_price})"),
    Step("operating", "木材经营成本", "cost of felling and selling", "CNY", "O = M (f₁ + f₂) c",
         "{volume} × ({log_outturn} + {composite_outturn}) × {cost}"),
    Step("taxes", "销售税费", "taxes and fees", "CNY", "T = s W", "{tax} × {revenue}"),
    Step("costs", "经营成本与税费", "operating cost and taxes", "CNY", "C = O + T", "{operating} + {taxes}"),
    Step("profit", "正常利润", "normal profit", "CNY", "F = r (O + b T)",
         "{profit_rate} × ({operating} + {tax_share} × {taxes})"),
    Step("standing", "林木倒算价值", "residual value of the timber", "CNY", "E = W − C − F",
         "{revenue} − {costs} − {profit}"),
    Step("cut_factor", "年采伐限额折减", "part left by the allowable cut", "ratio",
         "[S Σ(1+P)^−t + r (1+P)^−m] / M", when="annual_cut"),
    Step("right_value", "林木评估值", "value of the timber", "CNY", "E q", "max(0, {standing} × {cut_factor})",
         when="annual_cut"),
)  # fmt: skip
_ANNUAL_CUT = Parameter("annual_cut", "年允许采伐量", "allowable cut of a year", "m3/year", field="annual_cut")
_AGE = fact("age", "林龄", "stand age", "year")



def _felled(f: Mapping[str, float]) -> list[CashFlow]:
    """Sales, costs and profit of a felling: today, or spread over the years the allowable cut takes."""
    years = max(1.0, f["volume"] / f["annual_cut"]) if f["annual_cut"] > 0.0 else 1.0
    return [
        CashFlow(0.0, f["revenue"] / years, "木材销售收入", "sales of timber", years),
        CashFlow(0.0, -f["costs"] / years, "经营成本与税费", "operating cost and taxes", years),
        CashFlow(0.0, -f["profit"] / years, "正常利润", "normal profit", years),
    ]


RESIDUAL = Approach(
    "residual", "木材市场价倒算法", "residual (market price less costs and profit)", NORM,
    (_AGE, AREA, STOCK, *TIMBER, _ANNUAL_CUT, rate()), _residual, _RESIDUAL_STEPS, _felled,
)


def _with_regeneration(f: Figures) -> Figures:
    found = _residual(f)
    again = f["area"] * f["regeneration_value"]
    return found | {"regeneration": again, VALUE: found[VALUE] + again}


RESIDUAL_WITH_REGENERATION = Approach(
    "residual_with_regeneration", "剩余法(含更新价值)", "residual with regeneration value", "appraiser-exams-2017-2022",
    (*RESIDUAL.parameters,
     Parameter("regeneration_value", "更新价值", "value of the regeneration", "CNY/ha", field="regeneration_value",
               spread=f"{RULES}.income_spread", driver="income")),
    _with_regeneration,
    (*_RESIDUAL_STEPS,
     Step("regeneration", "更新价值合计", "value of the regeneration in all", "CNY", "A g",
          "{area} × {regeneration_value}"),
     Step("right_value", "含更新价值合计", "timber and regeneration", "CNY", "E + A g",
          "max(0, {standing} × {cut_factor} + {regeneration})")),
    _felled,
)  # fmt: skip


def _deals(case: Case) -> Floats:
    """Mean of the adjusted deal prices ``(1/N) sum K_i Kb_i G_i``; NaN with fewer deals than the rule asks for."""
    total, count = np.zeros(case.rows), np.zeros(case.rows)
    for i in (1, 2, 3):
        price = case.number(f"deal_price_{i}")
        adjusted = price * where_known(case.number(f"deal_factor_{i}"), 1.0)
        adjusted = adjusted * where_known(case.number(f"deal_index_{i}"), 1.0)
        total, count = total + where_known(adjusted, 0.0), count + ~np.isnan(price)
    enough = count >= case.rules.number(f"{RULES}.comparison_deals")
    return np.where(enough, total / np.where(count > 0.0, count, 1.0), np.nan)


def _comparison(f: Figures) -> Figures:
    volume = f["area"] * f["stock"]
    return {"volume": volume, VALUE: volume * f["deal"]}


COMPARISON = Approach(
    "comparison", "市场成交价比较法", "market comparison", NORM,
    (AREA, STOCK,
     Parameter("deal", "修正后成交均价", "mean of the adjusted deal prices", "CNY/m3", derive=_deals,
               spread=f"{RULES}.price_spread", driver="price")),
    _comparison,
    (_VOLUME, Step("deal", "修正后成交均价", "mean of the adjusted deal prices", "CNY/m3", "(1/N) Σ K Kb G"),
     Step("right_value", "比较法评估值", "value by comparison", "CNY", "E = M g", "{volume} × {deal}")),
)  # fmt: skip


def _thinning(case: Case) -> Floats:
    """Thinning income of the years to come compounded to the felling, CNY/ha; 0 where none is planned."""
    total, age = np.zeros(case.rows), case.facts["age"]
    felling = age + case.facts["felling_wait"]
    for i in (1, 2):
        at = case.number(f"thinning_age_{i}")
        income = np.where((at >= age) & (at <= felling), case.number(f"thinning_income_{i}"), 0.0)
        p = one(case, "investment_rate")
        total = with_thinning(total, where_known(income, 0.0), rate=p, years=where_known(felling - at, 0.0))
    return total


def _harvest(f: Figures) -> Figures:
    """K scales the income and never the costs; the growth driver scales the stock still to grow."""
    net = net_per_cubic_metre(f)
    own = quality_ratio(f["stock"], f["stock_now"], highest=f["quality_highest"])
    quality = np.minimum(own * f["diameter"], f["quality_highest"])
    income = net * f["mature_stock"] * f["growth"] + f["thinning"]
    due = {"quality": quality, "rate": f["rate"], "lag": f["lag"]}
    at_felling = harvest_present_value(income, f["annual_cost"], years=f["years_to_felling"], **due)
    early = f["years_to_felling"] - f["felling_wait"]
    if not np.any(early):
        at_end = at_felling
    else:
        # no more than at the felling age: earlier felling is not the holder's to choose
        sooner = net * f["stock_then"] * f["growth"] + f["thinning"]
        at_end = harvest_present_value(sooner, f["annual_cost"], years=f["felling_wait"], **due)
    per_hectare = np.minimum(at_felling, at_end)
    return {"net": net, "quality": quality, "felling_income": income, "at_felling": at_felling, "at_end": at_end,
            "early": early, "per_hectare": per_hectare, VALUE: f["area"] * per_hectare}  # fmt: skip


def _harvested(f: Mapping[str, float]) -> list[CashFlow]:
    income = f["area"] * f["quality"] * f["felling_income"]
    return [
        CashFlow(f["years_to_felling"] + f["lag"], income, "主伐净收入", "net income of the felling"),
        CashFlow(
            1.0, -f["area"] * f["annual_cost"], "年管护与地租", "tending and rent of a year", f["years_to_felling"]
        ),
    ]


HARVEST = Approach(
    "harvest_present_value", "收获现值法", "harvest present value", NORM,
    (_AGE, AREA, STOCK, *TIMBER, ANNUAL_COST, rate(),
     fact("stock_now", "标准林分现时蓄积", "stock of the reference stand today", "m3/ha"),
     Parameter("mature_stock", "标准林分主伐时蓄积", "stock of the reference stand at the felling age", "m3/ha",
               derive=mature_stock),
     Parameter("stock_then", "标准林分权利届满时蓄积", "stock of the reference stand when the right ends", "m3/ha",
               derive=stock_then),
     fact("felling_age", "主伐龄", "felling age", "year"),
     fact("years_to_felling", "距主伐年数", "years to the felling age", "year"),
     fact("felling_wait", "可采伐前年数", "years to the felling or to the end of the right", "year"),
     GROWTH,
     Parameter("diameter", "胸径系数 K2", "diameter factor K2", "ratio", derive=diameter_factor),
     Parameter("quality_highest", "K 上限", "highest K", "ratio", derive=lambda case: one(case, "quality_highest")),
     Parameter("lag", "收入滞后年数", "years the income comes late", "year",
               derive=lambda case: one(case, "timing_lag")),
     Parameter("thinning", "间伐收入终值", "thinning income at the felling", "CNY/ha", derive=_thinning)),
    _harvest,
    (Step("age", "林龄", "stand age", "year"),
     Step("quality", "林分质量系数 K", "quality factor K", "ratio", "K = M / M_n · K₂",
          "min({quality_highest}, {stock} ÷ {stock_now} × {diameter})"),
     Step("net", "每立方米蓄积净收入", "net income from a cubic metre standing", "CNY/m3",
          "w (1 − s − r b s) − c (f₁ + f₂)(1 + r),  w = f₁ p₁ + f₂ p₂",
          "({log_outturn} × {log_price} + {composite_outturn} × {composite_price}) × "
          "(1 − {tax} − {profit_rate} × {tax_share} × {tax}) − "
          "{cost} × ({log_outturn} + {composite_outturn}) × (1 + {profit_rate})"),
     Step("felling_income", "主伐时每公顷净收入", "net income at felling per hectare", "CNY/ha",
          "A_u = a M_u + D", "{net} × {mature_stock} × {growth} + {thinning}"),
     Step("years_to_felling", "距主伐年数", "years to the felling age", "year", "t = u − n"),
     Step("at_felling", "按主伐龄收获的每公顷现值", "present value per hectare, felled at the felling age", "CNY/ha",
          "K A_u (1+P)^−(t+g) − V [1 − (1+P)^−t] / P",
          "{quality} × {felling_income} × (1 + {rate}) ^ (−({years_to_felling} + {lag})) − "
          "{annual_cost} × (1 − (1 + {rate}) ^ (−{years_to_felling})) ÷ {rate}"),
     Step("at_end", "权利届满前收获的每公顷现值", "present value per hectare, felled when the right ends", "CNY/ha",
          "the same with t to the end of the right",
          "{quality} × ({net} × {stock_then} × {growth} + {thinning}) × (1 + {rate}) ^ (−({felling_wait} + {lag})) − "
          "{annual_cost} × (1 − (1 + {rate}) ^ (−{felling_wait})) ÷ {rate}", when="early"),
     Step("per_hectare", "每公顷收获现值", "harvest present value per hectare", "CNY/ha", "the lower of the two",
          "min({at_felling}, {at_end})", when="early"),
     Step("right_value", "收获现值", "harvest present value", "CNY", "E = A e", "max(0, {area} × {per_hectare})")),
    _harvested, checks=CHECKS,
)  # fmt: skip
