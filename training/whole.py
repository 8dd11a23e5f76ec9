"""What is known of all rows of a tape that was read in parts, beside the rows held in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.datasets import Tape
    from training.split import Windows

Cells = dict[str, tuple[tuple[float, float], dict[str, tuple[float, float]]]]
"""Kind of pledge to its loans and defaults, and to those of each of its areas."""


@dataclass(frozen=True)
class Whole:
    """All rows behind a tape.

    Attributes:
        labelled: labelled rows of the whole tape.
        parts: parts the rows were dealt to.
        limit: most rows of a window, and most defaults, held in memory.
        rows: window to its rows and to those held; ``defaults`` to the same for losses.
        cells: counts of the training window; None where the rows held are all rows.
        defaults: window to sum and sum of squares of the weights of its defaults; None as before.
        losses: all defaults with their windows, or a sample of them; None as before.
    """

    labelled: int
    parts: int
    limit: int
    rows: Mapping[str, tuple[int, int]]
    cells: Cells | None = None
    defaults: Mapping[str, tuple[float, float]] | None = None
    losses: tuple[Tape, Windows] | None = None

    @property
    def sampled(self) -> list[str]:
        """What is held in part only."""
        return [name for name, (all_, held) in self.rows.items() if held < all_]

    def effective(self, *windows: str) -> float:
        """Effective number of defaults ``(sum w)^2 / sum w^2`` in some windows; 0 without any."""
        pairs = [self.defaults[name] for name in windows] if self.defaults else []
        squares = sum(pair[1] for pair in pairs)
        return sum(pair[0] for pair in pairs) ** 2 / squares if squares > 0.0 else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain data for manifest and gate record."""
        rows = {name: {"all": all_, "held": held} for name, (all_, held) in self.rows.items()}
        return {"engine": "dask", "parts": self.parts, "limit": self.limit, "rows": rows, "sampled": self.sampled}

    def words(self) -> str:
        """What the card says of it.

        Example:
            >>> Whole(9, 2, 5, {"train": (6, 5), "defaults": (1, 1)}).words().split(". ")[1]
            'Sampled by a hash of the row: train 5 of 6'
        """
        told = f"Trained on Dask in {self.parts} parts; the trees were grown on all in-time rows. "
        if not self.sampled:
            return told + "Every window was held in memory whole, so all other figures rest on all rows too."
        cut = ", ".join(f"{name} {self.rows[name][1]} of {self.rows[name][0]}" for name in self.sampled)
        return (
            f"{told}Sampled by a hash of the row: {cut}. Calibration, scorecard, ranges of use, reference, rivals, "
            "folds and every statistic rest on the rows held; counts of rows, defaults and cells are of all rows."
        )
