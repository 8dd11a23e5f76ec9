"""One door to a batch file: parquet, csv, xlsx or dbf, as a stream of chunks, with what was found on the way."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from eco_credit.contracts.field import Field
from eco_credit.contracts.mapping import TapeMapping
from serving.batch import parquet
from serving.batch.cells import Broken
from serving.batch.chunk import KEY, Chunk, key_hash, starts
from serving.batch.dbf import open_dbf, read_dbf
from serving.batch.folder import open_folder
from serving.batch.layout import HEADER_ROWS, Layout, Vocabulary, find_header, layout_of
from serving.batch.rows import Line, delimiter_of, encoding_of, read_text
from serving.batch.rules import refusal
from serving.batch.settings import Limits
from serving.batch.sheets import Sheet, hidden_parts, read_sheets
from serving.batch.sniff import sniff
from serving.batch.table import data_lines, read_blocks
from serving.batch.totals import total_warnings


@dataclass(frozen=True)
class Survey:
    """What a first pass over a file found: data rows, and applications that cannot be scored whole.

    Attributes:
        rows: data rows.
        scattered: hashes of applications whose rows do not stand together.
        oversized: hashes of applications with too many rows.
        dropped: rows that hold no data, by reason.
        warnings: what a reader should look at though nothing is refused: row, field, rule, sentences.
    """

    rows: int
    scattered: frozenset[int]
    oversized: frozenset[int]
    dropped: dict[str, int]
    warnings: tuple[dict[str, Any], ...] = ()


@dataclass
class Source:
    """A batch file, open for reading.

    Attributes:
        path: the file.
        kind: ``parquet``, ``parquet_folder``, ``csv``, ``dbf`` or ``xlsx``.
        notes: facts for the manifest: encoding, delimiter, sheets, header row, units, ignored columns.
        width: cells of the header.
    """

    path: Path
    kind: str
    layout: Layout
    limits: Limits
    notes: dict[str, Any]
    _blocks: Callable[[Counter[str], str | None], Iterator[Chunk]]
    _totals: Callable[[], list[dict[str, Any]]] = list
    _survey: Survey | None = field(default=None)

    def blocks(self) -> Iterator[Chunk]:
        """All data rows in file order, every known column and every constant of a mapping."""
        for block in self._blocks(Counter(), None):
            yield block.with_constants(self.layout.constants)

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
        rows, last, length = 0, None, 0
        codes = array("Q")  # eight bytes an application: a set would grow to hundreds of megabytes
        oversized: set[int] = set()
        for block in self._blocks(dropped, KEY):
            rows += len(block)
            self._ratios(block)
            keys = block.columns.get(KEY)
            if keys is None:
                continue
            begin = np.append(np.nonzero(starts(keys.astype(object)))[0], len(keys))
            for start, stop in pairwise(begin):
                key = keys[start]
                if key is None:
                    last, length = None, 0
                    continue
                if key != last:
                    last, length, code = key, 0, key_hash(key)
                    codes.append(code)
                length += int(stop - start)
                if length > self.limits.rows_per_application:
                    oversized.add(key_hash(key))
        if rows == 0:
            raise refusal(self.path.name, "no_rows")
        warnings = tuple(self._totals()) if dropped["total_or_footer"] else ()
        kept = {reason: count for reason, count in sorted(dropped.items()) if count}
        return Survey(rows, _repeated(codes), frozenset(oversized), kept, warnings)

    def _ratios(self, block: Chunk) -> None:
        """A ratio column whose label states no unit must hold no value above one."""
        for name in sorted(self.layout.unstated & set(block.columns)):
            if bool(np.any(block.columns[name].astype(np.float64) > 1.0)):
                raise refusal(name, "D01")


def _repeated(codes: array[int]) -> frozenset[int]:
    """Codes that stand for more than one stretch of rows."""
    ordered = np.sort(np.frombuffer(codes, dtype=np.uint64)) if codes else np.empty(0, dtype=np.uint64)
    return frozenset(int(code) for code in ordered[1:][ordered[1:] == ordered[:-1]])


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
        path: parquet (a file, or a folder of parts), csv, xlsx or dbf.
        fields: fields of the contract.
        limits: bounds of size.
        merged: columns in which cells merged downwards are filled down.
        mapping: what headers that are not ours mean.

    Returns:
        The source.

    Raises:
        ContractError: the file or its header is refused, with the reason.
    """
    vocabulary = Vocabulary.of(fields, mapping)
    if path.is_dir():
        return Source(path, "parquet_folder", *_rearranged(limits, *open_folder(path, vocabulary, limits)))
    if path.suffix.lower() == ".dbf" and path.is_file():
        return _dbf(path, vocabulary, limits)
    kind = sniff(path, limits)
    if kind == "parquet":
        return _parquet(path, vocabulary, limits)
    if kind == "csv":
        return _csv(path, vocabulary, limits)
    return _xlsx(path, vocabulary, limits, merged)


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


def _xlsx(path: Path, vocabulary: Vocabulary, limits: Limits, merged: frozenset[str]) -> Source:
    sheets, hidden = read_sheets(path, limits)
    found = [(sheet, find_header(sheet.rows[:HEADER_ROWS], vocabulary)) for sheet in sheets]
    with_header = [(sheet, places) for sheet, places in found if places]
    if not with_header:
        raise refusal(path.name, "header_not_found")
    layouts = [
        layout_of(sheet.rows[:HEADER_ROWS], places, vocabulary=vocabulary, limits=limits)
        for sheet, places in with_header
    ]
    tables = [(_filled(sheet, layout, merged), layout) for (sheet, _), layout in zip(with_header, layouts, strict=True)]

    def blocks(dropped: Counter[str], only: str | None) -> Iterator[Chunk]:
        row = 0
        columns = {reading.field.column: reading for layout in layouts for reading in layout.columns.values()}
        for sheet, layout in tables:
            lines = data_lines(_sheet_lines(sheet, layout, row), layout, dropped)
            for block in read_blocks(lines, _only(layout, only), width=layout.width):
                yield block if only else block.completed(columns)
            row += len(sheet.rows) - layout.header_row

    notes = {
        "sheets": [{"name": sheet.name, **_notes(layout)} for sheet, layout in tables],
        "sheets_hidden": hidden,
        "sheets_without_header": [sheet.name for sheet, places in found if not places],
        **hidden_parts(path),
    }
    unstated = frozenset[str]().union(*(layout.unstated for layout in layouts))

    def totals() -> list[dict[str, Any]]:
        return [each for sheet, layout in tables for each in total_warnings(_sheet_lines(sheet, layout, 0), layout)]

    return Source(path, "xlsx", replace(layouts[0], unstated=unstated), limits, notes, blocks, totals)


def _sheet_lines(sheet: Sheet, layout: Layout, before: int) -> Iterator[Line]:
    for at, cells in enumerate(sheet.rows[layout.header_row :], start=1):
        yield Line(before + at, sheet.name, cells)


def _filled(sheet: Sheet, layout: Layout, merged: frozenset[str]) -> Sheet:
    """Cells merged downwards in a column of the loan are filled down; in other known columns they are broken."""
    rows = [list(cells) for cells in sheet.rows] if sheet.merged else sheet.rows
    for first, last, column in sheet.merged:
        reading = layout.columns.get(column)
        if reading is None or first < layout.header_row:
            continue
        fill = rows[first][column] if reading.field.column in merged else Broken("merged_cell")
        for row in range(first + 1, min(last + 1, len(rows))):
            rows[row][column] = fill
    return Sheet(sheet.name, rows, sheet.merged)


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
