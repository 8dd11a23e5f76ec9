"""Slope, upslope area and LS against closed forms, hand-made grounds and a published reference."""

from __future__ import annotations

import numpy as np
import pytest
from gep_spatial.worlds import rules
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.gep.spatial.slope_length import (
    DEFINITIONS,
    Ground,
    desmet_govers,
    desmet_govers_capped,
    exponent,
    ground,
    invest,
    moore_burch,
    steepness,
)
from eco_credit.gep.spatial.terrain import horn, upslope_area

ONE = np.full((10, 1), 30.0)


def cells(rise, entering, side=30.0, across=1.0):
    shape = np.broadcast(np.asarray(rise, float), np.asarray(entering, float)).shape
    return Ground(*(np.broadcast_to(np.asarray(v, float), shape) for v in (rise, across, entering, side)))


@given(east=st.floats(-2.0, 2.0), south=st.floats(-2.0, 2.0), level=st.floats(-100.0, 5000.0))
def test_a_plane_has_its_own_slope_in_every_cell_the_rim_included(east, south, level):
    rows, columns = np.mgrid[0:10, 0:10] * 30.0
    gx, gy = horn(level + east * columns + south * rows, ONE, ONE)
    np.testing.assert_allclose(gx, east, atol=1e-9)
    np.testing.assert_allclose(gy, south, atol=1e-9)


def test_horn_by_hand():
    """a b c / d e f / g h i = 1..9 on cells of 1 m: gx = ((3+12+9)-(1+8+7))/8 = 1, gy = ((7+16+9)-(1+4+3))/8 = 3."""
    height = np.arange(1.0, 10.0).reshape(3, 3)
    gx, gy = horn(height, np.ones((3, 1)), np.ones((3, 1)))
    assert (gx[1, 1], gy[1, 1]) == (1.0, 3.0)


def test_an_unknown_height_has_an_unknown_slope_and_leaves_its_neighbours_theirs():
    rows, columns = np.mgrid[0:5, 0:5] * 30.0
    height = 0.5 * columns + 0.1 * rows
    height[2, 2] = np.nan
    gx, _ = horn(height, ONE[:5], ONE[:5])
    assert np.isnan(gx[2, 2])
    np.testing.assert_allclose(gx[~np.isnan(gx)], 0.5)


def test_a_ramp_gathers_one_cell_after_another():
    ramp = np.arange(9.0, -1.0, -1.0)[None, :]
    assert upslope_area(ramp, ONE[:1], ONE[:1], steps=50)[0].tolist() == [900.0 * i for i in range(10)]


def test_the_path_followed_upslope_is_bounded():
    ramp = np.arange(9.0, -1.0, -1.0)[None, :]
    assert upslope_area(ramp, ONE[:1], ONE[:1], steps=3)[0].max() == 2700.0


def test_every_cell_of_a_cone_drains_to_its_foot():
    """All cells but the pit drain somewhere, so the pit gathers the whole ground: 99 cells."""
    rows, columns = np.mgrid[0:10, 0:10]
    bowl = np.hypot(rows - 4.0, columns - 4.0)
    assert upslope_area(bowl, ONE, ONE, steps=50)[4, 4] == 99 * 900.0


def test_steepness_by_hand():
    """5 %: sin = 0.0499376, 10.8 * sin + 0.03 = 0.569326. 20 %: sin = 0.1961161, 16.8 * sin - 0.5 = 2.794751."""
    assert steepness(np.array([0.05, 0.20])).tolist() == pytest.approx([0.569326, 2.794751], abs=1e-6)


def test_the_slope_length_exponent_follows_the_classes_of_slope():
    assert exponent(np.array([0.005, 0.01, 0.03, 0.0899, 0.09, 0.5]), rules()).tolist() == [
        0.2,
        0.3,
        0.4,
        0.4,
        0.5,
        0.5,
    ]


def test_desmet_govers_at_the_divide_by_hand():
    """A = 0, D = 22.13 m, x = 1, 20 %: L = D^(2m+2)/(D^(m+2) 22.13^m) = 1, so LS = S = 2.794751."""
    assert desmet_govers(cells(0.2, 0.0, side=22.13), rules()) == pytest.approx(2.794751, abs=1e-6)


def test_the_cap_stops_growth_along_the_slope():
    long, capped = cells(0.2, 1e6), cells(0.2, 122.0 * 30.0)
    assert desmet_govers_capped(long, rules()) == pytest.approx(desmet_govers(capped, rules()))
    assert desmet_govers(long, rules()) > 5.0 * desmet_govers_capped(long, rules())


def test_moore_burch_on_the_unit_plot_is_one():
    """A_s = 22.13 m on a slope of sine 0.0896: both factors are 1."""
    rise = 0.0896 / np.sqrt(1.0 - 0.0896**2)
    assert moore_burch(cells(rise, 0.0, side=22.13), rules()) == pytest.approx(1.0)


def test_the_invest_form_gives_the_values_of_its_own_reference():
    """Five cells of 30 m from the model's own published test: 100 cells upslope, itself included."""
    rise = np.array([0.015, 0.04, 0.08, 0.10, 0.15])
    entering = np.array([99.0, 99.0, 99.0, 99.0, 9_999_999.0]) * 900.0
    found = invest(cells(rise, entering), rules())
    assert found[:4].tolist() == pytest.approx([0.253996, 0.657229, 1.345856, 1.776729], rel=1e-5)
    length = found[4] / steepness(rise[4:])[0]
    assert 25.0 * steepness(rise[4:])[0] == pytest.approx(49.802994, rel=1e-5)  # its reference cuts L at 25
    assert length > 25.0


def test_definitions_differ_by_several_times_on_a_long_slope():
    """What the notes say of LS: up to ten times. 20 %, a hectare of 100 cells above."""
    found = [float(formula(cells(0.2, 90_000.0), rules())) for formula in DEFINITIONS.values()]
    assert max(found) / min(found) > 3.0


@given(rise=st.floats(0.0, 3.0), entering=st.floats(0.0, 1e8), more=st.floats(1.0, 10.0))
def test_ls_never_falls_with_the_area_above(rise, entering, more):
    for formula in DEFINITIONS.values():
        low, high = (float(formula(cells(rise, area), rules())) for area in (entering, entering * more))
        assert 0.0 <= low <= high * (1.0 + 1e-9) + 1e-12


def test_the_direction_of_slope_lengthens_the_way_across_a_cell():
    """Straight east: 1. At 45 degrees: sin + cos = 1.4142. Flat: 1."""
    side = np.full((3, 1), 30.0)
    made = ground(
        np.array([[0.1], [0.1], [0.0]]), np.array([[0.0], [0.1], [0.0]]), entering=np.zeros((3, 1)), dx=side, dy=side
    )
    assert made.across.ravel().tolist() == pytest.approx([1.0, 2.0**0.5, 1.0])
