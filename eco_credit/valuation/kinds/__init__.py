"""The register of kinds: one explicit line per kind, and packages outside by entry point."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import metadata

from eco_credit.valuation.kind import Kind
from eco_credit.valuation.kinds.forest_right import KIND as FOREST_RIGHT
from eco_credit.valuation.kinds.order import KIND as ORDER
from eco_credit.valuation.kinds.water_right import KIND as WATER_RIGHT

ENTRY_POINTS = "eco_credit.kinds"
"""Group of entry points by which a package outside adds its kind; each loads to a `Kind`."""

_BUILT_IN = (
    FOREST_RIGHT,
    WATER_RIGHT,
    ORDER,
)


def register(built_in: Iterable[Kind], outside: Iterable[Kind]) -> dict[str, Kind]:
    """Put kinds in a register by name, built-in ones first, others in name order.

    Args:
        built_in: kinds of this package.
        outside: kinds of other packages.

    Returns:
        Name to kind, in the order pledges are worked through.

    Raises:
        ValueError: two kinds carry one name.
    """
    found: dict[str, Kind] = {}
    for kind in (*built_in, *sorted(outside, key=lambda kind: kind.name)):
        if kind.name in found:
            raise ValueError(f"two kinds of collateral are named {kind.name}")
        found[kind.name] = kind
    return found


@cache
def _registered() -> dict[str, Kind]:
    return register(_BUILT_IN, (point.load() for point in metadata.entry_points(group=ENTRY_POINTS)))


def kinds() -> dict[str, Kind]:
    """All kinds of collateral by name: forest_right, water_right, order, and those of other packages.

    Raises:
        ValueError: two kinds carry one name.

    Example:
        >>> list(kinds())[:3]
        ['forest_right', 'water_right', 'order']
    """
    return dict(_registered())
