"""The borrowing base: what is left of a book of orders and receivables, step by step.

Ineligible amounts come off before the advance rate, and in this order: applied cash and deposits,
cash and credits not yet applied, past due, cross-age, contra, affiliates, foreign, disputed, government
and progress billing, concentration. What is left is eligible; reserves come off after the rate. Each
function takes one step; amounts are CNY per order, shape (n,). The totals per buyer and per book are
arguments: `eco_credit.valuation.borrowing_base` works them out and walks the steps.

Source: practice of asset-based lenders (reference ``abl-practice``), collected in docs/methods/borrowing-base.md.
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


@units(amount="CNY", excluded_share="dimensionless", returns="CNY")
def kept_part(amount: Floats, excluded_share: Floats) -> Floats:
    """Amount left when a part of it is excluded: ``x (1 - s)``, CNY.

    Used for a government claim and for progress billing, where only the part not yet accepted leaves.

    Args:
        amount: x, CNY.
        excluded_share: s, part of the amount from 0 to 1; 1 leaves nothing.

    Returns:
        CNY, at most ``amount``.
    """
    return amount * (1.0 - excluded_share)


@units(amount="CNY", buyer_total="CNY", unapplied="CNY", returns="CNY")
def less_unapplied(amount: Floats, buyer_total: Floats, *, unapplied: Floats) -> Floats:
    """Amount left after cash and credits of the buyer that no invoice has been credited with.

    ``x max(0, 1 - U / X)``: the buyer as a whole is left with ``max(0, X - U)``, spread pro rata because
    nobody has said yet which invoice was paid.

    Args:
        amount: x, of the order.
        buyer_total: X, of the order's buyer in the same book.
        unapplied: U, of the buyer.

    Returns:
        CNY, from 0 to ``amount``.

    Example:
        >>> less_unapplied(np.array([30.0, 10.0]), np.array([40.0, 40.0]), unapplied=np.array([20.0, 20.0])).tolist()
        [15.0, 5.0]
    """
    positive = np.where(buyer_total > 0.0, buyer_total, np.nan)
    share = np.maximum(0.0, 1.0 - unapplied / positive)
    return amount * np.where(buyer_total > 0.0, share, 1.0)


@units(amount="CNY", buyer_total="CNY", owed_to_buyer="CNY", returns="CNY")
def less_contra(amount: Floats, buyer_total: Floats, *, owed_to_buyer: Floats) -> Floats:
    """Amount left when the buyer may set off what the borrower owes it (contra account, 对销).

    ``x max(0, 1 - C / X)``: of the buyer's claims X there remains ``max(0, X - C)``, spread pro rata over
    the orders. X is what is still eligible at this step: a claim already past due does not use up the contra.

    Args:
        amount: x, of the order.
        buyer_total: X, of the order's buyer in the same book.
        owed_to_buyer: C, what the borrower owes that buyer.

    Returns:
        CNY, from 0 to ``amount``.
    """
    return less_unapplied(amount, buyer_total, unapplied=owed_to_buyer)


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

    ``x min(1, limit B / X)`` with X the buyer's total and B the book's, both before this cut and after all
    the others. B is not lowered again by the excess: with a limit c, repeating the cut on what is left has
    no fixed point but 0 for a book of fewer than 1/c buyers, which would refuse every small book whole.
    B is not the gross book either: else a claim that is itself ineligible would raise the cap of another.

    Args:
        amount: x, of the order.
        buyer_total: X, of the order's buyer in the same application.
        book_total: B, of the application.
        limit: part of the book allowed to the buyer.

    Returns:
        CNY, at most ``amount``. After the cut a buyer may make up more than ``limit`` of what is left.
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


@units(receivables="CNY", inventory="CNY", reserves="CNY", returns="CNY")
def net_base(receivables: Floats, inventory: Floats, *, reserves: Floats) -> Floats:
    """``BB = max(0, BB_AR + BB_inv - reserves)``, CNY.

    Args:
        receivables: BB_AR, eligible claims times their advance rate.
        inventory: BB_inv, see `inventory_base`.
        reserves: rent, wages, tax and other claims paid before the lender, in full: they come off after the rate.

    Returns:
        CNY, never below 0: a reserve above the base leaves no base, it makes no debt.
    """
    return np.maximum(0.0, receivables + inventory - reserves)


@units(base="CNY", line="CNY", drawn="CNY", returns="CNY")
def availability(base: Floats, *, line: Floats, drawn: Floats) -> Floats:
    """What may still be drawn: ``min(line, BB) - drawn``, CNY; below 0 it is an over-advance to be paid back.

    Example:
        >>> availability(np.array([80.0, 80.0]), line=np.array([100.0, 60.0]), drawn=np.array([50.0, 70.0])).tolist()
        [30.0, -10.0]
    """
    return np.minimum(line, base) - drawn


@units(pd="dimensionless", lgd="dimensionless", returns="dimensionless")
def buyer_expected_loss(pd: Floats, lgd: Floats) -> Floats:
    """Expected loss on a buyer as a part of the claim: ``PD LGD``, PD over the life of the claim."""
    return pd * lgd


@units(
    amount="CNY", advance="dimensionless", buyer_loss="dimensionless", performance_loss="dimensionless",
    dilution_ratio="dimensionless", returns="CNY",
)
def order_base(
    amount: Floats, advance: Floats, *, buyer_loss: Floats, performance_loss: Floats, dilution_ratio: Floats
) -> Floats:
    """Base of one order that is not yet a receivable: ``O theta (1 - PD LGD) (1 - perf) (1 - dilution)``, CNY.

    The base of the book is the sum over its orders. The dilution falls on the amount here: do not lower the
    rate for it as well (`diluted_advance`), that would count it twice.

    Args:
        amount: O, eligible amount times the factor of the stage.
        advance: theta, advance rate.
        buyer_loss: PD LGD of the buyer, see `buyer_expected_loss`.
        performance_loss: perf, expected part lost by yield, quality or delivery.
        dilution_ratio: dilution, see `dilution`.

    Returns:
        CNY, at most ``amount * advance``.

    Example:
        >>> one = order_base(np.array([1e6]), np.array([0.6]), buyer_loss=np.array([0.02]),
        ...                  performance_loss=np.array([0.12]), dilution_ratio=np.array([0.05]))
        >>> round(float(one[0]), 2)  # 1 000 000 x 0.6 x 0.98 x 0.88 x 0.95
        491568.0
    """
    return amount * advance * (1.0 - buyer_loss) * (1.0 - performance_loss) * (1.0 - dilution_ratio)


@units(loss="dimensionless", performance="dimensionless", exposed="dimensionless", returns="dimensionless")
def harvest_kept(loss: Floats, performance: Floats, *, exposed: Floats) -> Floats:
    """Part of an order that is delivered: ``(1 - l) (1 - x (1 - y))``.

    Args:
        loss: l, expected loss by yield, quality or delivery.
        performance: y, part of the usual delivery the year allows, 1 in a usual year.
        exposed: x, part of the shortfall of the year that falls on the order: 0 once delivered, less when insured.

    Returns:
        Part of one.
    """
    return (1.0 - loss) * (1.0 - exposed * (1.0 - performance))


@units(price="dimensionless", undelivered="dimensionless", passed_on="dimensionless", returns="dimensionless")
def price_kept(price: Floats, undelivered: Floats, *, passed_on: Floats) -> Floats:
    """Part of the agreed price the buyer still pays: ``1 - u b (1 - min(1, p))``.

    The price of an order is agreed, but a buyer whose market has fallen asks for less before the goods are delivered;
    a rise is not passed on.

    Args:
        price: p, price at delivery over the price of today.
        undelivered: u, 1 before delivery, 0 after it.
        passed_on: b, part of the fall that is passed on.

    Returns:
        Part of one.
    """
    return 1.0 - undelivered * passed_on * (1.0 - np.minimum(1.0, price))


@units(collected="dimensionless", buyer_loss="dimensionless", returns="dimensionless")
def buyer_collects(collected: Floats, buyer_loss: Floats) -> Floats:
    """Part of a receivable that is expected to come in: ``c (1 - PD LGD)``, c the part collected of a sound buyer."""
    return collected * (1.0 - buyer_loss)


@units(
    claim="CNY", goods="CNY", claim_rate="dimensionless", goods_rate="dimensionless", whole_goods="CNY",
    returns="CNY",
)
def better_base(claim: Floats, goods: Floats, *, claim_rate: Floats, goods_rate: Floats, whole_goods: Floats) -> Floats:
    """Base of a claim with its goods: ``max(C r + G g, W g)``, CNY.

    Goods that are not delivered stand behind the claim they will become. Where they would carry more than the claim
    does, they count as goods: else the base would rise when the claim is lost.

    Args:
        claim: C, CNY.
        goods: G, goods beside the claim, CNY.
        claim_rate: r.
        goods_rate: g.
        whole_goods: W, all goods that are not delivered, CNY; 0 after delivery.

    Returns:
        CNY.
    """
    return np.maximum(claim * claim_rate + goods * goods_rate, whole_goods * goods_rate)
