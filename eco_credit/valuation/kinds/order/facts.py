"""What an order works out once of its fields: what it is in law, its stage, its way through the book, its goods."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Columns, Floats, day, is_yes, number, text, where_known
from eco_credit.rulebook import RuleSet
from eco_credit.valuation.borrowing_base import STEPS, exclusions, waterfall
from eco_credit.valuation.case import Facts
from eco_credit.valuation.groups import Group, group_numbers, largest_of_group, total_of_group
from eco_credit.valuation.methods.order import diluted_advance, dilution, inventory_base

RULES = "valuation.order"
CUTS = STEPS[2:]
"""Steps of the waterfall that take an ineligible amount off, in their order."""


def facts(pledges: Columns, loans: Columns, rules: RuleSet) -> Facts:
    """Derive what the other functions read.

    Args:
        pledges: columns of the contract ``order``, n rows.
        loans: ``as_of``, ``application_row``, ``control_account``, n rows.
        rules: rules of the day.

    Returns:
        Columns of n rows. CNY: ``paid``, ``deposit``, the steps of `borrowing_base.STEPS` (what is left after each),
        ``<step>_excluded`` for each of `CUTS`, ``excluded`` (their sum), ``stock`` (lower of cost and liquidation
        value). Ratios: ``stage``, ``loss``, ``exposed`` (part of a bad harvest that falls on the order),
        ``advance``, ``diluted_advance``, ``buyer_credit``, ``dilution``, ``top_buyer``, ``limit``, ``goods_rate``.
        1.0 or 0.0: ``aged``, ``government``, ``slow_government``, ``closed_loop``, ``delivered``, ``undelivered``,
        ``insured``, ``foreign``, ``claim_stated`` (the paper says what is pledged), ``not_claim`` (it says an order
        or a sale contract), ``receivable`` (a receivable in law and in fact), ``future`` (stated, and money still to
        be earned or owed under the contract only).
    """
    found = _in_law(pledges) | _terms(pledges, loans, rules)
    found["receivable"] *= is_yes(number(pledges, "registered")) & is_yes(number(pledges, "buyer_confirmed"))
    found["future"] = np.where(found["claim_stated"] > 0.0, np.maximum(found["not_claim"], found["undelivered"]), 0.0)
    _book(found, pledges, loans, rules)
    return found


def _in_law(pledges: Columns) -> Facts:
    """What the pledge is in law, as stated; a blank states nothing."""
    kind, stage = text(pledges, "claim_kind"), text(pledges, "stage")
    not_claim, receivable = _one_of(kind, ["order", "sale_contract"]), _one_of(kind, ["receivable"])
    return {
        "claim_stated": not_claim + receivable,
        "not_claim": not_claim,
        "receivable": receivable * _one_of(stage, ["invoiced"]),
    }


def _one_of(codes: npt.NDArray[np.object_], wanted: list[str]) -> Floats:
    chosen = frozenset(wanted)
    return np.array([code in chosen for code in codes], dtype=np.float64)


def _terms(pledges: Columns, loans: Columns, rules: RuleSet) -> Facts:
    """What does not depend on the other orders."""
    stage, rating = text(pledges, "stage"), number(pledges, "buyer_rating")
    insured = is_yes(number(pledges, "crop_insurance")) | is_yes(number(pledges, "goods_insured"))
    left: Floats = np.where(insured, rules.number(f"{RULES}.performance_insured"), 1.0)
    delivered = _one_of(stage, rules[f"{RULES}.delivered_stages"])
    closed = is_yes(number(loans, "control_account"))
    government = is_yes(_one_of(text(pledges, "buyer_kind"), ["government"]))
    diluted = dilution(where_known(number(pledges, "returns_12m"), 0.0), where_known(number(pledges, "sales_12m"), 0.0))
    advance = _by(rules, "advance", stage)
    return {
        "paid": where_known(number(pledges, "paid"), 0.0),
        "deposit": where_known(number(pledges, "deposit"), 0.0),
        "aged": _aged(pledges, loans, rules, is_yes(delivered)).astype(np.float64),
        "foreign": _foreign(pledges, rules).astype(np.float64),
        "government": government.astype(np.float64),
        "slow_government": (government & ~closed).astype(np.float64),
        "closed_loop": closed.astype(np.float64),
        "delivered": delivered,
        "undelivered": 1.0 - delivered,
        "insured": insured.astype(np.float64),
        "stage": _by(rules, "stage", stage),
        "loss": _by(rules, "performance_loss", stage) * left,
        "exposed": (1.0 - delivered) * left,
        "dilution": diluted,
        "advance": advance,
        "diluted_advance": diluted_advance(advance, diluted, tolerated=rules.number(f"{RULES}.dilution_tolerated")),
        "buyer_credit": _by_rating(rules, "buyer_credit", rating),
        "limit": _limit(rules, rating, closed),
    } | _goods(pledges, rules)


def _goods(pledges: Columns, rules: RuleSet) -> Facts:
    """Lower of cost and liquidation value, CNY, and the advance rate that ``min(a_c cost, a_n NOLV)`` makes of it."""
    cost, sale = number(pledges, "inventory_cost"), number(pledges, "inventory_nolv")
    stock = where_known(np.fmin(cost, sale), 0.0)
    base = inventory_base(
        cost, sale, cost_rate=rules.number(f"{RULES}.goods_cost_advance"),
        liquidation_rate=rules.number(f"{RULES}.goods_liquidation_advance"),
    )
    return {"stock": stock, "goods_rate": np.where(stock > 0.0, base / np.where(stock > 0.0, stock, 1.0), 0.0)}


def _by(rules: RuleSet, name: str, codes: npt.NDArray[np.object_]) -> Floats:
    """A table by stage read for each row; an unknown stage takes the careful row ``framework``."""
    table = rules.table(f"{RULES}.{name}")
    careful = float(table["framework"])
    return np.fromiter((table.get(code, careful) for code in codes.tolist()), np.float64, len(codes))


def _by_rating(rules: RuleSet, name: str, rating: Floats) -> Floats:
    """A table by buyer rating 1 to 5; an unknown rating takes the worst row."""
    table = rules.table(f"{RULES}.{name}")
    rows = np.array([float(table[grade]) for grade in sorted(table)])
    return rows[np.clip(where_known(rating, len(rows)), 1, len(rows)).astype(np.intp) - 1]


def _limit(rules: RuleSet, rating: Floats, closed: Bools) -> Floats:
    """Highest share of one buyer; a closed loop with a sound buyer (one order, one loan) lifts it."""
    sound = np.less_equal(rating, rules.number(f"{RULES}.closed_loop_rating"))
    return np.where(closed & sound, 1.0, _by_rating(rules, "concentration", rating))


def days_between(start: npt.NDArray[np.datetime64], end: npt.NDArray[np.datetime64]) -> Floats:
    """Days from one column of days to another, NaN where one is unknown."""
    between = end - start
    return np.where(np.isnat(between), np.nan, between.astype("timedelta64[D]").astype(np.float64))


def _aged(pledges: Columns, loans: Columns, rules: RuleSet, delivered: Bools) -> Bools:
    """Past due beyond the limit, as stated or by its own dates, or invoiced too long ago.

    Longer agreed terms are given the limit on top. A day of payment that passed before anything was delivered is no
    lateness of the buyer: the gate O13 refuses it.
    """
    limit, oldest = rules.number(f"{RULES}.past_due_days"), rules.number(f"{RULES}.invoice_age_days")
    invoiced, due, today = day(pledges, "invoice_on"), day(pledges, "due_on"), day(loans, "as_of")
    allowed = np.maximum(oldest, where_known(days_between(invoiced, due) + limit, oldest))
    late: Bools = np.greater(number(pledges, "past_due"), limit) | np.greater(days_between(invoiced, today), allowed)
    late |= delivered & np.greater(days_between(due, today), limit)
    return late


def _foreign(pledges: Columns, rules: RuleSet) -> Bools:
    """A buyer abroad, or an amount in a currency that is not counted."""
    counted = frozenset(rules[f"{RULES}.currencies"])
    other = np.array([code is not None and code not in counted for code in text(pledges, "currency")], dtype=bool)
    foreign: Bools = is_yes(number(pledges, "foreign_buyer")) | other
    return foreign


def _book(f: Facts, pledges: Columns, loans: Columns, rules: RuleSet) -> None:
    """Take the book of each application through the waterfall; adds one column per step and per exclusion.

    An unknown amount counts as nothing for the others of its book and stays unknown itself.
    """
    buyer, book = _groups(pledges, loans)
    amount = number(pledges, "amount")
    claims = _claims(f, pledges, rules) | {"amount": where_known(amount, 0.0)}
    steps = waterfall(claims, buyer=buyer, book=book, cross_age=rules.number(f"{RULES}.cross_age"))
    last = steps["government_out"]
    of_book = total_of_group(last, book)
    share = where_known(total_of_group(last, buyer) / np.where(of_book > 0.0, of_book, np.nan), 0.0)
    f["top_buyer"] = largest_of_group(share, book)
    out = exclusions(steps)
    f["excluded"] = np.add.accumulate(np.array([out[name] for name in CUTS]), axis=0)[-1]
    f |= {f"{name}_excluded": out[name] for name in CUTS}
    f |= {name: np.where(np.isnan(amount), np.nan, steps[name]) for name in STEPS}


def _groups(pledges: Columns, loans: Columns) -> tuple[Group, Group]:
    """Number of the buyer within its application, and of the application."""
    rows = len(number(pledges, "amount"))
    applications = loans.get("application_row", np.arange(rows, dtype=np.float64)).tolist()
    return group_numbers(applications, text(pledges, "buyer_id").tolist()), group_numbers(applications)


def _claims(f: Facts, pledges: Columns, rules: RuleSet) -> Columns:
    slow = f["slow_government"] * rules.number(f"{RULES}.government_excluded")
    staged = is_yes(number(pledges, "progress_billing")) * rules.number(f"{RULES}.progress_excluded")
    return {
        "paid": f["paid"], "deposit": f["deposit"], "aged": f["aged"], "foreign": f["foreign"],
        "unapplied": number(pledges, "unapplied"), "owed_to_buyer": number(pledges, "contra"),
        "related": number(pledges, "related"), "disputed": number(pledges, "disputed"),
        "government": np.maximum(slow, staged), "concentration": f["limit"],
    }  # fmt: skip
