"""Parquet to chunks: typed columns pass through, texts are read like cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from eco_credit.contracts.columns import column_of
from eco_credit.contracts.paper_units import split_label
from serving.batch.cells import Broken, Reading
from serving.batch.chunk import Break, Chunk, unknown
from serving.batch.layout import Layout, Vocabulary, check_complete, reading_of, scale_of, unused_of
from serving.batch.matured import unwatched, watched
from serving.batch.rules import refusal, violation
from serving.batch.settings import Limits

BLOCK_ROWS = 20_000
_READ_BYTES = 1 << 18
"""Bytes of a column read at once: a row group may hold all rows of the file."""
_REPEATED_BYTES = 4
"""A text column that takes less for a row, unpacked, repeats its texts."""


def open_parquet(path: Path, limits: Limits) -> pq.ParquetFile:
    """Open a parquet file whose text columns are read as dictionaries, so that repeated text costs nothing.

    Raises:
        ContractError: the file is damaged, or claims more than the limits (``unsafe_archive``).
    """
    try:
        file = pq.ParquetFile(path, pre_buffer=False)
        file = pq.ParquetFile(path, read_dictionary=_repeated(file), pre_buffer=False, buffer_size=_READ_BYTES)
    except (pa.ArrowException, OSError, ValueError):
        raise refusal(path.name, "unreadable") from None
    if any(column.total_uncompressed_size > limits.table_bytes for column in _stored(file)):
        raise refusal(path.name, "unsafe_archive")
    return file


def _repeated(file: pq.ParquetFile) -> list[str]:
    """Text columns whose texts repeat; of others, a dictionary would hold every text of a row group for every block."""
    sizes: Counter[str] = Counter()
    for column in _stored(file):
        sizes[column.path_in_schema] += column.total_uncompressed_size
    most = _REPEATED_BYTES * file.metadata.num_rows
    return [field.name for field in file.schema_arrow if _is_text(field.type) and sizes[field.name] <= most]


def _blank(file: pq.ParquetFile) -> frozenset[str]:
    """Columns that hold nothing in the whole file, as far as it says so; they need not be read."""
    nulls: Counter[str] = Counter()
    for column in _stored(file):
        if column.statistics is not None and column.statistics.has_null_count:
            nulls[column.path_in_schema] += column.statistics.null_count
    return frozenset(name for name in file.schema_arrow.names if nulls[name] == file.metadata.num_rows)


def _stored(file: pq.ParquetFile) -> Iterator[pq.ColumnChunkMetaData]:
    """Columns of each row group; a nested one counts by its parts, under longer names."""
    groups = (file.metadata.row_group(at) for at in range(file.metadata.num_row_groups))
    return (group.column(place) for group in groups for place in range(group.num_columns))


def _is_text(have: pa.DataType) -> bool:
    return bool(pa.types.is_string(have) or pa.types.is_large_string(have))


def parquet_layout(file: pq.ParquetFile, vocabulary: Vocabulary, limits: Limits) -> Layout:
    """`schema_layout` of a file.

    Raises:
        ContractError: a required column is missing, or a known column holds nested values.
    """
    return schema_layout(file.schema_arrow, vocabulary, limits)


def schema_layout(schema: pa.Schema, vocabulary: Vocabulary, limits: Limits) -> Layout:
    """Columns by field name, in stored units; other columns are listed and left alone.

    Raises:
        ContractError: a required column is missing, or a known column holds nested values.
    """
    headers = list(schema.names)
    columns: dict[int, Reading] = {}
    units: dict[str, str] = {}
    ignored, broken = [], []
    for place, entry in enumerate(schema):
        source = vocabulary.source_of(entry.name)
        one = vocabulary.names.get(entry.name if source is None else source.field)
        if one is None:
            if (seen := watched(entry.name)) is not None and not pa.types.is_nested(entry.type):
                columns[place] = seen
            ignored.append(entry.name)
            continue
        unit = None if source is None else source.unit or split_label(entry.name)[1]
        scale, rule = scale_of(one, unit, by_name=source is None)
        if pa.types.is_nested(entry.type):
            rule = "wrong_format"
        if any(one.column == reading.field.column for reading in columns.values()):
            rule = "two_columns"
        broken += [violation(one.column, rule)] if rule else []
        units |= {one.column: unit} if unit else {}
        columns[place] = reading_of(entry.name, one, scale, vocabulary=vocabulary, length=limits.text_length)
    check_complete(columns, vocabulary, broken)
    unused = unused_of(vocabulary, headers)
    constants = vocabulary.constants
    return Layout(columns, unwatched(ignored, columns.values()), units, frozenset(), 0, len(headers), constants, unused)


def parquet_blocks(
    file: pq.ParquetFile, layout: Layout, only: str | None = None, *, name: str = "file", first: int = 1
) -> Iterator[Chunk]:
    """Read a file block by block.

    Args:
        file: an open file.
        layout: how each column is read.
        only: one column alone.
        name: name of the file, for a refusal.
        first: number of its first row.

    Yields:
        Chunks in file order.

    Raises:
        ContractError: a part of the file cannot be read (``unreadable``).
    """
    names = file.schema_arrow.names
    readings = {names[place]: reading for place, reading in layout.columns.items()}
    if only is not None:
        readings = {theirs: reading for theirs, reading in readings.items() if reading.field.column == only}
    blank, row = _blank(file), first
    held = [theirs for theirs in readings if theirs not in blank] or list(readings)[:1]
    try:
        for batch in file.iter_batches(batch_size=BLOCK_ROWS, columns=held, use_threads=False):
            block = arrow_chunk(batch, readings, np.arange(row, row + batch.num_rows, dtype=np.int64))
            row += batch.num_rows
            del batch  # nothing read is held while it is worked on, here and wherever chunks pass
            yield block
            del block
    except (pa.ArrowException, OSError, UnicodeDecodeError):
        raise refusal(name, "unreadable") from None


def arrow_chunk(batch: pa.RecordBatch, readings: dict[str, Reading], rows: npt.NDArray[np.int64]) -> Chunk:
    """One batch as a chunk.

    Args:
        batch: typed columns in stored units.
        readings: how each column is read, by name; one that is not in the batch is unknown.
        rows: number of each row, shape (n,).
    """
    broken: dict[int, list[Break]] = {}
    columns, held = {}, set(batch.schema.names)
    for theirs, reading in readings.items():
        name = reading.field.column
        if theirs not in held:
            columns[name] = unknown(reading.field, len(rows))
            continue
        columns[name], wrong = _column(batch.column(theirs), reading)
        for at, rule in wrong.items():
            broken.setdefault(int(rows[at]), []).append((name, rule))
    return Chunk(rows, columns, broken)


def _column(array: pa.Array, reading: Reading) -> tuple[npt.NDArray[Any], dict[int, str]]:
    """A typed column as it is, any other cell by cell over its distinct values."""
    kind, have = reading.field.type, array.type
    if array.null_count == len(array):
        return unknown(reading.field, len(array)), {}
    if reading.factor != 1 or reading.words:
        return _by_value(array, reading)
    if kind in ("number", "integer") and (pa.types.is_floating(have) or pa.types.is_integer(have)):
        return pc.cast(array, pa.float64(), safe=False).to_numpy(zero_copy_only=False).astype(np.float64), {}
    if kind == "boolean" and pa.types.is_boolean(have):
        return pc.cast(array, pa.float64()).to_numpy(zero_copy_only=False).astype(np.float64), {}
    if kind == "date" and (pa.types.is_date(have) or (pa.types.is_timestamp(have) and have.tz is None)):
        return array.to_numpy(zero_copy_only=False).astype("datetime64[D]"), {}
    return _by_value(array, reading)


def _by_value(array: pa.Array, reading: Reading) -> tuple[npt.NDArray[Any], dict[int, str]]:
    cells, at = _distinct(array, names=reading.field.type == "text" and not reading.codes)
    values = reading.values(cells)
    if Broken not in set(map(type, values)):
        return column_of(reading.field, [*values, None])[at], {}
    bad = {place: value.rule for place, value in enumerate(values) if isinstance(value, Broken)}
    column = column_of(reading.field, [*(None if place in bad else value for place, value in enumerate(values)), None])
    return column[at], {int(row): bad[int(at[row])] for row in np.flatnonzero(np.isin(at, list(bad)))}


def _distinct(array: pa.Array, *, names: bool) -> tuple[list[Any], npt.NDArray[np.intp]]:
    """Distinct values, and the place of each row's value among them, one behind the last where it has none.

    Names that are not kept as a dictionary hardly repeat: each of them counts as distinct.
    """
    if names and _is_text(array.type):
        known = array.is_valid().to_numpy(zero_copy_only=False)
        held = int(known.sum())
        return array.drop_null().to_pylist(), np.where(known, np.cumsum(known) - 1, held)
    coded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    places = pc.fill_null(coded.indices.cast(pa.int64()), len(coded.dictionary))
    return _cells(coded.dictionary), places.to_numpy(zero_copy_only=False)


def _cells(distinct: pa.Array) -> list[Any]:
    """Distinct values as python values: exact decimals as text, everything else as it is."""
    cells = distinct.to_pylist()
    return [str(cell) for cell in cells] if pa.types.is_decimal(distinct.type) else cells
