"""Prices of another year, constant prices, and what a price rests on.

A price moves by an index, ``P_t = P_0 * I_t / I_0``, and never by a discount rate: a rate says what waiting
costs, not what a thing costs. Level is read at current prices, growth at constant prices.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Floats
from eco_credit.core.units import units
from eco_credit.rulebook import RuleSet

BASES = ("levy", "tax_floor", "tax_ceiling", "engineering", "tariff", "market", "norm", "study")
"""What a price may rest on; amounts at two bases differ up to 270 times."""
MOVED = ("price", "value", "value_cny", "low", "high", "value_low", "value_high")
"""Columns of an account row that are money or money per unit."""
SAME_STEP = 1e-9


@units(price="CNY", at_start="dimensionless", at_end="dimensionless", returns="CNY")
def moved_price(price: Floats, at_start: Floats, at_end: Floats) -> Floats:
    """``P_t = P_0 * I_t / I_0``: a price at another year's level.

    Args:
        price: P_0, CNY (per any unit).
        at_start: I_0, index of the price's own year.
        at_end: I_t, index of the year wanted.

    Returns:
        P_t, CNY per the same unit.

    Example:
        >>> round(float(moved_price(327.27, 1.0, 1.1607)), 2)
        379.86
    """
    return price * at_end / at_start


@dataclass(frozen=True, slots=True)
class Basis:
    """What a price rule rests on.

    Attributes:
        basis: one of `BASES`.
        price_year: year of its money.
    """

    basis: str
    price_year: int


def basis_of(rules: RuleSet, name: str) -> Basis:
    """Basis and price year of a price rule.

    Raises:
        ContractError: rule ``price_basis_unknown``; the rulebook does not say.

    Example:
        >>> from eco_credit.rulebook import load
        >>> basis_of(load().at("2026-11-23"), "gep.carbon.traded_price")
        Basis(basis='market', price_year=2024)
    """
    listed = rules.table("gep.price_basis.listed").get(name)
    if listed is None:
        raise _refused(name, "price_basis_unknown", "the rulebook does not say what this price rests on",
                       "规则库未注明该单价的依据")
    return Basis(str(listed["basis"]), int(listed["price_year"]))


def _refused(field: str, rule: str, en: str, zh: str) -> ContractError:
    return ContractError([Violation(field, rule, en, zh)])


@dataclass(frozen=True)
class PriceIndex:
    """Index numbers by year, any base.

    Attributes:
        name: which index: consumer prices, construction costs.
        levels: year to index number, above 0.

    Raises:
        ContractError: ``index_level``; a level is not above 0. ``index_is_a_rate``; three or more levels grow by
            one and the same rate, as a discount rate does and prices never do.
    """

    name: str
    levels: Mapping[int, float]

    def __post_init__(self) -> None:
        if not self.levels or not all(math.isfinite(level) and level > 0.0 for level in self.levels.values()):
            raise _refused("index", "index_level", "index numbers are above 0", "指数应大于 0")
        years = sorted(self.levels)
        rates = [math.log(self.levels[b] / self.levels[a]) / (b - a) for a, b in pairwise(years)]
        if len(rates) > 1 and rates[0] != 0.0 and max(rates) - min(rates) < SAME_STEP:
            raise _refused("index", "index_is_a_rate",
                           "these levels grow by one rate: a discount rate is not a price index",
                           "该序列按固定比率增长：折现率不是价格指数")

    @classmethod
    def from_rule(cls, rules: RuleSet, name: str = "gep.price_index.cpi") -> PriceIndex:
        """The index of a rule: a table of years and levels.

        Example:
            >>> from eco_credit.rulebook import load
            >>> PriceIndex.from_rule(load().at("2026-11-23")).level(2014)
            606.7
        """
        return cls(name, {int(year): float(level) for year, level in rules.table(name).items()})

    def level(self, year: int) -> float:
        """Index number of a year.

        Raises:
            ContractError: rule ``index_year``; the index does not have the year. It is not interpolated.
        """
        if year not in self.levels:
            known = ", ".join(str(one) for one in sorted(self.levels))
            raise _refused("price_year", "index_year", f"the index has the years {known}", "指数缺少该年份")
        return self.levels[year]

    def moved(self, price: Any, start: int, end: int) -> Any:
        """`moved_price` from one year's level to another's; price a number or an array."""
        return moved_price(price, self.level(start), self.level(end))  # type: ignore[arg-type]


def at_prices_of(rows: Sequence[Mapping[str, Any]], year: int, index: PriceIndex) -> list[dict[str, Any]]:
    """Account rows at the prices of one year: constant prices.

    Args:
        rows: rows of an account table, each with its ``price_year``.
        year: the year whose prices are wanted.
        index: the index to move by.

    Returns:
        Copies of the rows with price, value and range moved, ``price_year`` the one asked for and
        ``price_kind`` ``constant``. Quantities stay.

    Raises:
        ContractError: ``price_year_missing``; a row does not say its price year. ``price_from_rules``; a row has
            no price or value of its own, so there is nothing to move. ``index_year``.
    """
    return [_at_prices(row, year, index, place) for place, row in enumerate(rows, start=1)]


def _at_prices(row: Mapping[str, Any], year: int, index: PriceIndex, place: int) -> dict[str, Any]:
    own = row.get("price_year")
    if own is None or own != own:
        raise ContractError([Violation("price_year", "price_year_missing", "state the year of the prices",
                                       "请注明价格年份", place)])
    money = {name: row[name] for name in MOVED if row.get(name) is not None and row[name] == row[name]}
    if not money.keys() & {"price", "value", "value_cny"}:
        raise ContractError([Violation("price", "price_from_rules", "there is no price or value to move",
                                       "没有可换算的单价或价值量", place)])
    moved = {name: index.moved(float(value), int(own), year) for name, value in money.items()}
    return {**row, **moved, "price_year": year, "price_kind": "constant"}


def growth(first: float, last: float, *, first_kind: str | None, last_kind: str | None) -> float:
    """``g = V_1 / V_0 - 1``: growth of two totals, both at constant prices.

    Args:
        first: V_0, CNY.
        last: V_1, CNY.
        first_kind: kind of price of the first total.
        last_kind: kind of price of the last total.

    Returns:
        g, part of one.

    Raises:
        ContractError: ``growth_at_current_prices``; a total is not at constant prices. ``growth_from_nothing``.

    Example:
        >>> round(growth(100.0, 125.04, first_kind="constant", last_kind="constant"), 4)
        0.2504
    """
    if {first_kind, last_kind} != {"constant"}:
        raise _refused("price_kind", "growth_at_current_prices",
                       "growth at current prices is partly the growth of prices: use constant prices",
                       "现价增长含价格变动，请用不变价计算")
    if first <= 0.0:
        raise _refused("value", "growth_from_nothing", "the first total is not above 0", "基期总值应大于 0")
    return last / first - 1.0
