"""How concentrated a portfolio is: Herfindahl index, effective number, largest shares, groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import PROBABILITY_DECIMALS, Floats, group_sum, rounded

UNSTATED = "unstated"
"""Name of the group of rows whose code is not known."""


def hhi(balance: npt.ArrayLike) -> float:
    """Herfindahl-Hirschman index ``Σ (B_i / ΣB)²``; NaN for an empty portfolio.

    Args:
        balance: balance of each borrower or group, yuan, shape (n,).

    Example:
        >>> hhi([50.0, 25.0, 25.0])
        0.375
    """
    shares = _shares(balance)
    return float(np.sum(shares * shares)) if len(shares) else float("nan")


def effective_number(balance: npt.ArrayLike) -> float:
    """Number of equal borrowers with the same index: ``1 / HHI``."""
    return 1.0 / hhi(balance)


def top_share(balance: npt.ArrayLike, count: int = 10) -> float:
    """Part of the portfolio held by the largest borrowers; NaN for an empty portfolio.

    Example:
        >>> top_share([50.0, 25.0, 25.0], 1)
        0.5
    """
    shares = _shares(balance)
    return float(np.sum(np.sort(shares)[::-1][:count])) if len(shares) else float("nan")


def by_group(codes: npt.NDArray[np.object_], balance: Floats) -> dict[str, float]:
    """Balance by code, yuan, codes in order; what has no code stands under ``unstated``.

    Args:
        codes: text or None, shape (n,).
        balance: yuan, shape (n,).
    """
    names = np.array([UNSTATED if code is None else str(code) for code in codes], dtype=object)
    found, group = np.unique(names.astype(str), return_inverse=True)
    sums = group_sum(balance, group.astype(np.intp), len(found))
    return {str(name): float(total) for name, total in zip(found, sums, strict=True)}


def _shares(balance: npt.ArrayLike) -> Floats:
    values = np.asarray(balance, np.float64)
    total = float(np.sum(values))
    return values / total if total > 0.0 else np.zeros(0)


def concentration_of(codes: npt.NDArray[np.object_], balance: Floats, *, top: int = 5) -> dict[str, Any]:
    """How concentrated a balance is over the codes of one grouping.

    Args:
        codes: text or None, shape (n,); None counts as one group, ``unstated``.
        balance: yuan, shape (n,).
        top: how many of the largest groups are named.

    Returns:
        ``hhi``, ``effective_number``, ``groups``, ``unknown`` (ratio of the balance without a code) and ``largest``:
        name and ratio of the largest groups, equal ones by name. None and empty for an empty balance.
    """
    sums = by_group(codes, balance)
    whole = sum(sums.values())
    if not whole > 0.0:
        return {"hhi": None, "effective_number": None, "groups": 0, "unknown": None, "largest": []}
    index = hhi(list(sums.values()))
    ranked = sorted(sums.items(), key=lambda pair: (-pair[1], pair[0]))[:top]
    return {
        "hhi": float(rounded(index, PROBABILITY_DECIMALS)),
        "effective_number": float(rounded(1.0 / index, PROBABILITY_DECIMALS)),
        "groups": len(sums),
        "unknown": float(rounded(sums.get(UNSTATED, 0.0) / whole, PROBABILITY_DECIMALS)),
        "largest": [[name, float(rounded(value / whole, PROBABILITY_DECIMALS))] for name, value in ranked],
    }
