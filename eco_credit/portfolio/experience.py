"""What the agency has really paid and got back, year by year, from its ledger: the call rate and the subrogation rate.

Call rate of a year: calls paid over the guarantees released in it (代偿额 ÷ 解除额), calls gross of what came back.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, Floats, day, number
from eco_credit.portfolio.rounding import part, yuan

_MOST = 100
Years = npt.NDArray[np.int64]
"""A calendar year a row, 0 where it is not known."""


def experience(ledger: Columns) -> list[dict[str, Any]]:
    """Releases, calls and subrogation by calendar year.

    Args:
        ledger: rows of the contract ``guarantee_ledger``, with or without a loan in the result file, shape (m,);
            ``guarantee_amount``, ``released_on``, ``called_on``, ``called_amount`` and ``subrogated_cash`` are read.

    Returns:
        Years in order: ``year``, ``released`` (yuan; a call releases too), ``called`` (yuan), ``calls`` (number),
        ``call_rate`` (ratio, None without releases), ``subrogated`` (yuan got back so far on the calls of the year),
        ``subrogation_rate`` (of the calls, ratio). Empty where the ledger holds neither releases nor calls.

    Raises:
        ContractError: a call has a day and no amount or the other way round, or cash came back without a call.
    """
    if not ledger:
        return []
    called, back, amount = (number(ledger, name) for name in ("called_amount", "subrogated_cash", "guarantee_amount"))
    called_in, released_in = _years(ledger, "called_on"), _years(ledger, "released_on")
    _refuse(ledger, called, back, called_in)
    years = sorted({int(year) for year in np.concatenate([called_in, released_in]) if year > 0})
    return [_year(year, (called, back, amount), called_in, released_in) for year in years]


def _years(ledger: Columns, name: str) -> Years:
    """Calendar year of a day, 0 where it is not known; shape (m,)."""
    days = day(ledger, name)
    years = days.astype("datetime64[Y]").astype(np.int64) + 1970
    return np.where(np.isnat(days), 0, years)


def _refuse(ledger: Columns, called: Floats, back: Floats, called_in: Years) -> None:
    """Name the rows whose call contradicts itself."""
    paid = np.nan_to_num(called) > 0.0
    half = np.flatnonzero(paid != (called_in > 0))
    alone = np.flatnonzero((np.nan_to_num(back) > 0.0) & ~paid)
    lacking = ("a call needs its day and its amount", "代偿须同时有拨付日和金额")
    orphan = ("cash came back without a call", "没有代偿却有追偿到账")
    faults = [Violation("called_on", "call", *lacking, int(row) + 1) for row in half]
    faults += [Violation("subrogated_cash", "call", *orphan, int(row) + 1) for row in alone]
    if faults:
        raise ContractError(faults[:_MOST])


def _year(year: int, amounts: tuple[Floats, Floats, Floats], called_in: Years, released_in: Years) -> dict[str, Any]:
    """The line of one year; amounts are called, got back and guaranteed, yuan."""
    called, back, amount = amounts
    paid, gone = called_in == year, released_in == year
    out = float(np.nansum(called[paid]))
    released = float(np.nansum(amount[gone]))
    got = float(np.nansum(back[paid]))
    return {
        "year": year, "released": yuan(released), "calls": int(np.sum(paid)), "called": yuan(out),
        "call_rate": part(out, released), "subrogated": yuan(got), "subrogation_rate": part(got, out),
    }  # fmt: skip
