"""Checks between the figures of an order: shown with the name of the rule, refusing nothing."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Bools, is_yes
from eco_credit.valuation.case import Case
from eco_credit.valuation.kind import Flag
from eco_credit.valuation.kinds.order.facts import RULES, days_between
from eco_credit.valuation.kinds.order.gates import stale_query


def _number(case: Case, name: str) -> float:
    return case.rules.number(f"{RULES}.{name}")


def _not_quantity_times_price(case: Case) -> Bools:
    """The usual reasons are jin for kilogram (half or double), 万元 for yuan, and tax left out."""
    expected = case.number("quantity") * case.number("unit_price")
    return np.greater(np.abs(case.number("amount") - expected), _number(case, "amount_tolerance") * expected)


def _due_not_by_credit_days(case: Case) -> Bools:
    agreed = days_between(case.day("invoice_on"), case.day("due_on"))
    return np.greater(np.abs(agreed - case.number("credit_days")), _number(case, "due_tolerance_days"))


def _tax_cannot_be(case: Case) -> Bools:
    """The invoice without tax is above the order, or the tax between them is above the highest rate."""
    bare, tolerance = case.number("invoice_amount_ex_tax"), _number(case, "amount_tolerance")
    highest = bare * (1.0 + _number(case, "vat_highest"))
    amount = case.number("amount")
    return np.greater(bare, amount) | np.greater(amount, highest * (1.0 + tolerance))


def _past_due_by_dates(case: Case) -> Bools:
    """The day of payment passed longer ago than the days past due that are stated."""
    since = days_between(case.day("due_on"), case.as_of) - _number(case, "due_tolerance_days")
    return is_yes(case.facts["delivered"]) & np.greater(since, np.maximum(0.0, case.number("past_due")))


def _other_currency(case: Case) -> Bools:
    counted = frozenset(case.rules[f"{RULES}.currencies"])
    return np.array([code is not None and code not in counted for code in case.text("currency")], dtype=bool)


FLAGS = (
    Flag("amount_is_quantity_times_price", "金额与数量乘单价不符", "amount is not quantity times unit price",
         _not_quantity_times_price, f"{RULES}.amount_tolerance"),
    Flag("due_by_credit_days", "到期日与账期不符", "due day does not follow from invoice day and credit days",
         _due_not_by_credit_days, f"{RULES}.due_tolerance_days"),
    Flag("ex_tax_amount", "不含税金额与含税金额不符", "invoice without tax does not fit the amount with tax",
         _tax_cannot_be, f"{RULES}.vat_highest"),
    Flag("past_due_by_dates", "逾期天数与到期日不符", "days past due do not follow from the due day",
         _past_due_by_dates, f"{RULES}.due_tolerance_days"),
    Flag("stale_query", "登记查询过期", "search of the register too old", stale_query, f"{RULES}.query_days"),
    Flag("currency", "外币未折算,未计入", "foreign currency, not counted", _other_currency, f"{RULES}.currencies"),
)  # fmt: skip
