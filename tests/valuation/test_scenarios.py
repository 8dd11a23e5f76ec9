"""The scenarios of an appraisal: how evenly they cover, and how near their range is to a plain Monte Carlo run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eco_credit.core.numbers import Floats
from eco_credit.rulebook import load
from eco_credit.valuation.appraisal import appraise_by
from eco_credit.valuation.approach import Approach, Figures, Step
from eco_credit.valuation.case import Case
from eco_credit.valuation.parameter import NORMAL_ENDS, Parameter, laid, span_of
from eco_credit.valuation.scenarios import JOINT, LEVELS, layout, points

RULES = load().at("2026-11-23")


def test_every_column_takes_every_midpoint_once() -> None:
    midpoints = (np.arange(JOINT) + 0.5) / JOINT
    for column in points().T:
        np.testing.assert_allclose(np.sort(column), midpoints)


def test_every_two_columns_meet_once_in_each_square() -> None:
    level = np.floor(points() * LEVELS).astype(int)
    for i in range(LEVELS + 1):
        for j in range(i):
            assert len({(a, b) for a, b in zip(level[:, i], level[:, j], strict=True)}) == JOINT, (i, j)


def test_no_two_columns_are_correlated() -> None:
    off = np.corrcoef(points().T) - np.eye(LEVELS + 1)
    assert np.abs(off).max() < 0.06


def test_more_than_twelve_drivers_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 12"):
        layout(tuple(f"d{i}" for i in range(13)))


def test_the_distances_follow_the_double_triangular_distribution() -> None:
    plan = layout(("price",))
    moved = plan.net["price"][plan.joint, 0]
    # half of the mass on either side; P(x > t) = (1 - t)^2 / 2 above the centre
    assert np.mean(moved > 0.0) == pytest.approx(0.5, abs=0.005)
    for t in (0.2, 0.5, 0.8):
        assert np.mean(moved > t) == pytest.approx((1.0 - t) ** 2 / 2.0, abs=0.005)
        assert np.mean(moved < -t) == pytest.approx((1.0 - t) ** 2 / 2.0, abs=0.005)


def test_normal_ends_give_the_ninety_percent_range_of_the_normal_distribution() -> None:
    # P(x > t) = 0.05 at t = 1 - sqrt(0.1) = 0.684
    assert NORMAL_ENDS * (1.0 - np.sqrt(0.1)) == pytest.approx(1.645, abs=1e-3)


def test_a_stress_moves_its_driver_alone_and_leaves_the_other_scenarios() -> None:
    plan = layout(("price", "cost"), (("fall", (("price", 0.8), ("rain", 0.5))),))
    assert set(plan.shock) == {"price"}
    assert plan.shock["price"][plan.stress["fall"], 0] == 0.8
    assert (np.delete(plan.shock["price"], plan.stress["fall"]) == 1.0).all()


def product(names: tuple[str, ...]) -> Approach:
    """A value that is the product of parameters, each off by a fifth."""

    def value(f: Figures) -> Figures:
        total = f[names[0]]
        for name in names[1:]:
            total = total * f[name]
        return {"value": total}

    parameters = tuple(
        Parameter(name, name, name, "ratio", field=name, spread="valuation.forest.growth_spread") for name in names
    )
    return Approach("product", "积", "product", "house-policy", parameters, value, (Step("value", "积", "p", "ratio"),))


def case(**columns: list[float]) -> Case:
    table = {name: np.array(values, dtype=np.float64) for name, values in columns.items()}
    return Case(table, {}, RULES, {})


def monte_carlo(count: int, draws: int = 400_000) -> tuple[float, float]:
    """5 % and 95 % points of a product of independent double triangular factors, by plain random draws."""
    u = np.random.default_rng(7).random((draws, count))
    moved = np.where(u > 0.5, 1.0 - np.sqrt(2.0 * (1.0 - np.maximum(u, 0.5))), np.sqrt(2.0 * np.minimum(u, 0.5)) - 1.0)
    spread = RULES.number("valuation.forest.growth_spread")
    low, high = np.quantile(np.prod(1.0 + spread * moved, axis=1), [0.05, 0.95])
    return float(low), float(high)


@pytest.mark.parametrize("count", [1, 2, 4, 8, 12])
def test_the_range_is_that_of_a_plain_monte_carlo_run(count: int) -> None:
    names = tuple(f"x{i}" for i in range(count))
    found = appraise_by((product(names),), np.zeros(1, dtype=np.intp), case(**{name: [1.0] for name in names}))
    low, high = monte_carlo(count)
    # a tenth of the way between the ends is about a third of a standard deviation
    tolerance = 0.1 * (high - low)
    assert found.low[0] == pytest.approx(low, abs=tolerance)
    assert found.high[0] == pytest.approx(high, abs=tolerance)


def test_the_tails_of_weighted_sums_are_met_to_a_tenth_of_their_scatter_on_average() -> None:
    rng, plan = np.random.default_rng(2024), layout(tuple(f"x{i}" for i in range(12)))
    moved = np.column_stack([plan.net[name][plan.joint, 0] for name in plan.drivers])
    u = rng.random((200_000, 12))
    drawn = np.where(u > 0.5, 1.0 - np.sqrt(2.0 - 2.0 * np.maximum(u, 0.5)), np.sqrt(2.0 * np.minimum(u, 0.5)) - 1.0)
    misses = []
    for _ in range(40):
        count = rng.integers(1, 13)
        weights = np.where(np.arange(12) < count, rng.gamma(1.5, 1.0, 12) * rng.choice([-1.0, 1.0], 12), 0.0)
        exact, ours = drawn @ weights, np.sort(moved @ weights)
        ends = np.quantile(exact, [0.05, 0.95])
        misses += list(np.abs(ours[[6, 114]] - ends) / exact.std())
    assert np.sqrt(np.mean(np.square(misses))) < 0.13
    assert max(misses) < 0.35


def test_the_drivers_come_in_order_of_what_they_move() -> None:
    spread = RULES.number("valuation.forest.growth_spread")

    def value(f: Figures) -> Figures:
        return {"value": 10.0 + 3.0 * f["a"] + f["b"] + 0.0 * f["c"]}

    approach = product(("a", "b", "c"))
    weighted = Approach("w", "加权", "weighted", "house-policy", approach.parameters, value, approach.steps)
    found = appraise_by((weighted,), np.zeros(2, dtype=np.intp), case(a=[1.0, 0.0], b=[1.0, 1.0], c=[1.0, 1.0]))
    first, second = found.drivers
    assert list(first) == ["a", "b"] and list(second) == ["b", None]
    swing = found.parts[0].swing[:, 0]
    np.testing.assert_allclose(swing, [6.0 * spread, 2.0 * spread, 0.0], atol=1e-12)


def test_an_unknown_parameter_makes_the_value_unknown_and_zero() -> None:
    found = appraise_by((product(("a", "b")),), np.zeros(2, dtype=np.intp), case(a=[2.0, np.nan], b=[3.0, 3.0]))
    assert list(found.known) == [True, False]
    assert found.central[1] == found.low[1] == found.high[1] == 0.0
    assert found.central[0] == 6.0


def test_a_value_never_falls_below_zero_and_the_range_holds_it() -> None:
    found = appraise_by((product(("a",)),), np.zeros(1, dtype=np.intp), case(a=[-5.0]))
    assert found.low[0] == found.central[0] == found.high[0] == 0.0


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 1e6), st.floats(0.0, 1e3)), min_size=1, max_size=40), st.randoms())
def test_neither_neighbours_nor_order_change_a_byte(rows: list[tuple[float, float]], _: object) -> None:
    a, b = [r[0] for r in rows], [r[1] for r in rows]
    approaches = (product(("a", "b")), product(("b",)))
    chosen = np.array([i % 2 for i in range(len(rows))], dtype=np.intp)
    many = appraise_by(approaches, chosen, case(a=a, b=b))
    for i in range(len(rows)):
        alone = appraise_by(approaches, chosen[i : i + 1], case(a=a[i : i + 1], b=b[i : i + 1]))
        assert (alone.low[0], alone.central[0], alone.high[0]) == (many.low[i], many.central[i], many.high[i])
    turned = appraise_by(approaches, chosen[::-1], case(a=a[::-1], b=b[::-1]))
    np.testing.assert_array_equal(turned.low[::-1], many.low)


def test_a_block_is_no_boundary(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.linspace(1.0, 9.0, 50).tolist()
    whole = appraise_by((product(("a",)),), np.zeros(50, dtype=np.intp), case(a=values))
    monkeypatch.setattr("eco_credit.valuation.appraisal.BLOCK", 7)
    split = appraise_by((product(("a",)),), np.zeros(50, dtype=np.intp), case(a=values))
    for name in ("low", "central", "high"):
        np.testing.assert_array_equal(getattr(split, name), getattr(whole, name))
    assert not split.parts, "the parts of a large table are not kept"
    np.testing.assert_array_equal(split.figure("a"), values)
    part, at = split.place(33)
    assert part.value_of("a", at) == values[33] and part.value_of("value", at) == whole.central[33]
    assert [list(column) for column in split.drivers] == [list(column) for column in whole.drivers]


def test_a_parameter_is_held_to_its_bounds_in_every_scenario() -> None:
    bounded = Parameter("a", "a", "a", "ratio", field="a", spread="valuation.forest.growth_spread", highest=1.0)
    values: Floats = laid(bounded, span_of(bounded, case(a=[0.95])), layout(("a",)))
    assert values.max() == 1.0 and values.min() < 0.95
