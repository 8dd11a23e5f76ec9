"""Tables of an appraisal report: gates, method, steps, assumptions, stress, special matters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eco_credit.reports import formats
from eco_credit.reports.appraisal_sources import Sources
from eco_credit.reports.page import Translate, money_text
from eco_credit.reports.written import unit_words

Plain = Mapping[str, Any]


def amount(value: Any, unit: str) -> str:
    """A figure of a step or an assumption in its unit: money to the cent, ratios in percent, others brief.

    Example:
        >>> amount(0.045, "ratio"), amount(1200.0, "CNY"), amount(18000.0, "m3")
        ('4.50%', '1,200.00', '18,000')
    """
    if unit == "ratio":
        return formats.percent(value)
    return formats.number(value) if unit.startswith("CNY") else formats.brief(value)


def unit_of(unit: str, t: Translate) -> str:
    """A unit in words; none behind a percentage."""
    return "" if unit == "ratio" else unit_words(unit, t)


def gates(pledge: Plain, sources: Sources) -> list[dict[str, Any]]:
    """Every gate with its light and the text it rests on; of older answers the gates that are closed."""
    lang = sources.lang
    if "gates" not in pledge:
        return [{"text": hit[lang], "code": hit["code"], "open": False, "cited": ""} for hit in
                pledge["ineligible_reasons"]]  # fmt: skip
    return [
        {"text": gate[lang], "code": gate["code"], "open": not gate["hit"],
         "cited": sources.cite(gate["ref"], gate["article"])}
        for gate in pledge["gates"]
    ]


def method(pledge: Plain, sources: Sources) -> dict[str, Any]:
    """The method with its norm, and why it was taken: the classes of pledge the rulebook assigns or allows it to."""
    value, lang = pledge["appraisal"], sources.lang
    code = value["approach"] or formats.UNKNOWN
    prefix = str(pledge["cap"]["rule"]).removesuffix("ltv")
    why = (
        _assigned(code, f"{prefix}method_default", sources) or _allowed(code, f"{prefix}method_allowed", sources)
        or _first(code, f"{prefix}method_order", sources)
    )  # fmt: skip
    return {"name": value.get(f"approach_{lang}") or code, "cited": sources.cite(value.get("ref")), "why": why}


def _assigned(code: str, rule: str, sources: Sources) -> str:
    found = sources.rules.rules.get(rule)
    table = found.value if found is not None else {}
    return _classes("why_default", [name for name, chosen in table.items() if chosen == code], rule, sources)


def _allowed(code: str, rule: str, sources: Sources) -> str:
    found = sources.rules.rules.get(rule)
    table = found.value if found is not None else {}
    return _classes("why_allowed", [name for name, codes in table.items() if code in codes], rule, sources)


def _first(code: str, rule: str, sources: Sources) -> str:
    """The first method of a list whose figures are stated."""
    found = sources.rules.rules.get(rule)
    if found is None or code not in found.value:
        return ""
    return sources.t("appraisal_report.why_first", rule=rule, cited=_cited(rule, sources))


def _cited(rule: str, sources: Sources) -> str:
    return sources.basis(rule, sources.t("appraisal_report.method_word")).cited


def _classes(key: str, classes: list[str], rule: str, sources: Sources) -> str:
    """A sentence about classes of pledge; empty without any."""
    if not classes:
        return ""
    t = sources.t
    words = t("appraisal_report.join").join(_class_word(name, t) for name in classes)
    return t(f"appraisal_report.{key}", classes=words, cited=_cited(rule, sources), rule=rule)


def _class_word(name: str, t: Translate) -> str:
    try:
        return t(f"appraisal_report.class.{name}")
    except KeyError:
        return name


def steps(found: Sequence[Plain], *, lang: str, t: Translate) -> list[dict[str, str]]:
    """Steps in order: what, formula in symbols, the formula with the numbers, and the result."""
    return [
        {"name": str(step.get(lang) or step["code"]), "formula": str(step.get("formula") or ""),
         "working": str(step.get("working") or ""), "value": amount(step["value"], str(step["unit"])),
         "unit": unit_of(str(step["unit"]), t)}
        for step in found
    ]


def assumptions(found: Sequence[Plain], sources: Sources) -> list[dict[str, Any]]:
    """What the value rests on: low, central, high, and whether it was stated or which rule it is from."""
    rows = []
    for one in found:
        unit, certain = str(one["unit"]), one["low"] == one["central"] == one["high"]
        rows.append({
            "name": one[sources.lang], "unit": unit_of(unit, sources.t), "central": amount(one["central"], unit),
            "low": "" if certain else amount(one["low"], unit), "high": "" if certain else amount(one["high"], unit),
            "certain": certain and one["stated"], "stated": one["stated"],
            "basis": sources.basis(one["rule"], one[sources.lang]),
        })
    return rows


def checks(found: Sequence[Plain], *, lang: str, t: Translate) -> list[dict[str, str]]:
    """Figures an assumption is held against, with the assumption beside them where there is one."""
    return [
        {"name": str(one[lang]), "value": amount(one["value"], one["unit"]), "unit": unit_of(one["unit"], t),
         "stated": "" if one["stated"] is None else amount(one["stated"], one["unit"])}
        for one in found
    ]  # fmt: skip


def stresses(pledge: Plain, sources: Sources, *, t: Translate) -> list[dict[str, Any]]:
    """Value and lending value under each stress, with the change against the central value."""
    central = pledge["appraisal"]["central"]
    return [
        {"name": one[sources.lang], "value": money_text(one["value"], t),
         "lending": money_text(one["lending_value"], t), "basis": sources.basis(one["rule"], one[sources.lang]),
         "change": formats.percent(one["value"] / central - 1.0) if central else formats.UNKNOWN}
        for one in pledge.get("stress", [])
    ]


def special(pledge: Plain, sources: Sources) -> list[str]:
    """What a reviewer must read: contradictions, remarks, a stale outside report, estimates, texts not read again."""
    lang, t = sources.lang, sources.t
    said = [f"{flag[lang]} ({flag['rule']})" for flag in pledge.get("flags", [])]
    notes = [f"{note['code']} {note[lang]}" for note in pledge.get("reasons", [])]
    said += [" · ".join(notes)] if notes else []
    if pledge.get("revaluation", {}).get("outside_value_out_of_date"):
        said.append(t("appraisal_report.stale"))
    apart = differs(pledge["gep"], t)
    said += [apart] if apart else []
    join = t("appraisal_report.join")
    for key, names in (("estimates", sources.estimates), ("unread", sources.unread)):
        if names:
            said.append(t(f"appraisal_report.{key}", names=join.join(names.values())))
    return said


def differs(gep: Plain, t: Translate) -> str:
    """The warning that the value and the flows of the pledge tell different stories; empty where they do not."""
    if not gep.get("differs"):
        return ""
    ratio, factor = formats.brief(gep["norm_over_flows"], 2), formats.brief(gep["factor"], 1)
    return t("appraisal_report.differs", ratio=ratio, factor=factor)
