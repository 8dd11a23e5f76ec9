"""Split by time of origination, and keep every borrower on one side."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.core.errors import ContractError, Violation
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
    """

    train: Rows
    stop: Rows
    calibrate: Rows
    evaluate: Rows
    dropped: int

    @property
    def in_time(self) -> Rows:
        """Rows of train and stop together: what the registered model is fitted on."""
        return np.sort(np.concatenate([self.train, self.stop]))

    def counts(self) -> dict[str, int]:
        """Rows per window."""
        return {name: len(getattr(self, name)) for name in WINDOWS} | {"dropped": self.dropped}


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
    starts = [windows.start, windows.stop, windows.calibrate, windows.evaluate, windows.end]
    if starts != sorted(set(starts)):
        raise ContractError([Violation("split", "order", "the days of the windows must rise", "各窗口起始日须递增")])
    edges = np.array(starts, dtype="datetime64[D]")
    window = np.searchsorted(edges, origination, side="right") - 1
    inside = (window >= 0) & (window < len(WINDOWS))
    _, person = np.unique(np.array([str(b) for b in borrower]), return_inverse=True)
    first = np.full(person.max(initial=-1) + 1, len(WINDOWS))
    np.minimum.at(first, person[inside], window[inside])
    kept = inside & (window == first[person])
    parts = [np.flatnonzero(kept & (window == i)) for i in range(len(WINDOWS))]
    empty = [name for name, rows in zip(WINDOWS, parts, strict=True) if not len(rows)]
    if empty:
        en, zh = "no row falls in this window", "该窗口无数据"
        raise ContractError(Violation(f"split.{name}", "empty", en, zh) for name in empty)
    train, stop, calibrate, evaluate = parts
    return Windows(train, stop, calibrate, evaluate, int(inside.sum() - kept.sum()))
