"""Water rights: approaches, volumes, gates, haircuts."""

from __future__ import annotations

import pytest
from pledge_tables import appraised, codes, haircut, step


def test_income_counts_no_more_than_was_used() -> None:
    assert step(appraised("water_right"), "volume") == 900_000.0
    drier = appraised("water_right", {"allocation": 0.8})
    assert step(drier, "volume") == 800_000.0  # 1 000 000 x 0.8, now below the use


def test_a_comparison_counts_what_may_be_sold() -> None:
    deal = {"deal_price": 0.6, "deal_basis": "per_year", "transferable_volume": 200_000.0}
    values = appraised("water_right", deal)
    assert values.approach[0] == "comparison"
    assert step(values, "volume") == 200_000.0
    assert haircut(values, "not_transferable") == 0.0


def test_income_on_water_that_may_not_be_sold_is_cut() -> None:
    values = appraised("water_right", {"transferable_volume": 450_000.0})
    # half of the 900 000 m3 counted may be sold; half of the rest is taken off
    assert haircut(values, "not_transferable") == pytest.approx(0.25)


def test_the_three_meanings_of_a_water_price_are_kept_apart() -> None:
    yearly, for_years, for_ever = (
        step(
            appraised(
                "water_right", {"deal_price": 4.0, "deal_basis": basis, "deal_years": years, "deal_perpetual": ever}
            ),
            "unit_value",
        )
        for basis, years, ever in (("per_year", None, None), ("lump_sum", 10.0, False), ("lump_sum", None, True))
    )
    assert yearly == 4.0
    assert for_years == pytest.approx(4.0 * 0.06 / (1 - 1.06**-10))
    assert for_ever == pytest.approx(4.0 * 0.06)


def test_a_lump_sum_without_its_years_is_no_evidence() -> None:
    values = appraised("water_right", {"deal_price": 4.0, "deal_basis": "lump_sum"})
    assert values.approach[0] == "income"


def test_hydropower_is_valued_by_its_energy() -> None:
    values = appraised("water_right", {"purpose": "hydropower", "head": 50.0, "efficiency": 0.8, "feed_in_price": 0.4})
    assert values.approach[0] == "hydropower"
    # 9.81 x 0.8 x 50 / 3600 kWh x 0.4 CNY x (1 - 0.06 - 0.30)
    assert step(values, "unit_value") == pytest.approx(9.81 * 0.8 * 50 / 3600 * 0.4 * 0.64)
    assert haircut(values, "not_transferable") == 0.0


def test_the_value_of_a_renewal_not_yet_granted_is_not_lent_on() -> None:
    values = appraised("water_right")
    granted, renewed = step(values, "granted_value"), step(values, "renewal_value")
    assert granted + renewed == pytest.approx(values.central[0])
    assert haircut(values, "renewal") == pytest.approx(renewed / (granted + renewed))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"permit_state": "expired"}, "W01"),
        ({"permit_state": "cancelled"}, "W01"),
        ({"permit_state": "revoked"}, "W01"),
        ({"valid_to": "2028-11-22"}, "W01"),
        ({"water_right_kind": "regional"}, "W02"),
        ({"purpose": "urban_supply"}, "W02"),
        ({"transferable_volume": 0.0}, "W02"),
        ({"disputed": True}, "W02"),
        ({"sealed": True}, "W02"),
        ({"transferable_volume": 1_000_000.1}, "D03"),
    ],
)
def test_a_gate_refuses_whatever_the_value(change: dict[str, object], code: str) -> None:
    good, bad = appraised("water_right"), appraised("water_right", change)
    assert good.eligible[0] and not codes(good.gates)
    assert codes(bad.gates) == {code}
    assert bad.lending_value[0] == bad.recovery_high[0] == 0.0


def test_two_years_without_use_are_remarked() -> None:
    unused = {"actual_volume_y1": 0.0, "actual_volume_y2": 0.0}
    assert "W05" in codes(appraised("water_right", unused).reasons)
    assert "W05" not in codes(appraised("water_right", unused | {"actual_volume_y2": 1.0}).reasons)
