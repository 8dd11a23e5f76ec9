"""Regulatory capital of one exposure: IRB risk weight functions and the comprehensive haircut.

Source: Basel II Annex 5 and Basel III final (d424); the parameters are rules ``portfolio.capital.*``.
This is a comparison figure, not a report: most ecological rights get no capital relief.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.rulebook import RuleSet


def falling_correlation(pd: Floats, low: float, high: float, *, decay: float) -> Floats:
    """Correlation that falls with PD: ``low · w + high · (1 − w)``, ``w = (1 − e^(−kPD)) / (1 − e^(−k))``."""
    weight = (1.0 - np.exp(-decay * pd)) / (1.0 - np.exp(-decay))
    result: Floats = low * weight + high * (1.0 - weight)
    return result


def unexpected_loss(pd: Floats, lgd: Floats, *, correlation: Floats, confidence: float) -> Floats:
    """Loss rate at the confidence level less the expected one, without a term adjustment.

    Formula: ``LGD · N((G(PD) + √R G(q)) / √(1 − R)) − PD · LGD``.
    """
    stressed = ndtr((ndtri(pd) + np.sqrt(correlation) * ndtri(confidence)) / np.sqrt(1.0 - correlation))
    result: Floats = lgd * stressed - pd * lgd
    return result


def corporate_k(
    pd: npt.ArrayLike, lgd: npt.ArrayLike, *, term: float, turnover: float | None, rules: RuleSet
) -> Floats:
    """Capital requirement K of a corporate exposure, part of the exposure.

    Formula: ``K = UL · (1 + (M − 2.5) b) / (1 − 1.5 b)``, ``b = (0.11852 − 0.05478 ln PD)²``,
    ``R = 0.12 w + 0.24 (1 − w) − 0.04 (1 − (S − 5)/45)`` with S clipped to 5-50.

    Args:
        pd: probability of default, ratio in (0, 1).
        lgd: loss given default, ratio.
        term: effective maturity M, year.
        turnover: yearly turnover S in million EUR; None takes no relief for small firms.
        rules: rules in force.
    """
    p, loss = np.asarray(pd, np.float64), np.asarray(lgd, np.float64)
    table: Mapping[str, float] = rules.table("portfolio.capital.corporate")
    correlation = falling_correlation(p, table["low"], table["high"], decay=table["decay"])
    correlation = correlation - _relief(turnover, table)
    slope = (table["term_a"] - table["term_b"] * np.log(p)) ** 2
    confidence = rules.number("portfolio.capital.confidence")
    lost = unexpected_loss(p, loss, correlation=correlation, confidence=confidence)
    standard = table["term_standard"]
    result: Floats = lost * (1.0 + (term - standard) * slope) / (1.0 - (standard - 1.0) * slope)
    return result


def other_retail_k(pd: npt.ArrayLike, lgd: npt.ArrayLike, *, rules: RuleSet) -> Floats:
    """Capital requirement K of an other-retail exposure: R from 0.16 down to 0.03, no term adjustment."""
    p = np.asarray(pd, np.float64)
    table: Mapping[str, float] = rules.table("portfolio.capital.other_retail")
    correlation = falling_correlation(p, table["low"], table["high"], decay=table["decay"])
    confidence = rules.number("portfolio.capital.confidence")
    return unexpected_loss(p, np.asarray(lgd, np.float64), correlation=correlation, confidence=confidence)


def risk_weight(k: npt.ArrayLike, *, rules: RuleSet) -> Floats:
    """Risk weight of a capital requirement: ``K / 0.08``, that is ``12.5 · K``."""
    result: Floats = np.asarray(k, np.float64) / rules.number("portfolio.capital.minimum_ratio")
    return result


@units(
    exposure="CNY",
    collateral="CNY",
    of_exposure="dimensionless",
    of_collateral="dimensionless",
    of_currency="dimensionless",
    returns="CNY",
)
def exposure_after_haircut(
    exposure: npt.ArrayLike,
    collateral: npt.ArrayLike,
    *,
    of_exposure: float,
    of_collateral: float,
    of_currency: float = 0.0,
) -> Floats:
    """Exposure left after collateral: ``E* = max(0, E(1 + He) − C(1 − Hc − Hfx))``.

    Args:
        exposure: E, yuan.
        collateral: C, yuan.
        of_exposure: haircut He, ratio.
        of_collateral: haircut Hc, ratio.
        of_currency: haircut Hfx of a currency mismatch, ratio.

    Returns:
        Yuan.
    """
    owed = np.asarray(exposure, np.float64) * (1.0 + of_exposure)
    kept = np.asarray(collateral, np.float64) * (1.0 - of_collateral - of_currency)
    result: Floats = np.maximum(0.0, owed - kept)
    return result


@units(exposure="CNY", collateral="CNY", of_counterparty="dimensionless", of_collateral="dimensionless", returns="CNY")
def simple_weighted(exposure: Floats, collateral: Floats, *, of_counterparty: float, of_collateral: float) -> Floats:
    """Risk-weighted assets of the simple approach: ``min(C, E)·w_C + max(0, E − C)·w_E``.

    Args:
        exposure: E, yuan.
        collateral: C, yuan.
        of_counterparty: risk weight w_E, ratio.
        of_collateral: risk weight w_C, ratio.

    Returns:
        Yuan.
    """
    covered = np.minimum(exposure, collateral)
    result: Floats = covered * of_collateral + (exposure - covered) * of_counterparty
    return result


def _relief(turnover: float | None, table: Mapping[str, float]) -> float:
    """Correlation relief of a small firm: ``0.04 · (1 − (S − 5) / 45)``; none without a turnover."""
    if turnover is None:
        return 0.0
    low, high = table["turnover_low"], table["turnover_high"]
    size = min(max(turnover, low), high)
    return table["sme_relief"] * (1.0 - (size - low) / (high - low))
