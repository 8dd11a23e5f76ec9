"""The parts every kind shares: register, lending value, recovery, entitlement, unknown fields."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pledge_tables import GOOD, appraised, codes

from eco_credit.rulebook import load
from eco_credit.valuation import kinds
from eco_credit.valuation.kinds import register
from eco_credit.valuation.lending_value import lending_value


def test_two_kinds_of_one_name_are_an_error() -> None:
    order = kinds()["order"]
    assert list(register([order], [replace(order, name="other")])) == ["order", "other"]
    with pytest.raises(ValueError, match="named order"):
        register([order], [order])


def test_prior_claims_are_paid_before_the_lender_and_the_cap_holds() -> None:
    def lent(claims: float) -> float:
        return float(
            lending_value(np.array([100.0]), [np.array([0.2])], cap=np.array([0.5]), prior_claims=np.array([claims]))[0]
        )

    assert lent(0.0) == 50.0  # min(80, 50)
    assert lent(30.0) == 20.0  # min(80, 50) - 30: loan and earlier claims together stay under the cap
    assert lent(51.0) == 0.0


def test_recovery_starts_from_the_appraisal_and_not_from_the_lending_value() -> None:
    good, cut = appraised("forest_right"), appraised("forest_right", {"insured": False, "felling_permit": False})
    assert cut.recovery_central[0] == good.recovery_central[0]
    # 70 % of the appraisal, 10 % cost, 24 months at 6 %
    assert good.recovery_central[0] == pytest.approx(5_736_060 * 0.70 * 0.90 / 1.06**2)


@pytest.mark.parametrize("kind", ["forest", "water"])
def test_the_forced_sale_factors_are_the_statutory_auction_floors(kind: str) -> None:
    rules = load().at("2026-11-23")
    factor = rules.table(f"valuation.{kind}.sale_factor")
    first = rules.number("valuation.disposal.first_auction_floor")
    assert factor["central"] == first
    assert factor["low"] == pytest.approx(first * (1 - rules.number("valuation.disposal.second_auction_cut")))


def flows(**values: float) -> dict[str, object]:
    return {f"gep_{name}_cny": value for name, value in values.items()}


def test_a_forest_right_sells_its_products_and_nothing_of_the_public_services() -> None:
    values = appraised("forest_right", flows(material_products=100.0, water_retention=900.0, oxygen=50.0))
    assert values.entitled[0] == 100.0 and values.public_benefit[0] == 950.0
    assert {note.service for note in values.flows.notes} == {"water_retention", "oxygen"}


def test_a_contract_with_a_payer_makes_a_public_service_saleable_up_to_its_flow() -> None:
    values = appraised("forest_right", flows(carbon=100.0, contracted=60.0), flows(carbon=100.0, contracted=160.0))
    assert values.entitled.tolist() == [60.0, 100.0]
    assert values.public_benefit.tolist() == [40.0, 0.0]


def test_timber_of_a_public_welfare_forest_is_not_for_sale() -> None:
    values = appraised("forest_right", flows(material_products=100.0) | {"forest_class": "011"})
    assert values.entitled[0] == 0.0 and values.public_benefit[0] == 100.0


def test_a_water_right_sells_the_water_it_may_transfer() -> None:
    values = appraised("water_right", flows(water_supply=100.0) | {"transferable_volume": 250_000.0})
    assert values.entitled[0] == pytest.approx(25.0) and values.public_benefit[0] == pytest.approx(75.0)


def test_a_contracted_flow_adds_its_present_value_over_the_life_of_the_right_and_no_more_than_ten_years() -> None:
    plain, paid = appraised("forest_right"), appraised("forest_right", flows(carbon=100_000.0, contracted=60_000.0))
    # 60 000 a year by a chance of 0.9, ten years at 7.8 %
    expected = 0.9 * 60_000.0 * (1.0 - 1.078**-10) / 0.078
    assert paid.central[0] - plain.central[0] == pytest.approx(expected)
    assert paid.check.from_flows[0] == pytest.approx(expected)
    short = appraised("order", flows(carbon=100_000.0, contracted=60_000.0))
    assert 0.0 < short.check.from_flows[0] < 0.2 * 60_000.0, "an order of ten weeks carries ten weeks of it"


def test_the_norm_and_the_flows_are_said_to_differ_by_more_than_the_factor_and_not_at_it() -> None:
    years = (np.datetime64("2056-12-31") - np.datetime64("2026-11-23")).astype(float) / 365.25
    life = (1.0 - 1.078**-years) / 0.078
    yearly = 5_736_060.0 / life
    for times, differs in ((0.3, True), (0.34, False), (1.0, False), (2.9, False), (3.1, True)):
        values = appraised("forest_right", flows(material_products=yearly * times))
        assert values.check.by_flows[0] == pytest.approx(times * 5_736_060.0)
        assert bool(values.check.differs[0]) is differs, times
    assert not appraised("forest_right").check.differs[0], "no flow, no comparison"


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_gep_flows_change_no_value(kind: str) -> None:
    plain, rich = appraised(kind), appraised(kind, flows(material_products=1e9, oxygen=1e9))
    for name in ("low", "central", "high", "lending_value", "recovery_central"):
        assert getattr(plain, name)[0] == getattr(rich, name)[0]


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("forest_right", "area"),
        ("forest_right", "planting_year"),
        ("water_right", "annual_volume"),
        ("order", "amount"),
    ],
)
def test_a_pledge_without_a_field_it_cannot_do_without_is_refused_with_zero_value(kind: str, field: str) -> None:
    values = appraised(kind, {field: None})
    assert "D02" in codes(values.gates)
    assert values.central[0] == values.lending_value[0] == 0.0
