"""The three values of columns in parts against sorting everything."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from serving.batch.middle import three_values

PARTS = st.lists(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=8), max_size=8)


@given(PARTS)
def test_the_three_values_are_those_of_all_values_sorted(parts: list[list[float]]) -> None:
    columns = [{"a": np.array(part, dtype=np.float64)} for part in parts]
    known = sorted(value for part in parts for value in part if np.isfinite(value))
    expected = {"a": [known[0], known[(len(known) - 1) // 2], known[-1]]} if known else {}
    assert three_values(lambda: columns) == expected


@given(st.lists(st.sampled_from([-0.0, 0.0, 1.0, -2.5, np.nan]), min_size=1, max_size=60), st.integers(1, 7))
def test_equal_values_and_the_cut_into_parts_change_nothing(values: list[float], size: int) -> None:
    column = np.array(values)
    parts = [{"a": column[at : at + size]} for at in range(0, len(column), size)]
    assert three_values(lambda: parts) == three_values(lambda: [{"a": column}])
