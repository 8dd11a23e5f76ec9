"""Project values: annuity, Shangyou's realisable share, reasons of exclusion, never added to a GEP."""

from __future__ import annotations

from typing import Any

import pytest

from eco_credit.core.errors import ContractError
from eco_credit.gep import account, vep
from eco_credit.gep.vep import annuity, components
from tests.gep.rows import WATER, rules

TEA = {"component": "products", "right": "forest_right", "holder": "A", "transferable": True, "support": "market",
       "net_cash_cny": 100.0, "right_years": 10.0}


def run(rows: list[dict[str, Any]], method: Any = "income", **options: Any) -> Any:
    """A project under the rulebook of the fixed day."""
    return vep(rows, vep_method=method, rules=rules(), **{"rate": 0.05, "horizon_years": 5.0} | options)


def reasons(row: dict[str, Any]) -> set[str]:
    """Codes of why a component does not count."""
    return {reason.rule for reason in run([row]).lines[0].reasons}


def test_a_hundred_years_at_2_77_percent_are_33_75_and_34_69_when_paid_in_advance() -> None:
    assert annuity(0.0277, 100) == pytest.approx(33.75, abs=0.005)
    assert annuity(0.0277, 100, due=True) == pytest.approx(34.69, abs=0.005)  # 33.753 * 1.0277
    assert 19.92e12 * annuity(0.0277, 100, due=True) == pytest.approx(691e12, rel=1e-3)
    assert annuity(0.0, 7) == 7


def test_shangyou_realises_26_4_percent_and_its_loan_is_10_7_percent_of_that() -> None:
    """71.22e8 assessed, 18.77e8 realisable, 2e8 lent (Jiangxi, May 2025)."""
    able = TEA | {"net_cash_cny": 18.77e8, "right_years": 1.0, "assessed_cny": 18.77e8}
    public = {"component": "public", "assessed_cny": (71.22 - 18.77) * 1e8}
    made = run([able, public], rate=0.0)
    assert made.realisable_share == pytest.approx(0.264, abs=5e-4) and made.public_benefit_cny == pytest.approx(52.45e8)
    beside = made.compare(2e8)
    assert beside["of_assessed"] == pytest.approx(0.028, abs=5e-4)
    assert beside["of_realisable"] == pytest.approx(0.107, abs=5e-4)
    assert beside["printed_low"] == pytest.approx(0.016, abs=5e-4)  # Nangoumen 0.1 / 6.26


def test_income_is_discounted_over_the_shorter_of_right_and_horizon_and_cut_by_the_haircut() -> None:
    made = run([TEA | {"haircut": 0.3}])
    assert made.realisable_cny == pytest.approx(100.0 * annuity(0.05, 5.0))
    assert made.collateral_cny == pytest.approx(70.0 * annuity(0.05, 5.0)) and made.collateral_grade
    assert run([TEA | {"right_years": 2.0}]).lines[0].years == 2.0
    assert run([TEA], annuity_due=True).realisable_cny == pytest.approx(1.05 * run([TEA]).realisable_cny)


@pytest.mark.parametrize(("change", "rule"), [
    ({"right": None}, "no_right"),
    ({"right": "water_right"}, "no_right"),
    ({"holder": None}, "no_holder"),
    ({"transferable": False}, "not_transferable"),
    ({"support": None}, "no_support"),
    ({"right_years": 0.0}, "term_over"),
    ({"net_cash_cny": -5.0}, "no_cash"),
    ({"component": "timber", "public_welfare": True}, "public_welfare"),
    ({"component": "public"}, "public_benefit"),
    ({"component": "regulating", "right": "service_contract"}, "no_contract"),
    ({"component": "carbon", "right": "carbon_credit", "contracted_cny": 5.0}, "not_certified"),
])
def test_what_nobody_can_collect_counts_nothing_and_says_why(change: dict[str, Any], rule: str) -> None:
    made = run([TEA | change])
    assert rule in {reason.rule for reason in made.lines[0].reasons}
    assert made.collateral_cny == made.realisable_cny == 0.0
    assert all(reason.en and reason.zh for reason in made.lines[0].reasons)


def test_a_regulating_service_counts_what_a_payer_has_signed_and_no_more() -> None:
    signed = TEA | {"component": "regulating", "right": "service_contract", "contracted_cny": 40.0}
    made = run([signed])
    assert made.lines[0].cash_cny == 40.0 and reasons(signed) == {"no_contract"}
    assert made.assessed_cny == pytest.approx(100.0 * annuity(0.05, 5.0))


def test_certified_carbon_counts_its_contracted_volume() -> None:
    credits = TEA | {"component": "carbon", "right": "carbon_credit", "certified": True, "contracted_cny": 100.0}
    assert run([credits]).lines[0].cash_cny == 100.0 and reasons(credits) == set()


def test_the_saleable_share_is_the_rulebooks() -> None:
    shares = rules().table("valuation.entitlement.forest_right")
    assert run([TEA]).lines[0].cash_cny == 100.0 * shares["material_products"]
    assert {kind["counts"] for kind in components().values()} == {"cash", "contract", "certified", "never"}


def test_an_increment_is_information_and_no_collateral() -> None:
    made = run([{"component": "regulating", "assessed_cny": 80.0, "baseline_cny": 50.0}], "increment")
    assert (made.assessed_cny, made.collateral_cny, made.collateral_grade) == (30.0, 0.0, False)
    assert [reason.rule for reason in made.lines[0].reasons] == ["increment_information"]


def test_a_project_value_is_never_added_to_a_gep_nor_to_another_project() -> None:
    project, region = run([TEA]), account([WATER], rules=rules())
    for sum_up in (lambda: region + project, lambda: project + region, lambda: project + project):
        with pytest.raises(ContractError) as caught:
            sum_up()
        assert caught.value.violations[0].rule == "vep_not_additive"


@pytest.mark.parametrize(("row", "options", "rule"), [
    ({"component": "gold"}, {}, "component_unknown"), (TEA | {"colour": 1}, {}, "unknown_column"),
    (TEA | {"haircut": 30.0}, {}, "maximum"), (TEA | {"right_years": -1.0}, {}, "minimum"),
    (TEA | {"net_cash_cny": "9"}, {}, "not_a_number"), (TEA | {"net_cash_cny": float("nan")}, {}, "not_a_number"),
    (TEA | {"transferable": "yes"}, {}, "not_a_boolean"), (TEA | {"support": "hope"}, {}, "codes"),
    (TEA, {"rate": 5.0}, "maximum"), (TEA, {"horizon_years": 0.0}, "maximum"), (TEA, {"method": "cost"}, "codes"),
])
def test_a_project_that_cannot_be_read_is_refused_by_name(row: Any, options: dict[str, Any], rule: str) -> None:
    with pytest.raises(ContractError) as caught:
        run([row], **options)
    assert rule in {violation.rule for violation in caught.value.violations}
    with pytest.raises(ContractError):
        run([])
