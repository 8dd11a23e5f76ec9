"""The appraisal report (押品估值报告): two printed pages about each pledge of an answer, in the order of the desk.

Summary → what is pledged → purpose, day and scope → gates → method → steps → assumptions → pictures → flows of the
ecosystem → haircuts and lending value → forced sale → stress → special matters → validity → sign-off. Nothing is
worked out here that the answer does not say, but parts of a whole and amounts by area or volume.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from markupsafe import Markup

from eco_credit.contracts import contract
from eco_credit.core.units import MU_PER_HECTARE
from eco_credit.reports import formats
from eco_credit.reports.appraisal_parts import assumptions, checks, differs, gates, method, special, steps, stresses
from eco_credit.reports.appraisal_pictures import pictures
from eco_credit.reports.appraisal_sources import Sources
from eco_credit.reports.page import LANGUAGE_TAGS, SIGNERS, Translate, environment, money_text, translator
from eco_credit.reports.written import kind_label, label, masked, on_paper, unit_words
from eco_credit.rulebook import RuleSet, load

Plain = Mapping[str, Any]
_OWN_PLACE = frozenset(
    ("pledge_id", "kind", "gep_flows", "stated_value", "stated_on", "first_value", "first_valued_on", "last_value",
     "last_valued_on")
)  # fmt: skip
"""Fields that stand elsewhere in the report."""
_VALUATIONS = (("first", "first_value", "first_valued_on"), ("last", "last_value", "last_valued_on"),
               ("outside", "stated_value", "stated_on"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class OnPage:
    """What a page of the service adds to a report.

    Attributes:
        css_address: address of the style sheet.
        links: words and addresses of a bar that is shown on the screen and not printed.
    """

    css_address: str
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _View:
    """What every part of the report needs."""

    answer: Plain
    application: Plain
    rules: RuleSet
    lang: str
    t: Translate


def appraisal_report(
    answer: Plain,
    application: Plain,
    *,
    lang: str = "zh",
    rules: RuleSet | None = None,
    on_page: OnPage | None = None,
) -> str:
    """Print the appraisal of every pledge of an answer as one self-contained HTML page, two A4 pages each.

    Args:
        answer: an appraisal answer, or a score answer: ``as_of``, ``pledges``, ``provenance``; money in yuan.
        application: what it answers: an application, or ``{as_of, pledge}``. Personal fields are masked.
        lang: ``zh`` or ``en``.
        rules: the rules the answer was made by, for authority and text; the shipped ones of its day without it. The
            report says so where their digest is not that of the answer.
        on_page: what a page of the service adds; without it the report is one file that carries its own style.

    Returns:
        HTML text without script; every value is escaped.

    Raises:
        KeyError: the answer lacks a part that every answer has, or the language is unknown.

    Source:
        Order after the collateral valuation of a bank (押品估值报告) and the forest asset appraisal report.
    """
    t = translator(lang)
    found = rules or load().at(str(answer["provenance"]["rules_day"]))
    view = _View(answer, application, found, lang, t)
    given = application["pledges"] if "pledges" in application else [application["pledge"]]
    return environment().get_template("appraisal_report.html.j2").render(
        t=t, lang=lang, lang_tag=LANGUAGE_TAGS[lang], css=Markup(stylesheet()),  # noqa: S704  our own file
        css_address=on_page.css_address if on_page else None, links=on_page.links if on_page else (),
        answer=answer, as_of=formats.day(answer["as_of"], lang),
        synthetic=bool(application.get("synthetic")), application_id=application.get("application_id"),
        decision_id=answer.get("decision_id"),
        models=", ".join(f"{m['name']}/{m['version']}" for m in answer["provenance"]["models"]),
        other_rules=found.digest != answer["provenance"]["rules_hash"],
        signers=[t(f"sign.{who}") for who in SIGNERS],
        pledges=[_pledge(pledge, stated, view) for pledge, stated in zip(answer["pledges"], given, strict=True)],
    )


def stylesheet() -> str:
    """The style sheet of the report."""
    return files("eco_credit.reports").joinpath("templates", "appraisal_report.css").read_text(encoding="utf-8")


def _pledge(pledge: Plain, stated: Plain, view: _View) -> dict[str, Any]:
    """All a template needs about one pledge; sources are numbered in the order of the page."""
    t, lang, value = view.t, view.lang, pledge["appraisal"]
    sources = Sources(view.rules, lang, t)
    tested = gates(pledge, sources)
    chosen = method(pledge, sources)
    assumed = assumptions(value.get("assumptions", []), sources)
    return {
        "pledge_id": pledge["pledge_id"], "label": kind_label(pledge["kind"], lang), "eligible": pledge["eligible"],
        "value": value, "capitals": formats.capitals(value["central"]),
        "range": _span(value, t), "of_area": _by_amount(pledge, view),
        "lending_value": pledge["lending_value"], "lending_ratio": part(pledge["lending_value"], value["central"]),
        "loan_ratio": _loan_ratio(view), "facts": facts(pledge["kind"], stated, lang=lang, t=t),
        "scope": _scope(pledge, stated, view), "gates": tested, "method": chosen,
        "steps": steps(value["steps"], lang=lang, t=t), "assumptions": assumed,
        "checks": checks(value.get("checks", []), lang=lang, t=t),
        "pictures": pictures(pledge, lang=lang, t=t), "gep": _gep(pledge["gep"], t),
        "differs": differs(pledge["gep"], t),
        "haircuts": [
            {"name": cut.get(lang) or cut["name"], "ratio": formats.percent(cut["ratio"]),
             "basis": sources.basis(cut["rule"], cut.get(lang) or cut["name"])}
            for cut in pledge["haircuts"]
        ],
        "cap": formats.percent(pledge["cap"]["ratio"]),
        "cap_basis": sources.basis(pledge["cap"]["rule"], t("value.cap")),
        "valuations": _valuations(pledge, stated, view), "recovery": pledge["recovery"],
        "recovered": _span(pledge["recovery"], t), "months": _months(pledge["recovery"]),
        "stresses": stresses(pledge, sources, t=t), "revaluation": _revaluation(pledge, view),
        "special": special(pledge, sources), "sources": sources.titles(),
    }  # fmt: skip


def _span(value: Plain, t: Translate) -> str:
    return " – ".join(money_text(value[end], t) for end in ("low", "high"))


def part(some: Any, whole: Any) -> str:
    """A part of a whole in percent; a dash where there is no whole."""
    return formats.percent(some / whole) if some is not None and whole else formats.UNKNOWN


def facts(kind: str, stated: Plain, *, lang: str, t: Translate) -> list[tuple[str, str]]:
    """Fields of a pledge as stated, in the order and with the labels of its papers; personal ones masked.

    Args:
        kind: name of the kind.
        stated: the pledge as submitted.
        lang: ``zh`` or ``en``.
        t: words of that language.

    Returns:
        Label and value; blank fields are left out.
    """
    printed = Counter(one.label_on_certificate for one in contract(kind).fields)
    listed = sorted(contract(kind).fields, key=lambda one: one.label_on_certificate is None)
    return [
        # a certificate may print two fields under one label, such as both ends of a term
        (label(one, lang, on_certificate=printed[one.label_on_certificate] == 1),
         masked(on_paper(stated[one.name], one, lang=lang, t=t), one))
        for one in listed
        if not one.group and one.name not in _OWN_PLACE and stated.get(one.name) is not None
    ]


def _figure(pledge: Plain, table: str, name: str) -> float | None:
    """A figure of the answer: the central value of an assumption, or the value of a step."""
    for one in pledge["appraisal"].get(table, []):
        if one.get("name", one.get("code")) == name:
            return float(one["central"] if table == "assumptions" else one["value"])
    return None


def _scope(pledge: Plain, stated: Plain, view: _View) -> list[tuple[str, str]]:
    """What is valued: declared area, what is left out of it, area valued, where the pledge has an area."""
    declared, valued = stated.get("area"), _figure(pledge, "assumptions", "area")
    if declared is None or valued is None:
        return []
    field = contract(pledge["kind"]).field("area")
    shown = (("declared", declared), ("excluded", declared - valued), ("valued", valued))
    return [
        (view.t(f"appraisal_report.area.{name}"), on_paper(amount, field, lang=view.lang, t=view.t))
        for name, amount in shown
    ]


def _by_amount(pledge: Plain, view: _View) -> list[str]:
    """The value of one 亩 or hectare and of one cubic metre of stock: the first things a reviewer looks at."""
    central = pledge["appraisal"]["central"]
    area, volume = _figure(pledge, "assumptions", "area"), _figure(pledge, "steps", "volume")
    shown = []
    if central and area:
        unit, many = ("CNY/mu", area * MU_PER_HECTARE) if view.lang == "zh" else ("CNY/ha", area)
        shown.append(f"{formats.number(central / many, 0)} {view.t(f'stored_unit.{unit}')}")
    if central and volume:
        unit = next(str(step["unit"]) for step in pledge["appraisal"]["steps"] if step["code"] == "volume")
        shown.append(f"{formats.number(central / volume)} {view.t('stored_unit.CNY')}/{_enclosed(unit, view.t)}")
    return shown


def _enclosed(unit: str, t: Translate) -> str:
    """A unit to divide by."""
    words = unit_words(unit, t)
    return f"({words})" if "/" in words else words


def _loan_ratio(view: _View) -> str | None:
    """Amount asked for over the central value of all pledges; None without a loan."""
    asked = view.application.get("loan", {}).get("amount_requested")
    whole = sum(pledge["appraisal"]["central"] or 0.0 for pledge in view.answer["pledges"])
    return part(asked, whole) if asked is not None else None


def _gep(gep: Plain, t: Translate) -> list[tuple[str, Any]]:
    """Flows and what they have to do with the value; rows an older answer does not have are left out."""
    rows = [
        ("entitled", gep["entitled_cny_per_year"], "unit.per_year"),
        ("paid", gep.get("paid_cny_per_year"), "unit.per_year"),
        ("public", gep["public_benefit_cny_per_year"], "unit.per_year"),
        ("from_flows", gep.get("value_from_flows"), ""), ("by_flows", gep.get("value_by_flows"), ""),
    ]
    shown = [
        (t(f"appraisal_report.gep.{name}"), money_text(amount, t) + (t(per) if per else ""))
        for name, amount, per in rows if amount is not None
    ]
    if gep.get("share_of_value") is not None:
        shown.append((t("appraisal_report.gep.share"), formats.percent(gep["share_of_value"])))
    if gep.get("norm_over_flows") is not None:
        shown.append((t("appraisal_report.gep.ratio"), formats.brief(gep["norm_over_flows"], 2)))
    return shown


def _valuations(pledge: Plain, stated: Plain, view: _View) -> list[dict[str, str]]:
    """The first, the last, the outside and this valuation, each with its day and what the loan was of it."""
    rows = [
        (name, stated[value], stated.get(day)) for name, value, day in _VALUATIONS if stated.get(value) is not None
    ]
    rows.append(("this", pledge["appraisal"]["central"], view.answer["as_of"]))
    return [
        {"name": view.t(f"appraisal_report.valuation.{name}"), "value": money_text(value, view.t),
         "day": formats.day(day, view.lang), "ratio": part(pledge["lending_value"], value)}
        for name, value, day in rows
    ]


def _months(recovery: Plain) -> str | None:
    months = recovery.get("months")
    return " / ".join(formats.brief(months[end], 0) for end in ("low", "central", "high")) if months else None


def _revaluation(pledge: Plain, view: _View) -> dict[str, str] | None:
    """When the pledge is to be valued again; None in an answer recorded before it said so."""
    again = pledge.get("revaluation")
    if again is None:
        return None
    return {"due": formats.day(again["due_on"], view.lang), "months": formats.brief(again["months"], 0),
            "fall": formats.percent(again["price_fall"], 0)}
