"""Margins of conservatism stand beside the best estimate and never change it."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from risk_samples import bundle_files, sample_rows

from eco_credit.core.errors import ModelNotServable
from eco_credit.risk import ModelBundle
from eco_credit.risk.margin import Margin

HELD: dict[str, Any] = {"absolute": {"a": 0.001, "b": 0.0, "c": 0.0}, "relative": {"a": 0.0, "b": 0.1, "c": 0.25}}
ratios = st.floats(0.0, 1.0)


def test_each_margin_is_its_points_plus_its_part_of_the_pd() -> None:
    a, b, c, total = Margin.parse(HELD, "margin").of(np.array([0.02, 0.9]))
    assert a.tolist() == [0.001, 0.001] and b.tolist() == pytest.approx([0.002, 0.09])  # 0.1 PD
    assert c.tolist() == pytest.approx([0.005, 0.225])  # PD / 4
    assert total.tolist() == pytest.approx([0.028, 1.0])  # 0.02 + 0.001 + 0.002 + 0.005; never above 1


@given(st.lists(ratios, min_size=2, max_size=9), ratios, ratios)
def test_the_order_of_loans_stays_and_no_margin_lowers_a_pd(pds: list[float], points: float, part: float) -> None:
    held = {"absolute": dict.fromkeys("abc", points), "relative": dict.fromkeys("abc", part)}
    pd = np.sort(np.array(pds))
    total = Margin.parse(held, "margin").of(pd)[3]
    assert (np.diff(total) >= 0.0).all() and (total >= np.minimum(pd, 1.0)).all() and (total <= 1.0).all()


def test_a_package_with_margins_serves_the_same_pd_and_a_refused_row_has_none() -> None:
    files = copy.deepcopy(bundle_files())
    files["pd.json"] |= {"margin": HELD, "tier": {"flag": "expert-anchored"}}
    rows = sample_rows()
    count = len(next(iter(rows.values())))
    given_ = {"collateral_value": np.full(count, 1e6), "exposure": np.full(count, 5e5)}
    plain, held = (ModelBundle.parse(f) for f in (bundle_files(), files))
    before, after = plain.estimate(rows, **given_), held.estimate(rows, **given_)
    assert before.pd.tobytes() == after.pd.tobytes() and np.isnan(before.pd_with_margin).all()
    scored = ~after.refused
    assert (after.pd_with_margin[scored] > after.pd[scored]).all() and np.isnan(after.pd_with_margin[~scored]).all()
    assert (plain.pd.flag, held.pd.flag) == (None, "expert-anchored")


@pytest.mark.parametrize("change", [{"absolute": {"a": -0.1, "b": 0.0, "c": 0.0}}, {"relative": {"a": 0.0, "b": 0.0}},
                                    {"relative": {"a": 1e3, "b": 0.0, "c": 0.0}}, {"absolute": None}])  # fmt: skip
def test_a_margin_that_cannot_be_is_not_served(change: dict[str, Any]) -> None:
    with pytest.raises(ModelNotServable, match=r"margin"):
        Margin.parse(HELD | change, "margin")
