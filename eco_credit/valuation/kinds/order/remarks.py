"""Favourable and adverse reasons of order pledges, and the conditions asked for."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Bools, is_yes, where_known
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Remark
from eco_credit.valuation.kinds.order.facts import RULES


def _strong(case: Case, _: Appraisal) -> Bools:
    return case.is_one_of("buyer_kind", ["core_enterprise", "government"]) & is_yes(case.facts["closed_loop"])


def _diluted(case: Case, _: Appraisal) -> Bools:
    return np.greater(case.facts["dilution"], case.rules.number(f"{RULES}.dilution_tolerated"))


def _on_time(case: Case, value: Appraisal) -> Bools:
    """Trade with the buyer on record, nothing past due, little returned; long and punctual where that is stated."""
    traded = np.greater(case.number("sales_12m"), 0.0) & np.equal(case.number("past_due"), 0.0)
    punctual = where_known(case.number("on_time_share"), 1.0) >= case.rules.number(f"{RULES}.on_time_share")
    long_enough = where_known(case.number("months_traded"), np.inf) >= case.rules.number(f"{RULES}.months_traded")
    return traded & punctual & long_enough & ~_diluted(case, value)


def _uninsured_performance(case: Case, _: Appraisal) -> Bools:
    return is_yes(case.facts["undelivered"]) & ~is_yes(case.facts["insured"])


def _concentrated(case: Case, _: Appraisal) -> Bools:
    return np.greater(case.facts["top_buyer"], case.rules.number(f"{RULES}.concentration_remark"))


def _weak_buyer(case: Case, _: Appraisal) -> Bools:
    return np.greater_equal(case.number("buyer_rating"), case.rules.number(f"{RULES}.weak_rating"))


def _loan_is_longer(case: Case, _: Appraisal) -> Bools:
    return np.greater(case.loan("term_months"), case.months_left("due_on"))


REASONS = (
    Remark("C10", _loan_is_longer),
    Remark("O04", _concentrated),
    Remark("O05", _weak_buyer),
    Remark("O06", lambda case, _: case.is_one_of("stage", ["framework"])),
    Remark("O07", lambda case, _: is_yes(case.facts["aged"])),
    Remark("O08", _diluted),
    Remark("O09", _uninsured_performance),
    Remark("O11", _strong),
    Remark("O12", _on_time),
)
CONDITIONS = (Remark("control_account", lambda case, _: ~is_yes(case.facts["closed_loop"])),)
