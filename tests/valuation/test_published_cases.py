"""The published and rule-derived cases of tests/cases/collateral, each through our own formulas."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from pledge_tables import appraised, step

from eco_credit.rulebook import load
from eco_credit.valuation.methods import annuity, forest, land, order, water

CASES = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted((Path(__file__).parents[1] / "cases" / "collateral").glob("*.yaml"))
}
Inputs = dict[str, Any]


def a(value: Any) -> Any:
    return np.array([float(value)])


def residual(i: Inputs) -> dict[str, Any]:
    values = appraised(
        "forest_right",
        {
            "area": i["area"],
            "stock_per_area": i["stock"],
            "log_outturn": i["log_recovery"],
            "composite_outturn": i["composite_recovery"],
            "log_price": i["log_price"],
            "composite_price": i["composite_price"],
            "operating_cost": i["operating_cost"],
            "sales_tax": i["sales_tax_and_fees"],
        },
    )
    assert load().at("2026-11-23").number("valuation.forest.profit_rate") == i["profit_rate"]
    return {
        "revenue_W": step(values, "revenue"),
        "cost_C": step(values, "costs"),
        "profit_F": step(values, "profit"),
        "value_E": values.central[0],
    }


def harvest(i: Inputs) -> dict[str, Any]:
    quality = forest.quality_ratio(a(i["stock_now"]), a(i["reference_stock_now"]), highest=1.5)
    value = forest.harvest_present_value(
        a(i["net_income"] * i["reference_stock_at_harvest"]),
        a(i["annual_cost"]),
        quality=quality,
        rate=a(i["P"]),
        years=a(i["harvest_age_u"] - i["age_n"]),
    )
    return {"K": quality, "value_E": i["area"] * value}


def replacement(i: Inputs) -> dict[str, Any]:
    k1 = forest.survival_factor(a(i["survival_rate"]), standard=i["required_survival"], failed=0.4)
    k2 = forest.quality_ratio(a(i["mean_height"]), a(i["reference_height"]), highest=1.5)
    value = forest.replacement_cost(i["C"], 0.0, age=a(i["age_n"]), quality=k1 * k2, rate=a(i["P"]))
    return {"K1": k1, "K2": k2, "K": k1 * k2, "value_E": i["area"] * value}


def land_expectation(i: Inputs) -> dict[str, Any]:
    income = a(i["Au"])
    for age, thinning in zip(i["thin_ages"], i["thin_income"], strict=True):
        income = forest.with_thinning(income, a(thinning), rate=a(i["p"]), years=a(i["u"] - age))
    return {
        "SEV": land.land_expectation(income, a(i["C"]), annual_cost=a(i["v"]), rate=a(i["p"]), rotation=a(i["u"]))
    }


def comparison(i: Inputs) -> dict[str, Any]:
    k = i["location_factor_subject"] / i["location_factor_reference"]
    kb = i["timber_price_now"] / i["timber_price_then"]
    deal = i["reference_deal"] / i["reference_stock"]
    return {"K": k, "Kb": kb, "G": deal, "E": forest.comparison_price(a(deal), price_index=a(kb), site_factor=a(k))}


def quality(i: Inputs) -> dict[str, Any]:
    k1 = forest.survival_factor(a(i["survival_rate"]), standard=i["required_survival"], failed=0.4)
    return {"K": k1 * i["height_factor_K2"]}


def regeneration(i: Inputs) -> dict[str, Any]:
    costs = a(i["transport"] + i["yard_rent"] + i["taxes"] + i["profit"])
    standing = forest.stumpage(a(i["sales"]), costs, tax_rate=a(0.0), profit_rate=a(0.0))
    return {"value": standing + i["regeneration_value"]}


def historical_cost(i: Inputs) -> dict[str, Any]:
    """Costs of the past brought up with inflation are a replacement cost paid at the end of each year."""
    rate = (1.0 + i["inflation_g"]) * (1.0 + i["P"]) - 1.0
    advance = forest.replacement_cost([], i["annual_cost"], age=a(i["years"]), quality=a(i["K"]), rate=a(rate))
    return {"value_full_sum": advance / (1.0 + rate)}


def borrowing_base(i: Inputs) -> dict[str, Any]:
    goods = order.inventory_base(a(i["inventory"]), a(np.nan), cost_rate=i["adv_inv"], liquidation_rate=0.85)
    return {"theoretical_bb": order.borrowing_base(a(i["ar"]), a(i["adv_ar"]), inventory=goods)}


def auction_floor(i: Inputs) -> dict[str, Any]:
    rules = load().at("2026-11-23")
    first = i["appraisal"] * rules.number("valuation.disposal.first_auction_floor")
    return {"first_floor": first, "second_floor": first * (1.0 - rules.number("valuation.disposal.second_auction_cut"))}


FORMULAS: dict[str, Callable[[Inputs], dict[str, Any]]] = {
    "residual": residual,
    "harvest_present_value": harvest,
    "replacement_cost": replacement,
    "land_expectation": land_expectation,
    "market_comparison": comparison,
    "quality_factor": quality,
    "residual_with_regeneration": regeneration,
    "historical_cost": historical_cost,
    "borrowing_base": borrowing_base,
    "auction_floor": auction_floor,
    "finite_annuity": lambda i: {"value": i["area"] * annuity.finite_value(a(i["rent"]), a(i["P"]), a(i["n"]))},
    "perpetual_annuity": lambda i: {"value": i["area"] * annuity.perpetual_value(a(i["rent"]), a(i["P"]))},
    "water_unit_price": lambda i: {"price": water.unit_price(a(i["lump_sum"]), a(i["annual_volume"]))},
    "compensation_multiple": lambda i: {
        "annual_income": i["area"] * i["compensation"],
        "loan_cap": forest.compensation_value(a(i["area"] * i["compensation"]), a(i["multiple"])),
    },
    "insurance_premium": lambda i: {"premium": np.multiply(i["sum_insured"], i["rate"])},
    "index_unit_price": lambda i: {"unit_price": i["payment"] / i["area"]},
}


@pytest.mark.parametrize("name", CASES)
def test_a_published_case_comes_out_within_its_tolerance(name: str) -> None:
    case = CASES[name]
    got = FORMULAS[case["formula"]]({key: item["value"] for key, item in case["inputs"].items()})
    for key, item in case["expected"].items():
        tolerance = case["tolerance"].get(key, case["tolerance"].get("default"))
        assert np.asarray(got[key]).ravel() == pytest.approx(np.asarray(item["value"]).ravel(), abs=tolerance, rel=0), (
            key
        )


def test_the_printed_shelterbelt_figure_is_refused_because_it_leaves_out_a_term() -> None:
    case = CASES["forest-shelterbelt-does-not-reconcile"]
    got = historical_cost({key: item["value"] for key, item in case["inputs"].items()})["value_full_sum"]
    # the printed figure lacks the term k = 0: K C = 1.2 x 200 000 = 240 000
    assert got - 240_000 == pytest.approx(case["printed_wrong"]["value_full_sum"], abs=100)
    assert abs(got - case["printed_wrong"]["value_full_sum"]) > 200_000


def test_the_residual_case_is_exact_to_the_cent_through_a_whole_pledge() -> None:
    values = appraised("forest_right")
    # 18 000 m3 x 587.5 = 10 575 000; costs 2 268 000 + 1 903 500; profit 16 % of them: 667 440
    assert values.approach[0] == "residual"
    assert round(float(values.central[0]), 2) == 5_736_060.00


def test_the_perpetual_price_of_four_yuan_buys_the_volume_at_dongyang() -> None:
    lump = 4.0 * 49_999_000.0
    assert lump == pytest.approx(200_000_000, rel=1e-4)
    yearly = water.annualised(a(4.0), rate=a(0.06), years=a(np.inf))
    assert annuity.perpetual_value(yearly * 49_999_000.0, a(0.06)) == pytest.approx(lump)


def test_a_permit_with_a_perpetual_deal_price_is_worth_only_its_term_and_the_chance_of_renewal() -> None:
    values = appraised(
        "water_right",
        {
            "annual_volume": 49_999_000.0,
            "transferable_volume": 49_999_000.0,
            "deal_price": 4.0,
            "deal_basis": "lump_sum",
            "deal_perpetual": True,
        },
    )
    assert values.approach[0] == "comparison"
    assert step(values, "unit_value") == pytest.approx(0.24)  # 4 x 6 %
    assert values.central[0] < 4.0 * 49_999_000.0


def test_a_clean_receivable_of_ten_million_with_five_million_goods_carries_eleven() -> None:
    values = appraised("order", {"inventory_cost": 5_000_000.0})
    assert values.central[0] == pytest.approx(15_000_000)
    assert round(float(values.lending_value[0]), 2) == 11_000_000.00  # 10 x 0.85 + 5 x 0.50
