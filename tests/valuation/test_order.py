"""Orders: the waterfall in its order, both sides of each jump, the two legs."""

from __future__ import annotations

import pytest
from pledge_tables import appraised, codes, haircut, step

M = 1_000_000.0


def order(**changed: object) -> dict[str, object]:
    return {"amount": 1 * M} | changed


def test_cash_received_and_deposits_come_off_first() -> None:
    assert step(appraised("order", order(paid=0.2 * M, deposit=0.1 * M)), "owed") == pytest.approx(0.7 * M)


@pytest.mark.parametrize(("past_due", "left"), [(60.0, 1 * M), (61.0, 0.0)])
def test_a_claim_more_than_sixty_days_past_due_leaves_the_base(past_due: float, left: float) -> None:
    assert step(appraised("order", order(past_due=past_due)), "aged_out") == left


@pytest.mark.parametrize(
    ("invoice", "due", "left"),
    [
        ("2026-08-25", "2026-09-01", 1 * M),  # 90 days old: still in
        ("2026-08-24", "2026-09-01", 0.0),  # 91 days old
        ("2026-08-24", "2026-12-31", 1 * M),  # long terms: 129 days agreed, and 60 on top
    ],
)
def test_an_old_invoice_leaves_the_base_unless_long_terms_were_agreed(invoice: str, due: str, left: float) -> None:
    assert step(appraised("order", order(invoice_on=invoice, due_on=due)), "aged_out") == left


@pytest.mark.parametrize(("late", "left"), [(0.1 * M, 0.9 * M), (0.1001 * M, 0.0)])
def test_a_buyer_aged_above_a_tenth_leaves_the_base_with_all_its_claims(late: float, left: float) -> None:
    values = appraised("order", order(amount=1 * M - late), order(amount=late, past_due=61.0), application_row=0.0)
    assert step(values, "cross_out", 0) == pytest.approx(left)


def test_cross_age_stays_within_one_application_and_one_buyer() -> None:
    rows = (order(), order(past_due=90.0))
    apart = appraised("order", *rows, application_row=[0.0, 1.0])
    assert step(apart, "cross_out", 0) == 1 * M
    other_buyer = appraised("order", rows[0], rows[1] | {"buyer_id": "B-2"}, application_row=0.0)
    assert step(other_buyer, "cross_out", 0) == 1 * M


def test_the_steps_come_in_the_stated_order() -> None:
    codes_in_order = [found.code for found in appraised("order").steps]
    assert codes_in_order[:7] == [
        "owed",
        "aged_out",
        "cross_out",
        "related_out",
        "disputed_out",
        "government_out",
        "concentrated",
    ]


def test_a_weak_buyer_may_not_make_up_the_whole_book() -> None:
    rows = (order(buyer_rating=5), order(amount=4 * M, buyer_id="B-2", buyer_rating=1))
    values = appraised("order", *rows, application_row=0.0)
    assert step(values, "concentrated", 0) == pytest.approx(1 * M)  # 20 % of 5 million: just inside
    values = appraised("order", order(buyer_rating=5, amount=2 * M), rows[1], application_row=0.0)
    assert step(values, "concentrated", 0) == pytest.approx(1.2 * M)  # 20 % of 6 million


def test_a_controlled_account_lifts_the_limit_for_a_sound_buyer_only() -> None:
    for rating, left in ((3, 1 * M), (4, 0.25 * M)):
        values = appraised("order", order(buyer_rating=rating), control_account=1.0)
        assert step(values, "concentrated") == pytest.approx(left)


def test_adding_an_order_never_lowers_what_the_others_carry() -> None:
    one = appraised("order", order(buyer_rating=3), application_row=0.0)
    two = appraised("order", order(buyer_rating=3), order(buyer_id="B-2", buyer_rating=4), application_row=0.0)
    assert two.lending_value[0] >= one.lending_value[0]


def test_a_government_claim_needs_a_controlled_account() -> None:
    assert appraised("order", order(buyer_kind="government")).central[0] == 0.0
    closed = appraised("order", order(buyer_kind="government"), control_account=1.0)
    assert closed.central[0] == 1 * M
    assert haircut(closed, "government_payer") == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("stage", "factor", "loss", "advance"),
    [
        ("framework", 0.3, 0.20, 0.50),
        ("signed", 0.8, 0.12, 0.60),
        ("deposit_paid", 1.0, 0.08, 0.70),
        ("shipped", 1.0, 0.02, 0.80),
        ("invoiced", 1.0, 0.0, 0.85),
    ],
)
def test_each_stage_counts_by_its_factor_its_performance_loss_and_its_advance(
    stage: str, factor: float, loss: float, advance: float
) -> None:
    values = appraised("order", order(stage=stage))
    assert values.central[0] == pytest.approx(1 * M * factor * (1 - loss))
    assert values.lending_value[0] == pytest.approx(values.central[0] * advance)


def test_insurance_halves_the_performance_loss() -> None:
    assert appraised("order", order(stage="signed", crop_insurance=True)).central[0] == pytest.approx(0.8 * M * 0.94)


@pytest.mark.parametrize(("returned", "advance"), [(0.05, 0.85), (0.08, 0.82)])
def test_dilution_above_five_percent_lowers_the_advance_point_for_point(returned: float, advance: float) -> None:
    values = appraised("order", order(returns_12m=returned * M, sales_12m=1 * M))
    assert values.lending_value[0] == pytest.approx(1 * M * advance)


def test_goods_take_the_lower_of_cost_and_liquidation_advance() -> None:
    cost_binds = appraised("order", order(amount=0.0, inventory_cost=1 * M, inventory_nolv=0.9 * M))
    sale_binds = appraised("order", order(amount=0.0, inventory_cost=1 * M, inventory_nolv=0.4 * M))
    assert cost_binds.lending_value[0] == pytest.approx(0.5 * M)  # min(0.50 x 1.0, 0.85 x 0.9)
    assert sale_binds.lending_value[0] == pytest.approx(0.34 * M)  # min(0.50 x 1.0, 0.85 x 0.4)


def test_goods_not_yet_shipped_are_not_counted_beside_the_order_they_fill() -> None:
    signed = appraised("order", order(stage="deposit_paid", inventory_cost=0.5 * M))
    assert step(signed, "goods") == 0.0
    assert signed.central[0] == pytest.approx(0.92 * M)
    more = appraised("order", order(stage="deposit_paid", inventory_cost=1.5 * M))
    assert more.central[0] == pytest.approx(1.5 * M)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"buyer_confirmed": False}, "O01"),
        ({"assignable": False}, "O02"),
        ({"charge_rank": 2}, "O03"),
        ({"related": True}, "O10"),
        ({"disputed": True}, "C05"),
        ({"sealed": True}, "C05"),
        ({"paid": 1.1 * M}, "D03"),
    ],
)
def test_a_gate_refuses_whatever_the_value(change: dict[str, object], code: str) -> None:
    bad = appraised("order", order(**change))
    assert codes(bad.gates) == {code}
    assert not bad.eligible[0] and bad.lending_value[0] == bad.recovery_high[0] == 0.0
