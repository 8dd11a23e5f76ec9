"""From a raw score to a probability: Platt's line on the logit, and how wide the evidence leaves it.

Sources: Platt (1999), *Probabilistic outputs for support vector machines*; Vovk, Petej, Fedorova (2015),
*Large-scale probabilistic predictors with and without guarantees of validity* (inductive Venn-Abers).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.risk.checks import defect, mapping, member, real, reals, rising


def sigmoid(z: Floats) -> Floats:
    """Probability of a logit, ``1 / (1 + exp(-z))``, elementwise; a NaN stays NaN."""
    # exp of a clipped argument: the tails beyond 700 are 0 and 1 in double precision anyway
    result: Floats = 1.0 / (1.0 + np.exp(-np.minimum(np.maximum(z, -700.0), 700.0)))
    return result


def logit(p: Floats) -> Floats:
    """Logit of a probability, ``ln(p / (1 - p))``, elementwise, 0 < p < 1."""
    result: Floats = np.log(p) - np.log1p(-p)
    return result


@dataclass(frozen=True, slots=True)
class Platt:
    """``p = 1 / (1 + exp(-(a + b z)))``, kept within floor and ceiling.

    Attributes:
        intercept: a, in logits.
        slope: b > 0, so that calibration never changes an order.
        floor: smallest probability given out, above 0.
        ceiling: largest probability given out, below 1.
    """

    intercept: float
    slope: float
    floor: float
    ceiling: float

    @classmethod
    def parse(cls, value: Any, where: str = "platt") -> Platt:
        """Read ``{intercept, slope, floor, ceiling}``; `ModelNotServable` on any defect."""
        data = mapping(value, where)
        numbers = {key: real(member(data, key, where), f"{where}.{key}") for key in cls.__slots__}
        if not (numbers["slope"] > 0.0 and 0.0 < numbers["floor"] < numbers["ceiling"] < 1.0):
            raise defect(where, "slope > 0 and 0 < floor < ceiling < 1 were expected", "应满足斜率>0 且 0<下限<上限<1")
        return cls(**numbers)

    def line(self, z: Floats) -> Floats:
        """The calibrated logit ``a + b z``, shape of z."""
        return self.intercept + self.slope * z

    def probability(self, z: Floats) -> Floats:
        """The calibrated probability of a raw score, floor and ceiling applied, shape of z."""
        return self.held(sigmoid(self.line(z)))

    def held(self, probability: Floats) -> Floats:
        """A probability kept within floor and ceiling, any shape."""
        return np.minimum(np.maximum(probability, self.floor), self.ceiling)


@dataclass(frozen=True, slots=True)
class VennAbers:
    """The pair of probabilities a calibration sample leaves open for each score.

    ``p0`` (``p1``) is the isotonic regression of the calibration sample with the case added as a good
    (a bad) one, read at the case. Under exchangeability one of the two is a perfectly calibrated
    probability. Both are constant between the calibration scores, so they are stored per position.

    Attributes:
        scores: K distinct calibration scores, rising.
        p0: shape (2K + 1,): below the first score, at it, between it and the next, ...
        p1: shape (2K + 1,), nowhere below p0.
    """

    scores: Floats
    p0: Floats
    p1: Floats

    @classmethod
    def parse(cls, value: Any, where: str = "venn_abers") -> VennAbers:
        """Read ``{scores, p0, p1}``; `ModelNotServable` on any defect."""
        data = mapping(value, where)
        scores = rising(reals(member(data, "scores", where), f"{where}.scores"), f"{where}.scores")
        ends = {}
        for key in ("p0", "p1"):
            ends[key] = reals(member(data, key, where), f"{where}.{key}", 2 * len(scores) + 1)
            rising(ends[key], f"{where}.{key}", strict=False)
        if not bool(((ends["p0"] >= 0.0) & (ends["p0"] <= ends["p1"]) & (ends["p1"] <= 1.0)).all()):
            raise defect(where, "0 <= p0 <= p1 <= 1 was expected", "应满足 0≤p0≤p1≤1")
        return cls(scores, ends["p0"], ends["p1"])

    def as_json(self) -> dict[str, list[float]]:
        """Plain data as read by `parse`."""
        return {"scores": self.scores.tolist(), "p0": self.p0.tolist(), "p1": self.p1.tolist()}

    def interval(self, z: Floats) -> tuple[Floats, Floats]:
        """Read ``(p0, p1)`` for raw scores, shape of z; NaN where the score is NaN."""
        known = ~np.isnan(z)
        place = np.searchsorted(self.scores, z, side="left") + np.searchsorted(self.scores, z, side="right")
        return np.where(known, self.p0[place], np.nan), np.where(known, self.p1[place], np.nan)
