"""Methods by a deal: comparison with one, adjusted, and the cost of a conversion of water."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.valuation.approach import Approach, Figures, Step
from eco_credit.valuation.case import Case
from eco_credit.valuation.kinds.water_right.inputs import (
    ANNUITY,
    DELIVERY,
    INCOME_STEP,
    SELLABLE,
    SHARE_STEPS,
    TERM,
    VALUE_STEPS,
    delivered,
    price,
    shares,
    stated,
    valued,
    volume_step,
)
from eco_credit.valuation.kinds.water_right.margin import SOURCE
from eco_credit.valuation.methods.water import annualised, conversion_price
from eco_credit.valuation.methods.water_delivery import delivered_volume
from eco_credit.valuation.parameter import Parameter

_UNIT_VALUE = ("unit_value", "单方年价", "price of one m3 in a year", "CNY/m3")


def _lump(case: Case) -> Floats:
    return np.where(case.is_one_of("deal_basis", ["lump_sum"]), 1.0, 0.0)


def _for_years(case: Case) -> Floats:
    return np.where(case.yes("deal_perpetual"), 0.0, 1.0)


def _rated(case: Case) -> Floats:
    """1.0 where the reliability of the deal's right is known, so that its price is a price of entitlement."""
    return np.where(case.number("deal_reliability") > 0.0, 1.0, 0.0)


def _comparison(f: Figures) -> Figures:
    found = shares(f)
    # an entitlement price already holds the deal's own dry years: the volume is then the entitlement, and the price
    # carries the ratio of the two reliabilities
    volume = delivered_volume(f["permit"], np.maximum(found["allocation"], f["rated"]), limit=f["sellable"])
    reliability = np.where(f["rated"] > 0.0, found["allocation"] / f["deal_reliability"], 1.0)
    bought = np.where(f["for_years"] > 0.0, f["deal_years"], np.inf)
    yearly = np.where(f["lump"] > 0.0, annualised(f["deal_price"], rate=f["rate"], years=bought), f["deal_price"])
    unit = yearly * reliability * f["deal_factor"]
    return found | {"volume": volume, "reliability": reliability, "yearly_price": yearly, "unit_value": unit} | valued(
        f, volume * unit
    )  # fmt: skip


COMPARISON = Approach(
    "comparison", "市场比较法(年价折算)", "comparison with a deal, annualised", SOURCE,
    (*DELIVERY, SELLABLE, price("deal_price", "成交价", "price of the deal"),
     Parameter("lump", "一次性价款", "paid at once", "boolean", derive=_lump),
     Parameter("for_years", "有限年期", "for a number of years", "boolean", derive=_for_years),
     Parameter("deal_years", "成交年限", "years of the deal", "year",
               derive=lambda case: stated(case, "deal_years", 1.0)),
     Parameter("rated", "成交可靠性已知", "reliability of the deal known", "boolean", derive=_rated),
     Parameter("deal_reliability", "成交水权可靠性", "reliability of the deal's right", "ratio",
               derive=lambda case: np.where(_rated(case) > 0.0, case.number("deal_reliability"), 1.0)),
     Parameter("deal_factor", "行业与水质系数", "factor for sector and quality", "ratio",
               derive=lambda case: stated(case, "deal_factor", 1.0)), *TERM),
    _comparison,
    (*SHARE_STEPS,
     Step("volume", "计价水量", "volume counted", "m3/year", "q = min(W E[a], q_s); q_s where the deal is rated",
          "min({permit} × max({allocation}, {rated}), {sellable})"),
     Step("deal_price", "成交价", "price of the deal", "CNY/m3"),
     Step("yearly_price", "折算年价", "yearly price of the lump sum", "CNY/m3", "p = L r / [1 − (1+r)^−N]",
          "{deal_price} × {rate} ÷ (1 − {for_years} × (1 + {rate}) ^ (−{deal_years}))", when="lump"),
     Step("reliability", "可靠性修正", "ratio of reliabilities", "ratio", "E[a] / R₀",
          "{allocation} ÷ {deal_reliability}", when="rated"),
     Step(*_UNIT_VALUE, "b = p k_R k", "{yearly_price} × {reliability} × {deal_factor}"),
     INCOME_STEP, *VALUE_STEPS),
)  # fmt: skip


def converted_volume(case: Case) -> Floats:
    """Volume the works set free in a year, m3: the saved volume, else what may be transferred."""
    saved = case.number("saved_volume")
    return np.where(np.isnan(saved), case.number("transferable_volume"), saved)


def _conversion(f: Figures) -> Figures:
    found = delivered(f, "sellable")
    simple = conversion_price(f["conversion_cost"], f["converted"], years=f["conversion_years"])
    unit = annualised(simple * f["conversion_years"], rate=f["rate"], years=f["conversion_years"])
    return found | {"conversion_price": simple, "unit_value": unit} | valued(f, found["volume"] * unit)


CONVERSION_COST = Approach(
    "conversion_cost", "成本法(水权转换)", "cost of the conversion, annualised", SOURCE,
    (*DELIVERY, SELLABLE,
     price("conversion_cost", "转换总费用", "cost of the conversion", unit="CNY"),
     Parameter("converted", "转换水量", "volume set free", "m3/year", derive=converted_volume),
     Parameter("conversion_years", "转换年限", "years the works serve", "year", field="conversion_years"), *TERM),
    _conversion,
    (*SHARE_STEPS, volume_step("sellable"),
     Step("conversion_price", "单方转换费(不计息)", "cost of one m3 and year without interest", "CNY/m3", "C / (q_c N)",
          "{conversion_cost} ÷ ({converted} × {conversion_years})"),
     Step(*_UNIT_VALUE, "p = C/q_c r / [1 − (1+r)^−N]",
          "{conversion_price} × {conversion_years} ÷ (" + ANNUITY % "{conversion_years}" + ")"),
     INCOME_STEP, *VALUE_STEPS),
)  # fmt: skip
