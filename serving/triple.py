"""One approved triple: what an answer is made with, from its beginning to its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eco_credit.registry import Package
    from eco_credit.rulebook import Book

CHAMPION = "champion"
CHALLENGER = "challenger"


@dataclass(frozen=True, slots=True)
class Triple:
    """What one answer is made with: a request takes one and keeps it to the end.

    Attributes:
        package: verified model package.
        book: rulebook with the lender's overlay.
        contract: digest of the application contract the package is served for.
    """

    package: Package
    book: Book
    contract: str
