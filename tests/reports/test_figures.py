"""Figures are well-formed SVG that keeps its proportions and stays inside its frame."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from eco_credit.reports.figures import Bar, Mark, contribution_bars, value_range

amounts = st.floats(0, 1e12, allow_nan=False)


def boxes(svg: str) -> list[tuple[float, float]]:
    root = ElementTree.fromstring(svg)
    found = [one for one in root.iter() if one.tag.endswith("rect")]
    return [(float(one.get("x", "0")), float(one.get("width", "0"))) for one in found]


@given(st.lists(amounts, min_size=4, max_size=4))
def test_a_range_is_well_formed_and_inside_its_frame(values):
    low, central, high = sorted(values[:3])
    drawn = value_range(
        Mark(low, "low", "a"), Mark(central, "central", "b"), Mark(high, "high", "c"),
        lending=Mark(values[3], "lending", "d"), title="t",
    )
    assert all(x >= 0 and x + width <= 441 for x, width in boxes(drawn))


def test_a_band_is_drawn_to_scale():
    # 25 to 75 of an axis that ends at 75 * 1.02: the band is 50 / 76.5 of 432 px = 282.4 px
    drawn = value_range(Mark(25, "l", ""), Mark(50, "c", ""), Mark(75, "h", ""), lending=None, title="t")
    assert boxes(drawn)[1][1] == 282.4


@given(st.lists(st.tuples(st.floats(-500, 500, allow_nan=False), st.booleans()), max_size=8))
def test_bars_against_the_loan_lie_left_and_bars_for_it_right(sizes):
    drawn = contribution_bars([Bar(size, "n", "s", harms) for size, harms in sizes], title="t")
    for (x, width), (_, harms) in zip(boxes(drawn), sizes, strict=True):
        assert (x <= 220.05 if harms else x >= 219.95), (x, width)


def test_words_in_a_figure_are_escaped():
    drawn = contribution_bars([Bar(1, "<script>", "&", True)], title='"><script>')
    assert "<script" not in drawn
    assert re.search("&lt;script&gt;", drawn)
    ElementTree.fromstring(drawn)
