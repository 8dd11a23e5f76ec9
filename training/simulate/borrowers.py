"""Borrowers and loans: everything of an application but its pledges and its amount."""

from __future__ import annotations

import numpy as np

from eco_credit.core.numbers import Columns
from training.simulate.draw import Days, Draw, Words, credit_codes, numbered


def origination_days(draw: Draw) -> Days:
    """Days spread evenly over the years of origination."""
    years = draw.rules.table("simulate.loan.origination_years")
    first, last = np.datetime64(f"{years['first']}-01-01"), np.datetime64(f"{years['last']}-10-31")
    span = int((last - first).astype(int))
    return first + draw.rng.integers(0, span + 1, draw.rows).astype("timedelta64[D]")


def regions_of(draw: Draw, kind: Words) -> tuple[Words, Words]:
    """Region and basin of each borrower; water borrowers sit more often in dry basins."""
    basin_of = draw.rules.table("simulate.world.regions")
    dry = draw.rules.table("simulate.world.dry_basins")
    names = np.array(list(basin_of), dtype=object)
    members = {basin: sum(1 for b in basin_of.values() if b == basin) for basin in dry}
    weights = np.array([float(dry[basin_of[name]]) / members[basin_of[name]] for name in names])
    even = draw.rng.integers(0, len(names), draw.rows)
    thirsty = np.searchsorted(np.cumsum(weights / weights.sum()), draw.rng.random(draw.rows), side="right")
    region = names[np.where(kind == "water_right", thirsty, even)]
    return region, np.array([basin_of[name] for name in region], dtype=object)


def borrowers(draw: Draw, kind: Words, first: int) -> Columns:
    """Applications without amounts.

    Args:
        draw: source of random columns, n rows.
        kind: main kind of pledge of each row, shape (n,).
        first: running number of the first application.

    Returns:
        Columns of borrower and loan by the application contract, plus ``region`` and ``basin``;
        amounts that scale with the loan are ratios here (see `priced`).
    """
    running = np.arange(first, first + draw.rows)
    # about one application in fifty comes from a borrower seen before
    returning = np.where(draw.rng.random(draw.rows) < 0.02, np.maximum(running - 50, first), running)
    region, basin = regions_of(draw, kind)
    area = region[returning - first]
    return {
        "application_id": numbered("SIM-", running),
        "as_of": origination_days(draw),
        "synthetic": np.ones(draw.rows),
        "borrower_name": np.array([f"模拟借款人{n}" for n in returning], dtype=object),
        "borrower_kind": draw.choice("simulate.loan.borrower_kind"),
        "id_type": draw.constant("uscc"),
        "id_no": credit_codes(area, returning),
        "area_code": area,
        "region": area,
        "basin": basin[returning - first],
        "industry_code": _by_kind(draw, kind, "industry"),
        "years_in_trade": np.round(draw.lognormal("simulate.loan.years_in_trade"), 1),
        "overdue_max_24m": draw.choice("simulate.loan.overdue_rank").astype(np.float64),
        "bad_record": draw.yes("simulate.loan.bad_record"),
        "litigation": np.zeros(draw.rows),
        "credit_consent": np.ones(draw.rows),
        "term_months": _by_kind(draw, kind, "term").astype(np.float64),
        "annual_rate": np.round(draw.uniform("simulate.loan.rate"), 4),
        "control_account": draw.yes("simulate.loan.control_account"),
        **_guarantee(draw),
        **_words(draw, kind),
    }


def _by_kind(draw: Draw, kind: Words, what: str) -> Words:
    """Draw from the table of each row's own kind, for example ``simulate.loan.term_order``."""
    chosen = draw.constant("").astype(object)
    for name in ("forest_right", "water_right", "order"):
        chosen = np.where(kind == name, draw.choice(f"simulate.loan.{what}_{name}"), chosen)
    return chosen


def _guarantee(draw: Draw) -> Columns:
    guaranteed = draw.yes("simulate.loan.guaranteed")
    cover = guaranteed * draw.choice("simulate.loan.guarantee_cover").astype(np.float64)
    mode = np.where(guaranteed > 0.0, "5", "2").astype(object)
    return {"guarantee_cover": cover, "guarantee_mode": mode}


def _words(draw: Draw, kind: Words) -> Columns:
    bullet = kind == "order"
    return {
        "purpose": draw.constant("模拟用途"),
        "purpose_industry": _by_kind(draw, kind, "industry"),
        "repayment": np.where(bullet, "bullet", "equal_instalment").astype(object),
    }


def priced(draw: Draw, loans: Columns, kind: Words, central: Columns) -> Columns:
    """Amounts that follow from the appraised value: the loan, cash, other debt, guarantees given.

    Args:
        draw: source of random columns, n rows.
        loans: columns of `borrowers`.
        kind: main kind of each row.
        central: ``central``, the appraised value of the eligible pledges in yuan, shape (n,).

    Returns:
        The columns with amounts in yuan, rounded to hundreds.
    """
    granted = np.zeros(draw.rows)
    for name in ("forest_right", "water_right", "order"):
        granted = np.where(kind == name, draw.uniform(f"simulate.loan.granted_{name}"), granted)
    amount = np.maximum(np.round(granted * central["central"].astype(np.float64), -2), 1_000.0)
    term, rate = (np.asarray(loans[key], np.float64) for key in ("term_months", "annual_rate"))
    service = amount / np.maximum(term / 12.0, 1.0) + rate * amount
    cash = np.round(service * draw.lognormal("simulate.loan.cash_cover"), -2)
    debt = np.round(amount * draw.lognormal("simulate.loan.other_debt"), -2)
    given = np.round(cash * draw.lognormal("simulate.loan.external_guarantee"), -2)
    return loans | {
        "amount_requested": amount,
        "net_cash_in_year": np.maximum(cash, 100.0),
        "other_debt": debt * (1.0 - draw.yes("simulate.loan.no_other_debt")),
        "external_guarantee": given * draw.yes("simulate.loan.gives_guarantee"),
    }
