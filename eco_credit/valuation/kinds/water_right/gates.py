"""Hard refusals of water pledges, each with its law, and checks that raise a flag."""

from __future__ import annotations

import numpy as np

from eco_credit.core.dates import years_between
from eco_credit.core.numbers import Bools, Floats
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Flag, Gate
from eco_credit.valuation.kinds.water_right.choice import states_a_method_without_its_figures
from eco_credit.valuation.kinds.water_right.facts import RULES, YEARS, filing_missed
from eco_credit.valuation.methods.water import SECONDS_PER_DAY, energy_within_capacity

PERMIT, TRADE, CIVIL = "water-permit-regulation-2017", "water-trading-2016", "civil-code-2020"


def _ends_early(case: Case, _: Appraisal) -> Bools:
    needed = case.loan("term_months") + case.rules.number("valuation.disposal.workout_months")
    return np.less(case.months_left("valid_to"), needed)


def _unused(case: Case, _: Appraisal) -> Bools:
    """No water taken in the last two years: the issuing body cancels the permit, unless it has agreed to keep it."""
    return np.equal(case.number("actual_volume_y1"), 0.0) & np.equal(case.number("actual_volume_y2"), 0.0)


def _cannot_be(case: Case, _: Appraisal) -> Bools:
    permit = case.number("annual_volume")
    return np.greater(case.number("transferable_volume"), permit) | np.greater(case.number("saved_volume"), permit)


GATES = (
    Gate("W01", "许可证非有效状态", "permit not valid",
         lambda case, _: ~case.is_one_of("permit_state", case.rules[f"{RULES}.valid_states"]), PERMIT, "第二条"),
    Gate("W01", "许可有效期短于贷款期加处置期", "permit ends before the loan and its workout", _ends_early, PERMIT,
         "第二十五条"),
    Gate("W02", "区域水权不属企业或个人", "regional right, which is the county's",
         lambda case, _: ~case.is_one_of("water_right_kind", case.rules[f"{RULES}.pledgeable_kinds"]), TRADE),
    Gate("W02", "该用途取水权不可交易", "purpose whose right may not be traded",
         lambda case, _: case.is_one_of("purpose", case.rules[f"{RULES}.untransferable_purposes"]), TRADE),
    Gate("W02", "无可转让的节约水量", "no saved volume that may be transferred",
         lambda case, _: np.less_equal(case.facts["sellable"], 0.0), PERMIT, "第二十七条"),
    Gate("W02", "权属有争议", "the right is disputed", lambda case, _: case.yes("disputed"), CIVIL, "第三百九十九条"),
    Gate("W02", "已被查封", "sealed by a court", lambda case, _: case.yes("sealed"), CIVIL, "第三百九十九条"),
    Gate("W05", "连续两年未取水", "no water taken for two years", _unused, PERMIT, "第四十四条"),
    Gate("D03", "可转让或节约水量大于许可水量", "transferable or saved volume above the permit", _cannot_be,
         "house-policy"),
)  # fmt: skip


def _off(case: Case, measured: Floats, expected: Floats) -> Bools:
    """True where two statements of one figure differ by more than the tolerance of the checks."""
    return np.greater(np.abs(measured - expected), case.rules.number(f"{RULES}.check_tolerance") * np.abs(expected))


def _above(case: Case, measured: Floats, limit: Floats, rule: str) -> Bools:
    return np.greater(measured, case.rules.number(f"{RULES}.{rule}") * limit)


def _use_above_permit(case: Case) -> Bools:
    permit = case.number("annual_volume")
    above = np.zeros(case.rows, dtype=bool)
    for year in YEARS:
        above |= _above(case, case.number(f"actual_volume_y{year}"), permit, "use_share_max")
    return above


def _energy_differs(case: Case) -> Bools:
    metered, factor = case.number("energy"), case.rules.number(f"{RULES}.energy_factor")
    by_head = case.facts["theoretical"]
    return np.greater(metered, factor * by_head) | np.greater(by_head, factor * metered)


def _above_capacity(case: Case) -> Bools:
    metered = case.number("energy")
    return np.greater(metered, energy_within_capacity(metered, capacity=case.number("installed_kw")))


def _not_irrigation(case: Case) -> Bools:
    irrigates = case.is_one_of("purpose", case.rules[f"{RULES}.irrigator_purposes"])
    return case.is_one_of("water_right_kind", ["irrigator"]) & ~irrigates


def _permit_too_long(case: Case) -> Bools:
    years = years_between(case.day("valid_from"), case.day("valid_to"))
    # a permit of whole years may count a leap day more than the mean year has
    return np.greater(np.round(years, 1), case.rules.number(f"{RULES}.permit_years_max"))


FLAGS = (
    Flag("flow_times_8_64", "日最大取水量与流量×8.64不符", "largest daily volume is not the flow times 8.64",
         lambda case: _off(case, case.number("daily_max"), case.number("flow_max") * SECONDS_PER_DAY),
         f"{RULES}.check_tolerance"),
    Flag("permit_above_source", "许可水量大于水源可供水量", "permitted volume above the volume of the source",
         lambda case: _above(case, case.number("annual_volume"), case.number("source_volume"), "source_share_max"),
         f"{RULES}.source_share_max"),
    Flag("split_volume", "地表地下水量之和与许可水量不符", "surface and ground volume do not add up to the permit",
         lambda case: _off(case, case.number("surface_volume") + case.number("ground_volume"),
                           case.number("annual_volume")),
         f"{RULES}.check_tolerance"),
    Flag("use_above_permit", "实际取水大于许可水量", "metered volume above the permit", _use_above_permit,
         f"{RULES}.use_share_max"),
    Flag("hydropower_energy", "计量电量与理论电量相差过大", "metered and theoretical energy are far apart",
         _energy_differs, f"{RULES}.energy_factor"),
    Flag("energy_above_capacity", "计量电量大于装机满发电量", "metered energy above what the capacity can make",
         _above_capacity, f"{RULES}.check_tolerance"),
    Flag("renewal_window", "距到期不足45日且未申请延续", "less than 45 days left and no renewal filed", filing_missed,
         f"{RULES}.filing_days"),
    Flag("permit_years", "许可期限超过十年", "permit granted for more than ten years", _permit_too_long,
         f"{RULES}.permit_years_max"),
    Flag("irrigator_purpose", "灌溉用水户水权的用途非灌溉", "irrigator's right for another purpose than irrigation",
         _not_irrigation, f"{RULES}.irrigator_purposes"),
    Flag("method_figures", "指定评估方法缺少所需数据", "the method stated lacks its figures",
         states_a_method_without_its_figures, f"{RULES}.method_order"),
)  # fmt: skip
