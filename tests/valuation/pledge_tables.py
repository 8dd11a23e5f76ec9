"""Small tables of pledges for tests: one good pledge of each kind, any field changed by name."""

from __future__ import annotations

from typing import Any

import numpy as np

from eco_credit.core.numbers import Columns
from eco_credit.rulebook import load
from eco_credit.valuation import PledgeValues, appraise_pledges, kinds

DAY = "2026-11-23"

_COMMON: dict[str, Any] = {
    "pledge_id": "P-1",
    "charge_rank": 1,
    "prior_claims": 0.0,
    "registered": True,
    "disputed": False,
    "sealed": False,
    "stated_value": None,
}
GOOD: dict[str, dict[str, Any]] = {
    # age 36 in 2026: over-mature fir; figures of the published residual case
    "forest_right": _COMMON
    | {
        "area": 100.0,
        "forest_class": "022",
        "species": "chinese_fir",
        "planting_year": 1990,
        "contract_to": "2056-12-31",
        "stock_per_area": 180.0,
        "mean_height": None,
        "survival": None,
        "log_outturn": 0.25,
        "composite_outturn": 0.45,
        "log_price": 1000.0,
        "composite_price": 750.0,
        "operating_cost": 180.0,
        "sales_tax": 0.18,
        "felling_permit": True,
        "insured": True,
        "insured_sum": 12000.0,
        "beneficiary_is_bank": True,
        "co_owner_consent": True,
        "collective_vote": True,
        "owner_consent": True,
        "protected_overlap": 0.0,
        "pine_wilt_zone": False,
        "buy_back": True,
        "road_distance": None,
        "compensation_paid": None,
    },
    "water_right": _COMMON
    | {
        "water_right_kind": "abstraction",
        "source_type": "surface",
        "purpose": "industry",
        "valid_from": "2024-01-01",
        "valid_to": "2033-12-31",
        "annual_volume": 1_000_000.0,
        "transferable_volume": 1_000_000.0,
        "actual_volume_y1": 900_000.0,
        "actual_volume_y2": 900_000.0,
        "actual_volume_y3": 900_000.0,
        "allocation": 1.0,
        "over_drawn": False,
        "metered": True,
        "fee_paid": True,
        "permit_state": "valid",
        "unit_margin": 0.5,
        "deal_price": None,
        "deal_basis": None,
        "deal_years": None,
        "deal_perpetual": None,
        "head": None,
        "efficiency": None,
        "feed_in_price": None,
        "buy_back": False,
    },
    "order": _COMMON
    | {
        "order_no": "D-1",
        "stage": "invoiced",
        "buyer_id": "B-1",
        "buyer_kind": "core_enterprise",
        "buyer_rating": 1,
        "related": False,
        "amount": 10_000_000.0,
        "paid": 0.0,
        "deposit": 0.0,
        "signed_on": "2026-09-01",
        "due_on": "2027-01-31",
        "delivery_on": "2026-10-01",
        "invoice_on": "2026-10-15",
        "buyer_confirmed": True,
        "assignable": True,
        "returns_12m": 0.0,
        "sales_12m": 20_000_000.0,
        "past_due": 0.0,
        "inventory_cost": None,
        "inventory_nolv": None,
        "crop_insurance": False,
        "goods_insured": False,
    },
}
_TEXT = {
    "pledge_id",
    "forest_class",
    "species",
    "water_right_kind",
    "source_type",
    "purpose",
    "permit_state",
    "deal_basis",
    "seniority",
    "water_method",
    "order_no",
    "stage",
    "buyer_id",
    "buyer_kind",
    "claim_kind",
    "currency",
    "confirm_channel",
}
_DAYS = {
    "contract_to",
    "valid_from",
    "valid_to",
    "signed_on",
    "due_on",
    "delivery_on",
    "invoice_on",
    "zd_expires_on",
    "zd_query_on",
}
_DAYS = {
    "contract_from",
    "contract_to",
    "felling_valid_to",
    "insured_to",
    "valid_from",
    "valid_to",
    "signed_on",
    "due_on",
    "delivery_on",
    "invoice_on",
    "stated_on",
    "zd_registered_on",
    "zd_expires_on",
    "zd_query_on",
}


def columns(kind: str, *rows: dict[str, Any]) -> Columns:
    """A table of good pledges with the fields of each row changed; one good row when none is given."""
    records = [GOOD[kind] | row for row in (rows or ({},))]
    names = {name: None for record in records for name in record}
    return {name: _column(name, [record.get(name) for record in records]) for name in names}


def _column(name: str, values: list[Any]) -> Any:
    if name in _TEXT or any(isinstance(v, str) for v in values if name not in _DAYS):
        return np.array(values, dtype=object)
    if name in _DAYS:
        return np.array(["NaT" if v is None else v for v in values], dtype="datetime64[D]")
    return np.array([np.nan if v is None else float(v) for v in values])


def loans(rows: int, **changed: Any) -> Columns:
    """Loan columns, one row per pledge; every pledge is its own application unless ``application_row`` is given."""
    table: Columns = {
        "as_of": np.full(rows, np.datetime64(DAY)),
        "term_months": np.full(rows, 12.0),
        "amount_requested": np.full(rows, 1_000_000.0),
        "control_account": np.zeros(rows),
        "application_row": np.arange(rows, dtype=np.float64),
    }
    for name, value in changed.items():
        table[name] = np.broadcast_to(np.asarray(value), (rows,)).astype(table[name].dtype)
    return table


def appraised(kind: str, *rows: dict[str, Any], **loan: Any) -> PledgeValues:
    """Appraise good pledges of a kind with the fields of each row changed, for loans changed by name."""
    table = columns(kind, *rows)
    count = len(table["pledge_id"])
    return appraise_pledges(kinds()[kind], table, loans=loans(count, **loan), rules=load().at(DAY))


def codes(marks: Any, row: int = 0) -> set[str]:
    """Codes that hold for one row."""
    return {code for code, hit in marks if hit[row]}


def haircut(values: PledgeValues, name: str, row: int = 0) -> float:
    """One named haircut of one row."""
    return next(float(column.ratio[row]) for column in values.haircuts if column.name == name)


def step(values: PledgeValues, code: str, row: int = 0) -> float:
    """One figure of one row in the central scenario."""
    return float(values.appraisal.figure(code)[row])
