"""Haircuts and loan-to-value cap of an order: what makes a borrowing base of the appraisal.

Every haircut is the part of the base before it that is lost, so that in order they lead from the value to the base:
advance rates, dilution, slow government payer, default of the buyer, reserves. Reserves are claims of others that are
met before the lender (rent, wages, tax). They lower what may be lent and not what the claim and the goods are worth,
nor what their sale brings, so they are a haircut, the last one, and no part of the appraisal.
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats, is_yes, where_known
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Haircut
from eco_credit.valuation.kinds.order.facts import RULES
from eco_credit.valuation.methods.order import better_base, net_base


def _base(rate: Floats, case: Case, value: Appraisal) -> Floats:
    """Base at an advance rate on the claim, CNY."""
    worth = value.figure("goods_value")
    return better_base(
        value.figure("claim"), value.figure("goods"), claim_rate=rate, goods_rate=case.facts["goods_rate"],
        whole_goods=case.facts["undelivered"] * worth,
    )


def _lost(before: Floats, after: Floats) -> Floats:
    """Part of an amount that is lost, 0 where there was none."""
    return np.where(before > 0.0, 1.0 - after / np.where(before > 0.0, before, 1.0), 0.0)


def rates(case: Case) -> tuple[Floats, Floats, Floats, Floats]:
    """Advance rate on the claim: plain, after dilution, after the slow government payer, after the buyer's default.

    The value of a receivable is net of the expected loss on its buyer already, which is not taken twice.
    """
    diluted = case.facts["diluted_advance"]
    slow = diluted * (1.0 - case.facts["government"] * case.rules.number(f"{RULES}.government_payer"))
    in_value = is_yes(case.facts["receivable"])
    return case.facts["advance"], diluted, slow, slow * (1.0 - np.where(in_value, 0.0, case.facts["buyer_credit"]))


def _advance(case: Case, value: Appraisal) -> Floats:
    return _lost(value.figure("right_value"), _base(rates(case)[0], case, value))


def _step(place: int, case: Case, value: Appraisal) -> Floats:
    """Part of the base lost when the rate goes from one to the next."""
    chain = rates(case)
    return _lost(_base(chain[place - 1], case, value), _base(chain[place], case, value))


def _reserves(case: Case, value: Appraisal) -> Floats:
    """Reserves as a part of the base; the base grows with contracted flows as the value does."""
    base = _base(rates(case)[-1], case, value)
    right = value.figure("right_value")
    scaled = base * np.where(right > 0.0, value.central / np.where(right > 0.0, right, 1.0), 0.0)
    reserves = where_known(case.number("reserves"), 0.0) * case.rules.number(f"{RULES}.reserves_first")
    return _lost(scaled, net_base(scaled, np.zeros(case.rows), reserves=reserves))


HAIRCUTS = (
    Haircut("advance", "预付比例", "advance rates of claim and goods", f"{RULES}.advance", _advance),
    Haircut("dilution", "稀释(退货抵扣)", "dilution above tolerance", f"{RULES}.dilution_tolerated",
            lambda case, value: _step(1, case, value)),
    Haircut("government_payer", "政府付款迟延", "slow government payer", f"{RULES}.government_payer",
            lambda case, value: _step(2, case, value)),
    Haircut("buyer_credit", "买方信用", "default of the buyer", f"{RULES}.buyer_credit",
            lambda case, value: _step(3, case, value)),
    Haircut("reserves", "准备(优先支出)", "reserves for what is paid before the lender", f"{RULES}.reserves_first",
            _reserves),
)  # fmt: skip


def cap(case: Case, _: Appraisal) -> Floats:
    """Highest advance of all, shape (n,)."""
    return np.full(case.rows, case.rules.number(f"{RULES}.ltv"))
