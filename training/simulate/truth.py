"""The truth of the simulator: a structural logit of default and a structural law of recovery.

``logit PD = base_kind + sum_k b_k d_k(x) + b_int (ltv - 0.4)+ ln(1.5 / dscr)+ + shocks``, with drivers d
centred near a usual loan so that the base is the logit of a usual loan. The true PD of a loan is
the expectation over the shocks, which nobody knows at origination.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from eco_credit.core.numbers import Columns, Floats, number, where_known
from eco_credit.risk.calibration import sigmoid
from eco_credit.rulebook import RuleSet
from training.simulate.applications import Book
from training.simulate.world import Shocks, drought_chance

KINDS = {"share_forest": "forest_right", "share_water": "water_right", "share_order": "order"}


def drivers(features: Columns, optimism: Floats) -> dict[str, Floats]:
    """Centred drivers of default and recovery; one that does not apply is 0, shape (n,) each."""
    x = {name: number(features, name) for name in features}
    signed = {
        "ltv": x["ltv"] - 0.45,
        "dscr": np.log(np.maximum(x["dscr"], 0.05) / 1.5),
        "debt_to_cash": np.log1p(np.minimum(x["debt_to_cash"], 20.0)) - 1.2,
        "overdue": np.minimum(x["overdue_max_24m"], 5.0),
        "bad_record": x["bad_record"],
        "years": np.log((x["years_in_trade"] + 0.5) / 8.0),
        "external_guarantee": np.log1p(x["external_guarantee_ratio"]),
        "guarantee": x["guarantee_cover"],
        "control": x["control_account"],
        "term": np.log(x["term_months"] / 24.0),
        "term_cover": np.minimum(x["term_cover"], 4.0) - 1.5,
        "optimism": optimism,
        "prior": x["prior_claim_ratio"],
        "unregistered": 1.0 - x["registered_share"],
        "spread": x["appraisal_spread"] - 0.45,
    }
    return {name: where_known(value, 0.0) for name, value in (signed | _kind_drivers(x)).items()}


def _kind_drivers(x: Mapping[str, Floats]) -> dict[str, Floats]:
    return {
        "stock": np.log(np.maximum(x["forest_stock"], 5.0) / 120.0),
        "permit": x["forest_permit"],
        "insured": x["forest_insured"],
        "protected": x["forest_protected"],
        "forest_buy_back": x["forest_buy_back"],
        "allocation": x["water_allocation"] - 0.88,
        "over_drawn": x["water_over_drawn"],
        "idle": np.abs(x["water_use_ratio"] - 0.75),
        "transferable": x["water_transferable"] - 0.5,
        "water_buy_back": x["water_buy_back"],
        "rating": x["order_buyer_rating"] - 2.5,
        "top_buyer": x["order_top_buyer"] - 0.75,
        "confirmed": x["order_confirmed"] - 0.9,
        "past_due": np.log1p(x["order_past_due"]),
        "dilution": x["order_dilution"] - 0.06,
        "stage": x["order_stage"] - 0.9,
    }


def weighted(table: Mapping[str, float], values: Mapping[str, Floats]) -> Floats:
    """``sum_k table_k values_k``, shape (n,), in the table's order."""
    return sum((float(size) * values[name] for name, size in table.items()), np.zeros(len(values["ltv"])))


def mixed(table: Mapping[str, float], features: Columns) -> Floats:
    """Mean of a table by kind, weighted by each kind's share of value, shape (n,)."""
    n = len(number(features, "share_forest"))
    total = sum((number(features, share) for share in KINDS), np.zeros(n))
    parts = (float(table[kind]) * number(features, share) for share, kind in KINDS.items())
    even = float(np.mean([float(size) for size in table.values()]))
    # an application without any value gets the even mean; it is not granted anyway
    return np.where(total > 0.0, sum(parts, np.zeros(n)), even)


def default_logit(book: Book, rules: RuleSet) -> Floats:
    """Logit of default without shocks, shape (n,)."""
    values = drivers(book.features, book.optimism)
    thin_cash = np.maximum(0.0, -values["dscr"]) * np.maximum(0.0, values["ltv"] + 0.05)
    linear = weighted(rules.table("simulate.default.slope"), values)
    interaction = rules.number("simulate.default.interaction") * thin_cash
    return mixed(rules.table("simulate.default.base"), book.features) + linear + interaction


def shock_logit(book: Book, shocks: Shocks, rules: RuleSet) -> Floats:
    """What the shocks add to the logit of default, shape (n,)."""
    share = {name: number(book.features, name) for name in KINDS}
    bare = 1.0 - where_known(number(book.features, "forest_insured"), 0.0)
    return (
        rules.number("simulate.default.price_effect") * price_weight(book.features) * -shocks.price
        + rules.number("simulate.default.drought_effect") * share["share_water"] * shocks.drought
        + rules.number("simulate.default.fire_effect") * share["share_forest"] * bare * shocks.fire
        + rules.number("simulate.world.buyer_sigma") * share["share_order"] * shocks.buyers
    )


def price_weight(features: Columns) -> Floats:
    """How much of a product price shock a loan feels: all of it for timber, part for the others."""
    share = {name: number(features, name) for name in KINDS}
    return share["share_forest"] + 0.3 * share["share_water"] + 0.5 * share["share_order"]


def true_pd(book: Book, rules: RuleSet) -> Floats:
    """Expected PD over all shocks: nine Gauss-Hermite nodes, with and without drought and fire."""
    base = default_logit(book, rules)
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    price = rules.number("simulate.world.price_sigma") * rules.number("simulate.default.price_effect")
    buyers = rules.number("simulate.world.buyer_sigma") * number(book.features, "share_order")
    spread = np.hypot(price * price_weight(book.features), buyers)
    still = np.zeros(len(base))
    dry = drought_chance(book.features, rules)
    fire = np.full(len(base), rules.number("simulate.world.fire_chance"))
    total = np.zeros(len(base))
    for drought, burnt in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        chance = np.where(drought > 0.0, dry, 1.0 - dry) * np.where(burnt > 0.0, fire, 1.0 - fire)
        logit = base + shock_logit(book, Shocks(still, still + drought, still + burnt, still), rules)
        for node, weight in zip(nodes, weights / weights.sum(), strict=True):
            total = total + chance * weight * sigmoid(logit + spread * node)
    return total
