"""Reasons: whom a loan is compared with."""

from __future__ import annotations

import numpy as np

from eco_credit.risk.explain import Reference


def test_a_loan_is_compared_with_the_usual_loan_of_its_own_kind() -> None:
    reference = Reference(("share_forest",), ({"share_forest": 0.2, "ltv": 0.5}, {"share_forest": 1.0, "ltv": 0.4}))
    rows = {"share_forest": np.array([0.0, 0.5, 0.51, 1.0, np.nan])}
    assert reference.of(rows).tolist() == [0, 0, 1, 1, 0]
    assert reference.columns()["ltv"].tolist() == [0.5, 0.4]
