"""How far an account may be off, and which parameter decides it: a seeded quasi-random run.

Every parameter with a range is drawn between its low and high value with its central value as the mode. A rule
is one draw wherever it is read: a price that is wrong is wrong for every parcel.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, Floats, number, take, text
from eco_credit.gep.account import GepAccount, account
from eco_credit.gep.amounts import Scale, scale_of, worth
from eco_credit.gep.compute import Index, Setting, Sheet, low_end, prices_of, ranged_rules
from eco_credit.gep.masks import neither
from eco_credit.gep.netting import netted
from eco_credit.gep.norms import norm_of
from eco_credit.gep.reading import read_table
from eco_credit.gep.services import services
from eco_credit.gep.sobol import SHAPES, Shape, indices, points, quantile, swapped
from eco_credit.gep.valuing import priced_here
from eco_credit.rulebook import RuleSet, load

CELLS = 4_000_000
"""Samples times rows worked on at once: 32 MB a column."""


@dataclass(frozen=True, slots=True)
class Quantiles:
    """P10, P50, P90 and mean, CNY per year."""

    p10: float
    p50: float
    p90: float
    mean: float


@dataclass(frozen=True, slots=True)
class RowRange:
    """Range of one row of the table: its number from 1, its names, its central value and its quantiles, CNY."""

    row: int
    place: str | None
    service: str
    item: str | None
    counted: bool
    value_cny: float
    range: Quantiles


@dataclass(frozen=True, slots=True)
class ParameterShare:
    """What one parameter does to the variance of the total.

    Attributes:
        name: rule of the rulebook, or what the table states.
        kind: ``price``, ``physical`` or ``stated`` (a price or value the table brings).
        first: part of the variance it explains alone (Saltelli).
        total: part with its interactions (Jansen).
    """

    name: str
    kind: str
    first: float
    total: float


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Ranges of an account, and the share of each parameter in the variance of its total.

    Attributes:
        norm: id of the norm.
        samples: number of points.
        seed: seed of the points.
        shape: distribution between low, mode and high.
        central_cny: total of the account, CNY per year.
        total: quantiles of the total. They are not the sums of the rows' quantiles.
        services: quantiles of each counted service.
        rows: quantiles of each row.
        parameters: shares, the largest first.
        by_kind: sum of the first-order shares of prices, physical parameters and stated values.
    """

    norm: str
    samples: int
    seed: int
    shape: str
    central_cny: float
    total: Quantiles
    services: dict[str, Quantiles]
    rows: tuple[RowRange, ...]
    parameters: tuple[ParameterShare, ...]
    by_kind: dict[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(slots=True)
class _Part:
    """Rows of one service that are drawn together.

    Attributes:
        sheet: the rows.
        scale: their units.
        rules: parameters it reads, to their places among all.
        own: for each row the place of its stated parameter, or -1.
        ends: low, central and high multiple (or value) of the stated parameter, shape (3, m).
        value_of: rows whose stated parameter is the value itself and not a multiple of it.
    """

    sheet: Sheet
    scale: Scale
    index: Index
    counted: Floats
    rules: dict[str, int]
    own: Index
    ends: Floats
    value_of: Any


@dataclass(slots=True)
class _Parameters:
    """All parameters met, in order, and their kinds."""

    places: dict[str, int] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def place(self, name: str, kind: str) -> int:
        """Place of a parameter, added when it is new."""
        self.kinds.setdefault(name, kind)
        return self.places.setdefault(name, len(self.places))


def simulate(
    table: Any, norm: str = "norm-2022", *, year: int | None = None, rules: RuleSet | None = None,
    samples: int = 1024, seed: int = 20251231, shape: Shape = "triangular",
) -> Uncertainty:
    """Run an account many times with its parameters drawn from their ranges.

    Args:
        table: as for `eco_credit.gep.account`.
        norm: id of the norm.
        year: year of the flows, when the rows do not say it.
        rules: the rulebook of a day; today's when left out.
        samples: N, a power of two from 64.
        seed: seed; the same seed gives the same bytes.
        shape: triangular, uniform or pert.

    Returns:
        P10, P50 and P90 of every row, service and of the total, and the Sobol indices of the total.

    Raises:
        ContractError: what `account` refuses; rules ``samples`` and ``shape``.

    Example:
        >>> rows = [{"service": "water_retention", "area_ha": 100.0, "water_balance_mm": 100.0}]
        >>> made = simulate(rows, rules=load().at("2026-11-23"), samples=256)
        >>> made.total.p10 < made.total.p50 < made.total.p90, made.parameters[0].kind
        (True, 'price')
    """
    if shape not in SHAPES:
        raise ContractError([Violation("shape", "shape", f"one of: {', '.join(SHAPES)}", "分布形状不在清单内")])
    book = rules if rules is not None else load().at(dt.date.today())
    made = account(table, norm, year=year, rules=book)
    met = _Parameters()
    parts = list(_parts(netted(read_table(table), norm_of(norm)), made, book, met))
    count = max(len(met.places), 1)
    drawn = points(2 * count, samples, seed)
    a, b = drawn[:, :count], drawn[:, count:]
    rows: dict[int, Quantiles] = {}
    sums = [_sums(part, a, shape, rows.__setitem__) for part in parts]
    shares = _shares(parts, (a, b), shape, sums, met)
    return _answer(made, (samples, seed, shape), sums, parts=parts, rows=rows, shares=shares)


def _parts(rows: Columns, made: GepAccount, rules: RuleSet, met: _Parameters) -> Iterator[_Part]:
    """The rows by service, in blocks, with the parameters that move them."""
    codes, counted = text(rows, "service"), np.array([flow.counted for flow in made.rows], np.float64)
    for code in dict.fromkeys(codes.tolist()):
        index = np.flatnonzero(codes == code)
        for start in range(0, len(index), 1000):
            block = index[start:start + 1000]
            sheet = Sheet(services()[code], take(rows, block), rules)
            yield _part(sheet, block, counted[block], met)


def _part(sheet: Sheet, index: Index, counted: Floats, met: _Parameters) -> _Part:
    prices = prices_of(sheet.service)
    moving = [rule for rule in ranged_rules(sheet.service, sheet.rules) if sheet.moved({rule: low_end})]
    places = {rule: met.place(rule, "price" if rule in prices else "physical") for rule in moving}
    count = sheet.count
    own, ends = np.full(count, -1, np.intp), np.ones((3, count))
    stated = np.broadcast_to(neither(priced_here(sheet)), (count,))
    low, high = number(sheet.rows, "low"), number(sheet.rows, "high")
    given = ~(np.isnan(low) & np.isnan(high))
    value = worth(sheet, scale_of(sheet))
    span = sheet.rules.span(f"gep.spread.{sheet.service.code}")
    items = text(sheet.rows, "item").tolist()
    for i in np.flatnonzero(stated | given).tolist():
        if given[i]:
            ends[:, i] = [np.fmin(low[i], value[i]), value[i], np.fmax(high[i], value[i])]
            own[i] = met.place(f"row {int(index[i]) + 1}: stated range", "stated")
        else:
            ends[:, i] = span
            own[i] = met.place(f"gep.spread.{sheet.service.code} [{items[i] or ''}]", "stated")
    return _Part(sheet, scale_of(sheet), index, counted, places, own, ends, given)


def _setting(chance: Floats, shape: Shape) -> Setting:
    return lambda low, central, high: quantile(chance[:, None], low, central, high, shape=shape)


def _values(part: _Part, chances: Floats, shape: Shape) -> Floats:
    """Values of the rows at N points, shape (N, m)."""
    at = {rule: _setting(chances[:, place], shape) for rule, place in part.rules.items()}
    value = worth(part.sheet, part.scale, part.sheet.moved(at))
    here = np.flatnonzero(part.own >= 0)
    result = np.array(np.broadcast_to(value, (len(chances), part.sheet.count)))
    if len(here):
        drawn = quantile(chances[:, part.own[here]], *part.ends[:, here], shape=shape)
        result[:, here] = np.where(part.value_of[here], drawn, result[:, here] * drawn)
    return result


def _sums(
    part: _Part, chances: Floats, shape: Shape, keep: Callable[[int, Quantiles], None] | None = None
) -> Floats:
    """Counted sum of a part at each point, N values; few points at a time when the rows are many."""
    step = max(CELLS // max(part.sheet.count, 1), 64)
    blocks = [_values(part, chances[start:start + step], shape) for start in range(0, len(chances), step)]
    values = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    if keep is not None:
        p10, p50, p90 = np.quantile(values, (0.1, 0.5, 0.9), axis=0)
        mean = values.mean(axis=0)
        for i, row in enumerate(part.index.tolist()):
            keep(row, Quantiles(float(p10[i]), float(p50[i]), float(p90[i]), float(mean[i])))
    return np.asarray((values * part.counted).sum(axis=1), np.float64)


def _shares(
    parts: list[_Part], points_: tuple[Floats, Floats], shape: Shape, sums: list[Floats], met: _Parameters
) -> tuple[ParameterShare, ...]:
    """Sobol indices of the total. A parameter moves only the parts that read it; the others are kept."""
    a, b = points_
    at_a = np.sum(sums, axis=0)
    at_b = np.sum([_sums(part, b, shape) for part in parts], axis=0)
    at_ab = np.empty((len(met.places), len(a)))
    for name, place in met.places.items():
        mixed, at_ab[place] = swapped(a, b, place), at_a
        for part, own in zip(parts, sums, strict=True):
            if name in part.rules or (part.own == place).any():
                at_ab[place] += _sums(part, mixed, shape) - own
    found = indices(at_a, at_b, at_ab)
    shares = [ParameterShare(name, met.kinds[name], float(found.first[place]), float(found.total[place]))
              for name, place in met.places.items()]
    return tuple(sorted(shares, key=lambda share: -share.total))


def _of(values: Floats) -> Quantiles:
    p10, p50, p90 = np.quantile(values, (0.1, 0.5, 0.9))
    return Quantiles(float(p10), float(p50), float(p90), float(values.mean()))


def _answer(
    made: GepAccount, run: tuple[int, int, str], sums: list[Floats], *, parts: list[_Part],
    rows: dict[int, Quantiles], shares: tuple[ParameterShare, ...],
) -> Uncertainty:
    by_service: dict[str, Floats] = {}
    for part, values in zip(parts, sums, strict=True):
        if part.counted.any():
            code = part.sheet.service.code
            by_service[code] = by_service[code] + values if code in by_service else values
    ranges = tuple(
        RowRange(i + 1, flow.place, flow.service, flow.item, flow.counted, flow.value_cny, rows[i])
        for i, flow in enumerate(made.rows)
    )
    kinds = {kind: sum(share.first for share in shares if share.kind == kind)
             for kind in ("price", "physical", "stated")}
    return Uncertainty(
        made.norm, *run, made.total, _of(np.sum(sums, axis=0)),
        {code: _of(values) for code, values in by_service.items()}, ranges, shares, kinds,
    )
