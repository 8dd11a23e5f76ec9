"""Parts seven to nine of the investigation memo: risks, return, conclusion."""

from __future__ import annotations

from eco_credit.reports import formats
from eco_credit.reports.appraisal_report import part
from eco_credit.reports.desk_form import letter
from eco_credit.reports.page import SIGNERS
from eco_credit.reports.papers.common import by_hand, condition_lines, opinion, person, provenance, reason_table, sign
from eco_credit.reports.papers.paper import Blank, Block, Fact, Note, sourced
from eco_credit.reports.papers.record import View


def closing(view: View) -> list[list[Block]]:
    """The last three parts, in order."""
    return [_risk(view), _return(view), _conclusion(view)]


def risk_facts(view: View) -> Block:
    """Score, grade, PD, LGD, regulatory LGD and expected loss, with their ranges."""
    t, answer = view.t, view.answer
    pd, lgd = answer["pd"], answer["lgd"]
    by_model = t("invest.by_model", models=view.models())
    months = formats.brief(pd["horizon_months"], 0)
    return sourced([
        Fact(t("risk.score"), formats.brief(answer["score"], 0), source=by_model),
        Fact(t("risk.grade"), str(answer["grade"] or formats.UNKNOWN), source=by_model, strong=True),
        Fact(t("risk.pd_of", months=months), view.number(pd["value"], "ratio"), source=by_model, strong=True),
        Fact(t("invest.pd_range"), view.span(pd, "ratio"), source=by_model),
        *_beside(view, by_model),
        Fact(t("risk.lgd"), view.number(lgd["value"], "ratio"), source=by_model),
        Fact(t("invest.lgd_range"), view.span(lgd, "ratio"), source=by_model),
        Fact(t("risk.regulatory_lgd"), view.number(answer["regulatory_lgd"], "ratio"),
             source=t("invest.by_rules", day=answer["provenance"]["rules_day"])),
        Fact(t("risk.expected_loss"), view.number(answer["expected_loss_rate"], "ratio"), source=by_model),
    ])  # fmt: skip


def _beside(view: View, source: str) -> list[Fact]:
    """The model beside this one with its margin, where the case goes to a person because of it (P09, P10)."""
    pd, t = view.answer["pd"], view.t
    asked = {"P09", "P10"} & {reason["code"] for reason in view.answer["reasons"]}
    if not asked or pd.get("benchmark") is None:
        return []
    said = [view.number(pd["benchmark"], "ratio")]
    if pd.get("benchmark_margin") is not None:
        more = view.number(pd["benchmark"] + pd["benchmark_margin"], "ratio")
        said.append(t("risk.benchmark_margin", value=more, margin=view.number(pd["benchmark_margin"], "ratio")))
    if pd.get("cell_loans") is not None:
        loans, defaults = (formats.brief(pd[name], 0) for name in ("cell_loans", "cell_defaults"))
        said.append(t("risk.cell", loans=loans, defaults=defaults))
    return [Fact(t("risk.benchmark"), "; ".join(said), source=source)]


def ratio_of(view: View, amount: float | None) -> str:
    """An amount as a part of the central value of all pledges: loan-to-value (抵质押率)."""
    whole = sum(pledge["appraisal"]["central"] or 0.0 for pledge in view.answer["pledges"])
    return part(amount, whole)


def _risk(view: View) -> list[Block]:
    t = view.t
    said: list[Block] = [risk_facts(view), reason_table(t("reasons.title"), view.answer["reasons"], view)]
    if view.answer["out_of_scope"]:
        said.insert(0, Note(t("invest.out_of_scope"), warning=True))
    return [*said, Note(t("risk.note")), Blank(t("invest.write.risks"), 3)]


def _return(view: View) -> list[Block]:
    t, answer = view.t, view.answer
    facts = [
        view.asked("loan", "annual_rate"),
        Fact(t("recommendation.rate_floor"), view.number(answer["rate_floor"], "ratio"), strong=True,
             source=t("invest.by_rules", day=answer["provenance"]["rules_day"])),
        Fact(t("risk.expected_loss"), view.number(answer["expected_loss_rate"], "ratio"),
             source=t("invest.by_model", models=view.models())),
        *by_hand(view, "deposits", "fees", "capital_return"),
    ]  # fmt: skip
    return [sourced(facts), Blank(t("invest.write.return"))]


def _conclusion(view: View) -> list[Block]:
    """Nine: what is recommended, the conditions, what a person decided, and who signs."""
    t = view.t
    return [
        sourced(recommended(view)), Note(t("recommendation.person")), *condition_lines(view),
        Blank(t("invest.write.conclusion"), 3), *person(view),
        sign(view, t("sign.title"), [t(f"sign.{who}") for who in SIGNERS]),
        provenance(view),
    ]  # fmt: skip


def recommended(view: View) -> list[Fact]:
    """Kind, currency, amount, term, rate, security, repayment and pre-classification as recommended."""
    t, answer = view.t, view.answer
    limit = answer["max_loan"]
    return [
        Fact(t("recommendation.title"), opinion(view, answer["recommendation"]), strong=True),
        *by_hand(view, "product"),
        Fact(t("paper.currency"), t("paper.yuan")),
        view.money(t("recommendation.max_loan"), limit, strong=True),
        Fact(t("paper.in_yuan"), letter(limit)),
        Fact(t("recommendation.capitals"), formats.capitals(limit)),
        view.asked("loan", "term_months"),
        Fact(t("recommendation.rate_floor"), view.number(answer["rate_floor"], "ratio")),
        view.asked("loan", "guarantee_mode"), view.asked("loan", "repayment"),
        Fact(t("paper.ratio_asked"), ratio_of(view, view.loan.get("amount_requested"))),
        Fact(t("paper.ratio_limit"), ratio_of(view, limit)),
        *by_hand(view, "pre_class"),
    ]  # fmt: skip
