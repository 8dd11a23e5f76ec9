"""Which loans are green, by the edition of the catalogue that held on the day they were approved."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Columns, Floats, day, rounded, text
from eco_credit.rulebook import RuleSet

EDITIONS = ("2019", "2021", "2025")
"""Editions of the lists of green finance that the house knows."""
_NO = ("no", "否")


def green_tags(ledger: Columns, count: int, *, rules: RuleSet) -> npt.NDArray[np.object_]:
    """Tag of each loan: an edition, ``invalid``, ``not_green`` or ``unknown``.

    A mark counts only with the name and the edition of a list, and only where that edition was in force on the day
    the loan was approved; the newest edition replaces the others for loans approved from its first day on, loans
    approved before keep theirs.

    Args:
        ledger: columns of the ledger beside the loans, shape (n,); empty without one.
        count: n.
        rules: ``portfolio.green.editions``: edition to its first day.

    Returns:
        Codes, shape (n,).
    """
    if not ledger:
        return np.full(count, "unknown", dtype=object)
    starts = {name: np.datetime64(str(start)) for name, start in rules["portfolio.green.editions"].items()}
    rows = zip(*(text(ledger, name) for name in ("green_flag", "green_list", "green_catalogue")),
               day(ledger, "approved_on"), strict=True)  # fmt: skip
    tags = [_tag(flag, listed, edition, approved=approved, starts=starts) for flag, listed, edition, approved in rows]
    return np.array(tags, dtype=object)


def _tag(
    flag: object, listed: object, edition: object, *, approved: np.datetime64, starts: dict[str, np.datetime64]
) -> str:
    """Tag of one loan; editions in their order of coming into force."""
    if flag is None:
        return "unknown"
    if flag in _NO:
        return "not_green"
    newest = max(starts, key=lambda name: starts[name])
    if not listed or edition not in starts or np.isnat(approved) or approved < starts[str(edition)]:
        return "invalid"
    if approved >= starts[newest] and edition != newest:
        return "invalid"
    return str(edition)


def green_balance(tags: npt.NDArray[np.object_], balance: Floats) -> list[dict[str, Any]]:
    """Loans and balance (yuan) of every tag, editions first; tags without loans are left out."""
    found = []
    for tag in (*EDITIONS, "invalid", "not_green", "unknown"):
        rows = tags == tag
        if rows.any():
            found.append({"edition": tag, "loans": int(np.sum(rows)), "balance": float(rounded(np.sum(balance[rows])))})
    return found
