"""Formulas of water delivered under a right: allocation by rank, expected share, volume that counts.

A source that is allotted in part each year serves its rights by rank where there is one: senior rights are filled
first and junior rights take the shortfall; without a rank all take the same part (丰增枯减).
"""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Floats
from eco_credit.core.units import units


@units(ratio="dimensionless", front="dimensionless", width="dimensionless", returns="dimensionless")
def share_by_rank(ratio: Floats, *, front: Floats, width: Floats) -> Floats:
    """Part of its volume a right receives in a year: ``min(1, max(0, (a - f) / w))``.

    Args:
        ratio: a, part of all rights in the source that is allotted in the year.
        front: f, part of all rights that is served before the class of this right.
        width: w, part of all rights that belongs to the class, above 0.

    Returns:
        Ratio, 0 to 1; weighted by the classes the shares add up to a.

    Example:
        >>> senior = share_by_rank(np.array([0.7]), front=np.array([0.0]), width=np.array([0.4]))
        >>> junior = share_by_rank(np.array([0.7]), front=np.array([0.4]), width=np.array([0.6]))
        >>> float(senior[0]), round(float(junior[0]), 6)
        (1.0, 0.5)
    """
    return np.minimum(1.0, np.maximum(0.0, (ratio - front) / width))


@units(first="dimensionless", second="dimensionless", third="dimensionless", returns="dimensionless")
def mean_share(first: Floats, second: Floats, third: Floats) -> Floats:
    """Mean of three yearly shares: ``(a1 + a2 + a3) / 3``.

    Args:
        first: share of one year.
        second: share of another.
        third: share of the last.

    Returns:
        Ratio; exactly the share where all three are the same.

    Example:
        >>> float(mean_share(np.array([0.8]), np.array([0.8]), np.array([0.8]))[0])
        0.8
    """
    return first + ((second - first) + (third - first)) / 3.0


@units(guarantee="dimensionless", dry_share="dimensionless", returns="dimensionless")
def share_by_guarantee(guarantee: Floats, dry_share: Floats) -> Floats:
    """Share to expect of a source with a design guarantee: ``g + (1 - g) d``.

    Args:
        guarantee: g, part of the years in which the volume is delivered in full.
        dry_share: d, part delivered in the other years.

    Returns:
        Ratio.

    Example:
        >>> float(share_by_guarantee(np.array([0.75]), np.array([0.5]))[0])
        0.875
    """
    return guarantee + (1.0 - guarantee) * dry_share


@units(permit="m**3", share="dimensionless", limit="m**3", returns="m**3")
def delivered_volume(permit: Floats, share: Floats, *, limit: Floats) -> Floats:
    """Volume that counts in a year: ``min(W a, q)``.

    Args:
        permit: W, m3 the permit allows in a year.
        share: a, share to expect.
        limit: q, m3 used, planned or saleable in a year.

    Returns:
        m3 in a year.
    """
    return np.minimum(permit * share, limit)
