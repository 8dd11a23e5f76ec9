"""Hard refusals of forest pledges, each with its law, and checks that raise a flag."""

from __future__ import annotations

import numpy as np

from eco_credit.core.dates import year_of, years_between
from eco_credit.core.numbers import Bools, where_known
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Flag, Gate
from eco_credit.valuation.kinds.forest_right.choice import states_a_method_that_does_not_fit
from eco_credit.valuation.kinds.forest_right.facts import RULES, is_object, is_public, is_type

CIVIL, FOREST, COURT = "civil-code-2020", "forest-law-2019", "forest-disputes-2022"


def is_protected(case: Case) -> Bools:
    """True where the parcel overlaps a protected area by more than the lender tolerates."""
    return np.greater(case.number("protected_overlap"), case.rules.number(f"{RULES}.protected_overlap_max"))


def _too_old(case: Case) -> Bools:
    age = case.facts["age"]
    return np.less(age, 0.0) | (np.greater(age, case.facts["age_max"]) & ~is_type(case, "selection", "shelter"))


def _too_much_stock(case: Case) -> Bools:
    """More stock than any stand, or than a stand of this age can have by the curve of its species."""
    stock, rules = case.number("stock_per_area"), case.rules
    of_age = rules.number(f"{RULES}.stock_of_age_max") * case.facts["stock_now"] + rules.number(f"{RULES}.stock_base")
    even_aged = is_type(case, "even_aged")
    return np.greater(stock, rules.number(f"{RULES}.stock_max")) | (even_aged & np.greater(stock, of_age))


def _too_much_outturn(case: Case, _: Appraisal) -> Bools:
    outturn = where_known(case.number("log_outturn"), 0.0) + where_known(case.number("composite_outturn"), 0.0)
    return np.greater(outturn, 1.0)


def _ends_early(case: Case, _: Appraisal) -> Bools:
    needed = case.loan("term_months") + case.rules.number("valuation.disposal.workout_months")
    return np.less(case.months_left("contract_to"), needed)


def _fully_charged(case: Case, value: Appraisal) -> Bools:
    claims = case.number("prior_claims")
    return np.greater(claims, 0.0) & np.greater_equal(claims, value.central)


def _short_transfer(case: Case, _: Appraisal) -> Bools:
    years = years_between(case.day("contract_from"), case.day("contract_to"))
    return case.is_one_of("tenure", ["transferred"]) & np.less(years, case.rules.number(f"{RULES}.transfer_years_min"))


def _not_timber(case: Case, _: Appraisal) -> Bools:
    """Public-welfare forest carries no timber value; its compensation income may be pledged instead."""
    return is_public(case) & ~is_object(case, "compensation")


GATES = (
    Gate("F01", "公益林林木不得抵押", "timber of public-welfare forest", _not_timber, FOREST, "第四十七条、第五十五条"),
    Gate("F01", "与保护地重叠", "overlap with a protected area",
         lambda case, _: is_protected(case) & ~is_object(case, "compensation"), "cbrc-forest-2013",
         rule=f"{RULES}.protected_overlap_max"),
    Gate("F02", "权属争议", "ownership disputed", lambda case, _: case.yes("disputed"), CIVIL, "第三百九十九条"),
    Gate("F03", "共有人同意不齐", "consent of co-owners missing", lambda case, _: ~case.yes("co_owner_consent"),
         CIVIL, "第三百零一条"),
    Gate("F03", "集体决议缺失", "resolution of the collective missing", lambda case, _: ~case.yes("collective_vote"),
         FOREST, "第十八条"),
    Gate("F03", "发包方同意缺失", "consent of the land owner missing", lambda case, _: ~case.yes("owner_consent"),
         "cbrc-forest-2013"),
    Gate("F04", "已查封", "sealed by a court", lambda case, _: case.yes("sealed"), CIVIL, "第三百九十九条"),
    Gate("F04", "在先债权达到评估值", "prior claims reach the appraisal", _fully_charged, CIVIL, "第四百一十四条"),
    Gate("F05", "承包期短于贷款期加处置期", "land term ends before the loan and its workout", _ends_early,
         "cbrc-forest-2013", rule="valuation.disposal.workout_months"),
    Gate("F20", "流转经营权不足五年", "transferred right of less than five years", _short_transfer, CIVIL,
         "第三百四十一条"),
    Gate("F21", "自留山使用权不得抵押", "use right of a household's own plot",
         lambda case, _: case.is_one_of("tenure", ["own_plot"]), CIVIL, "第三百九十九条"),
    Gate("F19", "评估方法与龄组不符", "method does not fit the age group",
         lambda case, _: states_a_method_that_does_not_fit(case), "lyt2407-2015"),
    Gate("D03", "林龄为负或超过树种上限", "age below zero or above the maximum of the species",
         lambda case, _: _too_old(case), "house-policy", rule=f"{RULES}.age_max"),
    Gate("D03", "蓄积超过该林龄可能值", "more stock than a stand of this age can have",
         lambda case, _: _too_much_stock(case), "house-policy", rule=f"{RULES}.stock_of_age_max"),
    Gate("D03", "出材率合计大于1", "outturn above the standing stock", _too_much_outturn, "house-policy"),
)  # fmt: skip


def _off(case: Case, measured: str, expected: np.typing.NDArray[np.float64]) -> Bools:
    """True where a stated figure is off from another by more than the tolerance of the checks."""
    stated = case.number(measured)
    return np.greater(np.abs(stated - expected), case.rules.number(f"{RULES}.check_tolerance") * np.abs(expected))


def _age_is_old(case: Case) -> Bools:
    """The age of the survey year plus the years since is not the age by the year of planting."""
    today = case.number("stand_age") + year_of(case.as_of) - case.number("survey_year")
    return np.greater(np.abs(today - case.facts["age"]), case.rules.number(f"{RULES}.age_tolerance"))


def _group_differs(case: Case) -> Bools:
    own = case.facts["group"].astype(np.intp) + 1
    pairs = zip(case.text("age_group_stated"), own.tolist(), strict=True)
    return np.array([stated is not None and stated != str(group) for stated, group in pairs], dtype=bool)


FLAGS = (
    Flag("age_of_today", "林龄与造林年度不符", "age does not follow from the year of planting", _age_is_old,
         f"{RULES}.age_tolerance"),
    Flag("age_group", "龄组与林龄不符", "age group does not follow from the age", _group_differs,
         f"{RULES}.age_mature"),
    Flag("stock_total", "总蓄积与每公顷蓄积不符", "stock in all is not stock per hectare times area",
         lambda case: _off(case, "stock", case.number("stock_per_area") * case.number("area")),
         f"{RULES}.check_tolerance"),
    Flag("outturn_total", "出材量与出材率不符", "outturn is not the outturn rate times the stock",
         lambda case: _off(case, "outturn", case.number("outturn_rate") * case.number("stock")),
         f"{RULES}.check_tolerance"),
    Flag("excluded_area", "部分面积未纳入评估", "part of the area is not valued",
         lambda case: np.less(case.number("effective_area"), case.number("area")), f"{RULES}.check_tolerance"),
    Flag("welfare_on_certificate", "证书用材林而一张图为公益林", "timber forest by the certificate, public by the map",
         lambda case: is_public(case) & case.is_one_of("forest_category", ["2", "3", "4"]),
         f"{RULES}.public_welfare_classes"),
    Flag("permit_run_out", "采伐许可证已过期", "the felling permit has run out",
         lambda case: case.yes("felling_permit") & (case.day("felling_valid_to") < case.as_of),
         f"{RULES}.quota_wait_chance"),
)  # fmt: skip
