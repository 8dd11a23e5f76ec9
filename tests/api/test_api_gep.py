"""``POST /v1/gep/accounts``: the tidy table, totals, what was left out, and refusals by name."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_service import Client, Ticking, body_of

import eco_credit as ec
from serving.app import create_app
from serving.routes.account_shapes import AccountAnswer
from serving.settings import Settings

GARZE = Path(__file__).parents[2] / "examples" / "garze_2010.csv"
NUMBERS = ("account_year", "physical", "price", "value_cny")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The real service without a model: an account needs none."""
    made = create_app(Settings(access="open", home=tmp_path_factory.mktemp("gep") / "home", web=False), clock=Ticking())
    with Client(made) as client:
        yield client


def garze() -> list[dict[str, Any]]:
    """Rows of the published account of Garze."""
    with GARZE.open(encoding="utf-8", newline="") as source:
        return [{key: (float(cell) if key in NUMBERS else cell) for key, cell in row.items() if cell}
                for row in csv.DictReader(source)]


def test_an_account_is_the_tidy_table_with_totals_and_reasons(real: Client) -> None:
    made = real.post("/v1/gep/accounts", body_of({"norm": "norm-2022", "rows": garze()}))
    assert made.status_code == 200, made.text
    answer = AccountAnswer.model_validate(made.json())
    assert set(made.json()["rows"][0]) == {
        "place", "service", "item", "physical", "physical_unit", "price", "price_unit", "value_cny", "low", "high",
        "method", "source", "counted",
    }
    assert answer.total_cny == pytest.approx(5709.7545e8, rel=1e-9)  # 7545.598e8 less oxygen and pest control
    assert [row.service for row in answer.left_out] == ["oxygen", "pest_control", "pest_control"]
    assert "one_water" in {notice.rule for notice in answer.warnings}


@pytest.mark.parametrize("norm", ["norm-2022", "garze-paper", "tech-guide-2020"])
def test_the_service_and_python_draw_up_the_same_account(real: Client, norm: str) -> None:
    asked = real.post("/v1/gep/accounts", body_of({"norm": norm, "rows": garze(), "day": "2026-11-23"})).json()
    here = ec.account(garze(), norm=norm).as_dict()
    assert asked["rows"] == here["rows"]
    assert (asked["total_cny"], asked["by_group"]) == (here["total_cny"], here["by_group"])


def test_percentiles_come_on_request_and_are_the_same_for_the_same_seed(real: Client) -> None:
    asked = {"rows": garze(), "samples": 64, "seed": 7}
    once, again = (real.post("/v1/gep/accounts", body_of(asked)) for _ in range(2))
    assert once.status_code == 200, once.text
    assert once.content == again.content
    total = once.json()["uncertainty"]["total"]
    assert total["p10"] < total["p50"] < total["p90"]
    assert len(once.json()["uncertainty"]["rows"]) == 28
    assert "uncertainty" not in real.post("/v1/gep/accounts", body_of({"rows": garze()})).json()


def test_draws_for_many_rows_are_sent_to_the_command_line(real: Client) -> None:
    rows = [{"service": "carbon", "place": str(i), "value_cny": 1.0} for i in range(201)]
    refused = real.post("/v1/gep/accounts", body_of({"rows": rows, "samples": 64}))
    assert [(e["field"], e["rule"]) for e in refused.json()["errors"]] == [("samples", "too_many_rows")]
    odd = real.post("/v1/gep/accounts", body_of({"rows": rows, "samples": 100}))
    assert [e["field"] for e in odd.json()["errors"]] == ["samples"]


@pytest.mark.parametrize(
    ("row", "field", "rule"),
    [
        ({"service": "nothing", "value_cny": 1.0}, "service", "service_unknown"),
        ({"service": "carbon", "physical": 1.0, "physical_unit": "stone", "price": 1.0, "price_unit": "CNY/tCO2"},
         "physical_unit", "unit_unknown"),
        ({"service": "carbon", "physical": 1.0, "physical_unit": "tC", "price": 1.0, "price_unit": "CNY/tCO2"},
         "price_unit", "carbon_not_carbon_dioxide"),
        ({"service": "carbon", "physical": 1.0, "physical_unit": "tCO2", "price": 1.0}, "price_unit",
         "unit_not_stated"),
        ({"service": "soil_retention", "item": "nonpoint_n", "soil_retained_t": 1.0, "nutrient_content": 0.37},
         "nutrient_content", "percent_for_fraction"),
    ],
)
def test_each_mistake_has_a_name_and_a_row(real: Client, row: dict[str, Any], field: str, rule: str) -> None:
    good = {"service": "oxygen", "value_cny": 1.0}
    refused = real.post("/v1/gep/accounts", body_of({"rows": [good, row]}), accept_language="zh")
    assert refused.status_code == 422, refused.text
    assert (field, rule) in [(e["field"], e["rule"]) for e in refused.json()["errors"]]
    assert all(e.get("row", 2) == 2 for e in refused.json()["errors"])
