"""Properties of accounts: monotone, scaling, additive, order-free, one row equals many."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from eco_credit.gep import account, parcels
from tests.gep.rows import only, rules

AREA = st.floats(0.0, 1e5)
PRICE = st.floats(0.01, 1e4)
SOIL_T = st.floats(1e-3, 1e8)
FEW = settings(max_examples=30, deadline=None)


def balance(area: float, price: float, place: str | None = None) -> dict[str, Any]:
    """A wet place."""
    return {
        "service": "water_retention",
        "place": place,
        "area_ha": area,
        "precipitation_mm": 900.0,
        "runoff_mm": 50.0,
        "evapotranspiration_mm": 700.0,
        "price": price,
        "price_unit": "CNY/m3",
    }


@FEW
@given(AREA, AREA, PRICE)
def test_more_area_is_never_worth_less(one: float, other: float, price: float) -> None:
    small, large = sorted((one, other))
    assert only(balance(small, price)).value_cny <= only(balance(large, price)).value_cny


@FEW
@given(AREA, PRICE, PRICE)
def test_a_higher_price_is_never_worth_less(area: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert only(balance(area, low)).value_cny <= only(balance(area, high)).value_cny


@FEW
@given(PRICE)
def test_no_area_is_worth_nothing(price: float) -> None:
    flow = only(balance(0.0, price))
    assert flow.value_cny == flow.low == flow.high == 0.0


@FEW
@given(SOIL_T)
def test_twice_the_soil_is_worth_twice_as_much(soil: float) -> None:
    for item in ("silting", "nonpoint_n", "nonpoint_p"):
        once = only({"service": "soil_retention", "item": item, "soil_retained_t": soil})
        twice = only({"service": "soil_retention", "item": item, "soil_retained_t": 2.0 * soil})
        assert twice.value_cny == 2.0 * once.value_cny  # a power of two scales without rounding


@FEW
@given(st.lists(st.floats(0.0, 1e4), min_size=2, max_size=6), PRICE)
def test_disjoint_parcels_add_up_to_the_whole(areas: list[float], price: float) -> None:
    parcels = account([balance(area, price, f"p{i}") for i, area in enumerate(areas)], rules=rules())
    whole = account([balance(sum(areas), price)], rules=rules())
    assert abs(parcels.total - whole.total) <= 1e-9 * max(whole.total, 1.0)


MIXED = st.lists(st.tuples(st.integers(0, 4), st.floats(0.1, 1e5), PRICE), min_size=1, max_size=12)


def mixed(drawn: list[tuple[int, float, float]]) -> list[dict[str, Any]]:
    """Rows of several services, computed and stated."""
    made = []
    for i, (kind, size, price) in enumerate(drawn):
        place = f"p{i}"
        made.append(
            [
                balance(size, price, place),
                {"service": "soil_retention", "item": "silting", "place": place, "soil_retained_t": size},
                {"service": "carbon", "item": "co2", "place": place, "npp_dry_t": size},
                {
                    "service": "tourism",
                    "item": "travel_cost",
                    "place": place,
                    "visitors": size,
                    "expenditure_cny": price,
                    "hours": 3.0,
                    "wage_cny_per_hour": 40.0,
                },
                {
                    "service": "oxygen",
                    "item": "o",
                    "place": place,
                    "physical": size,
                    "physical_unit": "t",
                    "price": price,
                    "price_unit": "CNY/t",
                },
            ][kind]
        )
    return made


@FEW
@given(MIXED)
def test_one_row_alone_is_that_row_among_many_bit_for_bit(drawn: list[tuple[int, float, float]]) -> None:
    rows = mixed(drawn)
    together = account(rows, norm="garze-paper", rules=rules()).rows
    assert [only(row) for row in rows] == list(together)


@FEW
@given(MIXED, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_total(drawn: list[tuple[int, float, float]], shuffler: Any) -> None:
    rows = mixed(drawn)
    first = account(rows, norm="garze-paper", rules=rules())
    shuffler.shuffle(rows)
    second = account(rows, norm="garze-paper", rules=rules())
    assert (first.total, first.by_service(), first.by_group()) == (second.total, second.by_service(), second.by_group())


@FEW
@given(MIXED)
def test_every_range_holds_its_value(drawn: list[tuple[int, float, float]]) -> None:
    for row in account(mixed(drawn), norm="garze-paper", rules=rules()).rows:
        assert row.low <= row.value_cny <= row.high


FEWER = settings(max_examples=12, deadline=None)
SIZES = st.lists(st.tuples(st.floats(0.0, 1e4), st.floats(0.0, 1e5), st.floats(0.0, 3000.0)), min_size=1, max_size=5)
ONLY = {"pest_control": [], "flood_mitigation": [], "soil_retention": ["silting", "nonpoint_n"]}


def wide(drawn: list[tuple[float, float, float]]) -> dict[str, Any]:
    """Parcels with an area, a soil retained and a rain each."""
    areas, soils, rains = (list(column) for column in zip(*drawn, strict=True))
    return {"area_ha": areas, "soil_retained_t": soils, "precipitation_mm": rains,
            "runoff_mm": [20.0] * len(areas), "evapotranspiration_mm": [500.0] * len(areas)}


def of(drawn: list[tuple[float, float, float]]) -> Any:
    """Columns of all results."""
    return parcels(wide(drawn), "garze-paper", rules=rules(), items=ONLY).columns()


@FEWER
@given(SIZES)
def test_a_parcel_alone_is_that_parcel_among_many_bit_for_bit(drawn: list[tuple[float, float, float]]) -> None:
    many = of(drawn)
    for i, one in enumerate(drawn):
        assert {name: cells[0] for name, cells in of([one]).items()} == {name: cells[i] for name, cells in many.items()}


@FEWER
@given(SIZES, st.randoms(use_true_random=False))
def test_the_order_of_parcels_changes_no_parcel(drawn: list[tuple[float, float, float]], shuffler: Any) -> None:
    order = list(range(len(drawn)))
    shuffler.shuffle(order)
    first, second = of(drawn), of([drawn[i] for i in order])
    assert {name: cells[order].tolist() for name, cells in first.items()} == {
        name: cells.tolist() for name, cells in second.items()}


@FEWER
@given(SIZES)
def test_parcels_and_ledger_have_one_total(drawn: list[tuple[float, float, float]]) -> None:
    rows = [
        row | {"place": f"p{i}"}
        for i, (area, soil, rain) in enumerate(drawn)
        for row in ({"service": "water_retention", "area_ha": area, "precipitation_mm": rain, "runoff_mm": 20.0,
                     "evapotranspiration_mm": 500.0},
                    {"service": "soil_retention", "item": "silting", "soil_retained_t": soil},
                    {"service": "soil_retention", "item": "nonpoint_n", "soil_retained_t": soil})
    ]
    ledger = account(rows, norm="garze-paper", rules=rules()).total
    assert abs(float(of(drawn)["total_cny"].sum()) - ledger) <= 1e-9 * max(abs(ledger), 1.0)


@FEWER
@given(SIZES)
def test_every_range_of_a_parcel_holds_its_value(drawn: list[tuple[float, float, float]]) -> None:
    made = of(drawn)
    for name in made:
        if name.endswith(".value_cny"):
            flow = name.removesuffix(".value_cny")
            assert (made[f"{flow}.low"] <= made[name]).all() and (made[name] <= made[f"{flow}.high"]).all()
    assert (made["total_low"] <= made["total_cny"]).all() and (made["total_cny"] <= made["total_high"]).all()
