"""Sections of the portfolio report that need no simulation: balances, account, layers, limits, concentration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eco_credit.core.units import YUAN_PER_WAN
from eco_credit.reports.formats import number, percent
from eco_credit.reports.page import Translate
from eco_credit.reports.portfolio_cells import Cell, Section, Table, count, figure, money, part, said, state
from eco_credit.reports.portfolio_charts import bars

PARTIES = ("bank", "guarantor", "re_guarantor", "national_fund", "government", "other")
"""Parties the house has names for."""
KINDS = ("forest_right", "water_right", "order")

Figures = Mapping[str, Any]


def party(name: str, t: Translate) -> str:
    """Name of a party; one of the agreement's own is shown as written."""
    return t("portfolio.party." + name) if name in PARTIES else name


def kind(name: object, t: Translate) -> str:
    """Name of a collateral kind."""
    return t(f"portfolio.kind.{name}") if name in KINDS else str(name)


def place(name: object, t: Translate) -> str:
    """A code as written; the group without one is named."""
    return t("portfolio.unstated") if name in (None, "unstated") else str(name)


def pairs(values: Mapping[str, Cell], t: Translate, prefix: str) -> Table:
    """Name and value lines."""
    return Table((), [(said(t(f"portfolio.{prefix}.{name}")), cell) for name, cell in values.items()])


def balances(figures: Figures, t: Translate, lang: str) -> Section:
    """The three balances, the balance by weight, and counts."""
    counts, balance = figures["counts"], figures["balance"]
    named = ("read", "in_portfolio", "left_out", "not_scored", "released", "clients", "persons", "enterprises",
             "kind_unknown", "by_application", "ledger_unmatched", "in_default")  # fmt: skip
    lines = {name: count(counts[name]) for name in named}
    shown = ("whole", "nominal", "net", "liability", "borne", "weighted", "in_default")
    sums = {name: money(balance[name]) for name in shown}
    tables = [pairs(sums, t, "balance"), _weighting(figures, t, lang), pairs(lines, t, "count")]
    return Section("balances", t("portfolio.title_of.balances"), tables, t("portfolio.note.balances"))


def account(figures: Figures, t: Translate, lang: str) -> Section:
    """The yearly account of the bearer and the fee that breaks even."""
    bearer = figures["bearer"]
    named = ("expected_payout", "recovery_present_value", "counter_guarantee", "net_loss", "re_guarantee_fee",
             "operating_cost", "capital_need", "capital_cost", "subsidy", "break_even_fee", "fee_income",
             "margin")  # fmt: skip
    lines = {name: money(bearer[name]) for name in named}
    rates = {
        name: part(bearer[name])
        for name in ("payout_rate", "cap_share", "break_even_fee_rate", "fee_rate_max", "fee_cap_gap")
    }
    tables = [pairs(lines | rates, t, "account")]
    if figures.get("outlook"):
        after = figures["outlook"]["account"]
        sums = {name: money(after[name]) for name in ("payout", "break_even_fee", "margin")}
        tables.append(pairs(sums | {"break_even_fee_rate": part(after["break_even_fee_rate"])}, t, "after"))
    title = t("portfolio.title_of.account", bearer=party(figures["terms"]["bearer"], t))
    return Section("account", title, tables, t("portfolio.note.account"))


def bearing(figures: Figures, t: Translate, lang: str) -> Section:
    """Who bears the expected loss, with the simulated mean and tail where there is one."""
    simulated = {row["party"]: row for row in (figures.get("outlook") or {}).get("parties", [])}
    names = list(figures["borne"]) + [name for name in simulated if name not in figures["borne"]]
    heads = [t("portfolio.head.party"), t("portfolio.head.expected")]
    lines: list[list[Cell]] = [[said(party(name, t)), money(figures["borne"].get(name, 0.0))] for name in names]
    if simulated:
        level = f"{100 * next(iter(simulated.values()))['level']:g}%"
        heads += [t("portfolio.head.mean"), f"VaR {level}", f"ES {level}", t("portfolio.head.error")]
        for name, line in zip(names, lines, strict=True):
            line += [money(simulated.get(name, {}).get(key)) for key in ("mean", "var", "es", "es_error")]
    sizes = {name: row["mean"] for name, row in simulated.items()} or figures["borne"]
    values = [(party(name, t), float(sizes.get(name, 0.0)), money(sizes.get(name, 0.0)).shown(lang)) for name in names]
    note = t("portfolio.note.bearing" if simulated else "portfolio.note.bearing_shares")
    chart = bars(values, t("portfolio.title_of.bearing"))
    return Section("bearing", t("portfolio.title_of.bearing"), [Table(heads, lines)], note, [chart])


def lived(figures: Figures, t: Translate, lang: str) -> Section | None:
    """Calls, releases and subrogation of past years; None where the ledger holds none."""
    rows = figures.get("experience")
    if not rows:
        return None
    named = ("year", "released", "calls", "called", "call_rate", "subrogated", "subrogation_rate")
    lines = [
        (said(row["year"]), money(row["released"]), count(row["calls"]), money(row["called"]), part(row["call_rate"]),
         money(row["subrogated"]), part(row["subrogation_rate"])) for row in rows
    ]  # fmt: skip
    terms = figures["terms"]
    note = t("portfolio.note.lived", rate=percent(figures["bearer"]["payout_rate"]), cap=percent(terms["payout_cap"]),
             recovery=percent(terms["recovery_rate"]))  # fmt: skip
    return Section("lived", t("portfolio.title_of.lived"),
                   [Table([t("portfolio.head." + name) for name in named], lines)], note)  # fmt: skip


def loss(figures: Figures, t: Translate, lang: str) -> Section:
    """Expected loss and its averages in closed form."""
    found = figures["loss"]
    lines = {name: money(found[name]) for name in ("expected", "above_cap")}
    rates = {name: part(found[name]) for name in ("rate", "pd", "lgd", "quantile_rate")}
    return Section("loss", t("portfolio.title_of.loss"), [pairs(lines | rates, t, "loss")], t("portfolio.note.loss"))


def limits(figures: Figures, t: Translate, lang: str) -> Section | None:
    """Leverage with the conditions of its multiple, and the statutory caps; None without net assets."""
    found = figures["limits"]
    if not found:
        return None
    heads = [t("portfolio.head." + name) for name in ("limit", "now", "most", "room", "state")]
    times = t("portfolio.limit.balance", leverage=number(found["leverage"]), multiple=f"{found['multiple']:g}")
    names = {"balance": times, "single": t("portfolio.limit.single"), "group": t("portfolio.limit.group")}
    now = {"balance": (found["weighted"], found["balance_max"], found["headroom"])} | {
        name: tuple(found[f"{name}_{key}"] for key in ("largest", "max", "headroom")) for name in ("single", "group")
    }
    rows = [[said(label), *(money(value) for value in now[name]), _state(bool(found[f"{name}_ok"]), t)]
            for name, label in names.items()]  # fmt: skip
    own = {name: money(found[name]) for name in ("own_assets", "other_weighted")}
    tables = [Table(heads, rows), pairs(own, t, "limit"), _conditions(found, t)]
    return Section("limits", t("portfolio.title_of.limits"), tables, t(_multiple_note(found)))


def _state(ok: bool, t: Translate) -> Cell:
    return state(t("portfolio.within" if ok else "portfolio.broken"), ok)


def _conditions(found: Figures, t: Translate) -> Table:
    """What the higher multiple asks for."""
    heads = [t("portfolio.head." + name) for name in ("condition", "now", "least", "state")]
    lines = []
    for name in ("small_farm_balance", "small_farm_clients"):
        share, least = found[name], found[f"{name}_min"]
        lines.append((said(t(f"portfolio.limit.{name}")), part(share), part(least), _reached(share, least, t)))
    return Table(heads, lines)


def _reached(share: float | None, least: float, t: Translate) -> Cell:
    ok = None if share is None else share >= least
    return state(t("portfolio.met" if ok else "portfolio.missed"), ok)


def _weighting(figures: Figures, t: Translate, lang: str) -> Table:
    """Balance by the class that decides its weight, with its sum."""
    rows = figures["weighting"]
    heads = [t("portfolio.head." + name) for name in ("weight_class", "loans", "borne", "weight", "weighted")]
    keys = ["portfolio.weight." + row["name"].replace(":", "_") for row in rows]
    names = [t(key, ticket=_ticket(row["ticket"], lang)) for key, row in zip(keys, rows, strict=True)]
    lines = [[said(name), count(row["loans"]), money(row["borne"]), part(row["weight"]), money(row["weighted"])]
             for name, row in zip(names, rows, strict=True)]  # fmt: skip
    sums = [sum(row[name] for row in rows) for name in ("loans", "borne", "weighted")]
    total = [said(t("portfolio.sum")), count(sums[0]), money(sums[1]), part(None), money(sums[2])]
    return Table(heads, [*lines, total] if rows else [])


def _ticket(yuan: float | None, lang: str) -> str:
    """Largest ticket of a class in the words of the desk; empty where a class has none."""
    if yuan is None:
        return ""
    return f"{yuan / YUAN_PER_WAN:,g}万元" if lang == "zh" else f"{yuan:,.0f} yuan"


def _multiple_note(found: Figures) -> str:
    """Which multiple holds and why."""
    kind = "not_claimed" if not found["claimed"] else "met" if found["met"] else "not_met"
    return f"portfolio.note.limits_{kind}"


def scope_and_reserves(figures: Figures, t: Translate, lang: str) -> Section:
    """Policy scope of the balance and what the year adds to the reserves."""
    scope, held = figures["scope"], figures["reserves"]
    heads = [t("portfolio.head." + name) for name in ("limit", "now", "least", "state")]
    rows = [
        (said(t(f"portfolio.scope.{name}_share")), part(scope[f"{name}_share"]), part(scope[f"{name}_min"]),
         _reached(scope[f"{name}_share"], float(scope[f"{name}_min"]), t))
        for name in ("small_farm", "small_ticket")
    ]  # fmt: skip
    sums = {name: money(held[name]) for name in ("unearned", "loss", "full")}
    return Section("scope", t("portfolio.title_of.scope"),
                   [Table(heads, rows), pairs({"over_scope": count(scope["over_scope"])}, t, "scope"),
                    pairs(sums, t, "reserve")], t("portfolio.note.scope"))  # fmt: skip


def concentration(figures: Figures, t: Translate, lang: str) -> Section:
    """Index and largest shares, balance by kind and by area."""
    found = figures["concentration"]
    lines = {
        "hhi": figure(found["hhi"], 4), "effective_number": figure(found["effective_number"], 1),
        "largest": part(found["largest"]), "ten_largest": part(found["ten_largest"]),
    }  # fmt: skip
    by_kind = [(kind(name, t), float(value), money(value).shown(lang)) for name, value in found["by_kind"].items()]
    ranked = sorted(found["by_area"].items(), key=lambda pair: (-pair[1], pair[0]))[:12]
    areas = Table([t("portfolio.head.area"), t("portfolio.head.balance")],
                  [(said(place(name, t)), money(value)) for name, value in ranked])  # fmt: skip
    kinds = Table([t("portfolio.head.kind"), t("portfolio.head.balance")],
                  [(said(kind(name, t)), money(value)) for name, value in found["by_kind"].items()])  # fmt: skip
    chart = bars(by_kind, t("portfolio.title_of.by_kind"))
    tables = [pairs(lines, t, "concentration"), kinds, areas]
    return Section("concentration", t("portfolio.title_of.concentration"), tables,
                   t("portfolio.note.concentration"), [chart])  # fmt: skip


def verdicts(figures: Figures, t: Translate, lang: str) -> Section:
    """Every limit beside its figure, what does not hold first."""
    order = {False: 0, None: 1, True: 2}
    rows = sorted(figures["verdicts"], key=lambda row: order[row["ok"]])
    heads = [t("portfolio.head." + name) for name in ("indicator", "now", "bound", "state", "code")]
    lines = [
        (said(t(f"portfolio.verdict.{row['name']}")), _amount(row["now"], row["unit"]),
         said(t(f"portfolio.bound.{row['kind']}", limit=_amount(row["limit"], row["unit"]).shown(lang))),
         _verdict(row["ok"], t),
         said(None if row["code"] is None else f"{row['code']} {t('portfolio.notice.' + row['code'])}"))
        for row in rows
    ]  # fmt: skip
    note = t("portfolio.note.verdicts") + ("" if figures["limits"] else t("portfolio.note.verdicts_no_assets"))
    return Section("verdicts", t("portfolio.title_of.verdicts"), [Table(heads, lines)], note)


def _amount(value: float | None, unit: str) -> Cell:
    return part(value) if unit == "ratio" else count(value) if unit == "count" else figure(value)


def _verdict(ok: bool | None, t: Translate) -> Cell:
    word = "not_known" if ok is None else "holds" if ok else "holds_not"
    return Cell(t(f"portfolio.{word}"), tone="" if ok is None else "good" if ok else "bad")
