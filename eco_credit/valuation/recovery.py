"""Expected recovery: what a sale under stress brings, in money of today.

It starts from the central appraisal and not from the lending value: a haircut protects the lender's
limit, it does not change what a buyer pays, and taking it twice would overstate the loss.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import MONTHS_PER_YEAR, units
from eco_credit.rulebook import RuleSet
from eco_credit.valuation.kind import Kind
from eco_credit.valuation.methods.annuity import present_factor


@units(
    central="CNY", sale_factor="dimensionless", cost_ratio="dimensionless", discount_factor="dimensionless",
    prior_claims="CNY", returns="CNY",
)
def sale_proceeds(
    central: Floats, sale_factor: Floats, *, cost_ratio: Floats, discount_factor: Floats, prior_claims: Floats
) -> Floats:
    """Net proceeds of a forced sale in money of today.

    ``max(0, V f (1 - c) d - claims)``

    Args:
        central: appraised value V, CNY, shape (n,).
        sale_factor: price of the forced sale as a part of the appraisal, f; (k, 1) for k cases at once.
        cost_ratio: costs of the sale as a part of the price, c; likewise.
        discount_factor: factor for the time to the sale, d; likewise.
        prior_claims: paid before the lender, CNY, shape (n,).

    Returns:
        CNY, shape (n,) or (k, n), between 0 and V.
    """
    return np.maximum(0.0, central * sale_factor * (1.0 - cost_ratio) * discount_factor - prior_claims)


def recovery(kind: Kind, central: Floats, *, prior_claims: Floats, rules: RuleSet) -> Floats:
    """Low, central and high recovery of n pledges.

    The low case takes the low price, the high cost and the long wait together; the high case the
    opposite. Rules read: ``<kind>.sale_factor``, ``<kind>.sale_cost``, ``<kind>.sale_months`` (tables
    of low, central, high) and ``valuation.disposal.discount_rate``.

    Args:
        kind: the kind of collateral.
        central: appraised value, CNY, shape (n,).
        prior_claims: CNY, shape (n,).
        rules: rules of the day.

    Returns:
        CNY, shape (3, n), in rising order.
    """
    factor, cost, months = (rules.table(f"{kind.rules}.{name}") for name in ("sale_factor", "sale_cost", "sale_months"))
    price, burden = ("low", "central", "high"), ("high", "central", "low")
    years = np.array([[float(months[end])] for end in burden]) / MONTHS_PER_YEAR
    return sale_proceeds(
        central,
        np.array([[float(factor[end])] for end in price]),
        cost_ratio=np.array([[float(cost[end])] for end in burden]),
        discount_factor=present_factor(np.full((1, 1), rules.number("valuation.disposal.discount_rate")), years),
        prior_claims=prior_claims,
    )


@dataclass(frozen=True, slots=True)
class ForcedSale:
    """What the law says of the court auction of n rights.

    Attributes:
        opening_bids: lowest opening bid of the first and of the second auction, CNY, shape (n,) each.
        months: low, central and high time from default to the money.
    """

    opening_bids: tuple[Floats, Floats]
    months: dict[str, float]


def forced_sale(kind: Kind, central: Floats, rules: RuleSet) -> ForcedSale:
    """Lowest opening bids: 70 % of the appraisal, and a fifth less in the second auction (statute, see the rules).

    Args:
        kind: the kind of collateral.
        central: appraised value, CNY, shape (n,).
        rules: rules of the day.
    """
    first = central * rules.number("valuation.disposal.first_auction_floor")
    second = first * (1.0 - rules.number("valuation.disposal.second_auction_cut"))
    months = rules.table(f"{kind.rules}.sale_months")
    return ForcedSale((first, second), {end: float(months[end]) for end in ("low", "central", "high")})
