"""The option ``--book``: the lender's book, read from a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from eco_credit.valuation import LenderBook

BookOption = Annotated[
    Path | None,
    typer.Option(
        "--book", metavar="FILE", help="What the lender holds already: parquet, csv or xlsx (contract lender_book)."
    ),
]


def book_at(path: Path | None) -> LenderBook:
    """The lender's book in a file; the empty book when no file is named.

    Raises:
        ContractError: the file is refused, or rows break the contract.
    """
    from eco_credit.valuation import EMPTY
    from serving.book import read_book

    return EMPTY if path is None else read_book(path)
