"""A bad record that is over for the years of the rulebook no longer enters a feature."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.contracts import flatten, read_application
from eco_credit.contracts.examples import example_application as example
from eco_credit.risk import features
from eco_credit.risk.adverse import standing
from eco_credit.rulebook import load
from eco_credit.scoring.pipeline import appraise_applications

DAY = np.datetime64("2026-11-23")
DAYS = st.dates().map(lambda day: np.datetime64(day))


@pytest.mark.parametrize(
    ("ended", "counts"),
    [
        ("2021-11-22", 0.0), ("2021-11-23", 0.0), ("2021-11-24", 1.0), ("2026-11-23", 1.0), ("NaT", 1.0),
        ("1999-01-01", 0.0),
    ],
)  # fmt: skip
def test_five_years_to_the_day_after_its_end_a_bad_record_is_over(ended: str, counts: float) -> None:
    assert standing(np.ones(1), np.array([ended], "datetime64[D]"), DAY, 5.0).tolist() == [counts]


def test_a_leap_day_is_over_on_the_first_of_march() -> None:
    ended = np.array(["2020-02-29"], "datetime64[D]")
    found = [standing(np.ones(1), ended, np.datetime64(day), 5.0)[0] for day in ("2025-02-28", "2025-03-01")]
    assert found == [1.0, 0.0]


@given(st.lists(st.tuples(DAYS, DAYS), min_size=1, max_size=8))
def test_no_record_comes_back_and_none_is_made(pairs: list[Any]) -> None:
    ended, days = (np.array(column, "datetime64[D]") for column in zip(*pairs, strict=True))
    one = standing(np.ones(len(pairs)), ended, days, 5.0)
    later = standing(np.ones(len(pairs)), ended, days + np.timedelta64(40, "D"), 5.0)
    assert (later <= one).all()
    assert (standing(np.zeros(len(pairs)), ended, days, 5.0) == 0.0).all()
    alone = [standing(np.ones(1), ended[i : i + 1], days[i], 5.0)[0] for i in range(len(pairs))]
    assert alone == one.tolist()


def seen(**borrower: Any) -> float:
    """The feature of an application of today."""
    application = copy.deepcopy(example("forest_right"))
    application["borrower"] |= borrower
    data = flatten([read_application(application)])
    rules = load().at(application["as_of"])
    appraised = appraise_applications(data, rules)
    table = features(data.loans, {kind: (a.table, a.values) for kind, a in appraised.items()}, rules)
    return float(table["bad_record"][0])


def test_the_feature_follows_the_day_that_is_stated() -> None:
    assert seen() == 0.0
    assert seen(bad_record=True) == 1.0
    assert seen(bad_record=True, bad_record_ended_on="2024-01-01") == 1.0
    assert seen(bad_record=True, bad_record_ended_on="2021-11-23") == 0.0
