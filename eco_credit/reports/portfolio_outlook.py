"""Sections of the portfolio report on the year ahead: distribution, stress, loans to look at, plan, capital."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eco_credit.core.units import YUAN_PER_WAN
from eco_credit.reports.formats import number, percent
from eco_credit.reports.page import Translate
from eco_credit.reports.portfolio_cells import Cell, Section, Table, count, figure, money, part, said, state
from eco_credit.reports.portfolio_charts import exceedance, stacked
from eco_credit.reports.portfolio_figures import PARTIES, kind, pairs, party, place

Outlook = Mapping[str, Any]


def distribution(outlook: Outlook, t: Translate, lang: str) -> Section:
    """Tails with their errors, the closed form beside them, and how often a year costs more."""
    found, cap = outlook["distribution"], outlook["cap"]
    named = ("level", "var", "var_low", "var_high", "es", "error", "closed_form", "gain")
    heads = [t("portfolio.head." + name) for name in named]
    lines = [
        (said(f"{100 * row['level']:g}%"),
         *(money(row[name]) for name in ("var", "var_low", "var_high", "es", "es_error", "closed_form")),
         figure(row["gain"], 1))
        for row in found["tails"]
    ]  # fmt: skip
    means = {
        "mean": money(found["mean"]),
        "mean_error": money(found["mean_error"]),
        "expected": money(found["expected"]),
    }
    caps: dict[str, Cell] = {
        "cap": money(cap["cap"]), "reached": part(cap["reached"]), "paused": part(cap["paused"]),
        "back_to_bank": money(cap["back_to_bank"]), "pools": money(cap["pools"]),
    }  # fmt: skip
    last = found["tails"][-1]
    marks = [(t("portfolio.mark.mean"), found["mean"]), (f"VaR {100 * last['level']:g}%", last["var"]),
             (f"ES {100 * last['level']:g}%", last["es"])]  # fmt: skip
    scale = YUAN_PER_WAN if lang == "zh" else 1e6
    chart = exceedance(found["curve"], marks, t("portfolio.title_of.curve"), axis=t("portfolio.axis.loss"), scale=scale)
    note = t("portfolio.note.distribution", scenarios=number(found["scenarios"], 0), seed=found["seed"],
             pooled=number(found["pooled"], 0))  # fmt: skip
    tables = [Table(heads, lines), pairs(means, t, "distribution"), pairs(caps, t, "cap"), _model(outlook, t)]
    return Section("distribution", t("portfolio.title_of.distribution"), tables, note, [chart])


def _model(outlook: Outlook, t: Translate) -> Table:
    """What the loss model rests on, and whose figures these are."""
    heads = [t("portfolio.head." + name) for name in ("parameter", "value", "range", "source")]
    return Table(heads, [
        (said(t(f"portfolio.model.{row['name']}")), figure(row["value"], 3),
         said(None if row["range"] is None else " – ".join(f"{end:g}" for end in row["range"])),
         said(t("portfolio.by_terms" if row["stated"] else "portfolio.by_estimate")))
        for row in outlook["model"]
    ])  # fmt: skip


def stress(outlook: Outlook, t: Translate, lang: str) -> Section:
    """Each scenario: value, default, loss, layers, payout against the cap, margin."""
    rows = outlook["stress"]
    named = ("scenario", "touched", "value_change", "pd", "lgd", "loss", "payout", "payout_es", "cap_reached", "margin")
    heads = [t("portfolio.head." + name) for name in named]
    lines = [
        (said(row[lang]), count(None if row["name"] == "base" else row["touched"]), part(row["value_change"]),
         part(row["pd"]), part(row["lgd"]), *(money(row[name]) for name in ("loss", "payout", "payout_es")),
         part(row["cap_reached"]), money(row["margin"]))
        for row in rows
    ]  # fmt: skip
    layered = list(dict.fromkeys(name for row in rows for name in row["layers"]))
    layers = [[said(row[lang]), *(money(row["layers"].get(name, 0.0)) for name in layered)] for row in rows]
    order = {
        name: party(name, t) for name in [*PARTIES, *sorted({p for row in rows for p in row["borne"]} - set(PARTIES))]
    }
    short = [(t(f"portfolio.short.{row['name']}") if _short(row, t) else row[lang][:12], row["borne"],
              money(row["loss"]).shown(lang)) for row in rows]  # fmt: skip
    chart = stacked(short, order, t("portfolio.title_of.stress"))
    tables = [
        Table(heads, lines),
        Table([t("portfolio.head.scenario"), *(_layer(name, t) for name in layered)], layers),
    ]
    note = t("portfolio.note.stress") + "".join(
        t("portfolio.note.stress_untouched", name=row[lang]) for row in rows if _idle(row)
    )
    return Section("stress", t("portfolio.title_of.stress"), tables, note, [chart])


def _idle(row: Mapping[str, Any]) -> bool:
    """True for a scenario that reaches no loan and changes no term: the file does not know what it names."""
    return row["name"] != "base" and row["touched"] == 0 and not row["other_terms"]


def watch(outlook: Outlook, t: Translate, lang: str) -> Section:
    """Loans that add most to the expected shortfall."""
    named = ("application", "kind", "area", "balance", "pd", "lgd", "expected", "contribution", "share", "flags")
    heads = [t("portfolio.head." + name) for name in named]
    lines = [
        (said(row["application_id"]), said(kind(row["kind"], t)), said(place(row["area"], t)), money(row["exposure"]),
         part(row["pd"]), part(row["lgd"]), money(row["expected_loss"]), money(row["contribution"]), part(row["share"]),
         said(t("portfolio.join").join(t(f"portfolio.flag.{name}") for name in row["flags"]) or None))
        for row in outlook["watch"]
    ]  # fmt: skip
    return Section("watch", t("portfolio.title_of.watch"), [Table(heads, lines, words=3)], t("portfolio.note.watch"))


def groupings(outlook: Outlook, t: Translate, lang: str) -> Section:
    """Concentration in every grouping that is known."""
    heads = [t("portfolio.head." + name)
             for name in ("grouping", "largest_names", "hhi", "effective_number", "groups", "unknown")]  # fmt: skip
    lines = []
    for name, row in outlook["groupings"].items():
        said_of = kind if name == "kind" else place
        largest = t("portfolio.join").join(f"{said_of(code, t)} {percent(share)}" for code, share in row["largest"][:3])
        lines.append((said(t(f"portfolio.grouping.{name}")), said(largest), figure(row["hhi"], 4),
                      figure(row["effective_number"], 1), count(row["groups"]), part(row["unknown"])))  # fmt: skip
    return Section("groupings", t("portfolio.title_of.groupings"), [Table(heads, lines, words=2)],
                   t("portfolio.note.groupings"))  # fmt: skip


def vintages(outlook: Outlook, t: Translate, lang: str) -> Section | None:
    """Loans by the quarter they started; None without a ledger."""
    if not outlook["vintages"]:
        return None
    heads = [t("portfolio.head." + name) for name in ("quarter", "loans", "balance", "pd", "lgd", "expected")]
    lines = [
        (said(place(row["quarter"], t)), count(row["loans"]), money(row["balance"]), part(row["pd"]), part(row["lgd"]),
         money(row["expected_loss"]))
        for row in outlook["vintages"]
    ]  # fmt: skip
    return Section("vintages", t("portfolio.title_of.vintages"), [Table(heads, lines)], t("portfolio.note.vintages"))


def plan(outlook: Outlook, t: Translate, lang: str) -> Section | None:
    """Limits under the budget of expected payout; None without a budget."""
    found = outlook["plan"]
    if found is None:
        return None
    lines = {name: money(found[name]) for name in ("budget", "asked", "asked_payout", "granted", "bound", "spent")}
    counts = {name: count(found[name]) for name in ("full", "part", "none")}
    table = pairs(lines | {"gap": part(found["gap"])} | counts, t, "plan")
    named = ("application", "asked", "granted", "loss_rate", "payout_asked")
    cut = Table([t("portfolio.head." + name) for name in named], [
        (said(row["application_id"]), money(row["asked"]), money(row["granted"]), part(row["rate"]),
         money(row["payout"])) for row in found["cut"]
    ])  # fmt: skip
    return Section("plan", t("portfolio.title_of.plan"), [table, cut], t("portfolio.note.plan"))


def prudential(figures: Mapping[str, Any], t: Translate, lang: str) -> Section | None:
    """Expected credit loss by stage, regulatory capital beside the house's LGD, green balance; None without them."""
    found = figures.get("prudential")
    if not found:
        return None
    named = ("stage", "loans", "balance", "ecl", "coverage", "ecl_own")
    stages = Table([t("portfolio.head." + name) for name in named], [
        *((said(t(f"portfolio.stage.{row['stage']}")), count(row["loans"]), money(row["balance"]), money(row["ecl"]),
           part(row["coverage"]), money(row["own"])) for row in found["ecl"]["stages"]),
        (said(t("portfolio.sum")), count(figures["counts"]["in_portfolio"]), money(figures["balance"]["whole"]),
         money(found["ecl"]["ecl"]), part(None), money(found["ecl"]["own"])),
    ])  # fmt: skip
    capital = {
        "lgd": part(found["capital"]["lgd"]), "regulatory_lgd": part(found["capital"]["regulatory_lgd"]),
        "rwa": money(found["capital"]["rwa"]), "rwa_house": money(found["capital"]["rwa_house"]),
        "risk_weight": part(found["capital"]["risk_weight"]),
    }  # fmt: skip
    green = Table([t("portfolio.head." + name) for name in ("edition", "loans", "balance")], [
        (said(t(f"portfolio.green.{row['edition']}")), count(row["loans"]), money(row["balance"]))
        for row in found["green"]
    ])  # fmt: skip
    late = found["matured"]
    past = {"loans": count(None if late is None else late["loans"]),
            "balance": money(None if late is None else late["balance"])}  # fmt: skip
    tables = [stages, pairs(capital, t, "capital"), green, pairs(past, t, "matured")]
    return Section("prudential", t("portfolio.title_of.prudential"), tables, t("portfolio.note.prudential"))


def relief(figures: Mapping[str, Any], t: Translate, lang: str) -> Section | None:
    """What the guarantee takes off the bank's capital, if it may count, beside what it does not; None without it."""
    found = (figures.get("prudential") or {}).get("relief")
    if not found:
        return None
    stated = Table([t("portfolio.head." + name) for name in ("condition_of_relief", "state")], [
        (said(t(f"portfolio.relief.{name}")), _stated(ok, t)) for name, ok in found["conditions"].items()
    ], words=2)  # fmt: skip
    named = ("without", "with", "saved", "capital")
    heads = [t("portfolio.head." + name) for name in ("approach", "guarantor_weight", *named)]
    lines = [
        (said(t(f"portfolio.relief.{row['approach']}")), part(row["guarantor"]),
         *(money(row[name]) for name in named)) for row in found["rows"]
    ]  # fmt: skip
    verdict = "counts" if found["counted"] else "counts_not"
    counted = state(t(f"portfolio.relief.{verdict}"), found["counted"])
    sums = Table((), [(said(t("portfolio.relief.counted")), counted),
                      (said(t("portfolio.relief.covered")), part(found["covered"])),
                      (said(t("portfolio.relief.house_lgd_after")), part(found["house_lgd_after"]))])  # fmt: skip
    tables = [sums, stated, Table(heads, lines)]
    return Section("relief", t("portfolio.title_of.relief"), tables, t("portfolio.note.relief"))


def _stated(ok: bool | None, t: Translate) -> Cell:
    word = "not_stated" if ok is None else "holds" if ok else "holds_not"
    return state(t(f"portfolio.relief.{word}"), bool(ok))


def _layer(name: str, t: Translate) -> str:
    """Name of a layer; a pool carries the name of the party that pays from it."""
    pool = name.removeprefix("pool:")
    return t(f"portfolio.layer.{name}") if pool == name else t("portfolio.layer.pool", party=party(pool, t))


def _short(row: Mapping[str, Any], t: Translate) -> bool:
    """True where a scenario is one of the shipped ones, which have short names."""
    try:
        t(f"portfolio.short.{row['name']}")
    except KeyError:
        return False
    return True
