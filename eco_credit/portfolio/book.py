"""The loans of a result file as exposures: one row per application, shares by collateral kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Bools, Columns, Floats, day, group_sum, is_yes, number, rows_of, take, text
from eco_credit.portfolio.guarantee import borrower_classes
from eco_credit.portfolio.staging import DEFAULTED, stages
from eco_credit.portfolio.terms import GuaranteeTerms
from eco_credit.rulebook import RuleSet

NEEDED = ("application_id", "kind", "pd", "lgd", "recommendation", "lending_value")
"""Columns without which a result file cannot be read as a portfolio (besides the exposure column)."""

_SYNTHETIC = ("synthetic", "synthetic_model")
_BLANK: dict[str, Any] = {"f": np.nan, "M": np.datetime64("NaT")}


@dataclass(frozen=True)
class Exposures:
    """Loans of a portfolio, one row per application, shape (n,) each; money in yuan.

    Attributes:
        application_id: identifier.
        client: identifier of the borrower where the ledger has it, else the application.
        group: group of related borrowers where the file names one, else the client.
        area: area code or None.
        borrower_class: ``small``, ``farmer`` or ``other``.
        exposure: exposure at default.
        pd: probability of default within 12 months; one for a loan the ledger shows in default.
        lgd: loss given default.
        by_kind: collateral kind to exposure, yuan over the whole portfolio.
        read: applications in the file.
        left_out: applications whose recommendation is not in the terms.
        not_scored: applications without PD, LGD or exposure.
        released: applications whose guarantee the ledger shows ended.
        synthetic: True when any row or model is marked synthetic.
        share_by_kind: collateral kind to the part of each loan it secures, shape (n,).
        regulatory_lgd: LGD*, NaN where the file has none.
        client_kind: ``person``, ``enterprise`` or None; the ledger's word, else by the kind of borrower.
        in_default: loans the ledger shows impaired or past due beyond the days of default.
        synthetic_parts: loans marked ``synthetic`` (rows) and ``synthetic_model``; None where the file does not say.
        ledger: columns of the ledger beside the loans; empty without one.
        unmatched: rows of the ledger without a loan.
    """

    application_id: npt.NDArray[np.object_]
    client: npt.NDArray[np.object_]
    group: npt.NDArray[np.object_]
    area: npt.NDArray[np.object_]
    borrower_class: npt.NDArray[np.object_]
    exposure: Floats
    pd: Floats
    lgd: Floats
    by_kind: dict[str, float]
    read: int
    left_out: int
    not_scored: int
    released: int
    synthetic: bool
    share_by_kind: dict[str, Floats]
    regulatory_lgd: Floats
    client_kind: npt.NDArray[np.object_]
    in_default: Bools
    synthetic_parts: dict[str, int | None]
    ledger: Columns
    unmatched: int


def exposures_of(
    results: Columns, terms: GuaranteeTerms, *, rules: RuleSet, ledger: Columns | None = None
) -> Exposures:
    """Read scored rows (one per pledge) as loans (one per application).

    Application-level figures are taken from the first row of each application; the exposure is
    shared among its collateral kinds by lending value, equally where that is zero.

    Args:
        results: columns of a batch result file, shape (rows,).
        terms: which recommendations count and which column is the exposure.
        rules: rules in force, for the borrower classes.
        ledger: rows of the contract ``guarantee_ledger``; a balance stated there goes before the one of the file.

    Returns:
        The loans in file order.

    Raises:
        ContractError: a needed column is missing, or the ledger names an application twice.
    """
    missing = [name for name in (*NEEDED, terms.exposure) if name not in results]
    if missing:
        raise ContractError(
            Violation(name, "missing_column", "the result file has no such column", "结果文件缺少此列")
            for name in missing
        )
    first, loan_of_row = _loans(text(results, "application_id"))
    loans = take(results, first)
    wanted = np.isin(text(loans, "recommendation").astype(str), terms.recommendations)
    joined = joined_ledger(text(loans, "application_id"), ledger)
    exposure, pd, lgd = (number(loans, name) for name in (terms.exposure, "pd", "lgd"))
    if joined:
        stated = number(joined, "guarantee_balance")
        exposure = np.where(np.isnan(stated), exposure, stated)
    scored = ~(np.isnan(exposure) | np.isnan(pd) | np.isnan(lgd))
    released = ~np.isnat(day(joined, "released_on")) if joined else np.zeros(len(first), dtype=bool)
    kept = wanted & scored & ~released
    shares = _kind_shares(results, loan_of_row, len(first))
    chosen, own = take(loans, np.flatnonzero(kept)), take(joined, np.flatnonzero(kept))
    bad = stages(own, int(np.sum(kept)), rules=rules) == DEFAULTED
    held = set(text(chosen, "application_id"))
    return Exposures(
        application_id=text(chosen, "application_id"),
        client=_named(text(own, "borrower_id") if own else None, text(chosen, "application_id")),
        group=_named(
            text(chosen, "relation_group"),
            _named(text(own, "borrower_id") if own else None, text(chosen, "application_id")),
        ),
        area=text(chosen, "area_code"),
        borrower_class=borrower_classes(text(chosen, "borrower_kind"), text(chosen, "size_class"), rules=rules),
        exposure=exposure[kept],
        pd=np.where(bad, 1.0, pd[kept]),
        lgd=lgd[kept],
        by_kind={kind: float(np.sum((exposure * share)[kept])) for kind, share in shares.items()},
        read=len(first),
        left_out=int(np.sum(~wanted)),
        not_scored=int(np.sum(wanted & ~scored)),
        released=int(np.sum(wanted & scored & released)),
        synthetic=_synthetic(results),
        share_by_kind={kind: share[kept] for kind, share in shares.items()},
        regulatory_lgd=number(chosen, "regulatory_lgd"),
        client_kind=_named(text(own, "client_kind") if own else None, _client_kinds(chosen, rules)),
        in_default=bad,
        synthetic_parts={name: int(np.sum(is_yes(number(chosen, name)))) if name in results else None
                         for name in _SYNTHETIC},
        ledger=own,
        unmatched=0 if ledger is None else sum(name not in held for name in text(ledger, "application_id")),
    )


def _loans(ids: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """First row of each application in file order, and the application number of each row."""
    place: dict[object, int] = {}
    first: list[int] = []
    loan_of_row = np.empty(len(ids), dtype=np.intp)
    for row, name in enumerate(ids):
        if name not in place:
            place[name] = len(first)
            first.append(row)
        loan_of_row[row] = place[name]
    return np.array(first, dtype=np.intp), loan_of_row


def _kind_shares(results: Columns, loan_of_row: npt.NDArray[np.intp], count: int) -> dict[str, Floats]:
    """Part of each loan secured by each collateral kind: by lending value, equally where that is zero."""
    worth = np.nan_to_num(number(results, "lending_value"))
    total = group_sum(worth, loan_of_row, count)[loan_of_row]
    rows = group_sum(np.ones(len(worth)), loan_of_row, count)[loan_of_row]
    share = np.where(total > 0.0, worth / np.where(total > 0.0, total, 1.0), 1.0 / rows)
    kinds = text(results, "kind")
    named = sorted({str(kind) for kind in kinds if kind is not None})
    return {kind: group_sum(np.where(kinds == kind, share, 0.0), loan_of_row, count) for kind in named}


def joined_ledger(ids: npt.NDArray[np.object_], ledger: Columns | None) -> Columns:
    """Rows of the ledger beside the loans of the same number, unknown where there is none; empty without a ledger.

    Args:
        ids: application numbers of the loans, shape (n,).
        ledger: columns of the contract ``guarantee_ledger``, shape (m,).

    Raises:
        ContractError: an application stands twice in the ledger (``twice``), named by its row.
    """
    if ledger is None:
        return {}
    place: dict[object, int] = {}
    for row, name in enumerate(text(ledger, "application_id")):
        if name in place:
            raise ContractError(
                [Violation("application_id", "twice", "stands twice in the ledger", "在台账中重复", row + 1)]
            )
        place[name] = row
    rows = np.array([place.get(name, -1) for name in ids], dtype=np.intp)
    found = {name: column[np.maximum(rows, 0)] for name, column in ledger.items()} if place else {}
    return {name: _blanked(column, rows < 0) for name, column in found.items()}


def _blanked(column: npt.NDArray[np.generic], where: npt.NDArray[np.bool_]) -> npt.NDArray[np.generic]:
    """The column with what is unknown of its type where asked."""
    result: npt.NDArray[np.generic] = column.copy()
    blank: Any = _BLANK.get(column.dtype.kind)
    result[where] = blank
    return result


def _named(names: npt.NDArray[np.object_] | None, other: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """The names where known, else the other ones."""
    if names is None:
        return other
    return np.array([b if a is None else a for a, b in zip(names, other, strict=True)], dtype=object)


def _client_kinds(loans: Columns, rules: RuleSet) -> npt.NDArray[np.object_]:
    """Person or enterprise by the kind of borrower; None where the kind may be either."""
    kinds = text(loans, "borrower_kind")
    found = np.full(len(kinds), None, dtype=object)
    for name in ("person", "enterprise"):
        listed = rules[f"portfolio.guarantee.{name}_kinds"]
        found[np.array([kind in listed for kind in kinds], dtype=bool)] = name
    return found


def _synthetic(results: Columns) -> bool:
    """True when a row says the data or the model is synthetic."""
    flags = [number(results, name) for name in _SYNTHETIC if name in results]
    return bool(rows_of(results)) and any(bool(is_yes(flag).any()) for flag in flags)
