"""Many parcels as columns: the same values and ranges as the ledger, refusals by name, one parcel equals many."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eco_credit.core.errors import ContractError
from eco_credit.gep import account, parcels
from eco_credit.gep.parcels import BLOCK
from tests.gep.rows import rules

WOODS = {
    "area_ha": [10.0, 20.0, 0.0],
    "ecosystem": ["meadow", "steppe", "meadow"],
    "precipitation_mm": [900.0, 800.0, 700.0],
    "evapotranspiration_mm": [600.0, 650.0, 500.0],
    "soil_retained_t": [100.0, 0.0, np.nan],
}
ITEMS = {"soil_retention": ["silting", "nonpoint_n"], "pest_control": [], "flood_mitigation": []}


def run(table: dict[str, Any], norm: str = "norm-2022", **options: Any) -> Any:
    """Parcels under the rulebook of the fixed day."""
    return parcels(table, norm, rules=rules(), **options)


def refusals(table: dict[str, Any], **options: Any) -> set[tuple[str, str]]:
    """Fields and rules that refuse a table."""
    with pytest.raises(ContractError) as caught:
        run(table, **options)
    assert all(v.en and v.zh for v in caught.value.violations)
    return {(v.field, v.rule) for v in caught.value.violations}


def ledger_rows(table: dict[str, Any]) -> list[dict[str, Any]]:
    """The same parcels as rows of an account."""
    rows = []
    for i in range(len(table["area_ha"])):
        own = {name: cells[i] for name, cells in table.items()}
        names = ("area_ha", "ecosystem", "precipitation_mm", "evapotranspiration_mm")
        rows.append({"service": "water_retention", "place": f"p{i}"} | {name: own[name] for name in names})
        if not np.isnan(own["soil_retained_t"]):
            rows += [{"service": "soil_retention", "item": item, "place": f"p{i}",
                      "soil_retained_t": own["soil_retained_t"]} for item in ITEMS["soil_retention"]]
    return rows


def test_columns_and_ledger_give_the_same_values_and_ranges() -> None:
    made, table = run(WOODS, items=ITEMS), account(ledger_rows(WOODS), rules=rules())
    flows = {(flow.service, flow.item): flow for flow in made.flows}
    for row in table.rows:
        flow = flows[row.service, row.item or "retention"]
        i = int(str(row.place)[1:])
        assert (flow.value_cny[i], flow.low[i], flow.high[i]) == (row.value_cny, row.low, row.high)
        assert flow.physical[i] == row.physical and flow.physical_unit == row.physical_unit
    assert float(made.total.sum()) == pytest.approx(table.total, rel=1e-12)


def test_a_parcel_without_the_inputs_of_a_flow_has_none_of_it_and_counts_nothing_for_it() -> None:
    made = run(WOODS, items=ITEMS)
    silt = next(flow for flow in made.flows if flow.item == "silting")
    assert np.isnan(silt.value_cny[2]) and silt.missing == 1
    assert made.total[2] == 0.0  # no area


def test_one_parcel_alone_is_that_parcel_among_many_across_blocks() -> None:
    count = BLOCK + 7
    chance = np.random.default_rng(7)
    table = {"area_ha": chance.uniform(0.0, 50.0, count), "precipitation_mm": chance.uniform(300.0, 2000.0, count),
             "ecosystem": np.array(["meadow", "steppe"], dtype=object)[chance.integers(0, 2, count)],
             "evapotranspiration_mm": chance.uniform(200.0, 900.0, count)}
    options: dict[str, Any] = {"items": {"pest_control": [], "flood_mitigation": []}}
    many = run(table, **options).columns()
    for i in (0, BLOCK - 1, BLOCK, count - 1):
        alone = run({name: cells[i:i + 1] for name, cells in table.items()}, **options).columns()
        assert {name: cells[0] for name, cells in alone.items()} == {name: many[name][i] for name in alone}


def test_disjoint_parcels_add_up_and_their_order_changes_no_parcel() -> None:
    made, back = run(WOODS, items=ITEMS), run({n: cells[::-1] for n, cells in WOODS.items()}, items=ITEMS)
    assert back.total.tolist() == made.total[::-1].tolist()
    halves = [run({n: cells[part] for n, cells in WOODS.items()}, items=ITEMS) for part in (slice(0, 1), slice(1, 3))]
    assert [*halves[0].total, *halves[1].total] == made.total.tolist()
    twice = run(WOODS | {"area_ha": [20.0, 40.0, 0.0], "soil_retained_t": [200.0, 0.0, np.nan]}, items=ITEMS)
    assert twice.total.tolist() == (2.0 * made.total).tolist()  # a power of two scales without rounding


def test_low_central_and_high_stand_in_order_for_every_flow() -> None:
    for flow in run(WOODS, items=ITEMS).flows:
        known = ~np.isnan(flow.value_cny)
        assert (flow.low[known] <= flow.value_cny[known]).all() and (flow.value_cny[known] <= flow.high[known]).all()


def test_a_price_of_an_item_is_stated_with_its_unit() -> None:
    table = {"npp_dry_t": [2.0], "oxygen.price": [400.0]}
    made = run(table, "tech-guide-2020", units={"oxygen.price": "CNY/t"}, items={"carbon": ["co2"]})
    assert made.by_service()["oxygen"].tolist() == pytest.approx([2.0 * 1.19 * 400.0])
    assert ("oxygen.price", "unit_not_stated") in refusals(table)


def test_the_norm_decides_which_flow_counts() -> None:
    under = {norm: run({"npp_dry_t": [2.0]}, norm, items={"carbon": ["co2"]}) for norm in ("norm-2022", "garze-paper")}
    assert "oxygen" not in under["norm-2022"].by_service() and "oxygen" in under["garze-paper"].by_service()
    assert under["norm-2022"].total[0] < under["garze-paper"].total[0]


def test_one_quantity_for_several_items_is_left_out_until_the_item_is_named() -> None:
    table: dict[str, Any] = {"water_used_m3": [1e6, 1e6]}
    blind = run(table)
    assert "item_not_chosen" in {notice.rule for notice in blind.warnings} and blind.total.tolist() == [0.0, 0.0]
    named = run(table | {"water_supply.item": ["domestic", "irrigation"]})
    assert named.total[0] > named.total[1] > 0.0


@pytest.mark.parametrize(("table", "field", "rule"), [
    ({}, "table", "no_rows"),
    ({"area_ha": []}, "table", "no_rows"),
    ({"area_ha": [1.0], "precipitation_mm": [1.0, 2.0]}, "table", "lengths"),
    ({"area_mu": [1.0]}, "area_mu", "unknown_column"),
    ({"physical": [1.0]}, "physical", "unknown_column"),
    ({"soil_retention.moon.price": [1.0]}, "soil_retention.moon.price", "unknown_column"),
    ({"area_ha": ["1"]}, "area_ha", "not_a_number"),
    ({"area_ha": [True]}, "area_ha", "not_a_number"),
    ({"area_ha": [np.inf]}, "area_ha", "not_finite"),
    ({"area_ha": [1.0, -1.0]}, "area_ha", "minimum"),
    ({"cover_factor": [1.5]}, "cover_factor", "maximum"),
    ({"ecosystem": [3]}, "ecosystem", "not_text"),
    ({"ecosystem": ["moon"]}, "ecosystem", "not_listed"),
    ({"pest_control.item": ["moon"]}, "pest_control.item", "item_unknown"),
    ({"nutrient_content": [0.001]}, "nutrient_content", "ambiguous_column"),
    ({"cooling_days": [366.0]}, "service", "too_many_days"),
])
def test_a_table_that_cannot_be_read_is_refused_by_name(table: dict[str, Any], field: str, rule: str) -> None:
    assert (field, rule) in refusals(table)


def test_carbon_is_not_counted_beside_carbon_dioxide() -> None:
    table = {"npp_dry_t": [2.0], "carbon.carbon.price": [1200.0]}
    assert ("carbon", "carbon_twice") in refusals(table, units={"carbon.carbon.price": "CNY/tC"})


def test_carbon_priced_per_tonne_of_carbon_dioxide_is_refused() -> None:
    table = {"carbon.carbon.price": [90.0], "npp_dry_t": [2.0]}
    options = {"units": {"carbon.carbon.price": "CNY/tCO2"}, "items": {"carbon": ["carbon"]}}
    assert ("price_unit", "carbon_not_carbon_dioxide") in refusals(table, **options)
