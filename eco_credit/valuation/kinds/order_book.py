"""The order book behind an order pledge: the waterfall of ineligible amounts, and its two legs.

An order and its goods are one pledge; the orders of one application make one book. The claim leg is
what the buyer still owes after everything ineligible; the goods leg counts stock that is not already
inside the claim.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Columns, Floats, day, is_yes, number, text, where_known
from eco_credit.rulebook import RuleSet
from eco_credit.valuation.appraisal import Figures
from eco_credit.valuation.groups import group_numbers, largest_of_group, total_of_group
from eco_credit.valuation.methods.order import (
    cross_aged,
    diluted_advance,
    dilution,
    inventory_base,
    kept,
    outstanding,
    within_concentration,
)

RULES = "valuation.order"


def facts(pledges: Columns, loans: Columns, rules: RuleSet) -> Figures:
    """Take the book through the waterfall.

    Args:
        pledges: columns of the contract ``order``, n rows.
        loans: ``as_of``, ``application_row``, ``control_account``, n rows.
        rules: rules of the day.

    Returns:
        Columns of n rows, CNY unless said otherwise: ``owed``; after each step ``aged_out``,
        ``cross_out``, ``related_out``, ``disputed_out``, ``government_out``, ``concentrated``; ``stage``
        and ``performance`` (ratio); ``claim`` and ``goods`` (the two legs); ``goods_cost``,
        ``goods_sale`` (NaN where unknown); ``advance``, ``buyer_credit``, ``dilution``, ``top_buyer``
        (ratio); ``aged``, ``government``, ``closed_loop``, ``delivered`` (1.0 or 0.0).
    """
    found = _terms(pledges, loans, rules)
    _waterfall(found, pledges, loans, rules)
    found["expected"] = found["concentrated"] * found["stage"]
    found["claim"] = found["expected"] * (1.0 - found["performance"])
    cost, sale = number(pledges, "inventory_cost"), number(pledges, "inventory_nolv")
    stock = where_known(np.fmin(cost, sale), 0.0)
    inside = np.where(is_yes(found["delivered"]), 0.0, found["claim"])
    # goods not yet delivered become the claim: only what they are worth above it stands beside it
    found["goods"] = np.maximum(0.0, stock - inside)
    share = np.where(stock > 0.0, found["goods"] / np.where(stock > 0.0, stock, 1.0), 0.0)
    found["goods_advance"] = share * inventory_base(
        cost, sale, cost_rate=rules.number(f"{RULES}.goods_cost_advance"),
        liquidation_rate=rules.number(f"{RULES}.goods_liquidation_advance"),
    )
    return found


def _terms(pledges: Columns, loans: Columns, rules: RuleSet) -> Figures:
    """What does not depend on the other orders."""
    stage, rating = text(pledges, "stage"), number(pledges, "buyer_rating")
    insured = is_yes(number(pledges, "crop_insurance")) | is_yes(number(pledges, "goods_insured"))
    loss = _by(rules, "performance_loss", stage)
    diluted = dilution(where_known(number(pledges, "returns_12m"), 0.0), where_known(number(pledges, "sales_12m"), 0.0))
    advance = _by(rules, "advance", stage)
    return {
        "owed": outstanding(
            number(pledges, "amount"), paid=where_known(number(pledges, "paid"), 0.0),
            deposit=where_known(number(pledges, "deposit"), 0.0)),
        "aged": _aged(pledges, loans, rules) * 1.0,
        "government": np.equal(text(pledges, "buyer_kind"), "government") * 1.0,
        "closed_loop": is_yes(number(loans, "control_account")) * 1.0,
        "delivered": np.array([code in rules[f"{RULES}.delivered_stages"] for code in stage], dtype=np.float64),
        "stage": _by(rules, "stage", stage),
        "performance": np.where(insured, loss * rules.number(f"{RULES}.performance_insured"), loss),
        "dilution": diluted,
        "advance": advance,
        "diluted_advance": diluted_advance(
            advance, diluted, tolerated=rules.number(f"{RULES}.dilution_tolerated")),
        "buyer_credit": _by_rating(rules, "buyer_credit", rating),
        "limit": _by_rating(rules, "concentration", rating),
    }


def _by(rules: RuleSet, name: str, codes: npt.NDArray[np.object_]) -> Floats:
    """A table by stage read for each row; an unknown stage takes the careful row ``framework``."""
    table = rules.table(f"{RULES}.{name}")
    careful = float(table["framework"])
    return np.array([table.get(code, careful) for code in codes], dtype=np.float64)


def _by_rating(rules: RuleSet, name: str, rating: Floats) -> Floats:
    """A table by buyer rating 1 to 5; an unknown rating takes the worst row."""
    table = rules.table(f"{RULES}.{name}")
    rows = np.array([float(table[grade]) for grade in sorted(table)])
    return rows[np.clip(where_known(rating, len(rows)), 1, len(rows)).astype(np.intp) - 1]


def _aged(pledges: Columns, loans: Columns, rules: RuleSet) -> Bools:
    """Past due beyond the limit, or invoiced too long ago; longer agreed terms are given the limit on top."""
    limit, oldest = rules.number(f"{RULES}.past_due_days"), rules.number(f"{RULES}.invoice_age_days")
    invoiced, due = day(pledges, "invoice_on"), day(pledges, "due_on")
    age = _days(invoiced, day(loans, "as_of"))
    allowed = np.maximum(oldest, where_known(_days(invoiced, due) + limit, oldest))
    return np.greater(number(pledges, "past_due"), limit) | np.greater(age, allowed)


def _days(start: npt.NDArray[np.datetime64], end: npt.NDArray[np.datetime64]) -> Floats:
    """Days between two columns of days, NaN where one is unknown."""
    between = end - start
    return np.where(np.isnat(between), np.nan, between.astype("timedelta64[D]").astype(np.float64))


def _waterfall(f: Figures, pledges: Columns, loans: Columns, rules: RuleSet) -> None:
    """Take off what is ineligible, in the stated order; adds one column per step."""
    applications = loans.get("application_row", np.arange(len(f["owed"]), dtype=np.float64)).tolist()
    book = group_numbers(applications)
    buyer = group_numbers(applications, text(pledges, "buyer_id").tolist())
    owed, aged = f["owed"], is_yes(f["aged"])
    f["aged_out"] = kept(owed, aged)
    aged_amount = np.where(aged, owed, 0.0)
    limit = rules.number(f"{RULES}.cross_age")
    crossed = cross_aged(total_of_group(aged_amount, buyer), total_of_group(owed, buyer), limit=limit)
    f["cross_out"] = kept(f["aged_out"], crossed)
    f["related_out"] = kept(f["cross_out"], is_yes(number(pledges, "related")))
    f["disputed_out"] = kept(f["related_out"], is_yes(number(pledges, "disputed")))
    slow = is_yes(f["government"]) & ~is_yes(f["closed_loop"])
    f["government_out"] = f["disputed_out"] * (1.0 - np.where(slow, rules.number(f"{RULES}.government_excluded"), 0.0))
    left = f["government_out"]
    of_buyer, of_book = total_of_group(left, buyer), total_of_group(left, book)
    f["concentrated"] = within_concentration(left, of_buyer, book_total=of_book, limit=_limit(f, pledges, rules))
    share = where_known(of_buyer / np.where(of_book > 0.0, of_book, np.nan), 0.0)
    f["top_buyer"] = largest_of_group(share, book)


def _limit(f: Figures, pledges: Columns, rules: RuleSet) -> Floats:
    """Highest share of one buyer; a closed loop with a sound buyer (one order, one loan) lifts it."""
    sound = np.less_equal(number(pledges, "buyer_rating"), rules.number(f"{RULES}.closed_loop_rating"))
    return np.where(is_yes(f["closed_loop"]) & sound, 1.0, f["limit"])
