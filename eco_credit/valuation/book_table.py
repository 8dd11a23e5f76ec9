"""The lender's book as a flat table, the contract ``lender_book``: read, and drawn from applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from eco_credit.contracts import column_violations, columns_of_frame, contract, taken
from eco_credit.contracts.columns import blank_column
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, rows_of
from eco_credit.valuation.book import EMPTY, LenderBook, lender_book
from eco_credit.valuation.kinds import kinds

if TYPE_CHECKING:
    import pandas as pd

CONTRACT = "lender_book"
"""Name of the contract."""
_OF_ROW = ("application_id", "kind", "lending_value")


def book_of_columns(columns: Columns) -> LenderBook:
    """A book from checked rows of the contract ``lender_book``.

    Args:
        columns: flat rows, n of them; identifiers as written. They are folded as those of an application are.

    Returns:
        The book. One thing pledged by several applications is what a book is asked for, and is no error.
    """
    tables: dict[str, Columns] = {}
    for name in kinds():
        index = np.flatnonzero(np.fromiter((kind == name for kind in columns["kind"]), bool, rows_of(columns)))
        table = {field.name: taken(field, columns, index) for field in contract(name).root.fields}
        own = contract(CONTRACT).fields
        table |= {field.name: taken(field, columns, index) for field in own if field.name in _OF_ROW}
        tables[name] = table
    return lender_book(kinds(), tables)


def book_of(given: LenderBook | pd.DataFrame | None) -> LenderBook:
    """What a caller of Python gave as the book.

    Args:
        given: a book, a data frame of the contract ``lender_book`` (other columns are not read), or None for no book.

    Raises:
        ContractError: a row breaks the contract, or there is none; row, field and rule are named.
        TypeError: it is something else, such as a path: files are read by the command line and the service.
    """
    if given is None:
        return EMPTY
    if isinstance(given, LenderBook):
        return given
    if not hasattr(given, "columns"):
        raise TypeError(f"a book is a LenderBook or a data frame, not {type(given).__name__}")
    source = contract(CONTRACT)
    known = [field.column for field in source.fields if field.column in given.columns]
    columns = columns_of_frame(source, given[known])
    if len(given) == 0:
        raise ContractError([Violation("book", "empty", "the table has no rows", "表中没有数据行")])
    broken = column_violations(source, columns)
    if broken:
        raise ContractError(broken)
    return book_of_columns(columns)


def whole_rows(columns: Columns) -> Columns:
    """Rows of the contract ``lender_book`` in all its columns and their order; what is not there is unknown."""
    rows = rows_of(columns)
    fields = contract(CONTRACT).fields
    return {field.column: columns.get(field.column, blank_column(field, rows)) for field in fields}
