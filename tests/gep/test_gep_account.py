"""The account: what a row needs, units, ranges, norms, and what is refused by name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from eco_credit.core.errors import ContractError
from eco_credit.gep import account, combine, flows_for, norms, pledge_columns, services, share
from eco_credit.gep.measure import factor, money, price, quantity
from tests.gep.rows import BALANCE, WATER, only, refused, rules, warned

SOIL = {"service": "soil_retention", "soil_retained_t": 1000.0}
CARBON = {"service": "carbon", "item": "co2", "physical": 10.0, "physical_unit": "tCO2"}


@pytest.mark.parametrize(
    ("physical", "per", "yuan"),
    [
        ("1e8 m3", "CNY/m3", 1e8),
        ("万吨", "元/吨", 1e4),
        ("1e4 t", "CNY/t", 1e4),
        ("1e8 kWh", "CNY/kWh", 1e8),
        ("1e4 hm2", "CNY/hm2", 1e4),
        ("1e6 m2", "CNY/m2", 1e6),
        ("km2", "CNY/ha", 100.0),
        ("公顷", "元/亩", 15.0),
        ("1e8 tCO2", "CNY/tCO2", 1e8),
        ("1e4 tC", "CNY/tC", 1e4),
        ("万人次", "元/人次", 1e4),
        ("t", "万元/kg", 1e7),
    ],
)
def test_quantity_times_price_cancels_to_yuan(physical: str, per: str, yuan: float) -> None:
    assert factor(physical, per) == pytest.approx(yuan, rel=1e-12)


@pytest.mark.parametrize(
    ("physical", "per", "rule"),
    [
        ("t", "CNY/m3", "units_do_not_cancel"),
        ("m3", "CNY/t", "units_do_not_cancel"),
        ("tCO2", "CNY/tC", "carbon_not_carbon_dioxide"),
        ("tC", "CNY/tCO2", "carbon_not_carbon_dioxide"),
        ("t", "CNY/tCO2", "carbon_mass_not_stated"),
        ("tC", "CNY/t", "carbon_mass_not_stated"),
        ("bushel", "CNY/t", "unit_unknown"),
        ("t", "USD/t", "unit_unknown"),
        ("t", "CNY", "unit_unknown"),
    ],
)
def test_units_that_do_not_cancel_are_refused_by_name(physical: str, per: str, rule: str) -> None:
    with pytest.raises(ContractError) as caught:
        factor(physical, per)
    assert [v.rule for v in caught.value.violations] == [rule]


def test_money_is_read_in_yuan_ten_thousand_and_hundred_million() -> None:
    assert [money(unit) for unit in ("元", "万元", "亿元", "1e8 CNY")] == [1.0, 1e4, 1e8, 1e8]
    assert quantity("1e4 hm2").size == 1e8 and price("CNY/m3")[1].kind == "volume"


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"service": "landlord_income", "value": 1.0, "value_unit": "CNY"}, "service_unknown"),
        ({"value": 1.0, "value_unit": "CNY"}, "required"),
        ({"service": "oxygen"}, "no_value"),
        ({"service": "oxygen", "value": 1.0}, "unit_not_stated"),
        ({"service": "oxygen", "value": 1.0, "value_unit": "pesos"}, "unit_unknown"),
        ({"service": "oxygen", "value": "12", "value_unit": "CNY"}, "not_a_number"),
        ({"service": "oxygen", "value": True, "value_unit": "CNY"}, "not_a_number"),
        ({"service": "oxygen", "value": float("inf"), "value_unit": "CNY"}, "not_finite"),
        ({"service": "oxygen", "value": 10**400, "value_unit": "CNY"}, "not_finite"),
        ({"service": "oxygen", "value": 1.0, "value_unit": "CNY", "beauty": 3.0}, "unknown_column"),
        ({"service": "oxygen", "item": "a\x00b", "value": 1.0, "value_unit": "CNY"}, "control_character"),
        ({"service": "oxygen", "value": 1.0, "value_unit": "CNY", "account_year": 1066}, "minimum"),
        ({"service": "oxygen", "value": 1.0, "value_unit": "CNY", "price_kind": "dreamt"}, "codes"),
        (
            {
                "service": "water_retention",
                "physical": 5.0,
                "physical_unit": "m3",
                "price": 7.06,
                "price_unit": "CNY/t",
            },
            "units_do_not_cancel",
        ),
        (
            {"service": "water_retention", "physical": 5.0, "physical_unit": "t", "price": 7.06, "price_unit": "CNY/t"},
            "price_kind",
        ),
        (
            {"service": "carbon", "physical": 5.0, "physical_unit": "t", "price": 380.0, "price_unit": "CNY/t"},
            "carbon_mass_not_stated",
        ),
        (SOIL | {"item": "nonpoint_n", "nutrient_content": 0.37}, "percent_for_fraction"),
        (BALANCE | {"area_ha": -1.0}, "minimum"),
        (BALANCE | {"runoff_mm": None, "ecosystem": "moonscape"}, "not_listed"),
        (BALANCE | {"negative_balance": "abs"}, "not_listed"),
        (BALANCE | {"physical_unit": "1e4 m3"}, "computed_unit"),
    ],
)
def test_a_row_that_cannot_be_accounted_is_refused_by_name(row: dict[str, Any], rule: str) -> None:
    assert rule in refused([row])


def test_an_empty_table_is_refused() -> None:
    assert refused([]) == {"no_rows"}


def test_a_refusal_names_the_row_and_every_row_is_reported() -> None:
    with pytest.raises(ContractError) as caught:
        account([WATER, {"service": "oxygen"}, {"service": "nothing", "value_cny": 1.0}], rules=rules())
    assert [v.row for v in caught.value.violations] == [2, 3]


def test_a_frame_a_list_and_columns_give_the_same_account() -> None:
    rows = [WATER | {"place": "a"}, BALANCE | {"place": "b"}]
    frame = pd.DataFrame(rows)
    columns = {name: frame[name].to_numpy() for name in frame}
    assert account(rows, rules=rules()) == account(frame, rules=rules()) == account(columns, rules=rules())


def test_the_water_balance_is_valued_with_the_runoff_of_its_ecosystem() -> None:
    flow = only(BALANCE | {"runoff_mm": None, "ecosystem": "meadow", "price": 7.06, "price_unit": "CNY/m3"})
    assert flow.physical == pytest.approx(100 * (900 - 900 * 0.0820 - 750) * 10)  # A * (P - P a - ET) * 10
    assert flow.value_cny == pytest.approx(flow.physical * 7.06)
    assert flow.source == "computed: storm_runoff+water_balance+water_retained"


def test_a_negative_balance_keeps_its_sign_with_a_warning_unless_clipping_is_stated() -> None:
    dry = BALANCE | {"evapotranspiration_mm": 1000.0}
    assert only(dry).physical == pytest.approx(100 * (900 - 50 - 1000) * 10)
    assert "negative_value" in warned([dry])
    assert only(dry | {"negative_balance": "clip"}).physical == 0.0


def test_soil_silting_and_load_are_computed_from_the_rusle_factors() -> None:
    factors = {
        "service": "soil_retention",
        "area_ha": 10.0,
        "rainfall_erosivity": 4000.0,
        "soil_erodibility": 0.03,
        "slope_factor": 2.0,
        "cover_factor": 0.25,
        "practice_factor": 1.0,
    }
    soil = 10 * 4000 * 0.03 * 2 * (1 - 0.25)  # A R K LS (1 - C P) = 1800 t
    silting = only(factors | {"item": "silting", "bulk_density": 1.2, "price": 20.0, "price_unit": "CNY/m3"})
    assert silting.value_cny == pytest.approx(soil * 0.24 / 1.2 * 20)
    load = only(factors | {"item": "nonpoint_p", "nutrient_content": 0.001})
    assert load.value_cny == pytest.approx(soil * 0.001 * 2800)


def test_carbon_comes_from_production_stock_change_rate_or_growth() -> None:
    by_balance = only(
        {
            "service": "carbon",
            "item": "carbon",
            "npp_tc": 9.0,
            "respiration_tc": 4.0,
            "price": 100.0,
            "price_unit": "CNY/tC",
        }
    )
    by_stock = only(
        {"service": "carbon", "item": "co2", "stock_start_tc": 100.0, "stock_end_tc": 160.0, "stock_years": 5.0}
    )
    by_rate = only({"service": "carbon", "item": "co2", "area_ha": 10.0, "carbon_rate": 0.5})
    by_growth = only({"service": "carbon", "item": "co2", "npp_dry_t": 100.0})
    assert (by_balance.physical, by_balance.physical_unit, by_balance.value_cny) == (5.0, "tC", 500.0)
    assert by_stock.physical == pytest.approx(12 * 44 / 12) and by_stock.physical_unit == "tCO2"
    assert by_rate.physical == pytest.approx(10 * 0.5 * 1.646 * 44 / 12)
    assert by_growth.physical == pytest.approx(163.0)  # 1.63 t CO2 per t of dry matter


def test_a_rulebook_carbon_price_is_the_traded_one() -> None:
    flow = only(CARBON)
    assert (flow.price, flow.price_unit) == (97.49, "CNY/tCO2")
    assert (flow.low, flow.high) == (pytest.approx(690.0), pytest.approx(1060.0))  # 69 and 106 CNY/tCO2


def test_travel_cost_and_consumer_surplus_stay_apart() -> None:
    trip = {
        "service": "tourism",
        "item": "travel_cost",
        "visitors": 1000.0,
        "expenditure_cny": 500.0,
        "hours": 10.0,
        "wage_cny_per_hour": 40.0,
    }
    surplus = {"service": "tourism", "item": "consumer_surplus", "visitors": 1000.0, "surplus_cny": 300.0}
    made = account([trip, surplus], norm="norm-2022", rules=rules())
    assert made.total == pytest.approx(1000 * (500 + 0.3 * 10 * 40))
    assert [row.item for row in made.left_out] == ["consumer_surplus"]
    assert account([trip, surplus], norm="garze-paper", rules=rules()).total == pytest.approx(620_000 + 300_000)


def test_material_products_are_gross_net_or_rent() -> None:
    base = {"service": "material_products"}
    gross = only(base | {"physical": 10.0, "physical_unit": "t", "price": 3000.0, "price_unit": "CNY/t"})
    net = only(base | {"gross_output_cny": 30_000.0, "intermediate_cost_cny": 12_000.0})
    rent = only(
        base
        | {
            "physical": 10.0,
            "physical_unit": "t",
            "price_unit": "CNY/t",
            "market_price": 3000.0,
            "labour_cost": 1200.0,
            "capital_cost": 500.0,
        }
    )
    assert (gross.value_cny, net.value_cny, rent.value_cny) == (30_000.0, 18_000.0, 13_000.0)


@pytest.mark.parametrize("code", list(services()))
def test_every_service_takes_a_plain_value_and_carries_a_range(code: str) -> None:
    flow = only({"service": code, "item": "any", "value": 2.0, "value_unit": "亿元"})
    assert flow.low <= flow.value_cny <= flow.high
    assert flow.value_cny == 2e8 and flow.low < flow.high


def test_a_range_the_row_brings_is_kept() -> None:
    flow = only({"service": "oxygen", "value_cny": 10.0, "low": 9.0, "high": 12.0})
    assert (flow.low, flow.high) == (9.0, 12.0)


def test_a_stated_value_within_the_printed_rounding_raises_no_warning_and_beyond_it_does() -> None:
    row = {
        "service": "water_retention",
        "physical": 10.03,
        "physical_unit": "1e8 m3",
        "price": 15.58,
        "price_unit": "CNY/m3",
        "value_unit": "1e8 CNY",
    }
    assert "value_differs" not in warned([row | {"value": 156.2555}])  # 10.03 * 15.58 = 156.267
    assert "value_differs" in warned([row | {"value": 158.0}])


@pytest.mark.parametrize(("slip", "word"), [(12.0, "monthly"), (1e4, "ten thousand"), (44 / 12, "carbon")])
def test_the_usual_slip_is_named(slip: float, word: str) -> None:
    row = WATER | {"value": 120_000.0 / slip, "value_unit": "CNY"}
    notices = account([row], rules=rules()).warnings
    assert any(notice.rule == "value_differs" and word in notice.en for notice in notices)


def test_the_norm_decides_what_counts_and_the_rest_stays_with_its_reason() -> None:
    rows = [WATER, {"service": "oxygen", "value": 5.0, "value_unit": "万元"}]
    under = {norm: account(rows, norm=norm, rules=rules()) for norm, one in norms().items() if one.accountable}
    counted = {norm: made.total for norm, made in under.items()}
    assert counted == {
        "tech-guide-2020": 170_000.0,
        "norm-2022": 120_000.0,
        "shandong-2022": 170_000.0,
        "gbt-46869-2025": 120_000.0,
        "garze-paper": 170_000.0,
        "gbt-38582-2020": 170_000.0,
        "lyt-1721-2008": 170_000.0,
        "seea-ea-2021": 120_000.0,
    }
    left = under["norm-2022"].left_out[0]
    assert (left.service, left.value_cny) == ("oxygen", 50_000.0) and left.en and left.zh
    assert [row.counted for row in under["norm-2022"].rows] == [True, False]


def test_an_unknown_norm_is_refused() -> None:
    with pytest.raises(ContractError) as caught:
        account([WATER], norm="norm-1999", rules=rules())
    assert caught.value.violations[0].rule == "norm_unknown"


def test_every_norm_names_every_service_and_says_what_was_not_read() -> None:
    for norm in norms().values():
        assert norm.unread and all(en and zh for en, zh in norm.unread)
        assert set(norm.services) == set(services()) or not norm.accountable
    assert all(treatment.verify for treatment in norms()["gbt-46869-2025"].services.values())
    assert str(norms()["gbt-46869-2025"].in_force) == "2025-12-31"


def test_shandong_says_which_compulsory_services_are_missing() -> None:
    assert "compulsory_missing" in warned([WATER], "shandong-2022")
    assert "norm_not_read" in warned([WATER], "gbt-46869-2025")


def test_totals_under_different_norms_years_or_prices_do_not_add_up() -> None:
    first = account([WATER | {"place": "a", "price_kind": "current"}], norm="norm-2022", year=2024, rules=rules())
    for other, rule in (
        (account([WATER], norm="garze-paper", year=2024, rules=rules()), "norms_differ"),
        (account([WATER | {"price_kind": "current"}], norm="norm-2022", year=2023, rules=rules()), "year_differs"),
        (
            account([WATER | {"price_kind": "constant"}], norm="norm-2022", year=2024, rules=rules()),
            "price_kind_differs",
        ),
    ):
        with pytest.raises(ContractError) as caught:
            first + other
        assert rule in {v.rule for v in caught.value.violations}


def test_two_disjoint_areas_add_up_and_the_same_area_twice_does_not() -> None:
    one = account([WATER | {"area_name": "upper"}], year=2024, rules=rules())
    two = account([WATER | {"area_name": "lower"}], year=2024, rules=rules())
    both = combine(one, two)
    assert both.total == one.total + two.total and {row.place for row in both.rows} == {"upper", "lower"}
    with pytest.raises(ContractError):
        combine(one, one)


def test_an_account_has_one_year_and_one_norm() -> None:
    two_years = [WATER | {"place": "a", "year": 2023}, WATER | {"place": "b", "year": 2024}]
    assert refused(two_years) == {"year_differs"}
    assert refused([two_years[0], WATER | {"place": "b", "account_year": 2024}]) == {"column_twice"}
    assert refused([WATER | {"norm": "norm-2022"}], "garze-paper") == {"norm_differs"}


def test_a_finished_account_can_be_read_back() -> None:
    made = account([WATER, {"service": "oxygen", "value_cny": 5.0}], year=2024, rules=rules())
    assert account(made.to_frame(), rules=rules()).total == made.total
    again = account(made.to_frame(), rules=rules())
    assert [row.low for row in again.rows] == [row.low for row in made.rows]


def test_a_pledge_takes_its_part_of_the_counted_rows() -> None:
    rows = [
        WATER,
        {"service": "oxygen", "value_cny": 5.0},
        {"service": "tourism", "item": "tickets", "value_cny": 100.0},
    ]
    made = account(rows, year=2024, rules=rules())
    flows = flows_for(made, {"water_retention": 0.5, ("tourism", "tickets"): 0.1})
    assert [(flow["service"], flow["value_cny"]) for flow in flows] == [
        ("water_retention", 60_000.0),
        ("tourism", 10.0),
    ]
    assert (flows[0]["physical"], flows[0]["norm"], flows[0]["account_year"]) == (1.0, "norm-2022", 2024)
    assert share(made, 0.25) == {"water_retention": 30_000.0, "tourism": 25.0}
    assert pledge_columns(flows) == {"gep_water_retention_cny": 60_000.0, "gep_tourism_cny": 10.0}


@pytest.mark.parametrize(
    "extents", [{"water_retention": 1.5}, {"oxygen": 0.5}, {"tourism": 0.5}, {"water_retention": -0.1}]
)
def test_a_part_beyond_the_account_is_refused(extents: dict[Any, float]) -> None:
    made = account([WATER, {"service": "oxygen", "value_cny": 5.0}], rules=rules())
    with pytest.raises(ContractError):
        flows_for(made, extents)


def test_flows_of_a_pledge_keep_the_contract_of_a_flow() -> None:
    from eco_credit.contracts import contract

    names = {field.name for field in contract("gep_flow").fields}
    flow = flows_for(account([WATER], year=2024, rules=rules()), {"water_retention": 1.0})[0]
    assert set(flow) <= names and np.isfinite(flow["value_cny"])


def test_the_written_rows_have_exactly_the_columns_of_the_account_contract() -> None:
    from eco_credit.contracts import contract

    frame = account([WATER], year=2024, rules=rules()).to_frame()
    assert set(frame.columns) == {field.name for field in contract("gep_account").fields}
