"""Every limit beside its figure: what holds, what does not, what is not known, and its reason code."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from portfolio_cases import RULES, book_of, ledger_of, terms

from eco_credit.portfolio import portfolio_figures


def lines(book: Any, **changed: Any) -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in portfolio_figures(book, terms(**changed), rules=RULES).verdicts}


def test_a_book_within_its_limits_holds_them_all_and_says_what_is_not_known() -> None:
    found = lines(book_of([1e6] * 20), net_assets=1e8, company={"deposits": 1.2e8})
    assert {row["ok"] for name, row in found.items() if name != "counter"} == {True}
    assert found["counter"]["ok"] is None and found["counter"]["now"] is None  # the ledger holds no value
    assert {row["code"] for row in found.values()} == {None, "G05", "G06"}


def test_only_the_limit_that_breaks_carries_its_code() -> None:
    # one farmer of 40 million among small ones: borne 16 million, over 10 % and over 15 % of net assets of 100 million
    found = lines(book_of([4e7, 1e6, 1e6, 1e6, 1e6]), net_assets=1e8)
    assert [name for name, row in found.items() if row["code"] == "G02"] == ["single", "group"]
    assert found["leverage"]["ok"] and not found["single"]["ok"] and not found["small_ticket"]["ok"]
    assert found["single"]["now"] == pytest.approx(0.16) and found["single"]["limit"] == pytest.approx(0.10)


def test_a_call_rate_above_the_warning_line_is_g03() -> None:
    # PD 10 % and LGD 50 % are 5 % of the balance borne; the warning line is 80 % of a cap of 5 %
    found = lines(book_of([1e6], pd=[0.1]))
    assert found["payout_rate"] | {"name": ""} == {
        "name": "", "now": 0.05, "limit": 0.04, "kind": "max", "unit": "ratio", "ok": False, "code": "G03",
    }  # fmt: skip


def test_a_bank_that_bears_less_than_a_fifth_and_a_fee_above_the_policy_cap_do_not_hold() -> None:
    found = lines(book_of([1e6]), mode="own", split={"guarantor": 0.9, "bank": 0.1}, fee_rate=0.012)
    assert (found["bank_share"]["ok"], found["bank_share"]["code"], found["fee"]["ok"]) == (False, None, False)


def test_counter_guarantees_below_the_minimum_are_counted_with_g04() -> None:
    ledger = ledger_of(2, counter_guarantee=[0.0, np.nan])
    found = lines(book_of([6e6, 6e6], borrower_kind=["enterprise"] * 2, ledger=ledger))
    assert (found["counter"]["now"], found["counter"]["code"]) == (1, "G04")


def test_without_net_assets_no_limit_of_the_company_is_listed() -> None:
    assert not {"leverage", "single", "group", "class_one_min"} & set(lines(book_of([1e6])))


def test_an_empty_portfolio_knows_no_parts() -> None:
    found = lines(book_of([1.0], recommendation=["decline"]), net_assets=1e6)
    assert found["small_farm"]["ok"] is None and found["leverage"]["now"] == 0.0


def test_the_share_of_the_bank_is_that_of_the_loans_not_of_the_terms() -> None:
    # the terms say 20 %; half of the balance stands under an agreement that leaves the bank 10 %
    ledger = ledger_of(2, share_bank=[0.1, np.nan], share_direct=[0.9, np.nan])
    found = lines(book_of([1e6, 1e6], ledger=ledger))
    assert found["bank_share"]["now"] == pytest.approx(0.15) and not found["bank_share"]["ok"]


@pytest.mark.parametrize(
    ("net_assets", "kinds", "shown", "leverage_ok"),
    [
        (1e8, ["enterprise"] * 4, False, True),  # far below ten times: whether fifteen holds decides nothing
        (1.2e5, ["enterprise"] * 4, True, False),  # 1.6 million borne is 13 times: the conditions would be needed
        (1e5, ["farmer"] * 4, True, True),  # 1.2 million weighted is 12 times, and they are met
    ],
)
def test_the_conditions_of_fifteen_times_are_listed_where_they_decide(
    net_assets: float, kinds: list[str], shown: bool, leverage_ok: bool
) -> None:
    found = lines(book_of([1e6] * 4, borrower_kind=kinds), net_assets=net_assets)
    assert ("higher_clients" in found) is shown and found["leverage"]["ok"] is leverage_ok
