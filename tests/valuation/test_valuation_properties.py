"""What must hold for any pledge: bounds, directions, order-free, one equals many to the bit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pledge_tables import appraised, columns, loans

from eco_credit.core.numbers import take
from eco_credit.rulebook import load
from eco_credit.valuation import PledgeValues, appraise_pledges, kinds

yes_no = st.booleans()
perhaps: Callable[[Any], Any] = lambda strategy: st.none() | strategy


def amount(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_subnormal=False)


COMMON = {
    "prior_claims": st.just(0.0) | amount(0, 1e7),
    "disputed": yes_no,
    "sealed": yes_no,
    "charge_rank": st.integers(1, 3),
    "registered": yes_no,
}
ROWS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "forest_right": st.fixed_dictionaries(
        COMMON
        | {
            "area": amount(0.01, 5000),
            "stock_per_area": amount(0, 600),
            "planting_year": st.integers(1930, 2026),
            "species": st.sampled_from(["chinese_fir", "masson_pine", "larch", "eucalyptus", "poplar", "other"]),
            "forest_class": st.sampled_from(["011", "012", "021", "022"]),
            "survival": perhaps(amount(0, 1)),
            "mean_height": perhaps(amount(0, 40)),
            "log_price": perhaps(amount(0, 3000)),
            "composite_price": perhaps(amount(0, 2000)),
            "log_outturn": perhaps(amount(0, 0.5)),
            "composite_outturn": perhaps(amount(0, 0.5)),
            "operating_cost": perhaps(amount(0, 900)),
            "sales_tax": perhaps(amount(0, 0.3)),
            "felling_permit": yes_no,
            "insured": yes_no,
            "insured_sum": perhaps(amount(0, 20000)),
            "buy_back": yes_no,
            "road_distance": perhaps(amount(0, 60)),
            "pine_wilt_zone": yes_no,
            "compensation_paid": perhaps(amount(0, 1e6)),
        }
    ),
    "water_right": st.fixed_dictionaries(
        COMMON
        | {
            "purpose": st.sampled_from(
                ["urban_supply", "industry", "thermal_power", "irrigation", "hydropower", "ecology", "other"]
            ),
            "water_right_kind": st.sampled_from(["abstraction", "regional", "irrigator"]),
            "annual_volume": st.just(0.0) | amount(1, 1e8),
            "transferable_volume": amount(0, 1e8),
            "actual_volume_y1": amount(0, 1e8),
            "actual_volume_y2": amount(0, 1e8),
            "actual_volume_y3": amount(0, 1e8),
            "allocation": amount(0, 1),
            "unit_margin": perhaps(amount(0, 5)),
            "deal_price": perhaps(amount(0, 50)),
            "deal_basis": st.sampled_from([None, "lump_sum", "per_year"]),
            "deal_years": perhaps(amount(1, 40)),
            "deal_perpetual": perhaps(yes_no),
            "head": perhaps(amount(0, 500)),
            "efficiency": perhaps(amount(0.1, 1)),
            "feed_in_price": perhaps(amount(0, 2)),
            "over_drawn": yes_no,
            "metered": yes_no,
            "valid_to": st.sampled_from(["2025-01-01", "2027-06-30", "2031-12-31", "2036-01-01"]),
        }
    ),
    "order": st.fixed_dictionaries(
        COMMON
        | {
            "stage": st.sampled_from(["framework", "signed", "deposit_paid", "shipped", "invoiced"]),
            "buyer_id": st.sampled_from(["B-1", "B-2", "B-3"]),
            "buyer_rating": st.integers(1, 5),
            "amount": amount(0, 1e8),
            "buyer_kind": st.sampled_from(["core_enterprise", "government", "retailer", "other"]),
            "paid": amount(0, 1e6),
            "deposit": amount(0, 1e6),
            "past_due": st.integers(0, 200).map(float),
            "related": yes_no,
            "returns_12m": amount(0, 1e6),
            "sales_12m": amount(0, 1e7),
            "inventory_cost": perhaps(amount(0, 1e7)),
            "inventory_nolv": perhaps(amount(0, 1e7)),
            "crop_insurance": perhaps(yes_no),
            "buyer_confirmed": yes_no,
        }
    ),
}
KINDS = sorted(ROWS)
MONEY = (
    "low",
    "central",
    "high",
    "lending_value",
    "recovery_low",
    "recovery_central",
    "recovery_high",
    "entitled",
    "public_benefit",
    "right_months",
)


def tables(kind: str) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Tables of pledges, each of its own number: one thing pledged twice would be refused."""
    return st.lists(ROWS[kind], min_size=1, max_size=12).map(
        lambda rows: [row | {"order_no": f"D-{i}", "permit_no": f"W-{i}"} for i, row in enumerate(rows)]
    )


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_every_amount_is_known_not_negative_and_in_order(kind: str, data: st.DataObject) -> None:
    values = appraised(kind, *data.draw(tables(kind)), application_row=0.0)
    for name in MONEY:
        assert np.isfinite(getattr(values, name)).all() and (getattr(values, name) >= 0.0).all(), name
    assert (values.low <= values.central).all() and (values.central <= values.high).all()
    assert (values.lending_value <= values.central).all()
    assert (values.recovery_low <= values.recovery_central).all()
    assert (values.recovery_central <= values.recovery_high).all() and (values.recovery_high <= values.central).all()
    assert (values.lending_value[~values.eligible] == 0.0).all()
    for column in values.haircuts:
        assert ((column.ratio >= 0.0) & (column.ratio <= 1.0)).all(), column.name


def same(kind: str, one: PledgeValues, many: PledgeValues, rows: np.ndarray) -> None:
    for name in MONEY:
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name)[rows], err_msg=f"{kind} {name}")
    for name in one.features:
        np.testing.assert_array_equal(one.features[name], many.features[name][rows], err_msg=name)
    for name in {name for part in one.appraisal.parts for name in part.central}:
        np.testing.assert_array_equal(one.appraisal.figure(name), many.appraisal.figure(name)[rows], err_msg=name)
    for name in one.stress:
        np.testing.assert_array_equal(one.stress[name], many.stress[name][rows], err_msg=name)
    for first, second in zip(one.appraisal.drivers, many.appraisal.drivers, strict=True):
        assert list(first) == list(second[rows])
    for first, second in zip(one.haircuts, many.haircuts, strict=True):
        np.testing.assert_array_equal(first.ratio, second.ratio[rows], err_msg=first.name)
    for (code, first), (_, second) in zip(one.gates + one.reasons, many.gates + many.reasons, strict=True):
        np.testing.assert_array_equal(first, second[rows], err_msg=code)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_one_pledge_alone_gives_the_bytes_of_that_pledge_among_many(kind: str, data: st.DataObject) -> None:
    rows = data.draw(tables(kind))
    table, book, rules = columns(kind, *rows), loans(len(rows)), load().at("2026-11-23")
    many = appraise_pledges(kinds()[kind], table, loans=book, rules=rules)
    for i in range(len(rows)):
        index = np.array([i])
        alone = appraise_pledges(kinds()[kind], take(table, index), loans=take(book, index), rules=rules)
        same(kind, alone, many, index)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_order_of_pledges_in_an_application_changes_no_byte(kind: str, data: st.DataObject) -> None:
    rows = data.draw(tables(kind))
    shuffled = np.array(data.draw(st.permutations(range(len(rows)))))
    table, book, rules = columns(kind, *rows), loans(len(rows), application_row=0.0), load().at("2026-11-23")
    straight = appraise_pledges(kinds()[kind], table, loans=book, rules=rules)
    turned = appraise_pledges(kinds()[kind], take(table, shuffled), loans=take(book, shuffled), rules=rules)
    same(kind, turned, straight, shuffled)


UP = {
    "forest_right": ("log_price", "composite_price", "log_outturn", "area", "stock_per_area", "survival"),
    "water_right": (
        "unit_margin",
        "deal_price",
        "feed_in_price",
        "head",
        "allocation",
        "annual_volume",
        "actual_volume_y1",
        "transferable_volume",
    ),
    "order": ("amount", "inventory_cost", "inventory_nolv"),
}
DOWN = {
    "forest_right": ("operating_cost", "sales_tax"),
    "water_right": (),
    "order": ("paid", "deposit", "returns_12m", "past_due"),
}


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_value_rises_with_price_and_volume_and_falls_with_cost(kind: str, data: st.DataObject) -> None:
    row = data.draw(ROWS[kind]) | {"related": False, "disputed": False}
    rising = data.draw(st.booleans()) or not DOWN[kind]
    name = data.draw(st.sampled_from((UP if rising else DOWN)[kind]))
    if row.get(name) is None:
        row[name] = 0.3
    if name in ("log_outturn", "composite_outturn"):
        row["operating_cost"] = 0.0  # more of a product that sells below its cost is worth less, and rightly so
    other = row | {name: row[name] + data.draw(amount(0.0, 1.0)) * max(row[name], 0.1)}
    if name in ("allocation", "survival", "sales_tax"):
        other[name] = min(other[name], 1.0)
    less, more = (appraised(kind, r).central[0] for r in ((row, other) if rising else (other, row)))
    assert more >= less * (1 - 1e-12), name


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_more_prior_claims_never_raise_lending_value_or_recovery(kind: str, data: st.DataObject) -> None:
    row = data.draw(ROWS[kind])
    claims = data.draw(amount(0, 1e6))
    less, more = appraised(kind, row), appraised(kind, row | {"prior_claims": row["prior_claims"] + claims})
    assert more.lending_value[0] <= less.lending_value[0]
    assert more.recovery_low[0] <= less.recovery_low[0] and more.recovery_high[0] <= less.recovery_high[0]


BURDENS = {
    "forest_right": (
        {"felling_permit": False},
        {"insured": False},
        {"pine_wilt_zone": True},
        {"road_distance": 50.0},
        {"buy_back": False},
    ),
    "water_right": ({"over_drawn": True}, {"metered": False}),
    "order": ({"returns_12m": 1e6, "sales_12m": 2e6}, {"buyer_rating": 5}),
}


@pytest.mark.parametrize(("kind", "burden"), [(kind, burden) for kind in KINDS for burden in BURDENS[kind]])
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_a_burden_never_raises_the_lending_value(kind: str, burden: dict[str, Any], data: st.DataObject) -> None:
    row = data.draw(ROWS[kind])
    relief = {name: not value if isinstance(value, bool) else 0.0 for name, value in burden.items()}
    relief |= {"buyer_rating": 1} if "buyer_rating" in burden else {}
    assert appraised(kind, row | burden).lending_value[0] <= appraised(kind, row | relief).lending_value[0] * (
        1 + 1e-12
    )
