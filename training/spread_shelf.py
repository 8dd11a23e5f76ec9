"""Rows of a part on the disk of a worker, read back in order of their hash without holding the part in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training.datasets import Tape

BLOCK_BITS = 6
"""A part lies in 2^6 files by the first bits of the hash of the row; one of them is sorted in memory at a time."""
SOME = 0, 1
"""Windows that are laid out: train and stop."""


@dataclass(frozen=True)
class Shelf:
    """A folder of parts.

    Attributes:
        folder: where they lie.
    """

    folder: Path

    def lay_out(self, part: int, tape: Tape, *, keys: Any, window: Any, person: Any) -> None:
        """Add the in-time rows of a batch to the files of a part.

        Args:
            part: number of the part.
            tape: the rows.
            keys: hash of each row.
            window: number of its window.
            person: hash of its borrower.
        """
        rows = np.flatnonzero(np.isin(window, SOME))
        record = np.empty(len(rows), _record(len(tape.names)))
        record["key"], record["person"], record["window"] = keys[rows], person[rows], window[rows]
        record["y"], record["w"], record["x"] = tape.target[rows], tape.weight[rows], tape.matrix(rows)
        block = keys[rows] >> np.uint64(64 - BLOCK_BITS)
        for number in np.unique(block).tolist():
            with self._file(part, number).open("ab") as file:
                file.write(record[block == number].tobytes())

    def close(self, part: int, person: Any, window: Any) -> None:
        """Write down, once all rows of a part are here, the first window of each of its borrowers."""
        known, number = np.unique(person, return_inverse=True)
        first = np.full(len(known), np.iinfo(np.int8).max, np.int8)
        np.minimum.at(first, number, window)
        np.save(self.folder / f"{part}.person.npy", known)
        np.save(self.folder / f"{part}.first.npy", first)

    def blocks(self, part: int, inputs: int) -> list[Block]:
        """The files of a part that hold rows, in order."""
        files = [self._file(part, number) for number in range(2**BLOCK_BITS)]
        return [Block(self, part, file, inputs) for file in files if file.is_file()]

    def first(self, part: int) -> tuple[Any, Any]:
        """Borrowers of a part, sorted, and the first window of each."""
        return np.load(self.folder / f"{part}.person.npy"), np.load(self.folder / f"{part}.first.npy")

    def _file(self, part: int, number: int) -> Path:
        return self.folder / f"{part}-{number:02d}.rows"


@dataclass(frozen=True)
class Block:
    """Some rows of a part that are sorted together.

    Attributes:
        shelf: the folder.
        part: number of the part.
        file: the file.
        inputs: inputs of a row.
    """

    shelf: Shelf
    part: int
    file: Path
    inputs: int

    def rows(self, windows: tuple[int, ...]) -> npt.NDArray[Any]:
        """The rows of some windows whose borrower stands in no earlier one, in order of their hash."""
        found = np.fromfile(self.file, _record(self.inputs))
        person, first = self.shelf.first(self.part)
        kept = np.isin(found["window"], windows) & (first[np.searchsorted(person, found["person"])] == found["window"])
        found = found[kept]
        ordered: npt.NDArray[Any] = found[np.argsort(found["key"], kind="stable")]
        return ordered


def _record(inputs: int) -> np.dtype[Any]:
    return np.dtype(
        [("key", "<u8"), ("person", "<u8"), ("window", "i1"), ("y", "<f8"), ("w", "<f8"), ("x", "<f8", (inputs,))]
    )
