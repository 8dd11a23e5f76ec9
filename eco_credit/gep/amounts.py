"""The value a row states, the product of its quantity and price, and whether the two agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from eco_credit.core.numbers import Columns, Floats, number, text
from eco_credit.gep import measure
from eco_credit.gep.compute import Index, Sheet
from eco_credit.gep.flow import Notice
from eco_credit.gep.masks import pick
from eco_credit.gep.service import Service
from eco_credit.rulebook import RuleSet

NEAR = 0.01
"""Distance within which a ratio counts as a known slip."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What one unit is worth on each row: yuan per product of quantity and price, and yuan per unit of money."""

    product: Floats
    money: Floats


def scale_of(sheet: Sheet) -> Scale:
    """Scales of the rows of a sheet; NaN where a unit is not stated. All units are on the list and cancel."""
    if sheet.item is None:
        return Scale(_product_sizes(sheet.unit("physical_unit"), sheet.unit("price_unit")),
                     _money_sizes(sheet.unit("value_unit")))
    quantity, price, money = (sheet.unit(f"{name}_unit") for name in ("physical", "price", "value"))
    product = np.nan if quantity is None or price is None else measure.factor(quantity, price)
    return Scale(np.full(1, product), np.full(1, np.nan if money is None else measure.money(money)))


def worth(sheet: Sheet, scale: Scale, changed: Mapping[str, Floats] | None = None) -> Floats:
    """``V``: the value a row states, else quantity times price; CNY per year.

    Args:
        sheet: the rows of one service.
        scale: their scales.
        changed: columns of `Sheet.moved`, shape (n,) or (k, n).

    Returns:
        Shape (n,) or (k, n); NaN where a row has no value.
    """
    product = sheet.get("physical", changed) * sheet.get("price", changed) * scale.product
    result = pick(sheet.has("value"), sheet.get("value", changed) * scale.money, product)
    result = pick(sheet.has("value_cny"), sheet.get("value_cny", changed), result)
    return result if result.shape[-1] == sheet.count else np.broadcast_to(result, (*result.shape[:-1], sheet.count))


def _product_sizes(quantities: Iterable[str | None], prices: Iterable[str | None]) -> Floats:
    pairs = zip(quantities, prices, strict=True)
    return np.array([np.nan if q is None or p is None else measure.factor(q, p) for q, p in pairs], np.float64)


def _money_sizes(units: Iterable[str | None]) -> Floats:
    return np.array([np.nan if unit is None else measure.money(unit) for unit in units], np.float64)


def stated(columns: Columns) -> Floats:
    """Value the rows state, CNY per year; NaN where a row states none. All units are on the list."""
    yuan = number(columns, "value_cny")
    return np.where(np.isnan(yuan), number(columns, "value") * _money_sizes(text(columns, "value_unit")), yuan)


def products(columns: Columns) -> Floats:
    """``Q * P`` in CNY per year; NaN where a row has no quantity or no price. All units cancel."""
    size = _product_sizes(text(columns, "physical_unit"), text(columns, "price_unit"))
    result: Floats = number(columns, "physical") * number(columns, "price") * size
    return result


def values(columns: Columns) -> Floats:
    """Value stated in the row, else quantity times price; CNY per year."""
    said = stated(columns)
    return np.where(np.isnan(said), products(columns), said)


def rounding(value: float) -> float:
    """Part by which a printed number may be off: half of its last digit, relative to the number.

    Example:
        >>> round(rounding(10.03), 6), rounding(0.01)
        (0.000499, 0.5)
    """
    exponent = Decimal(repr(float(value)).removesuffix(".0")).as_tuple().exponent
    digit = 10.0 ** min(int(exponent), 0)
    return 0.5 * digit / abs(value) if value else 0.0


def differences(columns: Columns, index: Index, rules: RuleSet) -> list[Notice]:
    """Warn where a stated value is not quantity times price within the printed rounding.

    Args:
        columns: rows of one service with quantities and prices filled.
        index: place of each row in the whole table.
        rules: for the list of usual slips.
    """
    product, said = products(columns), stated(columns)
    sizes = [1.0 if unit is None else measure.money(unit) for unit in text(columns, "value_unit")]
    notices = []
    for i in np.flatnonzero(~np.isnan(product) & ~np.isnan(said) & (said != 0.0)):
        printed = (columns["physical"][i], columns["price"][i], said[i] / sizes[i])
        ratio = float(product[i] / said[i])
        if abs(ratio - 1.0) > sum(rounding(float(number_)) for number_ in printed) + 1e-9:
            notices.append(_difference(ratio, int(index[i]) + 1, rules))
    return notices


def _difference(ratio: float, row: int, rules: RuleSet) -> Notice:
    """Name the usual slip when the ratio is near a known factor."""
    slips = rules.table("gep.check.known_factors").values()
    near = [slip for slip in slips if min(abs(ratio / slip["factor"] - 1.0), abs(ratio * slip["factor"] - 1.0)) < NEAR]
    en = f"quantity times price is {ratio:.6g} times the stated value; the stated value is counted"
    zh = f"功能量×单价为所填价值量的 {ratio:.6g} 倍；按所填价值量计入"
    if near:
        en, zh = f"{en}. Usual cause: {near[0]['en']}", f"{zh}。常见原因：{near[0]['zh']}"
    return Notice("value_differs", en, zh, (row,))


def negatives(service: Service, value: Floats, index: Index) -> list[Notice]:
    """Say that rows with a negative value keep their sign."""
    rows = tuple(int(row) + 1 for row in index[value < 0.0])
    en, zh = f"{service.en} is negative and its sign is kept", f"{service.zh}为负值，保留符号"
    return [Notice("negative_value", en, zh, rows)] if rows else []
