"""The yearly account of the party whose books these are: payout, subrogation, costs, fee that breaks even, fee it gets.

The client's fee goes to the guarantor. Re-guarantor and national fund live on the re-guarantee fee the guarantor pays
them; bank and government get no fee for what they bear.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eco_credit.core.numbers import PROBABILITY_DECIMALS, rounded
from eco_credit.portfolio.balances import RE_GUARANTEE, party_shares
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.guarantee import break_even_fee, present_recovery, re_guarantee_fee
from eco_credit.portfolio.rounding import yuan
from eco_credit.portfolio.terms import GuaranteeTerms
from eco_credit.rulebook import RuleSet

GUARANTOR = "guarantor"


def re_guarantee_fees(book: Exposures, terms: GuaranteeTerms, rules: RuleSet, parties: Sequence[str]) -> float:
    """Yearly re-guarantee fee of the parties named: rate by ticket on the share they bear, yuan."""
    shares, count = party_shares(book, terms), len(book.exposure)
    balance = sum((shares[party] for party in parties), np.zeros(count)) * book.exposure * terms.cover
    names = ("reguarantee_fee_small", "reguarantee_fee_large")
    rates = [rules.number(f"portfolio.guarantee.{name}") for name in names]
    small, large = rates if terms.re_guarantee_fee_rate is None else [terms.re_guarantee_fee_rate] * 2
    is_small = book.exposure <= rules.number("portfolio.guarantee.small_ticket_max")
    return float(np.sum(re_guarantee_fee(balance, small=small, large=large, is_small=is_small)))


def _fees(book: Exposures, terms: GuaranteeTerms, rules: RuleSet, balance: dict[str, float]) -> dict[str, float]:
    """Fee income, fee paid on to the re-guarantors, subsidy and the balance the fee is charged on, yuan."""
    if terms.bearer == GUARANTOR:
        covered = balance["covered"]
        paid, aid = re_guarantee_fees(book, terms, rules, RE_GUARANTEE), covered * terms.subsidy_rate
        return {"income": covered * terms.fee_rate, "re": paid, "subsidy": aid, "base": covered}
    own = re_guarantee_fees(book, terms, rules, [terms.bearer]) if terms.bearer in RE_GUARANTEE else 0.0
    return {"income": own, "re": 0.0, "subsidy": 0.0, "base": balance["borne"]}


def bearer_account(
    book: Exposures, terms: GuaranteeTerms, *, rules: RuleSet, balance: dict[str, float], payout: float, need: float
) -> dict[str, float]:
    """Yearly account of the bearer.

    Args:
        book: the loans.
        terms: the agreement.
        rules: rules in force.
        balance: balances of the portfolio, yuan: ``covered`` and ``borne`` are read.
        payout: expected payout of the bearer, yuan.
        need: capital behind its balance, yuan.

    Returns:
        Money in yuan, rates as ratios; ``fee_base`` is the balance the fee rates are parts of: the covered balance for
        the guarantor, the balance borne for the others.
    """
    fees, borne = _fees(book, terms, rules, balance), balance["borne"]
    recovered = float(
        present_recovery(payout, terms.recovery_rate, months=terms.recovery_months, discount=terms.discount_rate)
    )
    countered = payout * terms.counter_guarantee_rate
    operating, capital = borne * terms.operating_cost_rate, need * terms.capital_cost_rate
    fee = break_even_fee(
        payout, recovered + countered, operating_cost=operating, capital_cost=capital, re_guarantee=fees["re"],
        subsidy=fees["subsidy"],
    )  # fmt: skip
    cap, most = borne * terms.payout_cap, rules.number("portfolio.guarantee.fee_rate_max")
    return {
        "expected_payout": yuan(payout),
        "payout_rate": _part(payout, borne),
        "recovery_present_value": yuan(recovered),
        "counter_guarantee": yuan(countered),
        "net_loss": yuan(payout - recovered - countered),
        "re_guarantee_fee": yuan(fees["re"]),
        "subsidy": yuan(fees["subsidy"]),
        "operating_cost": yuan(operating),
        "capital_need": yuan(need),
        "capital_cost": yuan(capital),
        "break_even_fee": yuan(fee),
        "break_even_fee_rate": _part(fee, fees["base"]),
        "fee_base": yuan(fees["base"]),
        "fee_rate": _part(fees["income"], fees["base"]),
        "fee_rate_max": most,
        "fee_cap_gap": float(rounded(most - _part(fee, fees["base"]), PROBABILITY_DECIMALS)) if fees["base"] else 0.0,
        "fee_income": yuan(fees["income"]),
        "margin": yuan(fees["income"] - fee),
        "cap_share": _part(payout, cap),
    }


def _part(amount: float, whole: float) -> float:
    return float(rounded(amount / whole, PROBABILITY_DECIMALS)) if whole else 0.0
