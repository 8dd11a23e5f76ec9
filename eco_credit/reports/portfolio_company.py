"""Sections of the portfolio report on the guarantee company: its assets and their ratios, counter-guarantees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eco_credit.reports.formats import UNKNOWN, day, percent
from eco_credit.reports.page import Translate
from eco_credit.reports.portfolio_cells import Cell, Section, Table, count, money, part, said, state

_CLASSES = ("I", "II", "III")


def company(figures: Mapping[str, Any], t: Translate, lang: str) -> Section | None:
    """Asset ratios against their limits, and the assets by class; None where the terms hold no accounts."""
    found = figures.get("company")
    if not found:
        return None
    heads = [t("portfolio.head." + name) for name in ("rule", "now", "bound", "room", "state", "source")]
    ratios = [_ratio(row, t) for row in found["ratios"]]
    items = Table([t("portfolio.head." + name) for name in ("asset", "amount", *(f"class_{c}" for c in _CLASSES))],
                  _items(found, t))  # fmt: skip
    when = UNKNOWN if found["as_of"] is None else day(found["as_of"], lang)
    return Section("company", t("portfolio.title_of.company"), [Table(heads, ratios), items],
                   t("portfolio.note.company", day=when))  # fmt: skip


def counter(figures: Mapping[str, Any], t: Translate, lang: str) -> Section:
    """Counter-guarantees against their minimum, and the loans that are short."""
    found = figures["counter"]
    lines = [
        ("minimum", part(found["minimum"])), ("asked", count(found["asked"])), ("borne", money(found["borne"])),
        ("known", count(found["known"])), ("below", count(found["below"])),
        ("below_borne", money(found["below_borne"])), ("short", money(found["short"])),
    ]  # fmt: skip
    sums = Table((), [(said(t(f"portfolio.counter.{name}")), cell) for name, cell in lines])
    heads = [t("portfolio.head." + name) for name in ("application", "borne", "counter_value", "ratio", "short")]
    loans = Table(heads, [(said(row["application_id"]), money(row["borne"]), money(row["value"]), part(row["ratio"]),
                           money(row["short"])) for row in found["loans"]])  # fmt: skip
    unknown = t("portfolio.note.counter_unknown") if found["known"] < found["asked"] else ""
    return Section("counter", t("portfolio.title_of.counter"), [sums, loans], t("portfolio.note.counter") + unknown)


def _ratio(row: Mapping[str, Any], t: Translate) -> list[Cell]:
    return [
        said(t(f"portfolio.asset_ratio.{row['name']}")), part(row["ratio"]),
        said(t(f"portfolio.bound.{row['kind']}", limit=percent(row["limit"]))), money(row["headroom"]),
        state(t("portfolio.met" if row["ok"] else "portfolio.missed"), row["ok"]),
        said(t("portfolio.verify" if row["verify"] else "portfolio.read")),
    ]  # fmt: skip


def _items(found: Mapping[str, Any], t: Translate) -> list[list[Cell]]:
    lines = [[said(t(f"portfolio.asset.{row['item']}")), money(row["amount"]), *(money(row[c]) for c in _CLASSES)]
             for row in found["items"]]  # fmt: skip
    sums = [said(t("portfolio.asset_sum")), money(found["base"]), *(money(found["classes"][c]) for c in _CLASSES)]
    calls = [said(t("portfolio.asset.calls_receivable")), money(found["calls_receivable"]), *([money(None)] * 3)]
    return [*lines, sums, calls]
