"""Haircuts and loan-to-value grid of forest rights."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Bools, Floats, is_yes, where_known
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Haircut
from eco_credit.valuation.kinds.forest_right.facts import (
    RULES,
    by_class,
    from_group,
    has_permit,
    is_object,
    is_public,
    is_type,
)
from eco_credit.valuation.methods.forest import delay_loss

PRICE_RISK = "valuation.price_risk.timber_haircut"


def insured_for_lender(case: Case) -> Bools:
    """True where a policy names the bank first beneficiary and has not run out."""
    until = case.day("insured_to")
    in_force = np.isnat(until) | (until >= case.as_of)
    return case.yes("insured") & case.yes("beneficiary_is_bank") & in_force


def cover(case: Case, value: Appraisal) -> Floats:
    """Insured sum over appraised value, 0 to 1; 0 where not insured."""
    insured = where_known(case.number("insured_sum"), 0.0) * case.number("area") * is_yes(case.number("insured"))
    worth = value.central > 0.0
    return np.where(worth, np.minimum(1.0, insured / np.where(worth, value.central, 1.0)), 0.0)


def _ratio_where(rule: str, holds: Bools, case: Case) -> Floats:
    return np.where(holds, case.rules.number(f"{RULES}.{rule}"), 0.0)


def is_timber(case: Case) -> Bools:
    """True where the pledge is a stand whose timber is felled and sold."""
    return is_type(case, "even_aged", "selection") & is_object(case, "stand", "stand_and_land") & ~is_public(case)


def _felling_delay(case: Case, _: Appraisal) -> Floats:
    rules = case.rules
    loss = delay_loss(
        rules.number(f"{RULES}.investment_rate"),
        probability=rules.number(f"{RULES}.quota_wait_chance"), years=rules.number(f"{RULES}.quota_wait_years"),
    )
    return np.where(from_group(case, "near") & is_timber(case) & ~has_permit(case), loss, 0.0)


def _uninsured(case: Case, value: Appraisal) -> Floats:
    """The loss by fire and pests that no policy pays to the bank: the ratio times the part not covered."""
    return case.rules.number(f"{RULES}.uninsured") * (1.0 - cover(case, value) * insured_for_lender(case))


def _infected(case: Case) -> Bools:
    return case.yes("pine_wilt_zone") & is_yes(case.facts["host"])


HAIRCUTS = (
    Haircut("price_risk", "木材价格下跌", "fall of timber prices until the sale", PRICE_RISK,
            lambda case, _: np.where(is_timber(case), case.rules.number(PRICE_RISK), 0.0)),
    Haircut("felling_delay", "采伐限额等待", "wait for the felling quota", f"{RULES}.quota_wait_chance",
            _felling_delay),
    Haircut("uninsured", "火灾病虫未获本行保险覆盖", "fire and pests not insured for the bank", f"{RULES}.uninsured",
            _uninsured),
    Haircut("remoteness", "位置偏远", "far from a road", f"{RULES}.remote",
            lambda case, _: _ratio_where("remote", is_yes(case.facts["remote"]), case)),
    Haircut("pest_zone", "松材线虫病疫区", "pine wilt zone", f"{RULES}.pest_zone",
            lambda case, _: _ratio_where("pest_zone", _infected(case), case)),
    Haircut("no_buy_back", "无收储承诺", "no purchase body stands ready", f"{RULES}.no_buy_back",
            lambda case, _: _ratio_where("no_buy_back", ~case.yes("buy_back"), case)),
)  # fmt: skip


def cap(case: Case, _: Appraisal) -> Floats:
    """The bank's grid by class; a local exchange or purchase body lifts it, shape (n,)."""
    return np.where(case.yes("buy_back"), by_class(case, "ltv_with_exchange"), by_class(case, "ltv"))
