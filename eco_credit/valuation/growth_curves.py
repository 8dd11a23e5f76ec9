"""Growth curves of the rulebook, read and laid out in columns, one curve for each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.errors import RuleNotInForce
from eco_credit.core.numbers import Floats
from eco_credit.valuation.methods.growth_select import (
    MODELS,
    MOST_PARAMETERS,
    PARAMETERS,
    Index,
    growth_ratio_sd,
    increment_at,
    stock_at,
)

RULE = "valuation.growth.curve"


@dataclass(frozen=True)
class Curves:
    """Curves of n rows.

    Attributes:
        model: place of the model in `MODELS`, shape (n,).
        params: shape (4, n), NaN where a model has fewer.
        covariance: of the parameters, shape (4, 4, n), NaN where it is unknown or the model has fewer.
        residual_sd: standard deviation of ln stock between stands of the species, shape (n,); NaN where unknown.
    """

    model: Index
    params: Floats
    covariance: Floats
    residual_sd: Floats

    def stock(self, age: Floats) -> Floats:
        """Stock of the reference stand, m3/ha, at ages in years, shape (..., n)."""
        return stock_at(self.model, self.params, age)

    def increment(self, age: Floats) -> Floats:
        """Current annual increment, m3/ha/year, at ages in years, shape (..., n)."""
        return increment_at(self.model, self.params, age)

    def ratio_sd(self, age: Floats, age_later: Floats) -> Floats:
        """Standard deviation of ln[M(u) / M(n)]; `growth_select.growth_ratio_sd`."""
        return growth_ratio_sd(self.model, self.params, covariance=self.covariance, age=age, age_later=age_later)


def curves_of(table: Mapping[str, Any], species: npt.NDArray[np.object_]) -> Curves:
    """Lay out the curves of a rule for the species of each row.

    Args:
        table: value of `valuation.growth.curve` (or of a rule of the same shape).
        species: codes, shape (n,); one that is not in the table takes its row ``other``.

    Returns:
        Curves, n rows.

    Raises:
        RuleNotInForce: an entry has an unknown model or the wrong number of figures.

    Example:
        >>> table = {"other": {"model": "schumacher", "params": [5.6, 28.0]}}
        >>> curves_of(table, np.array(["oak"], dtype=object)).stock(np.array([28.0])).round(1).tolist()
        [99.5]
    """
    codes = list(dict.fromkeys(species.tolist()))
    place = {code: i for i, code in enumerate(codes)}
    rows = np.array([place[code] for code in species.tolist()], dtype=np.intp)
    known = {code: code if code in table else "other" for code in codes}
    read = [_curve(name, table.get(name)) for name in known.values()]
    model = np.array([m for m, *_ in read], dtype=np.intp)
    params = np.array([p for _, p, _, _ in read]).reshape(-1, MOST_PARAMETERS)
    covariance = np.array([c for _, _, c, _ in read]).reshape(-1, MOST_PARAMETERS, MOST_PARAMETERS)
    residual = np.array([s for *_, s in read], dtype=np.float64)
    return Curves(model[rows], params[rows].T.copy(), np.moveaxis(covariance[rows], 0, -1).copy(), residual[rows])


def _curve(species: str, raw: Any) -> tuple[int, Floats, Floats, float]:
    """One entry of the table as model, padded parameters, padded covariance and scatter of stands."""
    if not isinstance(raw, Mapping) or raw.get("model") not in MODELS:
        raise _wrong(species, f"has no model out of {', '.join(MODELS)}", "缺少可用的模型代码")
    symbols = PARAMETERS[raw["model"]]
    count = len(symbols)
    params, covariance = np.full(MOST_PARAMETERS, np.nan), np.full((MOST_PARAMETERS, MOST_PARAMETERS), np.nan)
    try:
        params[:count] = np.array(raw["params"], dtype=np.float64).reshape(count)
        if raw.get("covariance") is not None:
            covariance[:count, :count] = np.array(raw["covariance"], dtype=np.float64).reshape(count, count)
        residual = float("nan") if raw.get("residual_sd") is None else float(raw["residual_sd"])
        _check(params[:count], covariance[:count, :count])
    except (KeyError, TypeError, ValueError):
        raise _wrong(
            species, f"needs params {', '.join(symbols)} and, where known, a symmetric {count} by {count} covariance",
            f"参数应为 {'、'.join(symbols)}，协方差应为 {count}×{count} 对称阵",
        ) from None
    return MODELS.index(raw["model"]), params, covariance, residual


def _check(params: Floats, covariance: Floats) -> None:
    """Refuse figures that are not numbers and a covariance that cannot be one."""
    cannot_be = (np.diagonal(covariance) < 0.0).any() or (np.abs(covariance - covariance.T) > 1e-5).any()
    if not np.isfinite(params).all() or cannot_be:
        raise ValueError


def _wrong(species: str, en: str, zh: str) -> RuleNotInForce:
    return RuleNotInForce(f"growth curve of {species} {en}", f"树种 {species} 的生长曲线{zh}")
