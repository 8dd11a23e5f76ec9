"""Units: the closed list the house uses, the exact conversions, and units declared on functions.

A formula declares its units with :func:`units`. The declaration costs nothing at run time: it only
sets ``__units__``, which the test suite reads to run the formula on real quantities with pint.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])

MU_PER_HECTARE = 15.0
"""1 ha = 15 mu exactly (1 mu = 666.67 m2)."""
SQUARE_METRES_PER_HECTARE = 10_000.0
YUAN_PER_WAN = 10_000.0
"""1 万元 = 10 000 yuan."""
CUBIC_METRES_PER_WAN = 10_000.0
"""1 万m3 = 10 000 m3."""
MONTHS_PER_YEAR = 12.0
CO2_PER_CARBON = 44.0 / 12.0
"""Mass of CO2 that holds one unit mass of carbon (molar masses 44 and 12)."""

STORED_UNITS: dict[str, str] = {
    "CNY": "yuan",
    "USD": "US dollar (foreign loan tapes only)",
    "CNY/year": "yuan per year",
    "CNY/m3": "yuan per cubic metre",
    "CNY/ha": "yuan per hectare",
    "CNY/ha/year": "yuan per hectare and year",
    "CNY/kWh": "yuan per kilowatt hour",
    "CNY/day": "yuan per day of work",
    "CNY/t": "yuan per tonne",
    "ha": "hectare",
    "m3": "cubic metre",
    "m3/year": "cubic metre per year",
    "m3/ha": "cubic metre per hectare",
    "m3/day": "cubic metre per day",
    "m3/s": "cubic metre per second",
    "kWh/year": "kilowatt hour per year",
    "kW": "kilowatt",
    "m": "metre",
    "cm": "centimetre",
    "km": "kilometre",
    "1/ha": "number per hectare",
    "day/ha": "days of work per hectare",
    "deg": "degree of arc, decimal",
    "ratio": "part of one (0.3 is 30 %)",
    "1/year": "part of one per year",
    "year": "year",
    "month": "month",
    "day": "day",
    "count": "number of things",
    "point": "score point",
    "code": "code of a named list",
    "text": "text",
    "date": "calendar day",
    "boolean": "yes or no; blank is unknown",
}
"""The units in which values are stored. A unit not on this list is a typing error."""


def units(**declared: str) -> Callable[[F], F]:
    """Declare the unit of each argument and, as ``returns``, of the result of a formula.

    Args:
        **declared: argument name to unit, in pint's notation (``CNY/m**3``, ``hectare``,
            ``dimensionless``).

    Returns:
        A decorator that sets ``__units__`` on the function and changes nothing else.

    Example:
        >>> @units(area="hectare", price="CNY/hectare", returns="CNY")
        ... def worth(area, price):
        ...     return area * price
        >>> worth(2.0, 3.0)
        6.0
        >>> worth.__units__["returns"]
        'CNY'
    """

    def declare(function: F) -> F:
        function.__units__ = declared  # type: ignore[attr-defined]
        return function

    return declare
