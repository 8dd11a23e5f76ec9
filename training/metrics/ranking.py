"""How well a score ranks: AUC with DeLong's variance, paired comparison, KS, concordance."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from eco_credit.core.numbers import Floats

Z95 = 1.959963984540054
"""97.5 % quantile of the standard normal."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A statistic with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, float]:
        """Plain data."""
        return asdict(self)


UNRANKED = Interval(float("nan"), float("nan"), float("nan"))
"""What ranking says of rows of one class."""


def one_class(y: Floats) -> bool:
    """True where rows are all defaults, all paid, or none: nothing to rank."""
    return not bool((y > 0.5).any() and (y <= 0.5).any())


def ones_like(weight: Floats | None, like: Floats) -> Floats:
    """Given weights as floats, or a one for each row."""
    return np.ones(len(like)) if weight is None else np.asarray(weight, np.float64)


def below(reference: Floats, weight: Floats, points: Floats) -> Floats:
    """Weight share of reference values below each point, ties counted half.

    Args:
        reference: values, shape (m,).
        weight: their weights, shape (m,).
        points: where to evaluate, shape (k,).

    Returns:
        shape (k,): ``sum_j w_j (1[r_j < p] + 0.5 1[r_j = p]) / sum_j w_j``.
    """
    order = np.argsort(reference, kind="stable")
    ordered = reference[order]
    running = np.concatenate([[0.0], np.cumsum(weight[order])])
    strict = running[np.searchsorted(ordered, points, side="left")]
    loose = running[np.searchsorted(ordered, points, side="right")]
    result: Floats = 0.5 * (strict + loose) / running[-1]
    return result


@dataclass(frozen=True, slots=True)
class Placements:
    """DeLong's structural components of one score.

    Attributes:
        auc: the (weighted) area under the ROC curve.
        bad: for each default its placement among the non-defaults.
        good: for each non-default its placement among the defaults.
    """

    auc: float
    bad: Floats
    good: Floats


def placements(y: Floats, score: Floats, weight: Floats) -> Placements:
    """Placement values after DeLong, DeLong and Clarke-Pearson (1988), with weights.

    Args:
        y: 1 for default, 0 otherwise, shape (n,).
        score: higher means riskier.
        weight: sample weights.

    Raises:
        ValueError: only one class is present.
    """
    is_bad = y > 0.5
    if is_bad.all() or not is_bad.any():
        raise ValueError("ranking needs both defaults and non-defaults")
    bad = below(score[~is_bad], weight[~is_bad], score[is_bad])
    good = 1.0 - below(score[is_bad], weight[is_bad], score[~is_bad])
    auc = float((weight[is_bad] * bad).sum() / weight[is_bad].sum())
    return Placements(auc, bad, good)


def _covariance(first: Floats, second: Floats, centres: tuple[float, float], weight: Floats) -> float:
    """Variance of a weighted mean: ``m/(m-1) sum w_i^2 d_i e_i / (sum w_i)^2``."""
    product = (first - centres[0]) * (second - centres[1])
    return float((weight**2 * product).sum() / weight.sum() ** 2 * len(first) / max(len(first) - 1, 1))


def auc(y: Floats, score: Floats, weight: Floats | None = None) -> Interval:
    """Area under the ROC curve with DeLong's 95 % interval.

    Args:
        y: 1 for default, 0 otherwise, shape (n,).
        score: higher means riskier, shape (n,).
        weight: sample weights; None counts every row once.

    Returns:
        The AUC; with weights it is that of the weighted population. NaN with one class only: nothing is ranked.
    """
    if one_class(y):
        return UNRANKED
    w = ones_like(weight, y)
    part = placements(y, score, w)
    half = Z95 * float(np.sqrt(auc_variance(part, part, y, w)))
    return Interval(part.auc, max(0.0, part.auc - half), min(1.0, part.auc + half))


def auc_variance(first: Placements, second: Placements, y: Floats, weight: Floats) -> float:
    """DeLong's covariance of two AUCs on the same rows (the variance when they are the same)."""
    is_bad = y > 0.5
    centres = (first.auc, second.auc)
    return _covariance(first.bad, second.bad, centres, weight[is_bad]) + _covariance(
        first.good, second.good, centres, weight[~is_bad]
    )


def auc_difference(y: Floats, first: Floats, second: Floats, weight: Floats | None = None) -> Interval:
    """AUC of the first score minus AUC of the second on the same rows, paired DeLong interval; NaN with one class."""
    if one_class(y):
        return UNRANKED
    w = ones_like(weight, y)
    a, b = placements(y, first, w), placements(y, second, w)
    both = auc_variance(a, a, y, w) + auc_variance(b, b, y, w) - 2.0 * auc_variance(a, b, y, w)
    half = Z95 * float(np.sqrt(max(both, 0.0)))
    return Interval(a.auc - b.auc, a.auc - b.auc - half, a.auc - b.auc + half)


def kolmogorov_smirnov(y: Floats, score: Floats, weight: Floats | None = None) -> float:
    """Largest distance between the distribution functions of the score of bads and goods; NaN with one class only."""
    if one_class(y):
        return float("nan")
    w = ones_like(weight, y)
    is_bad = y > 0.5
    points, position = np.unique(score, return_inverse=True)
    bad = np.bincount(position, weights=w * is_bad, minlength=len(points)).cumsum()
    good = np.bincount(position, weights=w * ~is_bad, minlength=len(points)).cumsum()
    return float(np.abs(bad / bad[-1] - good / good[-1]).max())


def spearman(first: Floats, second: Floats) -> float:
    """Spearman's rank correlation, ties at their mean rank; NaN when one side is constant."""
    from scipy.stats import rankdata

    a, b = rankdata(first), rankdata(second)
    if np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
