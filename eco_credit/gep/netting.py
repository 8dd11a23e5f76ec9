"""Netting of products that came from outside, as a step of its own: GB/T 46869-2025.

Its press definition is the value of all ecological products in the period *minus the value of those that came
from outside the region*. Nothing is netted in silence: a row states what of it came from outside
(``outside_cny``), and the account gets a line below zero for it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, number, rows_of, take, text
from eco_credit.gep.flow import Notice, ServiceFlow
from eco_credit.gep.norms import Norm

if TYPE_CHECKING:
    from eco_credit.gep.compute import Index

COLUMN = "outside_cny"
ITEM = "from_outside"
METHOD = "netting_of_outside_products"
_KEPT = frozenset({"norm", "price_kind", "area_code", "area_name", "place", "service", "source",
                   "account_year", "price_year"})


def netted(rows: Columns, norm: Norm) -> Columns:
    """Add one line for each row that states a value from outside: ``-outside``, CNY per year.

    Args:
        rows: columns of `eco_credit.gep.reading.read_table`.
        norm: the norm of the account.

    Returns:
        The rows, and below them the deductions in row order.

    Raises:
        ContractError: ``netting_not_in_norm`` when the norm has no such step; ``minimum`` for a value below zero.
    """
    outside = number(rows, COLUMN)
    index = np.flatnonzero(~np.isnan(outside) & (outside != 0.0))
    if not norm.netting and (len(index) or ITEM in set(_tails(rows))):
        raise ContractError([Violation(COLUMN, "netting_not_in_norm", f"{norm.id} does not net products from outside",
                                       f"{norm.zh}没有扣减区域外流入的步骤")])
    below = np.flatnonzero(outside < 0.0)
    if len(below):
        raise ContractError([Violation(COLUMN, "minimum", "write the value from outside as a positive number",
                                       "区域外流入价值应填正数", int(below[0]) + 1)])
    return _joined(rows, _lines(rows, index)) if len(index) else rows


def _tails(rows: Columns) -> list[str]:
    return [item.rsplit(":", 1)[-1] for item in text(rows, "item").tolist() if item is not None]


def _lines(rows: Columns, index: Index) -> Columns:
    lines = take(rows, index)
    for name, column in lines.items():
        if name not in _KEPT:
            lines[name] = np.full(len(index), np.nan if column.dtype.kind == "f" else None, column.dtype)
    outside = number(rows, COLUMN)[index]
    items = text(rows, "item")[index].tolist()
    lines["item"] = np.array([f"{item}:{ITEM}" if item else ITEM for item in items], dtype=object)
    lines["value_cny"] = lines["low"] = lines["high"] = -outside
    lines["method"] = np.full(len(index), METHOD, dtype=object)
    return lines


def _joined(rows: Columns, lines: Columns) -> Columns:
    whole = {name: np.concatenate([column, lines[name]]) for name, column in rows.items()}
    whole[COLUMN] = np.full(rows_of(whole), np.nan)
    return whole


def netting_notices(flows: Sequence[ServiceFlow], norm: Norm) -> list[Notice]:
    """Say what was netted, that nothing was, or that more was taken off than a service has."""
    if not norm.netting:
        return []
    lines = [flow for flow in flows if flow.item is not None and flow.item.rsplit(":", 1)[-1] == ITEM]
    if not lines:
        return [Notice("netting_not_stated", f"{norm.id} takes off products from outside: none is stated (outside_cny)",
                       f"{norm.zh}须扣减区域外流入产品价值，表中未填")]
    taken = -math.fsum(flow.value_cny for flow in lines)
    notices = [Notice("netted", f"products from outside taken off: {taken:.2f} CNY",
                      f"已扣减区域外流入产品 {taken:.2f} 元")]
    for code in dict.fromkeys(flow.service for flow in lines):
        if math.fsum(flow.value_cny for flow in flows if flow.service == code) < 0.0:
            notices.append(Notice("netting_above_value", f"more from outside than the whole of {code}",
                                  "扣减额超过该项服务总值"))
    return notices
