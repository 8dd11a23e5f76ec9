"""One door to a batch file: parquet, csv, workbook or dbf, as a stream of chunks, with what was found on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.contracts.checks import given
from eco_credit.contracts.field import Field
from eco_credit.contracts.mapping import TapeMapping
from serving.batch import parquet
from serving.batch.chunk import KEY, Chunk
from serving.batch.dbf import open_dbf, read_dbf
from serving.batch.folder import open_folder, parts_of
from serving.batch.isolated import check_footers
from serving.batch.layout import HEADER_ROWS, Layout, Vocabulary, find_header, layout_of
from serving.batch.notices import Notices
from serving.batch.rows import Line, delimiter_of, encoding_of, read_text
from serving.batch.rules import refusal
from serving.batch.runs import Hashes, Keys, stretches
from serving.batch.settings import Limits
from serving.batch.sniff import sniff
from serving.batch.spreadsheet import open_spreadsheet
from serving.batch.table import data_lines, read_blocks
from serving.batch.totals import total_warnings


@dataclass(frozen=True)
class Survey:
    """What a first pass over a file found: data rows, and applications that cannot be scored whole.

    Attributes:
        rows: data rows.
        scattered: keys of applications whose rows do not stand together.
        oversized: keys of applications with too many rows.
        dropped: rows that hold no data, by reason.
        warnings: what a reader should look at though nothing is refused: row, field, rule, sentences.
    """

    rows: int
    scattered: frozenset[str]
    oversized: frozenset[str]
    dropped: dict[str, int]
    warnings: tuple[dict[str, Any], ...] = ()


@dataclass
class Source:
    """A batch file, open for reading.

    Attributes:
        path: the file.
        kind: ``parquet``, ``parquet_folder``, ``csv``, ``dbf``, ``xlsx`` or ``xls``.
        notes: facts for the manifest: encoding, delimiter, sheets, header row, units, ignored columns.
        fields: fields of the contract.
        notices: remarks on the rows that `blocks` has given so far.
    """

    path: Path
    kind: str
    layout: Layout
    limits: Limits
    notes: dict[str, Any]
    _blocks: Callable[[Counter[str], str | None], Iterator[Chunk]]
    _totals: Callable[[], list[dict[str, Any]]] = list
    _survey: Survey | None = field(default=None)
    fields: Sequence[Field] = ()
    notices: Notices = field(default_factory=lambda: Notices((), ()))

    def blocks(self) -> Iterator[Chunk]:
        """All data rows in file order, every known column and every constant of a mapping; remarks are gathered."""
        self.notices = Notices(self.fields, list(self.layout.columns.values()))
        return map(self._settled, self._blocks(Counter(), None))  # which holds no block while it is worked on

    def _settled(self, block: Chunk) -> Chunk:
        return self.notices.settled(block.with_constants(self.layout.constants))

    def survey(self) -> Survey:
        """Read the file once for its application numbers; the answer is kept.

        Raises:
            ContractError: the file has no data row, or a ratio column without unit holds values
                above one (``D01``).
        """
        if self._survey is None:
            self._survey = self._first_pass()
        return self._survey

    def _first_pass(self) -> Survey:
        dropped: Counter[str] = Counter()
        rows, hashes, oversized = 0, Hashes(), set[str]()
        for keys, lengths in stretches(self._keys(dropped)):
            rows += int(lengths.sum())
            hashes.add(keys[given(keys)])
            oversized.update(keys[lengths > self.limits.rows_per_application].tolist())
        if rows == 0:
            raise refusal(self.path.name, "no_rows")
        warnings = tuple(self._totals()) if dropped["total_or_footer"] else ()
        kept = {reason: count for reason, count in sorted(dropped.items()) if count}
        return Survey(rows, self._scattered(hashes.repeated()), frozenset(oversized), kept, warnings)

    def _keys(self, dropped: Counter[str]) -> Iterator[Keys]:
        for block in self._blocks(dropped, KEY):
            self._ratios(block)
            keys = block.columns.get(KEY)
            yield np.full(len(block), None, dtype=object) if keys is None else keys.astype(object, copy=False)

    def _scattered(self, suspects: frozenset[int]) -> frozenset[str]:
        """Keys of more than one stretch, among those with a suspected hash: only then are the keys read once more."""
        if not suspects:
            return frozenset()
        seen: Counter[str] = Counter()
        for keys, _ in stretches(self._keys(Counter())):
            seen.update(key for key in keys[given(keys)].tolist() if hash(key) in suspects)
        return frozenset(key for key, count in seen.items() if count > 1)

    def _ratios(self, block: Chunk) -> None:
        """A ratio column whose label states no unit must hold no value above one."""
        for name in sorted(self.layout.unstated & set(block.columns)):
            if bool(np.any(block.columns[name].astype(np.float64) > 1.0)):
                raise refusal(name, "D01")


def open_source(
    path: Path,
    fields: Sequence[Field],
    limits: Limits,
    *,
    merged: frozenset[str] = frozenset(),
    mapping: TapeMapping | None = None,
) -> Source:
    """Open a batch file: check it, find its header, learn its units.

    Args:
        path: parquet (a file, or a folder of parts), csv, xlsx, xls (et) or dbf.
        fields: fields of the contract.
        limits: bounds of size.
        merged: columns in which cells merged downwards are filled down.
        mapping: what headers that are not ours mean.

    Returns:
        The source.

    Raises:
        ContractError: the file or its header is refused, with the reason.
    """
    try:
        source = _opened(path, Vocabulary.of(fields, mapping), limits, merged)
    except PermissionError as error:
        raise refusal(Path(str(error.filename or path)).name, "not_readable") from None
    source.fields = tuple(fields)
    return source


def _opened(path: Path, vocabulary: Vocabulary, limits: Limits, merged: frozenset[str]) -> Source:
    if path.is_dir():
        if parts := parts_of(path):
            check_footers(parts, limits)
        return Source(path, "parquet_folder", *_rearranged(limits, *open_folder(path, vocabulary, limits)))
    if path.suffix.lower() == ".dbf" and path.is_file():
        return _dbf(path, vocabulary, limits)
    kind = sniff(path, limits)
    if kind == "parquet":
        check_footers([path], limits)
        return _parquet(path, vocabulary, limits)
    if kind == "csv":
        return _csv(path, vocabulary, limits)
    return _workbook(path, kind, vocabulary, limits, merged)


def _rearranged(limits: Limits, layout: Layout, notes: dict[str, Any], blocks: Any) -> tuple[Any, ...]:
    return layout, limits, notes | _mapped(layout), blocks


def _parquet(path: Path, vocabulary: Vocabulary, limits: Limits) -> Source:
    file = parquet.open_parquet(path, limits)
    layout = parquet.parquet_layout(file, vocabulary, limits)

    def blocks(dropped: Counter[str], only: str | None) -> Iterator[Chunk]:
        key = only if only in layout.fields else None
        return parquet.parquet_blocks(file, layout, key, name=path.name)

    notes = {"columns_ignored": list(layout.ignored), **({"units": dict(layout.units)} if layout.units else {})}
    return Source(path, "parquet", layout, limits, notes | _mapped(layout), blocks)


def _csv(path: Path, vocabulary: Vocabulary, limits: Limits) -> Source:
    encoding = encoding_of(path)
    delimiter = delimiter_of(path, encoding, vocabulary)
    read = partial(read_text, path, encoding, delimiter)
    return _delimited((path, "csv"), read, vocabulary, limits, notes={"encoding": encoding, "delimiter": delimiter})


def _dbf(path: Path, vocabulary: Vocabulary, limits: Limits) -> Source:
    table = open_dbf(path, limits)
    return _delimited((path, "dbf"), partial(read_dbf, table), vocabulary, limits, notes={"encoding": table.encoding})


def _delimited(
    named: tuple[Path, str],
    read: Callable[[], Iterator[list[str]]],
    vocabulary: Vocabulary,
    limits: Limits,
    *,
    notes: dict[str, Any],
) -> Source:
    """A table of text rows, header included, that can be read any number of times."""
    head = list(islice(read(), HEADER_ROWS))
    layout = layout_of(head, find_header(head, vocabulary), vocabulary=vocabulary, limits=limits)

    def lines() -> Iterator[Line]:
        for row, cells in enumerate(islice(read(), layout.header_row, None), start=1):
            yield Line(row, None, cells)

    def blocks(dropped: Counter[str], only: str | None) -> Iterator[Chunk]:
        return read_blocks(data_lines(lines(), layout, dropped), _only(layout, only), width=layout.width)

    path, kind = named
    return Source(
        path, kind, layout, limits, notes | _notes(layout), blocks, lambda: total_warnings(lines(), layout)
    )


def _workbook(path: Path, kind: str, vocabulary: Vocabulary, limits: Limits, merged: frozenset[str]) -> Source:
    book = open_spreadsheet(path, vocabulary, limits, merged=merged, cut=_only, noted=_notes)
    return Source(path, kind, book.layout, limits, book.notes, book.blocks, book.totals)


def _only(layout: Layout, only: str | None) -> Layout:
    """The layout cut down to the key and the ratio columns without unit, for the first pass."""
    if only is None:
        return layout
    kept = {
        place: reading
        for place, reading in layout.columns.items()
        if reading.field.column == only or reading.field.column in layout.unstated
    }
    return Layout(kept, (), {}, layout.unstated, layout.header_row, layout.width)


def _notes(layout: Layout) -> dict[str, Any]:
    """What the header said, for the manifest."""
    found = {"header_row": layout.header_row, "units": dict(layout.units), "columns_ignored": list(layout.ignored)}
    return found | _mapped(layout)


def _mapped(layout: Layout) -> dict[str, Any]:
    """Headers of a mapping that the file does not have."""
    return {"mapping_unused": list(layout.unused)} if layout.unused else {}
