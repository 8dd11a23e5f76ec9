"""Upper bounds, Bayesian means and tiers of low-default portfolios."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, norm

from eco_credit.rulebook import RuleSet, load
from training.low_default import (
    anchored_grades,
    bayes_mean,
    correlated_upper_bound,
    factor_paths,
    jeffreys_bound,
    most_prudent,
    multi_period_bound,
    tier_of,
    upper_bound,
)

LEVELS = (0.5, 0.75, 0.9, 0.95, 0.99, 0.999)
OBLIGORS = (100, 400, 300)
# Pluto and Tasche (2005, arXiv cond-mat/0411699v3), percent, grades A, B, C at LEVELS; printed cells as transcribed in
# fsantibanezleal/CAOS_Contraste, data/derived/C05/ldp-published.json. Table 4 prints 0.65 for A at 75 %: the exact
# binomial bound is 0.6378, a slip of the print that is left out here (None).
INDEPENDENT = {
    (0, 0, 0): [
        (0.09, 0.17, 0.29, 0.37, 0.57, 0.86), (0.10, 0.20, 0.33, 0.43, 0.66, 0.98),
        (0.23, 0.46, 0.76, 0.99, 1.52, 2.28),
    ],  # tables 1 to 3
    (0, 2, 1): [
        (0.46, None, 0.83, 0.97, 1.25, 1.62), (0.52, 0.73, 0.95, 1.10, 1.43, 1.85),
        (0.56, 0.90, 1.29, 1.57, 2.19, 3.04),
    ],  # tables 4 to 6
}  # fmt: skip
CORRELATED = {  # rho = 0.12
    (0, 0, 0): [
        (0.15, 0.40, 0.86, 1.31, 2.65, 5.29), (0.17, 0.45, 0.96, 1.45, 2.92, 5.77),
        (0.37, 0.92, 1.89, 2.78, 5.30, 9.84),
    ],  # table 7
    (0, 2, 1): [
        (0.72, 1.42, 2.50, 3.42, 5.88, 10.08), (0.81, 1.59, 2.77, 3.77, 6.43, 10.92),
        (0.84, 1.76, 3.19, 4.41, 7.68, 13.14),
    ],  # table 8
}  # fmt: skip
FIVE_YEARS = [  # rho = 0.12, theta = 0.3, no defaults in five years, the paper's Monte Carlo: table 13
    (0.03, 0.06, 0.11, 0.16, 0.30, 0.55), (0.03, 0.07, 0.13, 0.18, 0.33, 0.62), (0.07, 0.14, 0.26, 0.37, 0.67, 1.23),
]  # fmt: skip


@pytest.fixture(scope="module")
def rules() -> RuleSet:
    return load().at("2026-11-23")


@pytest.mark.parametrize("defaults", sorted(INDEPENDENT))
def test_independent_bounds_are_the_published_ones(defaults: tuple[int, ...]) -> None:
    for place, level in enumerate(LEVELS):
        found = 100.0 * most_prudent(defaults, OBLIGORS, lambda k, n, level=level: upper_bound(k, n, level))
        for grade, printed in enumerate(INDEPENDENT[defaults]):
            if printed[place] is not None:
                assert found[grade] == pytest.approx(printed[place], abs=0.0051)


@pytest.mark.parametrize("defaults", sorted(CORRELATED))
def test_correlated_bounds_are_the_published_ones(defaults: tuple[int, ...]) -> None:
    # the paper's quadrature is off by up to 0.0094 points on table 8
    for place, level in enumerate(LEVELS):
        found = 100.0 * most_prudent(
            defaults, OBLIGORS, lambda k, n, level=level: correlated_upper_bound(k, n, level, correlation=0.12)
        )
        for grade, printed in enumerate(CORRELATED[defaults]):
            assert found[grade] == pytest.approx(printed[place], abs=0.0101)


def test_five_year_bounds_agree_with_the_published_simulation() -> None:
    paths = factor_paths(5, year_correlation=0.3)
    for place, level in enumerate(LEVELS):
        found = 100.0 * most_prudent(
            (0, 0, 0), OBLIGORS,
            lambda k, n, level=level: multi_period_bound(k, n, level, correlation=0.12, paths=paths),
        )  # fmt: skip
        for grade, printed in enumerate(FIVE_YEARS):
            assert found[grade] == pytest.approx(printed[place], abs=0.013 + 0.05 * printed[place])


def test_without_defaults_the_bound_is_a_root() -> None:
    # (1 - p)^800 = 0.1; over five years (1 - p)^(5 * 800) = 0.1
    assert upper_bound(0, 800, 0.9) == pytest.approx(1.0 - 0.1 ** (1 / 800), rel=1e-12)
    paths = factor_paths(5, year_correlation=0.3)
    found = multi_period_bound(0, 800, 0.9, correlation=0.0, paths=paths)
    assert found == pytest.approx(1.0 - 0.1 ** (1 / 4_000), rel=1e-9)


@given(st.integers(0, 30), st.integers(31, 2_000), st.floats(0.5, 0.999))
@settings(max_examples=60, deadline=None)
def test_the_bound_solves_the_binomial_equation(defaults: int, obligors: int, confidence: float) -> None:
    bound = upper_bound(defaults, obligors, confidence)
    assert binom.cdf(defaults, obligors, bound) == pytest.approx(1.0 - confidence, abs=1e-8)
    assert upper_bound(defaults + 1, obligors, confidence) > bound > upper_bound(defaults, obligors + 1, confidence)


def test_the_correlated_bound_holds_in_brute_force_simulation() -> None:
    # at the bound, 3 or fewer of 700 default in one world of ten; 200 000 worlds: standard error 0.0007
    bound = correlated_upper_bound(3, 700, 0.9, correlation=0.12)
    rng = np.random.default_rng(7)
    factor = rng.standard_normal(200_000)
    pd = norm.cdf((norm.ppf(bound) - np.sqrt(0.12) * factor) / np.sqrt(0.88))
    assert (rng.binomial(700, pd) <= 3).mean() == pytest.approx(0.1, abs=0.003)


def test_one_year_on_sobol_paths_is_the_quadrature() -> None:
    by_paths = multi_period_bound(2, 700, 0.9, correlation=0.12, paths=factor_paths(1, year_correlation=0.3))
    assert by_paths == pytest.approx(correlated_upper_bound(2, 700, 0.9, correlation=0.12), rel=2e-3)


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(10, 400)), min_size=2, max_size=6))
@settings(max_examples=40, deadline=None)
def test_bounds_rise_with_the_grade_even_where_defaults_do_not(grades: list[tuple[int, int]]) -> None:
    found = most_prudent(*zip(*grades, strict=True), lambda k, n: upper_bound(k, n, 0.9))
    assert (np.diff(found) >= 0.0).all()


def test_closed_means_agree_with_the_numerical_posterior_when_correlation_vanishes() -> None:
    # uniform prior: (3 + 1) / (700 + 2); density 1 / (1 - p): (3 + 1) / (700 + 1)
    assert bayes_mean(3, 700) == 4 / 702 and bayes_mean(3, 700, prior="conservative") == 4 / 701
    for prior in ("neutral", "conservative"):
        near = bayes_mean(3, 700, prior=prior, correlation=1e-9)
        assert near == pytest.approx(bayes_mean(3, 700, prior=prior), rel=1e-3)
    assert bayes_mean(3, 700, correlation=0.12) > bayes_mean(3, 700)


def test_the_upper_bound_is_a_quantile_under_the_conservative_prior() -> None:
    # posterior of the density 1 / (1 - p): Beta(k + 1, n - k), summed on a fine grid
    p = (np.arange(200_000) + 0.5) / 200_000
    mass = p**3 * (1.0 - p) ** (697 - 1)
    below = mass[p <= upper_bound(3, 700, 0.9)].sum() / mass.sum()
    assert below == pytest.approx(0.9, abs=1e-4)


def test_jeffreys_lies_between_the_rate_and_the_upper_bound() -> None:
    assert 3 / 700 < jeffreys_bound(3, 700, 0.9) < upper_bound(3, 700, 0.9)


@pytest.mark.parametrize(("defaults", "tier"), [(0, "bound"), (19, "bound"), (20, "prior"), (49, "prior"),
                                               (50, "logistic"), (199, "logistic"), (200, "full")])  # fmt: skip
def test_the_number_of_defaults_decides_the_tier(rules: RuleSet, defaults: int, tier: str) -> None:
    assert tier_of(defaults, rules).name == tier


def test_a_thin_window_out_of_time_holds_the_full_model_back(rules: RuleSet) -> None:
    assert tier_of(500, rules, out_of_time=49).name == "logistic"
    assert tier_of(500, rules, out_of_time=50).name == "full"


def test_only_the_lowest_tier_is_marked_expert_anchored(rules: RuleSet) -> None:
    assert [tier_of(n, rules).flag for n in (5, 25, 60, 300)] == ["expert-anchored", None, None, None]
    # house confidence 75 % and correlation 0.12: table 8 of the paper
    assert anchored_grades((0, 2, 1), OBLIGORS, rules) == pytest.approx([0.0142, 0.0159, 0.0176], abs=1e-4)


def test_impossible_counts_are_refused() -> None:
    for defaults, obligors in ((-1, 10), (11, 10), (0, 0)):
        with pytest.raises(ValueError, match="cannot be"):
            upper_bound(defaults, obligors, 0.9)
    with pytest.raises(ValueError, match="neutral or conservative"):
        bayes_mean(1, 10, prior="bold")
