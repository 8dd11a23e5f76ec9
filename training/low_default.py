"""Probabilities of default where defaults are few: upper bounds, Bayesian means, and which model is allowed.

Sources: Pluto and Tasche (2005), *Estimating probabilities of default for low default portfolios*; Tasche (2013),
*Bayesian estimation of probabilities of default for low default portfolios*; Jeffreys (1946) for the prior.
In the correlated forms defaults share one Gaussian factor Z:
``p(Z) = Phi((Phi^-1(p) - sqrt(rho) Z) / sqrt(1 - rho))``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.rulebook import RuleSet

NODES = 1_201
"""Points of the trapezoid rule over the factor, from -8 to 8; more change nothing within 1e-10."""
PATHS = 4_096
"""Sobol points over the factors of several years."""
EXPERT_ANCHORED = "expert-anchored"


def upper_bound(defaults: float, obligors: float, confidence: float) -> float:
    """Largest PD that independent defaults do not refute: the p with ``P(X <= k; n, p) = 1 - gamma``.

    In closed form the quantile gamma of ``Beta(k + 1, n - k)`` (Clopper and Pearson).

    Args:
        defaults: k, count.
        obligors: n, count, above 0.
        confidence: gamma, one-sided, between 0 and 1.

    Returns:
        PD, ratio; 1 where all defaulted.

    Example:
        >>> round(upper_bound(0, 800, 0.9), 6)   # 1 - 0.1 ** (1 / 800)
        0.002874
    """
    from scipy.stats import beta

    _checked(defaults, obligors)
    return 1.0 if defaults >= obligors else float(beta.ppf(confidence, defaults + 1.0, obligors - defaults))


def correlated_upper_bound(defaults: float, obligors: float, confidence: float, *, correlation: float) -> float:
    """Upper bound when defaults share one factor: the p with ``E_Z[P(X <= k; n, p(Z))] = 1 - gamma``.

    Args:
        defaults: k, count.
        obligors: n, count, above 0.
        confidence: gamma, one-sided, between 0 and 1.
        correlation: rho, asset correlation, from 0 to below 1.

    Returns:
        PD, ratio.
    """
    z, mass = factor_nodes()
    return multi_period_bound(defaults, obligors, confidence, correlation=correlation, paths=(z[:, None], mass))


def multi_period_bound(
    defaults: float, obligors: float, confidence: float, *, correlation: float, paths: tuple[Floats, Floats]
) -> float:
    """Upper bound of the yearly PD of a cohort followed for T years.

    An obligor defaults within the years with chance ``1 - prod_t (1 - p(Z_t))``; k of n do, and the bound solves
    ``E_Z[P(X <= k)] = 1 - gamma``. Without correlation this is ``1 - (1 - q)^(1/T)`` with q of `upper_bound`.

    Args:
        defaults: k, defaults of the cohort in all years.
        obligors: n, cohort at the start.
        confidence: gamma, one-sided, between 0 and 1.
        correlation: rho, asset correlation, from 0 to below 1.
        paths: factors, shape (m, T), and the mass of each path, shape (m,); see `factor_paths`.

    Returns:
        PD of one year, ratio.
    """
    from scipy.optimize import brentq
    from scipy.special import betaincc, ndtr, ndtri

    z, mass = paths
    single = upper_bound(defaults, obligors, confidence)
    if correlation == 0.0 or single == 1.0:
        return float(-np.expm1(np.log1p(-single) / z.shape[1])) if single < 1.0 else 1.0

    def refuted(x: float) -> float:
        once = conditional_pd(x, z, correlation)
        ever = -np.expm1(np.log1p(-once).sum(axis=1))
        return float((mass * betaincc(defaults + 1.0, obligors - defaults, ever)).sum()) - (1.0 - confidence)

    return float(ndtr(brentq(refuted, float(ndtri(1e-12)), float(ndtri(1.0 - 1e-9)), xtol=1e-12)))


def conditional_pd(probit: float, z: Floats, correlation: float) -> Floats:
    """``p(Z) = Phi((x - sqrt(rho) Z) / sqrt(1 - rho))`` with ``x = Phi^-1(p)``; ratio, shape of z."""
    from scipy.special import ndtr

    inside: Floats = ndtr((probit - np.sqrt(correlation) * z) / np.sqrt(1.0 - correlation))
    return np.minimum(inside, 1.0 - 1e-15)


def factor_nodes() -> tuple[Floats, Floats]:
    """Values of a standard normal factor and their mass, shape (m,) each, by the trapezoid rule."""
    z = np.linspace(-8.0, 8.0, NODES)
    density = np.exp(-0.5 * z * z)
    return z, density / density.sum()


def factor_paths(years: int, *, year_correlation: float, seed: int = 1) -> tuple[Floats, Floats]:
    """Paths of the factor over T years with ``corr(Z_s, Z_t) = theta^|s - t|``, on scrambled Sobol points.

    Args:
        years: T.
        year_correlation: theta, from 0 to below 1.
        seed: seed of the scrambling; the same seed gives the same paths.

    Returns:
        Factors, shape (4096, T), and equal masses, shape (4096,).
    """
    from scipy.special import ndtri
    from scipy.stats import qmc

    shock = ndtri(np.clip(qmc.Sobol(years, rng=seed).random(PATHS), 1e-12, 1.0 - 1e-12))
    path = [shock[:, 0]]
    for year in range(1, years):
        path.append(year_correlation * path[-1] + np.sqrt(1.0 - year_correlation**2) * shock[:, year])
    return np.column_stack(path), np.full(PATHS, 1.0 / PATHS)


Bound = Callable[[float, float], float]
"""Defaults and obligors to an upper bound of the PD."""


def most_prudent(defaults: Sequence[float], obligors: Sequence[float], bound: Bound) -> Floats:
    """Upper bound of each grade: the grade pooled with all worse ones, never below that of a better grade.

    Pooling takes the order of the grades as given. Where a better grade had more defaults than the order allows,
    the worse grade takes the better one's bound: the paper leaves that case open.

    Args:
        defaults: defaults by grade, best grade first.
        obligors: obligors by grade, in the same order.
        bound: ``(k, n)`` to PD, for example ``lambda k, n: upper_bound(k, n, 0.9)``.

    Returns:
        PD by grade, ratio, shape (grades,), rising.
    """
    k, n = (np.cumsum(np.asarray(counts, np.float64)[::-1])[::-1] for counts in (defaults, obligors))
    return np.maximum.accumulate(np.array([bound(float(d), float(m)) for d, m in zip(k, n, strict=True)]))


def bayes_mean(defaults: float, obligors: float, *, prior: str = "neutral", correlation: float = 0.0) -> float:
    """Posterior mean of the PD.

    ``neutral``: uniform prior, ``(k + 1) / (n + 2)``. ``conservative``: density ``1 / (1 - p)``, under which the upper
    bounds of Pluto and Tasche are the posterior's quantiles, ``(k + 1) / (n + 1)``. With correlation the likelihood
    is averaged over the factor and the mean is taken numerically.

    Args:
        defaults: k, count.
        obligors: n, count, above 0.
        prior: ``neutral`` or ``conservative``.
        correlation: rho, asset correlation, from 0 to below 1.

    Returns:
        PD, ratio.

    Raises:
        ValueError: another prior, or counts that cannot be.

    Example:
        >>> bayes_mean(0, 98), bayes_mean(0, 99, prior="conservative")
        (0.01, 0.01)
    """
    _checked(defaults, obligors)
    if prior not in ("neutral", "conservative"):
        raise ValueError(f"prior is neutral or conservative, not {prior!r}")
    if correlation == 0.0:
        return (defaults + 1.0) / (obligors + (2.0 if prior == "neutral" else 1.0))
    x, weight = _posterior(defaults, obligors, correlation=correlation, conservative=prior == "conservative")
    return float((weight * x).sum() / weight.sum())


def _posterior(k: float, n: float, *, correlation: float, conservative: bool) -> tuple[Floats, Floats]:
    """PDs and their unnormalised posterior mass, on even steps of the probit of the PD."""
    from scipy.special import ndtr

    probit = np.linspace(-7.5, 7.5, 3_001)
    z, mass = factor_nodes()
    likelihood = np.array([_likelihood(float(x), k, n, correlation=correlation, nodes=(z, mass)) for x in probit])
    prior = np.exp(-0.5 * probit * probit)
    # 1 - Phi(x) is read as Phi(-x), which does not cancel
    return ndtr(probit), likelihood * prior / (ndtr(-probit) if conservative else 1.0)


def _likelihood(probit: float, k: float, n: float, *, correlation: float, nodes: tuple[Floats, Floats]) -> float:
    p = np.maximum(conditional_pd(probit, nodes[0], correlation), 1e-300)
    scale = k * np.log(max(k, 1.0) / n) + (n - k) * np.log1p(-k / n) if 0.0 < k < n else 0.0
    return float((nodes[1] * np.exp(k * np.log(p) + (n - k) * np.log1p(-p) - scale)).sum())


def jeffreys_bound(defaults: float, obligors: float, confidence: float) -> float:
    """Quantile gamma of ``Beta(k + 1/2, n - k + 1/2)``: the bound under Jeffreys' prior; ratio.

    Its mean is ``(k + 1/2) / (n + 1)``.
    """
    from scipy.stats import beta

    _checked(defaults, obligors)
    return float(beta.ppf(confidence, defaults + 0.5, obligors - defaults + 0.5))


@dataclass(frozen=True)
class Tier:
    """What the number of defaults allows.

    Attributes:
        name: ``full``, ``logistic``, ``prior`` or ``bound``.
        champion: model that may serve.
        shadow: model that may run beside it, or None.
        flag: mark every result must carry, or None.
    """

    name: str
    champion: str
    shadow: str | None
    flag: str | None


TIERS = {
    "full": Tier("full", "tables", "logistic", None),
    "logistic": Tier("logistic", "logistic", "tables", None),
    "prior": Tier("prior", "logistic with prior", None, None),
    "bound": Tier("bound", "upper bound by grade", None, EXPERT_ANCHORED),
}


def tier_of(defaults: float, rules: RuleSet, *, out_of_time: float | None = None) -> Tier:
    """The tier of a portfolio by its number of defaults.

    Args:
        defaults: defaults in time and calibration, effective count where rows are weighted.
        rules: ``risk.low_default.full``, ``.full_out_of_time``, ``.logistic`` and ``.prior``.
        out_of_time: defaults in the out-of-time window; too few there hold back the full model. None does not ask.

    Returns:
        The tier; a limit belongs to the higher tier.
    """
    least = {name: rules.number(f"risk.low_default.{name}") for name in ("full", "logistic", "prior")}
    seen = out_of_time is None or out_of_time >= rules.number("risk.low_default.full_out_of_time")
    if defaults >= least["full"] and seen:
        return TIERS["full"]
    return TIERS["logistic" if defaults >= least["logistic"] else "prior" if defaults >= least["prior"] else "bound"]


def anchored_grades(defaults: Sequence[float], obligors: Sequence[float], rules: RuleSet) -> Floats:
    """PD by grade of the lowest tier: most prudent correlated bounds at the house confidence.

    Every use of these numbers carries the flag ``expert-anchored``: the order of the grades is an expert's.

    Args:
        defaults: defaults by grade, best grade first.
        obligors: obligors by grade, in the same order.
        rules: ``risk.low_default.confidence`` and ``.correlation``.

    Returns:
        PD by grade, ratio, shape (grades,), rising.
    """
    confidence, rho = (rules.number(f"risk.low_default.{name}") for name in ("confidence", "correlation"))
    return most_prudent(defaults, obligors, lambda k, n: correlated_upper_bound(k, n, confidence, correlation=rho))


def _checked(defaults: float, obligors: float) -> None:
    if not 0.0 <= defaults <= obligors or obligors <= 0.0:
        raise ValueError(f"{defaults} defaults among {obligors} obligors cannot be")
