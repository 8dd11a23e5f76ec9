"""The borrowing base: what is left of a book of orders and receivables, step by step.

Ineligible amounts come off before the advance rate, and in this order: applied cash and deposits,
past due, cross-age, related parties, disputed, government, concentration. Each function takes one
step; amounts are CNY per order, shape (n,).
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Bools, Floats
from eco_credit.core.units import units


@units(amount="CNY", paid="CNY", deposit="CNY", returns="CNY")
def outstanding(amount: Floats, *, paid: Floats, deposit: Floats) -> Floats:
    """What the buyer still owes: ``max(0, amount - paid - deposit)``, CNY."""
    return np.maximum(0.0, amount - paid - deposit)


def kept(amount: Floats, excluded: Bools) -> Floats:
    """The amount where it is not excluded, 0 where it is, CNY."""
    return np.where(excluded, 0.0, amount)


@units(aged="CNY", total="CNY", limit="dimensionless", returns="dimensionless")
def cross_aged(aged: Floats, total: Floats, *, limit: float) -> Bools:
    """True where a buyer's aged part is above the limit, so that all its claims leave the base.

    Args:
        aged: aged amount of the buyer, CNY.
        total: amount of the buyer before ageing, CNY.
        limit: part of the total, 0.10 is common; a buyer exactly at the limit stays.

    Returns:
        Flags.
    """
    return np.greater(aged, limit * total)


@units(amount="CNY", buyer_total="CNY", book_total="CNY", limit="dimensionless", returns="CNY")
def within_concentration(amount: Floats, buyer_total: Floats, *, book_total: Floats, limit: Floats) -> Floats:
    """Amount left when one buyer may make up no more than a part of the book.

    ``x min(1, limit B / X)`` with X the buyer's total and B the book's.

    Args:
        amount: x, of the order.
        buyer_total: X, of the order's buyer in the same application.
        book_total: B, of the application.
        limit: part of the book allowed to the buyer.

    Returns:
        CNY, at most ``amount``.
    """
    positive = np.where(buyer_total > 0.0, buyer_total, np.nan)
    share = np.minimum(1.0, limit * book_total / positive)
    return amount * np.where(buyer_total > 0.0, share, 1.0)


@units(returns_made="CNY", sales="CNY", returns="dimensionless")
def dilution(returns_made: Floats, sales: Floats) -> Floats:
    """Dilution: non-cash credits over gross sales; 0 without sales, at most 1."""
    positive = np.where(sales > 0.0, sales, np.nan)
    return np.where(sales > 0.0, np.minimum(returns_made, sales) / positive, 0.0)


@units(advance="dimensionless", dilution_ratio="dimensionless", tolerated="dimensionless", returns="dimensionless")
def diluted_advance(advance: Floats, dilution_ratio: Floats, *, tolerated: Floats | float) -> Floats:
    """Advance rate less the dilution above what is tolerated, point for point, never below 0."""
    return np.maximum(0.0, advance - np.maximum(0.0, dilution_ratio - tolerated))


@units(cost="CNY", liquidation="CNY", cost_rate="dimensionless", liquidation_rate="dimensionless", returns="CNY")
def inventory_base(
    cost: Floats, liquidation: Floats, *, cost_rate: Floats | float, liquidation_rate: Floats | float
) -> Floats:
    """Advance on goods: ``min(a_c cost, a_n NOLV)``; a figure that is unknown (NaN) does not bind.

    Args:
        cost: cost of the goods, CNY, NaN where unknown.
        liquidation: net orderly liquidation value, CNY, NaN where unknown.
        cost_rate: a_c.
        liquidation_rate: a_n.

    Returns:
        CNY; 0 where both are unknown.
    """
    by_cost, by_sale = cost * cost_rate, liquidation * liquidation_rate
    either = np.where(np.isnan(by_cost), by_sale, np.where(np.isnan(by_sale), by_cost, np.minimum(by_cost, by_sale)))
    return np.where(np.isnan(either), 0.0, either)


@units(eligible="CNY", advance="dimensionless", inventory="CNY", returns="CNY")
def borrowing_base(eligible: Floats, advance: Floats, *, inventory: Floats) -> Floats:
    """``BB = eligible receivables x advance + inventory base``, CNY.

    Example:
        >>> goods = inventory_base(np.array([5e6]), np.array([np.nan]), cost_rate=0.5, liquidation_rate=0.85)
        >>> float(borrowing_base(np.array([10e6]), np.array([0.85]), inventory=goods)[0])
        11000000.0
    """
    return eligible * advance + inventory
