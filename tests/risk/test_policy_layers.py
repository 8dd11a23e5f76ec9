"""Where the policy hands a case to a person although model and rules would let it pass."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Columns
from eco_credit.rulebook import load
from eco_credit.scoring.decision import Evidence, decide


def loans(rows: int) -> Columns:
    """Sound applications for 100,000 CNY over three years, columns the policy reads."""
    values = {
        "amount_requested": 100_000.0, "term_months": 36.0, "annual_rate": 0.045, "net_cash_in_year": 500_000.0,
        "litigation": 0.0, "credit_consent": 1.0, "overdue_max_24m": 0.0,
    }  # fmt: skip
    return {name: np.full(rows, value) for name, value in values.items()}


def evidence(disagreement: list[float]) -> Evidence:
    """Ample pledges and a low PD, at some distances from the scorecard."""
    one = np.ones(len(disagreement))
    return Evidence(
        lending_value=1e6 * one, central=2e6 * one, spread=0.1 * one, eligible=one, pd=0.005 * one, pd_low=0.004 * one,
        pd_high=0.006 * one, lgd=0.2 * one, disagreement=np.array(disagreement), out_of_scope=one < 0.0,
    )  # fmt: skip


def test_model_and_scorecard_more_than_a_logit_apart_call_for_a_person() -> None:
    # a logit is a factor e of the odds; without a benchmark (NaN) there is nothing to disagree with
    found = decide(loans(4), evidence([0.0, 0.99, 1.01, np.nan]), {}, load().at("2026-11-23"))
    assert found.recommendation.tolist() == ["approve", "approve", "refer", "approve"]
    assert found.reasons["P09"].tolist() == [False, False, True, False]
    assert not any(rows.any() for code, rows in found.reasons.items() if code != "P09")
