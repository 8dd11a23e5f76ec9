"""Growth curves in columns: shape, derivative, gradient, spread of a growth ratio, the shipped rules."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.core.errors import RuleNotInForce
from eco_credit.core.numbers import Floats
from eco_credit.rulebook import load
from eco_credit.valuation.growth_curves import Curves, curves_of
from eco_credit.valuation.methods.growth import mean_increment
from eco_credit.valuation.methods.growth_select import (
    MODELS,
    PARAMETERS,
    growth_ratio_sd,
    increment_at,
    log_gradient,
    stock_at,
)

RULES = load().at("2026-11-23")
CURVE = RULES.table("valuation.growth.curve")
SPECIES = ("chinese_fir", "masson_pine", "larch", "eucalyptus", "poplar", "other")


def span(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_subnormal=False)


CURVES = st.one_of(
    st.tuples(st.just("schumacher"), st.tuples(span(4, 7), span(2, 40))),
    st.tuples(st.just("chapman_richards"), st.tuples(span(80, 900), span(0.01, 0.3), span(0.5, 5))),
    st.tuples(st.just("logistic"), st.tuples(span(80, 900), span(1, 200), span(0.02, 0.4))),
    # B up to e^{K}: the stand has stock from its first year on, where a curve of a ratio makes sense
    st.tuples(st.just("shifted_richards"), st.tuples(span(80, 900), span(0.2, 1), span(0.01, 0.3), span(0, 0.7))),
)
Curve = tuple[str, tuple[float, ...]]


def columns(curve: Curve, rows: int = 1) -> tuple[Any, Floats]:
    model, params = curve
    return np.full(rows, MODELS.index(model)), np.repeat(np.array(params)[:, None], rows, axis=1)


def one(curve: Curve, age: float) -> float:
    return float(stock_at(*columns(curve), np.array([age]))[0])


def asymptote(curve: Curve) -> float:
    return float(np.exp(curve[1][0])) if curve[0] == "schumacher" else curve[1][0]


@given(CURVES, span(1, 150), span(0.5, 50))
def test_a_curve_is_positive_rises_with_age_and_stays_below_its_asymptote(curve: Curve, age: float, on: float) -> None:
    now, later = one(curve, age), one(curve, age + on)
    assert 0.0 < now <= later <= asymptote(curve) * (1 + 1e-12)


@given(CURVES, span(2, 120))
def test_the_increment_is_the_slope_of_the_curve(curve: Curve, age: float) -> None:
    step = 1e-4
    slope = (one(curve, age + step) - one(curve, age - step)) / (2 * step)
    got = float(increment_at(*columns(curve), np.array([age]))[0])
    assert got == pytest.approx(slope, rel=1e-5, abs=1e-7 * asymptote(curve))


@given(CURVES, span(2, 120))
def test_the_gradient_is_how_ln_stock_moves_with_each_parameter(curve: Curve, age: float) -> None:
    model, params = curve
    for place, got in enumerate(log_gradient(model, params, np.array([age]))):
        step = 1e-6 * max(1.0, abs(params[place]))
        ends = []
        for sign in (1.0, -1.0):
            moved = list(params)
            moved[place] += sign * step
            ends.append(np.log(one((model, tuple(moved)), age)))
        slope = (ends[0] - ends[1]) / (2 * step)
        assert float(got[0]) == pytest.approx(slope, rel=1e-4, abs=1e-6), PARAMETERS[model][place]


def test_the_mean_increment_peaks_where_it_meets_the_current_one() -> None:
    """d(M/t)/dt = 0 where dM/dt = M/t; for Schumacher that is at t = b."""
    model, params = columns(("schumacher", (6.407, 21.0)))
    age = np.array([21.0])
    mean, current = mean_increment(stock_at(model, params, age), age), increment_at(model, params, age)
    np.testing.assert_allclose(mean, current, rtol=1e-14)


def test_the_logistic_curve_stands_at_half_its_asymptote_where_it_turns() -> None:
    assert one(("logistic", (300.0, 50.0, 0.2)), np.log(50.0) / 0.2) == pytest.approx(150.0, rel=1e-14)


def test_chapman_richards_with_p_of_one_is_the_exponential_approach() -> None:
    assert one(("chapman_richards", (200.0, 0.05, 1.0)), 20.0) == pytest.approx(200.0 * (1 - np.exp(-1.0)), rel=1e-14)


@pytest.mark.parametrize(
    ("forest", "at_20", "at_30", "at_40"), [("conifer", 42, 75, 109), ("broadleaf", 23, 50, 81)]
)
def test_the_northern_hebei_curves_give_their_published_stocks(
    forest: str, at_20: int, at_30: int, at_40: int
) -> None:
    table = RULES.table("valuation.growth.northern_hebei")
    curves = curves_of(table, np.full(3, forest, dtype=object))
    got = curves.stock(np.array([20.0, 30.0, 40.0]))
    assert np.abs(got - [at_20, at_30, at_40]).max() < 0.5
    start = np.log(table[forest]["params"][1]) / table[forest]["params"][2]
    assert curves.stock(np.full(3, start - 0.01)).tolist() == [0.0, 0.0, 0.0]
    assert np.isnan(curves.ratio_sd(np.full(3, 20.0), np.full(3, 30.0))).all(), "no covariance was printed"


def mixed(rows: int) -> tuple[Any, Floats, Floats, Floats]:
    """Rows of all four models in turn, with parameters, covariance and age."""
    rng = np.random.default_rng(7)
    model = np.arange(rows) % 4
    params = np.empty((4, rows))
    ranges = [
        [(5, 7), (5, 30), (0, 1), (0, 1)],
        [(100, 800), (0.02, 0.2), (0.8, 4), (0, 1)],
        [(100, 800), (2, 100), (0.05, 0.3), (0, 1)],
        [(100, 800), (0.5, 1.0), (0.02, 0.2), (0.1, 0.6)],
    ]
    for row in range(rows):
        params[:, row] = [rng.uniform(*ends) for ends in ranges[model[row]]]
    root = rng.normal(size=(4, 4, rows)) * 0.01
    covariance = np.einsum("ikn,jkn->ijn", root, root)
    return model, params, covariance, rng.uniform(0.0, 80.0, rows)


def test_one_row_gives_the_bytes_it_gives_among_many() -> None:
    model, params, covariance, age = mixed(257)
    later = age + 9.5
    many = (
        stock_at(model, params, age),
        increment_at(model, params, age),
        growth_ratio_sd(model, params, covariance=covariance, age=age, age_later=later),
    )
    for i in range(len(age)):
        own = slice(i, i + 1)
        ends = {"age": age[own], "age_later": later[own]}
        alone = (
            stock_at(model[own], params[:, own], age[own]),
            increment_at(model[own], params[:, own], age[own]),
            growth_ratio_sd(model[own], params[:, own], covariance=covariance[..., own], **ends),
        )
        assert [x[0].tobytes() for x in alone] == [x[i].tobytes() for x in many], (i, MODELS[model[i]])


def test_scenarios_of_age_give_the_bytes_of_each_scenario_alone() -> None:
    model, params, covariance, age = mixed(41)
    ages = np.stack([age, age + 3.0, age + 11.0])
    np.testing.assert_array_equal(stock_at(model, params, ages)[1], stock_at(model, params, ages[1]))
    both = growth_ratio_sd(model, params, covariance=covariance, age=age, age_later=ages)
    alone = growth_ratio_sd(model, params, covariance=covariance, age=age, age_later=ages[2])
    np.testing.assert_array_equal(both[2], alone)
    assert (both[0] == 0.0).all()


def test_an_unknown_age_has_no_stock() -> None:
    assert np.isnan(stock_at(*columns(("schumacher", (6.0, 20.0))), np.array([np.nan]))).all()


def shipped(*species: str) -> Curves:
    return curves_of(CURVE, np.array(species, dtype=object))


def test_the_shipped_fir_curve_passes_through_the_stands_appraisers_take_as_reference() -> None:
    assert tuple(CURVE) == SPECIES
    # exam cases print 135 m3/ha at 14 years and 270 at 26
    stock = shipped("chinese_fir", "chinese_fir").stock(np.array([14.0, 26.0]))
    np.testing.assert_allclose(stock, [135.0, 270.0], rtol=1e-3)


def test_the_covariances_shipped_are_covariances() -> None:
    for species, raw in CURVE.items():
        values = np.linalg.eigvalsh(np.array(raw["covariance"]))
        assert (values > 0.0).all(), species
        assert 0.1 < np.sqrt(raw["covariance"][1][1]) / raw["params"][1] < 0.4, "slope off by 10 to 40 percent"


@given(st.sampled_from(SPECIES), span(1, 80), span(0, 60), span(0, 20))
def test_the_spread_of_a_growth_ratio_is_nil_at_once_and_rises_with_distance(
    species: str, age: float, on: float, more: float
) -> None:
    curves, now = shipped(species), np.array([age])
    assert curves.ratio_sd(now, now)[0] == 0.0
    near, far = (float(curves.ratio_sd(now, now + years)[0]) for years in (on, on + more))
    assert 0.0 <= near <= far + 1e-9


def test_the_spread_of_a_schumacher_ratio_is_the_slope_alone() -> None:
    """|1/14 - 1/26| x sqrt(22.416) = 0.032967 x 4.73455 = 0.15609."""
    got = shipped("chinese_fir").ratio_sd(np.array([14.0]), np.array([26.0]))[0]
    assert got == pytest.approx((1 / 14 - 1 / 26) * np.sqrt(22.416), rel=1e-9)
    assert round(float(got), 4) == 0.1561


@pytest.mark.parametrize("model", MODELS[:3])
def test_the_delta_method_agrees_with_drawing_parameters(model: str) -> None:
    params = {"schumacher": (6.4, 21.0), "chapman_richards": (400.0, 0.06, 2.2), "logistic": (300.0, 20.0, 0.15)}[model]
    sd = np.array(params) * 0.03
    correlation = np.full((len(params), len(params)), 0.4) + 0.6 * np.eye(len(params))
    covariance = correlation * sd[:, None] * sd
    drawn = np.random.default_rng(11).multivariate_normal(params, covariance, 40_000).T
    place = np.full(drawn.shape[1], MODELS.index(model))
    early, late = (stock_at(place, drawn, np.full(drawn.shape[1], age)) for age in (12.0, 30.0))
    ages = {"age": np.array([12.0]), "age_later": np.array([30.0])}
    got = growth_ratio_sd(*columns((model, params)), covariance=covariance[:, :, None], **ages)[0]
    assert got == pytest.approx(np.log(late / early).std(), rel=0.03)


def test_a_species_not_in_the_table_takes_the_row_other() -> None:
    age = np.array([25.0])
    np.testing.assert_array_equal(shipped("teak").stock(age), shipped("other").stock(age))


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "gompertz", "params": [1.0, 2.0]},
        {"model": "schumacher", "params": [1.0, 2.0, 3.0]},
        {"model": "schumacher"},
        {"model": "schumacher", "params": [1.0, float("nan")]},
        {"model": "schumacher", "params": [1.0, 2.0], "covariance": [[1.0, 0.5], [0.2, 1.0]]},
        {"model": "schumacher", "params": [1.0, 2.0], "covariance": [[-1.0, 0.0], [0.0, 1.0]]},
        None,
    ],
)
def test_a_curve_a_lender_wrote_wrongly_is_refused_by_species(wrong: Any) -> None:
    with pytest.raises(RuleNotInForce, match="growth curve of larch"):
        curves_of({"larch": wrong}, np.array(["larch"], dtype=object))


def test_no_row_is_no_curve() -> None:
    assert curves_of(CURVE, np.array([], dtype=object)).stock(np.array([])).shape == (0,)


def test_reading_curves_and_fitting_code_load_no_scipy_until_a_fit_is_asked_for() -> None:
    code = (
        "import sys, eco_credit.valuation.growth_curves, eco_credit.valuation.growth_stands, "
        "eco_credit.valuation.methods.rotation; sys.exit('scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
