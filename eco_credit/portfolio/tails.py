"""Quantile and mean beyond it of a weighted sample of losses, each with its error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Floats

_TWO_SIDED_95 = 1.959963984540054


@dataclass(frozen=True)
class Tail:
    """Value at risk and expected shortfall at one level, in the unit of the losses.

    Attributes:
        level: confidence q.
        var: smallest loss that is exceeded with probability at most 1 − q.
        var_low: lower end of its 95 % interval.
        var_high: upper end of it.
        es: mean loss in the worst 1 − q of years.
        es_error: standard error of ``es``.
        gain: how many plain draws one weighted draw is worth for ``es``; 1 for a plain sample.
    """

    level: float
    var: float
    var_low: float
    var_high: float
    es: float
    es_error: float
    gain: float


def tail_of(losses: Floats, weights: Floats, level: float) -> Tail:
    """Value at risk and expected shortfall of a weighted sample.

    Formula: ``VaR = min{l : Σ w_k 1(L_k > l) / K ≤ 1 − q}``,
    ``ES = VaR + Σ w_k (L_k − VaR)⁺ / (K (1 − q))``; ``se(ES) = sd(w (L − VaR)⁺) / (√K (1 − q))``. The interval of the
    quantile inverts the exceedance probability ± 1.96 standard errors.

    Args:
        losses: shape (k,).
        weights: likelihood ratio of each draw, mean about one, shape (k,); all ones for a plain sample.
        level: confidence q, in (0, 1).

    Example:
        >>> found = tail_of(np.arange(1.0, 101.0), np.ones(100), 0.9)
        >>> found.var, round(found.es, 9)
        (90.0, 95.5)
    """
    count, left = len(losses), 1.0 - level
    order = np.argsort(-losses, kind="stable")
    ranked, beyond = losses[order], np.add.accumulate(weights[order]) / count
    var = _exceeded(ranked, beyond, left)
    over = weights * (losses > var)
    spread = float(np.sqrt(max(float(np.mean(over * over)) - float(np.mean(over)) ** 2, 0.0) / count))
    low, high = (_exceeded(ranked, beyond, left + sign * _TWO_SIDED_95 * spread) for sign in (1.0, -1.0))
    excess = np.maximum(losses - var, 0.0)
    mean = float(np.mean(weights * excess))
    own = float(np.mean((weights * excess) ** 2)) - mean * mean
    plain = float(np.mean(weights * excess * excess)) - mean * mean
    return Tail(
        level=level,
        var=var,
        var_low=min(low, var),
        var_high=max(high, var),
        es=var + mean / left,
        es_error=float(np.sqrt(max(own, 0.0) / count)) / left,
        gain=plain / own if own > 0.0 else 1.0,
    )


def _exceeded(ranked: Floats, beyond: Floats, left: float) -> float:
    """The loss exceeded with probability ``left``, of losses from the largest down and their summed weights."""
    at = int(np.searchsorted(beyond, left * (1.0 + 1e-12), side="right"))
    return float(ranked[min(at, len(ranked) - 1)])
