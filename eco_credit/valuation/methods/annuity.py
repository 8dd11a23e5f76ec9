"""Time value: factors and annuities at a constant real rate.

Powers are taken as ``exp(t log1p(p))``: one row alone then gives the same bytes as that row among
many, which ``numpy.power`` does not promise (it takes a short cut for a single exponent of 2).
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units


@units(rate="dimensionless", years="dimensionless", returns="dimensionless")
def growth_factor(rate: Floats, years: Floats) -> Floats:
    """Compound factor ``(1 + p)^t``.

    Args:
        rate: real rate p per year, ratio above -1.
        years: t, number of years, may be negative.

    Returns:
        Factor, shape of the arguments together.
    """
    return np.exp(years * np.log1p(rate))


@units(rate="dimensionless", years="dimensionless", returns="dimensionless")
def present_factor(rate: Floats, years: Floats) -> Floats:
    """Discount factor ``(1 + p)^-t``; arguments as in `growth_factor`."""
    return np.exp(-years * np.log1p(rate))


@units(rate="dimensionless", years="dimensionless", returns="dimensionless")
def annuity_factor(rate: Floats, years: Floats) -> Floats:
    """Present value of 1 at the end of each of t years: ``[1 - (1 + p)^-t] / p``, and t where p is 0.

    Args:
        rate: p per year, ratio.
        years: t; a negative t counts as 0.

    Returns:
        Years' purchase, shape of the arguments together.

    Example:
        >>> round(float(annuity_factor(np.array([0.05]), np.array([10.0]))[0]), 6)
        7.721735
    """
    term = np.maximum(years, 0.0)
    positive = np.where(rate > 0.0, rate, 1.0)
    return np.where(rate > 0.0, -np.expm1(-term * np.log1p(positive)) / positive, term)


@units(rate="dimensionless", years="dimensionless", returns="dimensionless")
def advance_sum_factor(rate: Floats, years: Floats) -> Floats:
    """Value at the end of t years of 1 paid at the start of each: ``sum_{i=1..t} (1 + p)^(t - i + 1)``.

    In closed form ``(1 + p) [(1 + p)^t - 1] / p``, and t where p is 0. Arguments as in `annuity_factor`.
    """
    term = np.maximum(years, 0.0)
    positive = np.where(rate > 0.0, rate, 1.0)
    return np.where(rate > 0.0, (1.0 + positive) * np.expm1(term * np.log1p(positive)) / positive, term)


@units(payment="CNY/year", rate="1/year", returns="CNY")
def perpetual_value(payment: Floats, rate: Floats) -> Floats:
    """Value of a payment for ever: ``A / p`` (LY/T 2407-2015, annuity capitalisation).

    Args:
        payment: A, CNY per year.
        rate: p per year, above 0.

    Returns:
        CNY.

    Example:
        >>> float(perpetual_value(np.float64(1_000_000.0), np.float64(0.04)))
        25000000.0
    """
    return payment / rate


@units(payment="CNY", rate="dimensionless", years="dimensionless", returns="CNY")
def finite_value(payment: Floats, rate: Floats, years: Floats) -> Floats:
    """Value of a yearly payment for t years: ``A [1 - (1 + p)^-t] / p``.

    Args:
        payment: A, CNY, at the end of each year.
        rate: p per year, ratio.
        years: t.

    Returns:
        CNY.

    Example:
        >>> round(float(finite_value(np.array([6600.0]), np.array([0.05]), np.array([10.0]))[0]), 2)
        50963.45
    """
    return payment * annuity_factor(rate, years)
