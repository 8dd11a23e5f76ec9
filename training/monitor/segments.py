"""Kinds of pledge apart: how many loans of each there are, and what their own PDs promise."""

from __future__ import annotations

from typing import Any

from training.metrics.stability import word_shares
from training.monitor.cbpe import expected_auc, expected_rate
from training.monitor.current import Current
from training.monitor.drift import Reference


def kinds_now(current: Current, reference: Reference) -> list[dict[str, Any]]:
    """Share of each kind of pledge, by the kind of most value, beside the share expected.

    Returns:
        Per kind ``kind``, ``rows``, ``share``, ``expected`` (None where the reference does not say), by name; empty
        where the kinds of the rows are not known.
    """
    if current.kind is None:
        return []
    now = word_shares(current.kind, current.weight)
    then = reference.mix or {}
    return [
        {"kind": name, "rows": int((current.kind == name).sum()), "share": now.get(name, 0.0),
         "expected": None if reference.mix is None else then.get(name, 0.0)}
        for name in sorted({*now, *then})
    ]  # fmt: skip


def by_kind(current: Current, least: int) -> list[dict[str, Any]]:
    """Expected AUC and default rate of each kind of pledge (see `expected_auc`, and its caveat).

    Args:
        current: the loans.
        least: rows with a PD that a kind needs; a kind with fewer is named with None instead of figures.

    Returns:
        Per kind ``kind``, ``rows`` (with a PD), ``auc`` and ``default_rate`` with their intervals, by name.
    """
    if current.kind is None:
        return []
    found = []
    for name in word_shares(current.kind, current.weight):
        rows = current.scored & (current.kind == name)
        p, w, enough = current.pd[rows], current.weight[rows], int(rows.sum()) >= max(least, 2)
        found.append({
            "kind": name, "rows": int(rows.sum()), "auc": expected_auc(p, w).as_dict() if enough else None,
            "default_rate": expected_rate(p, w).as_dict() if enough else None,
        })  # fmt: skip
    return found
