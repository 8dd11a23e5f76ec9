"""The three balances of a guarantee ledger, clients counted by identifier, scope lines and reserves.

Nominal balance (名义在保余额) is the covered principal; net (在保余额) is without the bank's share; liability
(责任余额) is without the share of re-guarantor and national fund too. Sources: ledger practice; rules
``portfolio.guarantee.*``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, Floats, number, rounded, rows_of, text
from eco_credit.core.units import units
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.terms import GuaranteeTerms
from eco_credit.portfolio.waterfall import SHARE_BASE, Shares, split_by
from eco_credit.rulebook import RuleSet

SHARE_COLUMNS = {
    "share_bank": "bank", "share_direct": "guarantor", "share_regu": "re_guarantor",
    "share_national": "national_fund", "share_gov": "government", "share_other": "other",
}  # fmt: skip
"""Share column of the ledger to the party of the terms."""
RE_GUARANTEE = ("re_guarantor", "national_fund")
"""Parties whose share is taken off between net balance and liability balance."""
_EXACT = 1e-6


@units(nominal="CNY", share="dimensionless", returns="CNY")
def less_share(nominal: Floats, share: Floats) -> Floats:
    """Balance without the share of one party: ``B · (1 − s)``; yuan, shape (n,)."""
    return nominal * (1.0 - share)


@dataclass(frozen=True)
class Balances:
    """Balances per loan, yuan, shape (n,) each: nominal ≥ net ≥ liability."""

    nominal: Floats
    net: Floats
    liability: Floats


def balances_of(book: Exposures, terms: GuaranteeTerms) -> Balances:
    """The three balances of each loan.

    Formula: ``nominal = g · B``, ``net = nominal · (1 − s_bank)``, ``liability = nominal · (1 − s_bank − s_re)``.

    Args:
        book: the loans; shares of a ledger row go before those of the terms.
        terms: cover g and shares s.

    Raises:
        ContractError: the shares of a ledger row do not add up to one (``G01``).
    """
    shares = party_shares(book, terms)
    nominal = book.exposure * terms.cover
    off = shares["bank"]
    again = off + sum((shares[party] for party in RE_GUARANTEE), np.zeros(len(nominal)))
    return Balances(nominal, less_share(nominal, off), np.maximum(less_share(nominal, again), 0.0))


def party_shares(book: Exposures, terms: GuaranteeTerms) -> dict[str, Floats]:
    """Share of each party in each loan, ratio, shape (n,): the ledger's where it states any, else the terms'."""
    count = len(book.exposure)
    agreed = {party: np.full(count, terms.split.ratio(party)) for party in SHARE_COLUMNS.values()}
    stated = {party: number(book.ledger, name) for name, party in SHARE_COLUMNS.items()} if book.ledger else {}
    if not stated:
        return agreed
    known = np.zeros(count, dtype=bool)
    total = np.zeros(count)
    for part in stated.values():
        known |= ~np.isnan(part)
        total = total + np.nan_to_num(part)
    _refuse_wrong(np.flatnonzero(known & (np.abs(total - 1.0) > _EXACT)), book)
    return {party: np.where(known, np.nan_to_num(part), agreed[party]) for party, part in stated.items()}


def bearer_share(book: Exposures, terms: GuaranteeTerms) -> Floats:
    """Part of each loan that the bearer of the terms stands for, ``g · s``; ratio, shape (n,)."""
    shares = party_shares(book, terms)
    own = shares.get(terms.bearer, np.full(len(book.exposure), terms.split.ratio(terms.bearer)))
    return terms.cover * own


def splits(book: Exposures, terms: GuaranteeTerms) -> list[tuple[npt.NDArray[np.intp], Shares]]:
    """Loans by the split that holds for them: positions and shares, the split of the terms where none is stated."""
    if not any(name in book.ledger for name in SHARE_COLUMNS):
        return [(np.arange(len(book.exposure)), terms.split)]
    shares = party_shares(book, terms)
    table = np.array([rounded(part, 4) for part in shares.values()]).T.reshape(len(book.exposure), len(shares))
    found, place = np.unique(table, axis=0, return_inverse=True)
    named = [Shares.of(dict(zip(shares, (float(v) for v in row), strict=True))) for row in found]
    return [(np.flatnonzero(np.ravel(place) == at), split) for at, split in enumerate(named)]


def average_split(book: Exposures, terms: GuaranteeTerms) -> Shares:
    """Shares of the whole portfolio, weighted by balance, parts of ten thousand: scenarios are borne by it."""
    groups = splits(book, terms)
    whole = float(np.sum(book.exposure))
    if len(groups) == 1 or not whole > 0.0:
        return groups[0][1] if groups else terms.split
    names = list(groups[0][1].parts)
    sums = {
        name: sum(float(np.sum(book.exposure[rows])) * split.ratio(name) for rows, split in groups) for name in names
    }
    cents = split_by(np.array([SHARE_BASE]), {name: int(rounded(sums[name] / whole * 1e4, 0)) for name in names})
    return Shares({name: int(part[0]) for name, part in cents.items()})


def _refuse_wrong(rows: npt.NDArray[np.intp], book: Exposures) -> None:
    """Name the loans whose shares do not add up, at most a hundred of them."""
    if len(rows):
        raise ContractError(
            Violation(
                "share_bank", "G01", f"the shares of loan {row + 1} do not add up to 100 percent", "分险比例不等于100%"
            )
            for row in rows[:100]
        )


def client_counts(
    ledger: Columns, application_id: npt.NDArray[np.object_], kinds: npt.NDArray[np.object_]
) -> dict[str, int]:
    """Clients counted by identifier, never by name (户数): persons, enterprises, and of unknown kind.

    Args:
        ledger: columns of the ledger beside the loans, shape (n,); empty without one.
        application_id: number of each loan, shape (n,); a loan without an identifier counts as a client of its own.
        kinds: ``person``, ``enterprise`` or None of each loan, shape (n,).

    Returns:
        ``clients``, ``persons``, ``enterprises``, ``kind_unknown``, ``by_application`` (loans without identifier)
        and ``loans`` (笔数).
    """
    identifiers = text(ledger, "borrower_id") if rows_of(ledger) else np.full(len(application_id), None, dtype=object)
    kind_of: dict[tuple[str, object], object] = {}
    for identifier, loan, kind in zip(identifiers, application_id, kinds, strict=True):
        client = ("loan", loan) if identifier is None else ("client", identifier)
        kind_of[client] = kind_of.get(client) or kind
    found = list(kind_of.values())
    persons, enterprises = (sum(kind == name for kind in found) for name in ("person", "enterprise"))
    return {
        "clients": len(found),
        "persons": persons,
        "enterprises": enterprises,
        "kind_unknown": len(found) - persons - enterprises,
        "by_application": sum(name is None for name in identifiers),
        "loans": len(application_id),
    }


def scope_lines(book: Exposures, *, rules: RuleSet) -> dict[str, float | bool | None]:
    """Policy scope of the balance: part of small firms and farms, part of small tickets, largest ticket.

    Returns:
        Ratios and marks; None for an empty portfolio. Rules: ``portfolio.guarantee.scope_ticket_max``,
        ``.small_farm_share_min``, ``.small_ticket_share_min``, ``.small_ticket_max``.
    """
    whole = float(np.sum(book.exposure))
    least = {name: rules.number(f"portfolio.guarantee.{name}_share_min") for name in ("small_farm", "small_ticket")}
    small = np.isin(book.borrower_class.astype(str), ("small", "farmer"))
    ticket = book.exposure <= rules.number("portfolio.guarantee.small_ticket_max")
    found: dict[str, float | bool | None] = {
        "over_scope": float(np.sum(book.exposure > rules.number("portfolio.guarantee.scope_ticket_max")))
    }
    for name, mask in (("small_farm", small), ("small_ticket", ticket)):
        share = float(np.sum(book.exposure[mask])) / whole if whole > 0.0 else None
        found |= {
            f"{name}_share": None if share is None else float(rounded(share, 8)),
            f"{name}_min": least[name],
            f"{name}_ok": None if share is None else share >= least[name],
        }
    return found


def reserves(fee_income: float, balance: float, *, held: float, rules: RuleSet) -> dict[str, float]:
    """Reserves of a year: unearned fees, and the loss reserve with its top-up.

    Formula: ``unearned = 0.5 · fee``; ``loss = 1 % · B`` while ``held < 10 % · B``, above that only the difference
    ``max(0, 10 % · B − held)``, which is zero.

    Args:
        fee_income: fees of the year, yuan.
        balance: guarantee balance at the end of the year B, yuan.
        held: loss reserve held already, yuan.
        rules: ``portfolio.guarantee.unearned_reserve_rate``, ``.loss_reserve_rate``, ``.loss_reserve_full``.

    Returns:
        ``unearned`` and ``loss``, yuan to add this year; ``full`` the line from which only the difference is added.
    """
    full = rules.number("portfolio.guarantee.loss_reserve_full") * balance
    yearly = rules.number("portfolio.guarantee.loss_reserve_rate") * balance
    added = min(yearly, max(0.0, full - held))
    unearned = rules.number("portfolio.guarantee.unearned_reserve_rate") * fee_income
    return {"unearned": float(rounded(unearned)), "loss": float(rounded(added)), "full": float(rounded(full))}


def scope_notice(scope: dict[str, Any]) -> list[str]:
    """Reason code G06 where the portfolio keeps to small firms and farms."""
    return ["G06"] if scope.get("small_farm_ok") else []
