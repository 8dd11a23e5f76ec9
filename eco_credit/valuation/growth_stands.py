"""How much single stands differ from a fitted growth curve, learnt from stands measured more than once.

The covariance of a fit tells how well the mean curve is known: with many plots it goes to nothing, while one
stand still grows by its own pace. An appraisal needs the second; `with_stand_scatter` puts it in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Floats
from eco_credit.valuation.growth_fit import GrowthFit
from eco_credit.valuation.methods.growth_select import log_gradient, quadratic_sd

FEWEST = 10
"""Pairs of measurements below which no scatter of stands is learnt."""


@dataclass(frozen=True)
class Remeasured:
    """Consecutive measurements of one stand, one row for each pair: ages in years, stocks in m3/ha."""

    age: Floats
    stock: Floats
    age_later: Floats
    stock_later: Floats


def remeasured(stands: npt.ArrayLike, ages: npt.ArrayLike, *, stocks: npt.ArrayLike) -> Remeasured:
    """Pair each measurement of a stand with its next one.

    Args:
        stands: which stand, numbers or codes, shape (n,).
        ages: years, shape (n,).
        stocks: m3/ha, shape (n,).

    Example:
        >>> pairs = remeasured([1, 2, 1], [8.0, 9.0, 5.0], stocks=[90.0, 80.0, 50.0])
        >>> pairs.stock.tolist(), pairs.stock_later.tolist()
        ([50.0], [90.0])
    """
    codes, t, y = np.unique(stands, return_inverse=True)[1], np.asarray(ages, float), np.asarray(stocks, float)
    order = np.lexsort((t, codes))
    codes, t, y = codes[order], t[order], y[order]
    same = (codes[1:] == codes[:-1]) & (t[1:] > t[:-1])
    return Remeasured(t[:-1][same], y[:-1][same], t[1:][same], y[1:][same])


def ratio_errors(fit: GrowthFit, pairs: Remeasured) -> tuple[Floats, Floats]:
    """Measured less fitted log growth ratio of each pair, and the standard deviation the fit gives it.

    Returns:
        ``ln[y(u)/y(n)] - ln[M(u)/M(n)]`` and ``sqrt(g' S g)``, one each for each pair.
    """
    error = np.log(pairs.stock_later / pairs.stock) - np.log(fit.stock(pairs.age_later) / fit.stock(pairs.age))
    ends = [log_gradient(fit.model, fit.params, t) for t in (pairs.age_later, pairs.age)]
    return error, quadratic_sd(tuple(b - a for b, a in zip(*ends, strict=True)), fit.covariance)


def with_stand_scatter(fit: GrowthFit, pairs: Remeasured) -> GrowthFit:
    """The fit with its covariance widened from that of the mean curve to that of single stands.

    ``S`` is multiplied by ``max(1, sum e^2 / sum g' S g)`` over the pairs, e the error of a log growth ratio: the
    shape of the covariance stays, its size is what stands showed.

    Args:
        fit: curve fitted to the stands.
        pairs: their consecutive measurements, ten or more.

    Raises:
        ContractError: too few pairs.
    """
    if len(pairs.age) < FEWEST:
        raise ContractError([Violation(
            "stands", "too_few", f"{len(pairs.age)} pairs of measurements; {FEWEST} or more are needed",
            f"重复测量仅 {len(pairs.age)} 对，至少需要 {FEWEST} 对",
        )])
    error, spread = ratio_errors(fit, pairs)
    factor = max(1.0, float(error @ error) / max(float(spread @ spread), 1e-300))
    return replace(fit, covariance=fit.covariance * factor)
