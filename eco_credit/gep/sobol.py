"""Quasi-random samples and variance shares (Sobol indices) of a model, seeded and reproducible.

Sources: A. Saltelli et al. (2010), Computer Physics Communications 181:259-270 (first order);
M. J. W. Jansen (1999), Computer Physics Communications 117:35-43 (total effect); I. M. Sobol (1967).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Floats

Shape = Literal["triangular", "uniform", "pert"]
SHAPES: tuple[Shape, ...] = ("triangular", "uniform", "pert")


@dataclass(frozen=True, slots=True)
class Indices:
    """Variance shares of d parameters.

    Attributes:
        first: part of the variance a parameter explains alone, d values.
        total: part that stays while all others are fixed, interactions included, d values.
    """

    first: Floats
    total: Floats


def points(dimensions: int, samples: int, seed: int) -> Floats:
    """Scrambled Sobol points strictly inside the unit cube.

    Args:
        dimensions: d, at least 1.
        samples: N, a power of two.
        seed: seed of the scrambling.

    Returns:
        Shape (N, d).

    Raises:
        ContractError: rule ``samples``; N is not a power of two from 64 to 1048576.
    """
    from scipy.stats import qmc  # heavy: not before a run is asked for

    if not 64 <= samples <= 1 << 20 or samples & (samples - 1):
        raise ContractError([Violation("samples", "samples", "a power of two from 64 to 1048576",
                                       "应为 64 至 1048576 的 2 的幂")])
    drawn: Floats = qmc.Sobol(dimensions, scramble=True, seed=seed).random(samples)
    return np.clip(drawn, 1e-12, 1.0 - 1e-12)


def quantile(chance: Floats, low: Floats, mode: Floats, high: Floats, *, shape: Shape = "triangular") -> Floats:
    """Value of a parameter at a chance: the inverse distribution function.

    Triangular: ``x = l + sqrt(u (h - l)(m - l))`` up to the mode, ``h - sqrt((1 - u)(h - l)(h - m))`` above.
    Uniform: ``l + u (h - l)``. PERT: a beta with ``a = 1 + 4 (m - l)/(h - l)`` and ``b = 6 - a`` over the span.

    Args:
        chance: u, 0 to 1.
        low: l, unit of the parameter; any shape that broadcasts.
        mode: m, most likely value.
        high: h.
        shape: which distribution.

    Returns:
        x in the unit of the parameter, ``l <= x <= h``.

    Example:
        >>> quantile(np.array([0.0, 0.5, 1.0]), 0.0, 1.0, 2.0).tolist()
        [0.0, 1.0, 2.0]
    """
    width = np.asarray(high, np.float64) - low
    if shape == "uniform":
        return low + chance * width
    if shape == "pert":
        from scipy.special import betaincinv

        at = np.divide(mode - low, width, out=np.full(np.shape(width), 0.5), where=width > 0.0)
        beta: Floats = betaincinv(1.0 + 4.0 * at, 5.0 - 4.0 * at, chance)
        return low + width * beta
    below = low + np.sqrt(chance * width * (mode - low))
    above = high - np.sqrt((1.0 - chance) * width * (high - mode))
    return np.where(chance * width <= mode - low, below, above)


def indices(at_a: Floats, at_b: Floats, at_ab: Floats) -> Indices:
    """Sobol indices from model values.

    ``S_i = mean(f_B (f_ABi - f_A)) / V`` (Saltelli 2010) and ``T_i = mean((f_A - f_ABi)^2) / (2 V)`` (Jansen 1999);
    AB_i is A with column i from B. The mean is taken off f first, which changes no index and steadies S.

    Args:
        at_a: f_A, N values.
        at_b: f_B, N values.
        at_ab: f_ABi, shape (d, N).

    Returns:
        Shares; all 0 where the model does not vary.
    """
    both = np.concatenate([at_a, at_b])
    middle, variance = float(np.mean(both)), float(np.var(both))
    if variance <= 0.0:
        return Indices(np.zeros(len(at_ab)), np.zeros(len(at_ab)))
    first = np.mean((at_b - middle) * (at_ab - at_a), axis=1) / variance
    total = np.mean((at_a - at_ab) ** 2, axis=1) / (2.0 * variance)
    return Indices(first, total)


def indices_of(model: Callable[[Floats], Floats], dimensions: int, *, samples: int, seed: int) -> Indices:
    """Sobol indices of a model of d independent chances.

    Args:
        model: takes shape (N, d), chances between 0 and 1; answers N values.
        dimensions: d.
        samples: N, a power of two; the model is run N (d + 2) times.
        seed: seed of the points.

    Returns:
        Shares of each of the d inputs.
    """
    drawn = points(2 * dimensions, samples, seed)
    a, b = drawn[:, :dimensions], drawn[:, dimensions:]
    return indices(model(a), model(b), np.array([model(swapped(a, b, i)) for i in range(dimensions)]))


def swapped(a: Floats, b: Floats, column: int) -> Floats:
    """``AB_i``: A with one column from B."""
    mixed = a.copy()
    mixed[:, column] = b[:, column]
    return mixed
