"""Which multiple a company may claim, weights by class, and the caps in weighted balance."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolio_cases import RULES, book_of, ledger_of, terms

from eco_credit.portfolio.limits import Caps, plan_limits
from eco_credit.portfolio.solvency import conditions_of, limits_of, multiple_of, weighting

ACCOUNTS = {"deposits": 1e9}


def book(farmers: int, others: int, *, other_size: float = 1.0) -> Any:
    kinds = ["farmer"] * farmers + ["enterprise"] * others
    return book_of([1e6] * farmers + [1e6 * other_size] * others, borrower_kind=kinds)


@pytest.mark.parametrize(
    ("farmers", "others", "size", "multiple"),
    [
        (4, 1, 1.0, 15.0),  # 80 % of clients and of balance: the limit is included
        (3, 1, 1.0, 10.0),  # 75 % of clients
        (4, 1, 4.0, 15.0),  # 50 % of balance
        (4, 1, 4.01, 10.0),  # less than half of the balance
    ],
)
def test_fifteen_times_holds_where_half_the_balance_and_four_fifths_of_the_clients_are_small(
    farmers: int, others: int, size: float, multiple: float
) -> None:
    assert multiple_of(book(farmers, others, other_size=size), terms(), RULES) == multiple


def test_a_company_that_does_not_claim_the_higher_multiple_has_ten() -> None:
    assert multiple_of(book(4, 0), terms(small_or_farm=False), RULES) == 10.0


def test_parts_of_the_whole_company_go_before_those_of_the_file() -> None:
    stated = terms(net_assets=1e8, company=ACCOUNTS | {"small_farm_client_share": 0.85})
    found = conditions_of(book(3, 1), stated, RULES)
    assert (found.clients, found.balance, found.met) == (0.85, 0.75, True)


def test_a_client_with_one_loan_that_is_not_small_is_not_counted_as_small() -> None:
    ledger = ledger_of(2, borrower_id=["x", "x"])
    mixed = book_of([1e6, 1e6], borrower_kind=["farmer", "enterprise"], ledger=ledger)
    assert conditions_of(mixed, terms(), RULES).clients == 0.0


def test_an_empty_file_has_no_parts_and_ten_times() -> None:
    empty = book_of([1.0], recommendation=["decline"])
    assert conditions_of(empty, terms(), RULES).balance is None and multiple_of(empty, terms(), RULES) == 10.0


def test_balance_outside_the_file_counts_in_the_multiple() -> None:
    agreed = terms(net_assets=1e8, company=ACCOUNTS | {"other_weighted_balance": 2e8})
    found = limits_of(book(4, 0), agreed, RULES)
    assert found is not None  # 40 % of four million at 75 % is 1.2 million
    assert found["weighted"] == 201_200_000.0 and found["leverage"] == pytest.approx(2.012)
    assert found["headroom"] == 1.5e9 - 201_200_000.0 and found["balance_ok"]


def test_a_company_whose_net_assets_are_all_stakes_has_no_multiple_and_no_room() -> None:
    found = limits_of(book(1, 0), terms(net_assets=5e6, stakes=5e6), RULES)
    assert found is not None and found["leverage"] is None and not found["balance_ok"] and not found["single_ok"]


@settings(deadline=None)
@given(sizes=st.lists(st.integers(1, 10**7), min_size=1, max_size=8))
def test_the_classes_of_the_weights_add_up_to_the_weighted_balance(sizes: list[int]) -> None:
    kinds = ["farmer" if i % 2 else "enterprise" for i in range(len(sizes))]
    loans = book_of([float(size) for size in sizes], borrower_kind=kinds)
    rows, limits = weighting(loans, terms(), RULES), limits_of(loans, terms(net_assets=1e9), RULES)
    assert limits is not None
    assert sum(row["weighted"] for row in rows) == pytest.approx(limits["weighted"], abs=0.05)
    assert sum(row["loans"] for row in rows) == len(sizes)


def test_weights_are_shown_by_class_with_their_loans() -> None:
    loans = book_of([5e6, 5e6 + 1, 2e6, 3e6], borrower_kind=["cooperative", "cooperative", "farmer", "farmer"],
                    ledger=ledger_of(4, guarantee_product=["loan", "loan", "loan", "housing"]))  # fmt: skip
    rows = {row["name"]: (row["loans"], row["weight"], row["weighted"]) for row in weighting(loans, terms(), RULES)}
    assert rows == {"small": (1, 0.75, 1.5e6), "farmer": (1, 0.75, 6e5), "other": (1, 1.0, 2_000_000.4),
                    "product:housing": (1, 0.30, 3.6e5)}  # fmt: skip


def test_a_plan_keeps_the_cap_of_a_client_inside_the_cap_of_its_group() -> None:
    client, group = (np.array(names, dtype=object) for names in (["a", "a", "b"], ["g", "g", "g"]))
    caps = Caps(np.array([10.0, 10.0, 10.0]), group, each=25.0, also=((client, 10.0),))
    plan = plan_limits(np.ones(3), np.zeros(3), 1.0, caps=caps)
    assert plan.granted[0] + plan.granted[1] == pytest.approx(1.0) and plan.granted[2] == pytest.approx(1.0)
    assert plan.gap == pytest.approx(0.0, abs=1e-9)
