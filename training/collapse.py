"""Collapse a shallow LightGBM booster into a sum of tables, exactly.

A tree of depth 2 splits on a feature a, then left on b and right on c. The value of a leaf applies
where the conditions on its path hold, and a path names at most two features, so every leaf is a
function of one pair (or one feature, or none) and

``booster(x) = f0 + sum_i f_i(x_i) + sum_ij f_ij(x_i, x_j)``

with f_i and f_ij piecewise constant on the booster's own thresholds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from eco_credit.core.numbers import Bools, Floats
from eco_credit.risk.tables import Grid, PairTable, TableModel

Path = tuple[tuple[int, Bools], ...]


@dataclass
class _Sum:
    """Tables being filled, by feature number."""

    grids: dict[int, Floats]
    intercept: float = 0.0
    mains: dict[int, Floats] = field(default_factory=dict)
    pairs: dict[tuple[int, int], Floats] = field(default_factory=dict)

    def bins(self, feature: int) -> int:
        return len(self.grids[feature]) + 2

    def frozen(self, names: list[str]) -> TableModel:
        place = {feature: position for position, feature in enumerate(sorted(self.grids))}
        return TableModel(
            intercept=self.intercept,
            grids=tuple(Grid(names[feature], self.grids[feature]) for feature in place),
            mains=tuple(self.mains.get(feature, np.zeros(self.bins(feature))) for feature in place),
            pairs=tuple(PairTable(place[a], place[b], self.pairs[a, b]) for a, b in sorted(self.pairs)),
        )


def collapse(dump: Mapping[str, Any]) -> TableModel:
    """Collapse a booster written by ``Booster.dump_model()``.

    Args:
        dump: the JSON of a numeric booster of depth at most 2 (``binary``, ``regression``,
            ``quantile`` or a custom objective), without linear leaves, averaging or categorical
            splits.

    Returns:
        Tables whose sum is the raw score of the booster, apart from rounding of the last bits.

    Raises:
        ValueError: the booster holds something that is not such a sum.
    """
    if dump.get("average_output"):
        raise ValueError("an averaged forest is not a plain sum of trees")
    roots = [tree["tree_structure"] for tree in dump["tree_info"]]
    total = _Sum(_grids(roots))
    for root in roots:
        for path, value in _leaves(root, total.grids, ()):
            _add(total, path, value)
    return total.frozen(list(dump["feature_names"]))


def _splits(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All split nodes below and including a node."""
    if "split_feature" in node:
        yield node
        yield from _splits(node["left_child"])
        yield from _splits(node["right_child"])


def _grids(roots: list[Mapping[str, Any]]) -> dict[int, Floats]:
    """Sorted distinct thresholds by feature number."""
    found: dict[int, set[float]] = {}
    for root in roots:
        for node in _splits(root):
            if node["decision_type"] != "<=":
                raise ValueError(f"a split of type {node['decision_type']} has no grid; encode categories yourself")
            found.setdefault(node["split_feature"], set()).add(float(node["threshold"]))
    return {feature: np.array(sorted(values)) for feature, values in found.items()}


def goes_left(node: Mapping[str, Any], grid: Floats) -> Bools:
    """For each bin of the split feature, missing last: does a row of that bin go left?

    LightGBM reads missing as 0.0 when the node's ``missing_type`` is None, and sends it to the
    default side when it is NaN.

    Args:
        node: a split node of the dump.
        grid: the thresholds of its feature, sorted, k of them.

    Returns:
        shape (k + 2,).

    Raises:
        ValueError: zero is treated as missing.
    """
    threshold = float(node["threshold"])
    position = int(np.searchsorted(grid, threshold, side="left"))
    known = np.arange(len(grid) + 1) <= position
    if node["missing_type"] == "None":
        missing = threshold >= 0.0
    elif node["missing_type"] == "NaN":
        missing = bool(node["default_left"])
    else:
        raise ValueError("zero_as_missing boosters are not collapsed")
    return np.append(known, missing)


def _leaves(node: Mapping[str, Any], grids: dict[int, Floats], path: Path) -> Iterator[tuple[Path, float]]:
    """Every leaf with the conditions on its path, as one mask of bins per feature."""
    if "split_feature" not in node:
        if "leaf_const" in node or "leaf_coeff" in node:
            raise ValueError("linear leaves are not piecewise constant")
        yield path, float(node["leaf_value"])
        return
    feature = int(node["split_feature"])
    left = goes_left(node, grids[feature])
    yield from _leaves(node["left_child"], grids, _narrow(path, feature, left))
    yield from _leaves(node["right_child"], grids, _narrow(path, feature, ~left))


def _narrow(path: Path, feature: int, mask: Bools) -> Path:
    """Add a condition to a path; two conditions on one feature become one mask."""
    masks = dict(path)
    masks[feature] = masks[feature] & mask if feature in masks else mask
    if len(masks) > 2:
        raise ValueError("a path names three features: the booster is deeper than two")
    return tuple(sorted(masks.items()))


def _add(total: _Sum, path: Path, value: float) -> None:
    """Add a leaf's value to the cells of the table in which its path lives."""
    if not path:
        total.intercept += value
    elif len(path) == 1:
        ((a, mask),) = path
        table = total.mains.setdefault(a, np.zeros(total.bins(a)))
        table += value * mask
    else:
        (a, rows), (b, cols) = path
        table = total.pairs.setdefault((a, b), np.zeros((total.bins(a), total.bins(b))))
        table += value * np.outer(rows, cols)
