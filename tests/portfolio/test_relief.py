"""What a guarantee takes off the bank's risk-weighted assets, and when it does not count."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolio_cases import RULES, book_of, terms
from units_check import check_units

from eco_credit.portfolio.relief import CONDITIONS, relief_view, substituted

PROVED = {"direct": True, "irrevocable": True, "unconditional": True, "eligible": True}


def view(size: float = 9e6, kind: str = "enterprise", **changed: Any) -> dict[str, Any]:
    agreed = terms(**{"payout_cap": 1.0, "relief": PROVED, **changed})
    found = relief_view(book_of([size], borrower_kind=[kind]), agreed, RULES)
    return found | {row["approach"]: row for row in found["rows"]}


def test_a_formula_keeps_the_units_it_declares() -> None:
    check_units(substituted)


def test_the_covered_part_takes_the_guarantors_weight_and_the_rest_the_debtors() -> None:
    # 4-3-2-1: the bank keeps 20 %; an unrated corporate of 9 million behind a guarantor that weighs 20 %
    found = view(relief=PROVED | {"risk_weight": 0.2})
    assert found["covered"] == 0.8 and found["counted"]
    assert found["standard"]["without"] == 9e6
    assert found["standard"]["with"] == pytest.approx(9e6 * (0.8 * 0.2 + 0.2 * 1.0))
    assert found["standard"]["capital"] == pytest.approx(0.08 * 9e6 * 0.64)


@pytest.mark.parametrize(
    ("kind", "size", "weight"), [("farmer", 1e6, 0.75), ("cooperative", 9e6, 0.85), ("enterprise", 1e6, 1.0)]
)
def test_the_standard_weight_follows_class_and_ticket(kind: str, size: float, weight: float) -> None:
    assert view(size, kind)["standard"]["without"] == pytest.approx(size * weight)


def test_an_unrated_guarantor_brings_a_retail_loan_nothing() -> None:
    found = view(1e6, "farmer")  # the guarantor weighs 100 %, the loan 75 %
    assert found["guarantor_weight"] == 1.0 and found["standard"]["saved"] == 0.0


def test_the_irb_figure_is_that_of_the_published_grid_for_the_guarantors_pd() -> None:
    # corporate, LGD 40 %, PD 1 %: 82.06 % (Basel III table); no double default, so never below it
    found = view(relief=PROVED | {"pd": 0.01})
    assert found["irb"]["guarantor"] == pytest.approx(0.8206, abs=6e-5)
    assert found["irb"]["with"] <= found["irb"]["without"]
    assert view()["irb"]["with"] is None  # without its PD the figure stays open


@pytest.mark.parametrize("name", CONDITIONS)
def test_one_condition_that_does_not_hold_or_is_not_stated_is_enough(name: str) -> None:
    for said in (False, None):
        changed: dict[str, Any] = {"payout_cap": 0.05} if name == "uncapped" else {"relief": PROVED | {name: said}}
        found = view(**changed)
        assert not found["counted"] and found["conditions"][name] is (False if name == "uncapped" else said)


def test_terms_that_say_nothing_prove_nothing() -> None:
    assert not relief_view(book_of([1e6]), terms(), RULES)["counted"]


@settings(deadline=None)
@given(covered=st.floats(0.0, 1.0), guarantor=st.floats(0.0, 1.5), debtor=st.floats(0.0, 1.5), more=st.floats(0.0, 1.0))
def test_more_cover_never_weighs_more_and_never_less_than_the_guarantor(
    covered: float, guarantor: float, debtor: float, more: float
) -> None:
    parts = np.array([covered, min(1.0, covered + more)])
    first, second = substituted(parts, np.full(2, guarantor), np.full(2, debtor))
    assert second <= first + 1e-12 and min(guarantor, debtor) - 1e-12 <= second <= debtor + 1e-12


def test_the_loss_that_stays_with_the_bank_is_its_share() -> None:
    assert view()["house_lgd_after"] == pytest.approx(0.5 * 0.2)
