"""Downturn LGD of a fitted LGD model, by kind of pledge."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from eco_credit.core.numbers import Floats, number
from eco_credit.risk.lgd import composed_lgd, covered
from eco_credit.rulebook import RuleSet
from training.censoring import censoring_weights
from training.datasets import APPLIES, Tape
from training.fit_lgd import LgdModel, cure_chance
from training.margins import downturn_lgd, hazard_drop, lgd_upper, quantile_between, under_hazard
from training.split import Rows


@dataclass(frozen=True)
class Downturn:
    """LGD of one pool, ratio.

    Attributes:
        cases: resolved defaults.
        long_run: average of realised LGD, each default alike, unfinished workouts stood for by weights.
        upper: upper end of its one-sided interval; ``upper - long_run`` is margin C.
        stressed: mean LGD of the pool's defaults under the hazard scenario.
        downturn: the larger of the two.
    """

    cases: int
    long_run: float
    upper: float
    stressed: float
    downturn: float

    def as_dict(self) -> dict[str, float]:
        """Plain data."""
        return asdict(self)


def downturn_of(model: LgdModel, tape: Tape, rows: Rows, rules: RuleSet) -> dict[str, Downturn]:
    """Downturn LGD of all defaults and of those of each kind that makes up more than half of the value.

    Args:
        model: the LGD model, in composition mode.
        tape: labelled rows with ``lgd``, ``collateral_value`` and ``exposure``.
        rows: rows whose defaults make up the long run, usually in-time and calibration rows.
        rules: ``risk.margins.*``.

    Returns:
        ``all`` and share feature to the result; a pool without a resolved default is left out.
    """
    stressed = stressed_lgd(model, tape, rules)
    weight = tape.weight * censoring_weights(tape, rows)
    lgd = number(tape.outcome, "lgd")
    seen = rows[(tape.target[rows] > 0.0) & ~np.isnan(lgd[rows])]
    pools = {"all": np.ones(len(seen), dtype=bool)} | {
        share: number(tape.columns, share)[seen] > 0.5 for share in APPLIES.values() if share in tape.columns
    }
    return {name: _pool(seen[of], lgd, stressed, weight=weight, rules=rules) for name, of in pools.items() if of.any()}


def _pool(rows: Rows, lgd: Floats, stressed: Floats, *, weight: Floats, rules: RuleSet) -> Downturn:
    long_run, hard = (float(np.average(values[rows], weights=weight[rows])) for values in (lgd, stressed))
    upper = lgd_upper(lgd[rows], weight[rows], rules)
    return Downturn(len(rows), long_run, upper, hard, float(downturn_lgd(np.array(long_run), np.array(hard))))


def stressed_lgd(model: LgdModel, tape: Tape, rules: RuleSet) -> Floats:
    """LGD of every row under the hazard scenario; ratio, shape (n,).

    ``composed(cure, LVR_q (1 - h) V / EAD, other)`` with LVR_q the quantile ``risk.margins.downturn_quantile``.
    """
    low, central = (np.maximum(model.tables[name].score(tape.columns), 0.0) for name in ("low", "central"))
    level = np.full(len(low), rules.number("risk.margins.downturn_quantile"))
    drop = hazard_drop(tape.columns, rules)
    lvr = under_hazard(quantile_between(np.minimum(low, central), central, level), drop)
    cover = covered(lvr, number(tape.outcome, "collateral_value"), number(tape.outcome, "exposure"))
    return composed_lgd(cure_chance(model.cure, tape.columns), cover, np.full_like(cover, model.other))
