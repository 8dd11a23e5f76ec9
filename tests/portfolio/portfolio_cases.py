"""Small portfolios for the tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from eco_credit.core.numbers import Columns
from eco_credit.portfolio import Exposures, GuaranteeTerms, exposures_of
from eco_credit.portfolio.terms import terms_of
from eco_credit.rulebook import load

RULES = load().at("2026-11-23")
_DAYS = ("start_on", "due_on", "approved_on")


def terms(**changed: Any) -> GuaranteeTerms:
    """Terms without costs, 4-3-2-1 unless changed."""
    zero = dict.fromkeys(("recovery_rate", "operating_cost_rate", "capital_cost_rate"), 0.0)
    return terms_of(
        {"name": "test", "authority": "house", "fee_rate": 0.01, "payout_cap": 0.05, **zero, **changed}, RULES
    )


def ledger_of(count: int, **columns: Sequence[object]) -> Columns:
    """A ledger of loans L0, L1 … with the columns given."""
    found: Columns = {"application_id": np.array([f"L{i}" for i in range(count)], dtype=object)}
    for name, values in columns.items():
        numeric = all(isinstance(value, (int, float)) for value in values)
        kind = "datetime64[D]" if name in _DAYS else np.float64 if numeric else object
        found[name] = np.array(values, dtype=kind)
    return found


def results_of(exposure: Sequence[float], **columns: Sequence[object]) -> Columns:
    """A result file of one pledge per loan; PD 2 %, LGD 50 %, forest right, farmer unless changed."""
    count = len(exposure)
    found: dict[str, Any] = {
        "application_id": [f"L{i}" for i in range(count)],
        "kind": ["forest_right"] * count,
        "pd": np.full(count, 0.02),
        "lgd": np.full(count, 0.5),
        "max_loan": np.asarray(exposure, np.float64),
        "recommendation": ["approve"] * count,
        "lending_value": np.ones(count),
        "area_code": ["331181"] * count,
        "borrower_kind": ["farmer"] * count,
        **columns,
    }
    return {
        name: np.asarray(values, np.float64) if isinstance(values[0], (int, float)) else np.array(values, dtype=object)
        for name, values in found.items()
    }


def book_of(exposure: Sequence[float], *, ledger: Columns | None = None, **columns: Sequence[object]) -> Exposures:
    """The same as exposures."""
    return exposures_of(results_of(exposure, **columns), terms(), rules=RULES, ledger=ledger)
