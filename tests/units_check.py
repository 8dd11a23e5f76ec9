"""Run a formula on real quantities with pint and hold the result to the unit it declares."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest

_SAMPLES = (0.31, 1.7, 0.53, 2.3, 0.71, 1.1, 0.83, 1.3)


@cache
def registry() -> Any:
    """Pint's registry with money, visits, and carbon and carbon dioxide as masses that do not mix."""
    pint = pytest.importorskip("pint")
    made = pint.UnitRegistry(autoconvert_offset_to_baseunit=True)
    for line in (
        "CNY = [currency]",
        "person = [visitor]",
        "tC = [carbon_mass]",
        "tCO2 = [carbon_dioxide_mass]",
        "mu = 1 / 15 * hectare",
    ):
        made.define(line)
    return made


def check_units(function: Callable[..., Any], *, magnitudes: bool = False) -> None:
    """Call a formula with pint quantities in its declared units and compare the result's dimension.

    Args:
        function: a formula with ``__units__`` (see `eco_credit.core.units.units`): every argument with a
            declared unit is passed, those with a numeric default with that number.
        magnitudes: also hold the number to the plain call, which catches a hidden conversion factor.

    Raises:
        AssertionError: an argument has no unit, or the result has another dimension or another size.
    """
    declared = function.__units__  # type: ignore[attr-defined]
    signature = inspect.signature(function)
    assert set(signature.parameters) == set(declared) - {"returns"}, (
        f"{function.__name__}: units do not match arguments"
    )
    numbers = {name: _number(parameter, place) for place, (name, parameter) in enumerate(signature.parameters.items())}
    ureg = registry()
    result = function(**{name: ureg.Quantity(value, declared[name]) for name, value in numbers.items()})
    expected = ureg.Quantity(1.0, declared["returns"])
    got = result if hasattr(result, "dimensionality") else ureg.Quantity(result, "dimensionless")
    assert got.dimensionality == expected.dimensionality, f"{function.__name__}: {got.units} is not {expected.units}"
    if magnitudes:
        plain = float(function(**numbers))
        size = float(got.to(declared["returns"]).magnitude)
        assert math.isclose(size, plain, rel_tol=1e-9), f"{function.__name__}: {size} with units, {plain} without"


def _number(parameter: inspect.Parameter, place: int) -> float:
    default = parameter.default
    return float(default) if isinstance(default, (int, float)) else _SAMPLES[place % len(_SAMPLES)]
