"""Which loans to grant under a budget of expected payout, with a bound that proves how good the plan is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats

_SECONDS = 20.0


@dataclass(frozen=True)
class Plan:
    """A plan of limits.

    Attributes:
        granted: part of each loan to grant, ratio 0-1, shape (n,).
        value: what the plan is worth.
        bound: no plan is worth more.
        spent: budget used.
    """

    granted: Floats
    value: float
    bound: float
    spent: float

    @property
    def gap(self) -> float:
        """How far the plan may be from the best, part of the bound; 0 is proven best."""
        return max(0.0, (self.bound - self.value) / self.bound) if self.bound > 0.0 else 0.0


@dataclass(frozen=True)
class Caps:
    """Limits beside the budget: what each loan uses of its group's room, and the room of every group and in all.

    Attributes:
        use: yuan, shape (n,).
        group: group of each loan, shape (n,).
        each: room of one group, yuan; None is without a limit.
        whole: room of all loans, yuan; None is without a limit.
        also: further groupings with their room, codes of shape (n,) and yuan; such as clients within groups.
    """

    use: Floats
    group: npt.NDArray[np.object_]
    each: float | None = None
    whole: float | None = None
    also: tuple[tuple[npt.NDArray[np.object_], float], ...] = ()

    @property
    def groupings(self) -> list[tuple[npt.NDArray[Any], float]]:
        """Every grouping with its room."""
        return ([] if self.each is None else [(self.group, self.each)]) + list(self.also)


def plan_limits(value: Floats, cost: Floats, budget: float, *, caps: Caps | None = None, whole: bool = False) -> Plan:
    """The most valuable loans within a budget.

    Formula: ``max Σ v_i x_i`` with ``Σ c_i x_i ≤ budget``, ``Σ_group u_i x_i ≤ each``, ``Σ u_i x_i ≤ whole`` and
    ``0 ≤ x_i ≤ 1``, whole numbers where ``whole``. The bound is the optimum of the linear problem, or the dual bound
    of the branch and bound search.

    Args:
        value: what each loan is worth if granted in full (balance, or fee), not negative, shape (n,).
        cost: its expected payout, yuan, not negative, shape (n,).
        budget: expected payout allowed, yuan.
        caps: limits of groups and of the whole.
        whole: grant a loan in full or not at all.

    Returns:
        The plan, with its bound.

    Raises:
        ValueError: a value or cost is negative or not finite, or the budget is.

    Example:
        >>> plan_limits(np.array([3.0, 2.0, 2.0]), np.array([3.0, 2.0, 2.0]), 4.0, whole=True).granted.tolist()
        [0.0, 1.0, 1.0]
    """
    numbers = np.concatenate([value, cost, [budget]])
    if not np.isfinite(numbers).all() or (numbers < 0.0).any():
        raise ValueError("values, costs and budget are finite and not negative")
    if not len(value):
        return Plan(np.zeros(0), 0.0, 0.0, 0.0)
    found, bound = (_whole if whole else _parts)(value, _rows(cost, budget, caps))
    return Plan(found, float(np.sum(value * found)), bound, float(np.sum(cost * found)))


Sparse = Any
"""A sparse matrix of scipy, shape (limits, n)."""


def _rows(cost: Floats, budget: float, caps: Caps | None) -> tuple[Sparse, list[float]]:
    """Limits as sparse rows scaled to a right side of one: amounts in yuan are too far apart for the solver.

    A limit of zero keeps its row and its right side. A group whose loans all fit needs no limit.
    """
    from scipy.sparse import csr_array

    whole = [(cost, budget)] + ([] if caps is None or caps.whole is None else [(caps.use, caps.whole)])
    count, lines = len(cost), np.arange(len(cost))
    row, column, size = [], [], []
    right = []
    for at, (left, room) in enumerate(whole):
        row.append(np.full(count, at))
        column.append(lines)
        size.append(left / room if room > 0.0 else left)
        right.append(1.0 if room > 0.0 else 0.0)
    for codes, room in [] if caps is None else caps.groupings:
        use = np.zeros(count) if caps is None else caps.use
        place = _places(codes, use, room)
        held = place >= 0
        row.append(place[held] + len(right))
        column.append(lines[held])
        size.append(use[held] / room if room > 0.0 else use[held])
        right += [1.0 if room > 0.0 else 0.0] * (int(np.max(place, initial=-1)) + 1)
    cells = (np.concatenate(size), (np.concatenate(row), np.concatenate(column)))
    return csr_array(cells, shape=(len(right), count)), right


def _places(codes: npt.NDArray[Any], use: Floats, room: float) -> npt.NDArray[np.intp]:
    """Row of each loan among the limits of a grouping, from zero; -1 where its group fits whole. Shape (n,)."""
    _, group = np.unique(codes.astype(str), return_inverse=True)
    over = np.bincount(np.ravel(group), weights=use) > room
    found: npt.NDArray[np.intp] = np.where(over, np.add.accumulate(over.astype(np.intp)) - 1, -1)[np.ravel(group)]
    return found


def _parts(value: Floats, rows: tuple[Sparse, list[float]]) -> tuple[Floats, float]:
    """Optimum of the linear problem; its bound is its own value.

    The budget alone is met by the loans with the least cost per value. If that plan keeps every other limit, it is the
    best one: no plan under more limits is worth more. Otherwise the linear programme is solved.
    """
    from scipy.optimize import linprog

    easy = _cheapest(value, np.ravel(rows[0][[0], :].toarray()), rows[1][0])
    if (rows[0] @ easy <= np.array(rows[1]) * (1.0 + 1e-12)).all():
        return easy, float(np.sum(value * easy))
    scale = float(np.max(value)) or 1.0
    found = linprog(-value / scale, A_ub=rows[0], b_ub=rows[1], bounds=(0.0, 1.0), method="highs")
    granted: Floats = np.clip(found.x, 0.0, 1.0)
    return granted, float(-found.fun * scale)


def _cheapest(value: Floats, cost: Floats, budget: float) -> Floats:
    """Part of each loan, cheapest per value first, until the budget is used; a loan worth nothing is not granted."""
    worth = value > 0.0
    ratio = np.where(worth, cost / np.where(worth, value, 1.0), np.inf)
    order = np.argsort(ratio, kind="stable")
    before = np.add.accumulate(cost[order]) - cost[order]
    room = np.clip((budget - before) / np.where(cost[order] > 0.0, cost[order], 1.0), 0.0, 1.0)
    part = np.where(worth[order], np.where(cost[order] > 0.0, room, 1.0), 0.0)
    granted: Floats = np.empty(len(value))
    granted[order] = part
    return granted


def _whole(value: Floats, rows: tuple[Sparse, list[float]]) -> tuple[Floats, float]:
    """Best whole loans found within the time, and the dual bound of the search."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    scale = float(np.max(value)) or 1.0
    found = milp(
        -value / scale, constraints=LinearConstraint(rows[0], ub=rows[1]),
        integrality=np.ones(len(value)), bounds=Bounds(0.0, 1.0), options={"time_limit": _SECONDS},
    )  # fmt: skip
    granted: Floats = np.zeros(len(value)) if found.x is None else np.round(np.clip(found.x, 0.0, 1.0))
    return granted, float(-found.mip_dual_bound * scale)
