"""Backtest: the haircut that data before a day would have set, and what the price then did.

The window grows (walk-forward): at each origin only deals approved before it are read. Horizons of neighbouring
origins overlap, so their outcomes are not independent; intervals and the Kupiec test therefore use every q-th
origin only (q periods make one horizon), and the counts over all possible first origins are shown beside them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from eco_credit.valuation.price_risk.coverage import exact_interval, kupiec
from eco_credit.valuation.price_risk.index import MONTHS_OF, Deals, Every, price_index
from eco_credit.valuation.price_risk.measure import price_haircut
from eco_credit.valuation.price_risk.policy import METHODS, PricePolicy

HOUSE = "house"
AT_END = frozenset({"lognormal", "historical"})
"""Methods that promise the fall at the end of the horizon; all others promise the worst fall within it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One haircut and what then happened.

    Attributes:
        series: name of the series.
        origin: first day not seen when the haircut was set, yyyy-mm-dd.
        horizon_months: horizon.
        periods: periods seen.
        deals: deals seen.
        haircut: what the house would have set.
        chosen: method it came from.
        haircuts: method to haircut, None where the series was too short.
        worst_fall: deepest fall of the index within the horizon, from the last period seen.
        fall_at_end: fall at the end of the horizon; below 0 is a rise.
    """

    series: str
    origin: str
    horizon_months: int
    periods: int
    deals: int
    haircut: float
    chosen: str
    haircuts: dict[str, float | None]
    worst_fall: float
    fall_at_end: float

    def exceeded(self, method: str) -> bool | None:
        """Whether the fall a method speaks of was larger than its haircut; None where it set none."""
        haircut = self.haircut if method == HOUSE else self.haircuts[method]
        if haircut is None:
            return None
        return (self.fall_at_end if method in AT_END else self.worst_fall) > haircut


@dataclass(frozen=True, slots=True)
class Coverage:
    """Exceedances of one method at one horizon.

    Attributes:
        series: name of the series, or ``all`` for all of them together.
        horizon_months: horizon.
        method: name of the method, or ``house``.
        promised: rate promised, alpha (a mean promises none; it is held to alpha all the same).
        origins: number of origins, overlapping.
        exceedances: exceedances among them.
        rate: exceedances over origins.
        separate: origins whose horizons do not overlap.
        separate_exceedances: exceedances among those.
        phases: fewest and most exceedances over the possible first origins.
        low, high: exact 95 % interval of the rate, on the separate origins.
        kupiec_statistic, kupiec_p: proportion-of-failures test on the separate origins.
    """

    series: str
    horizon_months: int
    method: str
    promised: float
    origins: int
    exceedances: int
    rate: float
    separate: int
    separate_exceedances: int
    phases: tuple[int, int]
    low: float
    high: float
    kupiec_statistic: float
    kupiec_p: float


@dataclass(frozen=True, slots=True)
class Backtest:
    """All origins of one or several series, and the exceedances by series, horizon and method."""

    origins: tuple[Origin, ...]
    coverage: tuple[Coverage, ...]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, ready for JSON."""
        return asdict(self)

    def of(self, series: str, horizon_months: int, method: str = HOUSE) -> Coverage:
        """The line of one series, horizon and method.

        Raises:
            KeyError: there is no such line.
        """
        for line in self.coverage:
            if (line.series, line.horizon_months, line.method) == (series, horizon_months, method):
                return line
        raise KeyError((series, horizon_months, method))


def backtest(
    series: dict[str, Deals],
    *,
    policy: PricePolicy,
    horizons: Sequence[int] = (12, 24, 36),
    every: Every = "quarter",
) -> Backtest:
    """Set the haircut at every period end with data before it only, and hold it to what followed.

    Args:
        series: name to deals; each series is its own market.
        policy: settings; the first origin has ``least_periods`` periods.
        horizons: months until sold.
        every: period of the index.

    Returns:
        Origins in order of series, horizon and day, and coverage by series and, as ``all``, over all series. Series
        of one country fall together, so the line ``all`` is worth less than its number of origins.
    """
    origins = tuple(
        origin
        for name, deals in series.items()
        for horizon in horizons
        for origin in _origins(name, deals, policy=policy, horizon=horizon, every=every)
    )
    groups = [(name, [o for o in origins if o.series == name]) for name in series]
    lines = [
        line
        for horizon in horizons
        for method in (HOUSE, *METHODS)
        for line in _lines(groups, horizon=horizon, method=method, alpha=policy.alpha, every=every)
    ]
    return Backtest(origins, tuple(lines))


def _origins(name: str, deals: Deals, *, policy: PricePolicy, horizon: int, every: Every) -> Iterable[Origin]:
    whole = price_index(deals.days, deals.prices, every=every, least=policy.least_per_period)
    steps = math.ceil(horizon / whole.months)
    for last in range(int(policy.least_periods) - 1, len(whole.prices) - steps):
        day = (whole.starts[last] + np.timedelta64(whole.months, "M")).astype("datetime64[D]")
        past = deals.days < day
        seen = price_index(deals.days[past], deals.prices[past], every=every, least=policy.least_per_period)
        risk = price_haircut(seen, policy=policy, horizon_months=horizon)
        ahead = whole.prices[last + 1 : last + steps + 1] / seen.prices[-1]
        yield Origin(
            series=name,
            origin=str(day),
            horizon_months=horizon,
            periods=risk.periods,
            deals=risk.deals,
            haircut=risk.haircut,
            chosen=risk.chosen,
            haircuts={method: None if math.isnan(x) else x for method, x in risk.haircuts.items()},
            worst_fall=max(0.0, float(1.0 - ahead.min())),
            fall_at_end=float(1.0 - ahead[-1]),
        )


def _lines(
    groups: Sequence[tuple[str, list[Origin]]], *, horizon: int, method: str, alpha: float, every: Every
) -> Iterable[Coverage]:
    """One line per series and one over all; separate origins are picked in each series and then counted up."""
    step = math.ceil(horizon / MONTHS_OF[every])
    hits = {
        name: [hit for o in origins if o.horizon_months == horizon and (hit := o.exceeded(method)) is not None]
        for name, origins in groups
    }
    chosen = [*((name, [found]) for name, found in hits.items()), ("all", list(hits.values()))]
    for name, lists in chosen if len(hits) > 1 else chosen[:1]:
        yield _line((name, horizon, method), lists, step=step, alpha=alpha)


def _line(key: tuple[str, int, str], lists: list[list[bool]], *, step: int, alpha: float) -> Coverage:
    total, count = sum(map(len, lists)), sum(map(sum, lists))
    phases = [sum(sum(found[start::step]) for found in lists) for start in range(step)]
    separate = sum(len(found[::step]) for found in lists)
    low, high = exact_interval(phases[0], separate) if separate else (0.0, 1.0)
    statistic, p_value = kupiec(phases[0], separate, alpha=alpha)
    rate = count / total if total else float("nan")
    return Coverage(
        *key, alpha, total, count, rate, separate, phases[0], (min(phases), max(phases)), low, high, statistic, p_value
    )
