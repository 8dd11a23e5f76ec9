"""Which shocks the loans of a portfolio share: market, county, basin, price of the pledge, hazard.

Model: loan i defaults when ``A_i = Σ_f √ρ_f · Z_f(i) + √(1 − Σ ρ_f) · ε_i < G(PD_i)``, with one standard normal
``Z_f`` per code of the factor (one market, one per county, per basin, per main kind of pledge, per prefecture for
hazards such as fire and typhoon). A low factor is a bad year. The LGD moves with the price factor of the pledge:
``LGD_i(z) = N(√(1 + s²) · G(LGD_i) − s · z_price)``, whose mean over z is the stated LGD.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats, text
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.concentration import UNSTATED
from eco_credit.rulebook import RuleSet

FACTORS = ("market", "county", "basin", "price", "hazard")
"""The shared shocks, in the order they are added up."""
_PREFECTURE = 4
"""Digits of an area code that name the prefecture."""


@dataclass(frozen=True)
class FactorModel:
    """How much of a loan's credit quality each shock explains.

    Attributes:
        parts: factor to asset variance ρ_f, ratio; together below one.
        lgd_slope: s, how far a price factor of one moves the LGD, in normal units.
    """

    parts: Mapping[str, float]
    lgd_slope: float

    @classmethod
    def of(cls, rules: RuleSet, stated: Mapping[str, float] | None = None) -> FactorModel:
        """The model of the rulebook, ``portfolio.loss.factors`` and ``portfolio.loss.lgd_price_slope``.

        Args:
            rules: rules in force.
            stated: factors of the terms by name (``GuaranteeTerms.loss_model``); they go before the rules.
        """
        own = dict(stated or {})
        slope = own.pop("lgd_price_slope", rules.number("portfolio.loss.lgd_price_slope"))
        return cls({**rules.table("portfolio.loss.factors"), **own}, slope)

    def weight(self, factor: str) -> float:
        """Loading of a factor, ``√ρ_f``."""
        return float(np.sqrt(self.parts.get(factor, 0.0)))

    @property
    def own(self) -> float:
        """Loading of what a loan shares with none, ``√(1 − Σ ρ_f)``."""
        return float(np.sqrt(1.0 - sum(self.parts.values())))


def correlation_of(rules: RuleSet, stated: Mapping[str, float]) -> float:
    """Correlation of the one-factor closed form: the sum of the factors where the terms state any, else the rule."""
    if set(stated) - {"lgd_price_slope"}:
        return sum(FactorModel.of(rules, stated).parts.values())
    return rules.number("portfolio.loss.correlation")


def model_lines(rules: RuleSet, stated: Mapping[str, float]) -> list[dict[str, Any]]:
    """What the loss model rests on: name, value, whether the terms state it, and the range of an estimate."""
    model = FactorModel.of(rules, stated)
    slope, one = rules.rule("portfolio.loss.lgd_price_slope"), rules.rule("portfolio.loss.correlation")
    lines: list[tuple[str, float, bool, tuple[float, float] | None]] = [
        (factor, model.parts[factor], factor in stated, None) for factor in FACTORS
    ]
    lines.append(("lgd_price_slope", model.lgd_slope, "lgd_price_slope" in stated, slope.range))
    lines.append(("correlation", correlation_of(rules, stated), bool(set(stated) - {"lgd_price_slope"}), one.range))
    return [{"name": name, "value": value, "stated": own, "range": None if own else span}
            for name, value, own, span in lines]  # fmt: skip


@dataclass(frozen=True)
class FactorCodes:
    """Which code of each factor a loan belongs to.

    Attributes:
        place: factor to the column of its normal for each loan, shape (n,).
        names: what each column stands for, ``factor:code``.
    """

    place: Mapping[str, npt.NDArray[np.intp]]
    names: tuple[str, ...]


def main_kind(book: Exposures) -> npt.NDArray[np.object_]:
    """The collateral kind that secures most of each loan, shape (n,); the first by name where two are equal."""
    kinds = list(book.share_by_kind)
    if not kinds:
        return np.full(len(book.exposure), None, dtype=object)
    shares = np.array([book.share_by_kind[kind] for kind in kinds])
    found: npt.NDArray[np.object_] = np.array(kinds, dtype=object)[np.argmax(shares, axis=0)]
    return found


def factor_codes(book: Exposures) -> FactorCodes:
    """Codes of the shared shocks of each loan; what is unknown shares one code, which errs towards more correlation."""
    unknown = np.full(len(book.exposure), None, dtype=object)
    county = book.area
    codes = {
        "market": np.full(len(county), "all", dtype=object),
        "county": county,
        "basin": text(book.ledger, "basin") if book.ledger else unknown,
        "price": main_kind(book),
        "hazard": np.array([None if code is None else str(code)[:_PREFECTURE] for code in county], dtype=object),
    }
    place: dict[str, npt.NDArray[np.intp]] = {}
    names: list[str] = []
    for factor in FACTORS:
        words = np.array([UNSTATED if code is None else str(code) for code in codes[factor]], dtype=str)
        found, at = np.unique(words, return_inverse=True)
        place[factor] = len(names) + np.ravel(at).astype(np.intp)
        names += [f"{factor}:{code}" for code in found]
    return FactorCodes(place, tuple(names))


def price_lgd(lgd: Floats, price: Floats, *, slope: float) -> Floats:
    """LGD in a year of a price factor: ``N(√(1 + s²) · G(LGD) − s · z)``; mean over z is LGD.

    Args:
        lgd: mean LGD, ratio, shape (n,) or broadcast.
        price: price factor z, standard normal; low is a fall in price.
        slope: s.
    """
    from scipy.special import ndtr, ndtri

    result: Floats = ndtr(np.sqrt(1.0 + slope * slope) * ndtri(lgd) - slope * price)
    return result
