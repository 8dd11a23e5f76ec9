"""Random columns whose distributions are rules of the rulebook (area ``simulate``)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.core.identifiers import organisation_check, uscc_check
from eco_credit.core.numbers import Floats
from eco_credit.rulebook import RuleSet

Words = npt.NDArray[np.object_]
Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Draw:
    """A source of random columns of one length.

    Attributes:
        rng: the generator; every call moves it on, so the order of calls is part of the result.
        rules: rules of the day.
        rows: length n of every column drawn.
    """

    rng: np.random.Generator
    rules: RuleSet
    rows: int

    def uniform(self, rule: str) -> Floats:
        """Uniform between the ``low`` and ``high`` of a rule, in its unit."""
        ends = self.rules.table(rule)
        return self.rng.uniform(float(ends["low"]), float(ends["high"]), self.rows)

    def lognormal(self, rule: str) -> Floats:
        """Lognormal with ``median`` and ``sigma`` of a rule, clipped to ``low`` and ``high``."""
        shape = self.rules.table(rule)
        values = float(shape["median"]) * np.exp(float(shape["sigma"]) * self.rng.standard_normal(self.rows))
        return np.clip(values, float(shape["low"]), float(shape["high"]))

    def yes(self, rule: str) -> Floats:
        """1.0 with the chance a rule gives, else 0.0."""
        return (self.rng.random(self.rows) < self.rules.number(rule)).astype(np.float64)

    def choice(self, rule: str) -> Words:
        """One key of a rule's table per row, with the table's values as chances."""
        table = self.rules.table(rule)
        chances = np.array([float(v) for v in table.values()])
        words = np.array([str(key) for key in table], dtype=object)
        return words[np.searchsorted(np.cumsum(chances / chances.sum()), self.rng.random(self.rows), side="right")]

    def looked_up(self, rule: str, keys: Words) -> Floats:
        """Value of a rule's table for each key."""
        table = self.rules.table(rule)
        return np.array([float(table[key]) for key in keys])

    def normal(self, sigma: float) -> Floats:
        """Normal with mean 0."""
        return sigma * self.rng.standard_normal(self.rows)

    def constant(self, value: float | str) -> npt.NDArray[np.generic]:
        """The same value in every row, as text or number."""
        return np.full(self.rows, value, dtype=object if isinstance(value, str) else np.float64)


def numbered(prefix: str, numbers: npt.NDArray[np.integer], suffix: str = "") -> Words:
    """Identifiers such as ``SIM-0000012``: a prefix, seven digits and a suffix."""
    return np.array([f"{prefix}{number:07d}{suffix}" for number in numbers], dtype=object)


def credit_codes(area: Words, numbers: npt.NDArray[np.integer], mark: str = "5YN") -> Words:
    """Unified social credit codes with right check symbols, of bodies that do not exist.

    Args:
        area: six-digit area codes, shape (n,).
        numbers: running numbers, shape (n,); the last five digits are used.
        mark: three symbols by which a made-up code can be told by eye.

    Returns:
        18 symbols each, shape (n,).
    """
    codes = []
    for code, number in zip(area, numbers, strict=True):
        organisation = f"{mark}{number % 100_000:05d}"
        body = f"91{code}{organisation}{organisation_check(organisation)}"
        codes.append(body + uscc_check(body))
    return np.array(codes, dtype=object)
