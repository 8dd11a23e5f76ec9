"""Lending value: the appraisal after haircuts in order, the loan-to-value cap and prior claims."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from eco_credit.core.numbers import Floats


def lending_value(central: Floats, ratios: Sequence[Floats], *, cap: Floats, prior_claims: Floats) -> Floats:
    """Highest amount that may be lent on a right.

    ``max(0, min(V (1 - h1)(1 - h2)..., cap V) - claims)``: all debt on the right, earlier claims
    included, stays under the cap, as the ratio of secured principal to value (押品管理指引) asks.

    Args:
        central: appraised value V, CNY, shape (n,); (k, n) for k scenarios at once.
        ratios: haircuts h in order, each a ratio of shape (n,).
        cap: loan-to-value ceiling, ratio, shape (n,).
        prior_claims: what stands before the lender, CNY, shape (n,).

    Returns:
        CNY, shape of ``central``, at least 0 and at most ``cap V - claims``.

    Example:
        >>> half, tenth = np.array([0.5]), np.array([0.1])
        >>> float(lending_value(np.array([100.0]), [tenth, half], cap=np.array([0.6]), prior_claims=np.array([5.0]))[0])
        40.0
    """
    value = central
    for ratio in ratios:
        value = value * (1.0 - ratio)
    return np.maximum(0.0, np.minimum(value, cap * central) - prior_claims)
