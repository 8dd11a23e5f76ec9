"""Stage of each loan by what the ledger says of it: in default, risk clearly raised, or neither."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Columns, is_yes, number
from eco_credit.rulebook import RuleSet

DEFAULTED = 3
"""The stage of a loan in default."""


def stages(ledger: Columns, count: int, *, rules: RuleSet) -> npt.NDArray[np.int64]:
    """Stage of each loan: 3 impaired or 90 days past due, 2 risk clearly raised or 30 days, else 1.

    Args:
        ledger: columns of the ledger beside the loans, shape (n,); empty without one.
        count: n.
        rules: ``portfolio.ecl.raised_days`` and ``.default_days``; both are presumptions that may be rebutted.

    Returns:
        1, 2 or 3, shape (n,). What is unknown does not raise a stage.
    """
    if not ledger:
        return np.ones(count, dtype=np.int64)
    days = np.nan_to_num(number(ledger, "days_overdue"))
    raised: Bools = (days > rules.number("portfolio.ecl.raised_days")) | is_yes(number(ledger, "risk_raised"))
    bad: Bools = (days > rules.number("portfolio.ecl.default_days")) | is_yes(number(ledger, "impaired"))
    result: npt.NDArray[np.int64] = np.where(bad, 3, np.where(raised, 2, 1)).astype(np.int64)
    return result
