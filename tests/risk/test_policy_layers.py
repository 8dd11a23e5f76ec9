"""Where the policy hands a case to a person although model and rules would let it pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

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


def evidence(disagreement: list[float], *, cell: tuple[list[float], list[float]] | None = None) -> Evidence:
    """Ample pledges and a low PD, at some distances from the scorecard, in cells of so many loans and defaults."""
    one = np.ones(len(disagreement))
    seen, bad = (np.nan * one, np.nan * one) if cell is None else (np.array(side, float) for side in cell)
    return Evidence(
        lending_value=1e6 * one, central=2e6 * one, spread=0.1 * one, eligible=one, pd=0.005 * one, pd_low=0.004 * one,
        pd_high=0.006 * one, pd_with_margin=0.008 * one, lgd=0.2 * one, disagreement=np.array(disagreement),
        cell_loans=seen, cell_defaults=bad,
        out_of_scope=one < 0.0,
    )  # fmt: skip


def test_model_and_scorecard_more_than_a_logit_apart_call_for_a_person() -> None:
    # a logit is a factor e of the odds; without a benchmark (NaN) there is nothing to disagree with
    found = decide(loans(4), evidence([0.0, 0.99, 1.01, np.nan]), {}, load().at("2026-11-23"))
    assert found.recommendation.tolist() == ["approve", "approve", "refer", "approve"]
    assert found.reasons["P09"].tolist() == [False, False, True, False]
    assert not any(rows.any() for code, rows in found.reasons.items() if code != "P09")


def test_fewer_than_thirty_loans_or_five_defaults_of_the_kind_and_area_call_for_a_person() -> None:
    # 30 loans with 5 defaults are the least; without a table (NaN) the layer is not asked
    seen = ([30.0, 29.0, 3000.0, 0.0, np.nan], [5.0, 5.0, 4.0, 0.0, np.nan])
    found = decide(loans(5), evidence([0.0] * 5, cell=seen), {}, load().at("2026-11-23"))
    assert found.recommendation.tolist() == ["approve", "refer", "refer", "refer", "approve"]
    assert found.reasons["P10"].tolist() == [False, True, True, True, False]
    assert not any(rows.any() for code, rows in found.reasons.items() if code != "P10")


@pytest.mark.parametrize(("taken", "pd"), [(0, 0.005), (1, 0.008)])
def test_the_expected_loss_takes_the_margins_only_where_a_rule_says_so(taken: int, pd: float, tmp_path: Path) -> None:
    told = f"{{in_force: 2020-01-01, published: 2020-01-01, value: {taken}, ref: own}}"
    (tmp_path / "overlay.yaml").write_text(f"risk.margins.in_expected_loss: {told}")
    rules = load(tmp_path / "overlay.yaml").at("2026-11-23")
    loss = decide(loans(1), evidence([0.0]), {}, rules).expected_loss_rate[0]
    assert loss == pytest.approx(pd * 0.2)  # PD times LGD
    none = replace(evidence([0.0]), pd_with_margin=np.array([np.nan]))
    assert decide(loans(1), none, {}, rules).expected_loss_rate[0] == pytest.approx(0.005 * 0.2)
