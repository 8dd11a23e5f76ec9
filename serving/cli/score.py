"""``eco-credit score`` and ``eco-credit appraise``: one application from a JSON file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from eco_credit.core.errors import ContractError, Violation
from serving.cli.output import HomeOption, JsonOption, emit, note
from serving.cli.rules import OverlayOption
from serving.json_body import parse_json

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


def score(file: FileArgument, home: HomeOption = None, overlay: OverlayOption = None, json: JsonOption = False) -> None:
    """Score one application: the same answer as POST /v1/scores."""
    from eco_credit.scoring.doors import score as score_one

    answer = score_one(read(file), home=home, overlay=overlay)
    if json:
        emit(answer, True)
    else:
        emit(summary(answer), False)
        if answer["provenance"]["synthetic_model"]:
            note("the model was trained on SYNTHETIC data / 模型以合成数据训练")


def appraise(file: FileArgument, overlay: OverlayOption = None, json: JsonOption = False) -> None:
    """Appraise the pledges of an application only: the same answer as POST /v1/appraisals."""
    from eco_credit.scoring.doors import appraise_application

    pledges = appraise_application(read(file), overlay=overlay)
    emit({"pledges": pledges} if json else "\n".join(pledge_lines(p) for p in pledges), json)


def _money(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def percent(value: float | None) -> str:
    """A ratio as percent with two decimals; a dash where unknown."""
    return "-" if value is None else f"{100 * value:.2f} %"


def _points(value: float | None) -> str:
    return "" if value is None else f" ({value:+.0f})"


def pledge_lines(pledge: dict[str, Any]) -> str:
    """One pledge for a person at a terminal: gates, value, haircuts, lending value."""
    a, gates = (
        pledge["appraisal"],
        "; ".join(f"{r['code']} {r['en']} / {r['zh']}" for r in pledge["ineligible_reasons"]),
    )
    lines = [
        f"{pledge['pledge_id']} ({pledge['kind']}): {'eligible' if pledge['eligible'] else 'NOT eligible: ' + gates}",
        f"  appraisal  {_money(a['low'])} .. {_money(a['central'])} .. {_money(a['high'])} CNY  ({a['approach']})",
        *(
            f"  step       {s['en']} / {s['zh']}: {s['value']:,} {s['unit']}"
            for s in a["steps"]
            if s["value"] is not None
        ),
        *(f"  haircut    {h['name']}: {percent(h['ratio'])}  ({h['rule']})" for h in pledge["haircuts"] if h["ratio"]),
        f"  lending value {_money(pledge['lending_value'])} CNY, "
        f"expected recovery {_money(pledge['recovery']['central'])} CNY",
        f"  GEP: the holder may sell {_money(pledge['gep']['entitled_cny_per_year'])} CNY a year; public benefit "
        f"{_money(pledge['gep']['public_benefit_cny_per_year'])} CNY a year (information only)",
    ]
    return "\n".join(lines)


def summary(answer: dict[str, Any]) -> str:
    """An answer in the order a loan officer reads: gates and value, limit, risk, reasons."""
    pd, lgd = answer["pd"], answer["lgd"]
    lines = [
        f"{answer['application_id']}  {answer['recommendation'].upper()}  limit {_money(answer['max_loan'])} CNY, "
        f"price floor {percent(answer['rate_floor'])}",
        *(pledge_lines(p) for p in answer["pledges"]),
        f"PD {percent(pd['value'])} ({percent(pd['low'])} .. {percent(pd['high'])}), LGD {percent(lgd['value'])}, "
        f"expected loss {percent(answer['expected_loss_rate'])}, score {answer['score']}, grade {answer['grade']}",
        *(f"  {r['code']}{_points(r['points'])} {r['en']} / {r['zh']}" for r in answer["reasons"]),
        *(f"  condition: {c['en']} / {c['zh']}" for c in answer["conditions"]),
        f"decision {answer['decision_id']}",
    ]
    return "\n".join(lines)
