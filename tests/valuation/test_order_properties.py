"""What must hold for any book of orders: the oracle, conservation, directions, no trace of order or neighbours."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import order_oracle as oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pledge_tables import GOOD, appraised, columns, loans
from workings import shown_and_worked

from eco_credit.core.numbers import take
from eco_credit.rulebook import load
from eco_credit.valuation import PledgeValues, appraise_pledges
from eco_credit.valuation.borrowing_base import STEPS
from eco_credit.valuation.kinds.order import KIND
from eco_credit.valuation.kinds.order.facts import CUTS

Row = dict[str, Any]
RULES = load().at("2026-11-23")
rarely = st.sampled_from([False, False, False, True])
perhaps = lambda low, high: st.none() | amount(low, high)


def amount(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_subnormal=False).map(lambda x: round(x, 2))


ROW = st.fixed_dictionaries(
    {
        "claim_kind": st.sampled_from([None, "order", "receivable", "sale_contract"]),
        "stage": st.sampled_from(list(oracle.STAGES)),
        "buyer_id": st.sampled_from(["B-1", "B-2", "B-3"]),
        "buyer_kind": st.sampled_from(["core_enterprise", "government", "retailer", "other"]),
        "buyer_rating": st.integers(1, 5),
        "amount": amount(0, 1e8),
        "paid": st.just(0.0) | amount(0, 1e6),
        "deposit": st.just(0.0) | amount(0, 1e6),
        "unapplied": perhaps(0, 1e6),
        "contra": perhaps(0, 1e7),
        "past_due": st.sampled_from([0.0, 0.0, 0.0, 60.0, 61.0]),
        "invoice_on": st.sampled_from(["2026-08-24", "2026-08-25", "2026-10-15"]),
        "due_on": st.sampled_from(["2026-09-23", "2026-09-24", "2027-01-31"]),
        "related": rarely,
        "disputed": rarely,
        "foreign_buyer": rarely,
        "progress_billing": rarely,
        "currency": st.sampled_from([None, "CNY", "CNY", "USD"]),
        "returns_12m": amount(0, 1e6),
        "sales_12m": st.just(0.0) | amount(1, 1e7),
        "inventory_cost": perhaps(1, 1e7),
        "inventory_nolv": perhaps(1, 1e7),
        "crop_insurance": rarely,
        "reserves": perhaps(0, 1e6),
        "registered": st.booleans(),
        "buyer_confirmed": st.sampled_from([True, True, True, False]),
    }
)
accounts = st.sampled_from([0.0, 1.0])


def numbered(rows: list[Row]) -> list[Row]:
    """Each order with a number of its own: two of one number would be one pledge twice."""
    return [row | {"order_no": f"D-{place}"} for place, row in enumerate(rows)]


books = st.lists(ROW, min_size=1, max_size=8).map(numbered)


def figures(values: PledgeValues, name: str) -> np.ndarray:
    return values.appraisal.figure(name)


def base(values: PledgeValues) -> np.ndarray:
    """Lending value before the gates: the haircuts and the cap on the value."""
    left = values.central
    for cut in values.haircuts:
        left = left * (1.0 - cut.ratio)
    return np.minimum(left, values.cap * values.central)


@given(rows=books, account=accounts)
@settings(max_examples=200, deadline=None)
def test_the_book_comes_out_as_a_plain_loop_works_it(rows: list[Row], account: float) -> None:
    values = appraised("order", *rows, application_row=0.0, control_account=account)
    steps = oracle.eligible(rows, account=account == 1.0)
    for name, expected in zip(STEPS[1:], steps, strict=True):
        np.testing.assert_allclose(figures(values, name), expected, rtol=1e-9, atol=1e-4, err_msg=name)
    whole = [GOOD["order"] | row for row in rows]
    for place, (row, left) in enumerate(zip(whole, steps[-1], strict=True)):
        claim, goods = oracle.legs(row, left)
        assert values.central[place] == pytest.approx(claim + goods, rel=1e-9, abs=1e-4)
        expected = min(oracle.base(row, left), 0.85 * (claim + goods))
        assert base(values)[place] == pytest.approx(expected, rel=1e-9, abs=1e-4)
        assert values.lending_value[place] == (pytest.approx(base(values)[place]) if values.eligible[place] else 0.0)


@given(rows=books, account=accounts)
@settings(max_examples=100, deadline=None)
def test_what_is_owed_is_eligible_plus_what_was_taken_off_and_every_amount_is_in_order(
    rows: list[Row], account: float
) -> None:
    values = appraised("order", *rows, application_row=0.0, control_account=account)
    taken = [figures(values, f"{name}_excluded") for name in CUTS]
    assert all((cut >= 0.0).all() for cut in taken)
    np.testing.assert_allclose(figures(values, "owed"), figures(values, "eligible") + sum(taken), rtol=1e-12, atol=1e-6)
    assert (values.low <= values.central).all() and (values.central <= values.high).all()
    assert (values.lending_value <= values.cap * values.central * (1 + 1e-12)).all()
    for cut in values.haircuts:
        assert np.isfinite(cut.ratio).all() and ((cut.ratio >= 0.0) & (cut.ratio <= 1.0)).all(), cut.name
    for name, stressed in values.appraisal.stress.items():
        assert (stressed <= values.central * (1 + 1e-12)).all(), name


WORSE: tuple[Row, ...] = (
    {"past_due": 61.0},
    {"due_on": "2026-09-23", "invoice_on": "2026-07-01"},
    {"related": True},
    {"disputed": True},
    {"foreign_buyer": True},
    {"currency": "USD"},
    {"progress_billing": True},
    {"unapplied": 5e7},
    {"contra": 5e7},
    {"paid": 2e6},
    {"reserves": 2e6},
    {"buyer_rating": 5},
)


@pytest.mark.parametrize("worse", WORSE, ids=lambda change: next(iter(change)))
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_what_makes_an_order_less_eligible_never_raises_it_nor_the_book(worse: Row, data: st.DataObject) -> None:
    rows, account = data.draw(books), data.draw(accounts)
    changed = [rows[0] | worse, *rows[1:]]
    before, after = (
        appraised("order", *book, application_row=0.0, control_account=account) for book in (rows, changed)
    )
    loose = 1 + 1e-9
    assert figures(after, "eligible").sum() <= figures(before, "eligible").sum() * loose + 1e-4
    if worse.get("buyer_rating") is None or rows[0]["claim_kind"] != "receivable":
        assert after.central[0] <= before.central[0] * loose + 1e-4
    assert base(after)[0] <= base(before)[0] * loose + 1e-4


@given(rows=books, more=amount(0, 1e7), account=accounts)
@settings(max_examples=100, deadline=None)
def test_a_larger_order_is_never_worth_less_nor_lent_less_on(rows: list[Row], more: float, account: float) -> None:
    larger = [rows[0] | {"amount": rows[0]["amount"] + more}, *rows[1:]]
    before, after = (appraised("order", *b, application_row=0.0, control_account=account) for b in (rows, larger))
    for name in ("eligible", "claim", "right_value"):
        assert figures(after, name)[0] >= figures(before, name)[0] * (1 - 1e-9) - 1e-4, name
    assert base(after)[0] >= base(before)[0] * (1 - 1e-9) - 1e-4


def same(one: PledgeValues, many: PledgeValues, rows: np.ndarray) -> None:
    for name in ("low", "central", "high", "lending_value", "recovery_low", "recovery_high"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name)[rows], err_msg=name)
    for name in (*STEPS, *(f"{cut}_excluded" for cut in CUTS), "claim", "goods"):
        np.testing.assert_array_equal(figures(one, name), figures(many, name)[rows], err_msg=name)
    for first, second in zip(one.haircuts, many.haircuts, strict=True):
        np.testing.assert_array_equal(first.ratio, second.ratio[rows], err_msg=first.name)
    for (gate, first), (_, second) in zip(one.tests, many.tests, strict=True):
        np.testing.assert_array_equal(first, second[rows], err_msg=gate.en)


@given(rows=books, account=accounts, data=st.data())
@settings(max_examples=50, deadline=None)
def test_the_order_of_the_rows_changes_no_byte(rows: list[Row], account: float, data: st.DataObject) -> None:
    turned = np.array(data.draw(st.permutations(range(len(rows)))))
    table, book = columns("order", *rows), loans(len(rows), application_row=0.0, control_account=account)
    straight = appraise_pledges(KIND, table, loans=book, rules=RULES)
    same(appraise_pledges(KIND, take(table, turned), loans=take(book, turned), rules=RULES), straight, turned)


@given(rows=books, account=accounts)
@settings(max_examples=50, deadline=None)
def test_one_application_alone_gives_the_bytes_it_gives_among_many(rows: list[Row], account: float) -> None:
    table, book = columns("order", *rows), loans(len(rows), control_account=account)
    many = appraise_pledges(KIND, table, loans=book, rules=RULES)
    for place in range(len(rows)):
        index = np.array([place])
        same(appraise_pledges(KIND, take(table, index), loans=take(book, index), rules=RULES), many, index)


@given(rows=books, account=accounts)
@settings(max_examples=100, deadline=None)
def test_every_working_can_be_followed_with_a_calculator(rows: list[Row], account: float) -> None:
    values = appraised("order", *rows, application_row=0.0, control_account=account)
    for row in range(len(rows)):
        worked = shown_and_worked(values, row)
        assert {"owed", "claim", "right_value"} <= set(worked)
        for figure, (value, got) in worked.items():
            assert math.isclose(got, value, rel_tol=1e-9, abs_tol=2e-6), figure


def test_every_working_reads_figures_the_method_has_and_the_last_step_is_the_value_of_the_right() -> None:
    for row in ({}, {"claim_kind": "receivable"}):
        (part,) = appraised("order", row).appraisal.parts
        for step in part.approach.steps:
            assert set(step.reads) <= set(part.central), step.figure
    for approach in KIND.approaches:
        assert approach.steps[-1].figure == "right_value"
        assert len(approach.drivers) <= 10
        assert {"price", "collected"} <= set(approach.drivers)
    assert "performance" in KIND.approaches[0].drivers
