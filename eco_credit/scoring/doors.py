"""Python's own door: score, score_table and appraise with the model that is served from a store."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from eco_credit.contracts import (
    Applications,
    applications_from_columns,
    check_columns,
    columns_of_frame,
    contract,
    flatten,
    frame_of_columns,
    read_application,
    sentences,
)
from eco_credit.core.canonical import digest
from eco_credit.core.errors import ContractError, Violation
from eco_credit.core.numbers import Columns, rows_of, take
from eco_credit.registry import Package, Store, served
from eco_credit.rulebook import load
from eco_credit.scoring.pipeline import appraise_applications
from eco_credit.scoring.pledge_answer import pledge_answers
from eco_credit.scoring.score import Scored, score_applications
from eco_credit.scoring.table import result_table
from eco_credit.valuation import EMPTY, LenderBook
from eco_credit.valuation.book_table import book_of

if TYPE_CHECKING:
    import pandas as pd

MOST_VIOLATIONS = 100
"""A refusal of a table names at most so many violations."""
DEFAULT_MODEL = "eco-credit"
"""Name under which the collateral loan model is registered and served."""


def served_package(home: Path | None = None, name: str = DEFAULT_MODEL) -> Package:
    """The champion of a store, verified.

    Args:
        home: store folder; None is ``$ECO_CREDIT_HOME`` or ``~/.eco-credit``.
        name: registered model name.

    Raises:
        ModelNotServable: there is no champion, or its package does not verify.
    """
    return served(Store(home) if home is not None else Store.default(), name)


def score(
    application: Mapping[str, Any],
    *,
    home: Path | None = None,
    overlay: Path | None = None,
    package: Package | None = None,
    book: LenderBook | pd.DataFrame | None = None,
) -> dict[str, Any]:
    """Score one application; the same answer as ``POST /v1/scores``.

    Args:
        application: nested application of the contract ``application``.
        home: store folder of the served model.
        overlay: the lender's own rule values.
        package: a loaded package, instead of the store's champion.
        book: what the lender holds already, as a `LenderBook` or a data frame of the contract ``lender_book``.

    Returns:
        The score answer: pledges, PD, LGD, recommendation, limit, reasons, provenance.

    Raises:
        ContractError: a field breaks its contract.
        ModelNotServable: no approved model can be served.
        RuleNotInForce: the rulebook has no value for the day of the application.
    """
    held = book_of(book)
    scored, input_hash = scored_application(application, package or served_package(home), overlay, book=held)
    return scored.answer(0, input_hash=input_hash)


def scored_application(
    application: Mapping[str, Any], package: Package, overlay: Path | None = None, *, book: LenderBook = EMPTY
) -> tuple[Scored, str]:
    """Validate and score one application; returns the scored table of one row and the input digest."""
    data = read_application(application)
    rules = load(overlay).at(data["as_of"])
    return score_applications(flatten([data]), rules, package, book), digest(data)


def appraise_application(
    application: Mapping[str, Any], *, overlay: Path | None = None, book: LenderBook | pd.DataFrame | None = None
) -> list[dict[str, Any]]:
    """Appraise the pledges of one application without scoring the loan.

    Args:
        application: nested application of the contract ``application``.
        overlay: the lender's own rule values.
        book: what the lender holds already, as a `LenderBook` or a data frame of the contract ``lender_book``.

    Returns:
        One answer per pledge: gates, GEP parts, appraisal with steps, haircuts, lending value, recovery.

    Raises:
        ContractError: a field breaks its contract.
    """
    data, held = read_application(application), book_of(book)
    appraised = appraise_applications(flatten([data]), load(overlay).at(data["as_of"]), held)
    return pledge_answers(appraised, 0, details=True)


def appraise(
    pledge: Mapping[str, Any],
    *,
    as_of: str | dt.date,
    term_months: int = 12,
    overlay: Path | None = None,
    book: LenderBook | pd.DataFrame | None = None,
) -> dict[str, Any]:
    """Appraise one pledge on a day.

    Args:
        pledge: one pledge of the contract of its kind.
        as_of: valuation day.
        term_months: term of the loan it would secure, months; the gates on the life of the right need it.
        overlay: the lender's own rule values.
        book: what the lender holds already, as in `score`. A pledge alone belongs to no application, so every
            application of the book counts as another one.

    Returns:
        The pledge's answer.

    Raises:
        ContractError: a field breaks its contract.
    """
    around = application_around(pledge, as_of=str(as_of), term_months=term_months)
    return appraise_application(around, overlay=overlay, book=book)[0]


def application_around(pledge: Mapping[str, Any], *, as_of: str, term_months: int) -> dict[str, Any]:
    """An application that carries nothing but one pledge: borrower and loan do not enter an appraisal.

    Args:
        pledge: the pledge as given.
        as_of: valuation day, ISO.
        term_months: term of the loan it would secure, months.
    """
    return {
        "application_id": "appraisal-only",
        "as_of": as_of,
        "borrower": {
            "borrower_name": "-",
            "borrower_kind": "farmer",
            "id_type": "other",
            "id_no": "0",
            "area_code": "999999",
            "industry_code": "0220",
            "years_in_trade": 0.0,
            "net_cash_in_year": 0.0,
            "other_debt": 0.0,
            "external_guarantee": 0.0,
            "overdue_max_24m": 0,
            "bad_record": False,
            "litigation": False,
            "credit_consent": True,
        },
        "loan": {
            "amount_requested": 1.0,
            "term_months": term_months,
            "annual_rate": 0.05,
            "purpose": "appraisal",
            "purpose_industry": "0220",
            "repayment": "bullet",
            "guarantee_mode": "2",
            "guarantee_cover": 0.0,
            "control_account": False,
        },
        "pledges": [dict(pledge)],
    }


def score_columns(
    columns: Columns, package: Package, *, overlay: Path | None = None, reasons: int = 3, book: LenderBook = EMPTY
) -> Columns:
    """Score flat, checked rows of the contract ``batch_input``.

    Rows are scored by the rules of their own ``as_of`` day and come back in the order they came.

    Args:
        columns: flat rows that passed the contract, rows of one application together.
        package: a verified package.
        overlay: the lender's own rule values.
        reasons: number of reason columns.
        book: what the lender holds already.

    Returns:
        Columns of the contract ``batch_output``, one row per input row.
    """
    days = columns["as_of"].astype("datetime64[D]")
    places = [np.flatnonzero(days == day) for day in np.unique(days)]
    parts: list[Columns] = []
    for index in places:
        of_day = columns if len(places) == 1 else take(columns, index)
        applications: Applications = applications_from_columns(of_day)
        scored = score_applications(applications, load(overlay).at(str(days[index[0]])), package, book)
        parts.append(result_table(scored, reasons=reasons))
    if len(parts) < 2:
        return parts[0] if parts else {}
    order = np.argsort(np.concatenate(places), kind="stable")
    return {name: np.concatenate([part[name] for part in parts])[order] for name in parts[0]}


def score_table(
    frame: pd.DataFrame,
    *,
    home: Path | None = None,
    overlay: Path | None = None,
    package: Package | None = None,
    reasons: int = 3,
    book: LenderBook | pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Score a DataFrame of the contract ``batch_input``: one row per pledge.

    Args:
        frame: flat rows; rows that share an ``application_id`` stand together and are one application.
        home: store folder of the served model.
        overlay: the lender's own rule values.
        package: a loaded package, instead of the store's champion.
        reasons: number of reason columns.
        book: what the lender holds already, as a `LenderBook` or a data frame of the contract ``lender_book``.

    Returns:
        A DataFrame of the contract ``batch_output`` with one row per input row, in the same order.

    Raises:
        ContractError: a row breaks the contract; every violation names its row.
    """
    source = contract("batch_input")
    columns = columns_of_frame(source, frame)
    fields = {field.column: field for field in source.fields}
    broken = [
        Violation(name, rule, *sentences(rule, fields.get(name)), row=int(i) + 1)
        for rows, name, rule in check_columns(source, columns)
        for i in np.nonzero(rows)[0]
    ]
    if broken:
        raise ContractError(broken[:MOST_VIOLATIONS])
    if rows_of(columns) == 0:
        raise ContractError([Violation("frame", "empty", "the table has no rows", "表中没有数据行")])
    held, champion = book_of(book), package or served_package(home)
    return frame_of_columns(score_columns(columns, champion, overlay=overlay, reasons=reasons, book=held))
