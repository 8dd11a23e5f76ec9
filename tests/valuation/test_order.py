"""Orders: what the pledge is in law, the waterfall in its order, both sides of each jump, the two legs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pledge_tables import GOOD, appraised, codes, haircut, step

from eco_credit.rulebook import load, references
from eco_credit.valuation.borrowing_base import STEPS
from eco_credit.valuation.kinds.order import KIND

M = 1_000_000.0


def order(**changed: object) -> dict[str, Any]:
    return {"amount": 1 * M} | changed


def flags(values: Any, row: int = 0) -> set[str]:
    return {flag.name for flag, raised in values.flags if raised[row]}


# --- the waterfall ----------------------------------------------------------------------------------------------


def test_cash_received_and_deposits_come_off_first() -> None:
    assert step(appraised("order", order(paid=0.2 * M, deposit=0.1 * M)), "owed") == pytest.approx(0.7 * M)


@pytest.mark.parametrize(("past_due", "left"), [(60.0, 1 * M), (61.0, 0.0)])
def test_a_claim_more_than_sixty_days_past_due_leaves_the_base(past_due: float, left: float) -> None:
    assert step(appraised("order", order(past_due=past_due)), "aged_out") == left


@pytest.mark.parametrize(("due", "left"), [("2026-09-24", 1 * M), ("2026-09-23", 0.0)])  # 60 and 61 days ago
def test_a_claim_past_due_by_its_own_dates_leaves_the_base_whatever_is_stated(due: str, left: float) -> None:
    values = appraised("order", order(invoice_on="2026-09-01", due_on=due, past_due=0.0))
    assert step(values, "aged_out") == left
    assert flags(values) == {"past_due_by_dates"}


@pytest.mark.parametrize(
    ("invoice", "due", "left"),
    [
        ("2026-08-25", None, 1 * M),  # 90 days old, no terms known: still in
        ("2026-08-24", None, 0.0),  # 91 days old
        ("2026-07-31", "2026-09-24", 1 * M),  # 115 days old; 55 agreed and 60 on top are 115
        ("2026-07-31", "2026-09-23", 0.0),  # 54 agreed and 60 on top are 114
        ("2026-08-24", "2026-12-31", 1 * M),  # long terms: 129 days agreed, and 60 on top
    ],
)
def test_an_old_invoice_leaves_the_base_unless_long_terms_were_agreed(
    invoice: str, due: str | None, left: float
) -> None:
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


def test_cash_not_applied_and_contra_are_spread_over_the_orders_of_the_buyer_once() -> None:
    rows = (order(unapplied=0.4 * M, contra=0.2 * M), order(amount=3 * M, unapplied=0.4 * M, contra=0.2 * M))
    values = appraised("order", *rows, application_row=0.0)
    # 4 M owed; 0.4 M is stated on both rows and taken once: 0.9 and 2.7; of 3.6 M a contra of 0.2 M leaves 17/18
    assert step(values, "unapplied_out", 0) == pytest.approx(0.9 * M)
    assert step(values, "contra_out", 0) == pytest.approx(0.85 * M)
    assert step(values, "contra_out", 1) == pytest.approx(2.55 * M)


@pytest.mark.parametrize("change", [{"foreign_buyer": True}, {"currency": "USD"}])
def test_a_foreign_buyer_or_currency_leaves_the_base(change: dict[str, object]) -> None:
    values = appraised("order", order(**change))
    assert step(values, "related_out") == 1 * M and step(values, "foreign_out") == values.lending_value[0] == 0.0


def test_a_claim_by_progress_of_work_leaves_the_base() -> None:
    assert step(appraised("order", order(progress_billing=True)), "government_out") == 0.0


def test_the_steps_come_in_the_stated_order_in_both_methods() -> None:
    for approach in KIND.approaches:
        assert tuple(found.figure for found in approach.steps)[: len(STEPS) - 1] == STEPS[1:]


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
    two = appraised(
        "order", order(buyer_rating=3), order(order_no="D-2", buyer_id="B-2", buyer_rating=4), application_row=0.0
    )
    assert two.lending_value[0] >= one.lending_value[0] > 0.0


def test_an_order_whose_amount_is_unknown_takes_nothing_from_the_others() -> None:
    unknown = order(amount=None, order_no="D-2")
    values = appraised("order", order(), unknown, application_row=0.0)
    assert values.central.tolist() == [1 * M, 0.0]
    assert codes(values.gates, 1) == {"D02"}


def test_a_government_claim_needs_a_controlled_account() -> None:
    assert appraised("order", order(buyer_kind="government")).central[0] == 0.0
    closed = appraised("order", order(buyer_kind="government"), control_account=1.0)
    assert closed.central[0] == 1 * M
    assert haircut(closed, "government_payer") == pytest.approx(0.05)


# --- stage, performance, goods ----------------------------------------------------------------------------------


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


def test_insurance_halves_the_performance_loss_and_the_bad_year() -> None:
    bare, insured = (appraised("order", order(stage="signed", crop_insurance=yes)) for yes in (False, True))
    assert insured.central[0] == pytest.approx(0.8 * M * 0.94)
    for values, kept in ((bare, 0.8), (insured, 0.9)):  # the whole or half of the fifth a drought takes
        assert values.appraisal.stress["drought"][0] == pytest.approx(values.central[0] * kept)


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


def test_goods_not_yet_shipped_count_by_the_leg_that_lends_more() -> None:
    goods = {"stage": "framework", "inventory_cost": 1 * M, "inventory_nolv": 0.5 * M}
    with_claim, without = (appraised("order", order(past_due=late, **goods)) for late in (0.0, 61.0))
    # claim 0.24 x 0.50 and 0.26 of goods x 0.85 are 0.341; all goods x 0.85 are 0.425, with or without the claim
    assert with_claim.lending_value[0] == pytest.approx(0.425 * M) == pytest.approx(without.lending_value[0])


def test_reserves_lower_the_base_and_not_the_value() -> None:
    plain, held = (appraised("order", order(reserves=r)) for r in (None, 0.1 * M))
    assert held.central[0] == plain.central[0] == 1 * M
    assert held.recovery_central[0] == plain.recovery_central[0]
    assert held.lending_value[0] == pytest.approx(0.75 * M)  # 0.85 - 0.10
    assert appraised("order", order(reserves=0.9 * M)).lending_value[0] == 0.0


def test_a_price_fall_moves_the_goods_in_full_and_an_agreed_price_in_part_before_delivery_only() -> None:
    invoiced = appraised("order", order(inventory_cost=1 * M))
    assert invoiced.appraisal.stress["price_20"][0] == pytest.approx(1.8 * M)  # goods lose a fifth, the claim nothing
    signed = appraised("order", order(stage="signed"))
    assert signed.appraisal.stress["price_20"][0] == pytest.approx(0.9 * signed.central[0])  # half of a fifth


def test_a_buyer_that_pays_half_halves_the_claim() -> None:
    assert appraised("order", order()).appraisal.stress["buyer_default"][0] == pytest.approx(0.5 * M)


# --- what it is in law ------------------------------------------------------------------------------------------

CLAIM = {"claim_kind": "receivable", "confirm_channel": "online", "zd_expires_on": "2029-11-23", "currency": "CNY"}


def test_a_registered_confirmed_invoiced_receivable_is_valued_net_of_the_expected_loss_on_its_buyer() -> None:
    values = appraised("order", order(buyer_rating=4, **CLAIM), control_account=0.0)
    assert values.approach[0] == "receivable"
    # a buyer of rating 4 may make up a quarter of the book; 3 % expected loss, in the value and not again as a haircut
    assert values.central[0] == pytest.approx(0.25 * M * 0.97)
    assert haircut(values, "buyer_credit") == 0.0
    assert values.lending_value[0] == pytest.approx(0.25 * M * 0.97 * 0.85)
    assert appraised("order", order(buyer_rating=4)).lending_value[0] == pytest.approx(values.lending_value[0])


@pytest.mark.parametrize("change", [{"claim_kind": None}, {"claim_kind": "order"}, {"stage": "shipped"}])
def test_all_else_is_valued_as_an_order(change: dict[str, object]) -> None:
    assert appraised("order", order(**(CLAIM | change))).approach[0] == "borrowing_base"


@pytest.mark.parametrize(
    ("kind", "stage", "refused"),
    [
        ("order", "signed", True),
        ("order", "invoiced", True),
        ("sale_contract", "deposit_paid", True),
        ("receivable", "signed", True),  # a receivable still to be earned
        ("receivable", "invoiced", False),
        (None, "signed", False),  # the paper does not say: a condition of the payout
    ],
)
def test_money_still_to_be_earned_needs_a_controlled_account(kind: str | None, stage: str, refused: bool) -> None:
    row = order(stage=stage, claim_kind=kind)
    open_, closed = appraised("order", row), appraised("order", row, control_account=1.0)
    assert codes(open_.gates) == ({"O14"} if refused else set())
    assert "control_account" in codes(open_.conditions)
    assert codes(closed.gates) == codes(closed.conditions) == set()


@pytest.mark.parametrize(("kind", "refused"), [("order", True), ("receivable", True), (None, False)])
def test_a_stated_claim_needs_its_registration(kind: str | None, refused: bool) -> None:
    values = appraised("order", order(claim_kind=kind, registered=False), control_account=1.0)
    assert codes(values.gates) == ({"O15"} if refused else set())


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"buyer_confirmed": False}, "O01"),
        ({"confirm_channel": "none"}, "O01"),
        ({"assignable": False}, "O02"),
        ({"charge_rank": 2}, "O03"),
        ({"prior_registration": True}, "O03"),
        ({"related": True}, "O10"),
        ({"disputed": True}, "C05"),
        ({"sealed": True}, "C05"),
        ({"paid": 1.1 * M}, "D03"),
        ({"zd_expires_on": "2027-11-22"}, "O16"),
        ({"zd_query_on": "2026-10-23"}, "O17"),
        ({"stage": "signed", "due_on": "2026-11-22"}, "O13"),
        ({"stage": "deposit_paid", "delivery_on": "2026-09-23"}, "O13"),
    ],
)
def test_a_gate_refuses_whatever_the_value(change: dict[str, object], code: str) -> None:
    bad = appraised("order", order(**change))
    assert codes(bad.gates) == {code}
    assert not bad.eligible[0] and bad.lending_value[0] == bad.recovery_high[0] == 0.0


@pytest.mark.parametrize(
    "change",
    [
        {"zd_expires_on": "2027-11-23"},  # the day the loan of twelve months falls due
        {"zd_query_on": "2026-10-24"},  # 30 days ago
        {"stage": "signed", "due_on": "2026-11-23"},  # due today
        {"stage": "signed", "delivery_on": "2026-09-24"},  # 60 days late
        {"due_on": "2026-11-22"},  # invoiced and a day past due: the waterfall judges it
    ],
)
def test_the_day_before_a_gate_passes(change: dict[str, object]) -> None:
    assert codes(appraised("order", order(**change)).gates) == set()


def test_a_framework_agreement_is_adverse_and_no_refusal() -> None:
    values = appraised("order", order(stage="framework"))
    assert values.eligible[0] and "O06" in codes(values.reasons)


def test_every_gate_names_a_reference_of_the_rulebook() -> None:
    assert {gate.ref for gate in KIND.gates} | {approach.ref for approach in KIND.approaches} <= set(references())


# --- flags ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"quantity": 100.0, "unit_price": 10_200.0}, None),  # 1.96 % below quantity x price
        ({"quantity": 100.0, "unit_price": 10_210.0}, "amount_is_quantity_times_price"),  # 2.06 %
        ({"quantity": 50.0, "unit_price": 10_000.0}, "amount_is_quantity_times_price"),  # jin and kilogram
        ({"invoice_on": "2026-10-15", "due_on": "2027-01-13", "credit_days": 90.0}, None),
        ({"invoice_on": "2026-10-15", "due_on": "2027-01-18", "credit_days": 90.0}, None),  # 5 days off
        ({"invoice_on": "2026-10-15", "due_on": "2027-01-19", "credit_days": 90.0}, "due_by_credit_days"),
        ({"invoice_amount_ex_tax": 1 * M / 1.13}, None),
        ({"invoice_amount_ex_tax": 0.86 * M}, "ex_tax_amount"),  # 16 % between them
        ({"invoice_amount_ex_tax": 1.01 * M}, "ex_tax_amount"),
        ({"zd_query_on": "2026-10-23"}, "stale_query"),
        ({"currency": "USD"}, "currency"),
        ({"currency": "CNY"}, None),
    ],
)
def test_figures_that_contradict_one_another_are_flagged_by_the_name_of_the_rule(
    change: dict[str, object], flag: str | None
) -> None:
    assert flags(appraised("order", order(**change))) == ({flag} if flag else set())


def test_every_flag_and_haircut_reads_a_rule_that_exists() -> None:
    rules = load().at("2026-11-23")
    for rule in (*(flag.rule for flag in KIND.flags), *(cut.rule for cut in KIND.haircuts)):
        assert rules.rule(rule).zh


def test_punctual_trade_is_favourable_and_a_poor_record_is_not() -> None:
    assert "O12" in codes(appraised("order", order()).reasons)
    for poor in ({"on_time_share": 0.89}, {"months_traded": 5.0}):
        assert "O12" not in codes(appraised("order", order(**poor)).reasons)


def test_the_schedule_of_valuation_is_quarterly() -> None:
    due = appraised("order").revaluation.due_on
    np.testing.assert_array_equal(due, [np.datetime64("2027-02-23")])


def test_the_published_base_is_exact_to_the_cent() -> None:
    values = appraised("order", {"inventory_cost": 5 * M})
    assert GOOD["order"]["amount"] == 10 * M
    assert values.central[0] == pytest.approx(15 * M)
    assert round(float(values.lending_value[0]), 2) == 11_000_000.00  # 10 x 0.85 + 5 x 0.50
