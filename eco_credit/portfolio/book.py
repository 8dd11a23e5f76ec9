"""The loans of a result file as exposures: one row per application, shares by collateral kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, Floats, group_sum, is_yes, number, rows_of, take, text
from eco_credit.portfolio.guarantee import borrower_classes
from eco_credit.portfolio.terms import GuaranteeTerms
from eco_credit.rulebook import RuleSet

NEEDED = ("application_id", "kind", "pd", "lgd", "recommendation", "lending_value")
"""Columns without which a result file cannot be read as a portfolio (besides the exposure column)."""


@dataclass(frozen=True)
class Exposures:
    """Loans of a portfolio, one row per application, shape (n,) each; money in yuan.

    Attributes:
        application_id: identifier.
        group: group of related borrowers where the file names one, else the application.
        area: area code or None.
        borrower_class: ``small``, ``farmer`` or ``other``.
        exposure: exposure at default.
        pd: probability of default within 12 months.
        lgd: loss given default.
        by_kind: collateral kind to exposure, yuan over the whole portfolio.
        read: applications in the file.
        left_out: applications whose recommendation is not in the terms.
        not_scored: applications without PD, LGD or exposure.
        synthetic: True when any row or model is marked synthetic.
    """

    application_id: npt.NDArray[np.object_]
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
    synthetic: bool


def exposures_of(results: Columns, terms: GuaranteeTerms, *, rules: RuleSet) -> Exposures:
    """Read scored rows (one per pledge) as loans (one per application).

    Application-level figures are taken from the first row of each application; the exposure is
    shared among its collateral kinds by lending value, equally where that is zero.

    Args:
        results: columns of a batch result file, shape (rows,).
        terms: which recommendations count and which column is the exposure.
        rules: rules in force, for the borrower classes.

    Returns:
        The loans in file order.

    Raises:
        ContractError: a needed column is missing.
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
    exposure, pd, lgd = (number(loans, name) for name in (terms.exposure, "pd", "lgd"))
    scored = ~(np.isnan(exposure) | np.isnan(pd) | np.isnan(lgd))
    kept = wanted & scored
    by_kind = _by_kind(results, np.where(kept, exposure, 0.0), loan_of_row)
    chosen = take(loans, np.flatnonzero(kept))
    return Exposures(
        application_id=text(chosen, "application_id"),
        group=_groups(chosen),
        area=text(chosen, "area_code"),
        borrower_class=borrower_classes(text(chosen, "borrower_kind"), text(chosen, "size_class"), rules=rules),
        exposure=exposure[kept],
        pd=pd[kept],
        lgd=lgd[kept],
        by_kind=by_kind,
        read=len(first),
        left_out=int(np.sum(~wanted)),
        not_scored=int(np.sum(wanted & ~scored)),
        synthetic=_synthetic(results),
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


def _by_kind(results: Columns, exposure: Floats, loan_of_row: npt.NDArray[np.intp]) -> dict[str, float]:
    """Exposure by collateral kind, shared within a loan by lending value."""
    worth = np.nan_to_num(number(results, "lending_value"))
    count = len(exposure)
    total = group_sum(worth, loan_of_row, count)[loan_of_row]
    rows = group_sum(np.ones(len(worth)), loan_of_row, count)[loan_of_row]
    share = np.where(total > 0.0, worth / np.where(total > 0.0, total, 1.0), 1.0 / rows)
    amount = exposure[loan_of_row] * share
    kinds = text(results, "kind")
    return {str(kind): float(np.sum(amount[kinds == kind])) for kind in sorted({k for k in kinds if k is not None})}


def _groups(loans: Columns) -> npt.NDArray[np.object_]:
    """Related group where named, else the application itself."""
    named, own = text(loans, "relation_group"), text(loans, "application_id")
    return np.array([name if group is None else group for group, name in zip(named, own, strict=True)], dtype=object)


def _synthetic(results: Columns) -> bool:
    """True when a row says the data or the model is synthetic."""
    flags = [number(results, name) for name in ("synthetic", "synthetic_model") if name in results]
    return bool(rows_of(results)) and any(bool(is_yes(flag).any()) for flag in flags)
