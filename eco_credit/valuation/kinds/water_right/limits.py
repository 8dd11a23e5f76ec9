"""Haircuts and the loan-to-value ceiling of water rights."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Bools, Floats
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Haircut
from eco_credit.valuation.kinds.water_right.facts import RULES, with_works

_COUNTS_SALEABLE = ("comparison", "lease", "conversion_cost")
"""Methods that count no more than may be transferred."""


PRICE_RISK = "valuation.price_risk.water_haircut"


def _ratio_where(rule: str, holds: Bools, case: Case) -> Floats:
    return np.where(holds, case.rules.number(f"{RULES}.{rule}"), 0.0)


def _renewal(case: Case, value: Appraisal) -> Floats:
    """Part of the value that rests on a renewal not yet granted."""
    worth = value.central > 0.0
    part = np.where(worth, value.figure("renewal_value") / np.where(worth, value.central, 1.0), 0.0)
    return part * case.rules.number(f"{RULES}.renewal_reliance")


def _unsold(case: Case, value: Appraisal) -> Floats:
    """Only saved water may be sold; some methods already count nothing else, and works carry their water."""
    counted = np.minimum(case.facts["permit"], case.facts["usable"])
    share = np.minimum(1.0, case.facts["sellable"] / np.where(counted > 0.0, counted, 1.0))
    by_use = ~with_works(case) & ~np.isin(value.approach, _COUNTS_SALEABLE)
    return np.where(by_use, (1.0 - share) * case.rules.number(f"{RULES}.not_transferable"), 0.0)


def _dry_years(case: Case, _: Appraisal) -> Floats:
    """The ratio by purpose, less what a stated guarantee rate has already taken off the volume."""
    left = case.facts["guaranteed"]
    usual = 1.0 - case.facts["dry_year"]
    return np.where(left > 0.0, np.maximum(0.0, 1.0 - usual / np.where(left > 0.0, left, 1.0)), 0.0)


HAIRCUTS = (
    Haircut("legal_certainty", "法律确定性", "not named among pledgeable rights", f"{RULES}.legal_certainty",
            lambda case, _: _ratio_where("legal_certainty", np.ones(case.rows, dtype=bool), case)),
    Haircut("price_risk", "水权价格波动", "fall of the price of water rights", PRICE_RISK,
            lambda case, value: np.where(
                np.not_equal(value.approach, "hydropower"), case.rules.number(PRICE_RISK), 0.0)),
    Haircut("renewal", "未获批的延续", "renewal not yet granted", f"{RULES}.renewal_reliance", _renewal),
    Haircut("not_transferable", "不可转让水量", "water that may not be sold", f"{RULES}.not_transferable", _unsold),
    Haircut("allocation", "干旱年配水", "dry years", f"{RULES}.dry_year", _dry_years),
    Haircut("over_drawn", "超载区", "over-drawn area", f"{RULES}.over_drawn",
            lambda case, _: _ratio_where("over_drawn", case.yes("over_drawn"), case)),
    Haircut("metering", "未在线计量", "not metered", f"{RULES}.not_metered",
            lambda case, _: _ratio_where("not_metered", ~case.yes("metered"), case)),
)  # fmt: skip


def cap(case: Case, _: Appraisal) -> Floats:
    """Loan-to-value ceiling, shape (n,)."""
    return np.full(case.rows, case.rules.number(f"{RULES}.ltv"))
