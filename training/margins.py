"""Margins of conservatism and downturn LGD, each kept apart from the best estimate.

Sources: EBA/GL/2017/16 paragraphs 36 to 45 (categories A, B and C, added up); EBA/GL/2019/03 paragraphs 14 and 16
(a downturn LGD is never below the long-run average) and its reference value and least addition without loss data.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, Floats, number, rows_of
from eco_credit.core.units import units
from eco_credit.rulebook import RuleSet


class Deficiency(BaseModel):
    """One stated deficiency, as the risk team writes it down.

    Attributes:
        name: short name, unique in the file.
        category: A for data and methods, B for changed underwriting, recovery policy or environment.
        parameter: ``pd`` or ``lgd``.
        addition: what it adds to the best estimate, ratio, absolute (0.002 is 0.2 points), never negative.
        about: what is wrong and how the addition was found.
        stated_by: who states it.
        stated_on: when.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    category: Literal["A", "B"]
    parameter: Literal["pd", "lgd"]
    addition: float = Field(ge=0.0, le=1.0, allow_inf_nan=False)
    about: str = Field(min_length=1)
    stated_by: str = Field(min_length=1)
    stated_on: dt.date


class _Stated(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
    deficiencies: tuple[Deficiency, ...]


@dataclass(frozen=True)
class Margins:
    """The three margins of one parameter, ratio, absolute.

    Attributes:
        a: identified deficiencies of data and methods.
        b: changed standards, policies or environment, and other added uncertainty.
        c: general estimation error.
    """

    a: float
    b: float
    c: float

    @property
    def total(self) -> float:
        """``A + B + C``."""
        return self.a + self.b + self.c

    def as_dict(self) -> dict[str, float]:
        """Plain data: ``a``, ``b``, ``c``, ``total``."""
        return asdict(self) | {"total": self.total}


def read_deficiencies(path: Path) -> tuple[Deficiency, ...]:
    """Read the deficiencies the risk team states, ``{deficiencies: [{name, category, ...}]}``.

    Args:
        path: YAML file.

    Returns:
        The deficiencies in the order of the file.

    Raises:
        ContractError: a field is missing, unknown or out of bounds, or a name occurs twice.
        FileNotFoundError: there is no such file.
    """
    return deficiencies_of(yaml.safe_load(path.read_text(encoding="utf-8")))


def deficiencies_of(content: Any) -> tuple[Deficiency, ...]:
    """Check the decoded content of such a file; errors as in `read_deficiencies`."""
    try:
        stated = _Stated.model_validate(content).deficiencies
    except ValidationError as error:
        raise ContractError(
            Violation(".".join(map(str, e["loc"])) or "deficiencies", e["type"], e["msg"], f"缺陷清单有误：{e['type']}")
            for e in error.errors()
        ) from error
    names = [item.name for item in stated]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ContractError(Violation(name, "twice", "this name occurs twice", "名称重复") for name in twice)
    return stated


def margins_of(best: float, upper: float, deficiencies: Sequence[Deficiency], *, parameter: str) -> Margins:
    """The margins of one parameter.

    Args:
        best: best estimate, ratio.
        upper: upper end of the one-sided interval of its estimation error, ratio; see `pd_upper`, `lgd_upper`.
        deficiencies: what the risk team states, for any parameter.
        parameter: ``pd`` or ``lgd``.

    Returns:
        A and B as sums of the stated additions, C as ``max(upper - best, 0)``.
    """
    stated = {"A": 0.0, "B": 0.0}
    for item in deficiencies:
        stated[item.category] += item.addition if item.parameter == parameter else 0.0
    return Margins(stated["A"], stated["B"], max(upper - best, 0.0))


def pd_upper(defaults: float, obligors: float, rules: RuleSet) -> float:
    """Upper end of a default rate at the house confidence ``risk.margins.confidence``, independent defaults."""
    from training.low_default import upper_bound

    return upper_bound(defaults, obligors, rules.number("risk.margins.confidence"))


def lgd_upper(lgd: Floats, weight: Floats, rules: RuleSet) -> float:
    """Upper end of a mean LGD, ``mean + t s / sqrt(n)`` with n the effective count ``(sum w)^2 / sum w^2``.

    Args:
        lgd: realised LGD, ratio, shape (m,), known.
        weight: weights, above 0, shape (m,).
        rules: ``risk.margins.confidence``.

    Returns:
        Ratio, at most 1; 1 with fewer than two effective cases, as nothing is then known of the error.
    """
    from scipy.stats import t

    total = weight.sum()
    count = total**2 / (weight**2).sum() if len(lgd) else 0.0
    if count < 2.0:
        return 1.0
    mean = float((weight * lgd).sum() / total)
    spread = (weight * (lgd - mean) ** 2).sum() / total * count / (count - 1.0)
    reach = float(t.ppf(rules.number("risk.margins.confidence"), count - 1.0)) * float(np.sqrt(spread / count))
    return min(1.0, mean + reach)


@units(low="dimensionless", central="dimensionless", level="dimensionless", returns="dimensionless")
def quantile_between(low: Floats, central: Floats, level: Floats) -> Floats:
    """A quantile between the 5 % and the central one, on a straight line in the level; ratio, any shape.

    ``low + (level - 0.05) / 0.45 (central - low)``.

    Example:
        >>> round(float(quantile_between(0.1, 0.19, 0.25)), 12)   # 0.1 + 0.2 / 0.45 * 0.09
        0.14
    """
    return low + (level - 0.05) / 0.45 * (central - low)


@units(lvr="dimensionless", drop="dimensionless", returns="dimensionless")
def under_hazard(lvr: Floats, drop: Floats) -> Floats:
    """Liquidation-value ratio in a year of drought, fire or buyer failure, ``LVR (1 - h)``; ratio, any shape."""
    return lvr * (1.0 - drop)


@units(long_run="dimensionless", stressed="dimensionless", returns="dimensionless")
def downturn_lgd(long_run: Floats, stressed: Floats) -> Floats:
    """Downturn LGD, ``max(long-run average, LGD under the hazard scenario)``; ratio, any shape.

    Example:
        >>> float(downturn_lgd(0.4, 0.35)), float(downturn_lgd(0.4, 0.5))
        (0.4, 0.5)
    """
    return np.maximum(long_run, stressed)


def hazard_drop(features: Columns, rules: RuleSet) -> Floats:
    """Drop of the liquidation-value ratio in the hazard scenario, weighted by each kind's share of value.

    Args:
        features: columns with ``share_forest``, ``share_water``, ``share_order``, ratio, shape (n,) each.
        rules: ``risk.margins.hazard_drop``, share feature to drop.

    Returns:
        Ratio, shape (n,).
    """
    total = np.zeros(rows_of(features))
    for share, drop in rules.table("risk.margins.hazard_drop").items():
        total = total + float(drop) * number(features, share)
    return total


def downturn_without_losses(long_run: float, rules: RuleSet) -> float:
    """Downturn LGD where no loss of a downturn was ever seen: long-run average plus the least addition, at most 1."""
    return min(1.0, long_run + rules.number("risk.margins.downturn_addition"))


def downturn_reference(lgd: Floats, loss: Floats, year: Floats) -> float:
    """Reference value beside a downturn LGD: mean of the mean realised LGDs of the two years with the largest losses.

    Args:
        lgd: realised LGD, ratio, shape (m,), known.
        loss: economic loss, yuan, shape (m,).
        year: calendar year of default, shape (m,).

    Returns:
        Ratio; NaN with fewer than two years.
    """
    years, place = np.unique(year, return_inverse=True)
    if len(years) < 2:
        return float("nan")
    worst = np.argsort(np.bincount(place, weights=loss), kind="stable")[-2:]
    return float(np.mean([lgd[place == at].mean() for at in worst]))
