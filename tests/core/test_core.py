"""Core: rounding, grouping, days, canonical JSON."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.core.canonical import canonical_json, digest, finite_json
from eco_credit.core.dates import months_between, year_of, years_between
from eco_credit.core.numbers import group_max, group_min, group_sum, number, rounded, rows_of, text

money = st.decimals(min_value=-(10**9), max_value=10**9, places=4, allow_nan=False)


@given(money)
def test_money_is_rounded_half_away_from_zero_as_decimal_does(value: Decimal) -> None:
    expected = float(value.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))
    assert float(rounded(float(value))) == expected


def test_rounding_keeps_unknown_unknown_and_gives_no_negative_zero() -> None:
    result = rounded(np.array([np.nan, -0.001]))
    assert np.isnan(result[0]) and not np.signbit(result[1])


@given(st.lists(st.tuples(st.floats(-1e9, 1e9), st.integers(0, 4)), min_size=1, max_size=60))
def test_a_group_sum_does_not_depend_on_the_other_groups(rows: list[tuple[float, int]]) -> None:
    values, group = np.array([r[0] for r in rows]), np.array([r[1] for r in rows], dtype=np.intp)
    together = group_sum(values, group, 5)
    for g in range(5):
        alone = group_sum(values[group == g], np.zeros(int((group == g).sum()), dtype=np.intp), 1)
        assert together[g].tobytes() == alone[0].tobytes()


def test_smallest_and_largest_ignore_unknown_and_an_empty_group_is_unknown() -> None:
    values, group = np.array([3.0, np.nan, 1.0]), np.array([0, 0, 0], dtype=np.intp)
    assert group_min(values, group, 2)[0] == 1.0 and np.isnan(group_min(values, group, 2)[1])
    assert group_max(values, group, 2)[0] == 3.0


def test_a_column_that_is_not_there_is_unknown() -> None:
    table = {"a": np.array([1.0, 2.0])}
    assert rows_of(table) == 2
    assert np.isnan(number(table, "b")).all()
    assert list(text(table, "b")) == [None, None]


def test_years_are_days_over_365_and_a_quarter() -> None:
    start, end = np.array(["2026-01-01"], "datetime64[D]"), np.array(["2030-01-01"], "datetime64[D]")
    assert years_between(start, end)[0] == 1461 / 365.25
    assert months_between(start, end)[0] == 12 * 1461 / 365.25
    assert year_of(end)[0] == 2030.0
    assert np.isnan(years_between(start, np.array(["NaT"], "datetime64[D]")))[0]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_canonical_json_reads_back_and_does_not_depend_on_key_order(value: object) -> None:
    data = {"b": value, "a": 1}
    try:
        written = canonical_json(data)
    except UnicodeEncodeError:  # lone surrogates have no UTF-8 form
        return
    assert json.loads(written) == data
    assert canonical_json(json.loads(written)) == written
    assert digest(data) == digest(dict(reversed(list(data.items()))))


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.floats(min_value=-1e-3, max_value=1e-3)
        | st.sampled_from([1e-05, 9.999e-05, 1e-04, -1e-05, 1e15, 1e16, -1e16, 5e-324, -0.0, 1e22, "a:1e5", ",-2e-7"]),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
        max_leaves=25,
    )
)
def test_the_quick_writer_gives_the_same_bytes_for_everything_finite(value: object) -> None:
    assert finite_json(value) == canonical_json(value)


def test_a_key_that_is_a_number_becomes_text_in_both_writers() -> None:
    assert finite_json({1: "a"}) == canonical_json({1: "a"}) == b'{"1":"a"}'


@pytest.mark.parametrize("value", [dt.date(2026, 1, 5), {"a": {1, 2}}, {"a": np.float32(1.0)}])
@pytest.mark.parametrize("write", [canonical_json, finite_json])
def test_neither_writer_takes_what_is_no_plain_data(write: Callable[[object], bytes], value: object) -> None:
    with pytest.raises(TypeError):
        write(value)


def test_canonical_json_refuses_what_json_cannot_say() -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(float("nan"))
