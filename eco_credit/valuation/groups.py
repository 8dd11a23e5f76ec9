"""Sums over the pledges that belong together, free of the order in which they were submitted."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats, group_sum

Group = npt.NDArray[np.intp]


def group_numbers(*keys: Iterable[Hashable]) -> Group:
    """Number the groups of rows that share all keys, in order of first appearance.

    Args:
        *keys: one iterable per key, all of one length n.

    Returns:
        Group number of each row, shape (n,).

    Example:
        >>> group_numbers([1.0, 1.0, 2.0, 1.0], ["a", "b", "a", "a"]).tolist()
        [0, 1, 2, 0]
    """
    listed = [key.tolist() if isinstance(key, np.ndarray) else key for key in keys]
    rows: list[Hashable] = list(listed[0] if len(listed) == 1 else zip(*listed, strict=True))
    place = {key: at for at, key in enumerate(dict.fromkeys(rows))}
    return np.fromiter(map(place.__getitem__, rows), np.intp, len(rows))


def total_of_group(values: Floats, group: Group) -> Floats:
    """Sum over the row's group, given to every row, shape (n,).

    Rows are added in order of size, so that the sum does not depend on the order of submission even
    in its last bit.
    """
    order = np.argsort(values, kind="stable")
    return group_sum(values[order], group[order], int(group.max(initial=-1)) + 1)[group]


def largest_of_group(values: Floats, group: Group) -> Floats:
    """Largest value of the row's group, given to every row, shape (n,)."""
    largest = np.full(int(group.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(largest, group, values)
    return largest[group]
