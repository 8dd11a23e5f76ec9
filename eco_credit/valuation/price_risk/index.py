"""Deals and the price index made of them: the median price per month or quarter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools, Floats

Days = npt.NDArray[np.datetime64]
MONTHS_OF: dict[str, int] = {"month": 1, "quarter": 3}
Every = Literal["month", "quarter"]


@dataclass(frozen=True, slots=True)
class Deals:
    """Sales of one market, in the order of the source.

    Attributes:
        days: day of approval, datetime64[D], shape (n,).
        prices: price per unit, above 0, any one currency, shape (n,).
        volumes: volume sold, any one unit, NaN for unknown, shape (n,).
    """

    days: Days
    prices: Floats
    volumes: Floats


@dataclass(frozen=True, slots=True)
class PriceIndex:
    """Median price per period, without gaps.

    Attributes:
        starts: first month of each period, datetime64[M], shape (n,).
        prices: median price, shape (n,).
        deals: number of deals in the period, shape (n,).
        carried: the period had too few deals and carries the price before it, shape (n,).
        months: length of a period.
    """

    starts: Days
    prices: Floats
    deals: Floats
    carried: Bools
    months: int


def read_deals(frame: Mapping[str, Any], *, status: tuple[str, ...] = ("Recorded",), least_price: float = 0.0) -> Deals:
    """Read deals from a table and leave out what is no price.

    Args:
        frame: columns ``approved_on`` (days, or text as yyyy-mm-dd), ``price`` and, where known, ``volume`` and
            ``status``; a data frame or a mapping of arrays.
        status: states of a deal that count; without a column ``status`` every row counts.
        least_price: lowest price that counts. Registers print zero and token prices for gifts and for transfers
            between related parties.

    Returns:
        The deals with a day, a price at or above ``least_price`` and above 0, and a state that counts.

    Raises:
        ContractError: a day is text in another order than year-month-day (day and month are never guessed).

    Example:
        >>> table = {"approved_on": ["2012-05-01", "2012-05-02"], "price": [1800.0, 0.0], "status": ["Recorded"] * 2}
        >>> read_deals(table, least_price=100.0).prices.tolist()
        [1800.0]
    """
    days = _days(np.asarray(frame["approved_on"]))
    prices = np.asarray(frame["price"], dtype=np.float64)
    volumes = np.asarray(frame["volume"], dtype=np.float64) if "volume" in frame else np.full(len(prices), np.nan)
    keep = ~np.isnat(days) & (prices >= least_price) & (prices > 0.0)
    if "status" in frame:
        keep &= np.isin(np.asarray(frame["status"], dtype=object).astype(str), status)
    return Deals(days[keep], prices[keep], volumes[keep])


def _days(values: npt.NDArray[Any]) -> Days:
    if values.dtype.kind == "M":
        return values.astype("datetime64[D]")
    texts = ["NaT" if str(value) in ("None", "nan", "NaT", "<NA>", "") else str(value)[:10] for value in values]
    try:
        return np.array(texts, dtype="datetime64[D]")
    except ValueError:
        raise ContractError(
            [Violation("approved_on", "not_a_day", "write days as yyyy-mm-dd", "日期请写成 yyyy-mm-dd")]
        ) from None


def price_index(days: Days, prices: Floats, *, every: Every = "quarter", least: int = 1) -> PriceIndex:
    """Median price of each month or quarter.

    Args:
        days: day of each deal, datetime64, shape (n,).
        prices: price per unit, above 0, shape (n,).
        every: length of a period; quarters are those of the calendar year.
        least: fewest deals for a median. A period with fewer carries the price before it and is marked; thin
            periods at the start are left out.

    Returns:
        The index from the first to the last period with enough deals; empty when there is none.

    Raises:
        ValueError: ``every`` is neither month nor quarter.

    Example:
        >>> when = np.array(["2012-01-05", "2012-02-01", "2012-07-01"], dtype="datetime64[D]")
        >>> price_index(when, np.array([10.0, 14.0, 9.0])).prices.tolist()
        [12.0, 12.0, 9.0]
    """
    if every not in MONTHS_OF:
        raise ValueError(f"every must be one of {', '.join(MONTHS_OF)}")
    months = MONTHS_OF[every]
    period = days.astype("datetime64[M]").astype(np.int64) // months
    found, rank, counts = np.unique(period, return_inverse=True, return_counts=True)
    enough = found[counts >= least]
    if not len(enough):
        empty = np.empty(0)
        return PriceIndex(np.empty(0, dtype="datetime64[M]"), empty, empty, np.empty(0, dtype=bool), months)
    span = np.arange(enough[0], enough[-1] + 1)
    medians, deals = np.full(len(span), np.nan), np.zeros(len(span))
    for place, number in enumerate(found):
        at = number - span[0]
        if 0 <= at < len(span):
            deals[at] = counts[place]
            medians[at] = np.median(prices[rank == place]) if counts[place] >= least else np.nan
    carried = np.isnan(medians)
    last = np.maximum.accumulate(np.where(carried, 0, np.arange(len(span))))
    return PriceIndex((span * months).astype("datetime64[M]"), medians[last], deals, carried, months)


def adjusted_prices(days: Days, prices: Floats, *, traits: Floats, every: Every = "quarter") -> Floats:
    """Prices of deals brought to average traits (hedonic adjustment, time-dummy regression).

    ``ln p_i = d_period + b' x_i + e_i`` by least squares; the adjusted price is ``exp(ln p_i - b'(x_i - mean x))``.
    Use it before `price_index` where the mix of deals changes (size, reliability), and fit it on the past only.

    Args:
        days: day of each deal, shape (n,).
        prices: above 0, shape (n,).
        traits: x, finite, shape (n, k); take the logarithm of sizes.
        every: period of the dummies.

    Returns:
        Adjusted price of each deal, shape (n,).
    """
    period = days.astype("datetime64[M]").astype(np.int64) // MONTHS_OF[every]
    _, rank = np.unique(period, return_inverse=True)
    counts = np.bincount(rank).astype(np.float64)

    def within(column: Floats) -> Floats:
        centred: Floats = column - (np.bincount(rank, weights=column) / counts)[rank]
        return centred

    logs = np.log(prices)
    inside = np.column_stack([within(column) for column in traits.T])
    slope = np.linalg.lstsq(inside, within(logs), rcond=None)[0]
    shift = np.zeros(len(prices))
    for column, one in zip(traits.T, slope, strict=True):
        shift += one * (column - column.mean())
    return np.exp(logs - shift)
