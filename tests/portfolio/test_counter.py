"""Counter-guarantees against their minimum (G04)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolio_cases import RULES, book_of, ledger_of, terms
from units_check import check_units

from eco_credit.portfolio import portfolio_figures
from eco_credit.portfolio.counter import counter_view, shortfall

LARGE = [6e6, 6e6, 6e6, 1e6]
KINDS = ["enterprise", "enterprise", "enterprise", "farmer"]


def test_a_formula_keeps_the_units_it_declares() -> None:
    check_units(shortfall)


def test_loans_below_the_minimum_are_named_with_what_they_lack() -> None:
    # 40 % of six million is 2.4 million; 30 % of that 720 000
    ledger = ledger_of(4, counter_guarantee=[720_000.0, 500_000.0, np.nan, 0.0])
    book = book_of(LARGE, borrower_kind=KINDS, ledger=ledger)
    found = counter_view(book, terms(counter_guarantee_min=0.3), RULES)
    assert (found["asked"], found["known"], found["below"]) == (3, 2, 1)
    assert found["loans"] == [{"application_id": "L1", "borne": 2_400_000.0, "value": 500_000.0,
                               "ratio": pytest.approx(5 / 24), "short": 220_000.0}]  # fmt: skip
    assert (found["short"], found["below_borne"], found["borne"]) == (220_000.0, 2_400_000.0, 7_200_000.0)
    assert "G04" in portfolio_figures(book, terms(counter_guarantee_min=0.3), rules=RULES).notices


def test_small_firms_and_farmers_are_not_asked_and_what_is_unknown_is_not_judged() -> None:
    farmers = book_of([1e6], ledger=ledger_of(1, counter_guarantee=[0.0]))
    unknown = book_of([6e6], borrower_kind=["enterprise"])
    for book, asked in ((farmers, 0), (unknown, 1)):
        found = counter_view(book, terms(counter_guarantee_min=1.0), RULES)
        assert (found["asked"], found["below"]) == (asked, 0)
        assert "G04" not in portfolio_figures(book, terms(counter_guarantee_min=1.0), rules=RULES).notices


@settings(deadline=None)
@given(values=st.lists(st.floats(0.0, 1e7), min_size=1, max_size=6), low=st.floats(0.0, 1.0), more=st.floats(0.0, 1.0))
def test_a_higher_minimum_never_lacks_less(values: list[float], low: float, more: float) -> None:
    book = book_of([6e6] * len(values), borrower_kind=["enterprise"] * len(values),
                   ledger=ledger_of(len(values), counter_guarantee=values))  # fmt: skip
    first, second = (counter_view(book, terms(counter_guarantee_min=m), RULES) for m in (low, min(1.0, low + more)))
    assert second["short"] >= first["short"] and second["below"] >= first["below"]
