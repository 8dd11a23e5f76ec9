"""Pledges of the three kinds, as columns of their contracts."""

from __future__ import annotations

import numpy as np

from eco_credit.core.dates import DAYS_PER_YEAR, year_of
from eco_credit.core.numbers import Bools, Columns, Floats, text
from training.simulate.draw import Days, Draw, credit_codes, numbered


def common(draw: Draw, kind: str, first: int) -> Columns:
    """Fields every pledge has; most are clean, as a lender refuses the others before any model."""
    ids = numbered(f"{kind[0].upper()}", np.arange(first, first + draw.rows))
    # an earlier registration bars an order outright, so only land and water carry prior claims
    second_rank = (draw.rng.random(draw.rows) < (0.0 if kind == "order" else 0.06)).astype(np.float64)
    return {
        "kind": draw.constant(kind),
        "pledge_id": ids,
        "charge_rank": np.ones(draw.rows),
        "prior_claims": np.zeros(draw.rows),
        "prior_share": second_rank * draw.rng.uniform(0.02, 0.25, draw.rows),
        "registered": (draw.rng.random(draw.rows) < 0.93).astype(np.float64),
        "disputed": np.zeros(draw.rows),
        "sealed": np.zeros(draw.rows),
    }


def _later(start: Days, years: Floats) -> Days:
    days: Days = start + np.round(years * DAYS_PER_YEAR).astype("timedelta64[D]")
    return days


def forest(draw: Draw, loans: Columns, first: int) -> Columns:
    """Forest pledges.

    Args:
        draw: source of random columns, n rows.
        loans: ``as_of`` and ``term_months`` of the loan behind each pledge, n rows.
        first: running number of the first pledge.
    """
    day = loans["as_of"].astype("datetime64[D]")
    species = draw.choice("simulate.forest.species")
    u = draw.looked_up("simulate.forest.felling_age", species)
    age = np.maximum(1.0, np.round(u * draw.uniform("simulate.forest.age")))
    level, slope = (draw.looked_up(f"simulate.forest.yield_{part}", species) for part in ("level", "slope"))
    noise = draw.normal(draw.rules.number("simulate.forest.stock_noise"))
    stock = np.exp(level - slope / age + noise) * draw.uniform("simulate.forest.site")
    insured = draw.yes("simulate.forest.insured")
    paper = {"certificate_no": numbered("模(2026)模拟县不动产权第", np.arange(first, first + draw.rows), "号")}
    return common(draw, "forest_right", first) | paper | _timber(draw) | _consents(draw) | {
        "area": np.round(draw.lognormal("simulate.forest.area"), 2),
        "forest_class": draw.constant("022"),
        "species": species,
        "species_text": species,
        "planting_year": year_of(day) - age,
        "contract_to": _later(day, draw.uniform("simulate.forest.land_years") + _term_years(loans)),
        "stock_per_area": np.round(np.clip(stock, 5.0, 900.0), 1),
        "felling_permit": draw.yes("simulate.forest.felling_permit"),
        "insured": insured,
        "insured_sum": np.where(insured > 0.0, np.round(draw.uniform("simulate.forest.insured_sum"), -1), np.nan),
        "beneficiary_is_bank": insured,
        "protected_overlap": draw.yes("simulate.forest.protected") * np.round(draw.rng.uniform(0.0, 0.3, draw.rows), 2),
        "pine_wilt_zone": draw.yes("simulate.forest.pine_wilt") * (species == "masson_pine"),
        "buy_back": draw.yes("simulate.forest.buy_back"),
    }  # fmt: skip


def _term_years(loans: Columns) -> Floats:
    return np.asarray(loans["term_months"], np.float64) / 12.0


def _timber(draw: Draw) -> Columns:
    log, composite = draw.uniform("simulate.forest.log_outturn"), draw.uniform("simulate.forest.composite_outturn")
    return {
        "log_outturn": np.round(log, 3),
        "composite_outturn": np.round(composite, 3),
        "log_price": np.round(draw.uniform("simulate.forest.log_price")),
        "composite_price": np.round(draw.uniform("simulate.forest.composite_price")),
        "operating_cost": np.round(draw.uniform("simulate.forest.operating_cost")),
    }


def _consents(draw: Draw) -> Columns:
    return {name: np.ones(draw.rows) for name in ("co_owner_consent", "collective_vote", "owner_consent")}


def water(draw: Draw, loans: Columns, first: int) -> Columns:
    """Water pledges; arguments as in `forest`."""
    day = loans["as_of"].astype("datetime64[D]")
    volume = np.round(draw.lognormal("simulate.water.volume"), -2)
    use = draw.uniform("simulate.water.use")
    purpose = draw.choice("simulate.water.purpose")
    steady = np.isin(purpose, ["urban_supply", "industry", "thermal_power"])
    allocation = np.clip(draw.uniform("simulate.water.allocation") + 0.12 * steady, 0.0, 1.0)
    years = {
        f"actual_volume_y{back}": np.round(volume * np.clip(use + draw.normal(0.04), 0.05, 1.04)) for back in (1, 2, 3)
    }
    return common(draw, "water_right", first) | years | {
        "permit_no": np.array([f"D{code}S2021-{i % 10_000:04d}" for i, code in
                               enumerate(loans["area_code"], first)], dtype=object),
        "water_right_kind": draw.choice("simulate.water.right_kind"),
        "source_type": np.where(draw.rng.random(draw.rows) < 0.8, "surface", "ground").astype(object),
        "purpose": purpose,
        "valid_from": day - np.timedelta64(400, "D"),
        "valid_to": _later(day, _term_years(loans) + draw.uniform("simulate.water.years_left")),
        "annual_volume": volume,
        "transferable_volume": np.round(volume * draw.uniform("simulate.water.transferable")),
        "allocation": np.round(allocation, 3),
        "over_drawn": draw.yes("simulate.water.over_drawn"),
        "metered": np.ones(draw.rows),
        "fee_paid": np.ones(draw.rows),
        "permit_state": draw.constant("valid"),
        "unit_margin": np.round(draw.lognormal("simulate.water.margin"), 3),
        "buy_back": draw.yes("simulate.water.buy_back"),
    }  # fmt: skip


def order(draw: Draw, loans: Columns, first: int) -> Columns:
    """Order pledges; arguments as in `forest`. Buyers repeat within one application."""
    day = loans["as_of"].astype("datetime64[D]")
    amount = np.round(draw.lognormal("simulate.order.amount"), -2)
    term = np.round(_term_years(loans) * 365.0).astype("timedelta64[D]")
    stage = draw.choice("simulate.order.stage")
    buyer = _buyers(draw, np.asarray(loans["application_row"], np.float64).astype(np.int64), first)
    sales = np.round(amount * draw.rng.uniform(1.0, 4.0, draw.rows))
    cost = np.round(amount * draw.uniform("simulate.order.cost"))
    return common(draw, "order", first) | _buyer_columns(draw, buyer, loans) | {
        "order_no": numbered("PO", np.arange(first, first + draw.rows)),
        "stage": stage,
        "amount": amount,
        "paid": np.round(amount * draw.uniform("simulate.order.paid")),
        "deposit": np.where(stage == "signed", 0.0, np.round(amount * 0.1)),
        "signed_on": day - np.timedelta64(20, "D"),
        "due_on": day + np.minimum(np.maximum(term, np.timedelta64(45, "D")), np.timedelta64(330, "D")),
        "delivery_on": _when(np.isin(stage, ["shipped", "invoiced"]), day, -5),
        "invoice_on": _when(stage == "invoiced", day, -2),
        "assignable": np.ones(draw.rows),
        "returns_12m": np.round(sales * draw.uniform("simulate.order.dilution")),
        "sales_12m": sales,
        "inventory_cost": cost,
        "inventory_nolv": np.round(cost * draw.uniform("simulate.order.nolv")),
    }  # fmt: skip


def _when(holds: Bools, day: Days, later: int) -> Days:
    """So many days after a day where something holds, else unknown."""
    moved: Days = day + np.timedelta64(later, "D")
    return np.where(holds, moved, np.datetime64("NaT", "D"))


def _buyers(draw: Draw, application: np.ndarray, first: int) -> np.ndarray:
    """Number of the buyer of each order: often that of the order before it in the same application."""
    own = np.arange(first, first + draw.rows)
    repeated = np.concatenate([[False], application[1:] == application[:-1]])
    same = repeated & (draw.yes("simulate.order.same_buyer") > 0.0)
    return own[np.maximum.accumulate(np.where(same, 0, np.arange(draw.rows)))]


def _buyer_columns(draw: Draw, buyer: np.ndarray, loans: Columns) -> Columns:
    """Facts of the buyer, alike for all orders of one buyer in one application."""
    lead = np.searchsorted(np.unique(buyer), buyer)
    head = np.unique(buyer, return_index=True)[1][lead]
    overdue = draw.yes("simulate.order.past_due_chance") * np.round(draw.lognormal("simulate.order.past_due"))
    return {
        "buyer_name": np.array([f"模拟买方{number}" for number in buyer], dtype=object),
        "buyer_id": credit_codes(text(loans, "area_code")[head], buyer, "5YB"),
        "buyer_kind": draw.choice("simulate.order.buyer_kind")[head],
        "buyer_rating": draw.choice("simulate.order.buyer_rating").astype(np.float64)[head],
        "buyer_confirmed": draw.yes("simulate.order.confirmed"),
        "past_due": overdue[head],
        "related": np.zeros(draw.rows),
    }
