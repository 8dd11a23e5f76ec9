"""The shipped examples are what they claim: published cases, joined to a published account."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import eco_credit as ec
from serving.cli.demo import EXAMPLES, example_path

ROOT = Path(__file__).resolve().parents[1]
FOREST_HA, VEGETATED_HA = 158e4, 158e4 + 711.13e4
"""Forest and forest plus grassland that the Garze account itself values (pest control rows)."""


def load(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(example_path(name).read_text("utf-8"))
    return data


def appraised(name: str) -> dict[str, Any]:
    application = load(name)
    return ec.appraise(
        application["pledges"][0], as_of=application["as_of"], term_months=application["loan"]["term_months"]
    )


def step(pledge: dict[str, Any], code: str) -> float:
    return next(s["value"] for s in pledge["appraisal"]["steps"] if s["code"] == code)


def test_the_fir_stand_gives_the_published_appraisal_and_its_printed_steps() -> None:
    pledge = appraised("forest_right")
    # W = 100 ha * 180 m3/ha * (0.25 * 1000 + 0.45 * 750); C = 12,600 m3 * 180 + 18 % of W; F = 16 % of C; E = W - C - F
    assert pledge["appraisal"]["central"] == pytest.approx(5_736_060, abs=0.5)
    assert pledge["eligible"] and pledge["appraisal"]["approach"] == "residual"


def test_the_water_right_is_priced_at_the_dongyang_yiwu_deal() -> None:
    # 200,000,000 CNY / 49,999,000 m3 a year = 4.00 CNY per m3/year for ever; at 6 % that is 0.24 CNY a year and m3
    pledge = appraised("water_right")
    prices = [s["value"] for s in pledge["appraisal"]["steps"] if s["unit"].startswith("CNY/m3")]
    assert any(abs(p - 4.0) <= 0.001 for p in prices), prices
    assert pledge["eligible"]


def test_the_order_book_gives_the_published_borrowing_base() -> None:
    # 10,000,000 * 0.85 + 5,000,000 * 0.50
    pledge = appraised("order")
    assert pledge["eligible"] and pledge["lending_value"] == pytest.approx(11_000_000, abs=0.01)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_marked_synthetic_and_public_benefit_is_added_to_nothing(name: str) -> None:
    application = load(name)
    assert application["synthetic"] is True
    total = sum(flow["value_cny"] for flow in application["pledges"][0]["gep_flows"])
    gep = appraised(name)["gep"]
    assert gep["entitled_cny_per_year"] + gep["public_benefit_cny_per_year"] == pytest.approx(total, abs=0.02)
    stripped = application["pledges"][0] | {"gep_flows": []}
    bare = ec.appraise(stripped, as_of=application["as_of"], term_months=application["loan"]["term_months"])
    assert bare["appraisal"]["central"] == appraised(name)["appraisal"]["central"]


def test_the_forest_flows_are_the_published_account_scaled_by_area() -> None:
    import pandas as pd

    rows = pd.read_csv(ROOT / "examples" / "garze_2010.csv")
    account = {(r["service"], r["item"]): r["value_cny"] for _, r in rows.iterrows()}
    for flow in load("forest_right")["pledges"][0]["gep_flows"]:
        base = FOREST_HA if flow["item"] in {"forestry net output", "forest"} else VEGETATED_HA
        expected = account[(flow["service"], flow["item"])] * 100 / base
        assert flow["value_cny"] == pytest.approx(expected, abs=0.01), flow["item"]
