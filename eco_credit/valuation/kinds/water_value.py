"""Appraisal of a water right: hydropower income, comparison with a deal, stated income, or an estimate.

The right is worth its income over the term granted, and the chance of one renewal after it. A price
paid for ever or for a number of years is first turned into a yearly price at the same rate.
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Bools, Floats, is_yes, text, where_known
from eco_credit.core.units import MONTHS_PER_YEAR
from eco_credit.valuation.appraisal import Appraisal, Figures, Span, Step, around, one_at_a_time, ranged
from eco_credit.valuation.kind import Case
from eco_credit.valuation.methods.water import (
    annualised,
    energy_per_cubic_metre,
    hydropower_margin,
    renewal_value,
    term_income_value,
)

RULES = "valuation.water"
APPROACHES = {
    "hydropower": ("水电收益法", "hydropower income"),
    "comparison": ("市场比较法(年价折算)", "comparison with a deal, annualised"),
    "income": ("收益法", "income by stated net benefit"),
    "income_estimate": ("收益法(缺省单方效益)", "income by the rulebook's net benefit"),
}


_NAMED = {"rate": "discount_rate", "renewal": "renewal_chance", "tax": "hydropower_tax", "cost": "hydropower_cost"}


def appraise(case: Case) -> Appraisal:
    """Appraise water rights.

    Args:
        case: pledges of the contract ``water_right`` with the facts of the kind, n rows.

    Returns:
        The appraisal, CNY.
    """
    approach = _approach(case)
    scenarios = one_at_a_time(_spans(case, approach), case.rows)
    price, volume = _price(case, approach, scenarios), _volume(case, approach, scenarios["allocation"])
    years = _years(case)
    granted = term_income_value(volume, price, rate=scenarios["rate"], years=years)
    renewed = renewal_value(
        volume * price, probability=scenarios["renewal"], rate=scenarios["rate"], years=years,
        renewed=_renewed_years(case),
    )
    value = np.maximum(0.0, granted + renewed)
    known = ~np.isnan(value[0])
    low, central, high = ranged(where_known(value, 0.0))
    compared = np.equal(approach, "comparison")
    steps = (
        Step("deal_price", "成交价(每立方米年水权或每立方米)", "price of the deal, by its own basis", "CNY/m3",
             np.where(compared, case.number("deal_price"), np.nan)),
        Step("volume", "计价水量", "volume counted", "m3/year", volume[0]),
        Step("unit_value", "单方净收益(年价)", "net value of one m3 in a year", "CNY/m3", price[0]),
        Step("years_left", "剩余有效年限", "years left of the permit", "year", years),
        Step("granted_value", "有效期内价值", "value over the term granted", "CNY", granted[0]),
        Step("renewal_value", "延续期价值(计概率)", "value of one renewal by its chance", "CNY", renewed[0]),
    )
    return Appraisal(low, central, high, approach, steps, known)


def renewal_share(case: Case) -> Floats:
    """Part of the central value that rests on a renewal not yet granted, shape (n,).

    ``rho a_R d / (a_T + rho a_R d)`` with annuity factors a and the discount d of the term; the
    volume and the price cancel.
    """
    one, rate = np.ones(case.rows), np.full(case.rows, case.rules.number(f"{RULES}.discount_rate"))
    chance = np.full(case.rows, case.rules.number(f"{RULES}.renewal_chance"))
    granted = term_income_value(one, one, rate=rate, years=_years(case))
    renewed = renewal_value(one, probability=chance, rate=rate, years=_years(case), renewed=_renewed_years(case))
    whole = granted + renewed
    return np.where(whole > 0.0, renewed / np.where(whole > 0.0, whole, 1.0), 0.0)


def _approach(case: Case) -> np.typing.NDArray[np.object_]:
    """Hydropower where its figures are known, else a deal, else a stated margin, else the estimate."""
    approach = np.full(case.rows, "income_estimate", dtype=object)
    approach[~np.isnan(case.number("unit_margin"))] = "income"
    approach[_deal_known(case)] = "comparison"
    approach[is_yes(case.facts["hydropower"])] = "hydropower"
    return approach


def _deal_known(case: Case) -> Bools:
    """A deal price counts when its basis says how many years it buys."""
    lump_for_years = case.is_one_of("deal_basis", ["lump_sum"]) & (
        case.yes("deal_perpetual") | np.greater(case.number("deal_years"), 0.0))
    return ~np.isnan(case.number("deal_price")) & (case.is_one_of("deal_basis", ["per_year"]) | lump_for_years)


def _spans(case: Case, approach: np.typing.NDArray[np.object_]) -> dict[str, Span]:
    rules = case.rules
    wide, usual = rules.number(f"{RULES}.estimate_spread"), rules.number(f"{RULES}.margin_spread")
    spread = np.where(np.equal(approach, "income_estimate"), wide, usual)
    named = {name: Span(*rules.span(f"{RULES}.{rule}")) for name, rule in _NAMED.items()}
    allocation = around(np.clip(case.number("allocation"), 0.0, 1.0), rules.number(f"{RULES}.allocation_spread"))
    return named | {
        "price": Span(1.0 - spread, 1.0, 1.0 + spread),
        "allocation": Span(allocation.low, allocation.central, np.minimum(1.0, allocation.high)),
        "efficiency": _efficiency(case),
    }


def _efficiency(case: Case) -> Span:
    stated = case.number("efficiency")
    low, central, high = case.rules.span(f"{RULES}.efficiency")
    unknown = np.isnan(stated)
    return Span(np.where(unknown, low, stated), np.where(unknown, central, stated), np.where(unknown, high, stated))


def _price(case: Case, approach: np.typing.NDArray[np.object_], s: Figures) -> Floats:
    """Net value of one m3 delivered in one year, CNY/m3, by the approach of the row."""
    lump = np.equal(text(case.pledges, "deal_basis"), "lump_sum")
    bought = np.where(case.yes("deal_perpetual"), np.inf, where_known(case.number("deal_years"), 1.0))
    deal = case.number("deal_price")
    yearly = np.where(lump, annualised(deal, rate=s["rate"], years=bought), deal)
    power = hydropower_margin(
        energy_per_cubic_metre(s["efficiency"], case.number("head")), case.number("feed_in_price"),
        tax_rate=s["tax"], cost_rate=s["cost"],
    )
    stated = where_known(case.number("unit_margin"), case.facts["unit_margin"])
    found = np.where(np.equal(approach, "comparison"), yearly, stated)
    return s["price"] * np.where(np.equal(approach, "hydropower"), power, found)


def _volume(case: Case, approach: np.typing.NDArray[np.object_], allocation: Floats) -> Floats:
    """Volume counted, m3/year: what the allocation leaves of the permit, no more than was used, or may be sold."""
    delivered = case.number("annual_volume") * allocation
    bound = np.where(np.equal(approach, "comparison"), case.facts["sellable"], case.facts["used"])
    return np.minimum(delivered, bound)


def _years(case: Case) -> Floats:
    return np.maximum(0.0, case.months_left("valid_to") / MONTHS_PER_YEAR)


def _renewed_years(case: Case) -> Floats:
    return np.full(case.rows, case.rules.number(f"{RULES}.renewal_years"))
