"""The portfolio by name, group, county, basin, buyer, species and kind, and by the quarter it was granted."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import PROBABILITY_DECIMALS, day, rounded, text
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.concentration import concentration_of
from eco_credit.portfolio.factors import main_kind

_SHOWN = 4
GROUPINGS = ("client", "group", "county", "basin", "buyer", "species", "kind")
"""What a portfolio is looked at by; basin, buyer and species need a ledger."""


def grouping(book: Exposures, name: str) -> npt.NDArray[np.object_] | None:
    """Code of each loan in a grouping, shape (n,); None where the book does not know it for any loan."""
    from_ledger = {"basin": "basin", "buyer": "buyer_id", "species": "species"}
    if name in from_ledger:
        codes = text(book.ledger, from_ledger[name]) if book.ledger else None
        return codes if codes is not None and any(code is not None for code in codes) else None
    own = {"client": book.client, "group": book.group, "county": book.area, "kind": main_kind(book)}
    return own[name]


def concentrations(book: Exposures) -> dict[str, dict[str, Any]]:
    """Concentration of the balance in every grouping that is known; a grouping that is not is left out.

    Identifiers of debtors are cut to their last four letters: the figures leave the house.
    """
    known = {name: grouping(book, name) for name in GROUPINGS}
    found = {name: concentration_of(codes, book.exposure) for name, codes in known.items() if codes is not None}
    people = {str(code) for code in text(book.ledger, "borrower_id") if code is not None} if book.ledger else set()
    for name in ("client", "group"):
        largest = found[name]["largest"]
        found[name]["largest"] = [[masked(code) if code in people else code, part] for code, part in largest]
    return found


def masked(identifier: str) -> str:
    """An identifier of a person or firm as a report may show it: its last four letters.

    Example:
        >>> masked("99999919000101001X")
        '…001X'
    """
    return "…" + identifier[-_SHOWN:]


def vintages(book: Exposures) -> list[dict[str, Any]]:
    """Loans by the quarter their guarantee started: number, balance, PD, LGD and expected loss.

    Returns:
        Quarters in order, e.g. ``2026Q1``; loans without a day stand last under ``unstated``. Empty without a ledger.
        Money in yuan; PD is weighted by balance, LGD by balance at default.
    """
    if "start_on" not in book.ledger:
        return []
    start = day(book.ledger, "start_on").astype("datetime64[M]")
    months = start.astype(np.int64)
    names = np.array(
        [
            "unstated" if np.isnat(when) else f"{1970 + month // 12}Q{month % 12 // 3 + 1}"
            for when, month in zip(start, months, strict=True)
        ],
        dtype=object,
    )
    return [_vintage(book, str(name), names == name) for name in sorted(set(names))]


def _vintage(book: Exposures, name: str, rows: npt.NDArray[np.bool_]) -> dict[str, Any]:
    balance, pd, lgd = book.exposure[rows], book.pd[rows], book.lgd[rows]
    whole, at_default, lost = (float(np.sum(part)) for part in (balance, balance * pd, balance * pd * lgd))
    return {
        "quarter": name,
        "loans": int(np.sum(rows)),
        "balance": float(rounded(whole)),
        "pd": float(rounded(at_default / whole, PROBABILITY_DECIMALS)) if whole > 0.0 else None,
        "lgd": float(rounded(lost / at_default, PROBABILITY_DECIMALS)) if at_default > 0.0 else None,
        "expected_loss": float(rounded(lost)),
    }
