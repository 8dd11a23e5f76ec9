"""Published studies through the public path; expected numbers are the printed ones (see each case's DOI)."""

from __future__ import annotations

import math
from typing import Any

import pytest

from eco_credit.gep import account
from eco_credit.gep.measure import money, value_of
from tests.gep.rows import CASES, case, refused, rules

STUDIES = sorted(path.stem for path in CASES.glob("*.yaml"))
ROWS = [(study, place, row) for study in STUDIES for place, row in enumerate(case(study)["rows"])]


def _label(entry: tuple[str, int, dict[str, Any]]) -> str:
    study, place, row = entry
    return f"{study}:{place}:{row['name']}" + ("" if row["independent"] else " (not independent)")


def _computed(study: str, row: dict[str, Any]) -> float:
    """Value of a row in the unit it is printed in."""
    part = row["parts"][0]
    if row.get("via") == "value_of":
        return value_of(part["physical"], part["physical_unit"], part["price"], part["price_unit"]) / money(
            row["value_unit"]
        )
    if row.get("via") == "straight_line":
        return float(part["cost"] / part["years"])
    made = account(row["parts"], norm=case(study)["norm"], rules=rules())
    return made.total / money(row["value_unit"])


SOUND = [entry for entry in ROWS if entry[2]["reconciles"] is True]
BROKEN = [entry for entry in ROWS if entry[2]["reconciles"] is False and "refused" not in entry[2]]
PRINTED = [entry for entry in ROWS if entry[2]["reconciles"] is None and "refused" not in entry[2]]
REFUSED = [entry for entry in ROWS if "refused" in entry[2]]


@pytest.mark.parametrize("entry", SOUND, ids=_label)
def test_a_published_row_is_reproduced_within_its_rounding(entry: tuple[str, int, dict[str, Any]]) -> None:
    study, _, row = entry
    assert _computed(study, row) == pytest.approx(row["value"], rel=row["tolerance"])


@pytest.mark.parametrize("entry", BROKEN, ids=_label)
def test_a_published_row_that_does_not_add_up_is_not_reproduced_and_is_explained(
    entry: tuple[str, int, dict[str, Any]],
) -> None:
    study, _, row = entry
    ours = _computed(study, row)
    assert abs(ours / row["value"] - 1.0) > row["tolerance"]
    assert ours == pytest.approx(row["recomputed"], rel=1e-4)
    assert row["note"]


@pytest.mark.parametrize("entry", PRINTED, ids=_label)
def test_a_row_with_a_printed_value_only_keeps_that_value(entry: tuple[str, int, dict[str, Any]]) -> None:
    study, _, row = entry
    assert _computed(study, row) == pytest.approx(row["value"], rel=1e-12)


@pytest.mark.parametrize("entry", REFUSED, ids=_label)
def test_a_row_that_has_no_place_in_an_account_is_refused_by_name(entry: tuple[str, int, dict[str, Any]]) -> None:
    study, _, row = entry
    assert row["refused"] in refused(row["parts"], case(study)["norm"])


def test_the_cases_hold_every_row_of_the_studies() -> None:
    counts = {study: len(case(study)["rows"]) for study in STUDIES}
    assert counts == {
        "abstract_checks": 3,
        "garze_2010": 28,
        "huanghua_soil_2011": 36,
        "jiajiyu_2012_per_hectare": 18,
        "jiaozhou_bay_2005_2015": 36,
        "lancang_hydropower_units": 10,
        "shandong_forest_carbon_2009_2013": 24,
    }


def _table(study: str) -> list[dict[str, Any]]:
    """All rows of a study with quantity, price and the printed value side by side."""
    return [
        part | {"value": row["value"], "value_unit": row["value_unit"]}
        for row in case(study)["rows"]
        if "total" not in row["name"]
        for part in row["parts"]
    ]


def test_the_28_rows_of_garze_account_to_7545_59() -> None:
    made = account(_table("garze_2010"), norm="garze-paper", year=2010, rules=rules())
    printed = {total["of"]: total for total in case("garze_2010")["totals"]}
    assert len(made.rows) == 28 and all(row.counted for row in made.rows)
    assert made.total / 1e8 == pytest.approx(printed["all"]["value"], rel=printed["all"]["tolerance"])
    for group in ("provisioning", "regulating"):
        assert made.by_group()[group] / 1e8 == pytest.approx(printed[group]["value"], rel=printed[group]["tolerance"])
    assert made.by_group()["cultural"] / 1e8 == pytest.approx(70.67, abs=0.005)


def test_garze_warns_of_the_same_water_priced_more_than_once_and_of_nothing_miscalculated() -> None:
    made = account(_table("garze_2010"), norm="garze-paper", year=2010, rules=rules())
    rules_seen = {notice.rule for notice in made.warnings}
    assert "one_water" in rules_seen and "capital_cost" in rules_seen
    assert "value_differs" not in rules_seen


def test_garze_without_oxygen_under_the_2022_norm_is_smaller_by_oxygen_and_pest_control() -> None:
    made = account(_table("garze_2010"), norm="norm-2022", year=2010, rules=rules())
    gone = 1821.9182 + 5.925 + 8.0003  # oxygen release and the two pest-control rows of the same table
    assert made.total / 1e8 == pytest.approx(7545.59 - gone, rel=2e-5)
    assert {row.service for row in made.left_out} == {"oxygen", "pest_control"}
    assert len(made.rows) == 28


@pytest.mark.parametrize("part", case("garze_2010")["computed"], ids=lambda part: str(part["item"]))
def test_garze_soil_amounts_follow_from_the_soil_retained(part: dict[str, Any]) -> None:
    made = account([{"service": "soil_retention", "item": part["item"], **part["inputs"]}], rules=rules())
    assert made.rows[0].physical == pytest.approx(part["physical"], rel=part["tolerance"])


@pytest.mark.parametrize("total", case("huanghua_soil_2011")["totals"], ids=lambda total: str(total["of"]))
def test_the_parts_of_a_huanghua_class_add_up_to_its_printed_total(total: dict[str, Any]) -> None:
    rows = [
        part for row in case("huanghua_soil_2011")["rows"] for part in row["parts"] if part["item"] != "class total"
    ]
    here = [row for row in rows if total["of"] in ("all", f"place:{row['place']}")]
    assert account(here, norm="garze-paper", rules=rules()).total / 1e6 == pytest.approx(
        total["value"], rel=total["tolerance"]
    )


@pytest.mark.parametrize("total", case("jiaozhou_bay_2005_2015")["totals"], ids=lambda total: str(total["of"]))
def test_the_twelve_items_of_jiaozhou_bay_add_up_and_the_dominant_one_is_pointed_out(total: dict[str, Any]) -> None:
    rows = [row for row in _table("jiaozhou_bay_2005_2015") if f"place:{row['place']}" == total["of"]]
    made = account(rows, norm="tech-guide-2020", rules=rules())
    assert made.total / 1e7 == pytest.approx(total["value"], rel=total["tolerance"])
    dominant = [notice for notice in made.warnings if notice.rule == "dominant_row"]
    assert [made.rows[notice.rows[0] - 1].service for notice in dominant] == ["climate_regulation"]


def test_jiaozhou_oxygen_and_carbon_come_from_the_same_algae() -> None:
    values = {row["name"]: row["value"] for row in case("jiaozhou_bay_2005_2015")["rows"]}
    for year in ("2010", "2015"):
        ratio = values[f"{year}: oxygen release"] / values[f"{year}: carbon fixation"]
        assert ratio == pytest.approx(2.04, abs=0.03)  # 1.2 * P_O2 / (1.63 * P_C), to the printed rounding


def test_the_shandong_mixed_conifer_values_need_a_larger_growth_than_the_one_printed() -> None:
    row = next(
        r for r in case("shandong_forest_carbon_2009_2013")["rows"] if r["name"] == "oxygen release: Mixed conifer"
    )
    needed = row["value"] * 1e8 / (1054e2 * 1.19 * 1000.0)  # V / (A * 1.19 * price), t/hm2
    assert needed == pytest.approx(9.15, abs=0.01) and needed > 5.72


def test_lancang_silting_is_only_reached_by_multiplying_with_the_density() -> None:
    multiplied = 3.05e5 * 1.3 * 45 / 1e8
    assert multiplied == pytest.approx(0.178, abs=5e-4)  # as printed, cut to 0.17
    row = {
        "service": "soil_retention",
        "item": "silting",
        "soil_retained_t": 3.05e5,
        "deposited_share": 1.0,
        "bulk_density": 1.3,
        "price": 45.0,
        "price_unit": "CNY/m3",
    }
    assert account([row], rules=rules()).total == pytest.approx(3.05e5 / 1.3 * 45)


def test_lancang_price_per_tonne_of_carbon_on_carbon_dioxide_is_refused() -> None:
    row = {"service": "carbon", "item": "co2", "npp_dry_t": 822355.11, "price": 260.9, "price_unit": "CNY/tC"}
    assert refused([row]) == {"carbon_not_carbon_dioxide"}


def test_a_stated_value_that_misses_quantity_times_price_is_kept_and_pointed_out() -> None:
    row = {
        "service": "oxygen",
        "item": "mixed conifer",
        "physical": 1054e2 * 5.72 * 1.19,
        "physical_unit": "t",
        "price": 1000.0,
        "price_unit": "CNY/t",
        "value": 11.47,
        "value_unit": "1e8 CNY",
    }
    made = account([row], norm="shandong-2022", rules=rules())
    assert math.isclose(made.total, 11.47e8)
    assert "value_differs" in {notice.rule for notice in made.warnings}
