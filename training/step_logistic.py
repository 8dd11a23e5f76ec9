"""A small logistic regression with a prior, served as tables: for the chance of a cure, and for few defaults.

Each input is rounded to the mean of its bin, so that the linear predictor is a sum of step functions and a
`TableModel` holds it exactly. Slopes of standardised inputs carry a normal prior of mean 0, the intercept none. The
outcome may lie anywhere between 0 and 1: then it is the fractional logit of Papke and Wooldridge (1996).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from eco_credit.core.numbers import Columns, Floats, number
from eco_credit.risk.calibration import sigmoid
from eco_credit.risk.tables import Grid, TableModel

BINS = 8
STEPS = 60


@dataclass(frozen=True)
class Stepped:
    """One input rounded to bins.

    Attributes:
        grid: the bins.
        values: standardised mean of each bin, 0 for unknown, shape (bins,); all 0 where the input does not vary.
    """

    grid: Grid
    values: Floats

    def of(self, x: Floats) -> Floats:
        """The rounded, standardised input, shape (n,)."""
        place = np.where(np.isnan(x), len(self.values) - 1, np.searchsorted(self.grid.thresholds, x, side="left"))
        return self.values[place]


def stepped(name: str, x: Floats, weight: Floats, *, bins: int = BINS) -> Stepped:
    """Cut an input at its quantiles and take the standardised mean of each bin.

    Args:
        name: name of the input.
        x: values, shape (n,), NaN for unknown.
        weight: weights, above 0, shape (n,).
        bins: most bins of known values.
    """
    known = ~np.isnan(x)
    values = np.unique(x[known])
    cuts = np.unique(np.quantile(x[known], np.arange(1, bins) / bins, method="lower")) if len(values) else values
    grid = Grid(name, cuts[cuts < values[-1]] if len(values) else cuts)
    place = np.searchsorted(grid.thresholds, x[known], side="left")
    count = len(grid.thresholds) + 1
    mass = np.bincount(place, weights=weight[known], minlength=count)
    mean = np.bincount(place, weights=(weight * x)[known], minlength=count) / np.maximum(mass, 1e-300)
    total = max(float(mass.sum()), 1e-300)
    centre = float((mass * mean).sum()) / total
    spread = float(np.sqrt((mass * (mean - centre) ** 2).sum() / total))
    scaled = (mean - centre) / spread if spread > 0.0 else np.zeros(count)
    return Stepped(grid, np.append(scaled, 0.0))


def prior_logistic(x: Floats, y: Floats, weight: Floats, *, scale: float = 1.0) -> tuple[float, Floats]:
    """Maximum a posteriori of ``y ~ sigma(a + x b)``, ``b_j ~ N(0, scale^2)``, a flat; by Newton's steps.

    Args:
        x: standardised inputs, shape (n, k).
        y: outcome between 0 and 1, not all at one end, shape (n,).
        weight: weights, above 0, shape (n,).
        scale: standard deviation of the prior of a slope.

    Returns:
        Intercept, and slopes of shape (k,).

    Raises:
        ValueError: the outcome is all 0 or all 1, so that the intercept has no end.
    """
    mean = float((weight * y).sum() / weight.sum())
    if not 0.0 < mean < 1.0:
        raise ValueError("an outcome that is all 0 or all 1 has no logit")
    design = np.column_stack([np.ones(len(y)), x])
    penalty = np.diag(np.append(0.0, np.full(x.shape[1], 1.0 / scale**2)))
    beta = np.append(np.log(mean / (1.0 - mean)), np.zeros(x.shape[1]))
    for _ in range(STEPS):
        p = sigmoid(design @ beta)
        slope = design.T @ (weight * (y - p)) - penalty @ beta
        step = np.linalg.solve((design * (weight * p * (1.0 - p))[:, None]).T @ design + penalty, slope)
        # a long step can leave the region where the quadratic is good
        beta = beta + step / max(1.0, float(np.abs(step).max()))
        if np.abs(step).max() < 1e-10:
            break
    return float(beta[0]), beta[1:]


def step_logistic(
    columns: Columns, y: Floats, weight: Floats, *, signs: Mapping[str, int], scale: float = 1.0
) -> TableModel:
    """Fit a logistic regression on stepped inputs; an input whose slope contradicts its sign is left out.

    Args:
        columns: inputs, shape (n,) each, NaN for unknown.
        y: outcome between 0 and 1, shape (n,).
        weight: weights, above 0, shape (n,).
        signs: input to the sign of its effect: 1, -1, or 0 for none declared.
        scale: standard deviation of the prior of a standardised slope.

    Returns:
        Tables whose score is the logit, one main per input kept, in the order of ``signs``.

    Raises:
        ValueError: the outcome is all 0 or all 1.
    """
    kept = {name: stepped(name, number(columns, name), weight) for name in signs}
    while True:
        x = np.column_stack([np.zeros((len(y), 0)), *(part.of(number(columns, name)) for name, part in kept.items())])
        intercept, slopes = prior_logistic(x, y, weight, scale=scale)
        wrong = [n for n, slope in zip(kept, slopes, strict=True) if signs[n] * slope < 0.0]
        if not wrong:
            break
        kept = {name: part for name, part in kept.items() if name not in wrong}
    mains = tuple(float(slope) * part.values for slope, part in zip(slopes, kept.values(), strict=True))
    return TableModel(intercept, tuple(part.grid for part in kept.values()), mains, ())
