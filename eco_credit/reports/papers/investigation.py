"""The investigation memo (授信调查报告): one recorded decision in the nine parts of a bank's house rule.

How it was checked → the customer → credit record → finance and business → the facility → security → risks → return →
conclusion. Figures are those of the record; what only a person can know is a labelled blank. Nothing is computed but
the requested amount as a part of the appraised value, as the appraisal report prints it.
"""

from __future__ import annotations

from collections import defaultdict

from eco_credit.contracts import Field, contract
from eco_credit.reports import formats
from eco_credit.reports.papers.common import by_hand, paper, reason_table, warnings
from eco_credit.reports.papers.conclusion import closing
from eco_credit.reports.papers.paper import Blank, Block, Fact, Lines, Note, Paper, Part, Table, Ticks, sourced
from eco_credit.reports.papers.record import Record, View, source_words
from eco_credit.reports.papers.security import security
from eco_credit.reports.sheet import gates

_CUSTOMER = ("borrower_name", "borrower_kind", "id_type", "id_no", "area_code", "address", "industry_code",
             "years_in_trade", "size_class", "employees", "is_first_loan", "relation_group")  # fmt: skip
_CREDIT = ("credit_consent", "consent_ref", "consent_on", "credit_use", "credit_source", "credit_report_on",
           "overdue_max_24m", "bad_record", "bad_record_ended_on", "litigation", "other_debt",
           "external_guarantee")  # fmt: skip
_FINANCE = ("net_cash_in_year", "revenue", "total_assets")
_FACILITY = ("amount_requested", "term_months", "annual_rate", "repayment", "purpose_industry", "guarantee_mode",
             "guarantee_cover", "control_account", "green_flag", "green_catalogue")  # fmt: skip
_CREDIT_CODES = "C"
"""Reason codes about the borrower begin with it."""


def investigation_memo(record: Record, *, lang: str = "zh") -> Paper:
    """The investigation memo of a recorded decision.

    Args:
        record: answer, request and people's decisions.
        lang: ``zh`` or ``en``.

    Returns:
        The paper, for :func:`~eco_credit.reports.papers.html.to_html` or
        :func:`~eco_credit.reports.papers.pdf.to_pdf`.

    Raises:
        KeyError: the answer lacks a part that every answer has, or the language is unknown.

    Source:
        Nine parts, cover and house rules (ten thousand yuan, unanswered items with their reason, a source to each key
        figure) after bank rules for credit investigation.
    """
    view = View(record, lang)
    bodies = [
        _checked(view), _customer(view), _credit(view), _finance(view), _facility(view), security(view),
        *closing(view),
    ]  # fmt: skip
    parts = [Part("", tuple(_cover(view)))]
    parts += [Part(view.t(f"invest.part.{place}"), tuple(body)) for place, body in enumerate(bodies, 1)]
    return paper(view, "invest", parts)


def _cover(view: View) -> list[Block]:
    """Numbers, names and blanks of the cover, the declaration of the investigators and the reviewer's tick."""
    t, answer = view.t, view.answer
    facts = [
        Fact(t("memo.decision"), str(answer["decision_id"])),
        Fact(t("memo.application"), str(answer["application_id"])),
        view.asked("borrower", "borrower_name", strong=True),
        Fact(t("memo.as_of"), formats.day(answer["as_of"], view.lang)),
        Fact(t("paper.recorded"), view.time(view.record.recorded_at)),
        *by_hand(view, "branch", "team", "officer", "phone"),
    ]
    return [
        *warnings(view), sourced(facts), Note(t("paper.units")), Note(t("invest.declaration")),
        sourced(by_hand(view, "investigator_a", "investigator_b")),
        Ticks(t("invest.second_look"), ((t("invest.unreserved"), False), (t("invest.reserved"), False))),
    ]  # fmt: skip


def _checked(view: View) -> list[Block]:
    """One: how it was checked, papers behind the figures, what is not stated, what contradicts."""
    t = view.t
    ways = tuple((t(f"invest.way.{way}"), False) for way in ("site", "talk", "query", "third"))
    rows = tuple((name, matters, "", "") for name, matters in _papers(view).items())
    head = (t("invest.paper"), t("invest.supports"), t("invest.checked_how"), t("invest.checked_by"))
    blank = [(one, "") for one in _not_stated(view)]
    said: list[Block] = [
        Ticks(t("invest.ways"), ways), sourced(by_hand(view, "visited_on", "visited_place", "met")),
        Note(t("invest.as_stated")), Table(t("invest.papers"), head, rows, (5, 9, 4, 4)),
    ]  # fmt: skip
    if blank:
        said.append(Table(t("invest.unanswered"), (t("paper.item"), t("invest.why_not")), tuple(blank), (8, 14)))
    flags = [
        f"{pledge['pledge_id']}{t('paper.colon')}{flag[view.lang]} ({flag['rule']})"
        for pledge in view.answer["pledges"]
        for flag in pledge.get("flags", [])
    ]
    if flags:
        said.append(Lines(t("invest.contradictions"), tuple(flags)))
    return [*said, Blank(t("invest.not_verified"))]


def _papers(view: View) -> dict[str, str]:
    """Each paper that a stated figure is from, with the labels of those figures."""
    behind: dict[str, list[str]] = defaultdict(list)
    for one, value in _stated(view):
        if value is None:
            continue
        for source in (one.source or "").split(","):
            name, matter = source_words(source, view.lang), view.name(one)
            if name and matter not in behind[name]:
                behind[name].append(matter)
    return {name: view.t("paper.join").join(matters) for name, matters in behind.items()}


def _stated(view: View) -> list[tuple[Field, object]]:
    """Fields of borrower, loan and pledges with what the application says."""
    application = view.record.application
    asked = [(one, view.stated(group, one.name)) for (group, _), one in view.fields.items()
             if group in ("borrower", "loan")]  # fmt: skip
    for pledge in application.get("pledges", []):
        asked += [(one, pledge.get(one.name)) for one in contract(str(pledge["kind"])).fields if not one.group]
    return asked


def _not_stated(view: View) -> list[str]:
    """Labels of borrower and loan that the application leaves blank."""
    return [
        view.labelled(one) for (group, name), one in view.fields.items()
        if group in ("borrower", "loan") and view.stated(group, name) is None
    ]  # fmt: skip


def _customer(view: View) -> list[Block]:
    """Two: the customer and whether it may borrow here."""
    t = view.t
    rows = [
        (gate["name"], t("gates.open") if gate["open"] else t("gates.closed"),
         t("paper.join").join(f"{why['text']} {why['code']}".strip() for why in gate["why"]))
        for gate in gates(view.answer, lang=view.lang, t=t)
    ]  # fmt: skip
    return [
        sourced([view.asked("borrower", name) for name in _CUSTOMER]),
        Table(t("gates.title"), (t("paper.item"), t("paper.result"), t("paper.why")), tuple(rows), (7, 3, 12)),
        Blank(t("invest.write.standing")),
    ]


def _credit(view: View) -> list[Block]:
    """Three: credit record, with the reasons about the borrower."""
    t = view.t
    about = [one for one in view.answer["reasons"] if str(one.get("code", "")).startswith(_CREDIT_CODES)]
    return [
        sourced([*(view.asked("borrower", name) for name in _CREDIT), *by_hand(view, "report_on", "five_class")]),
        reason_table(t("invest.credit_reasons"), about, view),
        Blank(t("invest.write.lines"), 3),
    ]


def _finance(view: View) -> list[Block]:
    """Four: finance, business, sector."""
    t = view.t
    head = (t("paper.item"), t("invest.year_before_last"), t("invest.last_year"), t("invest.this_period"))
    rows = tuple((t(f"invest.account.{name}"), "", "", "") for name in ("assets", "debt", "revenue", "profit", "cash"))
    return [
        sourced([view.asked("borrower", name) for name in _FINANCE]),
        Table(view.with_unit(t("invest.accounts"), view.unit("CNY")), head, rows, (6, 5, 5, 5)),
        Blank(t("invest.write.business")), Blank(t("invest.write.sector")),
    ]  # fmt: skip


def _facility(view: View) -> list[Block]:
    """Five: the facility, what repays it, and why it is needed."""
    facts = [view.asked("loan", name, strong=name == "amount_requested") for name in _FACILITY]
    words = [view.asked("loan", name, wide=True) for name in ("purpose", "first_source")]
    return [sourced([*facts, *words]), Blank(view.t("invest.write.need"), 3), Blank(view.t("invest.write.cash"), 3)]

