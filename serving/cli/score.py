"""``eco-credit score`` and ``eco-credit appraise``: one application from a JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from eco_credit.core.errors import ContractError, Violation
from serving.cli.book import BookOption, book_at
from serving.cli.output import HomeOption, JsonOption, Language, emit, note, refuse, write_whole
from serving.cli.rules import OverlayOption
from serving.json_body import parse_json

MOST_DRIVERS = 2
"""Drivers named at a terminal; the report draws more."""
FileArgument = Annotated[Path, typer.Argument(help="Application as JSON (contract `application`).")]


def register(app: typer.Typer) -> None:
    """Add the commands ``score`` and ``appraise``."""
    app.command()(score)
    app.command()(appraise)


def read(file: Path) -> Any:
    """Read a JSON file with the same strict parser as the API.

    Raises:
        ContractError: there is no such file, or its text is not the JSON we accept.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise ContractError(
            [Violation("FILE", "readable", f"{file.name}: {reason}", f"{file.name}：无法读取")]
        ) from None
    return parse_json(data)


def score(
    file: FileArgument,
    home: HomeOption = None,
    overlay: OverlayOption = None,
    book: BookOption = None,
    json: JsonOption = False,
) -> None:
    """Score one application: the same answer as POST /v1/scores."""
    from eco_credit.scoring.doors import score as score_one

    answer = score_one(read(file), home=home, overlay=overlay, book=book_at(book))
    if json:
        emit(answer, True)
    else:
        emit(summary(answer), False)
        if answer["provenance"]["synthetic_model"]:
            note("the model was trained on SYNTHETIC data / 模型以合成数据训练")


def appraise(
    file: Annotated[Path, typer.Argument(help="Application, or one pledge as {as_of, term_months, pledge}, as JSON.")],
    overlay: OverlayOption = None,
    book: BookOption = None,
    report: Annotated[Path | None, typer.Option(metavar="OUT.html", help="Printable appraisal report.")] = None,
    lang: Annotated[Language, typer.Option(help="Language of the report.")] = Language.zh,
    json: JsonOption = False,
) -> None:
    """Appraise the pledges of an application only: the same answer as POST /v1/appraisals."""
    from eco_credit.rulebook import load
    from serving.pipeline import House

    if report is not None and report.suffix.lower() not in (".html", ".htm"):
        ending = Violation("--report", "file_ending", "a report is an .html file", "报告为 .html 文件")
        refuse(ContractError([ending]), json)
    raw, rulebook = read(file), load(overlay)
    answer = House().appraise(raw, rulebook, book_at(book) if book is not None else None)
    if report is not None:
        from eco_credit.reports.appraisal_report import appraisal_report  # templates are read only when asked for

        rules = rulebook.at(str(answer["as_of"]))
        write_whole(report, appraisal_report(answer, raw, lang=lang.value, rules=rules).encode())
    emit(answer if json else "\n".join(pledge_lines(p) for p in answer["pledges"]), json)


def _money(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def percent(value: float | None) -> str:
    """A ratio as percent with two decimals; a dash where unknown."""
    return "-" if value is None else f"{100 * value:.2f} %"


def _points(value: float | None) -> str:
    return "" if value is None else f" ({value:+.0f})"


def _refusal(reason: dict[str, Any]) -> str:
    """A refusal in words, with the gates behind it and the rule or article of each."""
    hit = "; ".join(f"{gate['en']} / {gate['zh']}, {_basis(gate)}" for gate in reason["because"])
    return f"{reason['code']} {reason['en']} / {reason['zh']} ({hit})"


def _basis(gate: dict[str, Any]) -> str:
    """The rule whose number decides, else the text and article."""
    return gate["rule"] or " ".join(filter(None, (gate["ref"], gate["article"])))


def pledge_lines(pledge: dict[str, Any]) -> str:
    """One pledge for a person at a terminal, in the order of the report: gates, value, steps, haircuts, stress."""
    gates = "; ".join(map(_refusal, pledge["ineligible_reasons"]))
    lines = [
        f"{pledge['pledge_id']} ({pledge['kind']}): {'eligible' if pledge['eligible'] else 'NOT eligible: ' + gates}",
        *_value_lines(pledge["appraisal"]),
        *(f"  haircut    {h['name']}: {percent(h['ratio'])}  ({h['rule']})" for h in pledge["haircuts"] if h["ratio"]),
        f"  lending value {_money(pledge['lending_value'])} CNY, "
        f"expected recovery {_money(pledge['recovery']['central'])} CNY",
        *_after_lines(pledge),
        *_gep_lines(pledge["gep"]),
    ]
    return "\n".join(lines)


def _value_lines(a: dict[str, Any]) -> list[str]:
    """Range and method, each step with its working, and the two drivers that matter most."""
    words = f"{a.get('approach_en', a['approach'])} / {a['approach_zh']}" if "approach_zh" in a else a["approach"]
    drivers = [
        f"  driver     {d['en']} / {d['zh']}: {_money(d['value_at_low'])} at its low end, "
        f"{_money(d['value_at_high'])} at its high end"
        for d in a.get("drivers", [])[:MOST_DRIVERS]
    ]
    return [
        f"  appraisal  {_money(a['low'])} .. {_money(a['central'])} .. {_money(a['high'])} CNY  ({words})",
        *(_step_line(s) for s in a["steps"] if s["value"] is not None),
        *drivers,
    ]


def _step_line(step: dict[str, Any]) -> str:
    working = f"  = {step['working']}" if step.get("working") else ""
    value = f"{step['value']:,.6f}".rstrip("0").rstrip(".")
    return f"  step       {step['en']} / {step['zh']}: {value} {step['unit']}{working}"


def _after_lines(pledge: dict[str, Any]) -> list[str]:
    """Stress, contradictions and the day of the next valuation, where the answer has them."""
    lines = [
        f"  stress     {s['en']} / {s['zh']}: value {_money(s['value'])} CNY, lending {_money(s['lending_value'])} CNY"
        for s in pledge.get("stress", [])
    ]
    lines += [f"  check      {f['en']} / {f['zh']}  ({f['rule']})" for f in pledge.get("flags", [])]
    if "revaluation" in pledge:
        lines.append(f"  value again by {pledge['revaluation']['due_on']}")
    return lines


def _gep_lines(gep: dict[str, Any]) -> list[str]:
    lines = [
        f"  GEP: the holder may sell {_money(gep['entitled_cny_per_year'])} CNY a year; public benefit "
        f"{_money(gep['public_benefit_cny_per_year'])} CNY a year (information only)"
    ]
    if gep.get("differs"):
        lines.append(
            f"  check      the value is {gep['norm_over_flows']:.2f} times the capitalised flows; "
            f"more than {gep['factor']:g} times apart / 评估值与收益资本化值相差过大"
        )
    return lines


def _beside_model(answer: dict[str, Any]) -> list[str]:
    """PD of the scorecard, where the policy hands the case over for it or for too few cases like it."""
    pd, codes = answer["pd"], {reason["code"] for reason in answer["reasons"]}
    if not codes & {"P09", "P10"} or pd["benchmark"] is None:
        return []
    told = f"  scorecard PD {percent(pd['benchmark'])}"
    if pd["benchmark_margin"] is not None:
        told += f", with margin of conservatism {percent(pd['benchmark'] + pd['benchmark_margin'])}"
    if pd["cell_loans"] is not None:
        told += f"; in training {pd['cell_loans']:.0f} loans, {pd['cell_defaults']:.0f} defaults of this kind and area"
    return [told]


def summary(answer: dict[str, Any]) -> str:
    """An answer in the order a loan officer reads: gates and value, limit, risk, reasons."""
    pd, lgd = answer["pd"], answer["lgd"]
    margin = pd["margin"]
    lines = [
        f"{answer['application_id']}  {answer['recommendation'].upper()}  limit {_money(answer['max_loan'])} CNY, "
        f"price floor {percent(answer['rate_floor'])}",
        *(pledge_lines(p) for p in answer["pledges"]),
        f"PD {percent(pd['value'])} ({percent(pd['low'])} .. {percent(pd['high'])}), LGD {percent(lgd['value'])}, "
        f"expected loss {percent(answer['expected_loss_rate'])}, score {answer['score']}, grade {answer['grade']}",
        f"PD with margins {percent(pd['with_margin'])} (A {percent(margin['a'])}, B {percent(margin['b'])}, "
        f"C {percent(margin['c'])}){'  ' + pd['flag'] if pd['flag'] else ''}",
        *(f"  {r['code']}{_points(r['points'])} {r['en']} / {r['zh']}" for r in answer["reasons"]),
        *_beside_model(answer),
        *(f"  condition: {c['en']} / {c['zh']}" for c in answer["conditions"]),
        f"decision {answer['decision_id']}",
    ]
    return "\n".join(lines)
