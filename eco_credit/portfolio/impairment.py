"""Expected credit loss in three stages with weighted scenarios.

Source: IFRS 9 and its Chinese counterpart (CAS 22); staging days and scenario weights are rules ``portfolio.ecl.*``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from eco_credit.core.numbers import Floats, rounded
from eco_credit.core.units import MONTHS_PER_YEAR, units
from eco_credit.portfolio.book import Exposures
from eco_credit.portfolio.rounding import yuan
from eco_credit.portfolio.staging import stages
from eco_credit.portfolio.stress import stressed_lgd, stressed_pd
from eco_credit.rulebook import RuleSet


def marginal_pd(pd: Floats, years: int) -> Floats:
    """PD of each year of a constant yearly hazard: ``(1 − PD)^(t−1) · PD``; shape (years, n)."""
    alive = np.exp(np.arange(years, dtype=np.float64)[:, None] * np.log1p(-np.minimum(pd, 1.0 - 1e-15)))
    result: Floats = alive * pd
    return result


@units(pd="dimensionless", lgd="dimensionless", exposure="CNY", discount="dimensionless", returns="CNY")
def year_loss(pd: Floats, lgd: Floats, *, exposure: Floats, discount: Floats) -> Floats:
    """Expected credit loss of one year: ``ΔPD_t · LGD_t · EAD_t · DF_t``; yuan, any shape."""
    return pd * lgd * exposure * discount


def credit_loss(
    pd: Floats, lgd: Floats, *, exposure: Floats, years: Floats, rate: float, stage: npt.NDArray[np.int64]
) -> Floats:
    """Expected credit loss of each loan in one scenario.

    Formula: ``ECL = Σ_t (PD_t − PD_{t−1}) · LGD · EAD · (1 + r)^(−t)``, one year in stage 1, the remaining life in
    stage 2 (the last year in part), and ``LGD · EAD`` in stage 3. Exposure is held level: a loan repaid at the end.

    Args:
        pd: yearly PD, ratio, shape (n,).
        lgd: ratio, shape (n,).
        exposure: yuan, shape (n,).
        years: remaining life, at least one is taken in stage 2, shape (n,).
        rate: effective yearly rate r.
        stage: 1, 2 or 3, shape (n,).

    Returns:
        Yuan, shape (n,).
    """
    life = np.where(stage == 2, np.maximum(years, 1.0), 1.0)
    last = int(np.ceil(np.max(life, initial=1.0)))
    total = np.zeros(len(pd))
    for at, step in enumerate(marginal_pd(pd, last)):
        within = np.clip(life - at, 0.0, 1.0)
        factor = np.exp(-(at + 1.0) * np.log1p(rate))
        total = total + year_loss(step * within, lgd, exposure=exposure, discount=np.full(len(pd), factor))
    result: Floats = np.where(stage == 3, lgd * exposure, total)
    return result


def weighted_loss(
    book: Exposures, *, rules: RuleSet, day: np.datetime64, share: Floats | None = None
) -> dict[str, Any]:
    """Expected credit loss of a portfolio by stage, weighted over scenarios.

    Args:
        book: the loans; ``days_overdue``, ``risk_raised``, ``impaired`` and ``due_on`` come from its ledger.
        rules: ``portfolio.ecl.*``: weight, odds factor and value change of each scenario, discount rate.
        day: reporting day, from which the remaining life is counted; one year where the ledger has no due day.
        share: part of each loan the party of the report stands for, ratio, shape (n,); None leaves its part out.

    Returns:
        ``stages``: stage, loans, balance, ecl (yuan), coverage (ratio or None), own (the party's
        part, yuan or None); ``ecl`` and ``own``: the sums; ``scenarios``: name,
        weight and ecl of each.

    Raises:
        ValueError: the weights do not add up to one.
    """
    stage = stages(book.ledger, len(book.exposure), rules=rules)
    each, total = _scenarios(book, stage, rules=rules, day=day)
    rows = []
    for level in (1, 2, 3):
        held = stage == level
        balance, loss = float(np.sum(book.exposure[held])), float(np.sum(total[held]))
        own = None if share is None else yuan(float(np.sum((total * share)[held])))
        rows.append({
            "stage": level, "loans": int(np.sum(held)), "balance": yuan(balance), "ecl": yuan(loss),
            "coverage": float(rounded(loss / balance, 8)) if balance > 0.0 else None, "own": own,
        })  # fmt: skip
    own = None if share is None else yuan(float(np.sum(total * share)))
    return {"stages": rows, "ecl": yuan(float(np.sum(total))), "own": own, "scenarios": each}


def _scenarios(
    book: Exposures, stage: npt.NDArray[np.int64], *, rules: RuleSet, day: np.datetime64
) -> tuple[list[dict[str, Any]], Floats]:
    """Loss of each scenario, and the weighted loss of each loan."""
    table: Mapping[str, Mapping[str, float]] = rules["portfolio.ecl.scenarios"]
    if abs(sum(row["weight"] for row in table.values()) - 1.0) > 1e-9:
        raise ValueError("the weights of the scenarios do not add up to one")
    rate, years = rules.number("portfolio.ecl.rate"), _years(book, day)
    total, each = np.zeros(len(book.exposure)), []
    for name, row in table.items():
        pd = stressed_pd(book.pd, np.full(len(total), row["odds"]))
        lgd = stressed_lgd(book.lgd, np.full(len(total), row["value"]))
        loss = credit_loss(pd, lgd, exposure=book.exposure, years=years, rate=rate, stage=stage)
        total = total + row["weight"] * loss
        each.append({"name": name, "weight": row["weight"], "ecl": yuan(float(np.sum(loss)))})
    return each, total


def _years(book: Exposures, day: np.datetime64) -> Floats:
    """Remaining life in years by months begun; one year where the due day is not known or past."""
    if "due_on" not in book.ledger:
        return np.ones(len(book.exposure))
    due = book.ledger["due_on"].astype("datetime64[M]")
    months = (due - day.astype("datetime64[M]")).astype(np.float64)
    years = np.where(np.isnat(due), MONTHS_PER_YEAR, months) / MONTHS_PER_YEAR
    result: Floats = np.where(years > 0.0, years, 1.0)
    return result
