"""Units of account rows: the closed list, and the product of a quantity and a price.

A tonne of carbon and a tonne of carbon dioxide are different kinds, and neither is a plain tonne:
a price per one on a quantity of the other is refused by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from eco_credit.core.errors import ContractError, Violation

_CARBON_KINDS = frozenset({"carbon", "carbon_dioxide"})


@dataclass(frozen=True, slots=True)
class Measure:
    """A unit read from text: what kind of thing it measures, and its size in the base of that kind."""

    kind: str
    size: float


@cache
def _table() -> Mapping[str, Any]:
    text = (resources.files("eco_credit.gep") / "measures.yaml").read_text(encoding="utf-8")
    loaded: Mapping[str, Any] = yaml.safe_load(text)
    return loaded


def _refused(field: str, rule: str, en: str, zh: str) -> ContractError:
    return ContractError([Violation(field, rule, en, zh)])


def _sized(text: str, names: Mapping[str, Measure]) -> Measure | None:
    """Read ``[multiplier] name``; None when it is not on the list."""
    clean = text.strip()
    if clean in names:
        return names[clean]
    for prefix, scale in _table()["multipliers"].items():
        rest = clean.removeprefix(prefix).lstrip()
        if clean.startswith(prefix) and rest in names:
            return Measure(names[rest].kind, float(scale) * names[rest].size)
    return None


@cache
def quantity(unit: str) -> Measure:
    """Read a physical unit such as ``1e8 m3``, ``1e4 hm2`` or ``万吨``.

    Raises:
        ContractError: rule ``unit_unknown``; the unit is not on the closed list.

    Example:
        >>> quantity("1e4 hm2")
        Measure(kind='area', size=100000000.0)
    """
    names = {name: Measure(raw["kind"], float(raw["size"])) for name, raw in _table()["quantities"].items()}
    found = _sized(unit, names)
    if found is None:
        raise _refused("physical_unit", "unit_unknown", "this unit is not on the list of physical units",
                       "该单位不在功能量单位表内")
    return found


@cache
def money(unit: str) -> float:
    """Yuan in one unit of money: ``CNY`` 1, ``万元`` 1e4, ``1e8 CNY`` and ``亿元`` 1e8.

    Raises:
        ContractError: rule ``unit_unknown``.

    Example:
        >>> money("亿元")
        100000000.0
    """
    found = _sized(unit, {name: Measure("money", 1.0) for name in _table()["money"]})
    if found is None:
        raise _refused("value_unit", "unit_unknown", "this unit is not on the list of money units",
                       "该单位不在货币单位表内")
    return found.size


@cache
def price(unit: str) -> tuple[float, Measure]:
    """Read a price unit such as ``CNY/m3`` or ``元/亩``: yuan in its money, and its quantity.

    Raises:
        ContractError: rule ``unit_unknown``.
    """
    top, slash, below = unit.partition("/")
    try:
        if slash:
            return money(top), quantity(below)
    except ContractError:
        pass
    raise _refused("price_unit", "unit_unknown", "write a price unit as money per quantity, such as CNY/m3",
                   "单价单位应写作“货币/数量”，如 元/立方米")


@cache
def factor(physical_unit: str, price_unit: str) -> float:
    """Yuan that one physical unit is worth at one price unit: ``[quantity] * [price] = [CNY]``.

    Args:
        physical_unit: unit of the quantity.
        price_unit: unit of the price.

    Returns:
        The number by which ``physical * price`` is multiplied to get yuan.

    Raises:
        ContractError: ``unit_unknown``; ``carbon_not_carbon_dioxide`` when one side counts carbon and
            the other carbon dioxide; ``carbon_mass_not_stated`` when one side is a plain tonne;
            ``units_do_not_cancel`` for any other pair.

    Example:
        >>> factor("1e8 m3", "CNY/m3"), factor("1e6 m2", "CNY/hm2")
        (100000000.0, 100.0)
    """
    amount = quantity(physical_unit)
    yuan, per = price(price_unit)
    if amount.kind == per.kind:
        return yuan * amount.size / per.size
    kinds = {amount.kind, per.kind}
    if kinds == _CARBON_KINDS:
        raise _refused("price_unit", "carbon_not_carbon_dioxide",
                       "a tonne of carbon is 44/12 tonnes of carbon dioxide: convert the price or the quantity",
                       "1 吨碳等于 44/12 吨二氧化碳，请先换算单价或数量")
    if kinds & _CARBON_KINDS and "mass" in kinds:
        raise _refused("price_unit", "carbon_mass_not_stated",
                       "say whether the tonnes are carbon (tC) or carbon dioxide (tCO2)",
                       "请注明吨碳（tC）还是吨二氧化碳（tCO2）")
    raise _refused("price_unit", "units_do_not_cancel",
                   f"a price per {per.kind} cannot value a quantity of {amount.kind}",
                   "单价单位与功能量单位不能相乘得到金额")


def value_of(physical: float, physical_unit: str, unit_price: float, price_unit: str) -> float:
    """Value in yuan: ``V = Q * P`` with units that must cancel.

    Raises:
        ContractError: see `factor`.

    Example:
        >>> value_of(17.31, "1e8 m3", 0.07, "CNY/m3")
        121170000.0
    """
    return physical * unit_price * factor(physical_unit, price_unit)
