"""The order book worked in plain Python, one claim at a time, with figures written out and nothing of the package."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

Row = dict[str, Any]
TODAY = date(2026, 11, 23)
STAGES = {  # stage factor, performance loss, advance rate
    "framework": (0.3, 0.20, 0.50),
    "signed": (0.8, 0.12, 0.60),
    "deposit_paid": (1.0, 0.08, 0.70),
    "shipped": (1.0, 0.02, 0.80),
    "invoiced": (1.0, 0.0, 0.85),
}
LIMIT = {1: 1.0, 2: 1.0, 3: 0.5, 4: 0.25, 5: 0.2}
LOSS = {1: 0.0, 2: 0.0, 3: 0.01, 4: 0.03, 5: 0.08}


def delivered(row: Row) -> bool:
    return row["stage"] in ("shipped", "invoiced")


def aged(row: Row) -> bool:
    invoiced, due = (date.fromisoformat(row[name]) for name in ("invoice_on", "due_on"))
    oldest = max(timedelta(90), due - invoiced + timedelta(60))
    late = delivered(row) and TODAY - due > timedelta(60)
    return bool(row["past_due"] > 60 or TODAY - invoiced > oldest or late)


def of(rows: list[Row], amounts: list[float], buyer: str) -> float:
    return sum(a for row, a in zip(rows, amounts, strict=True) if row["buyer_id"] == buyer)


def most(rows: list[Row], name: str, buyer: str) -> float:
    return max(row[name] or 0.0 for row in rows if row["buyer_id"] == buyer)


def set_off(rows: list[Row], left: list[float], name: str) -> list[float]:
    totals = [of(rows, left, row["buyer_id"]) for row in rows]
    taken = [most(rows, name, row["buyer_id"]) for row in rows]
    return [a * max(0.0, t - u) / t if t > 0.0 else a for a, t, u in zip(left, totals, taken, strict=True)]


def eligible(rows: list[Row], *, account: bool) -> list[list[float]]:
    """What is left of each claim of one application: owed, then after every step."""
    left = [max(0.0, row["amount"] - row["paid"] - row["deposit"]) for row in rows]
    steps = [left]

    def keep(whole: list[bool]) -> None:
        steps.append([a if stays else 0.0 for a, stays in zip(steps[-1], whole, strict=True)])

    steps.append(set_off(rows, left, "unapplied"))
    before, old = steps[-1], [aged(row) for row in rows]
    keep([not late for late in old])
    late = [a if is_old else 0.0 for a, is_old in zip(before, old, strict=True)]
    keep([of(rows, late, row["buyer_id"]) <= 0.1 * of(rows, before, row["buyer_id"]) for row in rows])
    steps.append(set_off(rows, steps[-1], "contra"))
    keep([not row["related"] for row in rows])
    keep([not row["foreign_buyer"] and row["currency"] in (None, "CNY") for row in rows])
    keep([not row["disputed"] for row in rows])
    keep([(account or row["buyer_kind"] != "government") and not row["progress_billing"] for row in rows])
    last, book = steps[-1], sum(steps[-1])
    final = []
    for row, amount in zip(rows, last, strict=True):
        limit = 1.0 if account and row["buyer_rating"] <= 3 else LIMIT[row["buyer_rating"]]
        buyer = of(rows, last, row["buyer_id"])
        final.append(amount * min(1.0, limit * book / buyer) if buyer > 0.0 else amount)
    return [*steps, final]


def legs(row: Row, left: float) -> tuple[float, float]:
    """Claim and goods, CNY."""
    factor, loss, _ = STAGES[row["stage"]]
    net_loss = LOSS[row["buyer_rating"]] if in_law(row) else 0.0
    claim = left * factor * (1.0 - loss * (0.5 if row["crop_insurance"] else 1.0)) * (1.0 - net_loss)
    stock = goods(row)
    return claim, stock if delivered(row) else max(0.0, stock - claim)


def in_law(row: Row) -> bool:
    stated = row["claim_kind"] == "receivable" and row["stage"] == "invoiced"
    return bool(stated and row["registered"] and row["buyer_confirmed"])


def goods(row: Row) -> float:
    known = [v for v in (row["inventory_cost"], row["inventory_nolv"]) if v is not None]
    return min(known) if known else 0.0


def base(row: Row, left: float) -> float:
    """What may be lent before the cap of 85 % and before the gates, CNY."""
    claim, beside = legs(row, left)
    diluted = min(row["returns_12m"], row["sales_12m"]) / row["sales_12m"] if row["sales_12m"] > 0.0 else 0.0
    rate = max(0.0, STAGES[row["stage"]][2] - max(0.0, diluted - 0.05))
    if row["buyer_kind"] == "government":
        rate *= 0.95
    if not in_law(row):
        rate *= 1.0 - LOSS[row["buyer_rating"]]
    advances = [rule * v for rule, v in ((0.5, row["inventory_cost"]), (0.85, row["inventory_nolv"])) if v is not None]
    stock = goods(row)
    goods_rate = min(advances) / stock if stock > 0.0 else 0.0
    found = claim * rate + beside * goods_rate
    if not delivered(row):
        found = max(found, stock * goods_rate)
    return max(0.0, found - (row["reserves"] or 0.0))
