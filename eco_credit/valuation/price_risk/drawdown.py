"""Drawdown: how far a price fell from its peak, and how far it fell after a given day."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Floats


@dataclass(frozen=True, slots=True)
class Drawdown:
    """Largest fall from a peak to a later trough.

    Attributes:
        fall: part of the peak, 0 when the price never fell.
        peak: position of the peak (the last one at that height before the trough).
        trough: position of the trough; equal to `peak` when the price never fell.
    """

    fall: float
    peak: int
    trough: int


def drawdowns(prices: Floats) -> Floats:
    """Fall from the running peak: ``d_t = 1 - p_t / max_{s<=t} p_s``.

    Args:
        prices: above 0, shape (n,), any currency per unit.

    Returns:
        Part of the peak, shape (n,), 0 to below 1.

    Example:
        >>> drawdowns(np.array([100.0, 80.0, 120.0, 90.0])).round(2).tolist()
        [0.0, 0.2, 0.0, 0.25]
    """
    return 1.0 - prices / np.maximum.accumulate(prices)


def maximum_drawdown(prices: Floats) -> Drawdown:
    """Largest peak-to-trough fall of a series: ``max_t d_t``.

    Args:
        prices: above 0, shape (n,), n at least 1.

    Returns:
        The fall with its peak and its first deepest trough.

    Example:
        >>> maximum_drawdown(np.array([100.0, 80.0, 120.0, 90.0]))
        Drawdown(fall=0.25, peak=2, trough=3)
    """
    falls = drawdowns(prices)
    trough = int(np.argmax(falls))
    before = prices[: trough + 1]
    peak = trough - int(np.argmax(before[::-1]))
    return Drawdown(float(falls[trough]), peak, trough)


def fall_at(prices: Floats, steps: int) -> Floats:
    """Fall of the price ``steps`` periods later: ``1 - p_{t+s} / p_t``; below 0 is a rise.

    Args:
        prices: above 0, shape (n,).
        steps: periods ahead, at least 1.

    Returns:
        Shape (max(n - steps, 0),): origins whose horizon lies inside the series.

    Example:
        >>> fall_at(np.array([100.0, 80.0, 120.0]), 2).round(2).tolist()
        [-0.2]
    """
    return 1.0 - prices[steps:] / prices[: max(len(prices) - steps, 0)]


def worst_fall(prices: Floats, steps: int) -> Floats:
    """Deepest fall within ``steps`` periods: ``max(0, 1 - min_{1<=k<=s} p_{t+k} / p_t)``.

    Args:
        prices: above 0, shape (n,).
        steps: periods ahead, at least 1.

    Returns:
        Shape (max(n - steps, 0),), at least 0: a price that only rose has a fall of 0.

    Example:
        >>> worst_fall(np.array([100.0, 80.0, 120.0]), 2).round(2).tolist()
        [0.2]
    """
    if len(prices) <= steps:
        return np.empty(0)
    ahead = np.lib.stride_tricks.sliding_window_view(prices[1:], steps)
    lowest: Floats = ahead.min(axis=1)
    return np.maximum(0.0, 1.0 - lowest / prices[:-steps])
