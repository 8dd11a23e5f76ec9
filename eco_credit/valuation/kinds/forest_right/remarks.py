"""Favourable and adverse reasons of forest pledges, and the conditions asked for."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Bools, is_yes
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Remark
from eco_credit.valuation.kinds.forest_right.facts import RULES, from_group, has_permit, is_public
from eco_credit.valuation.kinds.forest_right.gates import is_protected
from eco_credit.valuation.kinds.forest_right.limits import cover, insured_for_lender


def _overstated(case: Case, value: Appraisal) -> Bools:
    return np.greater(case.number("stated_value"), case.rules.number(f"{RULES}.stated_excess") * value.central)


def _low_stock(case: Case, _: Appraisal) -> Bools:
    return from_group(case, "mid") & np.less(case.facts["quality"], case.rules.number(f"{RULES}.low_stock_quality"))


def _restricted(case: Case, _: Appraisal) -> Bools:
    return (from_group(case, "near") & ~has_permit(case)) | is_protected(case)


def _well_insured(case: Case, value: Appraisal) -> Bools:
    enough = np.greater_equal(cover(case, value), case.rules.number(f"{RULES}.insured_cover"))
    return insured_for_lender(case) & enough


REASONS = (
    Remark("F06", lambda case, _: ~from_group(case, "mid") & ~is_public(case)),
    Remark("F07", _restricted),
    Remark("F08", _low_stock),
    Remark("F09", lambda case, _: is_yes(case.facts["remote"]) & ~case.yes("buy_back")),
    Remark("F10", lambda case, _: case.yes("pine_wilt_zone")),
    Remark("F11", lambda case, _: ~insured_for_lender(case)),
    Remark("F12", _overstated),
    Remark("F15", lambda case, _: from_group(case, "near") & has_permit(case)),
    Remark("F16", lambda case, _: case.yes("buy_back")),
    Remark("F17", _well_insured),
    Remark("E02", lambda case, _: np.greater(case.number("compensation_paid"), 0.0)),
)
CONDITIONS = (
    Remark("insure_forest", lambda case, _: ~insured_for_lender(case)),
    Remark("no_felling", lambda case, _: ~is_public(case)),
)
