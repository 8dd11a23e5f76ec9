"""Split by time of origination, and keep every borrower on one side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools
from training import plan as plans
from training.datasets import Days, Words

Rows = npt.NDArray[np.intp]
WINDOWS = ("train", "stop", "calibrate", "evaluate")


@dataclass(frozen=True, slots=True)
class Windows:
    """Row numbers of each window, in order of the tape.

    Attributes:
        train: in-time rows the trees are grown on.
        stop: the last in-time vintage, on which growing is stopped.
        calibrate: the window after it.
        evaluate: out of time, looked at once.
        dropped: rows of a borrower who also stands in an earlier window.
        whole: rows of the whole tape per window, where these are a sample of them.
    """

    train: Rows
    stop: Rows
    calibrate: Rows
    evaluate: Rows
    dropped: int
    whole: Mapping[str, int] | None = None

    @property
    def in_time(self) -> Rows:
        """Rows of train and stop together: what the registered model is fitted on."""
        return np.sort(np.concatenate([self.train, self.stop]))

    def counts(self) -> dict[str, int]:
        """Rows per window, of the whole tape."""
        found = {name: len(getattr(self, name)) for name in WINDOWS} if self.whole is None else dict(self.whole)
        return found | {"dropped": self.dropped}


def split(origination: Days, borrower: Words, windows: plans.Split) -> Windows:
    """Put each row in the window of its day of origination.

    A borrower who appears in several windows stays in the first of them; his later rows are dropped,
    as they would let a model recognise him.

    Args:
        origination: days, shape (n,).
        borrower: borrower of each row, shape (n,).
        windows: first days of the windows.

    Returns:
        The windows, no borrower in two of them.

    Raises:
        ContractError: the days are not in order or a window is empty.
    """
    window = window_of(origination, windows)
    kept = first_only(window, np.array([str(b) for b in borrower]))
    parts = [np.flatnonzero(kept & (window == i)) for i in range(len(WINDOWS))]
    refuse_empty([len(rows) for rows in parts])
    train, stop, calibrate, evaluate = parts
    return Windows(train, stop, calibrate, evaluate, int((window >= 0).sum() - kept.sum()))


def window_of(origination: Days, windows: plans.Split) -> npt.NDArray[np.int8]:
    """Number of the window of each day, in the order of `WINDOWS`; -1 outside all of them.

    Raises:
        ContractError: the days of the windows are not in order.
    """
    starts = [windows.start, windows.stop, windows.calibrate, windows.evaluate, windows.end]
    if starts != sorted(set(starts)):
        raise ContractError([Violation("split", "order", "the days of the windows must rise", "各窗口起始日须递增")])
    edges = np.array(starts, dtype="datetime64[D]")
    window = np.searchsorted(edges, origination, side="right") - 1
    return np.where(window < len(WINDOWS), window, -1).astype(np.int8)


def first_only(window: npt.NDArray[np.int8], person: npt.NDArray[Any]) -> Bools:
    """Rows inside a window whose borrower stands in no earlier one.

    Args:
        window: from `window_of`, shape (n,).
        person: who borrowed, all rows of a person among these, shape (n,).
    """
    _, number = np.unique(person, return_inverse=True)
    inside = window >= 0
    first = np.full(number.max(initial=-1) + 1, len(WINDOWS), dtype=np.int8)
    np.minimum.at(first, number[inside], window[inside])
    kept: Bools = inside & (window == first[number])
    return kept


def refuse_empty(rows: Sequence[int]) -> None:
    """Refuse windows without rows.

    Args:
        rows: number of rows of each window.

    Raises:
        ContractError: one of them has none.
    """
    empty = [name for name, count in zip(WINDOWS, rows, strict=True) if not count]
    if empty:
        en, zh = "no row falls in this window", "该窗口无数据"
        raise ContractError(Violation(f"split.{name}", "empty", en, zh) for name in empty)
