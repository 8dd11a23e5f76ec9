"""Asset classes of a guarantee company and the four ratios it must keep."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portfolio_cases import RULES, terms

from eco_credit.core.errors import ContractError
from eco_credit.portfolio.company import ITEMS, Company, asset_view, classified

AMOUNTS = st.dictionaries(st.sampled_from(ITEMS), st.integers(0, 10**9), min_size=1)


def accounts(calls: float = 0.0, **items: float) -> Company:
    return Company(None, {name: float(items.get(name, 0.0)) for name in ITEMS}, calls, 0.0)


def view(company: Company, net_assets: float = 0.0, reserve: float = 0.0) -> dict[str, Any]:
    found = asset_view(company, net_assets=net_assets, loss_reserve=reserve, rules=RULES)
    return found | {row["name"]: row for row in found["ratios"]}


def test_every_item_has_its_place_in_the_rulebook_once() -> None:
    named = [item for items in RULES["portfolio.assets.classes"].values() for item in items]
    apart = [*RULES.table("portfolio.assets.split"), "own_premises"]
    assert sorted(named + apart) == sorted(ITEMS)


def test_a_company_worked_by_hand() -> None:
    # I: 300 deposits; II: 200 wealth, 20 % of 100, 40 % of 50, 90 (30 % of 300 net) of 120 premises; III: the rest
    found = view(
        accounts(40.0, deposits=300, wealth_other=200, client_equity=100, client_loans_short=50, own_premises=120,
                 funds_trusts=30),
        net_assets=300.0, reserve=60.0,
    )  # fmt: skip
    assert found["classes"] == {"I": 300.0, "II": 200.0 + 20.0 + 20.0 + 90.0, "III": 80.0 + 30.0 + 30.0 + 30.0}
    assert (found["total"], found["base"]) == (840.0, 800.0)
    assert found["own_funds_min"]["ratio"] == pytest.approx(360.0 / 840.0, abs=1e-8)
    assert not found["own_funds_min"]["ok"] and found["own_funds_min"]["headroom"] == 360.0 - 0.6 * 840.0
    assert found["class_one_min"]["ratio"] == 0.375 and found["class_one_min"]["headroom"] == 140.0
    assert found["class_two_min"]["ratio"] == 0.7875 and found["class_three_max"]["ratio"] == 0.2125
    assert found["class_three_max"]["headroom"] == 70.0 and found["class_three_max"]["ok"]


@pytest.mark.parametrize(("low", "ok"), [(300.0, True), (300.02, False)])
def test_a_limit_includes_the_limit(low: float, ok: bool) -> None:
    found = view(accounts(deposits=1_000.0 - low, other_assets=low))
    assert (found["class_three_max"]["ok"], found["class_two_min"]["ok"]) == (ok, ok)


def test_calls_receivable_are_taken_off_before_the_classes_are_held_against_assets() -> None:
    found = view(accounts(1_000.0, deposits=200, other_assets=800))
    assert found["class_one_min"]["ratio"] == 0.2 and found["class_one_min"]["ok"]  # 200 of 1 000, not of 2 000


def test_a_company_without_assets_has_no_ratio_and_no_verdict() -> None:
    assert all(row["ratio"] is None and row["ok"] is None for row in view(accounts())["ratios"])


@settings(deadline=None)
@given(amounts=AMOUNTS, net=st.integers(0, 10**9), calls=st.integers(0, 10**9))
def test_the_classes_add_up_to_the_assets_less_calls(amounts: dict[str, int], net: int, calls: int) -> None:
    found = view(accounts(float(calls), **amounts), net_assets=float(net))
    assert sum(found["classes"].values()) == pytest.approx(found["base"], abs=0.02)
    for row in classified(accounts(**amounts), net_assets=float(net), rules=RULES).values():
        assert min(row.values()) >= 0.0


@settings(deadline=None)
@given(amounts=AMOUNTS, moved=st.integers(1, 10**8))
def test_money_moved_from_trusts_to_deposits_never_costs_room(amounts: dict[str, int], moved: int) -> None:
    before = amounts | {"funds_trusts": amounts.get("funds_trusts", 0) + moved}
    after = amounts | {"deposits": amounts.get("deposits", 0) + moved}
    first, second = view(accounts(**before)), view(accounts(**after))
    for old, new in zip(first["ratios"], second["ratios"], strict=True):
        assert new["headroom"] >= old["headroom"]


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"net_assets": None}, "net_assets", "missing"),
        ({"company": {"deposits": 100.0, "total_assets": 101.0}}, "company.total_assets", "sum"),
        ({"company": {"deposits": 50.0}}, "net_assets", "sum"),  # net assets of 80 in assets of 50
        ({"company": {"gold": 1.0}}, "company.gold", "extra_forbidden"),
        ({"company": {"deposits": -1.0}}, "company.deposits", "greater_than_equal"),
        ({"stakes": 7.0}, "stakes", "differs"),
    ],
)
def test_accounts_that_contradict_themselves_are_refused_by_field_and_rule(
    change: dict[str, Any], field: str, rule: str
) -> None:
    with pytest.raises(ContractError) as refused:
        terms(**{"net_assets": 80.0, "company": {"deposits": 100.0}, **change})
    assert [(v.field, v.rule) for v in refused.value.violations] == [(field, rule)]
    assert refused.value.violations[0].zh != refused.value.violations[0].en


def test_stakes_in_other_guarantors_come_from_the_accounts_where_the_terms_leave_them_out() -> None:
    assert terms(net_assets=80.0, company={"deposits": 90.0, "guarantor_stakes": 10.0}).stakes == 10.0


@pytest.mark.parametrize(
    ("written", "yuan"),
    [("30000万元", 3e8), ("3亿元", 3e8), ("1,234.56元", 1234.56), (300000000, 3e8), ("0.01 万元", 100.0)],
)  # fmt: skip
def test_an_amount_may_carry_its_unit(written: object, yuan: float) -> None:
    assert terms(net_assets=written).net_assets == yuan


@pytest.mark.parametrize("written", ["30000", "30000万", "0.8%", "三亿元"])
def test_an_amount_without_a_unit_it_may_carry_is_refused(written: str) -> None:
    with pytest.raises(ContractError) as refused:
        terms(net_assets=written)
    assert refused.value.violations[0].rule == "float_type" and "万元" in refused.value.violations[0].zh


def test_a_rate_may_be_written_in_percent() -> None:
    assert terms(fee_rate="0.8%").fee_rate == 0.008
    split = terms(mode="own", split={"guarantor": "80%", "bank": "20%"}).split
    assert dict(split.parts) == {"guarantor": 8000, "bank": 2000}
