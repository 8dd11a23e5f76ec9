"""Favourable and adverse reasons of water pledges, and the conditions asked for."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Bools, Floats, is_yes
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Remark
from eco_credit.valuation.kinds.water_right.facts import RULES, with_works


def use_ratio(case: Case) -> Floats:
    """Mean metered use over the permit; 0 where the permit is 0."""
    permit = case.number("annual_volume")
    return np.where(permit > 0.0, case.facts["used"] / np.where(permit > 0.0, permit, 1.0), 0.0)


def _below(case: Case, measured: Floats, rule: str) -> Bools:
    return np.less(measured, case.rules.number(f"{RULES}.{rule}"))


REASONS = (
    Remark("W03", lambda case, _: _below(case, case.months_left("valid_to"), "short_months")),
    Remark("W04", lambda case, _: _below(case, use_ratio(case), "few_use")),
    Remark("W06", lambda case, _: case.yes("over_drawn")),
    Remark("W07", lambda case, _: _below(case, case.facts["share"], "dry_allocation")),
    Remark("W08", lambda case, _: ~case.yes("metered")),
    Remark("W09", lambda case, _: ~case.known("deal_price") & ~with_works(case)),
    Remark("W10", lambda case, _: ~case.yes("fee_paid")),
    Remark("W11", lambda case, _: with_works(case) & is_yes(case.loan("control_account"))),
    Remark("W12", lambda case, _: case.known("deal_price")),
    Remark("W13", lambda case, _: np.greater(case.facts["sellable"], 0.0) & ~with_works(case)),
    Remark("W14", lambda case, _: ~case.yes("registered")),
)
CONDITIONS = (
    Remark("renew_permit", lambda case, _: np.ones(case.rows, dtype=bool)),
    Remark("control_account", lambda case, _: with_works(case)),
)
