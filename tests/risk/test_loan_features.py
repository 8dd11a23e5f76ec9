"""Features of a loan and its pledges, by arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from eco_credit.core.numbers import take
from eco_credit.risk import features
from eco_credit.risk.loan_features import weighted_mean
from eco_credit.rulebook import load

RULES = load().at("2026-11-23")
WORKOUT = RULES.number("valuation.disposal.workout_months")
CAP = RULES.number("risk.feature.ratio_cap")


@dataclass
class Values:
    eligible: Any
    low: Any
    central: Any
    high: Any
    lending_value: Any
    right_months: Any
    features: dict[str, Any]


def loans(**changes: Any) -> dict[str, Any]:
    base = {
        "amount_requested": [500_000.0, 100_000.0],
        "term_months": [24.0, 12.0],
        "annual_rate": [0.04, 0.05],
        "net_cash_in_year": [400_000.0, -1.0],
        "other_debt": [100_000.0, 0.0],
        "external_guarantee": [40_000.0, 0.0],
        "overdue_max_24m": [0.0, 2.0],
        "bad_record": [0.0, np.nan],
        "years_in_trade": [8.0, 1.0],
        "guarantee_cover": [0.0, 0.8],
        "control_account": [1.0, 0.0],
    } | changes
    return {name: np.array(column) for name, column in base.items()}


def forest() -> tuple[dict[str, Any], Values]:
    table = {
        "application_row": np.array([0.0, 0.0, 1.0]),
        "stated_value": np.array([660_000.0, np.nan, np.nan]),
        "registered": np.array([1.0, 0.0, np.nan]),
        "prior_claims": np.array([0.0, 90_000.0, np.nan]),
    }
    values = Values(
        eligible=np.array([True, True, False]),
        low=np.array([500_000.0, 250_000.0, 80_000.0]),
        central=np.array([600_000.0, 300_000.0, 100_000.0]),
        high=np.array([690_000.0, 360_000.0, 120_000.0]),
        lending_value=np.array([300_000.0, 150_000.0, 0.0]),
        right_months=np.array([240.0, 60.0, 30.0]),
        features={"forest_stock": np.array([90.0, 120.0, np.nan]), "forest_permit": np.array([1.0, 0.0, 1.0])},
    )
    return table, values


def table() -> dict[str, Any]:
    return features(loans(), {"forest_right": forest()}, RULES)


def test_the_features_of_a_loan_by_arithmetic() -> None:
    row = {name: float(column[0]) for name, column in table().items()}
    assert row["debt_to_cash"] == pytest.approx(1.5)  # (100 000 + 500 000) / 400 000
    assert row["dscr"] == pytest.approx(400_000 / (250_000 + 20_000))  # 500 000 / 2 years + 4 % of 500 000
    assert row["external_guarantee_ratio"] == pytest.approx(0.1)
    assert row["ltv"] == pytest.approx(500 / 900)
    assert row["lending_cover"] == pytest.approx(450 / 500)
    assert row["appraisal_spread"] == pytest.approx((1050 - 750) / 900)
    assert row["stated_to_appraised"] == pytest.approx(1.1)
    assert row["registered_share"] == pytest.approx(600 / 900)
    assert row["prior_claim_ratio"] == pytest.approx(90 / 900)
    assert row["term_cover"] == pytest.approx(60 / (24 + WORKOUT))
    assert row["share_forest"] == 1.0
    assert row["forest_stock"] == pytest.approx((90 * 600 + 120 * 300) / 900)
    assert row["forest_permit"] == pytest.approx(600 / 900)


def test_nothing_to_pay_from_is_the_worst_ratio_not_the_best() -> None:
    found = table()
    assert found["debt_to_cash"][1] == CAP
    assert found["dscr"][1] == 0.0
    assert found["external_guarantee_ratio"][1] == 0.0


def test_an_ineligible_pledge_secures_nothing() -> None:
    found = table()
    assert found["ltv"][1] == CAP
    assert found["lending_cover"][1] == 0.0


def test_what_nobody_stated_is_unknown() -> None:
    found = table()
    assert np.isnan(found["stated_to_appraised"][1])
    assert np.isnan(found["bad_record"][1])
    assert np.isnan(found["forest_stock"][1])


def test_a_loan_without_pledges_has_unknown_collateral_features() -> None:
    found = features(loans(), {}, RULES)
    assert np.isnan(found["term_cover"]).all() and np.isnan(found["prior_claim_ratio"]).all()
    assert found["ltv"].tolist() == [CAP, CAP]


def test_a_single_pledge_passes_its_figures_on_to_the_bit() -> None:
    values = np.random.default_rng(0).normal(size=500)
    weights = np.random.default_rng(1).lognormal(10.0, 3.0, 500)
    assert weighted_mean(np.array([values]), weights, np.arange(500), 500).tobytes() == values.tobytes()


def test_pledges_without_value_are_averaged_plainly() -> None:
    assert weighted_mean(np.array([[1.0, 3.0]]), np.zeros(2), np.array([0, 0]), 1).tolist() == [[2.0]]


def test_one_application_alone_has_the_bits_it_has_among_many() -> None:
    rows, values = forest()
    many = table()
    for i in range(2):
        mine = rows["application_row"] == i
        part = {name: column[mine] for name, column in rows.items()} | {"application_row": np.zeros(int(mine.sum()))}
        kept = {name: getattr(values, name)[mine] for name in ("eligible", "low", "central", "high")}
        kept |= {name: getattr(values, name)[mine] for name in ("lending_value", "right_months")}
        alone = Values(**kept, features=take(values.features, mine))
        found = features(take(loans(), np.array([i])), {"forest_right": (part, alone)}, RULES)
        assert {name: column.tobytes() for name, column in found.items()} == {
            name: column[i : i + 1].tobytes() for name, column in many.items()
        }
