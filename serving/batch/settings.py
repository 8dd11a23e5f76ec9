"""Limits of a batch run. They bound memory and time; they are not business rules."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one run.

    Attributes:
        chunk_rows: rows scored together; part of the identity of a run.
        reject_share: share of rejected rows above which the run fails, ratio.
        rows_per_application: most rows of one application.
        file_bytes: largest file, bytes.
        table_bytes: largest size of a table after unpacking, bytes (workbooks, parquet columns).
        expansion: largest ratio of unpacked to packed size of a workbook.
        members: most members of a workbook archive.
        sheet_rows: most rows of a workbook in sum.
        sheet_cells: most cells of a workbook in sum, blank ones up to the last one included.
        reader_bytes: address space of the process that decodes a workbook, bytes.
        reader_seconds: processor time of that process.
        text_length: longest text cell, characters.
    """

    chunk_rows: int = 20_000
    reject_share: float = 0.5
    rows_per_application: int = 1_000
    file_bytes: int = 8_192 * MEBIBYTE
    table_bytes: int = 2_048 * MEBIBYTE
    expansion: float = 200.0
    members: int = 2_000
    sheet_rows: int = 2_000_000
    sheet_cells: int = 80_000_000
    reader_bytes: int = 4_096 * MEBIBYTE
    reader_seconds: float = 600.0
    text_length: int = 4_096
