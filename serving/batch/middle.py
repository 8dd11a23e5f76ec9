"""Smallest, middle and largest value of columns that come in parts: exact, and in memory that does not grow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats

_BITS, _DIGITS = 16, 1 << 16
_SIGN = np.uint64(1 << 63)
Keys = npt.NDArray[np.uint64]


@dataclass
class _Search:
    """One column while its middle is looked for, digit by digit of the values' bits, the highest first.

    Attributes:
        least, most: smallest and largest value met.
        found: digits of the middle known so far.
        rank: its place, from 0, among the values that begin with these digits; None before the first pass.
        counts: values by their next digit, among those that begin so.
    """

    least: float = np.inf
    most: float = -np.inf
    found: int = 0
    rank: int | None = None
    counts: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(_DIGITS, dtype=np.int64))

    def look(self, values: Floats, shift: int) -> None:
        """Count the values of one part by the digit that begins at this bit."""
        known = values[np.isfinite(values)]
        if len(known) == 0:
            return
        self.least, self.most = min(self.least, float(known.min())), max(self.most, float(known.max()))
        keys = _keys(known)
        if self.rank is not None:
            keys = keys[keys >> np.uint64(shift + _BITS) == np.uint64(self.found)]
        digits = (keys >> np.uint64(shift)) & np.uint64(_DIGITS - 1)
        self.counts += np.bincount(digits.astype(np.intp), minlength=_DIGITS)

    def settle(self) -> None:
        """Take the digit in which the middle lies."""
        reached = np.cumsum(self.counts)
        rank = (int(reached[-1]) - 1) // 2 if self.rank is None else self.rank
        digit = int(np.searchsorted(reached, rank, side="right"))
        self.rank = rank - int(reached[digit] - self.counts[digit])
        self.found = self.found << _BITS | digit
        self.counts[:] = 0


def three_values(parts: Callable[[], Iterable[Mapping[str, Floats]]]) -> dict[str, list[float]]:
    """Smallest, middle and largest finite value of each column; the lower middle of an even number.

    Args:
        parts: gives the parts anew at every call, each a few columns of floats, NaN where unknown.

    Returns:
        Column to its three values; a column without any finite value is left out.
    """
    searches: dict[str, _Search] = {}
    for shift in range(64 - _BITS, -1, -_BITS):
        for part in parts():
            for name, values in part.items():
                searches.setdefault(name, _Search()).look(values, shift)
        searches = {name: search for name, search in searches.items() if search.least <= search.most}
        for search in searches.values():
            search.settle()
    return {name: [search.least, _value(search.found), search.most] for name, search in searches.items()}


def _keys(values: Floats) -> Keys:
    """Whole numbers in the order of the values."""
    bits = (values + 0.0).view(np.uint64)  # the two zeros are one value
    return np.where(bits & _SIGN, ~bits, bits | _SIGN)


def _value(key: int) -> float:
    bits = np.uint64(key)
    return float((bits ^ _SIGN if bits & _SIGN else ~bits).view(np.float64))
