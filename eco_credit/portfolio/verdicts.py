"""Every limit of the portfolio beside its figure, in reading order: what holds, what does not, what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eco_credit.portfolio.account import GUARANTOR
from eco_credit.portfolio.rounding import part

_CODES = {
    "leverage": "G02", "single": "G02", "group": "G02", "payout_rate": "G03", "counter": "G04", "bank_share": "G05",
    "small_farm": "G06",
}  # fmt: skip
"""Reason code a line may give rise to; shown where the figures gave it."""
_FAVOURABLE = ("G05", "G06")


def verdicts(
    figures: Mapping[str, Any], *, bank_share: tuple[float, float], payout: tuple[float, float]
) -> list[dict[str, Any]]:
    """Limits and figures, one line each.

    Args:
        figures: ``limits``, ``company``, ``scope``, ``counter``, ``bearer`` and ``notices`` of the portfolio.
        bank_share: the bank's share and its least, ratios.
        payout: the expected call rate and the line from which it is near the cap, ratios.

    Returns:
        ``name``, ``now``, ``limit``, ``kind`` (min or max), ``unit`` (ratio, multiple or count), ``ok`` (None is not
        known) and ``code`` (a reason code or None).
    """
    scope, bearer = figures["scope"], figures["bearer"]
    lines = [*_limits(figures["limits"]), *_company(figures["company"])]
    lines += [
        _line("small_farm", scope["small_farm_share"], scope["small_farm_min"], "min"),
        _line("small_ticket", scope["small_ticket_share"], scope["small_ticket_min"], "min"),
        _line("over_scope", scope["over_scope"], 0.0, "max", "count"),
        _line("bank_share", *bank_share, "min"),
        _line("payout_rate", *payout, "max", ok=payout[0] < payout[1]),
        _line("counter", figures["counter"]["below"], 0.0, "max", "count", known=figures["counter"]["known"] > 0),
    ]
    if figures["terms"]["bearer"] == GUARANTOR:  # others do not live on the client's fee
        lines += [_line("fee", bearer["fee_rate"], bearer["fee_rate_max"], "max"),
                  _line("break_even", bearer["break_even_fee_rate"], bearer["fee_rate"], "max")]  # fmt: skip
    given = set(figures["notices"])
    return [line | {"code": _code(line, given)} for line in lines]


def _code(line: Mapping[str, Any], given: set[str]) -> str | None:
    """The reason code of a line: an adverse one where the line does not hold, a favourable one where it does."""
    code = _CODES.get(line["name"])
    if code is None or code not in given or line["ok"] is None:
        return None
    return code if line["ok"] == (code in _FAVOURABLE) else None


def _limits(found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Leverage, its conditions where they are needed, and the two caps as parts of net assets."""
    if found is None:
        return []
    own = found["own_assets"]
    lines = [_line("leverage", found["leverage"], found["multiple"], "max", "multiple", ok=found["balance_ok"])]
    needed = found["leverage"] is None or found["leverage"] > found["multiple_base"]
    if found["claimed"] and needed:  # below the multiple that always holds they decide nothing
        lines += [_line(f"higher_{name}", found[f"small_farm_{name}"], found[f"small_farm_{name}_min"], "min")
                  for name in ("balance", "clients")]  # fmt: skip
    for name in ("single", "group"):
        now, most = ((part(found[f"{name}_{key}"], own)) for key in ("largest", "max"))
        lines.append(_line(name, now, most, "max", ok=found[f"{name}_ok"]))
    return lines


def _company(found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    rows = [] if found is None else found["ratios"]
    return [_line(row["name"], row["ratio"], row["limit"], row["kind"], ok=row["ok"]) for row in rows]


def _line(
    name: str, now: float | None, limit: float | None, kind: str, unit: str = "ratio", *, ok: bool | None = None,
    known: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """One line; the verdict is worked out from the numbers where none is given."""
    verdict = ok
    if verdict is None and now is not None and limit is not None and known:
        verdict = now >= limit if kind == "min" else now <= limit
    return {"name": name, "now": now if known else None, "limit": limit, "kind": kind, "unit": unit, "ok": verdict}
