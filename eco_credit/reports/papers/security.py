"""Part six of the investigation memo: security, pledge by pledge, in the order title → value → cap → disposal."""

from __future__ import annotations

from typing import Any

from eco_credit.contracts import contract
from eco_credit.reports import formats
from eco_credit.reports.appraisal_parts import differs
from eco_credit.reports.appraisal_report import part
from eco_credit.reports.appraisal_sources import article_words, title_of
from eco_credit.reports.papers.common import reason_table
from eco_credit.reports.papers.paper import Blank, Block, Fact, Heading, Lines, Note, Table, sourced
from eco_credit.reports.papers.record import Plain, View

_OWN_PLACE = frozenset(
    ("pledge_id", "kind", "gep_flows", "stated_value", "stated_on", "first_value", "first_valued_on", "last_value",
     "last_valued_on")
)  # fmt: skip
_VALUATIONS = (("first", "first_value", "first_valued_on"), ("last", "last_value", "last_valued_on"),
               ("outside", "stated_value", "stated_on"))  # fmt: skip
_MOST_DRIVERS = 2


def security(view: View) -> list[Block]:
    """All pledges of the record, and what a person has to add."""
    given = view.record.application.get("pledges", [])
    said: list[Block] = []
    for place, pledge in enumerate(view.answer["pledges"]):
        said += _pledge(pledge, given[place] if place < len(given) else {}, view, place + 1)
    return [*said, Blank(view.t("invest.write.registration")), Blank(view.t("invest.write.disposal"))]


def _pledge(pledge: Plain, stated: Plain, view: View, place: int) -> list[Block]:
    t = view.t
    name = t("invest.pledge", place=place, kind=view.kind(pledge), pledge_id=pledge["pledge_id"])
    said: list[Block] = [Heading(name), *_title(pledge, view), _facts(pledge, stated, view), _value(pledge, view)]
    said += [_steps(pledge, view), _haircuts(pledge, view), _valuations(pledge, stated, view)]
    if pledge["appraisal"].get("drivers"):
        said.append(_drivers(pledge, view))
    if pledge.get("stress"):
        said.append(_stress(pledge, view))
    said += [_gep(pledge, view), Note(t("gep.note"))]
    apart = differs(pledge["gep"], t)
    if apart:
        said.append(Note(apart, warning=True))
    if pledge.get("reasons"):
        said.append(reason_table(t("value.notes"), pledge["reasons"], view))
    return [*said, Note(t("invest.more"))]


def _title(pledge: Plain, view: View) -> list[Block]:
    """Whether the pledge passed its gates, and each refusal with the text it rests on."""
    t = view.t
    if pledge["eligible"]:
        return [Note(t("invest.eligible"))]
    why = []
    for hit in pledge["ineligible_reasons"]:
        behind = [f"{gate[view.lang]} ({_basis(gate, view)})" for gate in hit.get("because", [])]
        text = hit.get(view.lang) or hit["code"]
        why.append(f"{text} {hit['code']}" + (t("paper.colon") + t("paper.join").join(behind) if behind else ""))
    return [Note(t("value.ineligible"), warning=True), Lines(t("paper.why"), tuple(why))]


def _basis(gate: Plain, view: View) -> str:
    law = f"{title_of(gate['ref'], view.lang)} {article_words(gate.get('article') or '', view.lang)}".strip()
    return law or str(gate.get("rule") or "")


def _facts(pledge: Plain, stated: Plain, view: View) -> Block:
    """Fields of the pledge as stated, in the order of its papers; blank ones are left out."""
    listed = sorted(contract(str(pledge["kind"])).fields, key=lambda one: one.label_on_certificate is None)
    return sourced([
        view.fact(one, stated[one.name]) for one in listed
        if not one.group and one.name not in _OWN_PLACE and stated.get(one.name) is not None
    ])  # fmt: skip


def _value(pledge: Plain, view: View) -> Block:
    """Range, method, lending value and cap, expected recovery and the next valuation."""
    t, value, recovery = view.t, pledge["appraisal"], pledge["recovery"]
    by_method, by_rules = t("invest.by_method"), t("invest.by_rules", day=view.answer["provenance"]["rules_day"])
    method = str(value.get(f"approach_{view.lang}") or value["approach"] or formats.UNKNOWN)
    ref = f" ({title_of(value['ref'], view.lang)})" if value.get("ref") else ""
    facts = [
        Fact(t("value.approach"), method + ref, wide=True),
        *(view.money(t(f"value.{end}"), value[end], source=by_method, strong=end == "central")
          for end in ("low", "central", "high")),
        view.money(t("value.lending"), pledge["lending_value"], source=by_rules, strong=True),
        Fact(t("appraisal_report.lending_ratio"), part(pledge["lending_value"], value["central"]), source=by_rules),
        Fact(t("value.cap"), f"{view.number(pledge['cap']['ratio'], 'ratio')} ({pledge['cap']['rule']})",
             source=by_rules),
        view.money(t("value.recovery"), recovery["central"], source=by_rules),
        Fact(view.with_unit(t("invest.recovery_range"), view.unit("CNY")), view.span(recovery, "CNY")),
        *_sale(recovery, view), *_again(pledge, view),
    ]  # fmt: skip
    return sourced(facts)


def _sale(recovery: Plain, view: View) -> list[Fact]:
    """Lowest opening bids and months to the money; none in answers recorded before they were kept."""
    t = view.t
    shown = [view.money(t(f"appraisal_report.{name}"), recovery[name]) for name in ("first_auction", "second_auction")
             if recovery.get(name) is not None]  # fmt: skip
    months = recovery.get("months")
    if months:
        text = " / ".join(formats.brief(months[end], 0) for end in ("low", "central", "high"))
        shown.append(Fact(t("appraisal_report.months"), text))
    return shown


def _again(pledge: Plain, view: View) -> list[Fact]:
    """When the pledge is to be valued again, and the fall of prices that calls for it earlier."""
    again, t = pledge.get("revaluation"), view.t
    if again is None:
        return []
    return [
        Fact(t("invest.due"), formats.day(again["due_on"], view.lang)),
        Fact(t("invest.price_fall"), view.number(again["price_fall"], "ratio")),
    ]


def _steps(pledge: Plain, view: View) -> Block:
    t = view.t
    rows = tuple(
        (str(step.get(view.lang) or step["code"]), str(step.get("working") or ""),
         view.number(step["value"], str(step["unit"])), "" if step["unit"] == "ratio" else view.unit(str(step["unit"])))
        for step in pledge["appraisal"]["steps"]
    )  # fmt: skip
    head = (t("steps.step"), t("appraisal_report.working"), t("steps.value"), t("steps.unit"))
    return Table(t("invest.steps"), head, rows or ((t("paper.none"), "", "", ""),), (6, 8, 4, 4), (2,))


def _haircuts(pledge: Plain, view: View) -> Block:
    """Every haircut in the order taken, and the cap."""
    t = view.t
    rows = [(str(cut.get(view.lang) or cut["name"]), view.number(cut["ratio"], "ratio"), str(cut["rule"]))
            for cut in pledge["haircuts"]]  # fmt: skip
    rows.append((t("value.cap"), view.number(pledge["cap"]["ratio"], "ratio"), str(pledge["cap"]["rule"])))
    head = (t("value.haircut"), t("value.ratio"), t("value.rule"))
    return Table(t("value.haircuts"), head, tuple(rows), (9, 4, 9), (1,))


def _valuations(pledge: Plain, stated: Plain, view: View) -> Block:
    """The first, the last, the outside and this valuation, each with its day and the lending value as a part of it."""
    t = view.t
    found: list[tuple[str, Any, Any]] = [
        (name, stated[value], stated.get(day)) for name, value, day in _VALUATIONS if stated.get(value) is not None
    ]
    found.append(("this", pledge["appraisal"]["central"], view.answer["as_of"]))
    rows = tuple(
        (t(f"appraisal_report.valuation.{name}"), formats.day(day, view.lang), view.number(value, "CNY"),
         part(pledge["lending_value"], value))
        for name, value, day in found
    )  # fmt: skip
    head = (t("appraisal_report.valuations"), t("appraisal_report.valued_on"),
            view.with_unit(t("appraisal_report.amount"), view.unit("CNY")), t("appraisal_report.ratio"))  # fmt: skip
    return Table("", head, rows, (6, 6, 5, 5), (2, 3))


def _drivers(pledge: Plain, view: View) -> Block:
    t = view.t
    rows = tuple(
        (str(one[view.lang]), view.number(one["value_at_low"], "CNY"), view.number(one["value_at_high"], "CNY"))
        for one in pledge["appraisal"]["drivers"][:_MOST_DRIVERS]
    )
    head = (t("invest.driver"), t("invest.at_low"), t("invest.at_high"))
    return Table(view.with_unit(t("invest.drivers"), view.unit("CNY")), head, rows, (10, 6, 6), (1, 2))


def _stress(pledge: Plain, view: View) -> Block:
    t = view.t
    rows = tuple(
        (str(one[view.lang]), view.number(one["value"], "CNY"), view.number(one["lending_value"], "CNY"))
        for one in pledge["stress"]
    )
    head = (t("appraisal_report.scenario"), t("appraisal_report.stress_value"), t("value.lending"))
    return Table(view.with_unit(t("appraisal_report.stress"), view.unit("CNY")), head, rows, (10, 6, 6), (1, 2))


def _gep(pledge: Plain, view: View) -> Block:
    """Flows of the ecosystem: what the holder may sell, what a contract pays for, and what is public benefit."""
    t, gep, unit = view.t, pledge["gep"], view.unit("CNY/year")
    shown = [("entitled", "entitled_cny_per_year"), ("paid", "paid_cny_per_year"),
             ("public", "public_benefit_cny_per_year")]  # fmt: skip
    facts = [
        Fact(view.with_unit(t(f"appraisal_report.gep.{name}"), unit), view.number(gep[key], "CNY/year"))
        for name, key in shown if key in gep
    ]  # fmt: skip
    if gep.get("share_of_value") is not None:
        facts.append(Fact(t("appraisal_report.gep.share"), view.number(gep["share_of_value"], "ratio")))
    return sourced(facts)
