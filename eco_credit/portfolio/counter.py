"""Counter-guarantees against their minimum: which loans are short, by how much (notice G04).

No law sets a minimum; policy asks guarantors to ask small firms and farmers for less or none. The minimum is therefore
the company's own (terms), else an estimate of the house, and is asked only of loans that do not take the lower weight.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from eco_credit.core.numbers import Bools, Floats, number, rounded, text
from eco_credit.core.units import units
from eco_credit.portfolio.balances import bearer_share
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.guarantee import weight_classes
from eco_credit.portfolio.rounding import yuan
from eco_credit.portfolio.terms import GuaranteeTerms
from eco_credit.rulebook import RuleSet

_SHOWN = 10


@units(borne="CNY", minimum="dimensionless", value="CNY", returns="CNY")
def shortfall(borne: Floats, minimum: float, *, value: Floats) -> Floats:
    """What a counter-guarantee lacks: ``max(0, c_min · B − V)``; yuan, shape (n,).

    Args:
        borne: balance the bearer stands for B, yuan, shape (n,).
        minimum: least value over that balance c_min, ratio.
        value: value of the counter-guarantee V, yuan, shape (n,).
    """
    result: Floats = np.maximum(borne * minimum - value, 0.0 * value)
    return result


def _asked(book: Exposures, rules: RuleSet) -> Bools:
    """Loans that are asked for a counter-guarantee: those that do not take the lower weight."""
    product = text(book.ledger, "guarantee_product") if book.ledger else None
    found: Bools = np.equal(weight_classes(book.borrower_class, book.exposure, rules=rules, product=product), "other")
    return found


def _value(book: Exposures) -> Floats:
    return number(book.ledger, "counter_guarantee") if book.ledger else np.full(len(book.exposure), np.nan)


def lacking(book: Exposures, terms: GuaranteeTerms, rules: RuleSet) -> Floats:
    """What the counter-guarantee of each loan lacks, yuan, shape (n,); zero where it is not asked or not known."""
    value, borne = _value(book), book.exposure * bearer_share(book, terms)
    short = shortfall(borne, terms.counter_guarantee_min, value=np.nan_to_num(value))
    result: Floats = np.where(_asked(book, rules) & ~np.isnan(value), short, 0.0)
    return result


def counter_view(book: Exposures, terms: GuaranteeTerms, rules: RuleSet) -> dict[str, Any]:
    """Counter-guarantees of the loans that are asked for one.

    Args:
        book: the loans; the value comes from ``counter_guarantee`` of the ledger, blank is unknown.
        terms: ``counter_guarantee_min`` and the bearer's share.
        rules: rules in force, for the tickets below which none is asked.

    Returns:
        ``minimum`` (ratio); ``asked``, ``known``, ``below`` (loans); ``borne`` and ``below_borne`` (yuan); ``short``
        (yuan over all loans below); ``loans``: the shortest ones, largest shortfall first, equal ones by number.
    """
    asked, value = _asked(book, rules), _value(book)
    borne, known = book.exposure * bearer_share(book, terms), asked & ~np.isnan(value)
    short = lacking(book, terms, rules)
    below = short > 0.0
    order = sorted(np.flatnonzero(below), key=lambda at: (-short[at], str(book.application_id[at])))
    return {
        "minimum": terms.counter_guarantee_min, "asked": int(np.sum(asked)), "known": int(np.sum(known)),
        "below": int(np.sum(below)), "borne": yuan(np.sum(borne[asked])), "below_borne": yuan(np.sum(borne[below])),
        "short": yuan(np.sum(short)),
        "loans": [
            {"application_id": str(book.application_id[at]), "borne": yuan(borne[at]), "value": yuan(value[at]),
             "ratio": float(rounded(value[at] / borne[at], 8)), "short": yuan(short[at])}
            for at in order[:_SHOWN]
        ],
    }  # fmt: skip
