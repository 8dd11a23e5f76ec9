"""Reasons of many applications against the reasons of each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.scoring.reason_columns import reason_columns
from eco_credit.scoring.reasons import feature_reasons, model_reasons
from eco_credit.scoring.table import joined

FEATURES = (*list(feature_reasons())[:12], "a_feature_without_a_code")
PARTS = st.lists(st.sampled_from([0.0, -0.0, 0.05, -0.05, 0.3, -0.3, 0.7, 1e-9, np.nan]),
                 min_size=len(FEATURES), max_size=len(FEATURES))  # fmt: skip


@given(rows=st.lists(st.tuples(PARTS, st.booleans(), st.booleans(), st.booleans()), min_size=1, max_size=12),
       columns=st.integers(0, 9))  # fmt: skip
def test_the_codes_of_many_rows_are_those_of_each_row(
    rows: list[tuple[list[float], bool, bool, bool]], columns: int
) -> None:
    parts = {name: np.array([row[0][at] for row in rows]) for at, name in enumerate(FEATURES)}
    graded, gate, policy = (np.array([row[at] for row in rows]) for at in (1, 2, 3))
    decided = {"C05": gate, "P04": policy}
    found = reason_columns(decided, parts, graded=graded, least=0.1, columns=columns)
    for row in range(len(rows)):
        told = [code for code, hit in decided.items() if hit[row]]
        if graded[row]:
            told += [one["code"] for one in model_reasons(parts, row, points_per_logit=20.0, least=0.1, most=4)]
        assert [column[row] for column in found] == [*told, *[None] * columns][:columns]


@pytest.mark.parametrize("block", [1, 3])
def test_the_rows_ranked_at_once_change_no_code(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    drawn = np.random.default_rng(3).normal(0.0, 0.3, (len(FEATURES), 50))
    parts, graded = dict(zip(FEATURES, drawn, strict=True)), np.arange(50) % 5 > 0
    whole = reason_columns({"C05": drawn[0] > 0.2}, parts, graded=graded, least=0.05, columns=5)
    monkeypatch.setattr("eco_credit.scoring.reason_columns._BLOCK_ROWS", block)
    again = reason_columns({"C05": drawn[0] > 0.2}, parts, graded=graded, least=0.05, columns=5)
    assert [column.tolist() for column in whole] == [column.tolist() for column in again]


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), max_size=20))
def test_flags_are_joined_in_their_order(rows: list[list[bool]]) -> None:
    hits = np.array(rows, dtype=bool).reshape(len(rows), 3)
    flags = {name: hits[:, at] for at, name in enumerate(("one", "two", "three"))}
    expected = [" ".join(name for name, hit in zip(flags, row, strict=True) if hit) or None for row in rows]
    assert joined(flags, len(rows)).tolist() == expected
