"""The waterfall over a book of claims: the totals per buyer and per book, and the steps in their order.

The formulas of each step are in `eco_credit.valuation.methods.order`; this file only adds what belongs together.
A row's result does not depend on the order of the rows, nor on rows of another book.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from eco_credit.core.numbers import Columns, Floats, is_yes, number, rows_of, where_known
from eco_credit.valuation.approach import Figures
from eco_credit.valuation.groups import Group, largest_of_group, total_of_group
from eco_credit.valuation.methods.order import (
    cross_aged,
    kept,
    kept_part,
    less_contra,
    less_unapplied,
    outstanding,
    within_concentration,
)

STEPS = (
    "gross", "owed", "unapplied_out", "aged_out", "cross_out", "contra_out", "related_out", "foreign_out",
    "disputed_out", "government_out", "concentrated",
)
"""Amounts left, first to last; the last is eligible. The order is part of the result (see the methods page)."""


def waterfall(claims: Columns, *, buyer: Group, book: Group, cross_age: float) -> Figures:
    """Take a book of claims through every ineligible step.

    Args:
        claims: n rows. ``amount``, ``paid``, ``deposit`` (CNY, of the order); ``unapplied`` and ``owed_to_buyer``
            (CNY, of the buyer, repeated on each of its rows; the largest counts); ``aged``, ``related``,
            ``foreign``, ``disputed`` (1.0 or 0.0; ``foreign`` means abroad and neither insured nor under a letter
            of credit); ``government`` (part excluded, 0 to 1: also progress billing); ``concentration`` (highest
            share of the book, of the order's buyer). A column that is not there, or unknown, takes nothing off.
        buyer: group number of the buyer within the book, shape (n,).
        book: group number of the book, shape (n,).
        cross_age: aged part of a buyer above which all its claims leave.

    Returns:
        The columns of `STEPS`, CNY left after each, shape (n,) each.
    """
    f: Figures = {"gross": number(claims, "amount")}
    f["owed"] = outstanding(f["gross"], paid=_known(claims, "paid"), deposit=_known(claims, "deposit"))
    f["unapplied_out"] = less_unapplied(
        f["owed"], total_of_group(f["owed"], buyer), unapplied=largest_of_group(_known(claims, "unapplied"), buyer))
    left, aged = f["unapplied_out"], is_yes(number(claims, "aged"))
    f["aged_out"] = kept(left, aged)
    late = total_of_group(np.where(aged, left, 0.0), buyer)
    f["cross_out"] = kept(f["aged_out"], cross_aged(late, total_of_group(left, buyer), limit=cross_age))
    f["contra_out"] = less_contra(
        f["cross_out"], total_of_group(f["cross_out"], buyer),
        owed_to_buyer=largest_of_group(_known(claims, "owed_to_buyer"), buyer))
    f["related_out"] = kept(f["contra_out"], is_yes(number(claims, "related")))
    f["foreign_out"] = kept(f["related_out"], is_yes(number(claims, "foreign")))
    f["disputed_out"] = kept(f["foreign_out"], is_yes(number(claims, "disputed")))
    f["government_out"] = kept_part(f["disputed_out"], _known(claims, "government"))
    last = f["government_out"]
    f["concentrated"] = within_concentration(
        last, total_of_group(last, buyer), book_total=total_of_group(last, book),
        limit=where_known(number(claims, "concentration"), 1.0))
    return f


def exclusions(figures: Figures) -> Figures:
    """What each step took off, by the name of the step, CNY per claim.

    Args:
        figures: result of `waterfall`.

    Returns:
        Columns of `STEPS` without ``gross``; none is below 0, and gross is eligible plus their sum.
    """
    return {after: figures[before] - figures[after] for before, after in pairwise(STEPS)}


def _known(claims: Columns, name: str) -> Floats:
    return where_known(number(claims, name), 0.0) if name in claims else np.zeros(rows_of(claims))
