"""How figures of the portfolio are told: yuan to the cent, ratios to 1e-8, half away from zero."""

from __future__ import annotations

from eco_credit.core.numbers import PROBABILITY_DECIMALS, rounded


def yuan(value: float) -> float:
    """An amount to 0.01 yuan.

    Example:
        >>> yuan(2.675)
        2.68
    """
    return float(rounded(value))


def rate(value: float) -> float:
    """A ratio to 1e-8."""
    return float(rounded(value, PROBABILITY_DECIMALS))


def part(amount: float, whole: float) -> float | None:
    """``amount / whole`` as a ratio to 1e-8; None where there is no whole.

    Example:
        >>> part(1.0, 3.0), part(1.0, 0.0)
        (0.33333333, None)
    """
    return rate(amount / whole) if whole > 0.0 else None
