"""When a pledge is to be valued again: the schedule of its kind, and whether the last valuation is stale."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.core.dates import months_between
from eco_credit.core.numbers import Bools
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Kind


@dataclass(frozen=True, slots=True)
class Revaluation:
    """Schedule of n pledges (押品管理指引: at least once a year, more often where the value moves).

    Attributes:
        months: longest time between two valuations.
        trigger: fall of the price that calls for a valuation before its time, ratio.
        due_on: day of the next valuation, shape (n,).
        stale: True where the outside valuation handed in is older than its validity, shape (n,).
    """

    months: float
    trigger: float
    due_on: npt.NDArray[np.datetime64]
    stale: Bools


def revaluation(kind: Kind, case: Case) -> Revaluation:
    """The schedule by ``<kind>.revaluation_months`` and the rules under ``valuation.revaluation``.

    Args:
        kind: the kind.
        case: n pledges appraised on ``as_of``.
    """
    months = case.rules.number(f"{kind.rules}.revaluation_months")
    whole = case.as_of.astype("datetime64[M]") + np.timedelta64(round(months), "M")
    day_of_month = case.as_of - case.as_of.astype("datetime64[M]")
    # the same day some months on; a month that is too short ends it
    due = np.minimum(whole.astype("datetime64[D]") + day_of_month, (whole + 1).astype("datetime64[D]") - 1)
    with np.errstate(invalid="ignore"):
        age = months_between(case.day("stated_on"), case.as_of)
        stale = np.greater(age, case.rules.number("valuation.revaluation.validity_months"))
    return Revaluation(months, case.rules.number("valuation.revaluation.trigger"), due, stale)
