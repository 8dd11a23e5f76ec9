"""Read the lender's book from a file, and draw one from a file of applications."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eco_credit.contracts import Field
    from eco_credit.core.numbers import Columns
    from eco_credit.valuation import LenderBook
    from serving.batch.chunk import Chunk

MOST_VIOLATIONS = 100
"""A refusal of a book names at most so many violations."""
_BESIDE = ("batch_input", "batch_output")
"""Contracts whose columns may stand in the file too: their names help to find the header, and are not read."""


def read_book(path: Path) -> LenderBook:
    """Read a book of the contract ``lender_book``.

    Args:
        path: parquet, csv (UTF-8 with or without BOM, GB18030) or xlsx. Columns of other contracts are not read, so
            a file of applications, or results joined with it, will do.

    Returns:
        The book. Several applications may hold one thing: that is what the book is asked for.

    Raises:
        ContractError: the file is refused, or rows break the contract; each violation names row, field and rule.
    """
    from eco_credit.valuation.book_table import book_of_columns

    return book_of_columns(book_rows(path))


def book_rows(path: Path) -> Columns:
    """The rows of a book as columns of its contract, checked; n rows, n at least 1.

    Raises:
        ContractError: the file is refused, or rows break the contract.
    """
    from eco_credit.contracts import contract
    from eco_credit.core.errors import ContractError, Violation
    from eco_credit.valuation.book_table import CONTRACT
    from serving.batch.check import findings
    from serving.batch.chunk import join
    from serving.batch.settings import Limits
    from serving.batch.source import open_source

    wanted = contract(CONTRACT)
    fields = [*wanted.fields, *_beside({field.column for field in wanted.fields})]
    source = open_source(path, fields, Limits(), merged=frozenset({"application_id"}))
    source.survey()
    chunk = _only(join(list(source.blocks())), [field.column for field in wanted.fields])
    broken = findings(wanted, chunk)[:MOST_VIOLATIONS]
    if broken:
        raise ContractError([Violation(b["field"], b["rule"], b["en"], b["zh"], b["row"]) for b in broken])
    return chunk.columns


def write_book(path: Path, out: Path) -> int:
    """Draw a book from a file of applications: what names each pledge and groups the book.

    Args:
        path: rows of the contract ``batch_input``; its pledges carry no lending value, so that stays blank.
        out: the book to write: .parquet, .csv or .xlsx.

    Returns:
        Rows written.

    Raises:
        ContractError: the file is refused, rows break the contract, or the ending is not one that is written.
    """
    from eco_credit.core.numbers import rows_of
    from eco_credit.valuation.book_table import whole_rows
    from serving.batch.output import arrow_table, write_parts
    from serving.batch.rules import refusal

    if path.resolve() == out.resolve():
        raise refusal(out.name, "same_file")
    rows = whole_rows(book_rows(path))
    table = arrow_table(rows)
    write_parts([table], out, empty=table.schema)
    return rows_of(rows)


def _beside(known: set[str]) -> list[Field]:
    """Columns of other contracts that may stand in the file."""
    from eco_credit.contracts import contract

    found = {field.column: replace(field, required=False) for name in _BESIDE for field in contract(name).fields}
    return [field for column, field in found.items() if column not in known]


def _only(chunk: Chunk, names: Sequence[str]) -> Chunk:
    """The chunk cut down to some columns, and to what could not be read in them."""
    from serving.batch.chunk import Chunk as Cut

    kept = {name: column for name, column in chunk.columns.items() if name in names}
    broken = {row: [b for b in breaks if b[0] in (*names, "row")] for row, breaks in chunk.broken.items()}
    return Cut(chunk.rows, kept, {row: breaks for row, breaks in broken.items() if breaks}, chunk.sheets)
