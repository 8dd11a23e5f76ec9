"""One-factor loss of a fine-grained pool in closed form.

Model: a loan defaults when ``√ρ Z + √(1−ρ) ε < G(PD)``, so given the factor
``p(z) = N((G(PD) − √ρ z) / √(1−ρ))`` (Vasicek). Source: collateral notes G.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr, ndtri

from eco_credit.core.numbers import Floats

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)


def conditional_pd(pd: npt.ArrayLike, factor: npt.ArrayLike, *, correlation: float) -> Floats:
    """PD given the common factor: ``N((G(PD) − √ρ z) / √(1−ρ))``; a low factor is a bad year.

    Args:
        pd: probability of default, ratio in (0, 1).
        factor: z, standard normal.
        correlation: ρ, ratio in (0, 1).
    """
    threshold = ndtri(np.asarray(pd, np.float64))
    root = np.sqrt(correlation)
    result: Floats = ndtr((threshold - root * np.asarray(factor, np.float64)) / np.sqrt(1.0 - correlation))
    return result


def loss_quantile(pd: npt.ArrayLike, lgd: npt.ArrayLike, *, correlation: float, level: float) -> Floats:
    """Loss rate that is not exceeded with the given confidence.

    Formula: ``LGD · N((G(PD) + √ρ G(q)) / √(1−ρ))``.

    Args:
        pd: probability of default, ratio in (0, 1).
        lgd: loss given default, ratio.
        correlation: ρ, ratio in (0, 1).
        level: confidence q, ratio in (0, 1).

    Returns:
        Part of the exposure.
    """
    return np.asarray(lgd, np.float64) * conditional_pd(pd, -ndtri(level), correlation=correlation)


def pool_quantile(pd: Floats, lgd: Floats, exposure: Floats, *, correlation: float, level: float) -> float:
    """Loss of a fine-grained pool of unlike loans that is not exceeded with the given confidence, yuan.

    Formula: ``Σ EAD_i · LGD_i · N((G(PD_i) + √ρ G(q)) / √(1−ρ))``: with one factor all loans are bad in the same year,
    so their quantiles add up. A loan in default (PD one) is lost in every year.

    Args:
        pd: probability of default, ratio, shape (n,).
        lgd: loss given default, ratio, shape (n,).
        exposure: yuan, shape (n,).
        correlation: ρ, ratio in (0, 1).
        level: confidence q, ratio in (0, 1).
    """
    return float(np.sum(exposure * loss_quantile(pd, lgd, correlation=correlation, level=level)))


def both_below(a: npt.ArrayLike, b: npt.ArrayLike, *, correlation: float) -> Floats:
    """Probability that two standard normals with a correlation r stay below a and b.

    Formula: ``N(a)N(b) + 1/(2π) ∫₀^asin(r) exp(−(a² + b² − 2ab sin θ) / (2 cos² θ)) dθ``
    (Plackett's identity), by 64-point Gauss-Legendre in fixed order.

    Args:
        a: upper end of the first, any shape.
        b: upper end of the second, same shape.
        correlation: r, between -0.99 and 0.99.
    """
    x, y = np.asarray(a, np.float64), np.asarray(b, np.float64)
    half = np.arcsin(correlation) / 2.0
    total = np.zeros(np.broadcast(x, y).shape)
    for node, weight in zip(_NODES, _WEIGHTS, strict=True):
        angle = half * (node + 1.0)
        shape = x * x + y * y - 2.0 * x * y * np.sin(angle)
        total = total + weight * np.exp(-shape / (2.0 * np.cos(angle) ** 2))
    result: Floats = ndtr(x) * ndtr(y) + half * total / (2.0 * np.pi)
    return result


def expected_excess(pd: npt.ArrayLike, attach: npt.ArrayLike, *, lgd: npt.ArrayLike, correlation: float) -> Floats:
    """Expected loss above an attachment point: ``E[(L − a)⁺]`` with ``L = LGD · p(Z)``.

    Formula: with ``k = a / LGD`` and ``z* = (G(PD) − √(1−ρ) G(k)) / √ρ``,
    ``E = LGD · (N₂(G(PD), z*; √ρ) − k N(z*))``; zero where ``k ≥ 1``, ``LGD · PD − a`` where ``a ≤ 0``.

    Args:
        pd: probability of default, ratio in (0, 1).
        attach: attachment point, part of the pool.
        lgd: loss given default, ratio above 0.
        correlation: ρ, ratio in (0, 1).

    Returns:
        Part of the pool.
    """
    loss, point = np.asarray(lgd, np.float64), np.asarray(attach, np.float64)
    share = point / loss
    inner = np.clip(share, 1e-15, 1.0 - 1e-15)
    threshold = ndtri(np.asarray(pd, np.float64))
    bound = (threshold - np.sqrt(1.0 - correlation) * ndtri(inner)) / np.sqrt(correlation)
    tail = loss * (both_below(threshold, bound, correlation=float(np.sqrt(correlation))) - inner * ndtr(bound))
    whole = loss * np.asarray(pd, np.float64) - point
    result: Floats = np.where(share >= 1.0, 0.0, np.where(point <= 0.0, whole, np.maximum(tail, 0.0)))
    return result


def expected_tranche_loss(pd: float, span: tuple[float, float], *, lgd: float, correlation: float) -> float:
    """Expected part of a tranche that is lost: ``(E[(L−a)⁺] − E[(L−d)⁺]) / (d − a)``.

    Args:
        pd: probability of default, ratio in (0, 1).
        span: attachment and detachment point, ratios, attach < detach.
        lgd: loss given default, ratio above 0.
        correlation: ρ, ratio in (0, 1).

    Returns:
        Ratio 0-1.
    """
    attach, detach = span
    above = expected_excess(pd, np.array([attach, detach]), lgd=lgd, correlation=correlation)
    return float((above[0] - above[1]) / (detach - attach))
