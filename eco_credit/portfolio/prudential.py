"""Prudential view of a portfolio: credit loss by stage, risk-weighted assets beside the house's LGD, green balance.

For comparison, not for returns: the Chinese annexes were not readable and most ecological rights get no relief.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats, rounded
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.capital import corporate_k, other_retail_k, risk_weight
from eco_credit.portfolio.green import green_balance, green_tags
from eco_credit.portfolio.impairment import weighted_loss
from eco_credit.rulebook import RuleSet


def prudential_view(book: Exposures, *, rules: RuleSet, day: dt.date) -> dict[str, Any] | None:
    """Expected credit loss, capital and green balance of a portfolio.

    Args:
        book: the loans.
        rules: rules in force.
        day: reporting day.

    Returns:
        ``ecl`` (see `weighted_loss`), ``capital`` and ``green``; money in yuan. None without balance.
    """
    if not float(np.sum(book.exposure)) > 0.0:
        return None
    tags = green_tags(book.ledger, len(book.exposure), rules=rules)
    return {
        "ecl": weighted_loss(book, rules=rules, day=np.datetime64(day)),
        "capital": capital_view(book, rules=rules),
        "green": green_balance(tags, book.exposure),
    }


def capital_view(book: Exposures, *, rules: RuleSet) -> dict[str, Any]:
    """Risk-weighted assets with LGD* and, beside them, with the house's LGD.

    Small firms and farmers up to the retail ticket are other retail; the rest are corporates of the standard term,
    without relief for small turnover, which a result file does not know. LGD* falls back to the unsecured LGD where
    the result file has none. PD is floored.

    Returns:
        ``lgd``, ``regulatory_lgd`` (weighted by balance), ``rwa``, ``rwa_house`` (yuan), ``risk_weight``.
    """
    unsecured = rules.number("risk.regulatory.lgd_unsecured")
    star = np.where(np.isnan(book.regulatory_lgd), unsecured, book.regulatory_lgd)
    pd = np.clip(book.pd, rules.number("portfolio.capital.pd_floor"), 0.999)
    small = np.isin(book.borrower_class.astype(str), ("small", "farmer"))
    retail = small & (book.exposure <= rules.number("portfolio.capital.retail_ticket_max"))
    whole = float(np.sum(book.exposure))
    rwa = {name: float(np.sum(book.exposure * weights(pd, lgd, retail, rules)))
           for name, lgd in (("rwa", star), ("rwa_house", book.lgd))}  # fmt: skip
    mean = {name: float(rounded(np.sum(book.exposure * lgd) / whole, 8))
            for name, lgd in (("lgd", book.lgd), ("regulatory_lgd", star))}  # fmt: skip
    sums = {name: float(rounded(value)) for name, value in rwa.items()}
    return mean | sums | {"risk_weight": float(rounded(rwa["rwa"] / whole, 8))}


def weights(pd: Floats, lgd: Floats, retail: np.ndarray[Any, np.dtype[np.bool_]], rules: RuleSet) -> Floats:
    """Risk weight of each loan, ratio, shape (n,): other retail where ``retail``, else corporate."""
    term = rules.table("portfolio.capital.corporate")["term_standard"]
    corporate = risk_weight(corporate_k(pd, lgd, term=term, turnover=None, rules=rules), rules=rules)
    other = risk_weight(other_retail_k(pd, lgd, rules=rules), rules=rules)
    result: Floats = np.where(retail, other, corporate)
    return result
