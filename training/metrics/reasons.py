"""Whether reasons hold: they add up, every input has words, and small changes leave them alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Bools, Columns, Floats, number
from training.metrics.calibration import mean_interval
from training.metrics.ranking import Interval

Explain = Callable[[Columns], Floats]
"""Inputs of n loans to contributions in logits, shape (families, n)."""
Refit = Callable[[npt.NDArray[np.intp]], Floats]
"""Rows to fit on to contributions of the fixed applicants, shape (families, applicants)."""


def by_family(contributions: Mapping[str, Floats], family: Mapping[str, str]) -> tuple[tuple[str, ...], Floats]:
    """Add up contributions by reason family.

    Args:
        contributions: input to its part of the logit, shape (n,) each.
        family: input to its family.

    Returns:
        Families in name order and their contributions, shape (families, n).

    Raises:
        KeyError: an input has no family.
    """
    names = tuple(sorted({family[name] for name in contributions}))
    total = np.zeros((len(names), len(next(iter(contributions.values())))))
    for name, values in contributions.items():
        total[names.index(family[name])] += values
    return names, total


def adverse(contributions: Floats, *, most: int = 3, least: float = 0.05) -> Bools:
    """The families told as adverse reasons: the largest contributions above ``least`` logits, at most ``most``.

    Args:
        contributions: logits, shape (families, n).
        most: reasons per loan.
        least: contributions up to this are no reason.

    Returns:
        shape (families, n).
    """
    rank = np.argsort(np.argsort(-contributions, axis=0, kind="stable"), axis=0, kind="stable")
    result: Bools = (rank < most) & (contributions > least)
    return result


def jaccard(first: Bools, second: Bools) -> Floats:
    """Overlap of two sets of reasons of each loan, ``|A and B| / |A or B|``, 1 for two empty sets; shape (n,).

    Example:
        >>> jaccard(np.array([[True], [True], [False]]), np.array([[True], [False], [True]])).tolist()
        [0.3333333333333333]
    """
    either = (first | second).sum(axis=0)
    both = (first & second).sum(axis=0)
    return np.where(either > 0, both / np.maximum(either, 1), 1.0)


def bootstrap_stability(base: Floats, refit: Refit, *, rows: int, refits: int = 20, seed: int = 1) -> Interval:
    """Do the top reasons survive refitting on resampled rows (gate G8).

    Args:
        base: contributions of the model in question for the chosen applicants, shape (families, applicants).
        refit: fits on the given rows (with repeats) and explains the same applicants.
        rows: number of rows the model was fitted on.
        refits: number of refits.
        seed: seed of the resamples.

    Returns:
        Mean Jaccard overlap of the top three families with a 95 % interval over refits.
    """
    told, rng = adverse(base), np.random.default_rng(seed)
    means = [float(jaccard(told, adverse(refit(rng.integers(0, rows, rows)))).mean()) for _ in range(refits)]
    return mean_interval(np.array(means), np.ones(refits))


def jitter_stability(explain: Explain, inputs: Columns, *, size: float = 0.01, seed: int = 1) -> Interval:
    """Do the top reasons survive small errors of measurement (gate G8).

    Every number but 0 and 1 is multiplied by a uniform draw within ``1 - size`` and ``1 + size``; flags and shares of
    all or nothing stay as they are, as do unknown values and text.

    Args:
        explain: the model's contributions by family.
        inputs: inputs of n loans.
        size: largest relative change.
        seed: seed of the draws.

    Returns:
        Mean Jaccard overlap of the top three families with a 95 % interval over loans.
    """
    rng = np.random.default_rng(seed)
    moved: Columns = {}
    for name, column in inputs.items():
        if column.dtype.kind != "f":
            moved[name] = column
            continue
        shaken = number(inputs, name) * rng.uniform(1.0 - size, 1.0 + size, len(column))
        moved[name] = np.where((column == 0.0) | (column == 1.0), column, shaken)
    overlap = jaccard(adverse(explain(inputs)), adverse(explain(moved)))
    return mean_interval(overlap, np.ones(len(overlap)))


def without_words(inputs: Sequence[str], family: Mapping[str, str], words: Mapping[str, object]) -> list[str]:
    """Inputs whose family is unknown or has no words."""
    return [name for name in inputs if family.get(name) not in words]
