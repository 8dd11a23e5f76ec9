"""Does an input know the outcome? By its date in the contract, by its power, by odd arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from eco_credit.contracts import Contract
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, Floats, number
from training.metrics.ranking import auc

TOO_GOOD = 0.95
"""A single input that ranks better than this is read as the outcome itself (gate G0)."""
TOO_GOOD_FLAG = 0.75
"""So is a flag such as "not a whole number of years", which no contract has a reason to write."""
DIVISORS = (12, 10, 6, 5)
SCANNED_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Leak:
    """One way in which a column gives the outcome away.

    Attributes:
        column: its name.
        how: ``value``, ``missing`` or ``not_multiple_of_k``.
        auc: how well it ranks alone, at least 0.5.
    """

    column: str
    how: str
    auc: float


def refuse_late_columns(made_for: Contract, names: Sequence[str]) -> None:
    """Refuse inputs that were not known at origination.

    Raises:
        ContractError: a name is not in the contract or its ``known_at`` is later.
    """
    known_at = {field.name: field.known_at for field in made_for.fields}
    late = [name for name in names if known_at.get(name) != "origination"]
    if late:
        raise ContractError(
            Violation(name, "known_at", f"known {known_at.get(name, 'nowhere')}, not at origination", "发放时尚不可知")
            for name in late
        )


def refuse_leaks(columns: Columns, target: Floats, weight: Floats) -> None:
    """Refuse inputs that give the outcome away.

    Raises:
        ContractError: one violation per leak found by `leaks`.
    """
    found = leaks(columns, target, weight)
    if found:
        raise ContractError(
            Violation(
                leak.column, "leak", f"{leak.how} alone has AUC {leak.auc:.3f}", f"单独AUC {leak.auc:.3f}，疑似泄露"
            )
            for leak in found
        )


def leaks(columns: Columns, target: Floats, weight: Floats) -> list[Leak]:
    """Scan every column for signs that it was written after the outcome.

    Three tests each: the value itself, whether it is missing, and, for whole numbers of many
    levels, whether it is a multiple of 12, 10, 6 or 5. Rewritten terms fail the last one only.

    Args:
        columns: inputs, shape (n,).
        target: 1.0 for default, else 0.0.
        weight: sample weights.

    Returns:
        The leaks, worst first; empty without both outcomes.
    """
    step = max(1, len(target) // SCANNED_ROWS)
    y, w = target[::step], weight[::step]
    if y.min(initial=1.0) == y.max(initial=0.0):
        return []
    found = []
    for name in columns:
        for how, score in _scores(number(columns, name)[::step]):
            power = auc(y, score, w).value
            power = max(power, 1.0 - power)
            if power > (TOO_GOOD_FLAG if how.startswith("not") else TOO_GOOD):
                found.append(Leak(name, how, power))
    return sorted(found, key=lambda leak: -leak.auc)


def _scores(values: Floats) -> Iterator[tuple[str, Floats]]:
    """The tests of one column, as scores to rank by."""
    missing = np.isnan(values)
    known = values[~missing]
    yield "value", np.where(missing, np.median(known) if len(known) else 0.0, values)
    yield "missing", missing.astype(np.float64)
    if len(known) and np.array_equal(known, np.floor(known)) and len(np.unique(known)) >= 24:
        for divisor in DIVISORS:
            odd = np.where(missing, 0.0, np.mod(values, divisor) != 0.0)
            yield f"not_multiple_of_{divisor}", odd.astype(np.float64)
