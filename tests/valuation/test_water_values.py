"""Water rights: each method against its closed form, its own steps, and what must rise or fall."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pledge_tables import appraised, columns, loans, step
from units_check import check_units
from workings import shown_and_worked

from eco_credit.core.numbers import take
from eco_credit.rulebook import load
from eco_credit.valuation import appraise_pledges, kinds
from eco_credit.valuation.methods import water, water_delivery

DAYS_LEFT = 2595.0  # 2026-11-23 to 2033-12-31
YEARS = DAYS_LEFT / 365.25
HYDRO: dict[str, Any] = {"purpose": "hydropower", "head": 50.0, "efficiency": 0.8, "feed_in_price": 0.4}
LUMP: dict[str, Any] = {"deal_price": 4.0, "deal_basis": "lump_sum"}
ROWS: dict[str, dict[str, Any]] = {
    "hydropower": HYDRO,
    "hydropower metered": HYDRO | {"energy": 80_000.0, "installed_kw": 9.0, "opex": 2_000.0},
    "hydropower without head": HYDRO | {"head": None, "energy": 80_000.0},
    "comparison": {"deal_price": 0.6, "deal_basis": "per_year"},
    "comparison for years": LUMP | {"deal_years": 25.0},
    "comparison for ever": LUMP | {"deal_perpetual": True, "allocation": 0.9},
    "comparison rated": LUMP | {"deal_years": 25.0, "deal_reliability": 0.95, "deal_factor": 0.8, "seniority": "junior",
                                "allocation": 0.9},
    "tariff_margin": {"tariff": 2.4, "water_cost": 1.9, "seniority": "senior", "allocation_y1": 0.4,
                      "allocation_y2": 0.6, "allocation_y3": 0.9},
    "avoided_shortage": {"shortage_cost": 3.0, "water_cost": 1.9, "guarantee_rate": 0.75},
    "lease": {"lease_price": 0.4, "opex": 90_000.0, "renewal_filed": True},
    "lease below cost": {"lease_price": 0.01, "opex": 90_000.0},
    "income": {"valid_to": "2027-01-01"},
    "conversion_cost": {"unit_margin": None, "conversion_cost": 12e6, "conversion_years": 25.0,
                        "saved_volume": 800_000.0},
    "income_estimate": {"unit_margin": None},
}  # fmt: skip


FORMULAS = {
    name: function
    for room in (water, water_delivery)
    for name, function in vars(room).items()
    if getattr(function, "__module__", "") == room.__name__
}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_formula_keeps_its_units(name: str) -> None:
    check_units(FORMULAS[name], magnitudes=True)


def test_the_example_right_is_worth_what_the_documents_say() -> None:
    fields = {
        "annual_volume": 1_200_000.0, "transferable_volume": 1_000_000.0, "actual_volume_y1": 1_050_000.0,
        "actual_volume_y2": 1_010_000.0, "actual_volume_y3": 980_000.0, "allocation": 0.95, "unit_margin": None,
        "deal_price": 4.0, "deal_basis": "lump_sum", "deal_perpetual": True,
    }  # fmt: skip
    # min(1 140 000, 1 000 000) m3 x 4.0 x 0.06
    assert round(float(appraised("water_right", fields).central[0])) == 1_890_564 == round(240_000 * whole(YEARS))


def discounted(payment: float, years: int, rate: float = 0.06) -> float:
    """Present value year by year, the sum an annuity factor stands for."""
    return sum(payment / (1.0 + rate) ** year for year in range(1, years + 1))


def a(years: float, rate: float = 0.06) -> float:
    return (1.0 - (1.0 + rate) ** -years) / rate


def whole(years: float, chance: float = 0.8) -> float:
    """Years' purchase of the term and of one renewal of five years."""
    return a(years) + chance * a(5.0) * 1.06**-years


@pytest.mark.parametrize("name", ROWS)
def test_every_working_comes_to_the_figure_of_its_step(name: str) -> None:
    values = appraised("water_right", ROWS[name])
    assert values.approach[0] == name.split(" ")[0]
    worked = shown_and_worked(values)
    assert {"allocation", "volume", "net_income", "granted_value", "renewal_value", "right_value"} <= set(worked)
    for figure, (shown, got) in worked.items():
        # a step is shown to 1e-6
        assert got == pytest.approx(shown, rel=1e-9, abs=2e-6), figure
    assert worked["right_value"][0] == pytest.approx(values.central[0], abs=1e-6)


def test_a_term_of_whole_years_is_the_sum_of_its_years() -> None:
    # 1826.25 days do not exist; 4 x 365.25 = 1461 do: 2026-11-23 to 2030-11-23
    values = appraised("water_right", {"valid_to": "2030-11-23"})
    income = 900_000.0 * 0.5
    assert step(values, "granted_value") == pytest.approx(discounted(income, 4))
    assert step(values, "renewal_value") == pytest.approx(0.8 * discounted(income, 5) / 1.06**4)


@pytest.mark.parametrize(
    ("name", "volume", "unit"),
    [
        ("tariff_margin", 900_000.0, 0.5),  # senior: min(1, a / 0.5) = 0.8, 1, 1; 0.933 of the permit is above the use
        ("avoided_shortage", 875_000.0, 1.1),  # 0.75 + 0.25 x 0.5
        ("comparison", 1_000_000.0, 0.6),
        ("comparison for years", 1_000_000.0, 4.0 / a(25.0)),
        ("comparison for ever", 900_000.0, 4.0 * 0.06),
        # junior: (0.9 - 0.5) / 0.5 = 0.8 of the entitlement, against 0.95 of the deal's
        ("comparison rated", 1_000_000.0, 4.0 / a(25.0) * 0.8 / 0.95 * 0.8),
        # 12 000 000 / 800 000 = 15 a m3; 15 / 25 = 0.6 without interest
        ("conversion_cost", 800_000.0, 15.0 / a(25.0)),
        ("hydropower", 900_000.0, 9.81 * 0.8 * 50 / 3600 * 0.4 * (1 - 0.06 - 0.30)),
    ],
)
def test_a_method_comes_to_its_closed_form(name: str, volume: float, unit: float) -> None:
    values = appraised("water_right", ROWS[name])
    assert step(values, "volume") == pytest.approx(volume)
    assert step(values, "unit_value") == pytest.approx(unit)
    assert values.central[0] == pytest.approx(volume * unit * whole(YEARS))


def test_a_lease_bears_the_running_cost_of_what_it_takes() -> None:
    values = appraised("water_right", ROWS["lease"])
    # 90 000 CNY over the 900 000 m3 used: 0.1 a m3; renewal filed: 0.9
    assert values.central[0] == pytest.approx(1_000_000.0 * (0.4 - 0.1) * whole(YEARS, 0.9))
    assert appraised("water_right", ROWS["lease below cost"]).central[0] == 0.0


def test_a_deal_of_another_term_counts_by_the_ratio_of_the_annuities() -> None:
    values = appraised("water_right", LUMP | {"deal_years": 25.0})
    assert step(values, "granted_value") == pytest.approx(1_000_000.0 * 4.0 * a(YEARS) / a(25.0))


def test_metered_energy_counts_and_not_the_energy_a_permit_could_give() -> None:
    # theoretical: 98 100 kWh
    metered = appraised("water_right", HYDRO | {"energy": 80_000.0})
    assert step(metered, "power") == 80_000.0 and step(metered, "theoretical") == pytest.approx(98_100.0)
    assert step(appraised("water_right", HYDRO | {"energy": 120_000.0}), "power") == pytest.approx(98_100.0)
    assert step(appraised("water_right", HYDRO | {"installed_kw": 10.0}), "power") == 87_600.0
    cost = appraised("water_right", HYDRO | {"energy": 80_000.0, "opex": 5_000.0})
    assert step(cost, "net_income") == pytest.approx(80_000 * 0.4 * 0.94 - 5_000)


def test_a_drought_spares_a_senior_right_and_takes_all_from_a_junior_one() -> None:
    deal = {"deal_price": 0.6, "deal_basis": "per_year"}
    rank = {r: appraised("water_right", deal | {"seniority": r}) for r in ("senior", "common", "junior")}
    kept = {r: float(v.appraisal.stress["drought"][0] / v.central[0]) for r, v in rank.items()}
    # half of the water: enough for the half of the rights that is senior
    assert kept == pytest.approx({"senior": 1.0, "common": 0.5, "junior": 0.0})


def test_the_classes_together_receive_what_the_source_gives() -> None:
    for ratio in (0.0, 0.2, 0.5, 0.8, 1.0):
        senior, junior = (
            step(appraised("water_right", {"allocation": ratio, "seniority": rank}), "allocation")
            for rank in ("senior", "junior")
        )
        assert 0.5 * senior + 0.5 * junior == pytest.approx(ratio)


def test_yearly_ratios_speak_before_the_mean_and_fill_in_for_each_other() -> None:
    years = {"allocation": 0.3, "allocation_y1": 0.6, "allocation_y2": 0.9}
    assert step(appraised("water_right", years), "allocation") == pytest.approx(0.75)
    # a year of more than the permit is a year of the permit
    assert step(appraised("water_right", years | {"allocation_y3": 1.5}), "allocation") == pytest.approx(2.5 / 3)


def test_price_stress_moves_the_price_and_not_the_cost() -> None:
    values = appraised("water_right", {"tariff": 2.4, "water_cost": 1.9})
    # 0.8 x 2.4 - 1.9 = 0.02 of 0.5
    assert values.appraisal.stress["price_20"][0] / values.central[0] == pytest.approx(0.04)
    assert values.appraisal.stress["price_40"][0] == 0.0


@pytest.mark.parametrize("approach", kinds()["water_right"].approaches, ids=lambda approach: approach.code)
def test_no_method_has_more_drivers_than_the_scenarios_hold(approach: Any) -> None:
    assert len(approach.drivers) <= 10
    assert {"price", "allocation", "rate", "renewal"} <= set(approach.drivers)


@pytest.mark.parametrize("name", [name for name in ROWS if "comparison" not in name and "conversion" not in name])
def test_an_income_is_worth_less_at_a_higher_rate(name: str) -> None:
    part, at = appraised("water_right", ROWS[name]).appraisal.place(0)
    place = part.approach.drivers.index("rate")
    low, high = part.alone[2 * place, at], part.alone[2 * place + 1, at]
    assert low > high or low == high == 0.0


RISING = {
    "tariff": 3.0, "shortage_cost": 3.0, "lease_price": 3.0, "unit_margin": 3.0, "deal_price": 30.0,
    "conversion_cost": 1e7, "feed_in_price": 1.0, "energy": 1e6, "installed_kw": 100.0, "head": 100.0,
    "annual_volume": 2e6, "source_volume": 2e6, "transferable_volume": 1e6, "saved_volume": 1e6, "plan_volume": 1e6,
    "actual_volume_y1": 1e6, "allocation": 1.0, "allocation_y1": 1.0, "allocation_y2": 1.0, "guarantee_rate": 1.0,
    "deal_factor": 2.0,
}  # fmt: skip
FALLING = {"water_cost": 3.0, "opex": 1e6, "deal_reliability": 1.0}


@pytest.mark.parametrize("base", ROWS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_value_rises_with_price_and_water_and_falls_with_cost(base: str, data: st.DataObject) -> None:
    name, highest = data.draw(st.sampled_from([*RISING.items(), *FALLING.items()]))
    low, high = sorted(data.draw(st.tuples(*[st.floats(0.01, 1.0)] * 2)))
    # the method stays: a figure that appears or goes away would change it
    method = {"water_method": base.split(" ")[0]}
    if name == "saved_volume" and "conversion" in base:
        return  # the same cost for more water is cheaper water, and rightly so
    less, more = (appraised("water_right", ROWS[base] | method | {name: part * highest}) for part in (low, high))
    assert less.approach[0] == more.approach[0]
    if name in FALLING:
        less, more = more, less
    assert more.central[0] >= less.central[0] * (1 - 1e-12)
    assert less.low[0] >= 0.0


@pytest.mark.parametrize("name", ROWS)
def test_a_longer_permit_is_worth_more(name: str) -> None:
    days = ("2026-12-01", "2027-01-06", "2027-01-07", "2028-06-01", "2033-12-31", "2036-11-01")
    central = [appraised("water_right", ROWS[name] | {"valid_to": day}).central[0] for day in days]
    assert central == sorted(central)


def test_one_right_alone_gives_the_bytes_of_that_right_among_many() -> None:
    table, rules = columns("water_right", *ROWS.values()), load().at("2026-11-23")
    book, kind = loans(len(ROWS)), kinds()["water_right"]
    many = appraise_pledges(kind, table, loans=book, rules=rules)
    for row in range(len(ROWS)):
        index = np.array([row])
        alone = appraise_pledges(kind, take(table, index), loans=take(book, index), rules=rules)
        for name in ("low", "central", "high", "lending_value", "recovery_low"):
            assert getattr(alone, name)[0] == getattr(many, name)[row], name
        part, at = many.appraisal.place(row)
        for name, column in alone.appraisal.place(0)[0].central.items():
            assert column[0] == part.value_of(name, at), name


def perhaps(low: float, high: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(low, high, allow_nan=False, allow_subnormal=False)


ANY = st.fixed_dictionaries(
    {
        "purpose": st.sampled_from(["industry", "irrigation", "hydropower", "other"]),
        "water_right_kind": st.sampled_from(["abstraction", "regional", "irrigator"]),
        "seniority": st.sampled_from([None, "senior", "common", "junior"]),
        "deal_basis": st.sampled_from([None, "lump_sum", "per_year"]),
        "deal_perpetual": st.none() | st.booleans(),
        "renewal_filed": st.none() | st.booleans(),
        "water_method": st.none() | st.sampled_from([name for name in ROWS if " " not in name]),
        "valid_to": st.sampled_from(["2025-01-01", "2026-12-31", "2028-06-30", "2036-01-01"]),
        "annual_volume": st.just(0.0) | st.floats(1, 1e8),
        "prior_claims": st.floats(0, 1e6),
    }
    | {f"actual_volume_y{year}": perhaps(0, 1e8) for year in (1, 2, 3)}
    | {f"allocation_y{year}": perhaps(0, 1.5) for year in (1, 2, 3)}
    | {name: perhaps(0, 1e8) for name in ("source_volume", "plan_volume", "saved_volume", "transferable_volume")}
    | {name: perhaps(0, 1) for name in ("allocation", "guarantee_rate", "efficiency")}
    # nothing is divided by a number next to 0: contracts keep terms and reliabilities away from it
    | {name: st.just(0.0) | perhaps(0.1, 1) for name in ("deal_reliability",)}
    | {name: st.just(0.0) | perhaps(0.1, 40) for name in ("deal_years", "conversion_years")}
    | {name: perhaps(0, 5) for name in ("tariff", "water_cost", "shortage_cost", "lease_price", "unit_margin")}
    | {name: perhaps(0, 40) for name in ("deal_price", "deal_factor")}
    | {name: perhaps(0, 1e7) for name in ("energy", "installed_kw", "opex", "conversion_cost")}
    | {"head": perhaps(0, 500), "feed_in_price": perhaps(0, 2)}
)


@given(rows=st.lists(ANY, min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_whatever_is_stated_amounts_are_known_in_order_and_follow_from_the_steps(rows: list[dict[str, Any]]) -> None:
    values = appraised("water_right", *rows)
    for amount in (values.low, values.central, values.high, values.lending_value, values.recovery_high):
        assert np.isfinite(amount).all() and (amount >= 0.0).all()
    assert (values.low <= values.central).all() and (values.central <= values.high).all()
    assert (values.appraisal.stress["drought"] <= values.central * (1 + 1e-12)).all()
    for column in values.haircuts:
        assert ((column.ratio >= 0.0) & (column.ratio <= 1.0)).all(), column.name
    for row in np.flatnonzero(values.appraisal.known):
        for figure, (shown, got) in shown_and_worked(values, int(row)).items():
            assert got == pytest.approx(shown, rel=1e-9, abs=2e-6), figure


@pytest.mark.parametrize(
    "burden", [{"over_drawn": True}, {"metered": False}, {"prior_claims": 1e5}, {"guarantee_rate": 0.5}, {"opex": 5e4}]
)
@given(row=ANY)
@settings(max_examples=40, deadline=None)
def test_a_burden_never_raises_the_lending_value(burden: dict[str, Any], row: dict[str, Any]) -> None:
    light = {"over_drawn": False, "metered": True, "prior_claims": 0.0, "guarantee_rate": 1.0, "opex": 0.0}
    less, more = (appraised("water_right", row | light | change) for change in (burden, {}))
    assert less.lending_value[0] <= more.lending_value[0] * (1 + 1e-12)


def test_without_any_allocation_no_value_is_formed() -> None:
    values = appraised("water_right", {"allocation": None})
    assert dict(values.gates)["D02"][0] and values.central[0] == 0.0
    assert appraised("water_right", {"allocation": None, "allocation_y2": 0.9}).central[0] > 0.0
