"""Calls, releases and subrogation of past years from the ledger."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolio_cases import book_of, ledger_of

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import Columns
from eco_credit.portfolio import experience

DAYS = ("released_on", "called_on")


def kept(**columns: list[object]) -> Columns:
    """A ledger of past rows; what is not named is unknown."""
    count = len(next(iter(columns.values())))
    found = ledger_of(count)
    for name in ("guarantee_amount", "called_amount", "subrogated_cash", *DAYS):
        blank: object = "NaT" if name in DAYS else np.nan
        kind = "datetime64[D]" if name in DAYS else np.float64
        found[name] = np.array(columns.get(name, [blank] * count), dtype=kind)
    return found


def test_the_call_rate_of_a_year_is_calls_over_what_was_released() -> None:
    ledger = kept(
        guarantee_amount=[1e6, 1e6, 2e6, 5e5], released_on=["2025-03-01", "2025-12-31", "2026-01-01", "NaT"],
        called_on=["NaT", "2025-12-30", "NaT", "2026-05-01"], called_amount=[np.nan, 4e5, np.nan, 1e5],
        subrogated_cash=[np.nan, 1e5, np.nan, 0.0],
    )  # fmt: skip
    first, second = experience(ledger)
    # 2025: two guarantees of a million released, 400 000 called, a quarter of it got back
    assert (first["year"], first["released"], first["calls"], first["called"]) == (2025, 2e6, 1, 4e5)
    assert (first["call_rate"], first["subrogation_rate"]) == (0.2, 0.25)
    assert (second["call_rate"], second["subrogation_rate"]) == (0.05, 0.0)


def test_a_year_with_calls_and_no_release_has_no_rate() -> None:
    (found,) = experience(kept(called_on=["2026-05-01"], called_amount=[1e5]))
    assert found["call_rate"] is None and found["called"] == 1e5


@pytest.mark.parametrize(
    ("columns", "field"),
    [
        ({"called_on": ["2026-05-01"]}, "called_on"),
        ({"called_amount": [5.0]}, "called_on"),
        ({"subrogated_cash": [5.0]}, "subrogated_cash"),
    ],
)
def test_a_call_that_contradicts_itself_is_named_by_row(columns: dict[str, list[object]], field: str) -> None:
    with pytest.raises(ContractError) as refused:
        experience(kept(**columns))
    assert (refused.value.violations[0].field, refused.value.violations[0].row) == (field, 1)


def test_no_ledger_and_no_history_give_no_years() -> None:
    assert experience({}) == [] and experience(kept(guarantee_amount=[1.0])) == []


def test_a_guarantee_that_ended_is_no_longer_in_the_portfolio() -> None:
    book = book_of([1e6, 2e6], ledger=ledger_of(2) | {"released_on": np.array(["2026-01-01", "NaT"], "datetime64[D]")})
    assert book.application_id.tolist() == ["L1"] and book.released == 1


@settings(deadline=None)
@given(order=st.permutations(range(6)), calls=st.lists(st.integers(0, 10**6), min_size=6, max_size=6))
def test_the_years_do_not_depend_on_the_order_of_the_rows(order: list[int], calls: list[int]) -> None:
    rows = {
        "guarantee_amount": [1e6 * (i + 1) for i in range(6)],
        "released_on": [f"202{4 + i % 2}-06-30" for i in range(6)],
        "called_on": [f"202{4 + i % 2}-06-30" if calls[i] else "NaT" for i in range(6)],
        "called_amount": [float(calls[i]) if calls[i] else np.nan for i in range(6)],
    }
    moved = {name: [values[i] for i in order] for name, values in rows.items()}
    assert experience(kept(**rows)) == experience(kept(**moved))
