"""Growth curves of even-aged stands: stock over age, its yearly increment, and how ln M moves with a parameter.

Four forms, each with its parameters as they are printed in papers: Schumacher ``exp(a - b/t)``,
Chapman-Richards ``A (1 - e^{-kt})^p``, logistic ``A / (1 + c e^{-rt})``, and Richards with a start
``A (1 - B e^{-Kt})^{1/(1-m)}``. All need an age above zero. Current annual increment is ``dM/dt``, mean
annual increment ``M/t``. The gradient of ``ln M`` by the parameters is what carries a covariance of the
parameters into a band (delta method; `growth_select`). Powers are taken as ``exp(p log x)``, so that one
row alone gives the bytes it gives among many.

Sources of the forms: Schumacher (1939), J. Forestry 37:819; Richards (1959), J. Exp. Botany 10:290; the form
with a start as printed in Chinese Journal of Eco-Agriculture 24(3):392 (2016).
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units


@units(age="year", level="dimensionless", slope="year", returns="dimensionless")
def schumacher(age: Floats, level: Floats, slope: Floats) -> Floats:
    """Stock by Schumacher: ``M(t) = exp(a - b / t)``.

    Args:
        age: t, years, above 0.
        level: a, logarithm of the stock in m3/ha of an endlessly old stand.
        slope: b, years.

    Returns:
        M as a number of m3/ha (the unit is inside a), shape of the arguments together.

    Example:
        >>> round(float(schumacher(np.float64(14.0), np.float64(6.407), np.float64(21.03))), 1)
        134.9
    """
    return np.exp(level - slope / age)


@units(age="year", level="dimensionless", slope="year", returns="1/year")
def schumacher_increment(age: Floats, level: Floats, slope: Floats) -> Floats:
    """Current annual increment by Schumacher: ``M b / t^2``, m3/ha/year; arguments as in `schumacher`."""
    return schumacher(age, level, slope) * slope / (age * age)


def schumacher_gradient(age: Floats, level: Floats, slope: Floats) -> tuple[Floats, ...]:
    """Gradient of ln M by (a, b): ``(1, -1/t)``; arguments as in `schumacher`."""
    return np.ones_like(age + level + slope), -1.0 / age + 0.0 * (level + slope)


@units(age="year", asymptote="m**3/hectare", rate="1/year", shape="dimensionless", returns="m**3/hectare")
def chapman_richards(age: Floats, asymptote: Floats, *, rate: Floats, shape: Floats) -> Floats:
    """Stock by Chapman-Richards: ``M(t) = A (1 - e^{-k t})^p``.

    Args:
        age: t, years, above 0.
        asymptote: A, m3/ha of an endlessly old stand.
        rate: k per year, above 0.
        shape: p, above 0; above 1 the curve has a turning point.

    Returns:
        M, m3/ha.

    Example:
        >>> round(float(chapman_richards(np.float64(7.0), np.float64(780.0), rate=0.094, shape=2.3)), 1)
        145.7
    """
    return asymptote * np.exp(shape * np.log(-np.expm1(-rate * age)))


@units(age="year", asymptote="m**3/hectare", rate="1/year", shape="dimensionless", returns="m**3/hectare/year")
def chapman_richards_increment(age: Floats, asymptote: Floats, *, rate: Floats, shape: Floats) -> Floats:
    """Current annual increment: ``M p k / (e^{k t} - 1)``, m3/ha/year; arguments as in `chapman_richards`."""
    return chapman_richards(age, asymptote, rate=rate, shape=shape) * shape * rate / np.expm1(rate * age)


def chapman_richards_gradient(age: Floats, asymptote: Floats, *, rate: Floats, shape: Floats) -> tuple[Floats, ...]:
    """Gradient of ln M by (A, k, p): ``(1/A, p t / (e^{k t} - 1), ln(1 - e^{-k t}))``."""
    grown = rate * age
    return 1.0 / asymptote + 0.0 * grown, shape * age / np.expm1(grown), np.log(-np.expm1(-grown))


@units(age="year", asymptote="m**3/hectare", offset="dimensionless", rate="1/year", returns="m**3/hectare")
def logistic(age: Floats, asymptote: Floats, *, offset: Floats, rate: Floats) -> Floats:
    """Stock by the logistic curve: ``M(t) = A / (1 + c e^{-r t})``.

    Args:
        age: t, years.
        asymptote: A, m3/ha.
        offset: c, above 0; the curve turns at ``ln c / r`` years, where it stands at A / 2.
        rate: r per year, above 0.

    Returns:
        M, m3/ha.

    Example:
        >>> float(logistic(np.float64(0.0), np.float64(300.0), offset=2.0, rate=0.2))
        100.0
    """
    return asymptote / (1.0 + offset * np.exp(-rate * age))


@units(age="year", asymptote="m**3/hectare", offset="dimensionless", rate="1/year", returns="m**3/hectare/year")
def logistic_increment(age: Floats, asymptote: Floats, *, offset: Floats, rate: Floats) -> Floats:
    """Current annual increment: ``M r x / (1 + x)``, ``x = c e^{-r t}``; arguments as in `logistic`."""
    left = offset * np.exp(-rate * age)
    return asymptote / (1.0 + left) * rate * left / (1.0 + left)


def logistic_gradient(age: Floats, asymptote: Floats, *, offset: Floats, rate: Floats) -> tuple[Floats, ...]:
    """Gradient of ln M by (A, c, r): ``(1/A, -e^{-r t} / (1 + x), t x / (1 + x))``, ``x = c e^{-r t}``."""
    fading = np.exp(-rate * age)
    below = 1.0 + offset * fading
    return 1.0 / asymptote + 0.0 * below, -fading / below, age * offset * fading / below


@units(
    age="year", asymptote="m**3/hectare", offset="dimensionless", rate="1/year", exponent="dimensionless",
    returns="m**3/hectare",
)
def shifted_richards(age: Floats, asymptote: Floats, *, offset: Floats, rate: Floats, exponent: Floats) -> Floats:
    """Stock by Richards with a start: ``M(t) = A (1 - B e^{-K t})^{1/(1-m)}``, 0 up to ``ln B / K`` years.

    Args:
        age: t, years.
        asymptote: A, m3/ha.
        offset: B; above 1 the stand has no stock before ``ln B / K`` years.
        rate: K per year, above 0.
        exponent: m, below 1.

    Returns:
        M, m3/ha.

    Example:
        >>> conifer = {"offset": 1.030, "rate": 0.012, "exponent": 0.318}
        >>> shifted_richards(np.array([2.0, 20.0]), np.float64(480.169), **conifer).round(1).tolist()
        [0.0, 42.0]
    """
    inside = 1.0 - offset * np.exp(-rate * age)
    grown = np.where(inside > 0.0, inside, 1.0)
    return asymptote * np.where(inside > 0.0, np.exp(np.log(grown) / (1.0 - exponent)), 0.0)


@units(
    age="year", asymptote="m**3/hectare", offset="dimensionless", rate="1/year", exponent="dimensionless",
    returns="m**3/hectare/year",
)
def shifted_richards_increment(
    age: Floats, asymptote: Floats, *, offset: Floats, rate: Floats, exponent: Floats
) -> Floats:
    """Current annual increment: ``M K x / [(1 - m) (1 - x)]``, ``x = B e^{-K t}``, 0 up to the start."""
    left = offset * np.exp(-rate * age)
    grown = np.where(left < 1.0, 1.0 - left, 1.0)
    stock = shifted_richards(age, asymptote, offset=offset, rate=rate, exponent=exponent)
    return stock * rate * left / ((1.0 - exponent) * grown)


def shifted_richards_gradient(
    age: Floats, asymptote: Floats, *, offset: Floats, rate: Floats, exponent: Floats
) -> tuple[Floats, ...]:
    """Gradient of ln M by (A, B, K, m), with ``q = 1/(1-m)``, ``y = 1 - B e^{-K t}``.

    ``(1/A, -q e^{-K t} / y, q B t e^{-K t} / y, q^2 ln y)``; NaN up to the start, where there is no stock.
    """
    fading = np.exp(-rate * age)
    inside = 1.0 - offset * fading
    grown = np.where(inside > 0.0, inside, np.nan)
    power = 1.0 / (1.0 - exponent)
    by_offset = -power * fading / grown
    return 1.0 / asymptote + 0.0 * grown, by_offset, -by_offset * offset * age, power * power * np.log(grown)


@units(stock="m**3/hectare", age="year", returns="m**3/hectare/year")
def mean_increment(stock: Floats, age: Floats) -> Floats:
    """Mean annual increment ``M / t``, m3/ha/year, of a stock at an age above zero."""
    return stock / age
