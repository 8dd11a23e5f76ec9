"""Margins A, B and C kept apart, and a downturn LGD never below the long run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from units_check import check_units
from worlds import SEEDS, plan, rules, world

from eco_credit.core.errors import ContractError
from eco_credit.core.numbers import number
from eco_credit.risk.margin import with_margins
from eco_credit.rulebook import RuleSet
from training.downturn import downturn_of, stressed_lgd
from training.fit_lgd import fit_lgd
from training.margins import (
    deficiencies_of,
    downturn_lgd,
    downturn_reference,
    downturn_without_losses,
    hazard_drop,
    lgd_upper,
    margins_of,
    pd_upper,
    quantile_between,
    read_deficiencies,
    under_hazard,
)

STATED = """
deficiencies:
  - {name: thin-water, category: A, parameter: pd, addition: 0.002, about: 两年水权违约样本缺失, stated_by: 风险部, stated_on: 2026-03-01}
  - {name: default-dates, category: A, parameter: pd, addition: 0.001, about: dates rounded to months, stated_by: 风险部, stated_on: 2026-03-01}
  - {name: new-quota-rule, category: B, parameter: pd, addition: 0.003, about: 采伐限额调整, stated_by: 风险部, stated_on: 2026-03-01}
  - {name: auction-cost, category: A, parameter: lgd, addition: 0.02, about: cost of sale not kept before 2019, stated_by: 风险部, stated_on: 2026-03-01}
"""  # noqa: E501
ratios = st.floats(0.0, 1.0)


@pytest.fixture(scope="module")
def day() -> RuleSet:
    return rules()


@pytest.fixture
def stated(tmp_path: Path) -> Path:
    path = tmp_path / "deficiencies.yaml"
    path.write_text(STATED, encoding="utf-8")
    return path


def test_the_three_margins_are_separate_and_add_up(stated: Path) -> None:
    # A 0.002 + 0.001, B 0.003, C 0.031 - 0.025; total 0.012; the LGD line does not touch PD
    found = margins_of(0.025, 0.031, read_deficiencies(stated), parameter="pd")
    assert (found.a, found.b) == pytest.approx((0.003, 0.003)) and found.c == pytest.approx(0.006)
    assert found.total == pytest.approx(0.012)
    assert with_margins(np.array([0.025]), *map(np.array, (found.a, found.b, found.c)))[0] == pytest.approx(0.037)
    assert found.as_dict().keys() == {"a", "b", "c", "total"}
    assert margins_of(0.4, 0.4, read_deficiencies(stated), parameter="lgd").a == pytest.approx(0.02)


def test_margin_c_is_the_distance_to_the_exact_bound(day: RuleSet) -> None:
    # 0 of 100 at 90 %: 1 - 0.1 ** 0.01 = 0.022763, so C over a best estimate of 0.01 is 0.012763
    assert margins_of(0.01, pd_upper(0, 100, day), (), parameter="pd").c == pytest.approx(0.022763 - 0.01, abs=1e-6)


def test_a_best_estimate_above_its_bound_needs_no_margin_c() -> None:
    assert margins_of(0.05, 0.04, (), parameter="pd").total == 0.0


def test_the_bound_of_a_mean_lgd_by_hand(day: RuleSet) -> None:
    # mean 0.3, s = 0.1, t(0.9; 2) = 1.885618: 0.3 + 1.885618 * 0.1 / sqrt(3) = 0.408866
    assert lgd_upper(np.array([0.2, 0.3, 0.4]), np.ones(3), day) == pytest.approx(0.408866, abs=1e-6)
    assert lgd_upper(np.array([0.2]), np.ones(1), day) == 1.0 == lgd_upper(np.array([]), np.array([]), day)


def test_the_bound_of_a_mean_lgd_holds_in_nine_samples_of_ten(day: RuleSet) -> None:
    # Beta(2, 3) has mean 0.4 and little skew; 4 000 samples of 40: error 0.005
    rng = np.random.default_rng(5)
    above = [lgd_upper(rng.beta(2.0, 3.0, 40), np.ones(40), day) >= 0.4 for _ in range(4_000)]
    assert np.mean(above) == pytest.approx(0.9, abs=0.015)


@given(ratios, ratios, ratios, ratios)
def test_a_margin_never_lowers_and_never_passes_one(best: float, a: float, b: float, c: float) -> None:
    found = float(with_margins(np.float64(best), a, b, c))
    assert best <= found <= 1.0


@pytest.mark.parametrize(
    ("change", "kind"),
    [({"category": "C"}, "literal_error"), ({"addition": -0.1}, "greater_than_equal"), ({"more": 1}, "extra_forbidden"),
     ({"stated_by": ""}, "string_too_short"), ({"addition": float("nan")}, "finite_number")],
)  # fmt: skip
def test_a_wrong_line_is_named(change: dict[str, object], kind: str) -> None:
    line = {"name": "x", "category": "A", "parameter": "pd", "addition": 0.01, "about": "y", "stated_by": "z",
            "stated_on": "2026-03-01"}  # fmt: skip
    with pytest.raises(ContractError) as refused:
        deficiencies_of({"deficiencies": [line | change]})
    assert refused.value.violations[0].field.startswith("deficiencies.0.")
    assert refused.value.violations[0].rule == kind
    with pytest.raises(ContractError, match="twice"):
        deficiencies_of({"deficiencies": [line, line]})


@given(ratios, ratios)
def test_a_downturn_is_never_below_the_long_run(long_run: float, stressed: float) -> None:
    found = float(downturn_lgd(np.float64(long_run), np.float64(stressed)))
    assert found >= long_run and found >= stressed and found in (long_run, stressed)


@settings(deadline=None)
@given(st.floats(0.05, 0.5), st.floats(0.05, 0.5))
def test_quantiles_between_rise_with_the_level(one: float, other: float) -> None:
    low, high = sorted((one, other))
    at = [float(quantile_between(np.float64(0.1), np.float64(0.3), np.float64(level))) for level in (low, high)]
    assert 0.1 - 1e-12 <= at[0] <= at[1] <= 0.3 + 1e-12


def test_formulas_keep_their_units() -> None:
    for formula in (with_margins, quantile_between, under_hazard, downturn_lgd):
        check_units(formula)


def test_a_mixed_pledge_takes_the_drops_by_share(day: RuleSet) -> None:
    drops = day.table("risk.margins.hazard_drop")
    columns = {"share_forest": np.array([0.5]), "share_water": np.array([0.0]), "share_order": np.array([0.5])}
    assert hazard_drop(columns, day)[0] == pytest.approx((drops["share_forest"] + drops["share_order"]) / 2.0)


def test_without_losses_of_a_downturn_fifteen_points_are_added(day: RuleSet) -> None:
    assert downturn_without_losses(0.35, day) == pytest.approx(0.5)
    assert downturn_without_losses(0.95, day) == 1.0


def test_the_reference_value_is_the_mean_of_the_two_costliest_years() -> None:
    # losses 10, 70, 30: years 2 and 3 with means 0.5 and 0.6
    lgd, loss = np.array([0.9, 0.4, 0.6, 0.6]), np.array([10.0, 30.0, 40.0, 30.0])
    assert downturn_reference(lgd, loss, np.array([1.0, 2.0, 2.0, 3.0])) == pytest.approx((0.5 + 0.6) / 2.0)
    assert np.isnan(downturn_reference(lgd, loss, np.ones(4)))


def test_the_downturn_of_a_model_lies_above_the_long_run_and_the_worst_simulated_year(day: RuleSet) -> None:
    tape, windows, known = world(SEEDS[0])
    rows = np.concatenate([windows.in_time, windows.calibrate])
    model = fit_lgd(tape, windows, plan().lgd, seed=1, rules=rules())
    found = downturn_of(model, tape, rows, day)
    assert set(found) == {"all", "share_forest", "share_water", "share_order"}
    for pool in found.values():
        assert pool.downturn >= pool.long_run and pool.upper > pool.long_run
    bad = rows[tape.target[rows] > 0.0]
    year = tape.outcome["default_on"][bad].astype("datetime64[Y]")
    by_year = [known["lgd"][bad][year == one].mean() for one in np.unique(year) if (year == one).sum() > 40]
    assert found["all"].downturn > max(by_year)


def test_a_stronger_hazard_never_lowers_the_loss(day: RuleSet) -> None:
    from dataclasses import replace
    from types import MappingProxyType

    tape, windows, _ = world(SEEDS[0])
    model = fit_lgd(tape, windows, plan().lgd, seed=1, rules=rules())
    name = "risk.margins.hazard_drop"
    harder = replace(day.rule(name), value=dict.fromkeys(day.table(name), 0.6))
    other = replace(day, rules=MappingProxyType({**day.rules, name: harder}))
    assert (stressed_lgd(model, tape, other) >= stressed_lgd(model, tape, day)).all()
    assert np.isfinite(stressed_lgd(model, tape, day)[number(tape.outcome, "exposure") > 0.0]).all()
