"""Product order (产品订单): the claim on a buyer and the goods behind it, lent on by a borrowing base.

The appraisal is what the claim and the goods are worth after the ineligible amounts, the stage and the performance
risk. Advance rates, dilution and reserves are haircuts, so the lending value is the borrowing base.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eco_credit.core.numbers import Bools, Columns, Floats, is_yes
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Kind
from eco_credit.valuation.kinds.order.approaches import APPROACHES, choose
from eco_credit.valuation.kinds.order.facts import RULES, facts
from eco_credit.valuation.kinds.order.flags import FLAGS
from eco_credit.valuation.kinds.order.gates import GATES
from eco_credit.valuation.kinds.order.limits import HAIRCUTS, cap
from eco_credit.valuation.kinds.order.remarks import CONDITIONS, REASONS

__all__ = ["KIND"]


def _saleable(_: Case) -> Mapping[str, Floats]:
    """An order sells its own products: nothing is taken off beyond the table."""
    return {}


def _receivable(case: Case) -> Bools:
    """A receivable of trade, of at most a year, on a buyer that is not related (BCBS d424, IRB paragraphs 291-293)."""
    days = case.day("due_on") - case.day("invoice_on")
    known = ~np.isnat(days)
    short = known & (np.where(known, days, np.timedelta64(0, "D")) <= np.timedelta64(365, "D"))
    return is_yes(case.facts["receivable"]) & short & ~case.yes("related")


def _features(case: Case, _: Appraisal) -> Columns:
    return {
        "order_buyer_rating": case.number("buyer_rating"),
        "order_top_buyer": case.facts["top_buyer"],
        "order_confirmed": case.number("buyer_confirmed"),
        "order_past_due": case.number("past_due"),
        "order_dilution": case.facts["dilution"],
        "order_stage": case.facts["stage"],
    }


KIND = Kind(
    name="order", zh="产品订单", en="product order", rules=RULES, approaches=APPROACHES, facts=facts, choose=choose,
    gates=GATES, flags=FLAGS, haircuts=HAIRCUTS, cap=cap, right_months=lambda case: case.months_left("due_on"),
    saleable=_saleable, reasons=REASONS, conditions=CONDITIONS, features=_features, key=("order_no", "buyer_id"),
    stresses=("price_20", "drought", "buyer_default"), concentration="buyer_id", receivable=_receivable,
    keep=("claim", "goods", "goods_value", "right_value"),
)  # fmt: skip
