"""The decision sheet (审批意见表): one recorded decision on the form that the approvers sign."""

from __future__ import annotations

from eco_credit.reports import formats
from eco_credit.reports.appraisal_report import part
from eco_credit.reports.desk_form import letter
from eco_credit.reports.papers.common import by_hand, condition_lines, opinion, paper, person, reason_table, sign
from eco_credit.reports.papers.common import warnings as synthetic
from eco_credit.reports.papers.conclusion import ratio_of, risk_facts
from eco_credit.reports.papers.paper import Blank, Block, Fact, Note, Paper, Part, Table, Ticks, sourced
from eco_credit.reports.papers.record import Record, View

CHAIN = ("officer", "second", "branch", "reviewer", "committee", "approver")
"""Who signs a decision sheet, in order."""
OPINIONS = ("agree", "conditional", "again", "refuse")
"""What an approver may tick, in order."""
_CONSENT = ("credit_use", "credit_source", "consent_ref", "consent_on")
"""For what and by whose leave credit data was looked at, and where it is from."""
_TICKED = {"refer": "again", "decline": "refuse"}
"""Recorded decisions that stand for one box; an approval may be either of two, which the record does not tell."""


def decision_sheet(record: Record, *, lang: str = "zh") -> Paper:
    """The decision sheet of a recorded decision.

    Args:
        record: answer, request and people's decisions.
        lang: ``zh`` or ``en``.

    Returns:
        The paper.

    Raises:
        KeyError: the answer lacks a part that every answer has, or the language is unknown.

    Source:
        Items and chain of signatures after the decision sheets of banks; the recommendation of models and rules maps
        to 同意或有条件同意, 续议, 否决, and the person's decision is a record of its own.
    """
    view = View(record, lang)
    bodies = {
        "request": _request(view), "proposal": _proposal(view), "security": _security(view),
        "conditions": condition_lines(view), "basis": _basis(view), "opinion": _opinion(view),
    }  # fmt: skip
    parts = [Part("", tuple(_head(view)))]
    parts += [Part(view.t(f"decide.part.{name}"), tuple(body)) for name, body in bodies.items()]
    return paper(view, "decide", parts)


def _head(view: View) -> list[Block]:
    t, answer = view.t, view.answer
    facts = [
        Fact(t("memo.decision"), str(answer["decision_id"])),
        Fact(t("memo.application"), str(answer["application_id"])),
        Fact(t("memo.as_of"), formats.day(answer["as_of"], view.lang)),
        Fact(t("paper.recorded"), view.time(view.record.recorded_at)),
    ]
    return [*synthetic(view), sourced(facts), Note(t("paper.units"))]


def _request(view: View) -> list[Block]:
    """Who asks for what."""
    return [sourced([
        view.asked("borrower", "borrower_name", strong=True), *by_hand(view, "product"),
        view.asked("loan", "amount_requested", strong=True), *by_hand(view, "exposure"),
        view.asked("loan", "term_months"), view.asked("loan", "annual_rate"), view.asked("loan", "repayment"),
        view.asked("loan", "guarantee_mode"), view.asked("loan", "purpose", wide=True),
        *(view.asked("borrower", name) for name in _CONSENT),
    ])]  # fmt: skip


def _proposal(view: View) -> list[Block]:
    """What models and rules recommend, and what is left to the approver."""
    t, answer, limit = view.t, view.answer, view.answer["max_loan"]
    return [sourced([
        Fact(t("recommendation.title"), opinion(view, answer["recommendation"]), strong=True),
        view.money(t("recommendation.max_loan"), limit, strong=True),
        Fact(t("paper.in_yuan"), letter(limit)),
        Fact(t("recommendation.capitals"), formats.capitals(limit)),
        Fact(t("recommendation.rate_floor"), view.number(answer["rate_floor"], "ratio")),
        *by_hand(view, "lpr"),
        Fact(t("paper.ratio_asked"), ratio_of(view, view.loan.get("amount_requested"))),
        Fact(t("paper.ratio_limit"), ratio_of(view, limit)),
        *by_hand(view, "valid", "first_payout"),
    ]), Note(t("recommendation.person"))]  # fmt: skip


def _security(view: View) -> list[Block]:
    """Each pledge in a line: value, lending value, the part it is of the value, and its cap."""
    t, wan = view.t, view.unit("CNY")
    rows = []
    for pledge in view.answer["pledges"]:
        central = pledge["appraisal"]["central"]
        rows.append((
            f"{view.kind(pledge)} {pledge['pledge_id']}", t("gates.open" if pledge["eligible"] else "gates.closed"),
            view.number(central, "CNY"), view.number(pledge["lending_value"], "CNY"),
            part(pledge["lending_value"], central), view.number(pledge["cap"]["ratio"], "ratio"),
        ))  # fmt: skip
    head = (t("paper.pledge"), t("gates.title"), view.with_unit(t("paper.value"), wan),
            view.with_unit(t("value.lending"), wan), t("appraisal_report.lending_ratio"), t("value.cap"))  # fmt: skip
    return [Table("", head, tuple(rows), (7, 3, 4, 4, 4, 4), (2, 3, 4, 5))]




def _basis(view: View) -> list[Block]:
    """The evidence in short: risk in figures and the main reasons."""
    return [risk_facts(view), reason_table(view.t("reasons.title"), view.answer["reasons"], view)]


def _opinion(view: View) -> list[Block]:
    """The boxes to tick, what is recorded already, and who signs."""
    t, outcomes = view.t, view.record.outcomes
    ticked = _TICKED.get(outcomes[-1]["decided"]) if outcomes else None
    boxes = tuple((t(f"decide.opinion.{name}"), name == ticked) for name in OPINIONS)
    return [
        Ticks(t("decide.opinion.title"), boxes), Blank(t("decide.write.opinion"), 2), *person(view),
        sign(view, t("sign.title"), [t(f"decide.sign.{who}") for who in CHAIN]),
    ]  # fmt: skip
