"""Fit growth curves to a lender's own yield table or stands, for an overlay of the rulebook.

Off the scoring path: scipy is loaded only when a fit is asked for. `choose_growth` compares the models by
AICc; `overlay` turns fits into the rule `valuation.growth.curve` with the covariance of the parameters.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt
import yaml

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Floats
from eco_credit.valuation.growth_start import bounds, starts
from eco_credit.valuation.methods.growth_select import MODELS, PARAMETERS, log_gradient, quadratic_sd, stock_at

COMPARED = ("schumacher", "chapman_richards", "logistic")
"""Models that `choose_growth` compares; the form with a start has one parameter more and is fitted when named."""
RULE = "valuation.growth.curve"
CONFIDENCE = 0.90
_DIGITS = 6


@dataclass(frozen=True)
class Band:
    """Stock over age with a band, m3/ha, each of the shape of the ages asked for."""

    low: Floats
    central: Floats
    high: Floats


@dataclass(frozen=True)
class GrowthFit:
    """One fitted curve.

    Attributes:
        model: code in `MODELS`.
        params: parameters in the order of `PARAMETERS`.
        covariance: of the parameters, shape (k, k), scaled by the residual variance.
        residual_sd: standard deviation of ln stock about the curve, n - k degrees of freedom.
        n: number of points.
        aic: Akaike's criterion of the stock (a fit of ln stock is carried over), so both scales compare.
    """

    model: str
    params: tuple[float, ...]
    covariance: Floats
    residual_sd: float
    n: int
    aic: float

    @property
    def aicc(self) -> float:
        """AIC with the correction for few points; infinite where the points do not allow it."""
        k = len(self.params) + 1
        left = self.n - k - 1
        return self.aic + 2.0 * k * (k + 1) / left if left > 0 else float("inf")

    def stock(self, age: npt.ArrayLike) -> Floats:
        """Stock of the curve, m3/ha, at ages in years."""
        ages = np.atleast_1d(np.asarray(age, dtype=np.float64))
        model = np.full(ages.shape[-1], MODELS.index(self.model))
        params = np.repeat(np.array(self.params)[:, None], ages.shape[-1], axis=1)
        return stock_at(model, params, ages)

    def band(self, age: npt.ArrayLike, *, single_stand: bool = False) -> Band:
        """Curve with its 90 % band: ``M exp(+-q s)``, ``s^2 = g' S g`` with ``g = grad ln M``.

        Args:
            age: years.
            single_stand: add the scatter of stands, ``s^2 + residual_sd^2``; without it the band is that of the
                curve itself and holds far fewer than 90 % of stands.

        Returns:
            The band; q is the quantile of Student's t with n - k degrees of freedom.
        """
        from scipy.special import stdtrit

        central = self.stock(age)
        spread = quadratic_sd(log_gradient(self.model, self.params, np.atleast_1d(age)), self.covariance)
        if single_stand:
            spread = np.hypot(spread, self.residual_sd)
        half = float(stdtrit(self.n - len(self.params), (1.0 + CONFIDENCE) / 2.0)) * spread
        return Band(central * np.exp(-half), central, central * np.exp(half))

    def as_rule(self, species: str) -> dict[str, dict[str, Any]]:
        """The curve as it stands in `valuation.growth.curve`, ready for YAML: plain numbers, six digits."""
        return {
            species: {
                "model": self.model,
                "params": [_short(x) for x in self.params],
                "covariance": [[_short(x) for x in row] for row in self.covariance],
                "residual_sd": _short(self.residual_sd),
            }
        }


def _short(value: float) -> float:
    return float(f"{float(value):.{_DIGITS}g}")


def fit_growth(
    ages: npt.ArrayLike, stocks: npt.ArrayLike, *, model: str = "schumacher", log_scale: bool = True
) -> GrowthFit:
    """Fit one model by least squares with `scipy.optimize.curve_fit` and the closed gradient.

    Args:
        ages: years, 1 or more, shape (n,).
        stocks: m3/ha, above 0, shape (n,).
        model: code in `MODELS`.
        log_scale: least squares of ln stock (errors are a part of the stock, the usual case); else of stock.

    Returns:
        The fit.

    Raises:
        ContractError: unknown model, unequal lengths, a figure that is missing or not positive, too few
            points or ages, or no curve found inside the bounds of the parameters.
    """
    t, y = _checked(ages, stocks, model)
    best = min(_solved(t, y, model=model, log_scale=log_scale), key=lambda found: found[0], default=None)
    if best is None:
        raise _fault("stocks", "no_convergence", f"no {model} curve fits these points; try another model",
                     f"{model} 曲线未能收敛，请换用其他模型")
    _, params, covariance = best
    count, k = len(t), len(params)
    curve = GrowthFit(model, tuple(float(x) for x in params), covariance, 0.0, count, 0.0).stock(t)
    off_log = np.log(y) - np.log(curve)
    off = off_log if log_scale else y - curve
    # a fit without any error would have an endless likelihood
    mean_square = max(float(off @ off) / count, 1e-300)
    aic = count * (float(np.log(2.0 * np.pi * mean_square)) + 1.0) + 2.0 * (k + 1)
    carried = 2.0 * float(np.log(y).sum()) if log_scale else 0.0
    residual_sd = float(np.sqrt(off_log @ off_log / (count - k)))
    return GrowthFit(model, tuple(float(x) for x in params), covariance, residual_sd, count, aic + carried)


def _solved(t: Floats, y: Floats, *, model: str, log_scale: bool) -> list[tuple[float, Floats, Floats]]:
    """Squared error, parameters and covariance from each start that ends inside the bounds."""
    from scipy.optimize import OptimizeWarning, curve_fit

    place = np.zeros(len(t), dtype=np.intp) + MODELS.index(model)

    def value(age: Floats, *params: float) -> Floats:
        stock = stock_at(place, np.repeat(np.array(params)[:, None], len(age), axis=1), age)
        return np.log(np.maximum(stock, 1e-12)) if log_scale else stock

    def slope(age: Floats, *params: float) -> Floats:
        gradient = np.nan_to_num(np.column_stack(log_gradient(model, params, age)))
        return gradient if log_scale else gradient * value(age, *params)[:, None]

    target, (low, high) = np.log(y) if log_scale else y, bounds(model, t, y)
    found = []
    for start in starts(model, t, y):
        inside = np.clip(start, low + 1e-9 * (high - low), high - 1e-9 * (high - low))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OptimizeWarning)
            try:
                params, covariance = curve_fit(
                    value, t, target, p0=inside, bounds=(low, high), jac=slope, x_scale="jac", max_nfev=2000
                )
            except (RuntimeError, ValueError):
                continue
        free = (params > low + 1e-6 * (high - low)) & (params < high - 1e-6 * (high - low))
        off = target - value(t, *params)
        grown = np.isfinite(log_gradient(model, params, t)).all()
        if np.isfinite(covariance).all() and free.all() and grown and _determined(model, params, covariance):
            found.append((float(off @ off), params, covariance))
    return found


def _determined(model: str, params: Floats, covariance: Floats) -> bool:
    """Do the points hold the upper level? Not where its logarithm is known to no better than two (a factor of 7)."""
    spread = float(np.sqrt(covariance[0, 0]))
    return bool(spread < 2.0 * (1.0 if model == "schumacher" else params[0]))


def growth_fits(
    ages: npt.ArrayLike, stocks: npt.ArrayLike, *, models: Sequence[str] = COMPARED, log_scale: bool = True
) -> list[GrowthFit]:
    """All models that converge, best AICc first; AIC decides where the points are too few for AICc.

    Raises:
        ContractError: the figures are not fit for a fit, or no model converges.
    """
    fits, faults = [], []
    for model in models:
        try:
            fits.append(fit_growth(ages, stocks, model=model, log_scale=log_scale))
        except ContractError as fault:
            faults += list(fault.violations)
    if not fits:
        raise ContractError(dict.fromkeys(faults))
    return sorted(fits, key=lambda fit: (fit.aicc, fit.aic))


def choose_growth(
    ages: npt.ArrayLike, stocks: npt.ArrayLike, *, models: Sequence[str] = COMPARED, log_scale: bool = True
) -> GrowthFit:
    """The fit with the lowest AICc; arguments and errors as in `growth_fits`."""
    return growth_fits(ages, stocks, models=models, log_scale=log_scale)[0]


def overlay(
    fits: Mapping[str, GrowthFit], *, shipped: Mapping[str, Any], in_force: str, published: str, ref: str
) -> dict[str, dict[str, Any]]:
    """A lender's overlay of the growth curves: the shipped table with the fitted species put in.

    Args:
        fits: species code to fit.
        shipped: value of `valuation.growth.curve` in the shipped book.
        in_force: first day of the overlay, ISO.
        published: day the lender made it known, ISO.
        ref: the lender's own reference.

    Returns:
        Mapping to be written as the YAML of the overlay (`rulebook.load`).
    """
    value = dict(shipped)
    for species, fit in fits.items():
        value |= fit.as_rule(species)
    return {RULE: {"in_force": in_force, "published": published, "value": value, "ref": ref}}


@cache
def published_points() -> Mapping[str, Mapping[str, Any]]:
    """Stand figures from publications: series code to source, species and ``points`` of [age, m3/ha]."""
    file = resources.files("eco_credit.valuation") / "data" / "stand_points.yaml"
    found: dict[str, Mapping[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def points_of(series: Iterable[str]) -> tuple[Floats, Floats]:
    """Ages (years) and stocks (m3/ha) of some series of `published_points`, in their order."""
    points = np.array([point for code in series for point in published_points()[code]["points"]], dtype=np.float64)
    return points[:, 0], points[:, 1]


def _checked(ages: npt.ArrayLike, stocks: npt.ArrayLike, model: str) -> tuple[Floats, Floats]:
    t, y = np.ravel(np.asarray(ages, dtype=np.float64)), np.ravel(np.asarray(stocks, dtype=np.float64))
    if model not in MODELS:
        raise _fault("model", "unknown", f"is not one of {', '.join(MODELS)}", f"应为 {'、'.join(MODELS)} 之一")
    if len(t) != len(y):
        raise _fault("stocks", "length", f"{len(y)} stocks do not match {len(t)} ages", "林龄与蓄积个数不一致")
    if not np.isfinite(t).all() or (t < 1.0).any():
        raise _fault("ages", "not_positive", "every age must be a number of 1 year or more", "林龄须为不小于 1 的数")
    if not np.isfinite(y).all() or (y <= 0.0).any():
        raise _fault("stocks", "not_positive", "every stock must be a number above 0", "蓄积须为大于 0 的数")
    need = len(PARAMETERS[model])
    if len(t) <= need or len(np.unique(t)) < need:
        raise _fault(
            "stocks", "too_few", f"a {model} curve needs more than {need} points at {need} or more ages",
            f"{model} 曲线需要多于 {need} 个点且至少 {need} 个不同林龄",
        )
    return t, y


def _fault(field: str, rule: str, en: str, zh: str) -> ContractError:
    return ContractError([Violation(field, rule, en, zh)])
