"""The way from the unit on paper to the stored unit is exact, and back again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eco_credit.contracts import contract
from serving.web.paper import read_number, unit_named, units_of, write_number

AREA = contract("forest_right").field("area")
AMOUNT = contract("application").field("amount_requested")
VOLUME = contract("water_right").field("annual_volume")
RATE = contract("application").field("annual_rate")
STOCK = contract("forest_right").field("stock_per_area")
CULMS = contract("forest_right").field("bamboo_culms")
LABOUR = contract("forest_right").field("work_days")
DAY = contract("water_right").field("daily_max")
ENERGY = contract("water_right").field("energy")


@pytest.mark.parametrize(
    ("field", "unit", "typed", "stored"),
    [
        (AREA, "mu", "15", 1.0),  # 15 mu = 1 ha
        (AREA, "mu", "300", 20.0),
        (AREA, "ha", "20", 20.0),
        (AMOUNT, "wan", "1", 10_000.0),  # 1 万元 = 10 000 yuan
        (AMOUNT, "wan", "80.5", 805_000.0),
        (AMOUNT, "yuan", "805,000", 805_000.0),
        (VOLUME, "wan", "36.5", 365_000.0),  # 1 万m3 = 10 000 m3
        (RATE, "percent", "4.40", 0.044),  # exact on fractions: 4.4 * 0.01 in doubles is 0.044000000000000004
        (RATE, "ratio", "0.044", 0.044),
        (STOCK, "mu", "12", 180.0),  # 12 m3/mu x 15 = 180 m3/ha
        (CULMS, "mu", "150", 2_250.0),  # 150 culms/mu x 15
        (LABOUR, "mu", "4.2", 63.0),
        (DAY, "wan", "64.6272", 646_272.0),  # 1 万m3 = 10 000 m3
        (ENERGY, "wan", "350", 3_500_000.0),  # 1 万kWh = 10 000 kWh
    ],
)
def test_a_number_is_stored_in_the_stored_unit_whatever_unit_it_was_typed_in(field, unit, typed, stored):
    assert read_number(typed, unit_named(field, unit)) == stored


def test_the_unit_of_paper_is_offered_first_and_the_stored_unit_too():
    assert [unit.key for unit in units_of(AREA)] == ["mu", "ha"]
    assert [unit.key for unit in units_of(AMOUNT)] == ["wan", "yuan"]
    assert [unit.key for unit in units_of(CULMS)] == ["mu", "ha"]
    # certificates print m3 for the stock of a parcel, 万m3 for the water of a permit
    assert [unit.key for unit in units_of(contract("forest_right").field("stock"))] == ["m3", "wan"]
    assert [unit.key for unit in units_of(DAY)] == ["wan", "m3"]


def test_a_ratio_without_a_unit_on_paper_is_typed_as_it_is_stored():
    assert [unit.key for unit in units_of(contract("forest_right").field("canopy"))] == ["ratio", "percent"]


def test_an_unknown_unit_is_read_as_the_unit_of_paper():
    assert unit_named(AREA, "furlong").key == "mu"


@pytest.mark.parametrize("typed", ["１５", "15", "+15", " 15.0 "])
def test_full_width_digits_and_signs_are_read(typed):
    assert read_number(typed, unit_named(AREA, "mu")) == 1.0


@pytest.mark.parametrize("typed", ["", "abc", "1,50", "1.2.3", "1e9", "NaN", "inf", "十五", "15亩", "-", "1" * 41])
def test_what_is_not_a_plain_number_is_not_read(typed):
    assert read_number(typed, unit_named(AREA, "mu")) is None


@given(st.integers(0, 10**12).map(lambda cents: cents / 100))
def test_a_stored_amount_written_in_wan_reads_back_to_the_same_double(yuan):
    wan = unit_named(AMOUNT, "wan")
    assert read_number(write_number(yuan, wan), wan) == yuan


@given(st.integers(1, 10**8).map(lambda mu: mu / 15))
def test_an_area_written_in_mu_reads_back_within_rounding(hectares):
    mu = unit_named(AREA, "mu")
    assert read_number(write_number(hectares, mu), mu) == pytest.approx(hectares, rel=1e-15)
