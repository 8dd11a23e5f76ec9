"""What a worker does with the rows of a tape: read them by piece, count, and lay them out by part on its own disk.

A row's part is decided by a hash of its borrower, so a part knows all rows of its borrowers and can tell by itself
which of them stand in an earlier window. Within a part rows lie in the order of a hash of their content. Neither
depends on how the tape is cut into files or on how many workers there are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.contracts import Contract, check_columns, contract
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools, Columns, Floats, rows_of
from training.cell_counts import added
from training.datasets import Tape, column, columns_of, tape_of
from training.plan import Plan
from training.row_hash import MODULUS, row_hashes, text_hashes, total_of
from training.split import WINDOWS, Rows, first_only, window_of
from training.spread_shelf import Shelf
from training.whole import Cells

Hashes = npt.NDArray[np.uint64]
BATCH_ROWS, READ_BYTES = 5_000, 2**16
"""Rows made into columns at once, and bytes of a column read ahead."""
WindowOf = npt.NDArray[np.int8]
IN_TIME = 2
"""Windows before this one are in time: train and stop."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows that are read by one task: a row group of a Parquet file, and the rows before it in the tape."""

    path: str
    group: int
    before: int


@dataclass
class Look:
    """What a first reading of a piece found.

    Attributes:
        rows, labelled: rows, and those with an outcome.
        broken: field and rule to the rows that break it and the number of the first.
        total: sum of the hashes of the rows, modulo 2^256.
        synthetic: any row is synthetic.
        windows: labelled rows per window, before a borrower is kept to one.
        defaults: defaults in any window.
        refused: why the piece cannot be read by the contract at all.
    """

    rows: int = 0
    labelled: int = 0
    broken: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    total: int = 0
    synthetic: bool = False
    windows: list[int] = field(default_factory=lambda: [0] * len(WINDOWS))
    defaults: int = 0
    refused: tuple[Violation, ...] = ()

    def add(self, other: Look) -> None:
        """Take in what another piece found."""
        for name in ("rows", "labelled", "defaults"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for rule, (rows, first) in other.broken.items():
            had, at = self.broken.get(rule, (0, first))
            self.broken[rule] = (had + rows, min(at, first))
        self.total = (self.total + other.total) % MODULUS
        self.synthetic |= other.synthetic
        self.windows = [a + b for a, b in zip(self.windows, other.windows, strict=True)]
        self.refused += other.refused


@dataclass(frozen=True)
class Sample:
    """Rows that leave the worker.

    Attributes:
        keys: hash of the content of each row.
        window: number of its window.
        tape: the rows; None where there are none.
    """

    keys: Hashes = field(default_factory=lambda: np.empty(0, np.uint64))
    window: WindowOf = field(default_factory=lambda: np.empty(0, np.int8))
    tape: Tape | None = None

    def only(self, chosen: npt.NDArray[Any]) -> Sample:
        """Some of the rows, by a mask or by number."""
        return Sample(self.keys[chosen], self.window[chosen], None if self.tape is None else pick(self.tape, chosen))


BY_ROW = ("columns", "target", "weight", "origination", "borrower", "outcome", "truth", "places")
"""What a tape has by row."""


def pick(tape: Tape, chosen: npt.NDArray[Any]) -> Tape:
    """Some rows of a tape, by a mask or by number."""
    cut: dict[str, Any] = {}
    for name in BY_ROW:
        value = getattr(tape, name)
        cut[name] = {k: v[chosen] for k, v in value.items()} if isinstance(value, dict) else value[chosen]
    return replace(tape, **cut)


def joined(samples: Iterable[Sample]) -> Sample:
    """Samples one after the other."""
    some = [sample for sample in samples if sample.tape is not None and len(sample.keys)]
    tapes = [sample.tape for sample in some if sample.tape is not None]
    if not tapes:
        return Sample()
    together: dict[str, Any] = {}
    for name in BY_ROW:
        values = [getattr(tape, name) for tape in tapes]
        first = values[0]
        together[name] = (
            {k: np.concatenate([value[k] for value in values]) for k in first}
            if isinstance(first, dict)
            else np.concatenate(values)
        )
    keys, window = (np.concatenate([getattr(sample, name) for sample in some]) for name in ("keys", "window"))
    return Sample(keys, window, replace(tapes[0], **together))


@dataclass(frozen=True)
class Rates:
    """Share of the rows of each window, and of the defaults, that is held in one process; 1 for all of them."""

    windows: tuple[float, ...]
    defaults: float
    seed: int

    @property
    def complete(self) -> bool:
        """Whether all rows are held."""
        return min(self.windows) >= 1.0


@dataclass
class Found:
    """What a part knows of its rows, and the rows of it that leave the worker.

    Attributes:
        rows: rows kept per window.
        dropped: rows of a borrower who stands in an earlier window.
        defaults: per window, number, sum and sum of squares of the weights of the defaults kept.
        cells: loans and defaults of the training window by kind and area.
        evidence: the sample of all rows.
        losses: the sample of the defaults; empty where the evidence holds all rows.
    """

    rows: list[int]
    dropped: int
    defaults: list[tuple[int, float, float]]
    cells: Cells
    evidence: Sample
    losses: Sample


def looked(plan: Plan, piece: Piece) -> Look:
    """Check a piece by its contract and count it."""
    made_for, seen = contract(plan.data.contract), Look()
    for batch in _batches(piece):
        try:
            seen.add(_look(plan, made_for, columns_of(batch.to_pandas(), made_for), before=piece.before + seen.rows))
        except ContractError as error:
            return Look(refused=error.violations)
    return seen


def _look(plan: Plan, made_for: Contract, raw: Columns, *, before: int) -> Look:
    seen = Look(rows=rows_of(raw))
    for mask, name, rule in check_columns(made_for, raw):
        seen.broken[name, rule] = (int(mask.sum()), before + int(np.argmax(mask)) + 1)
    if seen.broken or not seen.rows:
        return seen
    tape = tape_of(plan, made_for, raw, digest="")
    window = window_of(tape.origination, plan.split)
    seen.labelled, seen.synthetic = len(tape.target), tape.synthetic
    seen.windows = np.bincount(window[window >= 0], minlength=len(WINDOWS)).tolist()
    seen.defaults = int((tape.target[window >= 0] > 0.0).sum())
    seen.total = total_of(row_hashes(raw))
    return seen


def _batches(piece: Piece) -> Iterator[Any]:
    """Record batches of a piece."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    # a worker has one thread, and what is read ahead is held
    with pq.ParquetFile(piece.path, pre_buffer=False, buffer_size=READ_BYTES) as file:
        yield from file.iter_batches(batch_size=BATCH_ROWS, row_groups=[piece.group], use_threads=False)
    pa.default_memory_pool().release_unused()


def keys_of(tape: Tape) -> Hashes:
    """First 64 bits of a hash of the content of each row: the order of rows, and who is sampled."""
    content: Columns = {name: getattr(tape, name) for name in ("target", "weight", "origination", "borrower")}
    for group in ("columns", "outcome", "truth", "places"):
        content |= {f"{group}.{name}": values for name, values in getattr(tape, group).items()}
    return np.frombuffer(b"".join(row[:8] for row in row_hashes(content)), "<u8").astype(np.uint64)


def persons_of(borrower: npt.NDArray[Any]) -> Hashes:
    """64 bits of a hash of each borrower."""
    words = np.array([str(who) for who in borrower.tolist()], dtype=object)
    return text_hashes(words, 8).copy().view("<u8").ravel().astype(np.uint64)


def drawn(keys: Hashes, rate: Floats, seed: int) -> Bools:
    """Whether each row is in the sample: a number mixed from seed and hash (splitmix64) lies below the rate."""
    mixed = keys + np.uint64(seed % 2**64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    found: Bools = (rate >= 1.0) | ((mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53 < rate)
    return found


@dataclass
class _Part:
    """One part while its rows come in; lists hold one entry per batch."""

    number: int
    shelf: Shelf
    digits: int
    person: list[Hashes] = field(default_factory=list)
    window: list[WindowOf] = field(default_factory=list)
    weight: list[Floats] = field(default_factory=list)
    cell: list[npt.NDArray[np.int32]] = field(default_factory=list)
    cells: dict[tuple[str, str | None], int] = field(default_factory=dict)
    drawn: list[tuple[Rows, Sample]] = field(default_factory=list)
    bad: list[tuple[Rows, Sample]] = field(default_factory=list)
    rows: int = 0

    def take(self, tape: Tape, keys: Hashes, window: WindowOf, *, person: Hashes, rates: Rates) -> None:
        """Lay out the in-time rows of a batch, keep the sampled ones, and what is counted once all rows are here."""
        at = np.arange(self.rows, self.rows + len(keys))
        chosen = drawn(keys, np.array(rates.windows)[window], rates.seed)
        self.drawn.append((at[chosen], Sample(keys[chosen], window[chosen], pick(tape, chosen))))
        bad = tape.target > 0.0
        if not rates.complete:
            held = bad & drawn(keys, np.full(len(keys), rates.defaults), rates.seed)
            self.bad.append((at[held], Sample(keys[held], window[held], pick(tape, held))))
        self.weight.append(np.where(bad, tape.weight, 0.0))
        self.cell.append(self._cells(tape))
        self.person.append(person)
        self.window.append(window)
        self.rows += len(keys)
        self.shelf.lay_out(self.number, tape, keys=keys, window=window, person=person)

    def _cells(self, tape: Tape) -> npt.NDArray[np.int32]:
        """A number for the kind and area of each row; -1 without a kind."""
        if "kind" not in tape.places:
            return np.full(len(tape.target), -1, np.int32)
        kinds = tape.places["kind"].tolist()
        areas = tape.places["area_code"].tolist() if "area_code" in tape.places else [None] * len(kinds)
        pairs = ((kind, None if area is None else area[: self.digits]) for kind, area in zip(kinds, areas, strict=True))
        found = [-1 if pair[0] is None else self.cells.setdefault(pair, len(self.cells)) for pair in pairs]
        return np.array(found, dtype=np.int32)


def gathered(plan: Plan, pieces: Sequence[Piece], own: Sequence[int], *, rates: Rates, folder: Path) -> list[Found]:
    """Read the tape and lay out some of its parts on the disk of this worker.

    Args:
        plan: the plan, with its number of parts.
        pieces: all pieces of the tape.
        own: numbers of the parts to lay out.
        rates: who leaves the worker.
        folder: folder to write to.

    Returns:
        What each part found, in the order of ``own``.
    """
    made_for, number = contract(plan.data.contract), np.uint64(parts_of(plan))
    folder.mkdir(parents=True)
    parts = {p: _Part(p, Shelf(folder), plan.data.area_digits) for p in own}
    for piece in pieces:
        for batch in _batches(piece):
            mine = _only(batch, plan, own)
            if not mine.num_rows:
                continue
            tape = tape_of(plan, made_for, columns_of(mine.to_pandas(), made_for), digest="")
            keys, window, person = keys_of(tape), window_of(tape.origination, plan.split), persons_of(tape.borrower)
            for p, part in parts.items():
                rows = (person % number == p) & (window >= 0)
                if rows.any():
                    part.take(pick(tape, rows), keys[rows], window[rows], person=person[rows], rates=rates)
    return [_found(parts[p]) for p in own]


def parts_of(plan: Plan) -> int:
    """Number of parts of a plan."""
    return plan.dask.parts if plan.dask else 1


def _only(batch: Any, plan: Plan, own: Sequence[int]) -> Any:
    """The rows of a batch whose borrower belongs to some parts, where the borrower can be read before the rest."""
    import pyarrow as pa

    if plan.data.reader != "tape" or plan.data.group not in batch.schema.names:
        return batch
    who = persons_of(column(batch.column(plan.data.group).to_pandas(), "text"))
    return batch.filter(pa.array(np.isin(who % np.uint64(parts_of(plan)), np.array(own, np.uint64))))


def _found(part: _Part) -> Found:
    """What a part knows once all of its rows are here."""
    if not part.rows:
        return Found([0] * len(WINDOWS), 0, [(0, 0.0, 0.0)] * len(WINDOWS), {}, Sample(), Sample())
    person, window = np.concatenate(part.person), np.concatenate(part.window)
    weight, cell = np.concatenate(part.weight), np.concatenate(part.cell)
    kept = first_only(window, person)
    part.shelf.close(part.number, person, window)
    bad = kept & (weight > 0.0)
    weights = [weight[bad & (window == at)] for at in range(len(WINDOWS))]
    return Found(
        rows=np.bincount(window[kept], minlength=len(WINDOWS)).tolist(),
        dropped=int(len(kept) - kept.sum()),
        # exact sums, so that the order in which rows came in does not matter
        defaults=[(len(w), math.fsum(w.tolist()), math.fsum((w * w).tolist())) for w in weights],
        cells=_counts(part.cells, cell[kept & (window < IN_TIME)], bad[kept & (window < IN_TIME)]),
        evidence=_kept(part.drawn, kept),
        losses=_kept(part.bad, kept),
    )


def _counts(names: dict[tuple[str, str | None], int], cell: npt.NDArray[np.int32], bad: Bools) -> Cells:
    """Loans and defaults by kind and area."""
    loans = np.bincount(cell[cell >= 0], minlength=len(names))
    lost = np.bincount(cell[(cell >= 0) & bad], minlength=len(names))
    pairs = {pair: (float(loans[at]), float(lost[at])) for pair, at in names.items() if loans[at]}
    return added({kind: (n, {} if area is None else {area: n})} for (kind, area), n in pairs.items())


def _kept(batches: Sequence[tuple[Rows, Sample]], kept: Bools) -> Sample:
    """The sampled rows of all batches that stay, together."""
    return joined([sample.only(kept[at]) for at, sample in batches])
