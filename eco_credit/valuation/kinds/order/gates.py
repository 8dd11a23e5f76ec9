"""Hard refusals of orders and receivables, each with its law.

What the pledge is in law decides. A receivable is pledged by registration. An order is no receivable yet: its lender
has the contract rights, the stock and the account, and beyond the balance of a special account no priority over money
that is still to be earned. These gates apply where the paper says what is pledged; where it says nothing the account
and the registration stay conditions of the payout.
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Bools, is_yes, where_known
from eco_credit.valuation.appraisal import Appraisal
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Gate
from eco_credit.valuation.kinds.order.facts import RULES, days_between

CIVIL, COURT, REGISTER = "civil-code-2020", "security-interpretation-2020", "movables-registration-2021"


def _more_cash_than_order(case: Case, _: Appraisal) -> Bools:
    paid = where_known(case.number("paid"), 0.0) + where_known(case.number("deposit"), 0.0)
    return np.greater(paid, case.number("amount"))


def _not_confirmed(case: Case, _: Appraisal) -> Bools:
    """Not confirmed, or confirmed by word of mouth only."""
    return ~case.yes("buyer_confirmed") | case.is_one_of("confirm_channel", ["none"])


def _prior(case: Case, _: Appraisal) -> Bools:
    return np.greater(case.number("charge_rank"), 1.0) | case.yes("prior_registration")


def _past_its_date(case: Case, _: Appraisal) -> Bools:
    """Nothing is delivered although the day of payment has passed, or the day of delivery by more than the limit."""
    due = days_between(case.day("due_on"), case.as_of)
    delivery = days_between(case.day("delivery_on"), case.as_of)
    late = np.greater(due, 0.0) | np.greater(delivery, case.rules.number(f"{RULES}.past_due_days"))
    return is_yes(case.facts["undelivered"]) & late


def _no_account(case: Case, _: Appraisal) -> Bools:
    return is_yes(case.facts["future"]) & ~is_yes(case.facts["closed_loop"])


def _unregistered_claim(case: Case, _: Appraisal) -> Bools:
    return case.is_one_of("claim_kind", ["receivable"]) & ~case.yes("registered")


def _unregistered_order(case: Case, _: Appraisal) -> Bools:
    return is_yes(case.facts["not_claim"]) & ~case.yes("registered")


def _lapses(case: Case, _: Appraisal) -> Bools:
    """The registration ends before the day the loan falls due, by the calendar; an unknown day ends nothing."""
    months = np.rint(where_known(case.loan("term_months"), 0.0)).astype(np.int64).astype("timedelta64[M]")
    whole = case.as_of.astype("datetime64[M]") + months
    day_of_month = case.as_of - case.as_of.astype("datetime64[M]")
    # a month that is too short ends the loan on its last day
    due = np.minimum(whole.astype("datetime64[D]") + day_of_month, (whole + 1).astype("datetime64[D]") - 1)
    return np.less(days_between(due, case.day("zd_expires_on")), 0.0)


def stale_query(case: Case) -> Bools:
    """True where the search of the register is older than the rule allows; a search not stated is not old."""
    age = days_between(case.day("zd_query_on"), case.as_of)
    return np.greater(age, case.rules.number(f"{RULES}.query_days"))


GATES = (
    Gate("O01", "买方未确认", "buyer has not confirmed", _not_confirmed, COURT, "第六十一条"),
    Gate("O02", "合同禁止转让", "assignment barred", lambda case, _: ~case.yes("assignable"), CIVIL, "第五百四十五条"),
    Gate("O03", "已有在先登记", "earlier registration found", _prior, CIVIL, "第四百一十四条"),
    Gate("O10", "关联交易", "related party", lambda case, _: case.yes("related"), "abl-practice"),
    Gate("C05", "应收账款有争议或被查封", "claim disputed or sealed",
         lambda case, _: case.yes("disputed") | case.yes("sealed"), CIVIL, "第四百四十条"),
    Gate("D03", "已收款大于订单金额", "cash received above the order", _more_cash_than_order, "house-policy"),
    Gate("O13", "订单已过期", "order past its date", _past_its_date, "house-policy"),
    Gate("O14", "将有债权无监管账户", "claim still to be earned without a controlled account", _no_account, COURT,
         "第六十一条"),
    Gate("O15", "应收账款质权未登记", "pledge of the receivable not registered", _unregistered_claim, CIVIL,
         "第四百四十五条"),
    Gate("O15", "合同权益与存货抵押未登记", "charge on contract rights and stock not registered", _unregistered_order,
         CIVIL, "第四百零三条"),
    Gate("O16", "登记早于贷款到期", "registration lapses before the loan ends", _lapses, REGISTER),
    Gate("O17", "登记查询过期", "search of the register too old", lambda case, _: stale_query(case), REGISTER),
)  # fmt: skip
