"""Prudential view of a portfolio: credit loss by stage, risk-weighted assets beside the house's LGD, green balance.

For comparison, not for returns: the Chinese annexes were not readable and most ecological rights get no relief.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from eco_credit.core.numbers import rounded
from eco_credit.portfolio.balances import bearer_share
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.green import green_balance, green_tags
from eco_credit.portfolio.impairment import weighted_loss
from eco_credit.portfolio.relief import floored_pd, irb_weights, relief_view, retail_loans, star_lgd
from eco_credit.portfolio.terms import GuaranteeTerms
from eco_credit.rulebook import RuleSet


def prudential_view(
    book: Exposures, *, rules: RuleSet, day: dt.date, terms: GuaranteeTerms | None = None
) -> dict[str, Any] | None:
    """Expected credit loss, capital and green balance of a portfolio.

    Args:
        book: the loans.
        rules: rules in force.
        day: reporting day.
        terms: the guarantee, for what it takes off the bank's capital; None leaves that out.

    Returns:
        ``ecl`` (see `weighted_loss`), ``capital``, ``relief`` (see `relief_view`, None without terms), ``matured``
        (loans past their last day that still carry balance; None without a ledger) and ``green``; money in yuan.
        None without balance.
    """
    if not float(np.sum(book.exposure)) > 0.0:
        return None
    share = None if terms is None else bearer_share(book, terms)
    tags = green_tags(book.ledger, len(book.exposure), rules=rules)
    return {
        "ecl": weighted_loss(book, rules=rules, day=np.datetime64(day), share=share),
        "capital": capital_view(book, rules=rules),
        "relief": None if terms is None else relief_view(book, terms, rules),
        "matured": _matured(book, np.datetime64(day)),
        "green": green_balance(tags, book.exposure),
    }


def _matured(book: Exposures, day: np.datetime64) -> dict[str, float] | None:
    """Loans and balance of the ledger whose last day has passed: a list to check, not yet released."""
    if "due_on" not in book.ledger:
        return None
    past = (book.ledger["due_on"].astype("datetime64[D]") < day) & (book.exposure > 0.0)
    return {"loans": int(np.sum(past)), "balance": float(rounded(np.sum(book.exposure[past])))}


def capital_view(book: Exposures, *, rules: RuleSet) -> dict[str, Any]:
    """Risk-weighted assets with LGD* and, beside them, with the house's LGD.

    Small firms and farmers up to the retail ticket are other retail; the rest are corporates of the standard term,
    without relief for small turnover, which a result file does not know. LGD* falls back to the unsecured LGD where
    the result file has none. PD is floored.

    Returns:
        ``lgd``, ``regulatory_lgd`` (weighted by balance), ``rwa``, ``rwa_house`` (yuan), ``risk_weight``.
    """
    star, pd, retail = star_lgd(book, rules), floored_pd(book.pd, rules), retail_loans(book, rules)
    whole = float(np.sum(book.exposure))
    rwa = {name: float(np.sum(book.exposure * irb_weights(pd, lgd, retail, rules)))
           for name, lgd in (("rwa", star), ("rwa_house", book.lgd))}  # fmt: skip
    mean = {name: float(rounded(np.sum(book.exposure * lgd) / whole, 8))
            for name, lgd in (("lgd", book.lgd), ("regulatory_lgd", star))}  # fmt: skip
    sums = {name: float(rounded(value)) for name, value in rwa.items()}
    return mean | sums | {"risk_weight": float(rounded(rwa["rwa"] / whole, 8))}

