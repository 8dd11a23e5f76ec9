"""The figures of an appraisal are well-formed, inside their frame and to scale."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.reports.figures import HARMS, HELPS, LENDING
from eco_credit.reports.figures_appraisal import MOST_YEARS, Payment, Swing, by_year, cash_columns, tornado

amounts = st.floats(-1e10, 1e10, allow_nan=False).filter(lambda yuan: yuan == 0.0 or abs(yuan) > 0.01)
payments = st.lists(
    st.builds(Payment, st.floats(0, 80), st.floats(0.1, 60), amounts, st.text(max_size=30)), min_size=1, max_size=8
)


def boxes(svg: str, fill: str | None = None) -> list[tuple[float, float, float, float]]:
    found = [one for one in ElementTree.fromstring(svg).iter() if one.tag.endswith("rect")]
    kept = [one for one in found if fill is None or one.get("fill") == fill]
    return [(float(one.get("x", 0)), float(one.get("y", 0)), float(one.get("width", 0)), float(one.get("height", 0)))
            for one in kept]  # fmt: skip


def drawn(flows: list[Payment]) -> str:
    return cash_columns(flows, shown_top="<top>", year_word="&", title='"><script>')


@given(payments)
def test_payments_are_drawn_inside_their_frame_whatever_they_are_called(flows):
    flows = [Payment(one.year, one.years, one.amount, "".join(c for c in one.name if c.isprintable())) for one in flows]
    picture = drawn(flows)
    assert "<script" not in picture
    for x, y, width, height in boxes(picture):
        assert x >= 0 and x + width <= 441
        assert y >= 0 and y + height <= 126


@given(payments)
def test_what_is_paid_over_the_years_is_all_that_is_paid(flows):
    # a payment that begins within the years drawn and ends within them is there in full
    early = [one for one in flows if one.year < MOST_YEARS - 21]
    flows = [Payment(float(int(one.year)), min(one.years, 20.0), one.amount) for one in early]
    total = sum(received + spent for received, spent in by_year(flows))
    expected = sum(one.amount * one.years for one in flows)
    assert total == pytest.approx(expected, rel=1e-9, abs=1e-3)


def test_columns_are_to_scale():
    # 30 in, 10 out: of 96 units of height 72 above the line and 24 below it
    picture = drawn([Payment(0.0, 1.0, -10.0, "out"), Payment(5.0, 1.0, 30.0, "in")])
    assert [box[3] for box in boxes(picture, HELPS)] == [72.0]
    assert [box[3] for box in boxes(picture, HARMS)] == [24.0]


def test_a_payment_of_half_a_year_at_the_end_is_half_a_payment():
    assert by_year([Payment(2.0, 1.5, 8.0)]) == [(0.0, 0.0), (0.0, 0.0), (8.0, 0.0), (4.0, 0.0)]
    assert by_year([]) == []


@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=6), amounts)
def test_a_tornado_stays_inside_its_frame(ends, central):
    picture = tornado([Swing("<b>" * 9, low, high, "l", "h") for low, high in ends], central=central, title="t")
    assert "<b>" not in picture
    assert all(x >= 0 and x + width <= 441 for x, _, width, _ in boxes(picture))


def test_the_low_end_of_a_cost_lies_right_of_the_central_value():
    price = Swing("price", 80.0, 120.0, "", "")
    cost = Swing("cost", 110.0, 90.0, "", "")
    # both share an axis from 80 to 120; the orange low end of the price is left of the middle, that of the cost right
    (price_x, *_), (cost_x, *_) = boxes(tornado([price, cost], central=100.0, title="t"), LENDING)
    assert price_x < cost_x
    assert price_x == 92.0  # room for an amount at each end
