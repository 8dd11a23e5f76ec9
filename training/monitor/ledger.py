"""The outcome ledger: what was predicted against what became of it, by vintage, matured loans only.

A loan counts once it has been seen for the whole horizon of the PD. One that defaulted early but has
not been seen for that long does not count either: counting it would count the bad of a young vintage
before its good.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.contracts import contract
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools, Columns, Floats, day, text
from training.datasets import Days, Words
from training.metrics import ranking
from training.metrics.calibration import effective_count, jeffreys, jeffreys_interval
from training.monitor.cbpe import expected_auc
from training.monitor.current import KEYS, Current, checked, read_frame

OUTCOME = "loan_outcome"


def months_after(days: Days, months: int) -> Days:
    """The same day of the month some months later, or the last day of a shorter month.

    Example:
        >>> months_after(np.array(["2024-02-29", "2024-08-31"], "datetime64[D]"), 12).tolist()
        [datetime.date(2025, 2, 28), datetime.date(2025, 8, 31)]
    """
    month = days.astype("datetime64[M]")
    into = days - month.astype("datetime64[D]")
    later = month + np.timedelta64(months, "M")
    first, following = later.astype("datetime64[D]"), (later + np.timedelta64(1, "M")).astype("datetime64[D]")
    found: Days = first + np.minimum(into, following - first - np.timedelta64(1, "D"))
    return found


def quarter(days: Days) -> Words:
    """Vintage of each day, such as ``2025Q1``; None where unknown.

    Example:
        >>> quarter(np.array(["2025-03-31", "2025-04-01"], "datetime64[D]")).tolist()
        ['2025Q1', '2025Q2']
    """
    whole = days.astype("datetime64[M]").astype(np.int64)
    names = [f"{1970 + m // 12}Q{m % 12 // 3 + 1}" for m in whole.tolist()]
    return np.array([None if gone else name for name, gone in zip(names, np.isnat(days), strict=True)], object)


@dataclass(frozen=True)
class Ledger:
    """Outcomes joined to predictions, m rows.

    Attributes:
        key: column they were joined by.
        rows: place of each joined loan among the predictions, shape (m,).
        opened: day from which months are counted.
        seen: last day the loan was seen.
        default_on: earliest day of default on record; NaT for none.
        overdue_30_on: earliest day of 30 days past due; NaT for none.
        decided: what a person decided; None where not stated.
        unmatched: outcomes of loans that were not predicted.
    """

    key: str
    rows: Any
    opened: Days
    seen: Days
    default_on: Days
    overdue_30_on: Days
    decided: Words
    unmatched: int

    def matured(self, months: int) -> Bools:
        """Loans seen for so many months, shape (m,); unknown days are not."""
        found: Bools = self.seen >= months_after(self.opened, months)
        return found

    def defaulted(self, months: int) -> Floats:
        """1.0 for a default within so many months of the first day, else 0.0; read it where `matured` only."""
        return (self.default_on <= months_after(self.opened, months)).astype(np.float64)


def read_outcomes(path: Path) -> Columns:
    """Read outcomes by the contract ``loan_outcome``; other columns are not read.

    Raises:
        ContractError: a value breaks the contract, or a default lies after the day it was seen on.
    """
    raw = checked(contract(OUTCOME), read_frame(path))
    for name in ("default_on", "overdue_30_on"):
        late = np.flatnonzero(day(raw, name) > day(raw, "as_of"))
        if len(late):
            en, zh = "lies after the day the loan was seen on", "晚于观察日"
            raise ContractError([Violation(name, "order", en, zh, int(late[0]) + 1)])
    return raw


def join(current: Current, outcomes: Columns) -> Ledger:
    """Join outcomes to predictions by the most exact number both have.

    Of several rows of one loan the latest ``as_of`` stands; a default once on record stays on it, cured or not.

    Raises:
        ContractError: no number in common, or a default before the loan began.
    """
    shared = [name for name in KEYS if name in current.keys and name in outcomes]
    if not shared:
        en, zh = "no number in common with the predictions", "与预测文件没有共同编号"
        raise ContractError([Violation("|".join(KEYS), "missing", en, zh)])
    place = {name: row for row, name in enumerate(current.keys[shared[0]].tolist()) if name is not None}
    at = np.array([place.get(name, -1) for name in outcomes[shared[0]].tolist()], np.intp)
    order = np.argsort(day(outcomes, "as_of"), kind="stable")
    rows = np.unique(at[at >= 0])
    last = {int(at[i]): int(i) for i in order}  # later days overwrite earlier ones
    chosen = np.array([last[int(row)] for row in rows], np.intp)
    payout = _earliest(at, day(outcomes, "origination"), rows)
    opened = np.where(np.isnat(payout), current.opened[rows], payout)
    found = Ledger(
        key=shared[0], rows=rows, opened=opened, seen=day(outcomes, "as_of")[chosen],
        default_on=_earliest(at, day(outcomes, "default_on"), rows),
        overdue_30_on=_earliest(at, day(outcomes, "overdue_30_on"), rows),
        decided=text(outcomes, "decided")[chosen], unmatched=int((at < 0).sum()),
    )  # fmt: skip
    if (found.default_on < found.opened).any():
        raise ContractError([Violation("default_on", "order", "lies before the loan began", "早于贷款发放日")])
    return found


def _earliest(at: Any, days: Days, rows: Any) -> Days:
    """Earliest known day of each row, shape of ``rows``; NaT where none is known."""
    found: dict[int, Any] = {}
    for row, value in zip(at.tolist(), days, strict=True):
        if not np.isnat(value):
            found[row] = min(value, found.get(row, value))
    nothing = np.datetime64("NaT", "D")
    return np.array([found.get(int(row), nothing) for row in rows], "datetime64[D]")


def by_vintage(current: Current, ledger: Ledger, months: int) -> list[dict[str, Any]]:
    """Realised against predicted defaults of each quarter of origination, oldest first.

    Args:
        current: the predictions.
        ledger: their outcomes.
        months: horizon of the PD.

    Returns:
        Per quarter ``vintage, loans, matured, immature, not_scored, defaults, default_rate`` (with Jeffreys' 95 %
        interval ``low``, ``high``), ``predicted`` and ``jeffreys`` (one-sided p-value of "not too low"). Rates
        are weighted and leave out refused loans; only matured loans enter any of them.
    """
    names = quarter(ledger.opened)
    return [
        {"vintage": name} | _vintage(current, ledger, names == name, months)
        for name in sorted({str(n) for n in names.tolist() if n is not None})
    ]


def _vintage(current: Current, ledger: Ledger, of: Bools, months: int) -> dict[str, Any]:
    ripe = of & ledger.matured(months)
    p, w, y = current.pd[ledger.rows], current.weight[ledger.rows], ledger.defaulted(months)
    counted = ripe & ~np.isnan(p)
    return {
        "loans": int(of.sum()), "matured": int(ripe.sum()), "immature": int((of & ~ripe).sum()),
        "not_scored": int((ripe & np.isnan(p)).sum()),
    } | _rates(y[counted], p[counted], w[counted])  # fmt: skip


def _rates(y: Floats, p: Floats, w: Floats) -> dict[str, Any]:
    """Default rate with its interval beside the mean PD; all None without a matured loan."""
    if not len(y):
        return dict.fromkeys(("defaults", "default_rate", "low", "high", "predicted", "jeffreys"))
    size = effective_count(w)
    rate, mean = float((w * y).sum() / w.sum()), float((w * p).sum() / w.sum())
    found = jeffreys_interval(rate * size, size)
    return {"defaults": int(y.sum()), "default_rate": rate, "low": found.low, "high": found.high, "predicted": mean,
            "jeffreys": jeffreys(rate * size, size, mean)}  # fmt: skip


def whole(current: Current, ledger: Ledger, months: int) -> dict[str, Any]:
    """All vintages together, with the realised AUC of matured loans beside the one their PDs promised."""
    everything = np.ones(len(ledger.rows), bool)
    found = _vintage(current, ledger, everything, months)
    p = current.pd[ledger.rows]
    ripe = ledger.matured(months) & ~np.isnan(p)
    y, w = ledger.defaulted(months)[ripe], current.weight[ledger.rows][ripe]
    both = bool(0 < y.sum() < len(y))
    return found | {
        "key": ledger.key, "unmatched": ledger.unmatched, "without_outcome": len(current) - len(ledger.rows),
        "auc": ranking.auc(y, p[ripe], w).as_dict() if both else None,
        "promised_auc": expected_auc(p[ripe], w).as_dict() if both else None,
    }  # fmt: skip


def early_defaults(ledger: Ledger, first: int, last: int) -> list[dict[str, Any]]:
    """Plain counts of loans 30 days past due between two months on book, by vintage.

    Args:
        ledger: the outcomes.
        first: month on book from which, included.
        last: month on book up to which, included.

    Returns:
        Per quarter ``vintage``, ``seen`` (loans seen up to month ``last``), ``early`` (of those, past due in time).
    """
    names, due = quarter(ledger.opened), ledger.overdue_30_on
    long = ledger.matured(last)
    hit = long & (due >= months_after(ledger.opened, first)) & (due <= months_after(ledger.opened, last))
    return list(_early(names, long, hit))


def _early(names: Words, long: Bools, hit: Bools) -> Iterator[dict[str, Any]]:
    for name in sorted({str(n) for n in names.tolist() if n is not None}):
        of = names == name
        yield {"vintage": name, "seen": int((of & long).sum()), "early": int((of & hit).sum())}


def overrides(current: Current, ledger: Ledger) -> dict[str, Any] | None:
    """How often a person departed from the recommendation; None where either is not on file.

    Returns:
        ``decided``, ``departed``, ``share`` and ``mix`` of ``recommended>decided`` counts.
    """
    return departures(current.recommendation[ledger.rows], ledger.decided)


def departures(said: Words, decided: Words) -> dict[str, Any] | None:
    """The same of recommendations and decisions side by side, shape (n,) each; None stands for not on file."""
    known = np.array([a is not None and b is not None for a, b in zip(said, decided, strict=True)], bool)
    if not known.any():
        return None
    pairs = [f"{a}>{b}" for a, b in zip(said[known], decided[known], strict=True)]
    mix: Mapping[str, int] = {name: pairs.count(name) for name in sorted(set(pairs))}
    departed = int((said[known] != decided[known]).sum())
    return {"decided": len(pairs), "departed": departed, "share": departed / len(pairs), "mix": mix}
