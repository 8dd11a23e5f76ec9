"""The borrowing base: the waterfall against a plain loop, what may and may not move it, and the known traps."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eco_credit.core.numbers import Columns, Floats
from eco_credit.valuation.appraisal import Figures
from eco_credit.valuation.borrowing_base import STEPS, exclusions, waterfall
from eco_credit.valuation.groups import group_numbers, total_of_group
from eco_credit.valuation.methods.order import (
    availability,
    borrowing_base,
    buyer_expected_loss,
    diluted_advance,
    dilution,
    inventory_base,
    kept,
    less_contra,
    net_base,
    order_base,
    within_concentration,
)

CROSS_AGE = 0.10
Row = dict[str, Any]
CLEAN: Row = {
    "book": 0, "buyer": "A", "amount": 100.0, "paid": 0.0, "deposit": 0.0, "unapplied": 0.0, "owed_to_buyer": 0.0,
    "aged": 0.0, "related": 0.0, "foreign": 0.0, "disputed": 0.0, "government": 0.0, "concentration": 1.0,
}


def row(**changed: Any) -> Row:
    return CLEAN | changed


def walked(rows: list[Row]) -> Figures:
    books = [one["book"] for one in rows]
    claims: Columns = {
        name: np.array([one[name] for one in rows], dtype=np.float64)
        for name in CLEAN if name not in ("book", "buyer")
    }
    buyer = group_numbers(books, [one["buyer"] for one in rows])
    return waterfall(claims, buyer=buyer, book=group_numbers(books), cross_age=CROSS_AGE)


def eligible(rows: list[Row]) -> float:
    return float(walked(rows)["concentrated"].sum())


def plain_loop(rows: list[Row]) -> list[list[Fraction]]:
    """Amount left of each claim after each step, in exact fractions, one buyer of one book at a time."""
    left = [[Fraction(one["amount"])] for one in rows]
    buyers: dict[tuple[int, str], list[int]] = {}
    for place, one in enumerate(rows):
        buyers.setdefault((one["book"], one["buyer"]), []).append(place)
        owed = left[place][0] - Fraction(one["paid"]) - Fraction(one["deposit"])
        left[place].append(owed if owed > 0 else Fraction(0))

    def set_off(places: list[int], name: str) -> None:
        total = sum((left[i][-1] for i in places), Fraction(0))
        remaining = max(Fraction(0), total - max(Fraction(rows[i][name]) for i in places))
        for i in places:
            left[i].append(left[i][-1] * remaining / total if total else left[i][-1])

    for places in buyers.values():
        set_off(places, "unapplied")
        total = sum((left[i][-1] for i in places), Fraction(0))
        late = sum((left[i][-1] for i in places if rows[i]["aged"]), Fraction(0))
        for i in places:
            left[i].append(Fraction(0) if rows[i]["aged"] else left[i][-1])
        for i in places:
            left[i].append(Fraction(0) if late > Fraction(CROSS_AGE) * total else left[i][-1])
        set_off(places, "owed_to_buyer")
        for name in ("related", "foreign", "disputed"):
            for i in places:
                left[i].append(Fraction(0) if rows[i][name] else left[i][-1])
        for i in places:
            left[i].append(left[i][-1] * (1 - Fraction(rows[i]["government"])))
    last = [one[-1] for one in left]
    for (book, _), places in buyers.items():
        whole = sum((last[i] for i, one in enumerate(rows) if one["book"] == book), Fraction(0))
        mine = sum((last[i] for i in places), Fraction(0))
        for i in places:
            cap = Fraction(rows[i]["concentration"]) * whole
            left[i].append(last[i] * min(Fraction(1), cap / mine) if mine else last[i])
    return left


cents = st.integers(1, 10**9).map(lambda n: n / 100)
flag = st.sampled_from([0.0, 0.0, 0.0, 1.0])


@st.composite
def books(draw: st.DrawFn, least: int = 1) -> list[Row]:
    limits = {name: draw(st.sampled_from([0.2, 0.25, 0.5, 1.0])) for name in "ABC"}
    contra = {name: draw(st.sampled_from([0.0, 0.0, 5000.0, 2e6])) for name in "ABC"}
    rows = []
    for _ in range(draw(st.integers(least, 8))):
        name, amount = draw(st.sampled_from("ABC")), draw(cents)
        rows.append(row(
            book=draw(st.integers(0, 1)), buyer=name, amount=amount, paid=draw(st.sampled_from([0.0, 0.0, amount / 4])),
            deposit=draw(st.sampled_from([0.0, amount / 8])), unapplied=draw(st.sampled_from([0.0, 1000.0])),
            owed_to_buyer=contra[name], aged=draw(flag), related=draw(flag), foreign=draw(flag), disputed=draw(flag),
            government=draw(st.sampled_from([0.0, 0.0, 0.5, 1.0])), concentration=limits[name],
        ))
    return rows


# --- against the loop -------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(books())
def test_the_waterfall_agrees_with_a_plain_loop_in_exact_fractions(rows: list[Row]) -> None:
    found, expected = walked(rows), plain_loop(rows)
    for step, name in enumerate(STEPS):
        np.testing.assert_allclose(
            found[name], [float(one[step]) for one in expected], rtol=1e-9, atol=1e-6, err_msg=name)


def test_one_book_worked_by_hand() -> None:
    rows = [
        row(buyer="A", amount=400.0, paid=40.0, deposit=10.0, concentration=0.5),  # owed 350
        row(buyer="A", amount=30.0, aged=1.0, concentration=0.5),  # 30 of 380 is 7.9 %: out alone
        row(buyer="B", amount=90.0, owed_to_buyer=60.0),  # 30 left after contra
        row(buyer="C", amount=80.0),
        row(buyer="C", amount=20.0, aged=1.0),  # 20 of 100 is above a tenth: takes the 80 with it
        row(buyer="D", amount=100.0, unapplied=25.0),  # 75
        row(buyer="E", amount=60.0, government=0.5),  # 30
        row(buyer="F", amount=70.0, related=1.0),
        row(buyer="G", amount=50.0, foreign=1.0),
        row(buyer="H", amount=10.0, disputed=1.0),
    ]
    left = walked(rows)
    totals = [float(left[name].sum()) for name in STEPS]
    # 910 | -50 | -25 | -50 (30 + 20) | -80 | -60 | -70 | -50 | -10 | -30 | A capped at 0.5 x (350+30+75+30) = 242.5
    assert totals == pytest.approx([910, 860, 835, 785, 705, 645, 575, 525, 515, 485, 377.5])
    assert sum(float(off.sum()) for off in exclusions(left).values()) == pytest.approx(910 - 377.5)


# --- conservation and direction ---------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None)
@given(books())
def test_gross_is_eligible_plus_what_each_step_took_off_and_no_step_gives_anything_back(rows: list[Row]) -> None:
    left = walked(rows)
    off = exclusions(left)
    assert all((amount >= 0.0).all() for amount in off.values())
    parts = np.array([left["concentrated"], *off.values()])
    np.testing.assert_allclose(parts.sum(axis=0), left["gross"], rtol=1e-14, atol=1e-9)
    for before, after in pairwise(STEPS):
        assert (left[after] <= left[before]).all() and (left[after] >= 0.0).all(), after


@settings(max_examples=100, deadline=None)
@given(books(), st.randoms(use_true_random=False))
def test_neither_the_order_of_the_rows_nor_another_book_changes_a_byte(rows: list[Row], random: Any) -> None:
    left = walked(rows)["concentrated"]
    places = list(range(len(rows)))
    random.shuffle(places)
    assert walked([rows[i] for i in places])["concentrated"].tolist() == [left[i] for i in places]
    mine = [i for i, one in enumerate(rows) if one["book"] == rows[0]["book"]]
    assert walked([rows[i] for i in mine])["concentrated"].tolist() == [left[i] for i in mine]


SOUND = {"aged": 0.0, "related": 0.0, "foreign": 0.0, "disputed": 0.0, "government": 0.0}


@settings(max_examples=150, deadline=None)
@given(books(), st.integers(0, 7), st.floats(1.0, 3.0))
def test_a_larger_sound_claim_never_lowers_the_eligible_total(rows: list[Row], place: int, factor: float) -> None:
    place %= len(rows)
    rows[place] = rows[place] | SOUND
    larger = [*rows]
    larger[place] = rows[place] | {"amount": rows[place]["amount"] * factor}
    assert eligible(larger) >= eligible(rows) * (1 - 1e-12) - 1e-6


@settings(max_examples=150, deadline=None)
@given(books(), cents, st.sampled_from("ABCD"))
def test_adding_an_eligible_order_never_lowers_the_eligible_total(rows: list[Row], amount: float, name: str) -> None:
    same = next((one for one in rows if one["buyer"] == name and one["book"] == 0), row(buyer=name))
    new = row(buyer=name, amount=amount, concentration=same["concentration"], owed_to_buyer=same["owed_to_buyer"])
    assert eligible([*rows, new]) >= eligible(rows) * (1 - 1e-12) - 1e-6


@settings(max_examples=150, deadline=None)
@given(books(), cents, st.sampled_from(["related", "foreign", "disputed", "aged"]))
def test_adding_an_ineligible_order_never_raises_the_eligible_total(rows: list[Row], amount: float, why: str) -> None:
    new = row(buyer="D", amount=amount, **{why: 1.0})
    assert eligible([*rows, new]) <= eligible(rows) * (1 + 1e-12) + 1e-6


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("AB"), cents, st.sampled_from([0.5, 0.6, 0.85])), min_size=1, max_size=6),
    cents, st.sampled_from([0.5, 0.6, 0.85]),
)
def test_adding_an_eligible_order_lowers_the_base_by_no_more_than_its_buyers_fall_in_rate(
    orders: list[tuple[str, float, float]], amount: float, rate: float
) -> None:
    """A capped buyer is cut pro rata, so an order at a lower rate crowds out part of one at a higher rate.

    The fall is at most K (r - theta) a / (X + a): K the buyer's kept amount before, r its average rate, X its
    total, a and theta of the new order.
    """
    limits = {"A": 0.25, "B": 1.0}
    rows = [row(buyer=name, amount=one, concentration=limits[name]) for name, one, _ in orders]
    rates = np.array([one for *_, one in orders])
    left = walked(rows)["concentrated"]
    more = walked([*rows, row(buyer="A", amount=amount, concentration=0.25)])["concentrated"]
    mine = np.array([name == "A" for name, *_ in orders])
    total = float(np.where(mine, walked(rows)["government_out"], 0.0).sum())
    average = float((np.where(mine, walked(rows)["government_out"], 0.0) * rates).sum()) / total if total else 0.0
    fall = float(left[mine].sum()) * max(0.0, average - rate) * amount / (total + amount)
    before, after = float((left * rates).sum()), float((more * np.array([*rates, rate])).sum())
    assert after >= before - fall - 1e-9 * before - 1e-6


def test_an_order_at_a_low_rate_can_lower_the_base_of_a_capped_buyer() -> None:
    """So the bound above is needed: 25 at 0.85 becomes 12.5 at 0.85 and 12.5 at 0.50 when the cap stays at 25."""
    old = np.array([25.0]) * 0.85
    new = within_concentration(
        np.array([100.0, 100.0]), np.array([200.0, 200.0]), book_total=np.array([100.0, 100.0]), limit=np.array([0.25]))
    assert new.tolist() == [12.5, 12.5]
    assert float((new * np.array([0.85, 0.50])).sum()) == pytest.approx(16.875) and old[0] == pytest.approx(21.25)


# --- the order of the steps, and the base of the concentration ---------------------------------------------------


def test_the_order_of_the_steps_changes_the_answer() -> None:
    """Buyer A: 90 current, 9 late, the borrower owes it 50. Buyer B: 160. A is capped at 15 %."""
    rows = [row(amount=90.0, owed_to_buyer=50.0, concentration=0.15), row(amount=9.0, aged=1.0, owed_to_buyer=50.0,
            concentration=0.15), row(buyer="B", amount=160.0)]
    left = walked(rows)
    # late 9 of 99 is 9.1 %: A stays; contra 90 - 50 = 40; cap 0.15 x (40 + 160) = 30
    assert left["contra_out"].tolist() == pytest.approx([40.0, 0.0, 160.0])
    assert left["concentrated"].tolist() == pytest.approx([30.0, 0.0, 160.0])
    claims, late = np.array([90.0, 9.0]), np.array([False, True])
    # contra first lets the late claim absorb 50 x 9 / 99 of it: 90 x 49 / 99 = 44.5 stays instead of 40
    contra_first = kept(less_contra(claims, np.full(2, 99.0), owed_to_buyer=np.full(2, 50.0)), late)
    assert float(contra_first.sum()) == pytest.approx(90 * 49 / 99)
    # concentration first caps A at 0.15 x 259 = 38.85, then the contra of 50 leaves nothing
    capped = within_concentration(claims, np.full(2, 99.0), book_total=np.full(2, 259.0), limit=np.full(2, 0.15))
    assert float(capped.sum()) == pytest.approx(38.85)
    last = kept(capped, late)
    assert less_contra(last, np.full(2, float(last.sum())), owed_to_buyer=np.full(2, 50.0)).tolist() == [0.0, 0.0]


def test_the_late_part_is_measured_on_what_is_owed_and_not_on_the_orders_as_signed() -> None:
    rows = [row(amount=190.0, paid=110.0), row(amount=10.0, aged=1.0)]
    assert walked(rows)["cross_out"].tolist() == [0.0, 0.0]  # 10 of 90 is 11 %; 10 of 200 would be 5 %


def test_a_contra_before_the_age_test_could_hide_that_a_buyer_is_late() -> None:
    rows = [row(amount=85.0, owed_to_buyer=10.0), row(amount=15.0, aged=1.0, owed_to_buyer=10.0)]
    assert walked(rows)["cross_out"].tolist() == [0.0, 0.0]  # 15 of 100 late
    # a contra taken from the late invoice alone would show 5 of 90 late and let 85 stand
    assert 5.0 / 90.0 < CROSS_AGE < 15.0 / 100.0


def test_the_concentration_base_is_the_book_before_the_cut_because_repeating_the_cut_empties_small_books() -> None:
    four = [row(buyer=name, amount=100.0, concentration=0.2) for name in "ABCD"]
    assert eligible(four) == pytest.approx(320.0)  # 4 x min(100, 0.2 x 400)
    total = 400.0
    for _ in range(200):
        total = 4 * min(100.0, 0.2 * total)  # 320, 256, 204.8, ... : 0.8 of the last each time
    assert total < 1e-12
    five = [*four, row(buyer="E", amount=100.0, concentration=0.2)]
    assert eligible(five) == pytest.approx(500.0)


def test_after_the_cut_a_buyer_may_still_exceed_the_limit_of_what_is_left() -> None:
    left = walked([row(buyer="A", amount=900.0, concentration=0.5), row(buyer="B", amount=100.0)])["concentrated"]
    assert left.tolist() == pytest.approx([500.0, 100.0])
    assert left[0] / left.sum() == pytest.approx(5 / 6)


# --- after the waterfall -----------------------------------------------------------------------------------------


def test_ineligible_amounts_come_off_before_the_rate_and_reserves_after_it() -> None:
    gross, out, rate = np.array([100.0]), np.array([20.0]), np.array([0.85])
    nothing = np.zeros(1)
    assert borrowing_base(gross - out, rate, inventory=nothing)[0] == pytest.approx(68.0)  # (100 - 20) x 0.85
    trap = gross * rate - out
    assert trap[0] == pytest.approx(65.0)  # a calculator that deducts after the rate takes 3 too many
    base = net_base(borrowing_base(gross - out, rate, inventory=nothing), nothing, reserves=np.array([20.0]))
    assert base[0] == pytest.approx(48.0)  # a reserve of 20 costs 20, not 17


def test_reserves_above_the_base_leave_no_base_and_an_overdrawn_line_shows_as_below_zero() -> None:
    base = net_base(np.array([50.0]), np.array([10.0]), reserves=np.array([70.0]))
    assert base.tolist() == [0.0]
    assert availability(base, line=np.array([100.0]), drawn=np.array([30.0])).tolist() == [-30.0]


@given(st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0, 1e9), st.floats(0, 1e9))
def test_availability_never_passes_line_or_base(base: float, line: float, drawn: float, more: float) -> None:
    found = availability(np.array([base]), line=np.array([line]), drawn=np.array([drawn]))
    assert found[0] <= min(base, line)
    assert availability(np.array([base]), line=np.array([line]), drawn=np.array([drawn + more]))[0] <= found[0]


def test_the_whole_base_from_gross_to_availability() -> None:
    """68 of claims; dilution 8 % lowers 0.85 to 0.82; goods min(0.5 x 40, 0.85 x 20) = 17; reserves 5; line 75."""
    ratio = dilution(np.array([8.0]), np.array([100.0]))
    rate = diluted_advance(np.array([0.85]), ratio, tolerated=0.05)
    goods = inventory_base(np.array([40.0]), np.array([20.0]), cost_rate=0.5, liquidation_rate=0.85)
    base = net_base(np.array([80.0]) * rate, goods, reserves=np.array([5.0]))
    assert base[0] == pytest.approx(80 * 0.82 + 17 - 5)
    assert availability(base, line=np.array([75.0]), drawn=np.array([60.0]))[0] == pytest.approx(15.0)


def test_the_order_base_multiplies_every_chance_of_loss() -> None:
    loss = buyer_expected_loss(np.array([0.04]), np.array([0.5]))
    book = order_base(
        np.array([80.0, 100.0]), np.array([0.6, 0.7]), buyer_loss=np.repeat(loss, 2),
        performance_loss=np.array([0.12, 0.08]), dilution_ratio=np.array([0.05, 0.0]))
    # 80 x 0.6 x 0.98 x 0.88 x 0.95 + 100 x 0.7 x 0.98 x 0.92 x 1
    assert float(book.sum()) == pytest.approx(39.325440 + 63.112)


@given(st.integers(0, 4), st.floats(0, 1), st.floats(0, 1))
def test_the_order_base_falls_in_each_loss_and_rises_in_rate(which: int, low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)

    def base(value: float) -> float:
        parts: list[Floats] = [np.array([part]) for part in (100.0, 0.6, 0.1, 0.1, 0.1)]
        parts[which] = np.array([value])
        amount, rate, buyer_loss, performance_loss, ratio = parts
        return float(order_base(
            amount, rate, buyer_loss=buyer_loss, performance_loss=performance_loss, dilution_ratio=ratio)[0])

    assert base(low) <= base(high) if which < 2 else base(low) >= base(high)


def test_the_totals_of_a_buyer_stay_inside_its_book() -> None:
    rows = [row(book=0, buyer="A", owed_to_buyer=60.0), row(book=1, buyer="A")]
    assert walked(rows)["contra_out"].tolist() == pytest.approx([40.0, 100.0])
    assert total_of_group(np.array([1.0, 2.0]), group_numbers([0, 1])).tolist() == [1.0, 2.0]


@pytest.mark.shared
def test_a_ledger_of_a_hundred_customers_walks_through_the_loop_and_the_waterfall_alike(shared: Any) -> None:
    """A mechanical run on a sample ledger that may be fictional: its figures are evidence of nothing else."""
    pd = pytest.importorskip("pandas")
    ledger = pd.read_csv(shared / "data" / "ar_late_payment_ibm" / "accounts_receivable.csv.gz")
    day = pd.Timestamp("2013-03-01")
    dates = {name: pd.to_datetime(ledger[name]) for name in ("InvoiceDate", "DueDate", "SettledDate")}
    is_open = (dates["InvoiceDate"] <= day) & (dates["SettledDate"] > day)
    late = (day - dates["DueDate"]).dt.days > 10  # nothing in this ledger is 60 days late
    rows = [
        row(buyer=buyer, amount=amount, aged=float(aged), concentration=0.03)
        for buyer, amount, aged in zip(
            ledger["customerID"][is_open], ledger["InvoiceAmount"][is_open], late[is_open], strict=True)
    ]
    found, expected = walked(rows), plain_loop(rows)
    assert len(rows) > 50
    for step, name in enumerate(STEPS):
        np.testing.assert_allclose(found[name], [float(one[step]) for one in expected], rtol=1e-9, err_msg=name)
    totals = [float(found[name].sum()) for name in ("owed", "aged_out", "cross_out", "concentrated")]
    assert all(after < before for before, after in pairwise(totals)), totals  # every step has something to take
