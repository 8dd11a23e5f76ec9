"""Formulas of price risk: falls of a lognormal price, and the scaling of haircuts by days."""

from __future__ import annotations

import math

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units

EXPECTED_DRAWDOWN = math.sqrt(math.pi / 2.0)
"""Expected maximum drawdown of a driftless Brownian motion over unit time (Magdon-Ismail et al. 2004)."""


@units(volatility="1/year**0.5", horizon="year", quantile="dimensionless", returns="dimensionless")
def lognormal_fall(volatility: Floats, horizon: Floats, *, quantile: Floats) -> Floats:
    """Fall of a driftless lognormal price at a quantile: ``1 - exp(-z sigma sqrt(h))``.

    With ``z`` at confidence ``1 - alpha`` it is the fall at the end of the horizon; with ``z`` at
    ``1 - alpha/2`` it is the worst fall at any time up to it (reflection principle: the running minimum of a
    driftless Brownian motion has the law of ``-|W|``).

    Args:
        volatility: sigma, per square root of a year (the volatility of one year).
        horizon: h, years.
        quantile: z, standard normal quantile of the confidence.

    Returns:
        Part of the price, from 0 to below 1.

    Example:
        >>> round(float(lognormal_fall(np.float64(0.2), np.float64(1.0), quantile=np.float64(1.6449))), 4)
        0.2803
    """
    return 1.0 - np.exp(-quantile * volatility * np.sqrt(horizon))


@units(volatility="1/year**0.5", horizon="year", returns="dimensionless")
def expected_drawdown(volatility: Floats, horizon: Floats) -> Floats:
    """Expected maximum drawdown of a driftless price: ``1 - exp(-sqrt(pi/2) sigma sqrt(h))``.

    The mean is that of the drawdown of the log price (Magdon-Ismail, Atiya, Pratap and Abu-Mostafa 2004); in
    prices it is therefore slightly above the mean fall (Jensen). It is a mean, not a quantile.

    Args:
        volatility: sigma, per square root of a year.
        horizon: h, years.

    Returns:
        Part of the running peak, from 0 to below 1.

    Example:
        >>> round(float(expected_drawdown(np.float64(0.2), np.float64(1.0))), 4)
        0.2217
    """
    return 1.0 - np.exp(-EXPECTED_DRAWDOWN * volatility * np.sqrt(horizon))


@units(haircut="dimensionless", days="dimensionless", to_days="dimensionless", returns="dimensionless")
def rescaled_haircut(haircut: Floats, days: Floats, *, to_days: Floats) -> Floats:
    """Haircut of another holding period: ``H_M = H_N sqrt(T_M / T_N)`` (Basel III, comprehensive approach).

    Args:
        haircut: H_N, part of the price.
        days: T_N, number of business days it is set for.
        to_days: T_M, number of business days wanted.

    Returns:
        H_M; linear in the haircut, so large ones can pass 1 and then mean the whole price.

    Example:
        >>> round(float(rescaled_haircut(np.float64(0.15), np.float64(10.0), to_days=np.float64(20.0))), 4)
        0.2121
    """
    return haircut * np.sqrt(to_days / days)


@units(haircut="dimensionless", holding_days="dimensionless", revaluation_days="dimensionless", returns="dimensionless")
def revalued_haircut(haircut: Floats, holding_days: Floats, *, revaluation_days: Floats) -> Floats:
    """Haircut where value is not refreshed daily: ``H = H_M sqrt((N_R + T_M - 1) / T_M)`` (Basel III).

    Args:
        haircut: H_M, part of the price, for daily revaluation.
        holding_days: T_M, number of business days of the kind of transaction.
        revaluation_days: N_R, number of business days between revaluations.

    Returns:
        H, part of the price.

    Example:
        >>> round(float(revalued_haircut(np.float64(0.1), np.float64(20.0), revaluation_days=np.float64(250.0))), 4)
        0.3667
    """
    return haircut * np.sqrt((revaluation_days + holding_days - 1.0) / holding_days)
