"""What stands behind a decision: the bound that sets the limit, what was assumed, the rules with their articles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from eco_credit.core.outlines import OutlineRefused, read_outlines
from eco_credit.core.units import MU_PER_HECTARE
from eco_credit.reports import formats
from eco_credit.reports.appraisal_parts import amount, unit_of
from eco_credit.reports.appraisal_sources import Sources
from eco_credit.reports.figures_parcels import areas, parcel_map
from eco_credit.reports.page import Translate, money_text
from eco_credit.rulebook import RuleSet
from eco_credit.scoring.decision import debt_service_limit

Plain = Mapping[str, Any]
_POLICY = "credit.policy."


def bounds(answer: Plain, application: Plain, rules: RuleSet, *, t: Translate) -> list[dict[str, Any]]:
    """The three bounds the limit is the least of: amount asked, lending value, debt service.

    Args:
        answer: a score answer.
        application: the application it answers.
        rules: rules of the day of the answer.
        t: words of the reader's language.

    Returns:
        ``{"name", "value", "binds", "rule"}`` each; ``binds`` marks the least.
    """
    loan = {**application.get("borrower", {}), **application.get("loan", {})}
    row = {name: np.array([float(loan[name])]) for name in ("net_cash_in_year", "term_months", "annual_rate")}
    cover = rules.number(f"{_POLICY}debt_service_min")
    found = [
        ("asked", float(loan["amount_requested"]), ""),
        ("lending", sum(float(one["lending_value"] or 0.0) for one in answer["pledges"] if one["eligible"]), ""),
        ("service", float(debt_service_limit(row, cover)[0]), f"{_POLICY}debt_service_min"),
    ]
    least = min(value for _, value, _ in found)
    return [
        {"name": t(f"limit.{name}"), "value": money_text(value, t), "binds": value == least, "rule": rule}
        for name, value, rule in found
    ]


def assumed(pledge: Plain, *, lang: str, t: Translate) -> list[dict[str, str]]:
    """Inputs nobody stated, with the value the rules put in their place; none where the record holds no assumptions."""
    return [
        {"name": str(one[lang]), "value": f"{amount(one['central'], one['unit'])} {unit_of(one['unit'], t)}".strip(),
         "rule": str(one["rule"])}
        for one in pledge["appraisal"].get("assumptions", ())
        if not one["stated"] and one["rule"]
    ]


def parcels(pledge: Plain, *, lang: str, t: Translate) -> dict[str, Any] | None:
    """The parcels of a pledge drawn and measured beside the area of the certificate; None without an outline.

    Args:
        pledge: the pledge as submitted.
        lang: ``zh`` or ``en``.
        t: words of that language.
    """
    text = pledge.get("outline_wgs84")
    if not text:
        return None
    try:
        polygons = read_outlines(text)
    except OutlineRefused as refused:
        return {"refused": t(f"parcels.refused_{refused.rule}")}
    measured = areas(polygons)
    whole, stated = sum(ha for ha, _ in measured), float(pledge["area"])
    return {
        "figure": parcel_map(polygons, title=t("parcels.title")),
        "rows": [(formats.number(ha), formats.number(mu)) for ha, mu in measured],
        "whole": (formats.number(whole), formats.number(whole * MU_PER_HECTARE)),
        "stated": (formats.number(stated), formats.number(stated * MU_PER_HECTARE)),
        "apart": formats.percent(whole / stated - 1.0),
    }


def applied(answer: Plain, sources: Sources) -> list[dict[str, Any]]:
    """Every rule the answer names, once, with its value, how binding it is and the text it rests on."""
    named: dict[str, str] = {}
    for rule, label in _named(answer, sources.lang, sources.t):
        named.setdefault(rule, label)
    rows = []
    for rule, label in named.items():
        basis, entry = sources.basis(rule, label), sources.rules.rules.get(rule)
        if entry is not None:
            rows.append({"name": label, "rule": rule, "value": _value(entry.value, entry.unit, sources.t),
                         "authority": basis.authority, "cited": basis.cited, "verify": entry.verify})
    return rows


def _named(answer: Plain, lang: str, t: Translate) -> Iterator[tuple[str, str]]:
    """Rules in the order they come up: gates, inputs, haircuts, cap, flags."""
    for pledge in answer["pledges"]:
        yield from ((gate["rule"], gate[lang]) for gate in pledge.get("gates", ()) if gate.get("rule"))
        taken = pledge["appraisal"].get("assumptions", ())
        yield from ((one["rule"], one[lang]) for one in taken if one["rule"] and not one["stated"])
        yield from ((cut["rule"], str(cut.get(lang) or cut["name"])) for cut in pledge["haircuts"])
        yield pledge["cap"]["rule"], t("value.cap")
        yield from ((flag["rule"], flag[lang]) for flag in pledge.get("flags", ()))


def _value(value: Any, unit: str, t: Translate) -> str:
    """A single number in its unit; a table is too long for a line."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value) if isinstance(value, str) else t("applied.table")
    return f"{amount(value, unit)} {unit_of(unit, t)}".strip() if unit != "ratio" else formats.percent(value)
