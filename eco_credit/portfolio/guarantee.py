"""Formulas of a guarantee: expected payout, subrogation, net loss, fee, leverage, statutory caps.

Source: collateral notes F (guarantee agencies); caps and weights are rules ``portfolio.guarantee.*``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Floats
from eco_credit.core.units import MONTHS_PER_YEAR, units
from eco_credit.rulebook import RuleSet


@units(
    cover="dimensionless", pd="dimensionless", exposure="CNY", lgd="dimensionless", share="dimensionless", returns="CNY"
)
def expected_payout(cover: Floats, pd: Floats, *, exposure: Floats, lgd: Floats, share: float) -> Floats:
    """Expected payout of a bearer of the guarantee in a year, per loan.

    Formula: ``payout_i = g_i · PD_i · EAD_i · LGD_i · s``.

    Args:
        cover: guaranteed part of the loan g, ratio 0-1, shape (n,).
        pd: probability of default within 12 months, shape (n,).
        exposure: exposure at default, yuan, shape (n,).
        lgd: loss given default, ratio, shape (n,).
        share: part of the covered loss this bearer takes, ratio.

    Returns:
        Yuan per year, shape (n,).

    Example:
        >>> float(expected_payout(np.array(0.8), np.array(0.02), exposure=np.array(1e6), lgd=np.array(0.5), share=0.4))
        3200.0
    """
    result: Floats = cover * pd * exposure * lgd * share
    return result


@units(payout="CNY", rate="dimensionless", months="month", discount="dimensionless", returns="CNY")
def present_recovery(payout: npt.ArrayLike, rate: float, *, months: float, discount: float) -> Floats:
    """Subrogation cash brought back to the day of payout: ``payout · ρ / (1 + r)^τ``.

    Args:
        payout: yuan, any shape.
        rate: part ρ of the payout that comes back, ratio.
        months: months until it comes; τ is months / 12.
        discount: yearly rate r, ratio.

    Returns:
        Yuan, same shape.

    Example:
        >>> round(float(present_recovery(100.0, 0.5, months=12.0, discount=0.25)), 6)
        40.0
    """
    factor = np.power(1.0 + discount, -months / MONTHS_PER_YEAR)
    result: Floats = np.asarray(payout, np.float64) * rate * factor
    return result


def net_loss(payout: npt.ArrayLike, rate: float, *, months: float, discount: float) -> Floats:
    """What a payout costs in the end: ``payout · (1 − ρ/(1+r)^τ)``; arguments as `present_recovery`."""
    return np.asarray(payout, np.float64) - present_recovery(payout, rate, months=months, discount=discount)


@units(
    payout="CNY",
    recovered="CNY",
    operating_cost="CNY",
    capital_cost="CNY",
    re_guarantee="CNY",
    subsidy="CNY",
    returns="CNY",
)
def break_even_fee(
    payout: float,
    recovered: float,
    *,
    operating_cost: float,
    capital_cost: float,
    re_guarantee: float = 0.0,
    subsidy: float = 0.0,
) -> float:
    """Fee income at which the bearer neither gains nor loses in a year.

    Formula: ``fee = payout − recovered + operating cost + capital cost + re-guarantee fee − subsidy``, all yuan
    per year; ``recovered`` is the present value of subrogation and counter-guarantees.
    """
    return payout - recovered + operating_cost + capital_cost + re_guarantee - subsidy


def guarantee_weights(
    borrower_class: npt.NDArray[np.object_],
    contract: Floats,
    *,
    rules: RuleSet,
    product: npt.NDArray[np.object_] | None = None,
) -> Floats:
    """Weight of each balance in the leverage figure.

    The lower weight is decided on the contract amount, limits included; the weight is then applied
    to the balance borne. One base, said once.

    Args:
        borrower_class: ``small``, ``farmer``, ``other`` or None per loan, shape (n,).
        contract: contract amount, yuan, shape (n,).
        rules: rules in force.
        product: code of the list ``guarantee_product`` per loan, shape (n,); None or ``loan`` is a loan to a borrower.

    Returns:
        Weights, ratio, shape (n,). An unknown class takes the full weight.
    """
    classes = weight_classes(borrower_class, contract, rules=rules, product=product)
    weight = np.ones(len(contract))
    for name, value in weight_table(rules).items():
        weight = np.where(np.equal(classes, name), value, weight)
    return weight


def weight_table(rules: RuleSet) -> dict[str, float]:
    """Weight of each class of balance: ``small``, ``farmer``, ``other``, and ``product:<name>`` for other products."""
    loans: Mapping[str, float] = rules.table("portfolio.guarantee.weights")
    products: Mapping[str, float] = rules.table("portfolio.guarantee.weights_by_product")
    return {**{k: float(v) for k, v in loans.items()}, **{f"product:{k}": float(v) for k, v in products.items()}}


def weight_classes(
    borrower_class: npt.NDArray[np.object_],
    contract: Floats,
    *,
    rules: RuleSet,
    product: npt.NDArray[np.object_] | None = None,
) -> npt.NDArray[np.object_]:
    """Class of each balance for its weight, a name of `weight_table`, shape (n,); arguments as `guarantee_weights`."""
    found = np.full(len(contract), "other", dtype=object)
    for name, limit in (("small", "small_ticket_max"), ("farmer", "farmer_ticket_max")):
        within = contract <= rules.number(f"portfolio.guarantee.{limit}")
        found[np.equal(borrower_class, name) & within] = name
    if product is not None:
        for name in rules.table("portfolio.guarantee.weights_by_product"):
            found[np.equal(product, name)] = f"product:{name}"
    return found


def re_guarantee_fee(balance: Floats, *, small: float, large: float, is_small: Bools) -> Floats:
    """Yearly fee for re-guarantee, per loan: ``f · B_re``, the lower rate f up to the small ticket.

    Args:
        balance: share of the re-guarantors in each loan, yuan, shape (n,).
        small: rate of a small ticket, ratio.
        large: rate of a larger one, ratio.
        is_small: ticket up to and including the small ticket, shape (n,).
    """
    result: Floats = np.where(is_small, balance * small, balance * large)
    return result


def leverage(weighted_balance: float, net_assets: float, *, stakes: float = 0.0) -> float:
    """Multiple of weighted balance: ``Σ w_i B_i / (net assets − equity in other guarantors)``.

    Args:
        weighted_balance: Σ w_i B_i, yuan.
        net_assets: net assets, yuan.
        stakes: equity held in other guarantors, yuan.

    Returns:
        The multiple; infinite when nothing is left below the line.

    Example:
        >>> leverage(900.0, 110.0, stakes=10.0)
        9.0
    """
    own = net_assets - stakes
    return weighted_balance / own if own > 0.0 else float("inf")


@dataclass(frozen=True, slots=True)
class Caps:
    """Statutory limits of one guarantee company, yuan: whole balance, one client, one group."""

    balance: float
    single: float
    group: float


def guarantee_caps(net_assets: float, *, small_or_farm: bool, rules: RuleSet) -> Caps:
    """Limits that follow from net assets (decree 683, articles 15 and 16).

    Args:
        net_assets: net assets less equity in other guarantors, yuan.
        small_or_farm: the company mainly serves small and micro firms and farms.
        rules: rules in force.

    Returns:
        The three limits, yuan.
    """
    name = "leverage_max_small_farm" if small_or_farm else "leverage_max"
    return Caps(
        balance=net_assets * rules.number(f"portfolio.guarantee.{name}"),
        single=net_assets * rules.number("portfolio.guarantee.single_client_max"),
        group=net_assets * rules.number("portfolio.guarantee.group_max"),
    )


def borrower_classes(
    kind: npt.NDArray[np.object_], size: npt.NDArray[np.object_], *, rules: RuleSet
) -> npt.NDArray[np.object_]:
    """Class of each borrower for the weights: ``farmer``, ``small`` or ``other``.

    Args:
        kind: borrower kind codes, shape (n,).
        size: size class codes, None where unknown, shape (n,).
        rules: rules in force; the lists are ``portfolio.guarantee.*_kinds`` and ``small_size_classes``.
    """
    farmer = _is_in(kind, rules["portfolio.guarantee.farmer_kinds"])
    small = _is_in(size, rules["portfolio.guarantee.small_size_classes"])
    by_kind = _is_in(kind, rules["portfolio.guarantee.small_kinds"]) & _is_in(size, [None])
    result = np.where(small | by_kind, "small", "other").astype(object)
    result[farmer] = "farmer"
    return result


def _is_in(column: npt.NDArray[np.object_], values: list[str | None]) -> Bools:
    """True where a code is on a list."""
    found: Bools = np.array([value in values for value in column], dtype=bool)
    return found
