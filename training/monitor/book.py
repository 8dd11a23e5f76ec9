"""How concentrated the loans are, and how far prices have moved since they were appraised."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import group_sum
from eco_credit.portfolio.concentration import hhi
from training.datasets import Days, Words
from training.monitor.current import Current, read_frame


def concentration(current: Current) -> list[dict[str, Any]]:
    """Herfindahl index of what is at stake by each grouping column on file; no group is named.

    Returns:
        Per column ``by``, ``hhi``, ``effective`` (``1 / HHI``), ``largest`` share, ``groups`` and ``unknown`` share
        (rows without a code, left out of the rest). Amounts are exposure on a tape, recommended limit in a result.
    """
    return [found for name, codes in current.groups.items() if (found := _spread(name, codes, current)) is not None]


def _spread(name: str, codes: Words, current: Current) -> dict[str, Any] | None:
    known = np.array([code is not None for code in codes], bool)
    total = float(current.amount.sum())
    if not known.any() or not total > 0.0:
        return None
    found, group = np.unique(codes[known].astype(str), return_inverse=True)
    sums = group_sum(current.amount[known], group.reshape(-1).astype(np.intp), len(found))
    if not sums.sum() > 0.0:
        return None
    index = hhi(sums)
    return {"by": name, "hhi": index, "effective": 1.0 / index, "largest": float(sums.max() / sums.sum()),
            "groups": len(found), "unknown": 1.0 - float(sums.sum()) / total}  # fmt: skip


def price_moves(current: Current, path: Path) -> list[dict[str, Any]]:
    """Move of a price index since the middle appraisal day, of each kind the index names.

    ``index(last day) / index(day 0) - 1``: day 0 is the last day of the index on or before the median day of
    origination of the kind's loans (the lower of two middle days).

    Args:
        current: the loans.
        path: table with the columns ``day``, ``index`` (above 0, any base) and, where there are several, ``kind``.

    Returns:
        Per kind ``kind`` (None for one index of all), ``since``, ``until``, ``move`` (ratio; None where the index
        begins after the middle day or there are no such loans).

    Raises:
        ContractError: a column is missing, a day cannot be read or an index is not above 0.
    """
    days, index, kinds = _index(path)
    own = current.groups.get("kind")
    found = []
    for kind in sorted(set(kinds)):
        of = np.ones(len(current), bool) if not kind else np.zeros(len(current), bool) if own is None else own == kind
        rows = np.array([k == kind for k in kinds])
        found.append({"kind": kind or None} | _move(days[rows], index[rows], current.opened[of]))
    return found


def _move(days: Days, index: Any, opened: Days) -> dict[str, Any]:
    order = np.argsort(days, kind="stable")
    days, index, opened = days[order], index[order], np.sort(opened[~np.isnat(opened)])
    until = str(days[-1])
    if not len(opened):
        return {"since": None, "until": until, "move": None}
    middle = opened[(len(opened) - 1) // 2]
    at = int(np.searchsorted(days, middle, side="right")) - 1
    move = None if at < 0 else float(index[-1] / index[at] - 1.0)
    return {"since": str(middle), "until": until, "move": move}


def _index(path: Path) -> tuple[Days, Any, list[str]]:
    import pandas as pd

    frame = read_frame(path)
    absent = [name for name in ("day", "index") if name not in frame.columns]
    if absent or not len(frame):
        name = absent[0] if absent else "rows"
        en, zh = "the price index needs day and index", "价格指数须有 day 与 index 两列"
        raise ContractError([Violation(name, "missing", en, zh)])
    days = pd.to_datetime(frame["day"], errors="coerce").to_numpy("datetime64[D]")
    index = pd.to_numeric(frame["index"], errors="coerce").to_numpy(np.float64)
    bad = np.flatnonzero(np.isnat(days) | ~(index > 0.0) | ~np.isfinite(index))
    if len(bad):
        en, zh = "needs a day and an index above 0", "须有日期且指数大于零"
        raise ContractError([Violation("index", "minimum", en, zh, int(bad[0]) + 1)])
    kinds = frame["kind"].fillna("").astype(str).tolist() if "kind" in frame.columns else [""] * len(frame)
    return days, index, kinds
