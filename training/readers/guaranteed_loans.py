"""Guaranteed small-business loans (contract ``guaranteed_loan_tape``): raw columns to inputs.

Outcome: ``default`` is a charge-off over the life of the loan; ``lgd`` is charged-off principal over
disbursed amount, within 0 and 1, for charged-off loans. Recoveries after charge-off are not recorded,
so this LGD is a gross one.
"""

from __future__ import annotations

from importlib import resources
from typing import Any

import numpy as np
import yaml

from eco_credit.contracts import Contract
from eco_credit.core.numbers import Columns, Floats, day, number, text
from training.datasets import Input
from training.leakage import refuse_late_columns
from training.plan import Plan


def words() -> dict[str, dict[str, Any]]:
    """The declared inputs: name to raw columns, unit, sign, family and labels."""
    file = resources.files("training.readers") / "guaranteed_loans.yaml"
    return dict(yaml.safe_load(file.read_text(encoding="utf-8")))


def guaranteed_loans(raw: Columns, plan: Plan, made_for: Contract) -> tuple[tuple[Input, ...], Columns]:
    """Derive inputs and outcome from the raw columns.

    Args:
        raw: columns by the contract.
        plan: its ``data.features`` choose among the declared inputs; empty takes all of them.
        made_for: the contract.

    Returns:
        The inputs and a table with them, the outcome, day, borrower and weight.

    Raises:
        ContractError: an input rests on a column that was not known at origination.
        KeyError: the plan names an input that is not declared.
    """
    declared = words()
    chosen = {name: declared[name] for name in plan.data.features or declared}
    refuse_late_columns(made_for, sorted({column for item in chosen.values() for column in item["from"]}))
    inputs = tuple(
        Input(name, item["unit"], item["sign"], 0, item["family"], item["zh"], item["en"])
        for name, item in chosen.items()
    )
    derived = derive(raw)
    return inputs, {name: derived[name] for name in chosen} | outcome(raw)


def derive(raw: Columns) -> Columns:
    """All declared inputs, shape (n,) each; a code that says nothing is unknown."""
    amount, staff = number(raw, "GrAppv"), number(raw, "NoEmp")
    jobs = number(raw, "CreateJob") + number(raw, "RetainedJob")
    sector = np.floor(number(raw, "NAICS") / 10_000.0)
    return {
        "log_amount": np.log(amount),
        "guaranteed_share": number(raw, "SBA_Appv") / amount,
        "employees": np.log1p(staff),
        "amount_per_employee": np.log(amount / (staff + 1.0)),
        "new_business": flag(number(raw, "NewExist"), 2.0, 1.0),
        "franchise": (number(raw, "FranchiseCode") > 1.0).astype(np.float64),
        "jobs": np.where(jobs > 0.0, np.log1p(np.maximum(jobs, 0.0)), np.nan),
        "revolving": flag(text(raw, "RevLineCr"), "Y", "N"),
        "low_doc": flag(text(raw, "LowDoc"), "Y", "N"),
        "sector": np.where(sector > 0.0, sector, np.nan),
        "bank_in_state": same(raw, "BankState", "State"),
    }


def flag(values: np.ndarray, yes: object, no: object) -> Floats:
    """1.0 where the value says yes, 0.0 where it says no, else unknown."""
    return np.where(values == yes, 1.0, np.where(values == no, 0.0, np.nan))


def same(raw: Columns, first: str, second: str) -> Floats:
    """1.0 where two text columns agree, 0.0 where they differ, unknown where either is."""
    a, b = text(raw, first), text(raw, second)
    known = np.array([x is not None and y is not None for x, y in zip(a, b, strict=True)])
    return np.where(known, (a == b).astype(np.float64), np.nan)


def outcome(raw: Columns) -> Columns:
    """Outcome, day, borrower and weight under the names plans use."""
    status = text(raw, "MIS_Status")
    default = flag(status, "CHGOFF", "PIF")
    paid_out = number(raw, "DisbursementGross")
    share = np.clip(number(raw, "ChgOffPrinGr") / np.where(paid_out > 0.0, paid_out, np.nan), 0.0, 1.0)
    return {
        "default": default,
        "lgd": np.where(default > 0.0, share, np.nan),
        "exposure": number(raw, "GrAppv"),
        "origination": day(raw, "ApprovalDate"),
        "borrower_id": text(raw, "borrower_id"),
        "sample_weight": number(raw, "sample_weight"),
        "synthetic": np.zeros(len(status)),
    }
