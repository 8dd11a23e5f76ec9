"""What happens after default: cure, sale, time, loss, and what is not yet known on the day of observation.

``ln LVR = ln m_kind + sum_k c_k d_k(x) + price + hazard + slowness + noise``;
``LGD = 1 - min(1, LVR V / EAD + other)`` unless cured, then 0. A guarantee is not recovery here: who
bears the loss is settled elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Columns, Floats, number
from eco_credit.risk.calibration import sigmoid
from eco_credit.risk.lgd import composed_lgd, covered
from eco_credit.rulebook import RuleSet
from training.simulate.applications import Book
from training.simulate.truth import drivers, mixed, weighted
from training.simulate.world import Shocks, drought_chance

MOST_LVR = 1.5


@dataclass(frozen=True)
class Recovered:
    """Laws of recovery of each loan, shape (n,) each.

    Attributes:
        log_ratio: mean of the logarithm of the liquidation-value ratio without shocks.
        cure: chance of a cure.
        months: median months to resolution.
    """

    log_ratio: Floats
    cure: Floats
    months: Floats


def laws(book: Book, rules: RuleSet) -> Recovered:
    """The structural laws of recovery of a book."""
    values = drivers(book.features, book.optimism)
    median = mixed(rules.table("simulate.workout.lvr"), book.features)
    cure = mixed(rules.table("simulate.workout.cure"), book.features)
    lean = weighted(rules.table("simulate.workout.cure_slope"), values)
    return Recovered(
        log_ratio=np.log(median) + weighted(rules.table("simulate.workout.slope"), values),
        cure=sigmoid(np.log(cure / (1.0 - cure)) + lean),
        months=mixed(rules.table("simulate.workout.months"), book.features),
    )


def true_lgd(book: Book, rules: RuleSet) -> Floats:
    """Expected LGD given the loan: over cure, noise, slowness, price, hazard and other recovery."""
    law = laws(book, rules)
    variance = [
        rules.number("simulate.workout.lvr_sigma"),
        rules.number("simulate.workout.slow_loss"),
        rules.number("simulate.world.price_sigma") * rules.number("simulate.workout.price_effect"),
    ]
    spread = float(np.sqrt(sum(part**2 for part in variance)))
    hazard = rules.number("simulate.workout.hazard_effect") * _hazard_chance(book, rules)
    other = rules.table("simulate.workout.other_recovery")
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    total = np.zeros(len(law.cure))
    for node, weight in zip(nodes, weights / weights.sum(), strict=True):
        ratio = np.minimum(np.exp(law.log_ratio + hazard + spread * node), MOST_LVR)
        cover = covered(ratio, book.value, number(book.loans, "amount_requested"))
        rest = np.full(len(cover), (float(other["low"]) + float(other["high"])) / 2.0)
        total = total + weight * composed_lgd(law.cure, cover, rest)
    return total


def _hazard_chance(book: Book, rules: RuleSet) -> Floats:
    fire = rules.number("simulate.world.fire_chance") * number(book.features, "share_forest")
    return fire + drought_chance(book.features, rules) * number(book.features, "share_water")


def worked_out(rng: np.random.Generator, book: Book, shocks: Shocks, *, rules: RuleSet) -> Columns:
    """Draw the fate of every loan as if it had defaulted.

    Returns:
        ``cured`` (1.0 or 0.0), ``months`` to resolution, ``lvr`` (NaN when cured) and ``lgd``, shape
        (n,) each.
    """
    law, n = laws(book, rules), len(book.kind)
    slow = rng.standard_normal(n)
    hazard = number(book.features, "share_forest") * shocks.fire + number(book.features, "share_water") * shocks.drought
    log_ratio = (
        law.log_ratio
        + rules.number("simulate.workout.price_effect") * shocks.price
        + rules.number("simulate.workout.hazard_effect") * hazard
        + rules.number("simulate.workout.slow_loss") * slow
        + rules.number("simulate.workout.lvr_sigma") * rng.standard_normal(n)
    )
    lvr = np.minimum(np.exp(log_ratio), MOST_LVR)
    ends = rules.table("simulate.workout.other_recovery")
    other = rng.uniform(float(ends["low"]), float(ends["high"]), n)
    cured = (rng.random(n) < law.cure).astype(np.float64)
    lgd = composed_lgd(cured, covered(lvr, book.value, number(book.loans, "amount_requested")), other)
    months = np.maximum(1.0, np.round(law.months * np.exp(rules.number("simulate.workout.months_sigma") * slow), 1))
    return {"cured": cured, "months": months, "lvr": np.where(cured > 0.0, np.nan, lvr), "lgd": lgd}
